import t from 'tap'
import { FADE_MS, Ledger } from '../../lib/mirror/ledger.js'
import { LASTING_MS, type LoadReport } from '../../lib/mirror/report.js'

const NOW = 1_800_000_000_000
const report = (flows: number, lasting: number[]): LoadReport => ({
  atMs: NOW,
  fair: 1e6,
  flows,
  lasting,
  clientRate: 0,
  syncRate: 0,
  observed: [],
})

t.test('what was sent there runs as long as it should', async (t) => {
  const ledger = new Ledger()
  t.equal(ledger.flows(NOW), 0)
  ledger.redirect(1000, 100, NOW)
  ledger.redirect(1000, 5000, NOW)
  ledger.redirect(1000, 100_000, NOW)
  ledger.redirect(1000, 1e9, NOW)
  t.equal(ledger.flows(NOW), 4)
  t.equal(ledger.flows(NOW + 1000), 3)
  t.equal(ledger.flows(NOW + 6000), 2)
  t.equal(ledger.flows(NOW + 120_000), 1)
  t.equal(ledger.flows(NOW + 1e9), 1, 'longer than we look ahead: until it reports')
})

t.test('a report takes the place of what we thought', async (t) => {
  const ledger = new Ledger()
  for (let i = 0; i < 10; i++) ledger.redirect(1000, 60_000, NOW - 5000)
  ledger.reported(report(3, []), NOW)
  t.equal(ledger.flows(NOW), 3)
  t.equal(ledger.flows(NOW + 100_000), 3, 'it did not say how long they last')
  ledger.redirect(1000, 60_000, NOW + 100_000)
  t.equal(ledger.flows(NOW + 100_000), 4)
})

t.test('who connects while it reports is not forgotten', async (t) => {
  const ledger = new Ledger()
  ledger.redirect(1000, 60_000, NOW - 100)
  ledger.reported(report(3, []), NOW)
  t.equal(ledger.flows(NOW), 4)
})

t.test('flows of a report end as it says', async (t) => {
  const ledger = new Ledger()
  ledger.reported(
    report(
      100,
      LASTING_MS.map((mark) => (mark < 16_000 ? 40 : 10)),
    ),
    NOW,
  )
  t.equal(ledger.flows(NOW), 100)
  t.equal(ledger.flows(NOW + 1500), 40, '60 within the first second')
  t.ok(Math.abs(ledger.flows(NOW + 12_000) - 25) <= 2, '30 evenly between 8 and 16 s')
  t.equal(ledger.flows(NOW + 17_000), 10)
  t.equal(ledger.flows(NOW + 1e9), 10)
})

t.test('work fades', async (t) => {
  const ledger = new Ledger()
  ledger.redirect(1e9, 1000, NOW)
  ledger.redirect(1e9, 1000, NOW)
  t.equal(ledger.bytes(NOW), 2e9)
  t.equal(ledger.redirects(NOW), 2)
  t.ok(Math.abs(ledger.bytes(NOW + FADE_MS) / 2e9 - Math.exp(-1)) < 1e-9)
  t.ok(ledger.redirects(NOW + 100 * FADE_MS) < 1e-9)
})
