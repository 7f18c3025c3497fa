/** Ranges of addresses as text. */
import t from 'tap'
import { parseNetwork } from '../../lib/app/networks.js'

t.test('a range, or one address', async (t) => {
  t.same(parseNetwork('192.0.2.0/24'), { address: '\xc0\x00\x02\x00', bits: 24 })
  t.equal(parseNetwork('2001:db8::/32')?.address.slice(0, 4), '\x20\x01\x0d\xb8')
  t.match(parseNetwork('192.0.2.1'), { bits: 32 })
  t.match(parseNetwork('::/0'), { bits: 0 })
  for (const none of [
    '',
    'a',
    '192.0.2.0/33',
    '192.0.2.0/',
    '192.0.2.0/-1',
    '::/129',
    '1.2.3.4/8/8',
  ])
    t.equal(parseNetwork(none), null, none)
})
