import assert from 'node:assert/strict'
import t from 'tap'
import { WireError } from '../../lib/base/errors.js'
import { PieceSet } from '../../lib/bt/bitfield.js'
import fc from '../support/properties.js'

t.test('the first piece is the highest bit', async (t) => {
  const set = PieceSet.decode(Uint8Array.of(0b1010_0000, 0b1000_0000), 9)
  t.same(
    [set.has(0), set.has(1), set.has(2), set.has(8), set.has(9)],
    [true, false, true, true, false],
  )
  t.equal(set.count, 3)
  t.same([...set.without(PieceSet.decode(Uint8Array.of(0x80, 0), 9))], [2, 8])
  t.ok(PieceSet.full(9).isFull)
  t.notOk(set.isFull)
  set.add(9)
  set.add(0)
  t.equal(set.count, 3)
  set.remove(8)
  set.remove(8)
  t.same([set.has(8), set.has(2), set.count], [false, true, 2])
})

t.test('refuses another length, and bits past the last piece', async (t) => {
  t.throws(() => PieceSet.decode(Uint8Array.of(0), 9), WireError)
  t.throws(() => PieceSet.decode(Uint8Array.of(0, 0b0100_0000), 9), WireError)
  t.equal(PieceSet.decode(new Uint8Array(0), 0).count, 0)
})

t.test('any set survives', async () => {
  fc.assert(
    fc.property(fc.array(fc.boolean()), (pieces) => {
      const set = new PieceSet(pieces.length)
      for (const [i, here] of pieces.entries()) if (here) set.add(i)
      const back = PieceSet.decode(set.encode(), pieces.length)
      assert.deepEqual(
        pieces.map((_, i) => back.has(i)),
        pieces,
      )
      assert.equal(back.count, pieces.filter(Boolean).length)
    }),
  )
})
