/** Who may come in: what cannot be judged keeps people out. CVE-2026-43617, CVE-2026-70452, CVE-2026-53791. */
import t from 'tap'
import { type Addresses, isAmong, mayEnter, UNDETERMINED } from '../../lib/rsync/host-access.js'

const NOWHERE: Addresses = () => null
const FOUND: Addresses = (name) => (name === 'good.example' ? ['192.0.2.1'] : ['192.0.2.9'])

t.test('a rule that denies and cannot be judged denies', async (t) => {
  const peer = { address: '192.0.2.1', name: UNDETERMINED }
  const enters = (allow: string, deny: string, addresses = NOWHERE): boolean =>
    mayEnter({ allow, deny }, peer, addresses)
  for (const deny of ['nowhere.example', '@netgroup', '10.0.0.0/33', '10.0.0.0/x', 'x/8'])
    t.notOk(enters('', deny), deny)
  t.ok(enters('', 'other.example', FOUND), 'a name that is another')
  t.notOk(enters('', 'good.example', FOUND), 'a name that is his')
  t.ok(enters('192.0.2.1', 'nowhere.example'), 'who is allowed is not asked further')
})

t.test('a rule that allows and cannot be judged allows nobody', async (t) => {
  const peer = { address: '192.0.2.1', name: UNDETERMINED }
  for (const allow of ['nowhere.example', '@netgroup', '192.0.2.0/33', '192.0.2.0/', '192.0.2/24'])
    t.notOk(mayEnter({ allow, deny: '' }, peer, NOWHERE), allow)
  t.ok(mayEnter({ allow: '192.0.2.0/24', deny: '' }, peer, NOWHERE))
})

t.test('netgroups are asked for by name', async (t) => {
  const inGroup = (group: string, host: string): boolean => `${group} ${host}` === 'g good.example'
  const enters = (name: string, allow: string, deny: string): boolean =>
    mayEnter({ allow, deny }, { address: '192.0.2.1', name }, NOWHERE, inGroup)
  t.ok(enters('good.example', '@g', ''))
  t.notOk(enters('bad.example', '@g', ''))
  t.notOk(enters('good.example', '', '@g'))
  t.ok(enters('bad.example', '', '@g'))
  for (const name of ['UNKNOWN', UNDETERMINED]) {
    t.notOk(enters(name, '@g', ''), name)
    t.notOk(enters(name, '', '@g'), `${name}: it cannot be judged`)
  }
})

t.test('without a list of proxies nobody is one', async (t) => {
  t.notOk(isAmong('', '127.0.0.1'))
  t.notOk(isAmong('localhost @all', '127.0.0.1'), 'names are not looked for')
  t.notOk(isAmong('127.0.0.2/32', '127.0.0.1'))
  t.ok(isAmong('127.0.0.0/8', '::ffff:127.0.0.1'))
})
