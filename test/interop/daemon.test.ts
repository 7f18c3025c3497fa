/** prsync's daemon with rsync's and prsync's clients: list, pull, push, passwords, what is refused. */
import { execFile, spawn, spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { makeTree } from '../support/odd-trees.js'
import { freePort, listening } from '../support/ports.js'
import { PROGRAM } from '../support/program.js'
import { noRsyncAsRoot } from '../support/real-rsync.js'

const run = promisify(execFile)
type Result = { readonly code: number; readonly out: string; readonly err: string }

async function client(words: readonly string[], password = ''): Promise<Result> {
  const [program = '', ...args] = words
  const env = { ...process.env, RSYNC_PASSWORD: password }
  try {
    const { stdout, stderr } = await run(program, args, { env, timeout: 30_000 })
    return { code: 0, out: stdout, err: stderr }
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
    return { code, out: stdout, err: stderr }
  }
}

t.test('a daemon and its clients', { skip: noRsyncAsRoot }, async (t) => {
  const home = mkdtempSync(join(tmpdir(), 'prsync-daemon-'))
  makeTree(join(home, 's'), 11, false)
  mkdirSync(join(home, 'w'))
  mkdirSync(join(home, 'links', 'd'), { recursive: true })
  mkdirSync(join(home, 'beside'))
  writeFileSync(join(home, 'links', 'd', 'f'), 'inside')
  writeFileSync(join(home, 'beside', 'f'), 'outside')
  for (const [to, name] of [
    ['../beside', 'away'],
    ['../beside/f', 'file'],
    ['d', 'near'],
    ['d/f', 'same'],
  ] as const)
    symlinkSync(to, join(home, 'links', name))
  const port = await freePort()
  writeFileSync(join(home, 'secrets'), 'joe:pw\n', { mode: 0o600 })
  writeFileSync(
    join(home, 'rsyncd.conf'),
    `uid = root
gid = root
use chroot = no
[m]
path = ${home}/s
comment = a module
[w]
path = ${home}/w
read only = no
munge symlinks = no
[a]
path = ${home}/s
auth users = joe
secrets file = ${home}/secrets
[l]
path = ${home}/links
read only = no
munge symlinks = no
[d]
path = ${home}/s
hosts deny = *
`,
  )
  const daemon = spawn(
    process.execPath,
    [
      PROGRAM,
      '--daemon',
      '--no-detach',
      `--config=${home}/rsyncd.conf`,
      '--address=127.0.0.1',
      `--port=${port}`,
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  )
  const ended = new Promise((resolve) => daemon.once('exit', resolve))
  t.teardown(async () => {
    daemon.kill('SIGTERM')
    await ended
    spawnSync('rm', ['-rf', home])
  })
  await listening(port, daemon)
  const at = `rsync://127.0.0.1:${port}`

  const { out } = await client(['rsync', `${at}/`])
  t.match(out, /^m +\ta module$/m, 'modules are listed')

  for (const [name, program] of [
    ['rsync', ['rsync']],
    ['prsync', [process.execPath, PROGRAM]],
  ] as const) {
    const from = join(home, `from-${name}`)
    const pull = await client([...program, '-aH', `${at}/m/`, `${from}/`])
    t.same(pull.code, 0, `${name} pulls: ${pull.err}`)
    const differs = await client(['rsync', '-aHin', '--delete', `${home}/s/`, `${from}/`])
    t.same(differs.out, '', 'all of it')
    const bare = await client([...program, '-aH', `${at}/m`, `${from}-bare/`])
    t.same(bare.code, 0, `a module without a slash: ${bare.err}`)
    t.same(readdirSync(`${from}-bare`).sort(), readdirSync(from).sort())
    const [part = ''] = readdirSync(join(home, 's')).filter((base) => /^[a-z]+$/.test(base))
    const path = await client([...program, '-aR', `${at}/m/${part}`, `${from}-R/`])
    t.same([path.code, readdirSync(`${from}-R`)], [0, [part]], `-R: ${path.err}`)
    const push = await client([...program, '-aH', '--delete', `${home}/s/`, `${at}/w/${name}/`])
    t.same(push.code, 0, `${name} pushes: ${push.err}`)
    const stands = await client(['rsync', '-aHin', '--delete', `${home}/s/`, `${home}/w/${name}/`])
    t.same(stands.out, '', 'all of it')
    const only = await client([...program, '-a', `${home}/s/`, `${at}/m/`])
    t.same([only.code, /read only/.test(only.err)], [1, true], 'a module that is read only')
    const joe = `rsync://joe@127.0.0.1:${port}/a/`
    t.same((await client([...program, '-a', joe, `${from}/`], 'pw')).code, 0, 'with the password')
    t.same((await client([...program, '-a', joe, `${from}/`], 'no')).code, 5, 'with another')
    t.same((await client([...program, `${at}/nothing/`])).code, 5, 'a module that is none')
    t.same((await client([...program, `${at}/d/`])).code, 5, 'a host that is not let in')
    const out = await client([...program, '-a', `${at}/m/../secrets`, `${from}/leak`])
    t.not(out.code, 0, 'what is beside a module')
    t.notOk(readdirSync(from).includes('leak'), 'and nothing of it came')

    const links = join(home, `links-${name}`)
    for (const words of [['-rL'], ['-rk'], ['-r', '--copy-unsafe-links'], ['-rR']])
      await client([
        ...program,
        ...words,
        `${at}/l/`,
        `${at}/l/away/f`,
        `${links}${words.join('')}/`,
      ])
    const followed = `${links}-rL`
    t.same(
      readFileSync(join(followed, 'same'), 'latin1'),
      'inside',
      'a link to a file of the module',
    )
    t.same(readFileSync(join(followed, 'near', 'f'), 'latin1'), 'inside', 'and to a directory')
    const all = await client([
      'grep',
      '-rl',
      'outside',
      ...readdirSync(home)
        .filter((each) => each.startsWith('links-'))
        .map((each) => join(home, each)),
    ])
    t.same(all.out, '', 'no link leads out of a module')
    for (const words of [
      ['-r', `${home}/s/`, `${at}/l/away/new/`],
      ['-rK', `${home}/links/d/`, `${at}/l/away/`],
      ['-r', '--backup', '--backup-dir=/away/new', `${home}/links/d/`, `${at}/l/d/`],
    ])
      t.not((await client([...program, ...words])).code, 0, `refused: ${words.join(' ')}`)
    t.notOk(existsSync(join(home, 'beside', 'new')), 'nothing was written outside')
    t.same(readFileSync(join(home, 'beside', 'f'), 'latin1'), 'outside')
  }
})
