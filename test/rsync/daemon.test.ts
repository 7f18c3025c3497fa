import { readFileSync } from 'node:fs'
import t from 'tap'
import type { AuthDigest } from '../../lib/hash/auth-digest.js'
import type { Clock, Link } from '../../lib/host.js'
import { systemClock } from '../../lib/io/clock.js'
import {
  type Choice,
  type DaemonDesk,
  type DaemonRequest,
  receiveClient,
} from '../../lib/rsync/daemon.js'
import { judgeLogin } from '../../lib/rsync/daemon-auth.js'
import { LineLink } from '../../lib/rsync/line-link.js'
import { linkPair } from '../support/links.js'
import { ManualClock } from '../support/manual-clock.js'
import { projectFile } from '../support/project.js'
import { scriptedLink } from '../support/scripted-link.js'

const never = new AbortController().signal
const golden = (name: string, way: string): Buffer =>
  readFileSync(projectFile(`fixtures/transcripts/daemon-${name}/to-${way}.bin`))
const HELLO = '@RSYNCD: 32.0 sha512 sha256 sha1 md5 md4\n'

type Desk = DaemonDesk<string> & { readonly lines: string[] }

function desk(of: Partial<DaemonDesk<string>> = {}, timeout = 0): Desk {
  const lines: string[] = []
  return {
    lines,
    client: 'somebody (192.0.2.1)',
    motd: 'Welcome!\n',
    modules: () => [
      { name: 'mod', comment: 'a module' },
      { name: 'sec', comment: '' },
    ],
    choose: async (name): Promise<Choice<string>> =>
      name === 'mod' || name === 'sec'
        ? {
            kind: 'open',
            module: name,
            terms: { name, needsLogin: name === 'sec', digestFloor: '', timeout },
          }
        : { kind: 'refused', text: `Unknown module '${name}'` },
    challenge: () => 'challenge',
    judge: (_module, login, challenge, digest) =>
      judgeLogin({
        ...{ login, challenge, digest, rules: 'joe' },
        secrets: { text: 'joe:pw\n' },
        groupsOf: () => [],
      }),
    enter: async () => null,
    log: (line) => lines.push(line),
    ...of,
  }
}

type Heard = {
  readonly request: DaemonRequest<string> | null
  readonly said: string
  readonly lines: readonly string[]
}

async function hear(script: string | Uint8Array, at = desk(), step = 7): Promise<Heard> {
  const link = scriptedLink(
    typeof script === 'string' ? Buffer.from(script, 'latin1') : script,
    step,
  )
  const request = await receiveClient(new LineLink(link), at, systemClock, never)
  return { request, said: Buffer.from(link.said()).toString('latin1'), lines: at.lines }
}

t.test('recorded sessions: the same bytes until the transfer begins', async (t) => {
  const options = ['--server', '--sender', '-tre.iLsfxCIvu', '--checksum-seed=1', '.']
  const cases: [string, readonly string[] | null][] = [
    ['list', null],
    ['nomod', null],
    ['auth-fail', null],
    ['pull', [...options, 'f']],
    ['push', ['--server', '-tre.iLsfxCIvu', '--checksum-seed=1', '.', 'up']],
    ['auth-pull', [...options, 'f']],
    ['secluded-pull', ['--server', '--sender', '-stre.iLsfxCIvu', '--checksum-seed=1', '.', 'f']],
  ]
  for (const [name, argv] of cases) {
    const recorded = golden(name, 'client').toString('latin1')
    const challenge = /AUTHREQD (\S+)/.exec(recorded)?.[1] ?? ''
    const { request, said } = await hear(
      golden(name, 'server'),
      desk({ challenge: () => challenge }),
    )
    t.equal(said, recorded.slice(0, said.length), name)
    const end = recorded.indexOf('@RSYNCD: OK\n')
    t.equal(said.length, end < 0 ? recorded.length : end + 12, `${name}: all of it`)
    t.same(request?.argv ?? null, argv, `${name}: arguments`)
  }
})

t.test('what a client is told, in rsync 3.5.0 words', async (t) => {
  const cases: [string, string][] = [
    [`${HELLO}#foo\n`, "@ERROR: Unknown command '#foo'\n"],
    [`${HELLO}#early_input=0\n`, '@ERROR: invalid early_input length\n'],
    [`${HELLO}#early_input=9000\n`, '@ERROR: invalid early_input length\n'],
    ['garbage\n', '@ERROR: protocol startup error\n'],
    ['@RSYNCD: 31\n', '@ERROR: your client omitted the subprotocol value: @RSYNCD: 31\n'],
    ['@RSYNCD: 32.0\n', '@ERROR: your client omitted the digest name list: @RSYNCD: 32.0\n'],
    [
      '@RSYNCD: 32.0 foo\nsec\n',
      '@ERROR: your client does not support one of our daemon-auth checksums: sha512 sha256 sha1 md5 md4\n',
    ],
    [`${HELLO}sec\njoe\n`, '@RSYNCD: AUTHREQD challenge\n@ERROR: auth failed on module sec\n'],
    [`${HELLO}sec\njoe x\n`, '@RSYNCD: AUTHREQD challenge\n@ERROR: auth failed on module sec\n'],
    [`${HELLO}MOD\n`, "@ERROR: Unknown module 'MOD'\n"],
    [`${HELLO}mod/f\n`, "@ERROR: Unknown module 'mod/f'\n"],
    [`${HELLO}mo\0d\n`, ''],
    [`${HELLO}${'x'.repeat(1025)}\n`, ''],
    ['', ''],
  ]
  for (const [script, expected] of cases) {
    const { request, said } = await hear(script)
    t.equal(request, null)
    t.equal(said, `${HELLO}Welcome!\n\n${expected}`, JSON.stringify(script.slice(0, 60)))
  }
})

