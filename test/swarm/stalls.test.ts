/** Ways in which a download once waited for nothing: each must go on within seconds. */
import t from 'tap'
import { leavesOf } from '../../lib/hash/merkle.js'
import type { ContentId } from '../../lib/hash/root.js'
import type { ContentSink } from '../../lib/host.js'
import { DEAF } from '../../lib/swarm/deaf.js'
import type { Fallback } from '../../lib/swarm/fallback-lane.js'
import type { MemoryStore } from '../support/memory-store.js'
import { Uplink } from '../support/peer-pair.js'
import { proveRange } from '../support/prove-range.js'
import { scriptedPeer } from '../support/scripted-peer.js'
import { seededRandom } from '../support/seeded-random.js'
import { type Node, SwarmNet } from '../support/swarm-net.js'

const never = new AbortController().signal
const random = seededRandom(23)

function stock(store: MemoryStore, lengths: readonly number[]): ContentId[] {
  return lengths.map((length) => store.add(random.bytes(length)))
}
function download(node: Node, contents: readonly ContentId[], fallback: Fallback | null = null) {
  const wanted = contents.map((content) => ({ content, since: 1, missing: [] }))
  return node.swarm.download(wanted, node.sink, fallback, never)
}
const SMALL = Array<number>(200).fill(10_000)

t.test('a node comes by a second connection while requests stand open at the first', async (t) => {
  const net = new SwarmNet()
  const giver = net.node('giver', { uplinkRate: 200_000 })
  const taker = net.node('taker')
  // more in flight than the end game would ask for again
  const contents = stock(giver.store, Array<number>(2000).fill(1000))
  giver.swarm.setThrough(1)
  taker.swarm.addPeers([{ address: giver.address, centre: false }])
  const done = download(taker, contents)
  // the taker is reachable by an address that its peer does not know to be the same node's
  const alias = net.end()
  const id = `-PS0001-${String(taker.address.port).padStart(12, '0')}`
  net.listen({ ...alias, id }, (open) => taker.swarm.attach(open))
  net.clock.after(1500, () => giver.swarm.addPeers([{ address: alias.address, centre: false }]))
  await net.clock.until(done, 20_000)
  t.ok(giver.events.length + taker.events.length === 0, 'and neither saw the other leave')
  t.equal(taker.swarm.progress().peers, 1)
  t.equal(giver.swarm.progress().peers, 1)
  await net.stop()
})

t.test('nodes that know each other’s addresses connect once', async (t) => {
  const net = new SwarmNet()
  const one = net.node('one')
  const two = net.node('two')
  let dials = 0
  const counting = net.node('counting', {
    dial: (...call) => {
      dials++
      return net.dialFrom(net.end())(...call)
    },
  })
  one.swarm.addPeers([{ address: counting.address, centre: false }])
  await net.clock.advance(1000)
  counting.swarm.addPeers([one, two].map(({ address }) => ({ address, centre: false })))
  await net.clock.advance(1000)
  t.equal(dials, 1, 'only the one it has no connection with')
  await net.stop()
})

t.test('some requests for a unit are rejected and the others answered', async (t) => {
  const net = new SwarmNet()
  const giver = net.node('giver')
  const taker = net.node('taker')
  const contents = stock(giver.store, [1_000_000, 60_000, 50_000])
  const bytesOf = (root: ContentId['root']) => giver.store.contents.get(root)
  const end = net.end(new Uplink(net.clock), 16384)
  net.listen(end, scriptedPeer(net.clock, bytesOf, { answer: 'reject', every: 2 }))
  taker.swarm.addPeers([{ address: end.address, centre: false }])
  const done = download(taker, contents)
  await net.clock.advance(1000)
  giver.swarm.setThrough(1)
  taker.swarm.addPeers([{ address: giver.address, centre: false }])
  await net.clock.until(done, 4000)
  t.equal(taker.sink.delivered.length, contents.length)
  await net.stop()
})

t.test('peers have it and do not give it: the centre does, on the wire', async (t) => {
  const net = new SwarmNet()
  const centre = net.node('centre', { role: 'centre' })
  const taker = net.node('taker')
  const other = net.node('other')
  const contents = stock(centre.store, Array<number>(2000).fill(3000))
  const end = net.end()
  net.listen(
    end,
    scriptedPeer(net.clock, () => undefined, { answer: 'silence' }),
  )
  taker.swarm.addPeers([
    { address: centre.address, centre: true },
    { address: end.address, centre: false },
  ])
  // another that wants, so that the centre does not give all to the only one
  other.swarm.addPeers([{ address: centre.address, centre: true }])
  const both = [download(taker, contents), download(other, contents)]
  await net.clock.until(Promise.all(both), 15_000)
  t.equal(taker.sink.delivered.length, contents.length)
  await net.stop()
})

