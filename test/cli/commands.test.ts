/** The small commands as a user runs them: what they print, and their exit statuses. */
import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { decodeTorrent } from '../../lib/bt/metainfo.js'
import { contentRoot } from '../../lib/hash/merkle.js'
import { startCentre } from '../support/centre.js'
import { ruled } from '../support/contents.js'
import { prsync } from '../support/program.js'

t.test('keygen makes a key once and always prints its fingerprint alone', async (t) => {
  const key = join(t.testdir({}), 'deep/key')
  const first = await prsync(['keygen', key])
  t.match(first, { status: 0, stdout: /^SHA256:[A-Za-z0-9+/]{43}\n$/, stderr: '' })
  t.equal(statSync(key).mode & 0o777, 0o600)
  const second = await prsync(['keygen', key])
  t.match(second, { status: 0, stdout: first.stdout, stderr: /already/ })
  writeFileSync(key, 'nonsense')
  t.match(await prsync(['keygen', key]), { status: 5, stderr: /holds no key/ })
})

t.test(
  'torrent writes the .torrent of a file, large or small, and spares what is there',
  async (t) => {
    const folder = t.testdir({ big: Buffer.from(ruled(200_000)), small: 'small', empty: '' })
    for (const name of ['big', 'small']) {
      const out = join(folder, `${name}.torrent`)
      const ran = await prsync([
        'torrent',
        join(folder, name),
        '-o',
        out,
        '--url',
        'http://x.test/a',
      ])
      t.match(ran, { status: 0, stdout: /^\S+ [0-9a-f]{64}\n$/, stderr: '' })
      const torrent = decodeTorrent(readFileSync(out))
      t.equal(torrent.content.root, contentRoot(readFileSync(join(folder, name))))
      t.same(torrent.urls, ['http://x.test/a'])
      t.match(await prsync(['torrent', join(folder, name), '-o', out]), { status: 11 })
    }
    t.match(await prsync(['torrent', join(folder, 'empty')]), { status: 1, stderr: /empty/ })
    t.match(await prsync(['torrent', join(folder, 'none')]), { status: 11 })
  },
)

t.test('torrent takes that of a published file from its centre', async (t) => {
  const folder = t.testdir({ source: { 'a b': 'content' } })
  const centre = await startCentre(join(folder, 'source'), join(folder, 'state'))
  t.teardown(() => centre.stop())
  const out = join(folder, 'x.torrent')
  t.match(await prsync(['torrent', `${centre.url}/a%20b`, '-o', out]), { status: 0 })
  t.same(decodeTorrent(readFileSync(out)).urls, [`${centre.url}/a%20b`])
  t.match(await prsync(['torrent', `${centre.url}/none`, '-o', '-']), { status: 10, stderr: /404/ })
})

t.test('publish has the running centre look at its trees now', async (t) => {
  const folder = t.testdir({ source: { a: 'a' } })
  const state = join(folder, 'state')
  t.match(await prsync(['publish', '--state', state]), {
    status: 75,
    stdout: '',
    stderr: /no centre/,
  })
  const centre = await startCentre(join(folder, 'source'), state)
  t.equal(statSync(join(state, 'control.sock')).mode & 0o777, 0o600)
  t.match(await prsync(['publish', '--state', state]), { status: 0, stdout: '', stderr: '' })
  writeFileSync(join(folder, 'source/b'), 'b')
  t.match(await prsync(['publish', '--state', state]), { status: 0, stdout: 'm 2\n', stderr: '' })
  t.match(await prsync(['publish', '--state', state, '-v']), { stdout: 'm 2 unchanged\n' })
  await centre.stop()
  t.match(await prsync(['publish', '--state', state]), { status: 75 })
})

t.test('a tree in which nothing is left is published by --empty alone', async (t) => {
  const folder = t.testdir({ source: { a: 'a', b: 'b' } })
  const state = join(folder, 'state')
  const centre = await startCentre(join(folder, 'source'), state)
  t.teardown(() => centre.stop())
  const { origin } = new URL(centre.url)
  const token = readFileSync(join(state, 'admin-token'), 'utf8').trim()
  const here = ['publish', '--state', state]
  const over = (...words: string[]) =>
    prsync(['publish', ...words, origin], { PRSYNC_TOKEN: token })
  const refused = {
    status: 23,
    stdout: '',
    stderr: /m: not published: .*source is empty: is its disk mounted/,
  }
  for (const name of ['a', 'b']) rmSync(join(folder, 'source', name))
  t.match(await prsync(here), refused)
  t.match(await over(), refused)
  t.match(await prsync([...here, '--empty']), { status: 0, stdout: 'm 2\n', stderr: '' })
  t.match(await prsync(here), { status: 0, stdout: '' }, 'what is empty may stay so')
  writeFileSync(join(folder, 'source/c'), 'c')
  t.match(await prsync(here), { status: 0, stdout: 'm 3\n' })
  rmSync(join(folder, 'source/c'))
  t.match(await over('--empty'), { status: 0, stdout: 'm 4\n' })
})

