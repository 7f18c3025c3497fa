import t from 'tap'
import { hexOf, joined, latin1Of } from '../../lib/base/bytes.js'
import { WireError } from '../../lib/base/errors.js'
import { LIMITS } from '../../lib/base/limits.js'
import { rootOf } from '../../lib/hash/root.js'
import type { Link } from '../../lib/host.js'
import { Outbox } from '../../lib/swarm/outbox.js'
import { GuardedWire } from '../../lib/swarm/wire.js'
import { type Recorded, recordedEvents } from '../support/recorded-events.js'
import { CONTENT_HELLO, EXTENDED, handshake, message } from '../support/wire-bytes.js'

/** A wire whose output is collected; `sent()` gives what was new. */
function openWire(hello: readonly Uint8Array[] = [handshake(), CONTENT_HELLO]): {
  wire: GuardedWire
  log: Recorded
  out: Outbox
  sent: () => Promise<string>
} {
  const out = new Outbox()
  const log: Recorded = []
  const wire = new GuardedWire(out, recordedEvents(log))
  let bytes: Uint8Array[] = []
  const link: Link = {
    read: async () => null,
    write: async (b) => {
      bytes.push(Uint8Array.from(b))
    },
    close: async () => {},
  }
  const stop = new AbortController()
  t.teardown(() => stop.abort())
  out.run(link, stop.signal).catch(() => {})
  wire.greet({
    infoHash: new Uint8Array(20),
    peerId: new Uint8Array(20).fill(0x61),
    contents: true,
    listenPort: 6881,
    maxRequestBytes: LIMITS.requestBytes,
  })
  for (const one of hello) wire.feed(one)
  log.length = 0
  const sent = async (): Promise<string> => {
    await new Promise((resolve) => setImmediate(resolve))
    const all = latin1Of(joined(bytes))
    bytes = []
    return all
  }
  return { wire, log, out, sent }
}
const latin1 = (...messages: Uint8Array[]): string => latin1Of(joined(messages))

t.test(
  'shakes hands: BEP 6, 10 and 52 bits, and an extended handshake in BEP 10 form',
  async (t) => {
    const { sent } = openWire()
    const all = await sent()
    const reserved = Buffer.from(all, 'latin1').subarray(20, 28)
    t.equal(reserved.toString('hex'), '0000000000100014')
    t.equal(
      all.slice(68),
      latin1(
        message(
          EXTENDED,
          '\0',
          'd1:md10:ps_contenti1ee1:pi6881e14:ps_max_requesti65536e4:reqqi500e1:v6:prsynce',
        ),
      ),
    )
  },
)

t.test('every message is heard once, in order, however the bytes are cut', async (t) => {
  const root = rootOf(new Uint8Array(32).fill(9))
  const stream = joined([
    handshake(),
    CONTENT_HELLO,
    message(1),
    message(2),
    message(3),
    message(0),
    message(4, 7),
    message(5, 'ab'),
    message(14),
    message(15),
    message(EXTENDED, '\x01', '\x01\x05'),
    message(EXTENDED, '\x09', 'an extension we never announced'),
    message(99, 'from a later version'),
    message(9, '\0\0'),
    message(21, root, 0, 512, 512, 9),
    message(22, root, 0, 2, 2, 0, new Uint8Array(64)),
    message(23, root, 0, 2, 2, 0),
    new Uint8Array(4),
  ])
  const range = { baseLayer: 0, index: 2, length: 2, proofLayers: 0 }
  for (const size of [1, 2, 7, 67, 68, 69, stream.length]) {
    const { wire, log } = openWire([])
    for (let at = 0; at < stream.length; at += size) wire.feed(stream.subarray(at, at + size))
    t.same(
      log.filter(([name]) => name !== 'handshake' && name !== 'extended'),
      [
        ['unchoke'],
        ['interested'],
        ['notInterested'],
        ['choke'],
        ['havePiece', 7],
        ['bitfield', '6162'],
        ['haveAll'],
        ['haveNone'],
        ['unbind', [5]],
        ['hashRequest', root, { baseLayer: 0, index: 512, length: 512, proofLayers: 9 }],
        ['hashes', root, range, '00'.repeat(64)],
        ['hashReject', root, range],
      ],
      `in parts of ${size}`,
    )
    t.same(log[0], ['handshake', '\0'.repeat(20), '-XX0000-abcdefghijkl'])
  }
})

