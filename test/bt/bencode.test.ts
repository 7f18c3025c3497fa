import assert from 'node:assert/strict'
import t from 'tap'
import { bytesOf, latin1Of } from '../../lib/base/bytes.js'
import { WireError } from '../../lib/base/errors.js'
import {
  type BencodeBounds,
  type Bencoded,
  bytesAt,
  decodeBencode,
  decodeDictionary,
  dictionary,
  encodeBencode,
  integerAt,
  isList,
  PEER_BOUNDS,
} from '../../lib/bt/bencode.js'
import fc from '../support/properties.js'

const STRICT: BencodeBounds = { depth: 8, tokens: 100, order: 'strict' }
const decode = (text: string, bounds = STRICT): Bencoded => decodeBencode(bytesOf(text), bounds)

t.test('values of BEP 3, both directions', async (t) => {
  const cases: Array<[text: string, value: Bencoded]> = [
    ['i3e', 3],
    ['i-3e', -3],
    ['i0e', 0],
    ['i9007199254740991e', 2 ** 53 - 1],
    ['4:spam', bytesOf('spam')],
    ['0:', bytesOf('')],
    ['le', []],
    ['l4:spam4:eggse', [bytesOf('spam'), bytesOf('eggs')]],
    ['de', new Map()],
    [
      'd3:cow3:moo4:spam4:eggse',
      new Map([
        ['cow', bytesOf('moo')],
        ['spam', bytesOf('eggs')],
      ]),
    ],
  ]
  for (const [text, value] of cases) {
    t.same(decode(text), value, `decode ${text}`)
    t.equal(latin1Of(encodeBencode(value)), text, `encode ${text}`)
  }
})

t.test('refuses what is not canonical, not bounded, or not bencode', async (t) => {
  const cases: Array<[name: string, text: string]> = [
    ['nothing', ''],
    ['a string of negative length', 'l-3:e'],
    ['a leading zero', 'i03e'],
    ['a leading zero of a length', '01:a'],
    ['minus zero', 'i-0e'],
    ['minus alone', 'i-e'],
    ['a plus', 'i+1e'],
    ['an empty integer', 'ie'],
    ['a fraction', 'i1.5e'],
    ['an integer above 2^53', 'i9007199254740992e'],
    ['an endless integer', 'i11111111111111111111111111111111e'],
    ['a string past the end', '5:spam'],
    ['a list without end', 'l'],
    ['a dictionary without end', 'd1:ai1e'],
    ['a key without value', 'd1:ae'],
    ['a key that is no string', 'di1ei1ee'],
    ['keys out of order', 'd1:bi1e1:ai1ee'],
    ['a key twice', 'd1:ai1e1:ai1ee'],
    ['bytes after the value', 'i1ei2e'],
    ['nine levels', `${'l'.repeat(9)}${'e'.repeat(9)}`],
    ['too many values', `l${'i1e'.repeat(100)}e`],
  ]
  for (const [name, text] of cases) t.throws(() => decode(text), WireError, name)
  t.throws(() => encodeBencode(0.5), RangeError)
  t.throws(() => decodeDictionary(bytesOf('le'), STRICT), WireError)
})

t.test('the bounds themselves are allowed, and lenient order takes any', async (t) => {
  decode(`${'l'.repeat(8)}${'e'.repeat(8)}`)
  decode(`l${'i1e'.repeat(99)}e`)
  const found = decodeDictionary(bytesOf('d1:bi1e1:a1:xe'), PEER_BOUNDS)
  t.equal(integerAt(found, 'b', 0, 9), 1)
  t.equal(integerAt(found, 'b', 2, 9), undefined)
  t.equal(integerAt(found, 'a', 0, 9), undefined)
  t.same(bytesAt(found, 'a'), bytesOf('x'))
  t.equal(bytesAt(found, 'b'), undefined)
  t.throws(() => decode('d1:bi1e1:bi2ee', PEER_BOUNDS), WireError)
  t.ok(isList(decode('le')))
  t.same([...dictionary({ a: 1, b: undefined })], [['a', 1]])
})

const value = fc.letrec<{ value: Bencoded }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.maxSafeInteger(),
    fc.uint8Array({ maxLength: 8 }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc
      .dictionary(fc.string({ unit: 'binary-ascii', maxLength: 4 }), tie('value'), { maxKeys: 4 })
      .map((o) => new Map(Object.entries(o))),
  ),
})).value

t.test('what is encoded decodes in strict order, and re-encodes to the same bytes', async () => {
  fc.assert(
    fc.property(value, (given) => {
      const bytes = encodeBencode(given)
      const back = decodeBencode(bytes, { depth: 8, tokens: 10_000, order: 'strict' })
      assert.deepEqual(encodeBencode(back), bytes)
      for (let cut = 0; cut < bytes.length; cut++)
        assert.throws(() => decodeBencode(bytes.subarray(0, cut), STRICT), WireError)
    }),
  )
})
