import assert from 'node:assert/strict'
import t from 'tap'
import { latin1Of } from '../../lib/base/bytes.js'
import { rootOf } from '../../lib/hash/root.js'
import {
  type DirectoryRecord,
  decodeDirectoryRecord,
  encodeDirectoryRecord,
  isSame,
  type Known,
  knownOf,
  type Settled,
} from '../../lib/io/directory-record.js'
import { anyBase, fileEntry } from '../support/entries.js'
import fc from '../support/properties.js'
import { standingOf } from '../support/standing.js'

const plain = { noNullPrototype: true }
const root = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(rootOf)
const time = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
const stat = {
  ino: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  size: fc.maxSafeNat(),
  mtimeNs: time,
  ctimeNs: time,
}
const count = fc.nat(0xffffffff)
const settled: fc.Arbitrary<Settled> = fc.record(
  {
    under: fc.uint8Array({ minLength: 16, maxLength: 16 }).map(latin1Of),
    self: fc.record(stat, plain),
    page: fc.option(root),
    entries: count,
    files: count,
    unhashed: count,
    extraneous: fc.boolean(),
    links: fc.array(fc.record({ group: fc.maxSafeNat(), index: count }, plain), { maxLength: 3 }),
  },
  plain,
)
const known: fc.Arbitrary<Known> = fc.record(
  {
    base: anyBase,
    directory: fc.boolean(),
    ...stat,
    root: fc.option(root),
    hashed: fc.boolean(),
  },
  plain,
)
const record: fc.Arbitrary<DirectoryRecord> = fc.record(
  {
    page: fc.option(fc.record({ length: fc.integer({ min: 1, max: 262_144 }), root }, plain)),
    built: fc.boolean(),
    files: fc.maxSafeNat(),
    bytes: fc.maxSafeNat(),
    settled: fc.option(settled),
    known: fc.array(known, { maxLength: 9 }),
  },
  plain,
)

t.test('any record survives a round trip, and any part of it is made again', async () => {
  fc.assert(
    fc.property(record, fc.nat(), (value, cut) => {
      const bytes = encodeDirectoryRecord(value)
      assert.deepEqual(decodeDirectoryRecord(bytes), value)
      assert.equal(decodeDirectoryRecord(bytes.subarray(0, cut % bytes.length)), null)
    }),
  )
})

t.test('a damaged record gives a record or nothing, never an error', async () => {
  fc.assert(
    fc.property(record, fc.nat(), fc.nat(255), (value, at, byte) => {
      const bytes = Uint8Array.from(encodeDirectoryRecord(value))
      bytes[at % bytes.length] = byte
      decodeDirectoryRecord(bytes)
    }),
  )
})

t.test('the same file is one whose size, inode and both times are as they were', async (t) => {
  const standing = standingOf(fileEntry('f'), { size: 3, ctimeNs: 7n, ino: 9n })
  const before = knownOf(standing)
  t.ok(isSame(before, standing))
  for (const change of [{ size: 4 }, { ino: 8n }, { mtimeNs: 1n }, { ctimeNs: 8n }])
    t.notOk(isSame(before, { ...standing, ...change }), Object.keys(change).join())
})
