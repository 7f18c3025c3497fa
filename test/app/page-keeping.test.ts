/** Which pages stay in an index, and what goes with the snapshots that nobody needs. */
import { appendFileSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { keepPages } from '../../lib/app/page-keeping.js'
import { readDirectoryPage, readTop } from '../../lib/app/pages.js'
import { byteName, ROOT_NAME } from '../../lib/base/byte-name.js'
import type { ContentId, Root } from '../../lib/hash/root.js'
import { rootOf } from '../../lib/hash/root.js'
import { Store } from '../../lib/io/store.js'
import { buildDirectory } from '../../lib/snapshot/build.js'
import { TOP } from '../../lib/snapshot/page.js'
import { pullFrom, startCentre } from '../support/centre.js'
import { directoryEntry, fileEntry } from '../support/entries.js'

const never = new AbortController().signal

async function withStore(t: Test, use: (store: Store) => Promise<void>): Promise<void> {
  const store = new Store(`${t.testdir({})}/index`)
  await use(store)
  await store.close()
}

/** Puts a tree of two directories, one of which all versions share. @returns the page of its head */
function putSnapshot(store: Store, version: number): Root {
  const put = (entries: Parameters<typeof buildDirectory>[0]): ContentId | null => {
    const built = buildDirectory(entries)
    for (const { id, bytes } of built.pages) store.putBlob(id, bytes)
    return built.page
  }
  const own = put([fileEntry(`file-${version}`)])
  const shared = put([fileEntry('always')])
  const top = put([directoryEntry('own', own), directoryEntry('shared', shared)])
  const head = put([directoryEntry(TOP, top)])
  if (head === null) throw new Error('no page')
  return head.root
}

/** Are all pages of a snapshot here? */
function isWhole(store: Store, head: Root): boolean {
  const blob = (root: Root): Uint8Array | null => store.blob(root)
  const top = readTop({ root: head, length: 1 }, blob)
  const entries = top === null ? null : readDirectoryPage(top.page, blob)
  return (
    entries?.every((e) => e.kind === 'directory' && readDirectoryPage(e.page, blob) !== null) ??
    false
  )
}

t.test('the newest snapshots stay whole, the others go, what they share stays', (t) =>
  withStore(t, async (store) => {
    const heads: Root[] = []
    for (let version = 0; version < 6; version++) {
      const top = putSnapshot(store, version)
      heads.push(top)
      await keepPages(
        store,
        { top, written: 3, snapshots: 2, also: heads[1] ?? null, least: 1 },
        never,
      )
    }
    t.same(
      heads.map((head) => isWhole(store, head)),
      [false, true, false, false, true, true],
    )
    t.equal([...store.blobRoots()].length, 3 * 3 + 1)
  }),
)

t.test('nothing is looked at before enough is new, and no sums ever go', (t) =>
  withStore(t, async (store) => {
    const sums = { root: rootOf(new Uint8Array(32).fill(8)), length: 3 }
    const content = rootOf(new Uint8Array(32).fill(7))
    store.putBlob(sums, new Uint8Array(3))
    store.putSums(content, sums)
    let removed = 0
    const counts: number[] = []
    for (let version = 0; version < 12; version++) {
      const top = putSnapshot(store, version)
      removed += await keepPages(
        store,
        { top, written: 3, snapshots: 1, also: null, least: 10 },
        never,
      )
      counts.push([...store.blobRoots()].length)
    }
    t.equal(removed, 33, 'what eleven snapshots had alone')
    t.same(counts.slice(0, 4), [5, 8, 11, 5], 'it goes together')
    t.ok(store.blob(sums.root))
  }),
)

t.test('a run that is cut short loses nothing that is needed, and the next one ends it', (t) =>
  withStore(t, async (store) => {
    for (let version = 0; version < 3; version++) putSnapshot(store, version)
    const top = putSnapshot(store, 3)
    const kept = { top, written: 12, snapshots: 1, also: null, least: 1 }
    const stopped = AbortSignal.abort(new Error('stopped'))
    await t.rejects(keepPages(store, kept, stopped), { message: 'stopped' })
    t.ok(isWhole(store, top))
    await keepPages(store, { ...kept, written: 0 }, never)
    t.ok(isWhole(store, top))
    t.equal([...store.blobRoots()].length, 4)
  }),
)

t.test('a centre and its node go on through many releases', async (t) => {
  const home = t.testdir({ source: {}, state: {} })
  const source = join(home, 'source')
  mkdirSync(join(source, 'pool'))
  for (let i = 0; i < 20; i++) writeFileSync(join(source, `pool/f${i}`), `${i}`)
  const centre = await startCentre(source, join(home, 'state'))
  t.teardown(() => centre.stop())
  const dest = join(home, 'dest')
  for (let release = 0; release < 12; release++) {
    appendFileSync(join(source, 'pool/f3'), 'more')
    if (release === 6) copyFileSync(join(source, 'pool/f3'), join(source, 'copy'))
    await centre.rescan()
    const report = await pullFrom(centre.url, dest, { delete: true })
    t.match(report, { exit: 0, files: { deleted: 0 } })
  }
  const index = new Store(join(dest, '.~prsync~/index'))
  t.ok(index.directory(ROOT_NAME))
  t.ok(index.directory(byteName('pool')))
  await index.close()
})
