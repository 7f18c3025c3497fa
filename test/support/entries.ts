/** Entries and pages of every shape, for properties. */

import { componentFault } from '../../lib/base/byte-name.js'
import type { DirectoryEntry, Entry, FileEntry } from '../../lib/flist/entry.js'
import { type ContentId, rootOf } from '../../lib/hash/root.js'
import type { Page } from '../../lib/snapshot/page.js'
import fc from './properties.js'

const plain = { noNullPrototype: true } as const
const latin1 = (least: number, most: number): fc.Arbitrary<string> =>
  fc
    .uint8Array({ minLength: least, maxLength: most })
    .map((bytes) => Buffer.from(bytes).toString('latin1'))

/** One component of a name, of any bytes that may be in it; often with bytes in common. */
export const anyBase: fc.Arbitrary<string> = fc
  .tuple(fc.constantFrom('', 'lib', 'libfoo_1.2-'), latin1(1, 12))
  .map(([start, end]) => start + end)
  .filter((base) => componentFault(base) === null)

const root = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(rootOf)
const contentOf = (most: number): fc.Arbitrary<ContentId> =>
  fc.record({ root, length: fc.integer({ min: 1, max: most }) }, plain)
const content = contentOf(2 ** 50)
const page = contentOf(256 * 1024)
const owner = fc.record(
  {
    id: fc.constantFrom(0, 1000, 0xffffffff),
    name: fc.constantFrom(null, 'root', 'DOMAIN\\mirror', '\xe9'),
  },
  plain,
)
const xattrs = fc
  .uniqueArray(
    fc.record({ name: latin1(1, 9).filter((n) => !n.includes('\0')), value: latin1(0, 9) }, plain),
    { maxLength: 3, selector: (x) => x.name },
  )
  .map((list) => list.sort((a, b) => (a.name < b.name ? -1 : 1)))
const common = {
  base: anyBase,
  mode: fc.nat(0o7777),
  mtimeNs: fc.bigInt({ min: -(10n ** 24n), max: 10n ** 24n }),
  user: owner,
  group: owner,
  xattrs,
}
const u32 = fc.nat(0xffffffff)

const anyEntry: fc.Arbitrary<Entry> = fc.oneof(
  fc.record(
    {
      ...common,
      kind: fc.constant('file' as const),
      content: fc.option(content),
      since: fc.maxSafeNat(),
      linkGroup: fc.oneof(fc.constant(0), fc.maxSafeNat()),
      sums: fc.option(content),
      recipe: fc.option(content),
    },
    plain,
  ),
  fc.record({ ...common, kind: fc.constant('directory' as const), page: fc.option(page) }, plain),
  fc.record(
    {
      ...common,
      kind: fc.constant('symlink' as const),
      target: latin1(1, 40).filter((text) => !text.includes('\0')),
    },
    plain,
  ),
  fc.record(
    {
      ...common,
      kind: fc.constantFrom('character' as const, 'block' as const),
      major: u32,
      minor: u32,
    },
    plain,
  ),
  fc.record({ ...common, kind: fc.constantFrom('fifo' as const, 'socket' as const) }, plain),
)

export const anyEntries: fc.Arbitrary<Entry[]> = fc
  .uniqueArray(anyEntry, { minLength: 1, maxLength: 12, selector: (entry) => entry.base })
  .map((list) => list.sort((a, b) => (a.base < b.base ? -1 : 1)))

export const anyPage: fc.Arbitrary<Page> = fc.oneof(
  anyEntries.map((entries) => ({ kind: 'entries' as const, entries })),
  fc
    .uniqueArray(fc.record({ first: anyBase, page }, plain), {
      minLength: 2,
      maxLength: 9,
      selector: (range) => range.first,
    })
    .map((ranges) => ({
      kind: 'index' as const,
      ranges: ranges.sort((a, b) => (a.first < b.first ? -1 : 1)),
    })),
)

const NOBODY = { id: 0, name: null }

/** An empty file, where only the name matters. */
export function fileEntry(base: string): FileEntry {
  return {
    kind: 'file',
    base,
    mode: 0o644,
    mtimeNs: 0n,
    user: NOBODY,
    group: NOBODY,
    xattrs: [],
    content: null,
    since: 1,
    linkGroup: 0,
    sums: null,
    recipe: null,
  }
}

/** A directory, where only the name and the page matter. */
export function directoryEntry(base: string, page: ContentId | null): DirectoryEntry {
  const { mode, mtimeNs, user, group, xattrs } = fileEntry(base)
  return { kind: 'directory', base, mode, mtimeNs, user, group, xattrs, page }
}
