import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { openKernel } from '../../lib/kernel/kernel.js'
import { KERNEL_SOURCE_DIGEST } from '../../lib/kernel/kernel-bytes.js'
import {
  type BlockSum,
  FAINT,
  FAINT_AFTER,
  filterSlot,
  headOf,
  type Kernel,
  MARK_BYTES,
  SUM_BYTES,
} from '../../lib/kernel/kernel-port.js'
import { openReference } from '../../lib/kernel/reference.js'
import { noise } from '../delta/support.js'
import { projectFile } from '../support/project.js'
import fc from '../support/properties.js'

const SIZE = { dataBytes: 8192, entries: 64 }
const kernel = openKernel(SIZE)
const reference = openReference(SIZE)

const algorithm = fc.constantFrom<BlockSum['algorithm']>(
  'xxh64',
  'xxh3',
  'xxh128',
  'md4',
  'md5',
  'sha1',
)
const blockSum = fc.record(
  { algorithm, seed: fc.oneof(fc.constant(0), fc.integer()), seedLast: fc.boolean() },
  { noNullPrototype: true },
)

/** All sums of a kernel over bytes put at an odd offset. */
function sums(k: Kernel, sum: BlockSum, bytes: Uint8Array, blockLength: number): Uint8Array {
  const width = SUM_BYTES[sum.algorithm] - (sum.seed & 3)
  const stride = width + 5
  const out = new Uint8Array(Math.ceil(bytes.length / blockLength) * stride)
  k.data.set(bytes, 3)
  k.weakSums(3, bytes.length, blockLength, out, 0, stride)
  k.strongSums(sum, width, 3, bytes.length, blockLength, out, 5, stride)
  return out
}

t.test('the committed module is made from the committed source', async (t) => {
  const digest = createHash('sha256')
  const folder = projectFile('lib/kernel/')
  for (const name of readdirSync(folder).sort())
    if (name.endsWith('.as.ts')) digest.update(readFileSync(new URL(name, folder)))
  t.equal(KERNEL_SOURCE_DIGEST, digest.digest('hex'), 'npm run kernel')
})

t.test('WebAssembly runs here', async (t) => {
  t.not(kernel.constructor, reference.constructor)
})

t.test('block sums equal the reference, whatever bytes, blocks and seed', async () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 3000, size: 'max' }),
      fc.integer({ min: 20, max: 1200 }),
      blockSum,
      (bytes, blockLength, sum) => {
        assert.deepEqual(
          sums(kernel, sum, bytes, blockLength),
          sums(reference, sum, bytes, blockLength),
        )
      },
    ),
    { numRuns: 150 },
  )
})

t.test('every short length takes its own path, and each equals the reference', async (t) => {
  const bytes = Uint8Array.from({ length: 1400 }, (_, i) => (i * i * 7 + i) & 0xff)
  for (const name of Object.keys(SUM_BYTES)) {
    const sum: BlockSum = { algorithm: name as BlockSum['algorithm'], seed: -12345 }
    const wrong: number[] = []
    for (let n = 1; n <= 1400; n += n < 300 ? 1 : 37) {
      const part = bytes.subarray(0, n)
      if (Buffer.compare(sums(kernel, sum, part, n), sums(reference, sum, part, n)) !== 0)
        wrong.push(n)
    }
    t.strictSame(wrong, [], name)
  }
})

t.test('more sums than one call gives back', async (t) => {
  const k = openKernel({ dataBytes: 100_000, entries: 1 })
  for (let i = 0; i < k.data.length; i++) k.data[i] = (i * 31) >> 3
  const out = new Uint8Array(50_000 * 12)
  k.weakSums(0, k.data.length, 2, out, 0, 12)
  k.strongSums({ algorithm: 'xxh64', seed: 0 }, 8, 0, k.data.length, 2, out, 4, 12)
  const last = new Uint8Array(12)
  k.weakSums(99_998, 2, 2, last, 0, 12)
  k.strongSums({ algorithm: 'xxh64', seed: 0 }, 8, 99_998, 2, 2, last, 4, 12)
  t.strictSame(out.subarray(-12), last)
})

