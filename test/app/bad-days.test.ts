/** What goes wrong on a real mirror, each case once: the right exit status, and nothing half-visible or outside DEST. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { EXIT, TryAgainError } from '../../lib/base/errors.js'
import { Store } from '../../lib/io/store.js'
import { pullFrom, startCentre } from '../support/centre.js'
import { onOwnDisk } from '../support/disk.js'
import { projectFile } from '../support/project.js'
import { rejection } from '../support/rejection.js'
import { seededRandom } from '../support/seeded-random.js'
import { differences } from '../support/trees.js'

const random = seededRandom(11)
const bytes = (n: number): Buffer => Buffer.from(random.bytes(n))
const isRoot = process.geteuid?.() === 0
const needsRoot = { skip: isRoot ? false : 'needs root' }

t.test('the centre is down: try again later, nothing changed', async (t) => {
  const dest = join(t.testdir({}), 'dest')
  t.ok((await rejection(pullFrom('http://127.0.0.1:1/m', dest))) instanceof TryAgainError)
  t.strictSame(readdirSync(dest), ['.~prsync~'])
})

t.test('two pulls at once: the second leaves, or waits', async (t) => {
  const home = t.testdir({ source: { f: 'x' }, state: {} })
  const dest = join(home, 'dest')
  const centre = await startCentre(join(home, 'source'), join(home, 'state'))
  t.teardown(() => centre.stop())
  const [one, two] = await Promise.all([pullFrom(centre.url, dest), pullFrom(centre.url, dest)])
  t.equal(one.exit, EXIT.ok)
  t.equal(two.exit, EXIT.ok)
  t.equal(one.files.fetched + two.files.fetched, 1, 'one of them did nothing')
  const both = await Promise.all([
    pullFrom(centre.url, dest, { wait: true }),
    pullFrom(centre.url, dest, { wait: true }),
  ])
  t.strictSame(
    both.map((r) => r.sequence),
    [1, 1],
  )
})

t.test(
  'the disk is full: exit 11, nothing half-visible, and it goes on later',
  needsRoot,
  async (t) => {
    const home = t.testdir({ source: {}, state: {} })
    const source = join(home, 'source')
    for (let i = 0; i < 6; i++) writeFileSync(join(source, `f${i}`), bytes(400_000))
    const centre = await startCentre(source, join(home, 'state'))
    t.teardown(() => centre.stop())
    await onOwnDisk(t, 'size=2200k', async (dest) => {
      const error = await rejection(pullFrom(centre.url, dest))
      t.equal(error.exitCode, EXIT.file, error.message)
      t.match(error.message, /no space/)
      for (const name of readdirSync(dest).filter((n) => n !== '.~prsync~'))
        t.ok(readFileSync(join(dest, name)).equals(readFileSync(join(source, name))), name)
      execFileSync('mount', ['-o', 'remount,size=8m', dest])
      t.equal((await pullFrom(centre.url, dest)).exit, EXIT.ok)
      t.strictSame(differences(source, dest), [])
    })
  },
)

t.test('a read-only destination: a clear error', needsRoot, async (t) => {
  const home = t.testdir({ source: { f: 'x' }, state: {} })
  const centre = await startCentre(join(home, 'source'), join(home, 'state'))
  t.teardown(() => centre.stop())
  await onOwnDisk(t, 'ro', async (dest) => {
    const error = await rejection(pullFrom(centre.url, dest))
    t.equal(error.exitCode, EXIT.file, error.message)
    t.match(error.message, /cannot write to .*prsync-disk-/)
  })
})

t.test('a file the centre cannot read is left out, and said so', needsRoot, async (t) => {
  const home = t.testdir({ source: { good: 'x', secret: 'y' }, state: {} })
  chmodSync(join(home, 'source/secret'), 0)
  chmodSync(join(home, 'state'), 0o777)
  const centre = await asNobody(() => startCentre(join(home, 'source'), join(home, 'state')))
  t.teardown(() => centre.stop())
  const dest = join(home, 'dest')
  t.equal((await pullFrom(centre.url, dest)).exit, EXIT.ok)
  t.strictSame(readdirSync(dest).sort(), ['.~prsync~', 'good'])
})

t.test(
  'a directory the centre cannot read any more is not taken for deleted',
  needsRoot,
  async (t) => {
    const home = t.testdir({ source: { d: { f: 'x' }, g: 'y' }, state: {} })
    chmodSync(join(home, 'state'), 0o777)
    const centre = await asNobody(() => startCentre(join(home, 'source'), join(home, 'state')))
    t.teardown(() => centre.stop())
    const dest = join(home, 'dest')
    await pullFrom(centre.url, dest)
    chmodSync(join(home, 'source/d'), 0)
    writeFileSync(join(home, 'source/g'), 'changed')
    await asNobody(() => centre.rescan())
    const report = await pullFrom(centre.url, dest, { delete: true })
    t.match(report, { exit: 0, sequence: 2, files: { deleted: 0 } })
    t.equal(readFileSync(join(dest, 'd/f'), 'utf8'), 'x')
    t.equal(readFileSync(join(dest, 'g'), 'utf8'), 'changed')
  },
)

t.test('an index that lost a page empties nothing', async (t) => {
  const home = t.testdir({ source: { d: { f: 'x' } }, state: {} })
  const centre = await startCentre(join(home, 'source'), join(home, 'state'))
  t.teardown(() => centre.stop())
  const dest = join(home, 'dest')
  await pullFrom(centre.url, dest)
  const store = new Store(join(dest, '.~prsync~/index'))
  store.transaction(() => {
    for (const root of [...store.blobRoots()]) store.removeBlob(root)
  })
  await store.close()
  const error = await rejection(pullFrom(centre.url, dest, { delete: true }))
  t.match(error.message, /index/)
  t.equal(readFileSync(join(dest, 'd/f'), 'utf8'), 'x')
})

/** Runs a start-up without root's rights to read everything. */
async function asNobody<T>(act: () => Promise<T>): Promise<T> {
  process.seteuid?.(65534)
  try {
    return await act()
  } finally {
    process.seteuid?.(0)
  }
}

