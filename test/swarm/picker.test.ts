import assert from 'node:assert/strict'
import t from 'tap'
import { FALLBACK_SLOT, setSlot } from '../../lib/swarm/peer-mask.js'
import { Picker } from '../../lib/swarm/picker.js'
import fc from '../support/properties.js'
import { seededRandom } from '../support/seeded-random.js'

const maskOf = (slots: Iterable<number>): { lo: number; hi: number } => {
  const mask = { lo: 0, hi: 0 }
  for (const slot of slots) setSlot(mask, slot)
  return mask
}

/** What is true of every thing, kept the slow way. */
type Model = Map<number, { has: Set<number>; isPending: boolean }>
const SLOTS = [0, 1, 31, 32, 62]
const slot = fc.constantFrom(...SLOTS)
const step = fc.oneof(
  fc.tuple(fc.constant('add' as const), fc.uniqueArray(slot), fc.nat()),
  fc.tuple(
    fc.constantFrom(
      'take' as const,
      'give' as const,
      'remove' as const,
      'gain' as const,
      'lose' as const,
      'forget' as const,
    ),
    slot,
    fc.nat(),
  ),
)

t.test('always the rarest pending thing that the peer has, and none twice', async () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), fc.integer(), (steps, seed) => {
      const picker = new Picker(seededRandom(seed))
      const model: Model = new Map()
      for (const [what, who, which] of steps) {
        const things = [...model.keys()]
        const thing = things[which % Math.max(1, things.length)]
        const known = thing === undefined ? undefined : model.get(thing)
        if (what === 'add') {
          model.set(picker.add(maskOf(who)), { has: new Set(who), isPending: true })
        } else if (what === 'take') {
          const open = [...model].filter(([, m]) => m.isPending && m.has.has(who))
          const rarest = Math.min(...open.map(([, m]) => m.has.size))
          assert.equal(picker.isWanted(who), open.length > 0)
          const taken = picker.take(who, 0)
          if (open.length === 0) assert.equal(taken, -1)
          else {
            const entry = model.get(taken)
            assert.ok(entry?.isPending === true && entry.has.has(who))
            assert.equal(entry.has.size, rarest)
            entry.isPending = false
          }
        } else if (what === 'forget') {
          picker.forget(who)
          for (const m of model.values()) m.has.delete(who)
        } else if (thing !== undefined && known !== undefined) {
          if (what === 'gain') known.has.add(who)
          if (what === 'lose') known.has.delete(who)
          if (what === 'give') known.isPending = true
          if (what === 'remove') model.delete(thing)
          if (what === 'gain') picker.gain(thing, who)
          if (what === 'lose') picker.lose(thing, who)
          if (what === 'give') picker.giveBack(thing)
          if (what === 'remove') picker.remove(thing)
        }
        assert.equal(picker.size, model.size)
        const available = [...model.values()].filter((m) => m.isPending && m.has.size > 0)
        assert.equal(picker.available, available.length)
      }
    }),
    { numRuns: 300 },
  )
})

t.test('ties are broken by chance', async (t) => {
  const firsts = new Set<number>()
  for (let seed = 0; seed < 40; seed++) {
    const picker = new Picker(seededRandom(seed * 77))
    for (let i = 0; i < 10; i++) picker.add(maskOf([3]))
    firsts.add(picker.take(3, 0))
  }
  t.ok(firsts.size > 5, `${firsts.size} of 10`)
})

t.test('the end game asks at most two more, and only for what is overdue', async (t) => {
  const picker = new Picker(seededRandom(1))
  const thing = picker.add(maskOf([1, 2, 3, 4]))
  picker.take(1, 1000)
  const isAsked = (): boolean => false
  t.equal(picker.takeAgain(2, 999, isAsked), -1, 'too early')
  t.equal(picker.takeAgain(5, 1000, isAsked), -1, 'has it not')
  t.equal(
    picker.takeAgain(2, 1000, () => true),
    -1,
    'asked already',
  )
  t.equal(picker.takeAgain(2, 1000, isAsked), thing)
  t.equal(picker.takeAgain(3, 1000, isAsked), thing)
  t.equal(picker.takeAgain(4, 1000, isAsked), -1, 'enough')
})

t.test('the fallback has everything and makes nothing common', async (t) => {
  const picker = new Picker(seededRandom(1))
  const common = picker.add(maskOf([1, 2, FALLBACK_SLOT]))
  const nobodys = picker.add(maskOf([FALLBACK_SLOT]))
  t.equal(picker.rarity(nobodys), 0)
  t.equal(picker.available, 1)
  t.equal(picker.take(FALLBACK_SLOT, 0), nobodys)
  t.equal(picker.take(FALLBACK_SLOT, 0), common)
})

t.test('taking costs the same with many things as with few', async (t) => {
  const steps = (count: number): number => {
    let draws = 0
    const random = seededRandom(5)
    const picker = new Picker({
      bytes: random.bytes,
      below: (n) => {
        draws++
        return random.below(n)
      },
    })
    const slots = Array.from({ length: 40 }, (_, i) => i)
    for (let i = 0; i < count; i++)
      picker.add(maskOf(slots.filter(() => random.below(4) === 0).concat(i % 40)))
    const before = draws
    for (let i = 0; i < count / 2; i++) picker.take(i % 40, 0)
    return (draws - before) / (count / 2)
  }
  const few = steps(1000)
  const many = steps(100_000)
  t.ok(many < few * 3 + 5, `${few} and ${many} looks for one`)
})
