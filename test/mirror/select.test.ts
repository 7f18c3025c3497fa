import assert from 'node:assert/strict'
import t from 'tap'
import { rootOf } from '../../lib/hash/root.js'
import { REPORT_MS } from '../../lib/mirror/report.js'
import {
  type Ask,
  type Centre,
  type Choice,
  expectedMs,
  explain,
  type Fault,
  select,
} from '../../lib/mirror/select.js'
import type { Volunteer } from '../../lib/mirror/volunteer.js'
import fc from '../support/properties.js'
import { loadReport, NOW, volunteer } from '../support/volunteers.js'

const ROOT = rootOf(new Uint8Array(32))
const CENTRE: Centre = { uplink: 1e9 / 8, rate: 0, usualRate: null }
const ASK: Ask = {
  content: { root: ROOT, length: 1 << 20 },
  client: { address: '\x0a\0\0\x01', scheme: 'http', oneTry: false },
  holds: () => true,
  failed: new Set(),
  last: null,
}
t.test(
  'nobody is chosen without the content, a report, or against what speaks against it',
  async (t) => {
    const cases: [string, Partial<Volunteer>, Partial<Ask>][] = [
      ['lacks the content', {}, { holds: () => false }],
      ['scheme', { scheme: 'https' }, {}],
      ['address family', { families: [16] }, {}],
      ['quarantined', { standing: { state: 'quarantined', why: 'wrong bytes' } }, {}],
      ['draining', { standing: { state: 'draining' } }, {}],
      ['failed this client', {}, { failed: new Set(['v1']) }],
      ['no fresh report', { report: null }, {}],
    ]
    for (const [fault, change, ask] of cases) {
      const asked = { ...ASK, ...ask }
      const crowd = [volunteer(1, change)]
      t.same(select(asked, crowd, CENTRE, NOW), { kind: 'here', reason: 'nobody eligible' }, fault)
      t.equal(explain(asked, crowd, CENTRE, NOW).verdicts[0]?.fault, fault)
    }
  },
)

t.test('the least loaded is chosen, the others follow', async (t) => {
  const crowd = [volunteer(1), volunteer(2), volunteer(3)]
  crowd[0]?.ledger.redirect(2e9, 1000, NOW - 60_000)
  crowd[2]?.ledger.redirect(1e9, 1000, NOW - 60_000)
  t.match(select(ASK, crowd, CENTRE, NOW), {
    kind: 'redirect',
    reason: 'least load',
    chosen: { id: 'v2' },
    alternates: [{ id: 'v3' }, { id: 'v1' }],
  })
})

const chosenId = (choice: Choice): string =>
  choice.kind === 'redirect' ? choice.chosen.id : choice.reason
const ONE_TRY: Ask = { ...ASK, client: { ...ASK.client, oneTry: true } }

t.test('a client of one try is sent only where nothing speaks against it', async (t) => {
  const cases: [Fault, Partial<Volunteer>][] = [
    [
      'report not fresh enough for one try',
      { report: loadReport({ atMs: NOW - 1.6 * REPORT_MS }) },
    ],
    ['failed lately', { lastFaultMs: NOW - 299_000 }],
    ['slow start', { joinedMs: NOW - 60_000 }],
    ['suspect', { standing: { state: 'suspect', why: 'misses' } }],
  ]
  for (const [fault, change] of cases) {
    const crowd = [volunteer(1, change)]
    t.equal(chosenId(select(ONE_TRY, crowd, CENTRE, NOW)), 'nobody eligible', fault)
    t.equal(explain(ONE_TRY, crowd, CENTRE, NOW).verdicts[0]?.fault, fault)
    if (fault !== 'suspect') t.equal(chosenId(select(ASK, crowd, CENTRE, NOW)), 'v1', fault)
  }
  t.equal(
    chosenId(select(ONE_TRY, [volunteer(1, { lastFaultMs: NOW - 301_000 })], CENTRE, NOW)),
    'v1',
  )
})

t.test('a suspect serves only where the centre cannot', async (t) => {
  const crowd = [volunteer(1, { standing: { state: 'suspect', why: 'misses' } })]
  const full: Centre = { ...CENTRE, uplink: 1e6, rate: 0.81e6 }
  t.equal(chosenId(select(ASK, crowd, CENTRE, NOW)), 'nobody eligible')
  t.equal(chosenId(select(ASK, crowd, full, NOW)), 'v1')
  t.equal(chosenId(select(ASK, [...crowd, volunteer(2)], full, NOW)), 'v2')
})

