/** What the centre counts of its clients. */
import t from 'tap'
import {
  DECISION_BOUNDS_US,
  type Decided,
  Deliveries,
  MINUTES,
} from '../../lib/mirror/deliveries.js'
import { NOW } from '../support/volunteers.js'

const decided = (change: Partial<Decided> = {}): Decided => ({
  give: 'redirect',
  volunteer: 'v1',
  reason: 'least load',
  path: '/m/f',
  bytes: 100,
  client: 'apt',
  atMs: NOW,
  ...change,
})
const here = (change: Partial<Decided> = {}): Decided =>
  decided({ give: 'direct', volunteer: null, reason: 'nobody eligible', ...change })

t.test('what was given where, by whom and why', async (t) => {
  const counts = new Deliveries()
  t.same(counts.bytes, { away: 0, here: 0 })
  t.equal(counts.decisionWithinUs(0.95), null)
  counts.decided(decided(), 10)
  counts.decided(decided({ bytes: 5 }), 10)
  counts.decided(decided({ client: 'curl' }), 10)
  counts.decided(here({ bytes: 7 }), 10)
  counts.decided(here({ give: 'metalink', reason: 'accepted' }), 10)
  t.same(counts.bytes, { away: 205, here: 7 })
  t.same(counts.redirects, [
    { labels: { volunteer: 'v1', client: 'apt', reason: 'least load' }, count: 2 },
    { labels: { volunteer: 'v1', client: 'curl', reason: 'least load' }, count: 1 },
  ])
  t.same(counts.direct, [
    { labels: 'nobody eligible', count: 1 },
    { labels: 'metalink', count: 1 },
  ])
  t.match(counts.of('v1'), { redirects: 3, bytes: 205 })
  t.match(counts.of('v2'), { redirects: 0, bytes: 0 })
})

t.test('what was seen of a volunteer', async (t) => {
  const counts = new Deliveries()
  counts.saw('v1', { kind: 'bounce', lacks: true })
  counts.saw('v1', { kind: 'retry', client: 'c' })
  counts.saw('v1', { kind: 'audit', ok: true, what: '' })
  counts.saw('v1', { kind: 'audit', ok: false, what: '' })
  counts.saw('v1', { kind: 'presence' })
  t.match(counts.of('v1'), { bounces: 1, retries: 1, audits: { right: 1, wrong: 1 } })
})

t.test('decision times in steps', async (t) => {
  const counts = new Deliveries()
  for (let i = 0; i < 19; i++) counts.decided(here(), 90)
  counts.decided(here(), 700)
  t.equal(counts.decisionWithinUs(0.5), 100)
  t.equal(counts.decisionWithinUs(0.95), 100)
  t.equal(counts.decisionWithinUs(0.96), 1000)
  counts.decided(here(), 1e9)
  t.equal(counts.decisionWithinUs(1), null, 'longer than any bound')
  t.match(counts.decisionTimes, { sumUs: 19 * 90 + 700 + 1e9 })
  t.equal(counts.decisionTimes.counts.length, DECISION_BOUNDS_US.length + 1)
})

t.test('an hour by minutes, and no more', async (t) => {
  const counts = new Deliveries()
  counts.decided(decided({ bytes: 3 }), 1)
  counts.decided(here({ bytes: 4, atMs: NOW + 60_000 }), 1)
  const minutes = counts.minutes(NOW + 60_000)
  t.equal(minutes.length, MINUTES)
  t.same(minutes.slice(-2), [
    { away: 3, here: 0 },
    { away: 0, here: 4 },
  ])
  counts.decided(here({ bytes: 5, atMs: NOW + MINUTES * 60_000 }), 1)
  t.same(counts.minutes(NOW).at(-1), { away: 0, here: 0 }, 'the first is forgotten')
})

t.test('the last decisions, the latest first, a bounded number', async (t) => {
  const counts = new Deliveries()
  for (let i = 0; i < 3000; i++) counts.decided(here({ path: `/m/${i}` }), 1)
  const last = counts.recent(() => true, 2)
  t.same(
    last.map(({ path }) => path),
    ['/m/2999', '/m/2998'],
  )
  t.equal(counts.recent(({ path }) => path === '/m/2900', 9).length, 1)
  t.equal(counts.recent(({ path }) => path === '/m/1', 9).length, 0)
})
