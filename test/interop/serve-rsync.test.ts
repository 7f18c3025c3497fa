/** `prsync serve --rsync-listen`: what a centre has published, for rsync's own clients, and nothing else. */
import { randomBytes } from 'node:crypto'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { startCentre } from '../support/centre.js'
import { PROGRAM } from '../support/program.js'
import { noRsync, type Said } from '../support/real-rsync.js'
import { runAsync } from '../support/run-async.js'

t.test('--uplink is for all connections together', { skip: noRsync }, async (t) => {
  const home = mkdtempSync(join(tmpdir(), 'prsync-face-'))
  mkdirSync(join(home, 't'))
  const rate = 4 * 2 ** 20
  for (const name of ['a', 'b']) writeFileSync(join(home, 't', name), randomBytes(rate / 2))
  const centre = await startCentre(join(home, 't'), join(home, 'state'), {
    uploadRate: rate,
    rsync: {
      listen: { host: '127.0.0.1', port: 0 },
      program: [process.execPath, PROGRAM],
    },
  })
  const clock = process.hrtime.bigint
  const began = clock()
  const pull = (name: string): Promise<Said> =>
    runAsync('rsync', [`${centre.rsyncUrl}m/${name}`, `${name}-got`], home)
  t.match(await Promise.all(['a', 'b'].map(pull)), [{ status: 0 }, { status: 0 }])
  for (const name of ['a', 'b'])
    t.ok(readFileSync(join(home, 't', name)).equals(readFileSync(join(home, `${name}-got`))))
  const until = readFileSync(join(home, 'state', 'rsync.lock.uplink')).readBigInt64LE()
  const seconds = Number(until - began) / 1e9
  t.ok(seconds > 0.85, `two halves of what goes in a second: paid for after ${seconds}`)
  t.ok(Number(until - clock()) / 1e9 < 0.3, 'and that was waited for')
  await centre.stop()
  rmSync(home, { recursive: true })
})

t.test('a centre and rsync', { skip: noRsync }, async (t) => {
  const home = mkdtempSync(join(tmpdir(), 'prsync-face-'))
  const tree = join(home, 't')
  for (const directory of ['d', 'ig', '.~prsync~'])
    mkdirSync(join(tree, directory), { recursive: true })
  for (const name of ['a', 'd/b.deb', 'd/x.tmp', 'ig/i', '.~prsync~/key'])
    writeFileSync(join(tree, name), name)
  for (const [name, target] of [
    ['l', 'a'],
    ['out', '../../etc'],
    ['hidden', 'ig/i'],
  ] as const)
    symlinkSync(target, join(tree, name))
  const centre = await startCentre(tree, join(home, 'state'), {
    ignore: ['**/*.tmp', 'ig', 'ig/**'],
    rsync: {
      listen: { host: '127.0.0.1', port: 0 },
      program: [process.execPath, PROGRAM],
    },
  })
  const url = centre.rsyncUrl
  const rsync = (...args: string[]): Promise<Said> => runAsync('rsync', args, home)
  const named = (said: Said): string[] =>
    said.stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split(' ').at(-1) ?? '')

  t.match(await rsync(url), { status: 0, stdout: /^m +\t\n$/ }, 'the modules')
  t.same(named(await rsync('-r', `${url}m/`)), ['.', 'a', 'hidden', 'l', 'd', 'd/b.deb'], 'a list')
  t.match(await rsync('-a', `${url}m/`, 'got/'), { status: 0, stderr: '' })
  t.same(readdirSync(join(home, 'got'), { recursive: true }).sort(), [
    'a',
    'd',
    'd/b.deb',
    'hidden',
    'l',
  ])
  t.equal(readFileSync(join(home, 'got', 'd', 'b.deb'), 'latin1'), 'd/b.deb')
  t.match(await rsync('-aL', `${url}m/`, 'followed/'), { status: 0 })
  t.same(
    readdirSync(join(home, 'followed')).sort(),
    ['a', 'd', 'l'],
    'no link leads to what is hidden',
  )
  t.same(named(await rsync('-r', '--exclude=*.deb', `${url}m/`)), ['.', 'a', 'hidden', 'l', 'd'])
  t.same(named(await rsync(`${url}m/d/*`)), ['b.deb'], 'wildcards see what is published')
  for (const name of ['d/x.tmp', 'ig/i', 'ig/', '.~prsync~/key', 'out', '../state/key'])
    t.match(
      await rsync('-L', `${url}m/${name}`, 'none'),
      { status: 23, stderr: /No such file/ },
      name,
    )
  t.match(await rsync('-a', '--delete', 'got/', `${url}m/`), { status: 1, stderr: /read only/ })

  writeFileSync(join(tree, 'new'), 'new')
  t.match(await rsync(`${url}m/new`), { status: 23 }, 'what is not published yet')
  await centre.rescan()
  t.same(named(await rsync(`${url}m/new`)), ['new'], 'and what is')

  const { port } = new URL(url)
  const open = net.connect(Number(port), '127.0.0.1')
  const closed = new Promise((resolve) => open.once('close', resolve))
  open.on('error', () => {})
  await new Promise((resolve) => open.once('data', resolve))
  await centre.stop()
  await closed
  t.match(await rsync(url), { status: 10 }, 'it stops with the centre, and connections with it')
  rmSync(home, { recursive: true })
})
