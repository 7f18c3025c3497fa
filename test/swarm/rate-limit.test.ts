import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { RateLimit } from '../../lib/swarm/rate-limit.js'

t.test('over any time no more than the rate, a burst and one bite', async () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1000, max: 1e8 }),
      fc.array(fc.tuple(fc.nat(2000), fc.integer({ min: 1, max: 65536 })), { minLength: 1 }),
      (rate, steps) => {
        const limit = new RateLimit(rate, 0)
        let now = 0
        let spent = 0
        for (const [pause, bytes] of steps) {
          now += pause
          now += limit.waitMs(now)
          assert.equal(limit.waitMs(now), 0, 'what it says is long enough')
          assert.ok(spent <= (rate * (now + 250)) / 1000 + 65536)
          limit.spend(bytes)
          spent += bytes
        }
      },
    ),
  )
})
t.test('no limit never waits', async (t) => {
  const limit = new RateLimit(null, 0)
  limit.spend(1e12)
  t.equal(limit.waitMs(0), 0)
})
