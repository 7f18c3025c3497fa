import t from 'tap'
import { Meter } from '../../lib/swarm/meter.js'

t.test('a steady stream is measured as it is', (t) => {
  const meter = new Meter(0)
  for (let now = 10; now <= 20_000; now += 10) {
    meter.add(1000)
    meter.rate(now)
  }
  t.ok(Math.abs(meter.rate(20_000) - 100_000) < 5000)
  t.equal(meter.total, 2_000_000)
  t.end()
})

t.test(
  'the first bytes of a fast stream count at once, a burst no more than a tenth of a second of it',
  (t) => {
    const fast = new Meter(0)
    for (let now = 1; now <= 100; now++) fast.add(100_000)
    t.equal(fast.rate(100), 100_000_000)
    const burst = new Meter(0)
    burst.add(65_536)
    t.equal(burst.rate(1), 655_360)
    t.end()
  },
)
