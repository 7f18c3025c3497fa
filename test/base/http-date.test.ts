import assert from 'node:assert/strict'
import t from 'tap'
import { httpDate } from '../../lib/base/http-date.js'
import fc from '../support/properties.js'

t.test('a time of HTTP', async (t) => {
  // the example of RFC 9110 §5.6.7
  t.equal(httpDate(784_111_777), 'Sun, 06 Nov 1994 08:49:37 GMT')
})

t.test('is what a Date says, whenever', async () => {
  const days = [0, 1, 58, 59, 60, 365, 789, 10_956, 11_016, 47_540, 47_541, 2_932_896]
  for (const day of days)
    for (const second of [0, 86_399]) {
      const at = day * 86_400 + second
      assert.equal(httpDate(at), new Date(at * 1000).toUTCString())
    }
  fc.assert(
    fc.property(fc.integer({ min: -62_000_000_000, max: 260_000_000_000 }), (at) =>
      assert.equal(httpDate(at), new Date(at * 1000).toUTCString()),
    ),
    { numRuns: 5000 },
  )
})
