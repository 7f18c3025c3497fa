/** What a name converter says: only what is a number of an account counts. CVE-2026-53788, CVE-2026-53798. */
import t from 'tap'
import { convertedAccounts } from '../../lib/app/target-side.js'

t.test('an answer that is no number is no account, root least of all', async (t) => {
  const idOf = (said: string | null): number | null =>
    convertedAccounts({ ask: () => said }).users.id('joe')
  t.equal(idOf('1000'), 1000)
  t.equal(idOf('0'), 0)
  for (const said of [null, '', 'joe', '-1', '1e3', ' 7', '0x0', '4294967295', '4294967296'])
    t.equal(idOf(said), null, String(said))
})
