import assert from 'node:assert/strict'
import t from 'tap'
import { Cursor, Writer } from '../../lib/base/bytes.js'
import { WireError } from '../../lib/base/errors.js'
import * as ints from '../../lib/wire/ints.js'
import { NdxReader, NdxWriter } from '../../lib/wire/ndx.js'
import fc from '../support/properties.js'
import { type Codec, testVectors } from '../support/vectors.js'

function codecOf<T>(read: (c: Cursor) => T, write: (w: Writer, value: T) => void): Codec<T> {
  return {
    decode: (bytes) => {
      const c = new Cursor(bytes)
      const value = read(c)
      assert.equal(c.left, 0)
      return value
    },
    encode: (value) => {
      const w = new Writer()
      write(w, value)
      return w.done()
    },
  }
}
const varlong = (least: number): Codec<number> =>
  codecOf(
    (c) => ints.readVarlong(c, least),
    (w, value) => {
      ints.writeVarlong(w, value, least)
    },
  )
const varint = codecOf(ints.readVarint, ints.writeVarint)
const longint = codecOf(ints.readLongint, ints.writeLongint)
const wideLongint = codecOf(ints.readWideLongint, ints.writeWideLongint)
const vstring = codecOf(ints.readVstring, ints.writeVstring)

/** All numbers of one direction. */
function ndxCodec(protocol: number): Codec<number[]> {
  return codecOf(
    (c) => {
      const reader = new NdxReader(protocol)
      const all: number[] = []
      while (c.left > 0) all.push(reader.read(c))
      return all
    },
    (w, all) => {
      const writer = new NdxWriter(protocol)
      for (const ndx of all) writer.write(w, ndx)
    },
  )
}
const firstNdx = codecOf(
  (c) => new NdxReader(31).read(c),
  (w, ndx) => {
    new NdxWriter(31).write(w, ndx)
  },
)

t.test('vectors', async (t) => {
  testVectors(t, 'wire/varint.vec', varint)
  testVectors(t, 'wire/varlong3.vec', varlong(3))
  testVectors(t, 'wire/varlong4.vec', varlong(4))
  testVectors(t, 'wire/longint.vec', longint)
  testVectors(t, 'wire/vstring.vec', vstring)
  testVectors(t, 'wire/ndx.vec', firstNdx)
})

t.test('numbers of entries count from those before', async (t) => {
  const rows: [string, number[], string][] = [
    ['backwards', [10, 7], '0bfe80070000'],
    ['DONE changes nothing', [5, -1, 6], '060001'],
    ['lists of directories 1 and 2, and their end', [-102, -103, -2], 'ff65ff01fffe80020000'],
    ['steps of 254, of 32767, of none', [253, 33_020, 33_020], 'fe00fefe7ffffe0000'],
  ]
  for (const [name, numbers, hex] of rows) {
    const codec = ndxCodec(30)
    t.equal(Buffer.from(codec.encode(numbers)).toString('hex'), hex, name)
    t.same(codec.decode(Buffer.from(hex, 'hex')), numbers, name)
  }
  t.throws(() => ndxCodec(30).decode(Buffer.from('feffffffff01', 'hex')), WireError)
})

t.test('what is written is read', async () => {
  const trip = <T>(codec: Codec<T>, values: fc.Arbitrary<T>): void => {
    fc.assert(
      fc.property(values, (value) => {
        assert.deepEqual(codec.decode(codec.encode(value).slice()), value)
      }),
    )
  }
  trip(varint, fc.integer())
  for (const least of [3, 4]) trip(varlong(least), fc.oneof(fc.maxSafeInteger(), fc.integer()))
  trip(longint, fc.oneof(fc.maxSafeInteger(), fc.integer()))
  trip(wideLongint, fc.bigInt(0n, 2n ** 64n - 1n))
  trip(vstring, fc.string({ unit: 'binary-ascii', maxLength: 300 }))
  const ndx = fc.oneof(
    { arbitrary: fc.nat(2 ** 31 - 1), weight: 2 },
    { arbitrary: fc.nat(300), weight: 2 },
    fc.constantFrom(-1, -2, -3),
    fc.integer({ min: -(2 ** 31) + 1, max: -101 }),
  )
  for (const protocol of [29, 30])
    trip(ndxCodec(protocol), fc.array(ndx, { minLength: 1, maxLength: 20 }))
})