t.test('publish asks a centre elsewhere over HTTP, with its token', async (t) => {
  const folder = t.testdir({ source: { a: 'a' }, wrong: 'x'.repeat(64), none: '' })
  const state = join(folder, 'state')
  const centre = await startCentre(join(folder, 'source'), state)
  t.teardown(() => centre.stop())
  const { origin } = new URL(centre.url)
  const file = join(state, 'admin-token')
  t.equal(statSync(file).mode & 0o777, 0o600)
  const token = readFileSync(file, 'utf8').trim()
  const publish = (...args: string[]) => prsync(['publish', '--token-file', file, ...args])
  t.match(await publish(origin), { status: 0, stdout: '', stderr: '' })
  writeFileSync(join(folder, 'source/b'), 'b')
  t.match(await publish(origin), { status: 0, stdout: 'm 2\n', stderr: '' })
  t.match(await publish('-v', centre.url), { status: 0, stdout: 'm 2 unchanged\n' })
  t.match(await publish(`${origin}/other`), { status: 1, stderr: /no module other/ })
  writeFileSync(join(folder, 'source/c'), 'c')
  const byEnvironment = await prsync(['publish', '--json', origin], { PRSYNC_TOKEN: token })
  t.match(JSON.parse(byEnvironment.stdout), { module: 'm', sequence: 3, changed: true })

  const refused = await prsync(['publish', '--token-file', join(folder, 'wrong'), origin])
  t.match(refused, { status: 5, stdout: '', stderr: /does not take this token/ })
  t.notMatch(refused.stderr, /xxxx/, 'and the token is not shown')
  t.match(await prsync(['publish', '--token-file', join(folder, 'none'), origin]), { status: 1 })
  t.match(await prsync(['publish', origin]), { status: 1, stderr: /--token-file or PRSYNC_TOKEN/ })
  t.match(await publish('http://127.0.0.1:1'), { status: 75 })
  t.match(await publish('centre'), { status: 1, stderr: /not the URL/ })

  const path = `${origin}/.~prsync~/publish`
  const headers = { authorization: `Bearer ${token}` }
  t.equal((await fetch(path, { headers })).status, 405, 'POST only')
  t.equal((await fetch(path, { method: 'POST' })).status, 401)
  const almost = { authorization: `Bearer ${token.slice(0, -1)}` }
  t.equal((await fetch(path, { method: 'POST', headers: almost })).status, 401)
  await centre.stop()
  const again = await startCentre(join(folder, 'source'), state)
  t.teardown(() => again.stop())
  t.equal(readFileSync(file, 'utf8').trim(), token, 'it stays the same')
})

t.test('serve says what is in its way and what to do', async (t) => {
  const folder = t.testdir({ source: { a: 'a' }, file: '', pem: 'nonsense' })
  const source = `m=${join(folder, 'source')}`
  const state = join(folder, 'state')
  const busy = createServer()
  await new Promise<void>((resolve) => busy.listen(0, '127.0.0.1', () => resolve()))
  t.teardown(() => busy.close())
  const at = busy.address()
  const port = typeof at === 'object' ? (at?.port ?? 0) : 0
  const free = ['--listen', '127.0.0.1:0', '--peer-listen', '127.0.0.1:0']
  const pem = join(folder, 'pem')
  const cases: readonly [what: string, args: string[], status: number, stderr: RegExp][] = [
    ['filters at a centre', ['--tracker', 'm=.', '--exclude', 'x'], 1, /--publish and --ignore/],
    [
      'modules of two centres',
      ['--join', 'http://127.0.0.1:1/m', '--join', 'http://127.0.0.1:2/n', 'd', 'e', ...free],
      1,
      /one centre/,
    ],
    [
      'a module twice',
      ['--join', 'http://127.0.0.1:1/m', '--join', 'http://127.0.0.1:1/m', 'd', 'e', ...free],
      1,
      /joined once/,
    ],
    [
      'a volunteer without a directory',
      ['--join', 'http://127.0.0.1:1/m', ...free],
      1,
      /0 directories/,
    ],
    [
      'a volunteer that nobody finds',
      ['--join', 'http://127.0.0.1:1/m', 'd', '--listen', ':0'],
      1,
      /--public-url/,
    ],
    [
      'both services',
      ['--join', 'http://127.0.0.1:1/m', 'd', '--tracker', 'm=d'],
      1,
      /two services/,
    ],
    [
      'a volunteer of a part',
      ['--join', 'http://127.0.0.1:1/m/sub', 'd', '--public-url', 'http://v'],
      1,
      /whole module/,
    ],
    ['a directory to publish without its option', ['d'], 1, /with --join alone/],
    ['nothing to publish', [], 1, /--tracker NAME=DIR/],
    ['no such tree', ['--tracker', 'm=/nowhere', ...free], 11, /\/nowhere/],
    [
      'a port that is taken',
      ['--tracker', source, '--listen', `127.0.0.1:${port}`],
      5,
      /cannot listen on 127\.0\.0\.1:\d+: .*EADDRINUSE/,
    ],
    [
      'a wire port that is taken',
      ['--tracker', source, '--listen', '127.0.0.1:0', '--peer-listen', `127.0.0.1:${port}`],
      5,
      /EADDRINUSE/,
    ],
    [
      'a state that is no directory',
      ['--tracker', source, '--state', join(folder, 'file/state'), ...free],
      5,
      /file\/state/,
    ],
    ['half of TLS', ['--tracker', source, '--tls-cert', pem], 1, /together/],
    [
      'a certificate that is none',
      ['--tracker', source, '--tls-cert', pem, '--tls-key', pem, ...free],
      5,
      /TLS/,
    ],
    ['a public URL that is none', ['--tracker', source, '--public-url', 'mirror'], 1, /not a URL/],
    ['one name twice', ['--tracker', source, source], 1, /two modules/],
  ]
  for (const [what, args, status, stderr] of cases) {
    const own = args.includes('--state') ? [] : ['--state', state]
    t.match(await prsync(['serve', ...args, ...own]), { status, stderr }, what)
  }
})

