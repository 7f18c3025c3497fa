/** Messages of the control channel: there and back, and what is refused. */

import assert from 'node:assert/strict'
import t from 'tap'
import { PrsyncError, WireError } from '../../lib/base/errors.js'
import {
  type CentreMessage,
  formatControl,
  type NodeMessage,
  parseCentreMessage,
  parseNodeMessage,
} from '../../lib/tracker/control.js'
import fc from '../support/properties.js'

const HELLO: NodeMessage = {
  type: 'hello',
  module: 'debian',
  id: '2d'.repeat(20),
  port: 8731,
  through: null,
}
const REPORT: NodeMessage = {
  type: 'report',
  through: 7,
  received: 2 ** 40,
  sent: 0,
  receiveRate: 1.25,
  sendRate: 0,
  busy: true,
}
const PEERS: CentreMessage = {
  type: 'peers',
  peers: [
    { host: '192.0.2.1', port: 8731 },
    { host: '2001:db8::1', port: 1 },
  ],
}

t.test('what is said is heard', async (t) => {
  for (const message of [HELLO, { ...HELLO, port: null, through: 3 }, REPORT])
    t.same(parseNodeMessage(formatControl(message)), message)
  for (const message of [PEERS, { type: 'head', sequence: 9 } as const])
    t.same(parseCentreMessage(formatControl(message)), message)
})

t.test('a hello in the bytes that other programs may rely on', async (t) => {
  t.equal(
    formatControl(HELLO),
    `{"type":"hello","module":"debian","id":"${'2d'.repeat(20)}","port":8731,"through":null}`,
  )
})

t.test('a kind of message that a newer centre may send is passed over', async (t) => {
  t.equal(parseCentreMessage('{"type":"audit","root":"x"}'), null)
})

t.test('what is not a message is refused', async (t) => {
  const of = (base: object, change: object): string => JSON.stringify({ ...base, ...change })
  const node: readonly [what: string, text: string][] = [
    ['nothing', ''],
    ['no object', '[]'],
    ['no type', '{}'],
    ['the centre’s type', JSON.stringify(PEERS)],
    ['a type of the prototype', '{"type":"toString"}'],
    ['an id that is short', of(HELLO, { id: '2d' })],
    ['an id that is no hex', of(HELLO, { id: 'zz'.repeat(20) })],
    ['port 0', of(HELLO, { port: 0 })],
    ['a port above all', of(HELLO, { port: 65536 })],
    ['a fraction of a sequence', of(HELLO, { through: 0.5 })],
    ['a sequence above 2^53', of(HELLO, { through: 2 ** 60 })],
    ['a negative count', of(REPORT, { received: -1 })],
    ['a rate that is text', of(REPORT, { sendRate: '1' })],
    ['a rate above all numbers', JSON.stringify(REPORT).replace('1.25', '1e999')],
    ['busy with a number', of(REPORT, { busy: 1 })],
    ['a field that is missing', of(REPORT, { sent: undefined })],
  ]
  for (const [what, text] of node) t.throws(() => parseNodeMessage(text), WireError, what)
  const peer = { host: '192.0.2.1', port: 1 }
  const centre: readonly [what: string, text: string][] = [
    ['a name in place of an address', of(PEERS, { peers: [{ ...peer, host: 'localhost' }] })],
    ['too many peers', of(PEERS, { peers: Array.from({ length: 11 }, () => peer) })],
    ['a peer that is null', of(PEERS, { peers: [null] })],
    ['peers that are no list', of(PEERS, { peers: { length: 1 } })],
    ['a head without a sequence', '{"type":"head"}'],
  ]
  for (const [what, text] of centre) t.throws(() => parseCentreMessage(text), WireError, what)
})

t.test('any text is a message or an error of ours', async () => {
  const texts = fc.oneof(
    fc.string(),
    fc.json(),
    fc.constantFrom(HELLO, REPORT, PEERS).map(formatControl),
  )
  fc.assert(
    fc.property(texts, (text) => {
      for (const parse of [parseNodeMessage, parseCentreMessage]) {
        try {
          parse(text)
        } catch (error) {
          assert.ok(error instanceof PrsyncError, String(error))
        }
      }
    }),
  )
})
