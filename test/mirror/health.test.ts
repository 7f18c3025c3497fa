import assert from 'node:assert/strict'
import t from 'tap'
import {
  areWeSuspect,
  type Evidence,
  HEALTHY,
  type Health,
  healthAfter,
  standingOf,
} from '../../lib/mirror/health.js'
import fc from '../support/properties.js'
import { NOW } from '../support/volunteers.js'

const LACKS: Evidence = { kind: 'bounce', lacks: true }
const FAILED: Evidence = { kind: 'probe', ok: false, what: 'connection refused' }
const GOOD: Evidence = { kind: 'probe', ok: true, what: '' }
const RIGHT: Evidence = { kind: 'audit', ok: true, what: 'pool/a.deb' }
const WRONG: Evidence = { kind: 'audit', ok: false, what: 'pool/a.deb 0-65535' }
const retry = (client: string): Evidence => ({ kind: 'retry', client })
const TRIED = healthAfter(HEALTHY, GOOD, false, NOW)
const after = (all: readonly Evidence[], panic = false): Health =>
  all.reduce((health, each) => healthAfter(health, each, panic, NOW), TRIED)
const state = (health: Health, laterMs = 0): string =>
  standingOf(health, 100, 0.001, NOW + laterMs).state

t.test('what was seen decides', async (t) => {
  const cases: [string, Evidence[], string][] = [
    ['nothing', [], 'fresh'],
    ['one miss', [LACKS], 'fresh'],
    ['three misses', [LACKS, LACKS, LACKS], 'suspect'],
    ['three misses, then a new report', [LACKS, LACKS, LACKS, { kind: 'presence' }], 'fresh'],
    ['refusals', Array<Evidence>(9).fill({ kind: 'bounce', lacks: false }), 'fresh'],
    ['a failed probe', [FAILED], 'suspect'],
    ['a failed probe, then a good one', [FAILED, GOOD], 'fresh'],
    ['five failed probes', Array<Evidence>(5).fill(FAILED), 'quarantined'],
    ['silent, then one good probe', [...Array<Evidence>(5).fill(FAILED), GOOD], 'quarantined'],
    ['silent, then three', [...Array<Evidence>(5).fill(FAILED), GOOD, GOOD, GOOD], 'fresh'],
    ['a good audit', [{ kind: 'audit', ok: true, what: '' }], 'fresh'],
    ['one wrong audit', [WRONG], 'quarantined'],
    [
      'a wrong audit, then good ones',
      [WRONG, GOOD, GOOD, GOOD, { kind: 'audit', ok: true, what: '' }],
      'quarantined',
    ],
    ['a wrong audit, released', [WRONG, { kind: 'release' }], 'untried'],
    ['a wrong audit, released and tried', [WRONG, { kind: 'release' }, GOOD], 'fresh'],
    [
      'silent, then right bytes three times',
      [...Array<Evidence>(5).fill(FAILED), ...Array<Evidence>(3).fill(RIGHT)],
      'fresh',
    ],
    ['a failed probe, then right bytes', [FAILED, RIGHT], 'fresh'],
    ['one client three times', [retry('a'), retry('a'), retry('a')], 'fresh'],
    ['three clients', [retry('a'), retry('b'), retry('c')], 'suspect'],
    ['it goes', [{ kind: 'drain', begins: true }], 'draining'],
    ['it goes, and is wrong', [{ kind: 'drain', begins: true }, WRONG], 'quarantined'],
    [
      'it stays',
      [
        { kind: 'drain', begins: true },
        { kind: 'drain', begins: false },
      ],
      'fresh',
    ],
    ['an admin', [{ kind: 'quarantine', why: 'moved' }], 'quarantined'],
  ]
  for (const [name, evidence, expected] of cases) t.equal(state(after(evidence)), expected, name)
})

t.test('nobody is sent to one that never answered', async (t) => {
  t.equal(state(HEALTHY), 'untried')
  const failed = healthAfter(HEALTHY, FAILED, false, NOW)
  t.match(standingOf(failed, 0, 0, NOW), { state: 'untried', why: /refused/ })
  t.equal(failed.failingMs, NOW)
  const right = healthAfter(failed, RIGHT, false, NOW + 1)
  t.equal(state(right), 'fresh')
  t.match(right, { failingMs: null, audits: 1 })
})

t.test('the standing says why', async (t) => {
  t.match(standingOf(after([WRONG]), 0, 0, NOW), { why: /pool\/a\.deb/ })
  t.match(standingOf(after(Array<Evidence>(5).fill(FAILED)), 0, 0, NOW), { why: /refused/ })
})

t.test('clients that come back count only where they do so more than elsewhere', async (t) => {
  const three = after([retry('a'), retry('b'), retry('c')])
  t.equal(standingOf(three, 100, 0.02, NOW).state, 'fresh')
  t.equal(standingOf(three, 100, 0.005, NOW).state, 'suspect')
  t.equal(state(three, 600_000), 'fresh', 'ten minutes later')
  t.equal(state(after([LACKS, LACKS, LACKS]), 600_000), 'fresh')
})

t.test('faults are dated, for clients of one try', async (t) => {
  for (const each of [LACKS, FAILED, WRONG]) t.equal(after([each]).lastFaultMs, NOW)
  t.equal(after([retry('a')]).lastFaultMs, null)
})

t.test('most volunteers lost at once: we suspect ourselves, and quarantine nobody', async (t) => {
  t.equal(areWeSuspect([NOW, NOW - 59_000, NOW - 1000], 5, NOW), true)
  t.equal(areWeSuspect([NOW, NOW - 60_000, NOW - 1000], 5, NOW), false)
  t.equal(areWeSuspect([], 0, NOW), false)
  t.equal(state(after([WRONG], true)), 'suspect')
  t.equal(state(after(Array<Evidence>(9).fill(FAILED), true)), 'suspect')
  t.equal(state(after([{ kind: 'quarantine', why: 'moved' }], true)), 'quarantined')
})

t.test('wrong bytes are not forgotten whatever else is seen', async () => {
  const any = fc.constantFrom<Evidence>(
    LACKS,
    FAILED,
    GOOD,
    retry('a'),
    retry('b'),
    { kind: 'presence' },
    { kind: 'drain', begins: true },
    { kind: 'audit', ok: true, what: '' },
  )
  fc.assert(
    fc.property(fc.array(any), fc.array(any), fc.nat(1e9), (before, later, laterMs) => {
      assert.equal(state(after([...before, WRONG, ...later]), laterMs), 'quarantined')
    }),
  )
})
