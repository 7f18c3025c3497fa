import assert from 'node:assert/strict'
import t from 'tap'
import { NONE, SumTable } from '../../lib/delta/sum-table.js'
import type { BlockSums } from '../../lib/delta/sums.js'
import { openReference } from '../../lib/kernel/reference.js'
import fc from '../support/properties.js'

function sumsOf(pairs: readonly (readonly [weak: number, strong: number])[]): BlockSums {
  const packed = Buffer.alloc(pairs.length * 6)
  for (const [i, [weak, strong]] of pairs.entries()) {
    packed.writeUInt32LE(weak, i * 6)
    packed.writeUInt16BE(strong, i * 6 + 4)
  }
  const sum = { algorithm: 'md5', seed: 0 } as const
  return {
    length: pairs.length * 10,
    blockLength: 10,
    count: pairs.length,
    sumLength: 2,
    sum,
    packed,
  }
}
const strongOf = (n: number): Uint8Array => Uint8Array.of(n >> 8, n & 0xff)

t.test(
  'finds the first of equal sums, the others behind it, and nothing that was removed',
  async () => {
    const few = fc.tuple(fc.constantFrom(1, 2, 0x80000000, 0xffffffff), fc.nat(3))
    fc.assert(
      fc.property(fc.array(few, { maxLength: 40 }), (pairs) => {
        const table = new SumTable(sumsOf(pairs), openReference({ dataBytes: 0, entries: 40 }))
        for (const [weak, strong] of pairs) {
          const same = [...pairs.keys()].filter(
            (i) => pairs[i]?.[0] === weak && pairs[i]?.[1] === strong,
          )
          const found: number[] = []
          const first = table.find(weak, strongOf(strong))
          if (first === NONE) continue // removed in an earlier turn
          for (let block = first; block !== NONE; block = table.twinOf(block)) found.push(block)
          assert.deepEqual(found, same)
          table.remove(first)
          assert.equal(table.find(weak, strongOf(strong)), NONE)
        }
        assert.equal(table.find(7, strongOf(0)), NONE)
      }),
    )
  },
)

t.test('a chain made on purpose is cut off', async (t) => {
  const pairs = Array.from({ length: 1000 }, (_, i) => [5, i] as const)
  const table = new SumTable(sumsOf(pairs), openReference({ dataBytes: 0, entries: 1000 }))
  const found = pairs.filter(([weak, strong]) => table.find(weak, strongOf(strong)) !== NONE)
  t.equal(found.length, 128)
})

t.test('more blocks than the kernel has room for', async (t) => {
  const pairs = [[1, 1] as const, [2, 2] as const]
  t.throws(
    () => new SumTable(sumsOf(pairs), openReference({ dataBytes: 0, entries: 1 })),
    RangeError,
  )
})
