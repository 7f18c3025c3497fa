import assert from 'node:assert/strict'
import { inflateRawSync } from 'node:zlib'
import t from 'tap'
import { Cursor, utf8Bytes } from '../../lib/base/bytes.js'
import { WireError } from '../../lib/base/errors.js'
import { rootOf } from '../../lib/hash/root.js'
import {
  type BatchPart,
  decodeBatchPart,
  decodeBatchRequest,
  encodeBatchPart,
  encodeBatchRequest,
  unpackBatchPart,
} from '../../lib/snapshot/batch.js'
import fc from '../support/properties.js'
import { testVectors, validBytes } from '../support/vectors.js'

const MOST = 4096
const decodePart = (bytes: Uint8Array): BatchPart => {
  const from = new Cursor(bytes)
  const { form, bytes: view } = decodeBatchPart(from, MOST)
  if (from.left > 0) throw new WireError('bytes too many')
  return { form, bytes: Uint8Array.from(view) }
}

t.test('vectors: requests', async (t) =>
  testVectors(t, 'snapshot/batch.vec', {
    decode: decodeBatchRequest,
    encode: encodeBatchRequest,
  }),
)
t.test('vectors: parts', async (t) =>
  testVectors(t, 'snapshot/batch-part.vec', { decode: decodePart, encode: encodeBatchPart }),
)

t.test('any request survives a round trip', async () => {
  const root = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(rootOf)
  const plain = { noNullPrototype: true }
  const content = fc.record({ length: fc.integer({ min: 1, max: 2 ** 26 }), root }, plain)
  const item = fc.record({ content, basis: fc.option(root) }, plain)
  fc.assert(
    fc.property(fc.array(item), (items) => {
      assert.deepEqual(decodeBatchRequest(encodeBatchRequest(items)), items)
    }),
  )
})

// ---- what a part stands for ----------------------------------------------------------------

const PLAIN = utf8Bytes('hello\n'.repeat(20))
const CONTENT = { length: PLAIN.length, root: rootOf(new Uint8Array(32)) }
const inflate = (bytes: Uint8Array, most: number, dictionary: Uint8Array | null): Uint8Array =>
  inflateRawSync(bytes, {
    maxOutputLength: most,
    ...(dictionary === null ? {} : { dictionary }),
  })

t.test('what another zlib deflated, with and without a page to go by', async (t) => {
  const parts = validBytes('snapshot/batch-part.vec').map(decodePart)
  const of = (form: BatchPart['form']): BatchPart =>
    parts.find((part) => part.form === form) ?? { form, bytes: new Uint8Array(0) }
  const basis = utf8Bytes('hello\n'.repeat(19))
  t.same(unpackBatchPart(of('deflated'), CONTENT, null, inflate), PLAIN)
  t.same(unpackBatchPart(of('against-basis'), CONTENT, basis, inflate), PLAIN)
  t.equal(unpackBatchPart(of('missing'), CONTENT, null, inflate), null)
  t.throws(() => unpackBatchPart(of('against-basis'), CONTENT, null, inflate), WireError)
})