t.test('two centres do not share a state directory', async (t) => {
  const folder = t.testdir({ source: { a: 'a' } })
  const state = join(folder, 'state')
  const centre = await startCentre(join(folder, 'source'), state)
  t.teardown(() => centre.stop())
  const args = ['serve', '--tracker', `m=${join(folder, 'source')}`, '--state', state]
  t.match(await prsync([...args, '--listen', '127.0.0.1:0']), {
    status: 5,
    stderr: /another centre/,
  })
})

t.test('bash completes commands, options and words as --help has them', async (t) => {
  const { stdout: script } = await prsync(['completion', 'bash'])
  const complete = (...words: string[]): string[] => {
    const line = `${script}\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _prsync; echo "\${COMPREPLY[@]}"`
    const { stdout } = spawnSync('bash', ['-c', line, 'bash', 'prsync', ...words])
    return stdout.toString().trim().split(' ')
  }
  t.same(complete('ver'), ['verify'])
  t.same(complete('pull', '--max'), ['--max-delete'])
  t.same(complete('completion', 'z'), ['zsh'])
  t.same(complete('pull', ''), [''], 'files')
  t.same(complete('serve', '--state', '--li'), [''], 'the value of an option: files')
  const help = await prsync(['pull', '--help'])
  for (const [long] of help.stdout.matchAll(/--[a-z][a-z-]+(?= |,|$)/gm))
    t.ok(complete('pull', long).includes(long), long)
})

t.test('zsh and fish are told of the same options', async (t) => {
  const zsh = await prsync(['completion', 'zsh'])
  t.match(zsh.stdout, /^#compdef prsync\n/)
  t.match(zsh.stdout, "'*--max-delete=[remove at most")
  const fish = await prsync(['completion', 'fish'])
  t.match(fish.stdout, /seen_subcommand_from pull' -l max-delete -r -d '/)
  t.match(await prsync(['completion', 'tcsh']), { status: 1, stderr: /bash, zsh, fish/ })
})

t.test(
  'volunteer invites, lists, quarantines, releases and removes at the running centre',
  async (t) => {
    const folder = t.testdir({ source: { a: 'a' }, state: {} })
    const state = join(folder, 'state')
    const ask = (...args: string[]) => prsync(['volunteer', ...args, '--state', state])
    t.match(await ask('list'), { status: 75 })
    const centre = await startCentre(join(folder, 'source'), state)
    t.teardown(() => centre.stop())
    t.match(await ask('list'), { status: 0, stdout: '', stderr: '' })
    const invited = await ask('invite', 'v1', '--uplink', '1m')
    t.match(invited, { status: 0, stdout: /^[0-9a-f]{64}\n$/, stderr: '' })
    t.notMatch(readFileSync(join(state, 'volunteers'), 'utf8'), invited.stdout.trim())
    t.equal(statSync(join(state, 'volunteers')).mode & 0o777, 0o600)
    t.match(await ask('list'), { status: 0, stdout: 'v1 invited -\n' })
    t.match(await ask('quarantine', 'v1', '--why', 'wrong bytes'), { status: 0, stdout: '' })
    t.match(await ask('list'), { stdout: 'v1 quarantined - wrong bytes\n' })
    t.match(await ask('drain', 'v1'), { status: 0, stdout: '' })
    t.match(await ask('release', 'v1'), { status: 0 })
    t.match(JSON.parse((await ask('list', '--json')).stdout), { name: 'v1', uplink: 1024 * 1024 })
    t.match(await ask('remove', 'v1'), { status: 0 })
    t.match(await ask('remove', 'v1'), { status: 1, stderr: /no volunteer is called v1/ })
    t.match(await ask('release'), { status: 1, stderr: /wants a name/ })
    t.match(await ask('forget', 'v1'), { status: 1, stderr: /not forget, but invite/ })
    t.match(await ask('invite', '../v1'), { stderr: /not a name/ })
    t.match(await ask('list'), { stdout: '' })
  },
)
