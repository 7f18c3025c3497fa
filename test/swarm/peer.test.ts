import t from 'tap'
import { bytesOf, latin1Of } from '../../lib/base/bytes.js'
import { SocketError, WireError } from '../../lib/base/errors.js'
import { LIMITS } from '../../lib/base/limits.js'
import { rootOf } from '../../lib/hash/root.js'
import type { Clock, Link } from '../../lib/host.js'
import { hintOf } from '../../lib/swarm/content-ext.js'
import { type OpenPeer, openPeer, type PeerOptions, type Topic } from '../../lib/swarm/peer.js'
import type { Peer, PeerEvents } from '../../lib/swarm/peer-port.js'
import { linkPair } from '../support/links.js'
import { quietEvents } from '../support/quiet-events.js'
import { type Recorded, recordedEvents } from '../support/recorded-events.js'
import { CONTENT_HELLO, handshake, message } from '../support/wire-bytes.js'

const never = new AbortController().signal
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Sleepers wake when told to. */
function handClock(): Clock & { wake(): void } {
  let sleepers: Array<() => void> = []
  return {
    now: () => 0,
    monotonic: () => 0,
    sleep: (_ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason)
        signal.addEventListener('abort', () => reject(signal.reason), { once: true })
        sleepers.push(resolve)
      }),
    wake: () => {
      const woken = sleepers
      sleepers = []
      for (const wake of woken) wake()
    },
  }
}
const options = (letter: string, clock: Clock = handClock()): PeerOptions => ({
  peerId: bytesOf(letter.repeat(20)),
  remote: { host: '192.0.2.1', port: 50_000 },
  listenPort: 6881,
  clock,
})
const repository = (attach: (peer: Peer) => PeerEvents): Topic => ({ kind: 'repository', attach })
const silent = repository(() => quietEvents)
const infoHash = new Uint8Array(20).fill(1)

/** Two ends that know each other, each with what it heard. */
async function couple(): Promise<{
  a: OpenPeer
  b: OpenPeer
  heardByA: Recorded
  heardByB: Recorded
}> {
  const [left, right] = linkPair()
  const heardByA: Recorded = []
  const heardByB: Recorded = []
  const [a, b] = await Promise.all([
    openPeer(
      left,
      { kind: 'call', infoHash, topic: repository(() => recordedEvents(heardByA)) },
      options('a'),
      never,
    ),
    openPeer(
      right,
      {
        kind: 'answer',
        accepts: (asked) =>
          asked === latin1Of(infoHash) ? repository(() => recordedEvents(heardByB)) : null,
      },
      options('b'),
      never,
    ),
  ])
  return { a, b, heardByA, heardByB }
}
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await turn()
}

t.test('two nodes: every call of one is an event of the other', async (t) => {
  const { a, b, heardByA, heardByB } = await couple()
  t.equal(a.peer.id, 'b'.repeat(20))
  t.ok(b.peer.isPrsync)
  t.same(b.peer.listens, { host: '192.0.2.1', port: 6881 })
  t.same([a.peer.maxRequests, a.peer.maxRequestBytes], [500, 65536])
  const root = rootOf(new Uint8Array(32).fill(3))
  const content = { root, length: 5_000_000_000 }
  const range = { baseLayer: 0, index: 512, length: 512, proofLayers: 20 }
  const have = { through: 9, wholes: [hintOf(root)], parts: [] }
  a.peer.interested()
  a.peer.notInterested()
  a.peer.bind([{ handle: 7, content, window: 2 }])
  a.peer.have(have)
  a.peer.want([{ content, ranges: [{ first: 1, count: 2 }] }])
  a.peer.drop([hintOf(root)])
  a.peer.unbind([7])
  a.peer.hashRequest(root, range)
  a.peer.hashes(root, range, new Uint8Array(32))
  a.peer.hashReject(root, range)
  await settle()
  t.same(heardByB, [
    ['interested'],
    ['notInterested'],
    ['bind', [{ handle: 7, content, window: 2 }]],
    ['have', have],
    ['want', [{ content, ranges: [{ first: 1, count: 2 }] }]],
    ['drop', [hintOf(root)]],
    ['unbind', [7]],
    ['hashRequest', root, range],
    ['hashes', root, range, '00'.repeat(32)],
    ['hashReject', root, range],
  ])
  b.peer.unchoke()
  await settle()
  heardByB.length = 0
  a.peer.request(7, 0, 4)
  a.peer.request(7, 4, 4)
  a.peer.request(7, 8, 4)
  await settle()
  a.peer.cancel(7, 8, 4)
  b.peer.piece(7, 0, bytesOf('abcd'))
  b.peer.reject(7, 4, 4)
  await settle()
  b.peer.choke()
  await settle()
  a.peer.request(7, 12, 4)
  await settle()
  t.same(heardByB, [
    ['request', 7, 0, 4],
    ['request', 7, 4, 4],
    ['request', 7, 8, 4],
    ['cancel', 7, 8, 4],
  ])
  t.same(heardByA, [
    ['unchoke'],
    ['piece', 7, 0, '61626364'],
    ['reject', 7, 4, 4],
    ['choke'],
    ['reject', 7, 12, 4],
  ])
  a.peer.close('enough')
  await Promise.all([a.finished, b.finished])
  t.same(heardByA.at(-1), ['close', 'enough', null])
  t.same(heardByB.at(-1), ['close', 'closed by the other side', null])
  await t.rejects(a.peer.drained(never), SocketError)
})

