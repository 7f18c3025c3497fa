import assert from 'node:assert/strict'
import t from 'tap'
import { contentBlockLength, sumHeadFor } from '../../lib/delta/block-size.js'
import fc from '../support/properties.js'

const rule = { protocol: 32, sumBytes: 16, blockLength: null, redo: false }

// prsync-protocol(7), sum head: from sessions of the real rsync.
const HEADS: readonly (readonly [number, block: number, old: number, sum: number])[] = [
  [1, 700, 700, 2],
  [490_000, 700, 700, 2],
  [490_001, 700, 700, 2],
  [500_000, 704, 704, 2],
  [1_000_000, 1000, 1000, 2],
  [1e7, 3160, 3160, 2],
  [1e8, 10_000, 10_000, 3],
  [1e9, 31_616, 31_616, 3],
  [1e10, 100_000, 100_000, 4],
  [1e11, 131_072, 316_224, 5],
  [1e12, 131_072, 1_000_000, 5],
]
t.test("rsync's heads", async (t) => {
  for (const [length, block, old, sumLength] of HEADS) {
    t.strictSame(
      sumHeadFor(length, rule),
      {
        count: Math.ceil(length / block),
        blockLength: block,
        sumLength,
        remainder: length % block,
      },
      `${length} bytes`,
    )
    t.equal(
      sumHeadFor(length, { ...rule, protocol: 29 }).blockLength,
      old,
      `${length}, protocol 29`,
    )
  }
  t.match(sumHeadFor(1e8, { ...rule, redo: true }), { sumLength: 16 }, 'again')
  t.match(sumHeadFor(1e8, { ...rule, redo: true, sumBytes: 8 }), { sumLength: 8 }, 'again, xxh64')
  t.match(sumHeadFor(1e12, { ...rule, sumBytes: 4 }), { sumLength: 4 })
  t.match(sumHeadFor(1e6, { ...rule, blockLength: 8192 }), { blockLength: 8192, count: 123 }, '-B')
})
t.test('the whole file where there are no blocks, or too many', async (t) => {
  const whole = { count: 0, blockLength: 0, sumLength: 0, remainder: 0 }
  t.strictSame(sumHeadFor(0, rule), whole)
  t.strictSame(sumHeadFor(2 ** 49, rule), whole)
  t.strictSame(sumHeadFor(2 ** 40, { ...rule, blockLength: 1 }), whole)
})

t.test("the swarm's blocks", async (t) => {
  const cases: readonly (readonly [number, number | null])[] = [
    [1, 1024],
    [2 * 1024 ** 2, 1024],
    [2 * 1024 ** 2 + 1, 2048],
    [2 ** 27, 8192],
    [2 ** 27 + 1, 16_384],
    [2 ** 38, 16_384],
    [2 ** 38 + 1, 32_768],
    [2 ** 44, 2 ** 20],
    [2 ** 44 + 1, null],
  ]
  for (const [length, block] of cases) t.equal(contentBlockLength(length), block, `${length} bytes`)
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 38 }), (length) => {
      const block = contentBlockLength(length)
      assert(
        block !== null && block >= 1024 && block <= 16_384 && Number.isInteger(Math.log2(block)),
      )
    }),
  )
})
