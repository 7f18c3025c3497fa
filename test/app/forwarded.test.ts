/** Clients behind proxies: believed of those that were named, and of nobody else. */
import t from 'tap'
import { clientAddress } from '../../lib/app/forwarded.js'
import { parseNetwork } from '../../lib/app/networks.js'
import type { Network } from '../../lib/mirror/volunteer.js'

const networks = (...texts: string[]): Network[] =>
  texts.flatMap((text) => parseNetwork(text) ?? [])

t.test('networks', async (t) => {
  t.same(parseNetwork('192.0.2.0/24'), { address: '\xc0\0\x02\0', bits: 24 })
  t.match(parseNetwork('2001:db8::/32'), { bits: 32 })
  t.match(parseNetwork('::1'), { bits: 128 })
  for (const text of ['', 'x', '192.0.2.0/33', '::/129', '192.0.2.0/', '192.0.2.0/24/1', 'a/8'])
    t.equal(parseNetwork(text), null, text)
})

const PROXIES = networks('127.0.0.1', '10.0.0.0/8', '2001:db8::/32')
const cases: [peer: string, forwarded: string | undefined, expected: string, what: string][] = [
  ['127.0.0.1', '192.0.2.7', '192.0.2.7', 'a proxy'],
  ['127.0.0.1', '192.0.2.7, 10.1.2.3', '192.0.2.7', 'a proxy behind another'],
  ['127.0.0.1', '1.2.3.4, 192.0.2.7', '192.0.2.7', 'what the client wrote itself'],
  ['192.0.2.9', '1.2.3.4', '192.0.2.9', 'no proxy of ours'],
  ['127.0.0.1', undefined, '127.0.0.1', 'nothing said'],
  ['127.0.0.1', 'unknown', '127.0.0.1', 'no address'],
  ['127.0.0.1', '192.0.2.7:4711', '192.0.2.7', 'with a port'],
  ['::ffff:127.0.0.1', '[2001:db9::1]:80', '2001:db9:0:0:0:0:0:1', 'of another family'],
  ['127.0.0.1', '10.0.0.1, 10.0.0.2', '10.0.0.1', 'ours alone'],
]
for (const [peer, forwarded, expected, what] of cases)
  t.equal(clientAddress(peer, forwarded, PROXIES), expected, what)
t.equal(clientAddress('127.0.0.1', '1.2.3.4', []), '127.0.0.1', 'nobody is believed')
