import assert from 'node:assert/strict'
import t from 'tap'
import { LIMITS } from '../../lib/base/limits.js'
import { type ContentId, rootOf } from '../../lib/hash/root.js'
import { HintTable } from '../../lib/swarm/hint-table.js'
import { boundedHave, Holders, hintOf } from '../../lib/swarm/holders.js'
import { setSlot } from '../../lib/swarm/peer-mask.js'
import fc from '../support/properties.js'

const large: ContentId = { root: rootOf(new Uint8Array(32).fill(7)), length: 1_000_000 }
const hint = hintOf(large)
const holdersOf = (holders: Holders, unit: number, since: number | null = 5): number[] => {
  const mask = { lo: 0, hi: 0 }
  holders.collect({ content: large, since }, unit, mask)
  return Array.from({ length: 64 }, (_, i) => i).filter((i) =>
    i < 32 ? (mask.lo >>> i) & 1 : (mask.hi >>> (i - 32)) & 1,
  )
}

t.test('a sequence, a hint, units: each says who has it; a drop takes it back', async (t) => {
  const holders = new Holders()
  for (const slot of [1, 2, 40, 50]) holders.join(slot)
  const none = { through: null, wholes: [], parts: [] }
  holders.have(1, { ...none, through: 5 })
  holders.have(50, { ...none, through: 4 })
  holders.have(2, { ...none, wholes: [hint] })
  holders.have(40, { ...none, parts: [{ hint, ranges: [{ first: 3, count: 2 }] }] })
  t.strictSame(holdersOf(holders, 0), [1, 2])
  t.strictSame(holdersOf(holders, 4), [1, 2, 40])
  t.strictSame(holdersOf(holders, 4, null), [2, 40], 'nobody knows how old it is')
  holders.drop(1, [hint])
  holders.drop(40, [hint])
  t.strictSame(holdersOf(holders, 4), [2])
  holders.have(1, { ...none, wholes: [hint] })
  holders.leave(2)
  t.strictSame(holdersOf(holders, 4), [1])
})

t.test('a claim of thousands of millions of units costs nothing', async (t) => {
  const holders = new Holders()
  holders.join(1)
  const claim = {
    through: null,
    wholes: [],
    parts: [{ hint, ranges: [{ first: 0, count: 2 ** 31 }] }],
  }
  holders.have(1, boundedHave(claim))
  t.strictSame(holdersOf(holders, 0), [])
  const many = Array.from({ length: 3000 }, () => ({ first: 0, count: 2 ** 19 }))
  const kept = boundedHave({ ...claim, parts: [{ hint, ranges: many }] })
  t.equal(kept.parts[0]?.ranges.length, LIMITS.haveUnits / 2 ** 19)
})

t.test('the hint table is a map of sets', async () => {
  const hints = Array.from({ length: 3000 }, (_, i) =>
    String.fromCharCode(i & 255, i >> 8, 9, (i * 7) & 255, 0, 0, i >> 8, i & 255),
  )
  const step = fc.tuple(fc.nat(2), fc.nat(hints.length - 1), fc.constantFrom(0, 31, 32, 62))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 4000, size: 'max' }), (steps) => {
      const table = new HintTable(100_000)
      const model = new Map<string, Set<number>>()
      for (const [what, which, slot] of steps) {
        const name = hints[which] ?? ''
        const set = model.get(name) ?? new Set()
        model.set(name, set)
        if (what === 0) {
          table.remove(name, slot)
          set.delete(slot)
        } else assert.equal(table.add(name, slot), !set.has(slot))
        if (what > 0) set.add(slot)
      }
      table.forget(31)
      for (const [name, set] of model) {
        set.delete(31)
        const mask = { lo: 0, hi: 0 }
        const expected = { lo: 0, hi: 0 }
        for (const slot of set) setSlot(expected, slot)
        table.collect(name, mask)
        assert.deepEqual(mask, expected)
      }
    }),
    { numRuns: 20 },
  )
})

t.test('the hint table remembers no more than its limit', async (t) => {
  const table = new HintTable(2000)
  for (let i = 0; i < 20_000; i++)
    table.add(String.fromCharCode(i & 255, i >> 8, 1, 2, 3, i & 255, 4, i >> 8), 1)
  t.ok(table.rows < 4200, `${table.rows} rows`)
})
