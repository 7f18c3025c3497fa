/** Directories that were in order pass by their stats alone, and nothing that changes in one is missed: at a node and at a centre. */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { systemClock } from '../../lib/app/system.js'
import { byteName } from '../../lib/base/byte-name.js'
import type { Clock } from '../../lib/host.js'
import { Store } from '../../lib/io/store.js'
import { pullFrom, startCentre, type TestCentre } from '../support/centre.js'
import { differences } from '../support/trees.js'

const isRoot = process.geteuid?.() === 0
const DIRECTORIES = ['.', 'deep', 'deep/dir', 'deep/dir/sub', 'deep/empty', 'other'].map(byteName)

/** What is looked at long after it was made is not in the tick of its last change. */
const later: Clock = {
  now: () => systemClock.now() + 60_000,
  monotonic: () => systemClock.monotonic(),
  sleep: (ms, signal) => systemClock.sleep(ms, signal),
}

function fill(tree: string): void {
  mkdirSync(join(tree, 'deep/dir/sub'), { recursive: true })
  mkdirSync(join(tree, 'deep/empty'))
  mkdirSync(join(tree, 'other'))
  writeFileSync(join(tree, 'top'), 'top')
  for (const name of ['deep/dir/f', 'deep/dir/g', 'deep/dir/sub/x', 'other/y'])
    writeFileSync(join(tree, name), `bytes of ${name}`)
  writeFileSync(join(tree, 'deep/dir/nothing'), '')
  symlinkSync('f', join(tree, 'deep/dir/link'))
  execFileSync('mkfifo', [join(tree, 'deep/dir/fifo')])
}

/** A centre and a node that mirrors it, both of which looked at all of it and found it in order. */
async function scene(t: Test): Promise<{ source: string; dest: string; centre: TestCentre }> {
  const home = t.testdir({ source: {}, state: {} })
  const source = join(home, 'source')
  const dest = join(home, 'dest')
  fill(source)
  const centre = await startCentre(source, join(home, 'state'), {}, () => {}, later)
  t.teardown(() => centre.stop())
  for (let pull = 0; pull < 2; pull++) await pullFrom(centre.url, dest, { delete: true }, later)
  t.same(await unsettled(join(dest, '.~prsync~/index')), [])
  return { source, dest, centre }
}

/** Directories of an index that will be looked at in full. */
async function unsettled(index: string): Promise<string[]> {
  const store = new Store(index)
  const found = DIRECTORIES.filter((name) => (store.directory(name)?.settled ?? null) === null)
  await store.close()
  return found
}

t.test('what was kept long enough goes, though nothing else is to be done', async (t) => {
  const { dest, centre } = await scene(t)
  const kept = join(dest, '.~prsync~/kept')
  for (const at of [1, Math.floor(systemClock.now() / 1000)]) {
    mkdirSync(join(kept, `${at}`), { recursive: true })
    writeFileSync(join(kept, `${at}`, 'content'), 'x')
  }
  const choice = { delete: true, keepMs: 3600_000 }
  t.match(await pullFrom(centre.url, dest, choice, later), { exit: 0, peers: 0 })
  t.equal(readdirSync(kept).length, 1, 'the old one')
})

/** Everything that can be done to a tree without its size and time telling it, and what they tell. */
const CHANGES: readonly [what: string, change: (tree: string) => void][] = [
  ['other bytes', (tree) => writeFileSync(join(tree, 'deep/dir/f'), 'others')],
  [
    'other bytes of the same length, with the time put back',
    (tree) => {
      const path = join(tree, 'deep/dir/sub/x')
      const { atime, mtime, size } = statSync(path)
      writeFileSync(path, Buffer.alloc(size, '!'))
      utimesSync(path, atime, new Date(mtime.getTime() - 5000))
    },
  ],
  ['a time', (tree) => utimesSync(join(tree, 'deep/dir/g'), 5, 5)],
  ['a mode', (tree) => chmodSync(join(tree, 'deep/dir/f'), 0o600)],
  ['the mode of a directory', (tree) => chmodSync(join(tree, 'deep/dir/sub'), 0o700)],
  ['the mode of the tree', (tree) => chmodSync(tree, 0o711)],
  ['an owner', (tree) => isRoot && chownSync(join(tree, 'deep/dir/g'), 1234, 4321)],
  [
    'a file in the place of another',
    (tree) => {
      writeFileSync(join(tree, 'new'), readFileSync(join(tree, 'other/y')))
      renameSync(join(tree, 'new'), join(tree, 'other/y'))
    },
  ],
  ['a new name', (tree) => writeFileSync(join(tree, 'deep/dir/more'), 'more')],
  ['a new name in an empty directory', (tree) => writeFileSync(join(tree, 'deep/empty/e'), '')],
  ['a new tree', (tree) => mkdirSync(join(tree, 'other/a/b'), { recursive: true })],
  ['a name less', (tree) => rmSync(join(tree, 'deep/dir/sub/x'))],
  ['a directory less', (tree) => rmSync(join(tree, 'deep'), { recursive: true })],
  [
    'another target of a link',
    (tree) => {
      rmSync(join(tree, 'deep/dir/link'))
      symlinkSync('g', join(tree, 'deep/dir/link'))
    },
  ],
  [
    'a file where a directory was',
    (tree) => {
      rmdirSync(join(tree, 'deep/empty'))
      writeFileSync(join(tree, 'deep/empty'), 'full')
    },
  ],
  ['a further name', (tree) => linkSync(join(tree, 'deep/dir/f'), join(tree, 'other/f'))],
  ['bytes of an empty file', (tree) => writeFileSync(join(tree, 'deep/dir/nothing'), 'some')],
  ['the time of an empty file', (tree) => utimesSync(join(tree, 'deep/dir/nothing'), 9, 9)],
]

