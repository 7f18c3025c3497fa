/** The desk alone, with clients that loopback does not have. */
import t from 'tap'
import { RedirectDesk, STAY, type Wanted } from '../../lib/app/redirect-desk.js'
import { systemClock, systemRandom } from '../../lib/app/system.js'
import type { HttpRequest } from '../../lib/base/http.js'
import { rootOf } from '../../lib/hash/root.js'
import { TestTable } from '../support/http-volunteers.js'

const WANTED: Wanted = {
  module: 'm',
  name: 'pool/a_1_all.deb',
  content: { root: rootOf(new Uint8Array(32)), length: 1e6 },
  since: 1,
  isHere: true,
}
const requestOf = (address: string): HttpRequest => ({
  method: 'GET',
  path: '/m/pool/a_1_all.deb',
  query: '',
  headers: new Map(),
  remote: { address, port: 1 },
  local: address,
  body: () => Promise.resolve(new Uint8Array(0)),
})

t.test('nobody is sent from https to http, or the other way, or to another family', async (t) => {
  const cases: [origin: string, address: string, expected: string][] = [
    ['https://centre', '192.0.2.1', 'secure'],
    ['http://centre', '192.0.2.1', 'four'],
    ['http://centre', '::ffff:192.0.2.1', 'four'],
    ['http://centre', '2001:db8::1', 'six'],
    ['https://centre', '2001:db8::1', 'nobody eligible'],
    ['http://centre', '', 'address unknown'],
  ]
  for (const [origin, address, expected] of cases) {
    const table = new TestTable()
    table.add('secure', 'https://s.example', { scheme: 'https', families: [4] })
    table.add('four', 'http://four.example', { families: [4] })
    table.add('six', 'http://six.example', { families: [16] })
    const desk = new RedirectDesk(table, systemClock, systemRandom, () => origin)
    const decision = desk.decide(requestOf(address), WANTED)
    const got = decision.kind === 'redirect' ? decision.chosen.id : decision.reason
    t.equal(got, expected, `${origin} ${address}`)
  }
})

t.test(
  'what was sent is counted until it is reported, what is only explained is not',
  async (t) => {
    const table = new TestTable()
    table.add('v1', 'http://v1.example')
    const desk = new RedirectDesk(table, systemClock, systemRandom, () => 'http://centre')
    const bytes = (): number => table.volunteers[0]?.ledger.bytes(Date.now()) ?? -1
    desk.explain(requestOf('192.0.2.1'), WANTED)
    t.equal(bytes(), 0)
    desk.decide(requestOf('192.0.2.1'), WANTED)
    t.ok(Math.abs(bytes() - 1e6) < 1000, `${bytes()}`)
    t.match(desk.list(requestOf('192.0.2.2'), WANTED), [{ id: 'v1' }])
    t.ok(bytes() > 1.9e6, 'and so is what a metalink names first')
    const stay = (address: string) => ({ ...requestOf(address), query: STAY })
    t.match(desk.decide(stay('192.0.2.2'), WANTED), { kind: 'redirect' })
    desk.list(requestOf('192.0.2.2'), WANTED)
    t.ok(bytes() < 2.1e6, 'once, where it begins here and where it asks for the list again')
    desk.decide(stay('192.0.2.3'), WANTED)
    t.ok(bytes() > 2.9e6, 'who shows a list that we do not remember is counted')
  },
)
