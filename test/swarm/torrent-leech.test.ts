import t from 'tap'
import { equalBytes } from '../../lib/base/bytes.js'
import { leavesOf } from '../../lib/hash/merkle.js'
import type { Clock, Holding, Link } from '../../lib/host.js'
import { type OpenPeer, openPeer, type Topic } from '../../lib/swarm/peer.js'
import { seedTopic, torrentOf } from '../../lib/swarm/torrent-export.js'
import { TorrentLeech } from '../../lib/swarm/torrent-leech.js'
import { contentOf, holdingOf, ruled, sinkInMemory } from '../support/contents.js'
import { linkPair } from '../support/links.js'

const never = new AbortController().signal
const clock: Clock = {
  now: () => 0,
  monotonic: () => 0,
  sleep: (_ms, signal) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    }),
}
const bytes = ruled(1_000_001)
const torrent = torrentOf(contentOf(bytes), leavesOf(bytes), { announce: null, urls: [] })

/** Joins a leech and a seed; gives both ends. */
async function join(leech: Topic, seed: Topic): Promise<[OpenPeer, OpenPeer]> {
  const [a, b] = linkPair()
  const open = (
    link: Link,
    letter: string,
    opening: Parameters<typeof openPeer>[1],
  ): Promise<OpenPeer> =>
    openPeer(
      link,
      opening,
      {
        peerId: Buffer.alloc(20, letter),
        remote: { host: '192.0.2.1', port: 1 },
        listenPort: null,
        clock,
      },
      never,
    )
  return Promise.all([
    open(a, 'a', { kind: 'call', infoHash: new Uint8Array(20), topic: leech }),
    open(b, 'b', { kind: 'answer', accepts: () => seed }),
  ])
}
/** Settles once when called. */
function flag(): { raise: () => void; raised: Promise<void> } {
  let raise = (): void => {}
  const raised = new Promise<void>((resolve) => {
    raise = resolve
  })
  return { raise: () => raise(), raised }
}
async function over(peers: readonly OpenPeer[]): Promise<void> {
  for (const { peer } of peers) peer.close('done')
  await Promise.all(peers.map(({ finished }) => finished))
}

t.test('pieces from several, units marked as they are whole', async (t) => {
  for (const unitBytes of [65536, 131072]) {
    const sink = sinkInMemory(unitBytes)
    const { raise, raised } = flag()
    const leech = new TorrentLeech(torrent, sink, raise)
    const lower: Holding = holdingOf(bytes, (offset, length) => offset + length <= 524288)
    const upper: Holding = holdingOf(bytes, (offset) => offset >= 524288)
    const peers = [
      ...(await join(leech.topic, seedTopic(torrent, lower))),
      ...(await join(leech.topic, seedTopic(torrent, upper))),
    ]
    await raised
    const kept = sink.kept.get(torrent.content.root)
    t.ok(equalBytes(kept?.bytes ?? new Uint8Array(0), bytes))
    t.ok(kept?.finished && leech.isWhole)
    t.equal(kept?.marked.size, Math.ceil(bytes.length / unitBytes))
    await over(peers)
  }
})

t.test('what was marked before is not asked for again', async (t) => {
  const sink = sinkInMemory()
  const before = sink.open(torrent.content)
  for (let unit = 0; unit < 15; unit++) {
    before.write(unit * 65536, bytes.subarray(unit * 65536, (unit + 1) * 65536))
    before.mark(unit)
  }
  let reads = 0
  const counted: Holding = {
    ...holdingOf(bytes),
    read: async (offset, length) => {
      reads++
      return bytes.subarray(offset, offset + length)
    },
  }
  const { raise, raised } = flag()
  const leech = new TorrentLeech(torrent, sink, raise)
  t.equal(leech.have.count, 15)
  const peers = await join(leech.topic, seedTopic(torrent, counted))
  await raised
  t.equal(reads, 2, 'one of 16 KiB, and the rest')
  await over(peers)
})

t.test('a small content goes to the sink in one', async (t) => {
  const small = ruled(20_000)
  const one = torrentOf(contentOf(small), leavesOf(small), { announce: null, urls: [] })
  const sink = sinkInMemory()
  const { raise, raised } = flag()
  const peers = await join(
    new TorrentLeech(one, sink, raise).topic,
    seedTopic(one, holdingOf(small)),
  )
  await raised
  t.ok(equalBytes(sink.kept.get(one.content.root)?.bytes ?? new Uint8Array(0), small))
  await over(peers)
})

t.test('a lie ends the connection, and nothing of it is kept', async (t) => {
  const sink = sinkInMemory()
  const leech = new TorrentLeech(torrent, sink, () => t.fail('never whole'))
  const lies: Holding = {
    ...holdingOf(bytes),
    read: async (_offset, length) => new Uint8Array(length),
  }
  const peers = await join(leech.topic, seedTopic(torrent, lies))
  await Promise.all(peers.map(({ finished }) => finished))
  t.equal(sink.kept.get(torrent.content.root)?.marked.size, 0)
  t.equal(leech.have.count, 0)
  const { raise, raised } = flag()
  const again = new TorrentLeech(torrent, sink, raise)
  const honest = await join(again.topic, seedTopic(torrent, holdingOf(bytes)))
  await raised
  await over(honest)
})

t.test('what one that goes away was asked for, another is asked', async (t) => {
  const sink = sinkInMemory()
  const { raise, raised } = flag()
  const leech = new TorrentLeech(torrent, sink, raise)
  const stuck: Holding = { ...holdingOf(bytes), read: () => new Promise(() => {}) }
  const first = await join(leech.topic, seedTopic(torrent, stuck))
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve))
  const second = await join(leech.topic, seedTopic(torrent, holdingOf(bytes)))
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve))
  t.equal(leech.have.count, 0, 'all was asked of the first')
  await over(first)
  await raised
  t.ok(leech.isWhole)
  await over(second)
})

t.test('a piece that one rejects is left to another', async (t) => {
  const sink = sinkInMemory()
  const { raise, raised } = flag()
  const leech = new TorrentLeech(torrent, sink, raise)
  const shrunk: Holding = { ...holdingOf(bytes), read: async () => new Uint8Array(0) }
  const first = await join(leech.topic, seedTopic(torrent, shrunk))
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve))
  t.equal(leech.have.count, 0)
  const second = await join(leech.topic, seedTopic(torrent, holdingOf(bytes)))
  await raised
  t.ok(leech.isWhole)
  await over([...first, ...second])
})
