import assert from 'node:assert/strict'
import t from 'tap'
import { equalBytes } from '../../lib/base/bytes.js'
import { scanBasis } from '../../lib/delta/scan-basis.js'
import { type PublishedSums, publishedSumsOf, type Source } from '../../lib/delta/sums.js'
import { openKernel } from '../../lib/kernel/kernel.js'
import fc from '../support/properties.js'
import { noise, relatives, sourceOf } from './support.js'

const KERNEL = openKernel({ dataBytes: 2 ** 21, entries: 1024 })

function sumsOf(target: Uint8Array): PublishedSums {
  const sums = publishedSumsOf(sourceOf(target), KERNEL)
  assert(sums !== null)
  return sums
}
/** What was found: block → offset. Every copy is checked against the bytes. */
function found(target: Uint8Array, basis: Uint8Array, dataBytes = 5000): Map<number, number> {
  const sums = sumsOf(target)
  const copies = new Map<number, number>()
  const kernel = openKernel({ dataBytes, entries: sums.count })
  const result = scanBasis(
    sums,
    sourceOf(basis),
    (block, offset) => {
      assert(!copies.has(block), `block ${block} twice`)
      copies.set(block, offset)
      const wanted = target.subarray(block * sums.blockLength, (block + 1) * sums.blockLength)
      assert(equalBytes(basis.subarray(offset, offset + wanted.length), wanted), `block ${block}`)
    },
    kernel,
  )
  assert.equal(result.blocks, copies.size)
  return copies
}

t.test('copies are true, whatever the files', async () => {
  fc.assert(
    fc.property(relatives, fc.integer({ min: 2048, max: 9000 }), ([a, b], dataBytes) => {
      if (a.length === 0) return
      // Behind other bytes a block may begin within one that was found there, as with rsync.
      found(a, Buffer.concat([b, a]), dataBytes)
      const all = found(a, Buffer.concat([a, b]), dataBytes)
      assert.equal(all.size, Math.ceil(a.length / 1024))
    }),
    { numRuns: 150 },
  )
})

const target = Buffer.concat([noise(10_000, 1), new Uint8Array(6000), noise(4500, 2)])
const blocks = Math.ceil(target.length / 1024)

t.test('finds the content wherever it stands', async (t) => {
  const cases: readonly (readonly [string, Uint8Array, missing: readonly number[]])[] = [
    ['itself', target, []],
    ['behind other bytes', Buffer.concat([noise(777, 3), target]), []],
    ['before other bytes', Buffer.concat([target, noise(777, 3)]), []],
    ['with three bytes more in the middle', insert(target, 5000, noise(3, 4)), [4]],
    ['one byte changed at its end', change(target, target.length - 1), [blocks - 1]],
    ['only its end', target.subarray(18_000), Array.from({ length: 18 }, (_, i) => i)],
    ['nothing of it', noise(20_000, 9), Array.from({ length: blocks }, (_, i) => i)],
    ['too short', target.subarray(0, 500), Array.from({ length: blocks }, (_, i) => i)],
    ['empty', new Uint8Array(0), Array.from({ length: blocks }, (_, i) => i)],
  ]
  for (const [name, basis, missing] of cases) {
    const copies = found(target, basis)
    const absent = Array.from({ length: blocks }, (_, i) => i).filter((i) => !copies.has(i))
    t.strictSame(absent, missing, name)
  }
})

t.test('equal blocks are all filled from one place', async (t) => {
  const zeros = new Uint8Array(50_000)
  const copies = found(
    zeros,
    Buffer.concat([noise(100, 5), zeros.subarray(0, 1300), noise(100, 6)]),
  )
  t.equal(
    copies.size,
    48,
    'all whole blocks; the short one is neither behind the last nor at the end',
  )
  t.strictSame([...new Set(copies.values())], [100])
})

function insert(bytes: Uint8Array, at: number, more: Uint8Array): Uint8Array {
  return Buffer.concat([bytes.subarray(0, at), more, bytes.subarray(at)])
}
function change(bytes: Uint8Array, at: number): Uint8Array {
  const out = Uint8Array.from(bytes)
  out[at] = (out[at] ?? 0) ^ 1
  return out
}

t.test('a basis with nothing in its first tenth is given up', async (t) => {
  const wanted = noise(100_000, 1)
  let read = 0
  const other = noise(1_000_000, 2)
  const basis: Source = {
    length: other.length,
    read(offset, into) {
      const n = sourceOf(other).read(offset, into)
      read += n
      return n
    },
  }
  const kernel = openKernel({ dataBytes: 50_000, entries: 1024 })
  const result = scanBasis(sumsOf(wanted), basis, () => t.fail('a copy'), kernel)
  t.match(result, { blocks: 0, gaveUp: true })
  t.ok(read < 200_000, `${read} bytes read`)
})

t.test('a basis that has become shorter ends the scan', async (t) => {
  const sums = sumsOf(target)
  const basis: Source = { length: 1_000_000, read: sourceOf(target).read }
  const kernel = openKernel({ dataBytes: 5000, entries: sums.count })
  let count = 0
  const result = scanBasis(sums, basis, () => count++, kernel)
  t.equal(result.blocks, blocks)
  t.equal(count, blocks)
})

t.test('sums made to keep us busy are given up', async (t) => {
  const zeros = new Uint8Array(300_000)
  const sums = sumsOf(zeros)
  for (let block = 0; block < sums.count; block++)
    new DataView(sums.packed.buffer).setUint32(block * 12 + 4, block)
  const kernel = openKernel({ dataBytes: 20_000, entries: sums.count })
  const result = scanBasis(sums, sourceOf(zeros), () => t.fail('a copy'), kernel)
  t.match(result, { blocks: 0, gaveUp: true })
  t.ok(result.scanned < 30_000, `${result.scanned} bytes scanned`)
})
