import assert from 'node:assert/strict'
import t from 'tap'
import { type Candidate, CHOKE_ROUND_MS, chooseServed } from '../../lib/swarm/choker.js'
import fc from '../support/properties.js'
import { seededRandom } from '../support/seeded-random.js'

const candidates = fc
  .array(
    fc.record(
      {
        isInterested: fc.boolean(),
        isServed: fc.boolean(),
        sinceMs: fc.nat(100_000),
        held: fc.nat(100),
        gave: fc.nat(100),
      },
      { noNullPrototype: true },
    ),
    { maxLength: 50 },
  )
  .map((list) => list.map((c, slot): Candidate => ({ ...c, slot })))

t.test(
  'as many as there are slots for, only who is interested, the neediest among them',
  async () => {
    fc.assert(
      fc.property(candidates, fc.integer({ min: 4, max: 10 }), fc.integer(), (all, slots, seed) => {
        const now = 100_000
        const chosen = chooseServed(all, slots, now, seededRandom(seed))
        const asking = all.filter((c) => c.isInterested)
        assert.equal(chosen.size, Math.min(slots, asking.length))
        for (const slot of chosen) assert.ok(all[slot]?.isInterested)
        const waiting = asking.filter((c) => !c.isServed).map((c) => c.held)
        const least = Math.min(...waiting)
        if (asking.some((c) => c.isServed && c.held <= least) || waiting.length === 0) return
        assert.ok(asking.some((c) => c.held === least && chosen.has(c.slot)))
      }),
    )
  },
)

t.test('everyone has its turn, also beside one that claims to have nothing', async (t) => {
  const random = seededRandom(3)
  const state = Array.from({ length: 30 }, (_, slot) => ({
    slot,
    isServed: false,
    sinceMs: 0,
    held: slot < 6 ? 0 : 1000,
  }))
  const served = new Set<number>()
  for (let round = 1; round <= 12; round++) {
    const now = round * CHOKE_ROUND_MS
    const chosen = chooseServed(
      state.map((s) => ({ ...s, isInterested: true, gave: 0 })),
      8,
      now,
      random,
    )
    for (const s of state) {
      const isServed = chosen.has(s.slot)
      if (isServed) served.add(s.slot)
      if (isServed !== s.isServed) s.sinceMs = now
      s.isServed = isServed
    }
  }
  t.equal(served.size, 30)
})
