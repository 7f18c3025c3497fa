import assert from 'node:assert/strict'
import t from 'tap'
import { fairRate, LASTING_MS, lastingOf } from '../../lib/mirror/report.js'
import fc from '../support/properties.js'

t.test('one more client gets its fair part of a line', async (t) => {
  const cases: [free: number, rates: number[], expected: number][] = [
    [100, [], 100],
    [100, [10], 90],
    [100, [50, 50], 100 / 3],
    [100, [90, 10], 45],
    [100, [10, 10, 80], 40],
    [0, [10], 0],
    [-5, [], 0],
  ]
  for (const [free, rates, expected] of cases)
    t.ok(Math.abs(fairRate(free, rates) - expected) < 1e-9, `${rates} on ${free}`)
})

t.test('the fair rate is what a line shared anew gives', async () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 1000 })),
      fc.integer({ min: 1, max: 5000 }),
      (rates, free) => {
        const fair = fairRate(free, rates)
        const after = rates.reduce((sum, rate) => sum + Math.min(rate, fair), fair)
        assert.ok(fair >= 0)
        assert.ok(Math.abs(after - free) < 1e-6 * free || after < free)
      },
    ),
  )
})

t.test('how many flows last, mark by mark', async (t) => {
  const lasting = lastingOf([500, 1500, 1500, 70_000, 9e9])
  t.equal(lasting.length, LASTING_MS.length)
  t.same(lasting, [4, 2, 2, 2, 2, 2, 2, 1, 1])
  t.same(
    lastingOf([]),
    LASTING_MS.map(() => 0),
  )
})
