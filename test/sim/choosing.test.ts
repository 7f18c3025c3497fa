/**
 * The rule of choosing in simulated time, by the code that runs, at a scale that takes seconds: what docs/simulation.md says of
 * large runs holds here too. Nothing depends on the machine; `npm run sim` does the large ones.
 */
import t from 'tap'
import { ours } from '../../bench/sim/ours.js'
import { geographic, type Policy, perfect, random, twoChoices } from '../../bench/sim/policy.js'
import { type Figures, Run } from '../../bench/sim/run.js'
import { VolatileRun } from '../../bench/sim/volatile.js'
import { type Setting, USUAL, worldOf } from '../../bench/sim/world.js'

t.setTimeout(300_000)
const SMALL: Setting = { ...USUAL, files: 20_000, warmUp: 120, seconds: 360 }

function figures(make: (run: Run) => Policy, change: Partial<Setting>): Figures {
  return new Run(worldOf({ ...SMALL, ...change }), make).go()
}

t.test(
  'response times stay even from 20 to 95 %, as with perfect information, and so does work',
  async (t) => {
    const quiet = figures(ours(), { load: 0.2 })
    const busy = figures(ours(), { load: 0.95 })
    const best = figures(perfect, { load: 0.95 })
    t.ok(busy.packageP95 <= 1.3 * quiet.packageP95, `${busy.packageP95} and ${quiet.packageP95}`)
    t.ok(busy.packageP95 <= 1.1 * best.packageP95, `${busy.packageP95} and ${best.packageP95}`)
    t.ok(busy.jain >= 0.94, `${busy.jain}`)
    t.ok(figures(ours(), { load: 0.4 }).jain >= 0.94)
  },
)

t.test(
  'files are those of the mirror that was measured: 91 % below 1 MB, 2.86 TB in 2.2 million',
  async (t) => {
    const { bytes, belowMegabyte } = worldOf({ ...SMALL, files: 200_000 })
    t.ok(Math.abs(belowMegabyte - 0.91) < 0.005, `${belowMegabyte}`)
    t.ok(Math.abs((bytes * 11) / 2.86e12 - 1) < 0.1, `${bytes}`)
  },
)

t.test('other rules do worse', async (t) => {
  const us = figures(ours(), { load: 0.8 })
  for (const make of [random, twoChoices, geographic]) {
    const them = figures(make, { load: 0.8 })
    t.ok(them.packageP95 > 1.3 * us.packageP95, `${make.name}: ${them.packageP95}`)
    t.ok(them.jain < us.jain, make.name)
  }
})

t.test('synchronization that is not counted is felt', async (t) => {
  const change = { load: 0.8, syncTime: 0.2 }
  const counted = figures(ours(), change).packageP95
  const ignored = figures(ours({ countsSync: false }), change).packageP95
  t.ok(ignored > 1.05 * counted, `${ignored} and ${counted}`)
})

t.test('nobody is sent for long to a volunteer that went without a word', async (t) => {
  const { failures, requests, packageP95 } = figures(ours(), { load: 0.5, leaving: 0.25 })
  t.ok(failures > 0)
  t.ok(failures < requests / 100, `${failures} of ${requests}`)
  t.ok(packageP95 < 1.5)
})

t.test('the same seed, the same figures', async (t) => {
  const change = { load: 0.6, seconds: 200 }
  t.same(figures(ours(), change), figures(ours(), change))
  t.not(figures(ours(), change).packageP95, figures(ours(), { ...change, seed: 2 }).packageP95)
})

t.test('placement takes flash crowds off the centre', async (t) => {
  const crowd = { seed: 1, hosts: 40, hours: 12, peak: 0.2, spell: 3600 }
  const placed = new VolatileRun({ ...crowd, places: true }).go()
  t.ok(placed.offCentreSeeded >= 0.8, `${placed.offCentreSeeded}`)
  t.equal(new VolatileRun({ ...crowd, places: false }).go().offCentre, 0)
})
