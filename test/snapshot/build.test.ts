import assert from 'node:assert/strict'
import t from 'tap'
import { LIMITS } from '../../lib/base/limits.js'
import type { Entry } from '../../lib/flist/entry.js'
import { contentRoot } from '../../lib/hash/merkle.js'
import type { ContentId } from '../../lib/hash/root.js'
import { type BuiltDirectory, buildDirectory } from '../../lib/snapshot/build.js'
import { decodePage } from '../../lib/snapshot/page.js'
import { anyEntries, fileEntry } from '../support/entries.js'
import fc from '../support/properties.js'

/** The entries of a directory, read back from its pages; checks what an index says of its ranges. */
function entriesOf({ page, pages }: BuiltDirectory): Entry[] {
  const bytes = new Map(pages.map((p) => [p.id.root, p.bytes]))
  const read = (id: ContentId): Entry[] => {
    const found = bytes.get(id.root)
    assert.ok(found !== undefined, 'every page is there')
    assert.equal(contentRoot(found), id.root)
    assert.equal(found.length, id.length)
    const decoded = decodePage(found)
    if (decoded.kind === 'entries') return [...decoded.entries]
    return decoded.ranges.flatMap((range) => {
      const inside = read(range.page)
      assert.equal(inside[0]?.base, range.first, 'a range is called by its first name')
      return inside
    })
  }
  return page === null ? [] : read(page)
}

const named = (count: number): Entry[] =>
  Array.from({ length: count }, (_, i) => fileEntry(`libfoo${String(i * 7).padStart(7, '0')}`))

t.test('any entries come out of the pages as they went in', async () => {
  fc.assert(
    fc.property(anyEntries, (entries) => {
      assert.deepEqual(entriesOf(buildDirectory(entries)), entries)
    }),
  )
})

t.test('directories of many sizes', async (t) => {
  t.same(buildDirectory([]), { page: null, pages: [] })
  for (const count of [1, 2, 100, 1000, 20_000, 50_000]) {
    const built = buildDirectory(named(count))
    t.equal(entriesOf(built).length, count, `${count} entries`)
    const largest = Math.max(...built.pages.map((page) => page.bytes.length))
    t.ok(largest <= 32 * 1024 + 64, `no page above 32 KiB: ${largest}`)
  }
})

t.test('an entry more or less in 20 000 changes few pages', async (t) => {
  const entries = named(20_000)
  const before = new Set(buildDirectory(entries).pages.map((page) => page.id.root))
  const fresh = (changed: readonly Entry[]): number =>
    buildDirectory(changed).pages.filter((page) => !before.has(page.id.root)).length
  t.ok(before.size > 20, `${before.size} pages`)
  for (const at of [0, 1, 9999, 19_999, 20_000]) {
    const base = `libfoo${String(at * 7).padStart(7, '0')}-more`
    const more = [...entries.slice(0, at + 1), fileEntry(base), ...entries.slice(at + 1)]
    t.ok(fresh(more) <= 5, `one more at ${at}: ${fresh(more)} new pages`)
    const less = [...entries.slice(0, at), ...entries.slice(at + 1)]
    t.ok(fresh(less) <= 5, `one less at ${at}: ${fresh(less)} new pages`)
  }
})

t.test('large entries do not make large pages', async (t) => {
  const value = 'v'.repeat(20_000)
  const heavy = named(40).map((entry) => ({ ...entry, xattrs: [{ name: 'user.a', value }] }))
  const built = buildDirectory(heavy)
  t.equal(entriesOf(built).length, 40)
  for (const { bytes } of built.pages) t.ok(bytes.length <= LIMITS.pageBytes)
})
