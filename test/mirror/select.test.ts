import t from 'tap'
import { rootOf } from '../../lib/hash/root.js'
import { type Ask, type Centre, explain, select } from '../../lib/mirror/select.js'
import type { Volunteer } from '../../lib/mirror/volunteer.js'
import { NOW, volunteer } from '../support/volunteers.js'

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
