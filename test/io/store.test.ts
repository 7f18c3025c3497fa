import { writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { byteName, ROOT_NAME } from '../../lib/base/byte-name.js'
import { StartupError } from '../../lib/base/errors.js'
import { digestsOf } from '../../lib/hash/digests.js'
import { type Root, rootFrom, rootOf } from '../../lib/hash/root.js'
import type { DirectoryRecord, Known } from '../../lib/io/directory-record.js'
import { Store } from '../../lib/io/store.js'

const rootOfByte = (n: number) => rootOf(new Uint8Array(32).fill(n))
const known = (base: string, root: number | null, more: Partial<Known> = {}): Known => ({
  base,
  directory: false,
  ino: 1n,
  size: 9,
  mtimeNs: -5n,
  ctimeNs: 6n,
  root: root === null ? null : rootOfByte(root),
  hashed: true,
  ...more,
})
const record = (...entries: Known[]): DirectoryRecord => ({
  page: null,
  built: false,
  files: 0,
  bytes: 0,
  settled: null,
  known: entries,
})

async function withStore(t: Test, use: (open: () => Store) => Promise<void>): Promise<void> {
  const path = `${t.testdir({})}/index`
  await use(() => new Store(path))
}
const placesOf = (store: Store, root: number): string[] =>
  store.places.of(rootOfByte(root)).map((place) => place.name)

t.test('places follow the records of directories', (t) =>
  withStore(t, async (open) => {
    const store = open()
    store.putDirectory(ROOT_NAME, record(known('a', 1), known('b', 1), known('c', 2)))
    store.putDirectory(byteName('d'), record(known('a', 1, { hashed: false }), known('e', null)))
    t.same(placesOf(store, 1).sort(), ['a', 'b', 'd/a'])
    t.equal(placesOf(store, 1).at(-1), 'd/a', 'what was hashed comes before what was believed')
    t.match(store.places.of(rootOfByte(2)), [{ name: 'c', size: 9, mtimeNs: -5n, ino: 1n }])
    store.putDirectory(ROOT_NAME, record(known('a', 2), known('b', 1)))
    t.same(placesOf(store, 1).sort(), ['b', 'd/a'])
    t.same(placesOf(store, 2), ['a'])
    store.putDirectory(byteName('d'), null)
    t.same(placesOf(store, 1), ['b'])
    t.equal(store.directory(byteName('d')), null)
    await store.close()
  }),
)

t.test('what was committed is there when it is opened again, what was not is not', (t) =>
  withStore(t, async (open) => {
    const store = open()
    store.transaction(() => store.putValue('head', Buffer.from('1')))
    t.throws(() =>
      store.transaction(() => {
        store.putValue('head', Buffer.from('2'))
        throw new Error('killed')
      }),
    )
    await store.close()
    const again = open()
    t.equal(Buffer.from(again.value('head') ?? []).toString(), '1')
    t.equal(again.value('nothing'), null)
    await again.close()
  }),
)

t.test('contents by root, as copies', (t) =>
  withStore(t, async (open) => {
    const store = open()
    const id = { root: rootOfByte(255), length: 3 }
    store.putBlob(id, Uint8Array.of(1, 2, 3))
    const first = store.blob(id.root)
    first?.fill(0)
    t.same(store.blob(id.root), Uint8Array.of(1, 2, 3))
    t.ok(store.hasBlob(id.root))
    t.same([...store.blobRoots()], [id.root])
    store.removeBlob(id.root)
    t.equal(store.blob(id.root), null)
    store.leaves.put(id.root, new Uint8Array(64))
    t.equal(store.leaves.of(id.root)?.length, 64)
    t.equal(store.leaves.of(rootOfByte(3)), null)
    await store.close()
  }),
)

t.test('which of many contents are there, by their beginnings', (t) =>
  withStore(t, async (open) => {
    const store = open()
    const rootAt = (n: number): Root => {
      const bytes = new Uint8Array(32).fill(9)
      new DataView(bytes.buffer).setUint32(0, n * 1_000_003)
      return rootOf(bytes)
    }
    const standing = Array.from({ length: 400 }, (_, i) => rootAt(10 * i + 5))
    store.transaction(() => {
      for (const root of standing) store.leaves.put(root, new Uint8Array(64))
    })
    const told = (root: Root): Root => rootFrom(root.slice(0, 8))
    const expected = (roots: readonly Root[]): Root[] =>
      roots.filter((root) => standing.some((each) => each.startsWith(root.slice(0, 8)))).sort()
    const others = [rootAt(0), rootAt(17), rootAt(2001), rootAt(4294)].map(told)
    const cases: [string, readonly Root[]][] = [
      ['none', []],
      ['all of them, and others', [...others, ...standing.map(told)]],
      ['close together', [...standing.slice(100, 140).map(told), ...others]],
      ['far from each other', [0, 200, 399].map((i) => told(standing[i] ?? rootAt(0)))],
      ['one before, one behind', [rootAt(0), rootAt(4290)].map(told)],
      ['twice', [told(rootAt(5)), told(rootAt(5)), told(rootAt(15))]],
    ]
    for (const [name, roots] of cases) {
      t.same(store.leaves.among(roots, 8), expected(roots), name)
      t.same(store.leaves.among([...roots].reverse(), 8), expected(roots), `${name}, turned round`)
    }
    await store.close()
  }),
)

t.test('names that no key could hold, and names of every byte', (t) =>
  withStore(t, async (open) => {
    const store = open()
    const long = byteName('n'.repeat(250).concat('/').repeat(16).slice(0, -1))
    const odd = byteName('\xff\x01/\n')
    for (const name of [long, odd]) store.putDirectory(name, record(known('f', 7)))
    t.ok(store.directory(long))
    t.ok(store.directory(odd))
    t.same(placesOf(store, 7).sort(), [`${long}/f`, `${odd}/f`].sort())
    t.same(
      [...store.directories()].map((found) => found.name),
      [odd],
    )
    await store.close()
  }),
)

t.test('the hashes of a content go with its last place, not before', (t) =>
  withStore(t, async (open) => {
    const store = open()
    const name = byteName('d')
    const root = rootOfByte(7)
    const sums = { root: rootOfByte(8), length: 3 }
    const digests = digestsOf(new Uint8Array(9))
    store.leaves.put(root, new Uint8Array(64))
    store.putDigests(root, digests)
    store.putBlob(sums, new Uint8Array(3))
    store.putSums(root, sums)
    store.putDirectory(name, record(known('f', 7), known('g', 7)))
    store.putDirectory(name, record({ ...known('f', 7), mtimeNs: 9n }, known('g', 7)))
    store.putDirectory(name, record(known('g', 7)))
    t.ok(store.leaves.of(root))
    t.same(store.digests({ root, length: 9 }), digests)
    t.same(store.sums(root), sums)
    store.putDirectory(name, record(known('g', 9)))
    t.equal(store.leaves.of(root), null)
    t.equal(store.digests({ root, length: 9 }), null)
    t.equal(store.sums(root), null)
    t.equal(store.blob(sums.root), null)
    await store.close()
  }),
)

t.test('a place that cannot be used says so', async (t) => {
  const folder = t.testdir({})
  writeFileSync(`${folder}/file`, '')
  t.throws(() => new Store(`${folder}/file/index`), StartupError)
})
