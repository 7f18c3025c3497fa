import assert from 'node:assert/strict'
import t from 'tap'
import { type Host, place, type Release, replicasWanted } from '../../lib/mirror/placement.js'
import fc from '../support/properties.js'
import { NOW } from '../support/volunteers.js'

const HOUR = 3_600_000
const release = (id: string, change: Partial<Release> = {}): Release => ({
  id,
  kind: 'image',
  bytes: 1e9,
  releasedMs: NOW - HOUR,
  demand: 0,
  expected: null,
  ...change,
})
const host = (id: string, holds: string[] = [], change: Partial<Host> = {}): Host => ({
  id,
  quota: 10e9,
  free: 5e6,
  holds: new Set(holds),
  ...change,
})
const crowd = (count: number, holds: string[] = []): Host[] =>
  Array.from({ length: count }, (_, i) => host(`h${i}`, holds))
const NONE = new Map<string, number>()

t.test('how many replicas a release deserves', async (t) => {
  const cases: [string, Partial<Release>, hosts: number, expected: number][] = [
    ['a new image', {}, 100, 6],
    ['a new set of packages', { kind: 'packages' }, 100, 8],
    ['as many as there are', {}, 3, 3],
    ['much asked for', { demand: 90e6 }, 100, 30],
    ['more than there are', { demand: 90e6 }, 20, 20],
    ['its product was much asked for', { expected: 60e6 }, 100, 20],
    ['four days old', { releasedMs: NOW - 96 * HOUR }, 100, 2],
    ['four days old and asked for', { releasedMs: NOW - 96 * HOUR, demand: 30e6 }, 100, 10],
    ['of the long tail', { releasedMs: NOW - 168 * HOUR, demand: 30e6 }, 100, 0],
  ]
  for (const [name, change, hosts, expected] of cases)
    t.equal(replicasWanted(release('r', change), 5e6, hosts, NOW), expected, name)
})

t.test('a new release goes to different hosts, the less laden first', async (t) => {
  const laden = Array.from({ length: 6 }, (_, i) => host(`laden ${i}`, ['hot']))
  const { moves } = place(
    [release('new'), release('hot', { demand: 1e6 })],
    [...laden, ...crowd(6)],
    NONE,
    NOW,
  )
  t.same(new Set(moves.map((move) => move.host)), new Set(crowd(6).map(({ id }) => id)))
  t.ok(moves.every((move) => move.kind === 'fetch' && move.release === 'new'))
})

t.test('what nobody asks for gives way, what is asked for more does not', async (t) => {
  const small = { quota: 1.5e9 }
  const hosts = Array.from({ length: 6 }, (_, i) => host(`h${i}`, ['old'], small))
  const old = release('old', { releasedMs: NOW - 100 * HOUR, demand: 1e6 })
  const cold = place([old, release('new')], hosts, NONE, NOW).moves
  t.notOk(cold.some(({ kind, release }) => kind === 'drop' && release === 'old'))
  const hot = place([old, release('new', { demand: 5e6 })], hosts, NONE, NOW).moves
  t.equal(hot.filter(({ kind, release }) => kind === 'fetch' && release === 'new').length, 6)
  t.equal(hot.filter(({ kind, release }) => kind === 'drop' && release === 'old').length, 6)
})

t.test('a surplus is taken back after three days, what is too old or gone at once', async (t) => {
  const old = release('r', { releasedMs: NOW - 80 * HOUR })
  const first = place([old], crowd(10, ['r']), NONE, NOW)
  t.same(first.moves, [])
  t.same([...first.surplus], [['r', NOW]])
  const later = place([old], crowd(10, ['r']), first.surplus, NOW + 72 * HOUR)
  t.equal(later.moves.length, 8)
  t.same([...later.surplus], [])
  t.equal(place([old], crowd(10, ['r']), NONE, NOW + 88 * HOUR).moves.length, 10, 'too old')
  t.equal(place([], crowd(10, ['r']), NONE, NOW).moves.length, 10, 'gone')
})

t.test(
  'no host gets more than its quota, nor twice the same; the same question, the same answer',
  async () => {
    const ids = ['a', 'b', 'c', 'd', 'e']
    const anyRelease = (id: string): fc.Arbitrary<Release> =>
      fc
        .record(
          {
            kind: fc.constantFrom('image' as const, 'packages' as const),
            bytes: fc.integer({ min: 1, max: 5e9 }),
            age: fc.nat(200),
            demand: fc.nat(1e8),
          },
          { noNullPrototype: true },
        )
        .map(({ age, ...rest }) => release(id, { ...rest, releasedMs: NOW - age * HOUR }))
    const anyHost = fc.record({ quota: fc.nat(10e9), free: fc.nat(1e7) }, { noNullPrototype: true })
    fc.assert(
      fc.property(
        fc.tuple(...ids.map(anyRelease)),
        fc.array(anyHost, { maxLength: 12 }),
        (releases, all) => {
          let hosts = all.map((change, i) => host(`h${i}`, [], change))
          for (let round = 0; round < 3; round++) {
            const placed = place(releases, hosts, NONE, NOW + round * 60 * HOUR)
            assert.deepEqual(placed, place(releases, hosts, NONE, NOW + round * 60 * HOUR))
            hosts = hosts.map((each) => {
              const holds = new Set(each.holds)
              for (const move of placed.moves) {
                if (move.host !== each.id) continue
                if (move.kind === 'drop') assert.ok(holds.delete(move.release))
                else {
                  assert.ok(!holds.has(move.release))
                  holds.add(move.release)
                }
              }
              const bytes = releases.reduce(
                (sum, { id, bytes }) => sum + (holds.has(id) ? bytes : 0),
                0,
              )
              assert.ok(bytes <= each.quota)
              return { ...each, holds }
            })
          }
        },
      ),
      { numRuns: 50 },
    )
  },
)