t.test('breaking a rule ends it', async (t) => {
  const root = '\0'.repeat(32)
  const cases: Array<[name: string, bytes: Uint8Array]> = [
    ['a message of 2^32 - 1', Uint8Array.of(255, 255, 255, 255)],
    ['a choke with more', message(0, 'x')],
    ['a request cut short', message(6, 1, 2)],
    ['a request with more', message(6, 1, 2, 3, 'x')],
    ['a piece of nothing', message(7, 0, 0)],
    ['a have of 3 bytes', message(4, 'abc')],
    ['an extended message without its id', message(20)],
    ['an extended handshake that would loop', message(20, '\0', 'l-3:e')],
    ['a hash request cut short', message(21, root, 0, 0, 2)],
    ['hashes that are not whole', message(22, root, 0, 0, 2, 0, 'x'.repeat(33))],
    ['a piece that nobody asked for', message(7, 0, 0, 'x')],
    ['content messages that end early', message(20, '\x01', '\x04abc')],
    ['content messages that cannot be', message(20, '\x01', '\x01\x80\0')],
  ]
  for (const [name, bytes] of cases) t.throws(() => openWire().wire.feed(bytes), WireError, name)
  t.throws(() => openWire([]).wire.feed(new Uint8Array(68)), WireError, 'another protocol')
  const slow = openWire([handshake({ last: 0 })])
  for (const id of [14, 15])
    t.throws(() => slow.wire.feed(message(id)), WireError, `${id}, no BEP 6`)
  t.throws(() => slow.wire.feed(message(16, 0, 0, 1)), WireError, 'reject without BEP 6')
})

t.test('requests: answered once, refused beyond the caps, with unsigned numbers', async (t) => {
  const { wire, log, sent } = openWire()
  wire.feed(message(6, 1, 0, 16))
  await t.resolveMatch(sent(), latin1(message(16, 1, 0, 16)), 'choked: rejected')
  wire.unchoke()
  await sent()
  const refused = [
    [3_000_000_000, 0, 16],
    [0, 0xffffffff, 16],
    [0, 0, 0],
    [0, 0, LIMITS.requestBytes + 1],
    [0, 0, 0xffffffff],
  ] as const
  for (const fields of refused) wire.feed(message(6, ...fields))
  t.equal(await sent(), latin1(...refused.map((fields) => message(16, ...fields))))
  t.same(log, [])
  wire.feed(message(6, 2 ** 31 - 1, 2 ** 31 - 16384, 4))
  t.same(log, [['request', 2 ** 31 - 1, 2 ** 31 - 16384, 4]])
  wire.piece(2 ** 31 - 1, 2 ** 31 - 16384, Uint8Array.of(1, 2, 3, 4))
  wire.piece(2 ** 31 - 1, 2 ** 31 - 16384, Uint8Array.of(1, 2, 3, 4))
  wire.reject(2 ** 31 - 1, 2 ** 31 - 16384, 4)
  t.equal(
    await sent(),
    latin1(message(7, 2 ** 31 - 1, 2 ** 31 - 16384, '\x01\x02\x03\x04')),
    'answered once',
  )
  for (let i = 0; i <= LIMITS.peerRequests; i++) wire.feed(message(6, i, 0, 1))
  t.equal(log.length, 1 + LIMITS.peerRequests)
  t.equal(await sent(), latin1(message(16, LIMITS.peerRequests, 0, 1)), 'one above the cap')
  wire.choke()
  t.equal((await sent()).length, 5 + 17 * LIMITS.peerRequests, 'a choke rejects what waits')
  wire.piece(0, 0, Uint8Array.of(1))
  t.equal(await sent(), '', 'and it is not answered after that')
})

