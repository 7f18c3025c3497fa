import assert from 'node:assert/strict'
import t from 'tap'
import {
  capacityOf,
  isFresh,
  predictedRate,
  relativeLoad,
  SLOW_START_MS,
  slowStartOf,
  UNKNOWN_CAPACITY,
  usualRateOf,
} from '../../lib/mirror/balance.js'
import { FADE_MS } from '../../lib/mirror/ledger.js'
import { REPORT_MS } from '../../lib/mirror/report.js'
import fc from '../support/properties.js'
import { loadReport, NOW, volunteer } from '../support/volunteers.js'

t.test('the lower of declared and measured is believed', async (t) => {
  const cases: [declared: number | null, measured: number | null, expected: number][] = [
    [1e7, null, 1e7],
    [1e7, 5e6, 5e6],
    [1e7, 2e7, 1e7],
    [null, 5e6, 5e6],
    [null, null, UNKNOWN_CAPACITY],
    [0, 0, 1000],
  ]
  for (const [declared, measured, expected] of cases)
    t.equal(capacityOf(volunteer(1, { declared, measured })), expected)
})

t.test('who joined gets little at first', async (t) => {
  const at = (joinedMs: number): number => slowStartOf(volunteer(1, { joinedMs }), NOW)
  t.equal(at(NOW), 0.1)
  t.equal(at(NOW + 5000), 0.1, 'clocks differ')
  t.equal(at(NOW - SLOW_START_MS / 2), 0.5)
  t.equal(at(NOW - SLOW_START_MS), 1)
})

t.test('what one more client would get', async (t) => {
  const rate = (change: Parameters<typeof loadReport>[0], redirects: number): number => {
    const report = loadReport(change)
    const each = volunteer(1, { declared: 12e6, report })
    each.ledger.reported(report, NOW)
    for (let i = 0; i < redirects; i++) each.ledger.redirect(1e6, 60_000, NOW)
    return predictedRate(each, NOW)
  }
  t.equal(rate({ fair: 12e6 }, 0), 12e6)
  t.equal(rate({ fair: 12e6 }, 1), 6e6)
  t.equal(rate({ fair: 12e6 }, 2), 4e6)
  t.equal(rate({ fair: 6e6, flows: 2 }, 0), 6e6, 'slow clients leave room')
  t.equal(rate({ fair: 6e6, flows: 2 }, 2), 3e6)
  t.equal(rate({ fair: 1e6, flows: 1 }, 0), 6e6, 'its part, when it reports less than that')
  t.equal(rate({ fair: 12e6, syncRate: 9e6 }, 0), 3e6, 'synchronization first')
  t.equal(predictedRate(volunteer(1, { report: null }), NOW), 0)
})

t.test('flows that ended make room before the next report', async (t) => {
  const report = loadReport({ fair: 3e6, flows: 4, lasting: [0] })
  const each = volunteer(1, { declared: 12e6, report })
  each.ledger.reported(report, NOW)
  t.equal(predictedRate(each, NOW), 3e6)
  t.equal(predictedRate(each, NOW + 2000), 12e6)
})

t.test(
  'work is what was assigned and what is synchronized, for the size of the line',
  async (t) => {
    const each = volunteer(1, { declared: 10e6, report: loadReport({ syncRate: 2e6 }) })
    t.equal(relativeLoad(each, NOW), 0.2)
    each.ledger.redirect((10e6 * FADE_MS) / 1000 / 2, 1000, NOW)
    t.ok(Math.abs(relativeLoad(each, NOW) - 0.7) < 1e-9)
  },
)

t.test('a report is young for so many intervals', async (t) => {
  const each = volunteer(1, { report: loadReport({ atMs: NOW - 2 * REPORT_MS }) })
  t.equal(isFresh(each, 2, NOW), true)
  t.equal(isFresh(each, 1.5, NOW), false)
  t.equal(isFresh(volunteer(1, { report: null }), 2, NOW), false)
})

t.test('what clients usually take is seen where there is room', async (t) => {
  const observed = Array.from({ length: 20 }, (_, i) => (i + 1) * 1e6)
  const roomy = volunteer(1, { report: loadReport({ observed }) })
  const full = volunteer(2, { report: loadReport({ observed: [1, 1, 1], clientRate: 12e6 }) })
  t.equal(usualRateOf([roomy, full]), 9e6)
  t.equal(usualRateOf([full, volunteer(3, { report: null })]), null)
})

t.test('whatever it reports, a prediction is a number that its line could give', async () => {
  const amount = fc.double({ min: 0, max: 1e12, noNaN: true })
  fc.assert(
    fc.property(
      amount,
      amount,
      amount,
      fc.nat(10_000),
      fc.array(fc.nat(10_000), { maxLength: 9 }),
      amount,
      fc.nat(2e6),
      (fair, clientRate, syncRate, flows, lasting, declared, later) => {
        const report = loadReport({ fair, clientRate, syncRate, flows, lasting })
        const each = volunteer(1, { declared, report })
        each.ledger.reported(report, NOW)
        each.ledger.redirect(1e6, 1000, NOW)
        const rate = predictedRate(each, NOW + later)
        assert.ok(rate >= 0 && rate <= capacityOf(each), `${rate}`)
        assert.ok(relativeLoad(each, NOW + later) >= 0)
      },
    ),
  )
})
