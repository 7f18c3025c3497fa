/** What a volunteer sees of its line, on a clock by hand. */
import t from 'tap'
import { UNKNOWN_CAPACITY } from '../../lib/mirror/balance.js'
import { Flows } from '../../lib/mirror/flows.js'

const MIB = 1 << 20

t.test('rates, and how long flows should still run', async (t) => {
  let now = 1000
  const flows = new Flows(10 * MIB, null, now)
  t.same(flows.report(0, now), {
    ...{ fair: 10 * MIB, flows: 0, lasting: new Array(9).fill(0) },
    ...{ clientRate: 0, syncRate: 0, observed: [] },
  })
  const flow = flows.begin(12 * MIB, () => now)
  const other = flows.begin(100, () => now)
  now += 2000
  flow.sent(4 * MIB)
  // 2 MiB a second, 8 MiB left: four seconds; the other one has sent nothing, nobody knows how long it takes
  t.match(flows.report(2 * MIB, now), {
    flows: 2,
    lasting: [1, 1, 0, 0, 0, 0, 0, 0, 0],
    ...{ clientRate: 2 * MIB, syncRate: MIB, observed: [] },
    fair: 7 * MIB,
  })
  now += 4000
  flow.sent(8 * MIB)
  flow.end()
  flow.end()
  other.end()
  t.match(flows.report(2 * MIB, now), {
    flows: 0,
    clientRate: 2 * MIB,
    syncRate: 0,
    observed: [2 * MIB],
  })
  t.match(flows.report(2 * MIB, now + 1), { observed: [] }, 'each sample is told once')
  t.equal(flows.sent, 12 * MIB)
})

t.test('what clients may have of the line is all that a new one is promised', async (t) => {
  const flows = new Flows(10 * MIB, 3 * MIB, 0)
  t.equal(flows.report(0, 1000).fair, 3 * MIB)
  t.equal(flows.report(8 * MIB, 2000).fair, 2 * MIB, 'other nodes have the rest')
})

t.test('a line that nobody knows is what it once gave, or what is usual', async (t) => {
  const flows = new Flows(null, null, 0)
  t.equal(flows.report(0, 1000).fair, UNKNOWN_CAPACITY)
  flows.begin(1e9, () => 1000).sent(1e8)
  t.equal(flows.report(0, 2000).fair, 5e7, 'half of it, as one has the other')
})

t.test('of many answers the last samples are told', async (t) => {
  const flows = new Flows(null, null, 0)
  for (let i = 1; i <= 70; i++) {
    let now = 0
    const flow = flows.begin(i * MIB, () => now)
    flow.sent(i * MIB)
    now = 1000
    flow.end()
  }
  const small = flows.begin(10, () => 0)
  small.sent(10)
  small.end()
  const { observed } = flows.report(0, 1000)
  t.equal(observed.length, 64)
  t.equal(observed.at(-1), 70 * MIB)
})