t.test('what was granted to a node that hangs goes to the others', async (t) => {
  const net = new SwarmNet()
  const centre = net.node('centre', { role: 'centre' })
  const taker = net.node('taker')
  const contents = stock(centre.store, SMALL)
  const hung = net.end()
  // wants everything, and then does not ask for what it is granted
  const dial = net.dialFrom(hung)(centre.address, { ...DEAF }, never)
  const peer = await net.clock.until(dial, 1000)
  peer.interested()
  peer.want(contents.map((content) => ({ content, ranges: [] })))
  await net.clock.advance(500)
  taker.swarm.addPeers([{ address: centre.address, centre: true }])
  await net.clock.until(download(taker, contents), 5000)
  t.equal(taker.sink.delivered.length, contents.length)
  await net.stop()
})

/** The centre over HTTP, which has only what `store` has. */
function fallbackTo(store: MemoryStore): Fallback {
  const of = ({ root }: ContentId) => store.contents.get(root) ?? null
  return {
    range: (content, offset, length) =>
      Promise.resolve(of(content)?.subarray(offset, offset + length) ?? null),
    small: (contents) => Promise.resolve(contents.map(of)),
    hashes: (content, range) => {
      const bytes = of(content)
      return Promise.resolve(bytes && proveRange(leavesOf(bytes), range))
    },
  }
}

for (const [name, mayPeerHave] of [
  ['what the centre lacks is lost, and all else comes', false],
  ['what the centre lacks comes from a peer that has it', true],
] as const)
  t.test(name, async (t) => {
    const net = new SwarmNet()
    const centre = net.node('centre', { role: 'centre' })
    const taker = net.node('taker')
    const contents = stock(centre.store, [...SMALL, 70_000, 3_000_000, 9_000_000])
    // more than the first window of grants, and one of the large ones
    const replaced = [...contents.slice(0, 50), ...contents.slice(-1)]
    const peer = net.node('peer')
    for (const { root } of replaced) {
      const bytes = centre.store.contents.get(root)
      centre.store.contents.delete(root)
      if (bytes !== undefined && mayPeerHave) peer.store.contents.set(root, bytes)
    }
    if (mayPeerHave) peer.swarm.offer(replaced.map(({ root }) => root))
    taker.swarm.addPeers([
      { address: centre.address, centre: true },
      { address: peer.address, centre: false },
    ])
    const lost = new Map<string, string>()
    const sink: ContentSink = {
      small: (content, bytes) => taker.sink.small(content, bytes),
      open: (content) => taker.sink.open(content),
      lost: (content, why) => lost.set(content.root, why),
    }
    const wanted = contents.map((content) => ({ content, since: 1, missing: [] }))
    const fallback = fallbackTo(centre.store)
    await net.clock.until(taker.swarm.download(wanted, sink, fallback, never), 5000)
    const expected = mayPeerHave ? [] : replaced.map(({ root }) => root)
    t.strictSame(new Set(lost.keys()), new Set(expected))
    t.equal(taker.sink.delivered.length, contents.length - expected.length)
    for (const why of lost.values()) t.match(why, /does not have it/)
    const { bytes } = taker.swarm.progress()
    const total = contents.reduce((sum, c) => sum + (expected.includes(c.root) ? 0 : c.length), 0)
    t.equal(bytes.peers + bytes.centreWire + bytes.centreHttp, total, 'each byte counts once')
    await net.stop()
  })

t.test('a content that a peer spoils counts once, what it spoiled is waste', async (t) => {
  const net = new SwarmNet()
  const giver = net.node('giver')
  const taker = net.node('taker')
  const contents = stock(giver.store, [2_000_000])
  const bytesOf = (root: ContentId['root']) => giver.store.contents.get(root)
  const end = net.end()
  net.listen(end, scriptedPeer(net.clock, bytesOf, { answer: 'wrong', every: 3 }))
  giver.swarm.setThrough(1)
  taker.swarm.addPeers([giver, end].map(({ address }) => ({ address, centre: false })))
  await net.clock.until(download(taker, contents), 20_000)
  const { bytes } = taker.swarm.progress()
  t.equal(
    bytes.peers,
    contents.reduce((sum, { length }) => sum + length, 0),
  )
  t.ok(bytes.wasted > 0)
  await net.stop()
})