t.test('digests of old clients', async (t) => {
  const digests: AuthDigest[] = []
  const at = desk({
    challenge: (digest) => {
      digests.push(digest)
      return 'c'
    },
  })
  for (const hello of ['@RSYNCD: 32.0 md4 sha1\n', '@RSYNCD: 31.0\n', '@RSYNCD: 29\n'])
    await hear(`${hello}sec\njoe x\n`, at)
  t.same(digests, ['sha1', 'md5', 'md4-old'])
  const weak = desk({
    choose: async () => ({
      ...{ kind: 'open', module: 'sec' },
      terms: { name: 'sec', needsLogin: true, digestFloor: 'sha256', timeout: 0 },
    }),
  })
  const { said, lines } = await hear('@RSYNCD: 31.0 sha1 md5\nsec\njoe x\n', weak)
  t.match(said, /\n@ERROR: auth failed on module sec\n$/)
  t.notMatch(said, /AUTHREQD/)
  t.match(lines, [/sha1 is weaker than sha256/])
})

t.test('arguments of all ages', async (t) => {
  const joined = `${HELLO}mod\n`
  const cases: [string, string, readonly string[]][] = [
    ['quoted options', `${joined}--server\0a\\ b\0.\0mod/x y\0\0`, ['--server', 'a b', '.', 'x y']],
    ['the module itself', `${joined}--server\0.\0mod/\0mod\0\0`, ['--server', '.', '.', '.']],
    [
      'upwards',
      `${joined}--server\0.\0mod/../../etc/\0mod/a/../../b\0mod/..\0\0`,
      [...['--server', '.', 'etc/', 'b', '.']],
    ],
    [
      'absolute',
      `${joined}--server\0.\0mod//etc/./x/\0/abs\0\0`,
      ['--server', '.', 'etc/./x/', 'abs'],
    ],
    ['another module', `${joined}--server\0.\0sec/x\0\0`, ['--server', '.', 'sec/x']],
    ['lines', '@RSYNCD: 29\nmod\n--server\n.\nmod/a mod/b\n\n', ['--server', '.', 'a', 'b']],
    [
      'secluded',
      `${joined}--server\0-se.x\0\0rsync\0--x\0.\0mod/a mod/b\0\0`,
      [...['--server', '-se.x', '--x', '.', 'a mod/b']],
    ],
    [
      'an s that means nothing',
      `${joined}--server\0-e.s\0.\0mod/\0\0`,
      ['--server', '-e.s', '.', '.'],
    ],
    ['no paths', `${joined}--server\0--help\0\0`, ['--server', '--help']],
  ]
  for (const [name, script, argv] of cases) {
    const { request } = await hear(script, desk(), 3)
    t.same(request?.argv, argv, name)
  }
  const early = await hear(`${HELLO}#early_input=4\na\n\0bmod\n--server\0.\0mod/\0\0`)
  t.equal(Buffer.from(early.request?.earlyInput ?? []).toString(), 'a\n\0b')
  t.same(early.request?.asked, ['mod/'])
})

t.test('arguments without end', async (t) => {
  const many = await hear(`${HELLO}mod\n${'-v\0'.repeat(100_001)}\0`, desk(), 1 << 20)
  t.match([many.request, many.lines], [null, [/more than 100000 arguments/]])
  const long = await hear(`${HELLO}mod\n${'x'.repeat(3 << 20)}`, desk(), 1 << 16)
  t.match([long.request, long.lines], [null, [/more than 2097152 bytes/]])
  const broken = await hear(`${HELLO}mod\n--server\0.\0mod/`)
  t.equal(broken.request, null)
  const nul = await hear('@RSYNCD: 29\nmod\n--ser\0ver\n.\n\n')
  t.match([nul.request, nul.lines], [null, [/NUL/]])
})

t.test('slow clients, byte by byte', async (t) => {
  const slowly = async (
    script: string,
    everyMs: number,
    clock: ManualClock,
    timeout: number,
  ): Promise<{
    request: DaemonRequest<string> | null
    ms: number
    lines: readonly string[]
  }> => {
    const at = desk({}, timeout)
    const [ours, theirs] = linkPair()
    const begun = clock.monotonic()
    const talk = async (): Promise<void> => {
      for (const c of script) {
        await theirs.write(Buffer.from(c, 'latin1'), never)
        await clock.sleep(everyMs, never)
      }
    }
    void talk().catch(() => {})
    const request = await clock.until(receiveClient(new LineLink(ours), at, clock, never), 1e7)
    return { request, ms: clock.monotonic() - begun, lines: at.lines }
  }
  const greeting = await slowly('@'.repeat(900), 1000, new ManualClock(), 0)
  t.match(greeting, { request: null, ms: 60_000, lines: [/60 seconds/] })
  const words = `${HELLO}mod\n${'-v\0'.repeat(40_000)}`
  const quickly = HELLO.length + 4
  const args = await slowly(words, 20, new ManualClock(), 0)
  t.equal(args.request, null)
  t.ok(args.ms > 60_000 && args.ms <= 60_000 + quickly * 20 + 20, `${args.ms}`)
  const sooner = await slowly(words, 20, new ManualClock(), 7)
  t.match(sooner.lines, [/7 seconds/])
})

t.test('the run is stopped while a client says nothing', async (t) => {
  const run = new AbortController()
  const [ours] = linkPair()
  const clock: Clock = new ManualClock()
  const hearing = receiveClient(new LineLink(ours as Link), desk(), clock, run.signal)
  run.abort(new Error('enough'))
  await t.rejects(hearing, { message: 'enough' })
})
