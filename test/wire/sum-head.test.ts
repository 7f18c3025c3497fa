/** Sum heads: round trips, and those that no file could have. */
import assert from 'node:assert/strict'
import t from 'tap'
import { Cursor, Writer } from '../../lib/base/bytes.js'
import { WireError } from '../../lib/base/errors.js'
import { LIMITS } from '../../lib/base/limits.js'
import { type SumHead, sumHeadFor } from '../../lib/delta/block-size.js'
import { lengthOf, NO_SUMS, readSumHead, writeSumHead } from '../../lib/wire/sum-head.js'
import fc from '../support/properties.js'

function read(head: SumHead, protocol = 32, sumBytes = 16): SumHead {
  const w = new Writer()
  writeSumHead(w, head)
  const c = new Cursor(w.done())
  const found = readSumHead(c, protocol, sumBytes)
  assert.equal(c.left, 0)
  return found
}
const HEAD: SumHead = { count: 3, blockLength: 700, sumLength: 2, remainder: 600 }

t.test('heads of files of any length go round and tell that length', async () => {
  fc.assert(
    fc.property(fc.nat(2 ** 40), fc.integer({ min: 27, max: 32 }), (length, protocol) => {
      const rule = { protocol, sumBytes: 16, blockLength: null, redo: false }
      const head = sumHeadFor(length, rule)
      assert.deepEqual(read(head, protocol), head)
      if (head.count > 0) assert.equal(lengthOf(head), length)
    }),
  )
  assert.deepEqual(read(NO_SUMS), NO_SUMS)
  assert.equal(lengthOf(NO_SUMS), 0)
})

t.test('what no file could have', async (t) => {
  t.same(read(HEAD), HEAD)
  const longest = LIMITS.blockSumsBytes / 6
  const wrong: Partial<SumHead>[] = [
    { count: -1 },
    { count: Math.floor(longest) + 1 },
    { count: 0x7fffffff },
    { blockLength: -1 },
    { blockLength: 0, remainder: 0 },
    { blockLength: LIMITS.blockBytes + 1 },
    { sumLength: -1 },
    { sumLength: 17 },
    { remainder: -1 },
    { remainder: 701 },
  ]
  for (const part of wrong)
    t.throws(() => read({ ...HEAD, ...part }), WireError, JSON.stringify(part))
  t.same(read({ ...HEAD, count: Math.floor(longest) }).count, Math.floor(longest))
})

t.test('old protocols have longer blocks', async (t) => {
  const head = { ...HEAD, blockLength: LIMITS.oldBlockBytes }
  t.same(read(head, 29), head)
  t.throws(() => read(head, 30), WireError)
  t.throws(() => read({ ...head, blockLength: LIMITS.oldBlockBytes + 1 }, 29), WireError)
})