t.test('the centre serves where volunteers are slow, but keeps a fifth of its line', async (t) => {
  const slow = [volunteer(1, { declared: 2e5, report: loadReport({ fair: 2e5 }) })]
  const centre = (uplink: number | null, rate: number): Centre => ({
    uplink,
    rate,
    usualRate: null,
  })
  t.equal(chosenId(select(ASK, slow, centre(1e6, 0.79e6), NOW)), 'volunteers are slow')
  t.equal(chosenId(select(ASK, slow, centre(1e6, 0.8e6), NOW)), 'v1')
  t.equal(chosenId(select(ASK, slow, centre(null, 1e9), NOW)), 'volunteers are slow')
})

t.test('a client of an own network goes there, where loads are even', async (t) => {
  const own = volunteer(2, { networks: [{ address: '\x0a\0\0\0', bits: 8 }] })
  const crowd = [volunteer(1), own, volunteer(3)]
  t.match(select(ASK, crowd, CENTRE, NOW), { chosen: own, reason: 'own network' })
  const other = { ...ASK, client: { ...ASK.client, address: '\x0b\0\0\0' } }
  t.match(select(other, crowd, CENTRE, NOW), { reason: 'least load' })
  own.ledger.redirect(2e9, 1000, NOW - 60_000)
  t.match(select(ASK, crowd, CENTRE, NOW), { reason: 'least load' })
})

t.test('small contents of one client come from one volunteer for half a minute', async (t) => {
  const crowd = [volunteer(1), volunteer(2)]
  crowd[0]?.ledger.redirect(2e9, 1000, NOW - 60_000)
  const last = { id: 'v1', atMs: NOW - 20_000 }
  const at = (change: Partial<Ask>): string =>
    chosenId(select({ ...ASK, ...change }, crowd, CENTRE, NOW))
  t.equal(at({ last }), 'v1')
  t.equal(at({ last: { ...last, atMs: NOW - 31_000 } }), 'v2')
  t.equal(at({ last, content: { root: ROOT, length: 1e9 } }), 'v2')
  t.equal(at({ last, failed: new Set(['v1']) }), 'v2')
  t.equal(at({ last: { id: 'gone', atMs: NOW } }), 'v2')
})

t.test('equal ones are told apart by the content, the same each time', async (t) => {
  const crowd = Array.from({ length: 5 }, (_, slot) => volunteer(slot))
  const seen = new Set<string>()
  for (let i = 0; i < 50; i++) {
    const root = rootOf(new Uint8Array(32).fill(i))
    const ask = { ...ASK, content: { root, length: 1e6 } }
    const id = chosenId(select(ask, crowd, CENTRE, NOW))
    t.equal(chosenId(select(ask, [...crowd].reverse(), CENTRE, NOW)), id)
    seen.add(id)
  }
  t.equal(seen.size, 5)
})

t.test('no volunteer gets more than its share while others are as good', async (t) => {
  // one that declares ten times as much as it should not draw all
  const crowd = Array.from({ length: 20 }, (_, slot) =>
    volunteer(slot, {
      declared: slot === 0 ? 1e10 : 12.5e6,
      report: loadReport({ fair: slot === 0 ? 1e10 : 12.5e6 }),
    }),
  )
  let first = 0
  for (let i = 0; i < 1000; i++) {
    const choice = select(
      { ...ASK, content: { root: rootOf(new Uint8Array(32).fill(i)), length: 1e6 } },
      crowd,
      CENTRE,
      NOW + i * 500,
    )
    if (choice.kind === 'here') continue
    choice.chosen.ledger.redirect(1e6, 200, NOW + i * 500)
    if (choice.chosen.slot === 0) first++
    for (const each of crowd)
      Object.assign(each, { report: { ...each.report, atMs: NOW + i * 500 } })
  }
  t.ok(first <= 170, `${first} of 1000`)
})

t.test(
  'where nobody gives what is usual, large contents leave the fastest to small ones',
  async (t) => {
    const at = (slot: number, rate: number, bytes: number): Volunteer => {
      const each = volunteer(slot, {
        declared: 1e8,
        report: loadReport({ fair: rate, flows: 1e8 / rate - 1 }),
      })
      each.ledger.reported(each.report ?? loadReport(), NOW)
      each.ledger.redirect(bytes, 0, NOW - 60_000)
      return each
    }
    const crowd = [at(1, 2e6, 3e9), at(2, 1.6e6, 1e9), at(3, 1e6, 0)]
    t.match(select(ASK, crowd, CENTRE, NOW), { chosen: { id: 'v1' }, reason: 'fastest' })
    const large = { ...ASK, content: { root: ROOT, length: 650e6 } }
    t.match(select(large, crowd, CENTRE, NOW), { chosen: { id: 'v2' } })
  },
)

