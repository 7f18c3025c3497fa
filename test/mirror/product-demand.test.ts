/** What to expect of a release by what was asked of the one before. */
import t from 'tap'
import { WireError } from '../../lib/base/errors.js'
import { type Launch, ProductDemand, productOf } from '../../lib/mirror/product-demand.js'

const HOUR = 3_600_000
const launch = (id: string, releasedMs: number, product = 'p'): Launch => ({
  id,
  product,
  releasedMs,
})

t.test('numbers in a name do not make another product', async (t) => {
  t.equal(
    productOf('m', 'iso/debian-12.5.0-amd64-DVD-1.iso'),
    productOf('m', 'iso/debian-12.10.0-amd64-DVD-1.iso'),
  )
  t.not(productOf('m', 'debian-12-amd64.iso'), productOf('m', 'debian-12-arm.iso'))
})

t.test('the next is expected to go as the last', async (t) => {
  const demand = new ProductDemand()
  const first = launch('1', 0)
  demand.seen(first, 100, 0)
  demand.seen(first, 500, HOUR / 2)
  demand.seen(first, 200, HOUR - 1)
  demand.seen(first, 50, 3 * HOUR)
  t.equal(demand.expected(first, HOUR), null, 'there was none before')
  const second = launch('2', 100 * HOUR)
  t.equal(demand.expected(second, 100 * HOUR), null, 'not seen yet')
  demand.seen(second, 7, 100 * HOUR)
  const at = (hours: number): number | null => demand.expected(second, (100 + hours) * HOUR)
  t.same([0, 0.9, 1, 3, 4, 1000].map(at), [500, 500, 0, 50, 0, 0])
  t.equal(demand.expected(first, 100 * HOUR), null, 'nobody asks for the old one')
  demand.seen(first, 9999, 101 * HOUR)
  t.equal(at(0), 500, 'what is asked of the old one changes nothing')
  t.equal(demand.expected(launch('x', 0, 'q'), 0), null)
  const again = ProductDemand.parse(demand.format())
  t.equal(again.expected(second, 103 * HOUR), 50)
  t.equal(again.format(), demand.format())
})

t.test('it remembers so many products, and reads nothing else', async (t) => {
  const demand = new ProductDemand()
  for (let i = 0; i < 1010; i++) {
    demand.seen(launch(`${i}a`, 0, `${i}`), 5, 0)
    demand.seen(launch(`${i}b`, 1, `${i}`), 5, 1)
  }
  t.equal(demand.expected(launch('3b', 1, '3'), 1), null)
  t.equal(demand.expected(launch('1009b', 1, '1009'), 1), 5)
  t.ok(ProductDemand.parse(demand.format()).format() === demand.format())
  for (const text of [
    '',
    '{}',
    '{"now":[{}],"last":[]}',
    '{"now":[{"product":"","id":"","rates":[],"releasedMs":0}],"last":[]}',
  ])
    t.throws(() => ProductDemand.parse(text), WireError)
})
