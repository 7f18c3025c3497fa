import t from 'tap'
import { addressOf } from '../../lib/bt/compact-peers.js'
import { isWithin } from '../../lib/mirror/volunteer.js'

t.test('a client is within a network when the bits that count are equal', async (t) => {
  const cases: [network: string, bits: number, client: string, expected: boolean][] = [
    ['192.0.2.0', 24, '192.0.2.77', true],
    ['192.0.2.0', 24, '192.0.3.77', false],
    ['192.0.2.128', 25, '192.0.2.200', true],
    ['192.0.2.128', 25, '192.0.2.100', false],
    ['192.0.2.1', 32, '192.0.2.1', true],
    ['192.0.2.1', 32, '192.0.2.2', false],
    ['0.0.0.0', 0, '203.0.113.9', true],
    ['2001:db8::', 33, '2001:db8:7fff::1', true],
    ['2001:db8::', 33, '2001:db8:8000::1', false],
    ['0.0.0.0', 0, '2001:db8::1', false],
  ]
  for (const [network, bits, client, expected] of cases)
    t.equal(
      isWithin({ address: addressOf(network) ?? '', bits }, addressOf(client) ?? ''),
      expected,
      `${client} in ${network}/${bits}`,
    )
})
