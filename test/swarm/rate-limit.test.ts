import assert from 'node:assert/strict'
import t from 'tap'
import { RateLimit, spendInTurn } from '../../lib/swarm/rate-limit.js'
import { ManualClock } from '../support/manual-clock.js'
import fc from '../support/properties.js'

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

t.test(
  'who spends in turn waits for those before, and asks for no more than a second brings',
  async (t) => {
    const clock = new ManualClock()
    const limit = new RateLimit(1000, clock.monotonic())
    t.equal(limit.atOnce(5000), 1000)
    t.equal(new RateLimit(null, 0).atOnce(5000), 5000)
    const { signal } = new AbortController()
    const started = clock.monotonic()
    const all = (async () => {
      for (let i = 0; i < 4; i++) await spendInTurn(limit, 1000, clock, signal)
    })()
    await clock.until(all, 60_000)
    const took = clock.monotonic() - started
    t.ok(took >= 2700 && took <= 3000, `${took} ms for three seconds less a burst`)
  },
)
