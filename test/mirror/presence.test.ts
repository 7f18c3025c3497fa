import assert from 'node:assert/strict'
import t from 'tap'
import { type Root, rootOf } from '../../lib/hash/root.js'
import { Presence, Selection } from '../../lib/mirror/presence.js'
import fc from '../support/properties.js'

const BUDGET = 1 << 20
const root = (n: number): Root => {
  const bytes = new Uint8Array(32)
  new DataView(bytes.buffer).setUint32(0, Math.imul(n + 1, 0x9e3779b1))
  new DataView(bytes.buffer).setUint32(4, n)
  return rootOf(bytes)
}
const roots = (from: number, to: number): Root[] =>
  Array.from({ length: to - from }, (_, i) => root(from + i))

t.test('complete through a sequence, and what is finished since', async (t) => {
  const presence = new Presence(BUDGET)
  presence.publish(7, roots(0, 10))
  presence.publish(8, roots(5, 12))
  t.equal(presence.count, 12, 'what was known keeps its number')
  presence.join(0, 7, null)
  const holds = (n: number): boolean => presence.holds(0, presence.numberOf(root(n)) ?? -1, 0)
  t.equal(holds(9), true)
  t.equal(holds(10), false)
  t.equal(presence.finished(0, root(11)), true)
  t.equal(holds(11), true)
  t.equal(holds(10), false)
  presence.complete(0, 8)
  t.equal(holds(10), true)
  presence.publish(9, roots(12, 13))
  t.equal(holds(12), false, 'not the next snapshot')
  presence.forget(0)
  t.equal(holds(1), false)
  t.equal(presence.finished(0, root(1)), false)
})

t.test(
  'who is complete through nothing, or through what we do not know, has nothing',
  async (t) => {
    const presence = new Presence(BUDGET)
    presence.publish(7, roots(0, 10))
    presence.join(0, null, null)
    presence.join(1, 6, null)
    t.equal(presence.holds(0, 0, 0), false)
    t.equal(presence.holds(1, 0, 0), false)
    t.equal(presence.holds(2, 0, 0), false, 'nobody there')
    t.equal(presence.numberOf(root(99)), null)
    t.equal(presence.finished(0, root(99)), false)
  },
)

t.test('nobody is complete through a snapshot that was never published', async (t) => {
  const presence = new Presence(BUDGET)
  presence.join(0, 3, null)
  presence.complete(1, 3)
  presence.publish(4, roots(0, 10))
  t.equal(presence.holds(0, 0, 0), false)
  t.equal(presence.holds(1, 0, 0), false)
  presence.complete(0, 9)
  t.equal(presence.holds(0, 9, 0), true, 'ahead of us: it has what we know')
})

t.test('a partial mirror has its groups alone', async (t) => {
  const presence = new Presence(BUDGET)
  presence.publish(1, roots(0, 10))
  const selection = new Selection(100)
  selection.add(33)
  presence.join(0, 1, selection)
  t.equal(presence.holds(0, 3, 33), true)
  t.equal(presence.holds(0, 3, 34), false)
  t.equal(presence.holds(0, 3, 1), false)
})

t.test('what was finished may be dropped again', async (t) => {
  const presence = new Presence(BUDGET)
  presence.publish(1, roots(0, 10))
  presence.join(0, null, null)
  for (const n of [3, 4]) presence.finished(0, root(n))
  presence.dropped(0, root(3))
  presence.dropped(0, root(8))
  presence.dropped(5, root(8))
  t.equal(presence.holds(0, 3, 0), false)
  t.equal(presence.holds(0, 4, 0), true)
})

t.test('beyond its room it remembers no more, and what ends makes room', async (t) => {
  const presence = new Presence(512)
  presence.publish(1, roots(0, 10_000))
  presence.join(0, null, null)
  presence.join(1, null, null)
  t.equal(presence.finished(0, root(1)), true)
  t.equal(presence.finished(0, root(9000)), false)
  t.equal(presence.holds(0, 9000, 0), false)
  presence.complete(0, 1)
  t.equal(presence.finished(1, root(9000)), true)
  presence.forget(1)
  presence.join(2, null, null)
  t.equal(presence.finished(2, root(5)), true)
})

t.test('it is what sets would say', async () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('publish' as const), count: fc.nat(300) }),
    fc.record({ kind: fc.constant('finished' as const), slot: fc.nat(3), content: fc.nat(3000) }),
    fc.record({ kind: fc.constant('complete' as const), slot: fc.nat(3), back: fc.nat(3) }),
    fc.record({ kind: fc.constant('forget' as const), slot: fc.nat(3) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const presence = new Presence(BUDGET)
      const model = new Map<number, Set<number>>()
      const published: number[] = []
      let sequence = 0
      for (const each of steps) {
        if (each.kind === 'publish') {
          const before = published.at(-1) ?? 0
          presence.publish(++sequence, roots(before, before + each.count))
          published.push(before + each.count)
        } else if (each.kind === 'forget') {
          presence.forget(each.slot)
          model.delete(each.slot)
        } else {
          if (!model.has(each.slot)) {
            presence.join(each.slot, null, null)
            model.set(each.slot, new Set())
          }
          const has = model.get(each.slot) ?? new Set()
          if (each.kind === 'finished') {
            const known = each.content < (published.at(-1) ?? 0)
            assert.equal(presence.finished(each.slot, root(each.content)), known)
            if (known) has.add(each.content)
          } else if (sequence - each.back > 0) {
            presence.complete(each.slot, sequence - each.back)
            const all = published[sequence - each.back - 1] ?? 0
            for (let n = 0; n < all; n++) has.add(n)
          }
        }
      }
      for (let slot = 0; slot <= 3; slot++)
        for (let n = 0; n < (published.at(-1) ?? 0); n += 7)
          assert.equal(
            presence.holds(slot, presence.numberOf(root(n)) ?? -1, 0),
            model.get(slot)?.has(n) === true,
          )
    }),
    { numRuns: 50 },
  )
})
