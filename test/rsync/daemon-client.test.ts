import { readFileSync } from 'node:fs'
import t from 'tap'
import { ProtocolError, StartupError, WireError } from '../../lib/base/errors.js'
import { daemonServerArgs, encodeHidden, seclude } from '../../lib/options/remote.js'
import { type Joining, joinDaemon } from '../../lib/rsync/daemon-client.js'
import { LineLink } from '../../lib/rsync/line-link.js'
import { encodeArguments } from '../../lib/wire/greeting.js'
import { projectFile } from '../support/project.js'
import { scriptedLink } from '../support/scripted-link.js'

const never = new AbortController().signal
const golden = (name: string, way: string): Buffer =>
  readFileSync(projectFile(`fixtures/transcripts/daemon-${name}/to-${way}.bin`))

function want(of: Partial<Joining>, texts: string[] = []): Joining {
  return {
    module: '',
    protocol: 32,
    user: 'joe',
    password: async () => 'pw',
    earlyInput: null,
    onText: (line) => texts.push(line),
    ...of,
  }
}

t.test('recorded sessions: the same bytes up to the arguments', async (t) => {
  const options = ['--server', '--sender', '-tre.iLsfxCIvu', '--checksum-seed=1', '.']
  const cases: [string, string, string][] = [
    ['pull', 'mod', encodeArguments(daemonServerArgs([...options, 'mod/f']), 32)],
    [
      'push',
      'mod',
      encodeArguments(['--server', '-tre.iLsfxCIvu', '--checksum-seed=1', '.', 'mod/up'], 32),
    ],
    ['auth-pull', 'sec', encodeArguments(daemonServerArgs([...options, 'sec/f']), 32)],
    [
      'secluded-pull',
      'mod',
      secluded(['--server', '--sender', '-stre.iLsfxCIvu', ...options.slice(3), 'mod/f']),
    ],
  ]
  for (const [name, module, args] of cases) {
    const script = scriptedLink(golden(name, 'client'))
    const link = new LineLink(script)
    const texts: string[] = []
    t.same(await joinDaemon(link, want({ module }, texts), never), {
      kind: 'joined',
      protocol: 32,
      theirs: 32,
    })
    await link.say(args, never)
    const said = Buffer.from(script.said())
    t.equal(
      said.toString('latin1'),
      golden(name, 'server').toString('latin1', 0, said.length),
      name,
    )
    t.same(texts, ['Welcome!', ''])
    const next = await link.read(never)
    t.equal((next?.[0] ?? 0) & 0x80, 0x80, 'compatibility flags are what comes next')
  }
})
function secluded(args: readonly string[]): string {
  const { shown, hidden } = seclude(args)
  return encodeArguments(shown, 32) + encodeHidden(hidden)
}

t.test('recorded sessions that lead nowhere', async (t) => {
  const texts: string[] = []
  const list = scriptedLink(golden('list', 'client'))
  t.same(await joinDaemon(new LineLink(list), want({}, texts), never), { kind: 'listed' })
  t.same(texts, ['Welcome!', '', 'mod            \ta module', 'sec            \t'])
  t.same(Buffer.from(list.said()), golden('list', 'server'))
  const refused: [string, string, RegExp][] = [
    ['nomod', 'nosuch', /^@ERROR: Unknown module 'nosuch'$/],
    ['auth-fail', 'sec', /^@ERROR: auth failed on module sec$/],
  ]
  for (const [name, module, message] of refused) {
    const link = new LineLink(scriptedLink(golden(name, 'client')))
    const joining = joinDaemon(link, want({ module }), never)
    await t.rejects(joining, { name: 'StartupError', message })
  }
})

t.test('early input goes before the module', async (t) => {
  const script = scriptedLink(Buffer.from('@RSYNCD: 31.0\n@RSYNCD: OK\n'))
  await joinDaemon(
    new LineLink(script),
    want({ module: 'm', earlyInput: Buffer.from('a\nb') }),
    never,
  )
  t.match(Buffer.from(script.said()).toString(), /\n#early_input=3\na\nbm\n$/)
})

t.test('a daemon that is none, or too old, or never ends', async (t) => {
  const cases: [string, string, new (m: string) => Error][] = [
    ['garbage', 'SSH-2.0-x\n', StartupError],
    ['an error at once', '@ERROR: busy\n', StartupError],
    ['no subprotocol', '@RSYNCD: 31\n', StartupError],
    ['no digests', '@RSYNCD: 32.0\n', StartupError],
    ['too old', '@RSYNCD: 26\n', ProtocolError],
    ['gone at once', '', StartupError],
    ['gone after its greeting', '@RSYNCD: 31.0\n', StartupError],
    ['no digest in common', '@RSYNCD: 32.0 sha3\n@RSYNCD: AUTHREQD x\n', StartupError],
    ['NUL', '@RSYNCD: 31.0\na\0b\n', WireError],
    ['an endless line', `@RSYNCD: 31.0\n${'x'.repeat(10_000)}`, WireError],
    ['endless lines', `@RSYNCD: 31.0\n${'\n'.repeat(100_001)}`, StartupError],
  ]
  for (const [name, said, error] of cases) {
    const link = new LineLink(scriptedLink(Buffer.from(said), 4096))
    await t.rejects(joinDaemon(link, want({ module: 'm' }), never), error, name)
  }
})