t.test('nothing is heard after close, but onClose', async (t) => {
  const [left, right] = linkPair()
  const heard: Recorded = []
  const opening = openPeer(
    left,
    {
      kind: 'call',
      infoHash,
      topic: repository((peer) => ({
        ...recordedEvents(heard),
        onUnchoke: () => peer.close('seen enough'),
      })),
    },
    options('a'),
    never,
  )
  await right.write(handshake({ infoHash }), never)
  await right.write(Buffer.concat([CONTENT_HELLO, message(1), message(2)]), never)
  const { finished } = await opening
  await finished
  t.same(heard, [['close', 'seen enough', null]])
})

t.test('a rule broken is named, a fault of ours is not blamed on the peer', async (t) => {
  const cases: Array<[name: string, bytes: Uint8Array, why: string, broke: string | null]> = [
    ['a choke with more', message(0, 'x'), 'BitTorrent: message 0 of 2 bytes', 'same'],
    ['our handler fails', message(2), 'fault here: oops', null],
  ]
  for (const [name, bytes, why, broke] of cases) {
    const [left, right] = linkPair()
    const heard: Recorded = []
    const topic = repository(() => ({
      ...recordedEvents(heard),
      onInterested: () => {
        throw new TypeError('oops')
      },
    }))
    const opening = openPeer(left, { kind: 'call', infoHash, topic }, options('a'), never)
    await right.write(handshake({ infoHash }), never)
    await right.write(CONTENT_HELLO, never)
    const { finished } = await opening
    await right.write(bytes, never)
    await finished
    t.same(heard, [['close', why, broke === null ? null : why]], name)
  }
})

t.test('who does not shake hands as agreed is turned away', async (t) => {
  const cases: Array<
    [name: string, bytes: readonly Uint8Array[], error: typeof WireError | typeof SocketError]
  > = [
    ['another info-hash', [handshake()], WireError],
    ['no BEP 10', [handshake({ infoHash, extended: false })], WireError],
    ['no BEP 6', [handshake({ infoHash, last: 0 })], WireError],
    ['ourselves', [handshake({ infoHash, id: 'a'.repeat(20) })], SocketError],
    ['no ps_content', [handshake({ infoHash }), message(20, '\0', 'de')], WireError],
    ['a message too early', [handshake({ infoHash }), message(2)], WireError],
    ['another protocol', [new Uint8Array(68).fill(0x47)], WireError],
  ]
  for (const [name, chunks, error] of cases) {
    const [left, right] = linkPair()
    const opening = openPeer(left, { kind: 'call', infoHash, topic: silent }, options('a'), never)
    opening.catch(() => {})
    for (const bytes of chunks) await right.write(bytes, never).catch(() => {})
    await t.rejects(opening, error, name)
  }
  const [left, right] = linkPair()
  const opening = openPeer(left, { kind: 'answer', accepts: () => null }, options('a'), never)
  opening.catch(() => {})
  await right.write(handshake(), never)
  await t.rejects(opening, SocketError, 'an info-hash we do not serve')
  t.equal(await right.read(never), null, 'and hears nothing from us')
})