t.test(
  'publishing while nodes pull: each ends at the old or the new, never a mixture',
  async (t) => {
    const home = t.testdir({ source: {}, state: {} })
    const source = join(home, 'source')
    const write = (generation: number): void => {
      for (let i = 0; i < 120; i++)
        writeFileSync(join(source, `f${i}`), `${generation} `.repeat(500 + i))
      writeFileSync(join(source, 'large'), Buffer.alloc(1_500_000, generation))
    }
    write(1)
    const centre = await startCentre(source, join(home, 'state'))
    t.teardown(() => centre.stop())
    const pulls = [1, 2, 3].map((i) => pullFrom(centre.url, join(home, `dest${i}`)))
    write(2)
    await centre.rescan()
    const reports = await Promise.all(pulls)
    for (const [i, report] of reports.entries()) {
      t.equal(report.exit, EXIT.ok)
      const found = new Set(
        readdirSync(join(home, `dest${i + 1}`))
          .filter((n) => /^f/.test(n))
          .map((n) => readFileSync(join(home, `dest${i + 1}`, n), 'utf8')[0]),
      )
      t.equal(found.size, 1, `node ${i} is at ${[...found].join(' and ')}`)
    }
    await pullFrom(centre.url, join(home, 'dest1'))
    t.strictSame(differences(source, join(home, 'dest1')), [])
  },
)

t.test(
  'kill -9 at twenty moments, then once more: never a wrong or partial file under its name',
  async (t) => {
    const home = t.testdir({ source: {}, state: {} })
    const [source, dest] = [join(home, 'source'), join(home, 'dest')]
    mkdirSync(join(source, 'sub'))
    for (let i = 0; i < 150; i++) writeFileSync(join(source, 'sub', `f${i}`), bytes(3000))
    for (let i = 0; i < 4; i++) writeFileSync(join(source, `large${i}`), bytes(3_000_000))
    const centre = await startCentre(source, join(home, 'state'))
    t.teardown(() => centre.stop())
    const run = (): ReturnType<typeof spawn> =>
      spawn(
        process.execPath,
        [
          fileURLToPath(projectFile('dist/bin/prsync.cjs')),
          'pull',
          centre.url,
          dest,
          '--linger',
          '0',
          '--bwlimit',
          '20m',
          '--peer-listen',
          '127.0.0.1:0',
        ],
        { stdio: 'ignore' },
      )
    let wrong = 0
    for (let i = 0; i < 20; i++) {
      const child = run()
      // Wherever it is by then: at the start for some, in the middle of files for others.
      const killer = setTimeout(() => child.kill('SIGKILL'), 120 + random.below(500))
      await once(child, 'exit')
      clearTimeout(killer)
      wrong += wrongFiles(source, dest)
    }
    t.equal(wrong, 0)
    const [code] = (await once(run(), 'exit')) as [number]
    t.equal(code, 0)
    t.strictSame(differences(source, dest), [])
    t.strictSame(readdirSync(join(dest, '.~prsync~/partial')), [])
  },
)

/** Files that stand under their names without being what they should. */
function wrongFiles(source: string, dest: string): number {
  if (!existsSync(dest)) return 0
  let wrong = 0
  for (const name of readdirSync(dest, { recursive: true, encoding: 'utf8' })) {
    if (name.startsWith('.~prsync~') || statSync(join(dest, name)).isDirectory()) continue
    if (!readFileSync(join(dest, name)).equals(readFileSync(join(source, name)))) wrong++
  }
  return wrong
}

t.test('deleting the index costs a comparison, never data', async (t) => {
  const home = t.testdir({ source: { f: 'x', g: 'y' }, state: {} })
  const dest = join(home, 'dest')
  const centre = await startCentre(join(home, 'source'), join(home, 'state'))
  t.teardown(() => centre.stop())
  await pullFrom(centre.url, dest)
  rmSync(join(dest, '.~prsync~'), { recursive: true })
  t.match(await pullFrom(centre.url, dest), { exit: 0, bytes: { wanted: 0 }, files: { kept: 2 } })
})