for (const [what, change] of CHANGES) {
  t.test(`a pull undoes at a settled node: ${what}`, async (t) => {
    const { source, dest, centre } = await scene(t)
    change(dest)
    const report = await pullFrom(centre.url, dest, { delete: true }, later)
    t.equal(report.exit, 0)
    t.strictSame(differences(source, dest), [])
    await pullFrom(centre.url, dest, { delete: true }, later)
    t.same(await unsettled(join(dest, '.~prsync~/index')), [], 'and all is in order again')
  })
  t.test(`a settled centre publishes: ${what}`, async (t) => {
    const { source, dest, centre } = await scene(t)
    await centre.rescan()
    change(source)
    await centre.rescan()
    const report = await pullFrom(centre.url, dest, { delete: true }, later)
    t.equal(report.exit, 0)
    t.strictSame(differences(source, dest), [])
  })
}

t.test('what is settled is told in full, and no page is needed for it', async (t) => {
  const { dest, centre } = await scene(t)
  const store = new Store(join(dest, '.~prsync~/index'))
  const deep = store.directory(byteName('deep'))
  const page = deep?.settled?.page ?? null
  if (page === null) throw new Error('no page')
  store.transaction(() => store.removeBlob(page))
  await store.close()
  const report = await pullFrom(centre.url, dest, {}, later)
  t.match(report, { exit: 0, files: { kept: 6, fetched: 0, cloned: 0, deleted: 0 } })
})

t.test('other wishes look again', async (t) => {
  const { source, dest, centre } = await scene(t)
  writeFileSync(join(dest, 'deep/dir/extra'), 'extra')
  await pullFrom(centre.url, dest, {}, later)
  await pullFrom(centre.url, dest, {}, later)
  t.same(
    await unsettled(join(dest, '.~prsync~/index')),
    [],
    'an extra name settles without --delete',
  )
  const rules = [{ kind: 'exclude', text: 'extra' }] as const
  const kept = await pullFrom(centre.url, dest, { delete: true, rules }, later)
  t.equal(kept.files.deleted, 0)
  const gone = await pullFrom(centre.url, dest, { delete: true }, later)
  t.equal(gone.files.deleted, 1)
  const fewer = [{ kind: 'exclude', text: 'other' }] as const
  rmSync(join(dest, 'other'), { recursive: true })
  await pullFrom(centre.url, dest, { rules: fewer }, later)
  t.ok(differences(source, dest).length > 0, 'what is left out stays out')
  await pullFrom(centre.url, dest, {}, later)
  t.strictSame(differences(source, dest), [])
})

t.test('--checksum reads what was only believed', async (t) => {
  const { source, dest, centre } = await scene(t)
  rmSync(join(dest, '.~prsync~'), { recursive: true })
  const path = join(dest, 'deep/dir/f')
  const { mtime, size } = statSync(path)
  writeFileSync(path, Buffer.alloc(size, '?'))
  utimesSync(path, mtime, mtime)
  execFileSync('touch', ['-r', join(source, 'deep/dir/f'), path])
  for (let pull = 0; pull < 2; pull++) await pullFrom(centre.url, dest, {}, later)
  t.ok(differences(source, dest).length > 0, 'size and time are believed')
  await pullFrom(centre.url, dest, { checksum: true }, later)
  t.strictSame(differences(source, dest), [])
})

t.test('what changed in this very tick is not settled', async (t) => {
  const home = t.testdir({ source: {}, state: {} })
  const source = join(home, 'source')
  fill(source)
  const early: Clock = { ...later, now: () => systemClock.now() - 60_000 }
  const centre = await startCentre(source, join(home, 'state'))
  t.teardown(() => centre.stop())
  const dest = join(home, 'dest')
  for (let pull = 0; pull < 2; pull++) await pullFrom(centre.url, dest, {}, early)
  t.same(await unsettled(join(dest, '.~prsync~/index')), DIRECTORIES)
})

t.test('a name of a file that has others is found where nobody looked', async (t) => {
  const { source, dest, centre } = await scene(t)
  linkSync(join(source, 'other/y'), join(source, 'other/z'))
  await centre.rescan()
  for (let pull = 0; pull < 2; pull++) await pullFrom(centre.url, dest, { delete: true }, later)
  rmSync(join(source, 'deep/dir/sub/x'))
  linkSync(join(source, 'other/y'), join(source, 'deep/dir/sub/x'))
  await centre.rescan()
  const report = await pullFrom(centre.url, dest, { delete: true }, later)
  t.equal(report.exit, 0)
  t.strictSame(differences(source, dest), [])
  t.equal(statSync(join(dest, 'deep/dir/sub/x')).ino, statSync(join(dest, 'other/y')).ino)
})
