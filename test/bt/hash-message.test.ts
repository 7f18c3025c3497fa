import assert from 'node:assert/strict'
import t from 'tap'
import { Cursor, Underflow, Writer } from '../../lib/base/bytes.js'
import { WireError } from '../../lib/base/errors.js'
import {
  decodeHashMessage,
  decodePackedHashes,
  encodeHashMessage,
  HASH_HEAD_BYTES,
  isServable,
} from '../../lib/bt/hash-message.js'
import { rootOf } from '../../lib/hash/root.js'
import fc from '../support/properties.js'

const u32 = fc.nat(0xffffffff)
const message = fc.record(
  {
    root: fc.uint8Array({ minLength: 32, maxLength: 32 }).map(rootOf),
    range: fc.record(
      { baseLayer: u32, index: u32, length: u32, proofLayers: u32 },
      { noNullPrototype: true },
    ),
  },
  { noNullPrototype: true },
)

t.test('any message survives, and any prefix underflows', async () => {
  fc.assert(
    fc.property(message, fc.nat(HASH_HEAD_BYTES - 1), (given, cut) => {
      const out = new Writer()
      encodeHashMessage(out, given)
      assert.equal(out.length, HASH_HEAD_BYTES)
      assert.deepEqual(decodeHashMessage(new Cursor(out.done())), given)
      assert.throws(() => decodeHashMessage(new Cursor(out.done().subarray(0, cut))), Underflow)
    }),
  )
})

t.test('hashes come whole and not without end', async (t) => {
  const packed = (n: number): Uint8Array => decodePackedHashes(new Cursor(new Uint8Array(n)))
  t.equal(packed(548 * 32).length, 548 * 32)
  t.throws(() => packed(33), WireError)
  t.throws(() => packed(549 * 32), WireError)
})

t.test('only aligned powers of two are served', async (t) => {
  const cases: Array<[name: string, range: number[], ok: boolean]> = [
    ['a run of 512', [0, 1024, 512, 5], true],
    ['two of a piece layer', [2, 4, 2, 3], true],
    ['one', [0, 0, 1, 5], false],
    ['none', [0, 0, 0, 5], false],
    ['three', [0, 3, 3, 5], false],
    ['1024', [0, 0, 1024, 5], false],
    ['off its alignment', [0, 256, 512, 5], false],
    ['2^31', [0, 0, 0x80000000, 5], false],
    ['a layer above every tree', [37, 0, 2, 5], false],
    ['more uncles than layers', [0, 0, 2, 0xffffffff], false],
  ]
  for (const [name, [baseLayer = 0, index = 0, length = 0, proofLayers = 0], ok] of cases)
    t.equal(isServable({ baseLayer, index, length, proofLayers }), ok, name)
})
