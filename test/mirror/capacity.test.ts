import t from 'tap'
import { UNKNOWN_CAPACITY } from '../../lib/mirror/balance.js'
import { measuredAfter } from '../../lib/mirror/capacity.js'
import { loadReport, volunteer } from '../support/volunteers.js'

const USUAL = 6e6
/** Clients that get `rate` each. */
const after = (declared: number | null, measured: number | null, flows: number, rate: number) =>
  measuredAfter(
    volunteer(1, { declared, measured }),
    loadReport({ flows, clientRate: flows * rate }),
    USUAL,
  )

t.test('what was declared is believed until its clients say otherwise', async (t) => {
  t.equal(after(100e6, null, 5, 6e6), null)
  t.equal(after(100e6, null, 20, 4e6), null, 'slower, but not held up')
  t.equal(after(100e6, null, 7, 1e6), null, 'so few may be slow themselves')
  t.equal(after(10e6, null, 20, 0.5e6), null, 'it sends all that it said it can')
})

t.test('who declared too much is found out, and forgiven when it does better', async (t) => {
  let measured: number | null = null
  for (let i = 0; i < 12; i++) measured = after(1000e6, measured, 50, 1e6)
  t.ok(measured !== null && measured < 51e6, `${measured}`)
  for (let i = 0; i < 14; i++) measured = after(1000e6, measured, 5, 6e6)
  t.equal(measured, null)
})

t.test(
  'an unknown capacity grows while it is used, and no further than what is sent',
  async (t) => {
    t.equal(after(null, null, 0, 0), UNKNOWN_CAPACITY)
    let measured: number | null = null
    for (let flows = 1; flows <= 10; flows++) measured = after(null, measured, flows, 6e6)
    t.ok(measured !== null && measured >= 60e6 && measured <= 75e6, `${measured}`)
    t.equal(after(null, measured, 5, 6e6), measured)
    let held = measured
    for (let i = 0; i < 10; i++) held = after(null, held, 30, 1e6)
    t.ok(held !== null && held < 31e6, `${held}`)
  },
)