t.test('the handshake has its time, and so has silence', async (t) => {
  const clock = handClock()
  const [left] = linkPair()
  const opening = openPeer(
    left,
    { kind: 'call', infoHash, topic: silent },
    options('a', clock),
    never,
  )
  opening.catch(() => {})
  await turn()
  clock.wake()
  await t.rejects(opening, { message: `handshake: not within ${LIMITS.handshakeMs} ms` })

  const [mine, theirs] = linkPair()
  const heard: Recorded = []
  const topic = repository(() => recordedEvents(heard))
  const second = openPeer(mine, { kind: 'call', infoHash, topic }, options('a', clock), never)
  await theirs.write(handshake({ infoHash }), never)
  await theirs.write(CONTENT_HELLO, never)
  const { finished } = await second
  for (let i = 0; i < 3; i++) {
    clock.wake()
    await settle()
  }
  await theirs.write(new Uint8Array(4), never)
  await settle()
  for (let i = 0; i < 3; i++) {
    clock.wake()
    await settle()
  }
  t.same(heard, [], 'a keep-alive is enough')
  clock.wake()
  await finished
  t.same(heard, [['close', 'nothing heard for long', null]])
})

t.test('the signal ends it, before and after', async (t) => {
  const stop = new AbortController()
  const [left, right] = linkPair()
  const heard: Recorded = []
  const topic = repository(() => recordedEvents(heard))
  const opening = openPeer(left, { kind: 'call', infoHash, topic }, options('a'), stop.signal)
  await right.write(handshake({ infoHash }), never)
  await right.write(CONTENT_HELLO, never)
  const { finished } = await opening
  stop.abort(new SocketError('stopped'))
  await finished
  t.same(heard, [['close', 'stopped', null]])
  const [other] = linkPair()
  const late = openPeer(other, { kind: 'call', infoHash, topic: silent }, options('a'), stop.signal)
  await t.rejects(late, { message: 'stopped' })
})

t.test('unsent counts what the socket has not taken, and drained waits for it', async (t) => {
  let take = (): void => {}
  let hold = false
  const [left, right] = linkPair()
  const slow: Link = {
    ...left,
    write: async (bytes, signal) => {
      if (hold)
        await new Promise<void>((resolve) => {
          take = resolve
        })
      await left.write(bytes, signal)
    },
  }
  let peer: Peer | null = null
  const topic = repository((p) => {
    peer = p
    return { ...quietEvents, onRequest: (h, b, length) => p.piece(h, b, new Uint8Array(length)) }
  })
  const opening = openPeer(slow, { kind: 'call', infoHash, topic }, options('a'), never)
  await right.write(handshake({ infoHash }), never)
  await right.write(CONTENT_HELLO, never)
  const { finished, peer: same } = await opening
  t.equal(same, peer)
  await settle()
  hold = true
  same.unchoke()
  for (let i = 0; i < 10; i++) await right.write(message(6, 0, i, 65536), never)
  await settle()
  t.ok(same.unsent >= 10 * 65536)
  const drained = same.drained(never)
  hold = false
  take()
  const reading = (async () => {
    while ((await right.read(never)) !== null);
  })()
  await drained
  t.ok(same.unsent < 10 * 65536)
  same.close('done')
  await Promise.all([finished, reading])
})

t.test('an ordinary client hears and says pieces', async (t) => {
  const [left, right] = linkPair()
  const heard: Recorded = []
  const opening = openPeer(
    left,
    {
      kind: 'answer',
      accepts: () => ({
        kind: 'torrent',
        attach: (peer) => {
          peer.bitfield(Uint8Array.of(0x80))
          peer.havePiece(1)
          peer.haveAll()
          peer.haveNone()
          return recordedEvents(heard)
        },
      }),
    },
    options('a'),
    never,
  )
  await right.write(handshake({ infoHash, extended: false }), never)
  const { peer, finished } = await opening
  t.notOk(peer.isPrsync)
  t.equal(peer.listens, null)
  t.same([peer.maxRequests, peer.maxRequestBytes], [250, 16384])
  peer.bind([])
  for (const bytes of [message(5, 'x'), message(4, 3), message(14), message(15)])
    await right.write(bytes, never)
  const sent = await right.read(never)
  t.equal(
    latin1Of(sent ?? new Uint8Array(0)).slice(68),
    latin1Of(Buffer.concat([message(5, '\x80'), message(4, 1), message(14), message(15)])),
  )
  await right.close()
  await finished
  t.same(heard, [
    ['bitfield', '78'],
    ['havePiece', 3],
    ['haveAll'],
    ['haveNone'],
    ['close', 'closed by the other side', null],
  ])
})