function enter(k: Kernel, entry: number, weak: number): void {
  const { filter, heads, headShift, weaks, nexts } = k.table
  filter[filterSlot(weak)] = (filter[filterSlot(weak)] ?? 0) | (1 << (weak & 31))
  weaks[entry] = weak
  nexts[entry] = heads[headOf(weak, headShift)] ?? 0
  heads[headOf(weak, headShift)] = entry + 1
}
/** Windows the kernel stops at, and its sums there. */
function stops(k: Kernel, bytes: Uint8Array, window: number, weaks: readonly number[]): number[] {
  k.data.set(bytes)
  k.table.filter.fill(0)
  k.table.heads.fill(0)
  for (const [i, weak] of weaks.entries()) enter(k, i, weak)
  const found: number[] = []
  const last = bytes.length - window
  k.place(0, window)
  for (let at = k.scan(0, last, window, true); at <= last; at = k.scan(at, last, window, false))
    found.push(at)
  return found
}

/** Place and key of each mark. */
function marks(k: Kernel, bytes: Uint8Array, offset: number, most: number, since = 0): number[][] {
  k.data.set(bytes, offset)
  const out = new Uint32Array(most * 2)
  const count = k.marks(offset, bytes.length, out, since)
  return Array.from({ length: count }, (_, i) => [...out.subarray(i * 2, i * 2 + 2)])
}

t.test('marks: where the bytes say, wherever they stand', async (t) => {
  fc.assert(
    fc.property(
      fc.nat(1e6),
      fc.nat(5000),
      fc.nat(100),
      fc.integer({ min: 1, max: 40 }),
      fc.nat(3000),
      (seed, length, offset, most, since) => {
        const bytes = noise(length, seed)
        const all = marks(reference, bytes, 0, most, since)
        assert.deepEqual(marks(kernel, bytes, offset, most, since), all)
        for (const [word = 0] of all) assert.ok((word % FAINT) + MARK_BYTES <= length)
      },
    ),
  )
  const roomy = openKernel({ dataBytes: 1 << 18, entries: 1 })
  const many = marks(roomy, noise(1 << 18, 5), 0, 1000).map(([word = 0]) => word)
  const strict = many.filter((word) => word < FAINT)
  t.ok(strict.length > 380 && strict.length < 650, `one of 512: ${strict.length}`)
  t.ok(many.length < 1.3 * strict.length, `and little more: ${many.length}`)
  for (const [i, word] of many.entries()) {
    const last = many.slice(0, i).findLast((before) => before < FAINT) ?? 0
    if (word >= FAINT) t.ok(word - FAINT - last >= FAINT_AFTER, 'faint ones far behind a mark')
  }
  for (const period of [1, 2, 4]) {
    const run = Buffer.alloc(100_000, noise(period, period + 3))
    t.same(marks(roomy, run, 0, 10), [], `none in what repeats after ${period}`)
  }
})

t.test('sums of nodes are SHA-256 of 64 bytes each', async () => {
  const roomy = openKernel({ dataBytes: 1 << 18, entries: 1 })
  fc.assert(
    fc.property(fc.nat(1e6), fc.nat(4000), fc.nat(100), (seed, count, offset) => {
      roomy.data.set(noise(count * 64, seed), offset)
      const nodes = roomy.data.subarray(offset, offset + count * 64)
      const sums = new Uint8Array(count * 32)
      roomy.nodeSums(offset, count, sums)
      for (let i = 0; i < count; i++)
        assert.deepEqual(
          Buffer.from(sums.subarray(i * 32, (i + 1) * 32)),
          createHash('sha256')
            .update(nodes.subarray(i * 64, (i + 1) * 64))
            .digest(),
        )
    }),
    { numRuns: 20 },
  )
})

t.test('the scan stops at exactly the windows whose sum the table holds', async () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 1, maxLength: 900, size: 'max' }),
      fc.integer({ min: 1, max: 800 }),
      fc.array(fc.nat(900), { maxLength: 20 }),
      fc.integer({ min: 0, max: 3 }),
      (values, size, wanted, squeeze) => {
        // squeezed bytes repeat, so that windows have equal sums
        const bytes = Uint8Array.from(values, (v) => (squeeze === 0 ? v : v % (squeeze + 1)))
        const window = Math.min(size, bytes.length)
        const at = (offset: number): number => {
          reference.data.set(bytes)
          return reference.place(offset, window)
        }
        const last = bytes.length - window
        const weaks = wanted.map((w) => at(w % (last + 1)))
        const expected = Array.from({ length: last + 1 }, (_, i) => i).filter((i) =>
          weaks.includes(at(i)),
        )
        assert.deepEqual(stops(reference, bytes, window, weaks), expected)
        assert.deepEqual(stops(kernel, bytes, window, weaks), expected)
      },
    ),
    { numRuns: 200 },
  )
})