t.test('a cancel is answered with a reject, and only once', async (t) => {
  const { wire, log, sent } = openWire()
  wire.unchoke()
  wire.feed(message(6, 1, 2, 3))
  await sent()
  wire.feed(message(8, 1, 2, 3))
  wire.feed(message(8, 1, 2, 3))
  wire.piece(1, 2, Uint8Array.of(1, 2, 3))
  t.equal(await sent(), latin1(message(16, 1, 2, 3)))
  t.same(log, [
    ['request', 1, 2, 3],
    ['cancel', 1, 2, 3],
  ])
})

t.test('our requests: a piece answers one, what we took back is swallowed', async (t) => {
  const { wire, log, sent } = openWire()
  t.notOk(wire.ask(1, 0, 2), 'not while choked')
  wire.feed(message(1))
  await sent()
  for (const handle of [1, 2, 3]) t.ok(wire.ask(handle, 0, 2))
  wire.cancel(2, 0, 2)
  wire.cancel(9, 0, 2)
  t.equal(
    await sent(),
    latin1(message(6, 1, 0, 2), message(6, 2, 0, 2), message(6, 3, 0, 2), message(8, 2, 0, 2)),
  )
  log.length = 0
  wire.feed(joined([message(7, 2, 0, 'no'), message(7, 1, 0, 'ab'), message(16, 3, 0, 2)]))
  wire.feed(message(16, 3, 0, 2))
  t.same(log, [
    ['piece', 1, 0, hexOf(Buffer.from('ab'))],
    ['reject', 3, 0, 2],
  ])
  t.throws(() => wire.feed(message(7, 1, 0, 'ab')), WireError, 'the same piece again')
  wire.ask(4, 0, 2)
  wire.cancel(4, 0, 2)
  wire.feed(message(16, 4, 0, 2))
  t.equal(log.length, 2)
})

t.test('without BEP 6 a choke takes our requests back, and late pieces are no crime', async (t) => {
  const { wire, log } = openWire([handshake({ last: 0 }), message(1)])
  wire.ask(1, 0, 2)
  wire.feed(joined([message(0), message(7, 1, 0, 'ab')]))
  t.same(log, [['choke'], ['reject', 1, 0, 2]])
})

t.test('a peer that asks on and on without taking the answers is not listened to', async (t) => {
  const out = new Outbox()
  const wire = new GuardedWire(out, recordedEvents([]))
  wire.greet({
    infoHash: new Uint8Array(20),
    peerId: new Uint8Array(20),
    contents: false,
    listenPort: null,
    maxRequestBytes: LIMITS.foreignRequestBytes,
  })
  wire.feed(handshake())
  const asking = message(6, 0, 0, 1)
  t.throws(() => {
    for (let i = 0; i < 1_000_000; i++) wire.feed(asking)
  }, WireError)
  t.ok(out.unsent < 2 * LIMITS.unsentBytes)
})

t.test('hash requests that nothing could answer are rejected', async (t) => {
  const { wire, log, sent } = openWire()
  await sent()
  const root = '\x05'.repeat(32)
  wire.feed(message(21, root, 0, 0, 0xffffffff, 0))
  t.equal(await sent(), latin1(message(23, root, 0, 0, 0xffffffff, 0)))
  t.same(log, [])
})

t.test('nothing is heard after stop, also not from the same chunk', async (t) => {
  const out = new Outbox()
  const log: Recorded = []
  const wire: GuardedWire = new GuardedWire(out, {
    ...recordedEvents(log),
    onHandshake: () => wire.stop(),
  })
  wire.feed(joined([handshake(), message(1)]))
  t.same(log, [])
})
