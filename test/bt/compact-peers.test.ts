import assert from 'node:assert/strict'
import t from 'tap'
import { hexOf } from '../../lib/base/bytes.js'
import { WireError } from '../../lib/base/errors.js'
import { addressOf, decodeCompact, encodeCompact, hostOf } from '../../lib/bt/compact-peers.js'
import fc from '../support/properties.js'

t.test('addresses: text to bytes and back', async (t) => {
  const cases: Array<[host: string, hex: string, back: string]> = [
    ['127.0.0.1', '7f000001', '127.0.0.1'],
    ['::ffff:192.0.2.7', 'c0000207', '192.0.2.7'],
    ['::ffff:abcd', `${'00'.repeat(12)}ffffabcd`, '0:0:0:0:0:0:ffff:abcd'],
    ['2001:db8::1', `20010db8${'00'.repeat(11)}01`, '2001:db8:0:0:0:0:0:1'],
    ['::', '00'.repeat(16), '0:0:0:0:0:0:0:0'],
    ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008', '1:2:3:4:5:6:7:8'],
  ]
  for (const [host, hex, back] of cases) {
    const address = addressOf(host) ?? ''
    t.equal(Buffer.from(address, 'latin1').toString('hex'), hex, host)
    t.equal(hostOf(address), back)
  }
  for (const host of [
    '',
    '1.2.3',
    '1.2.3.256',
    '1.2.3.4.',
    '.1.2.3.4',
    '1..3.4',
    '1.2.3.0004',
    '1.2.3.4.5',
    '::ffff:1.2.3',
    'example.org',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    'fe80::1%eth0',
    '12345::',
    '1:2:3:4:5:6:7::8',
  ])
    t.equal(addressOf(host), null, host)
})

t.test('packed: address, then port, each width for itself', async (t) => {
  const peers = [
    { address: '\x7f\0\0\x01', port: 6881 },
    { address: '\x20\x01\x0d\xb8'.padEnd(16, '\0'), port: 1 },
  ]
  t.equal(hexOf(encodeCompact(peers, 4)), '7f0000011ae1')
  t.equal(hexOf(encodeCompact(peers, 16)), `20010db8${'00'.repeat(12)}0001`)
  t.throws(() => decodeCompact(new Uint8Array(7), 4), WireError)
  t.same(decodeCompact(new Uint8Array(6), 4), [], 'nobody listens on port 0')
})

t.test('any peers survive', async () => {
  const peer = fc.record(
    {
      address: fc
        .uint8Array({ minLength: 16, maxLength: 16 })
        .map((b) => Buffer.from(b).toString('latin1')),
      port: fc.integer({ min: 1, max: 65535 }),
    },
    { noNullPrototype: true },
  )
  fc.assert(
    fc.property(fc.array(peer), (peers) => {
      assert.deepEqual(decodeCompact(encodeCompact(peers, 16), 16), peers)
    }),
  )
})
