import assert from 'node:assert/strict'
import t from 'tap'
import { Underflow } from '../../lib/base/bytes.js'
import { WireError } from '../../lib/base/errors.js'
import { decodePage, encodePage } from '../../lib/snapshot/page.js'
import { anyPage } from '../support/entries.js'
import fc from '../support/properties.js'
import { testVectors, validBytes } from '../support/vectors.js'

t.test('vectors', async (t) =>
  testVectors(t, 'snapshot/page.vec', { decode: decodePage, encode: encodePage }),
)

t.test('any page survives a round trip', async () => {
  fc.assert(
    fc.property(anyPage, (page) => {
      assert.deepEqual(decodePage(encodePage(page)), page)
    }),
  )
})

t.test('what is taken is written again byte for byte; all else is refused', async () => {
  const seeds = validBytes('snapshot/page.vec')
  const damage = fc.record({
    seed: fc.constantFrom(...seeds),
    at: fc.nat(),
    put: fc.uint8Array({ maxLength: 3 }),
    gone: fc.nat(3),
  })
  fc.assert(
    fc.property(damage, ({ seed, at, put, gone }) => {
      const start = at % seed.length
      const bytes = Uint8Array.from([
        ...seed.subarray(0, start),
        ...put,
        ...seed.subarray(start + gone),
      ])
      try {
        assert.deepEqual(Buffer.from(encodePage(decodePage(bytes))), Buffer.from(bytes))
      } catch (error) {
        if (!(error instanceof WireError)) throw error
        assert.ok(!(error instanceof Underflow))
      }
    }),
    { numRuns: 2000 },
  )
})

t.test('a page above the cap is not even looked at', async (t) => {
  t.throws(() => decodePage(new Uint8Array(256 * 1024 + 1)), WireError)
})