const anyVolunteer = (slot: number): fc.Arbitrary<Volunteer> =>
  fc
    .record(
      {
        scheme: fc.constantFrom('http' as const, 'https' as const),
        families: fc.constantFrom([4] as const, [16] as const, [4, 16] as const),
        declared: fc.option(fc.double({ min: 0, max: 1e10, noNaN: true })),
        measured: fc.option(fc.double({ min: 0, max: 1e10, noNaN: true })),
        joinedMs: fc.integer({ min: NOW - 1e6, max: NOW + 1000 }),
        lastFaultMs: fc.option(fc.integer({ min: NOW - 1e6, max: NOW })),
        standing: fc.constantFrom<Volunteer['standing']>(
          { state: 'fresh' },
          { state: 'suspect', why: '' },
          { state: 'quarantined', why: '' },
          { state: 'draining' },
        ),
        report: fc.option(
          fc
            .record(
              {
                atMs: fc.integer({ min: NOW - 200_000, max: NOW }),
                fair: fc.double({ min: 0, max: 1e10, noNaN: true }),
                flows: fc.nat(1000),
                syncRate: fc.double({ min: 0, max: 1e10, noNaN: true }),
                lasting: fc.array(fc.nat(1000), { maxLength: 9 }),
              },
              { noNullPrototype: true },
            )
            .map(loadReport),
        ),
      },
      { noNullPrototype: true },
    )
    .map((change) => volunteer(slot, change))

t.test('whoever is chosen may be: it has the content, and nothing speaks against it', async () => {
  const crowdOf = fc
    .integer({ min: 0, max: 12 })
    .chain((count) => fc.tuple(...Array.from({ length: count }, (_, slot) => anyVolunteer(slot))))
  fc.assert(
    fc.property(
      crowdOf,
      fc.nat(4095),
      fc.nat(4095),
      fc.boolean(),
      fc.constantFrom('http' as const, 'https' as const),
      fc.constantFrom(4, 16),
      fc.nat(1e9),
      fc.nat(2e6),
      (crowd, holders, failures, oneTry, scheme, width, length, rate) => {
        const holds = (slot: number): boolean => (holders & (1 << slot)) !== 0
        const failed = new Set(
          crowd.filter(({ slot }) => (failures & (1 << slot)) !== 0).map(({ id }) => id),
        )
        const ask: Ask = {
          content: { root: ROOT, length },
          client: { address: 'x'.repeat(width), scheme, oneTry },
          holds,
          failed,
          last: { id: 'v0', atMs: NOW },
        }
        const centre: Centre = { uplink: 1e6, rate, usualRate: null }
        const choice = select(ask, crowd, centre, NOW)
        assert.deepEqual(
          select(ask, crowd, centre, NOW),
          choice,
          'the same question, the same answer',
        )
        const { verdicts } = explain(ask, crowd, centre, NOW)
        for (const verdict of verdicts) assert.ok(verdict.rate >= 0 && verdict.load >= 0)
        const eligible = verdicts.filter(({ fault }) => fault === null)
        if (choice.kind === 'here') {
          assert.equal(choice.reason === 'nobody eligible', eligible.length === 0)
          return
        }
        const all = [choice.chosen, ...choice.alternates]
        assert.equal(new Set(all).size, all.length)
        for (const each of all) {
          assert.ok(holds(each.slot) && each.scheme === scheme && !failed.has(each.id))
          assert.ok(
            each.standing.state === 'fresh' ||
              (each.standing.state === 'suspect' && eligible.length === 0 && !oneTry),
          )
          assert.ok(each.report !== null && NOW - each.report.atMs <= 3 * REPORT_MS)
          assert.ok(each.families.includes(width === 4 ? 4 : 16))
        }
      },
    ),
    { numRuns: 300 },
  )
})

t.test('of very many a part is looked at, and a rare content is found all the same', async (t) => {
  const crowd = Array.from({ length: 2000 }, (_, slot) => volunteer(slot))
  let asked = 0
  const counted: Ask = {
    ...ASK,
    holds: () => {
      asked++
      return true
    },
  }
  t.equal(select(counted, crowd, CENTRE, NOW).kind, 'redirect')
  t.ok(asked < 300, `${asked}`)
  const rare: Ask = { ...ASK, holds: (slot) => slot === 1234 }
  t.equal(chosenId(select(rare, crowd, CENTRE, NOW)), 'v1234')
})

t.test('how long a client should take', async (t) => {
  t.equal(expectedMs(6e6, 12e6, 6e6), 1000, 'no faster than clients usually are')
  t.equal(expectedMs(6e6, 3e6, 6e6), 2000)
  t.equal(expectedMs(5, 0, 6e6), 5000)
})
