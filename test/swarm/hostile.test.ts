/** What peers may do wrong: the download ends right, who is to blame is banned with the evidence, nobody else. */
import t from 'tap'
import { leavesOf } from '../../lib/hash/merkle.js'
import type { ContentId, Root } from '../../lib/hash/root.js'
import type { Fallback } from '../../lib/swarm/fallback-lane.js'
import { MemoryStore } from '../support/memory-store.js'
import { proveRange } from '../support/prove-range.js'
import { type Conduct, scriptedPeer } from '../support/scripted-peer.js'
import { seededRandom } from '../support/seeded-random.js'
import { type Node, SwarmNet } from '../support/swarm-net.js'

const never = new AbortController().signal

/** Contents that a store has, to be wanted. */
function stock(store: MemoryStore, lengths: readonly number[]): ContentId[] {
  const random = seededRandom(lengths.length)
  return lengths.map((length) => store.add(random.bytes(length)))
}
const LENGTHS = [
  ...Array.from({ length: 200 }, (_, i) => 1 + i * 300),
  300_000,
  1_000_000,
  9_000_000,
]
const total = LENGTHS.reduce((a, b) => a + b)

function wantedOf(contents: readonly ContentId[]): {
  content: ContentId
  since: number
  missing: []
}[] {
  return contents.map((content) => ({ content, since: 1, missing: [] }))
}

function fallbackOf(store: MemoryStore): Fallback & { calls: number } {
  const bytesOf = (root: Root): Uint8Array => store.contents.get(root) ?? new Uint8Array(0)
  return {
    calls: 0,
    range(content, offset, length) {
      this.calls++
      return Promise.resolve(bytesOf(content.root).subarray(offset, offset + length))
    },
    small(contents) {
      this.calls++
      return Promise.resolve(contents.map(({ root }) => bytesOf(root)))
    },
    hashes(content, range) {
      this.calls++
      return Promise.resolve(proveRange(leavesOf(bytesOf(content.root)), range))
    },
  }
}

/** A net with one honest node that has all, scripted ones that say so, and one that wants all. */
function scene(
  conducts: readonly Conduct[],
  honest = 1,
  seed = 1,
): { net: SwarmNet; givers: Node[]; taker: Node; contents: ContentId[] } {
  const net = new SwarmNet(seed)
  const givers = Array.from({ length: honest }, (_, i) =>
    net.node(`giver ${i}`, { uplinkRate: 2_000_000 }),
  )
  const taker = net.node('taker')
  const [first] = givers
  const contents = first === undefined ? [] : stock(first.store, LENGTHS)
  for (const giver of givers) {
    for (const [root, bytes] of first?.store.contents ?? []) giver.store.contents.set(root, bytes)
    giver.swarm.setThrough(1)
    taker.swarm.addPeers([{ address: giver.address, centre: false }])
  }
  for (const conduct of conducts) {
    const end = net.end()
    net.listen(
      end,
      scriptedPeer(net.clock, (root) => first?.store.contents.get(root), conduct),
    )
    taker.swarm.addPeers([{ address: end.address, centre: false }])
  }
  return { net, givers, taker, contents }
}

const table: readonly (readonly [string, Conduct, boolean])[] = [
  ['wrong bytes', { answer: 'wrong' }, true],
  ['wrong bytes now and then', { answer: 'wrong', every: 7 }, true],
  ['wrong hashes', { answer: 'right', hashes: 'wrong' }, true],
  ['nothing', { answer: 'silence' }, false],
  ['nothing after a while', { answer: 'right', later: 'silence', after: 20 }, false],
  ['only rejects', { answer: 'reject' }, false],
  ['bytes nobody asked for', { answer: 'unsolicited' }, false],
  ['chokes while requests stand', { answer: 'choke' }, false],
  ['closes in the middle of a unit', { answer: 'right', later: 'close', after: 9 }, false],
  ['no hashes', { answer: 'right', hashes: 'reject' }, false],
  ['silence about hashes', { answer: 'right', hashes: 'silence' }, false],
]
for (const [name, conduct, isBanned] of table)
  t.test(`a peer sends: ${name}`, async (t) => {
    const { net, taker, contents } = scene([conduct])
    await net.clock.until(
      taker.swarm.download(wantedOf(contents), taker.sink, null, never),
      300_000,
    )
    t.equal(taker.sink.delivered.length, contents.length)
    const { bans } = taker.swarm.progress()
    t.equal(bans.length, isBanned ? 1 : 0, JSON.stringify(bans))
    // the honest one listens first, the scripted one after the taker
    for (const ban of bans) t.equal(ban.address?.port, 3)
    await net.stop()
  })

t.test('3 of 10 peers are hostile in different ways', async (t) => {
  const { net, taker, contents, givers } = scene(
    [{ answer: 'wrong' }, { answer: 'wrong', every: 5 }, { answer: 'silence' }],
    7,
    3,
  )
  await net.clock.until(taker.swarm.download(wantedOf(contents), taker.sink, null, never), 300_000)
  t.equal(taker.sink.delivered.length, contents.length)
  const honest = givers.map((giver) => giver.address.port)
  const { bans } = taker.swarm.progress()
  t.equal(bans.length, 2)
  for (const ban of bans) t.notOk(honest.includes(ban.address?.port ?? 0), ban.evidence)
  await net.stop()
})

/** One that wants all of what `all` has, and scripted peers that say they have it. */
function alone(conducts: readonly Conduct[]): {
  net: SwarmNet
  taker: Node
  fallback: Fallback & { calls: number }
  contents: ContentId[]
} {
  const net = new SwarmNet()
  const taker = net.node('taker')
  const all = new MemoryStore()
  const contents = stock(all, LENGTHS)
  for (const conduct of conducts) {
    const end = net.end()
    net.listen(
      end,
      scriptedPeer(net.clock, (root) => all.contents.get(root), conduct),
    )
    taker.swarm.addPeers([{ address: end.address, centre: false }])
  }
  return { net, taker, fallback: fallbackOf(all), contents }
}

for (const [name, conducts, leastMs, mostMs] of [
  ['no peers: the fallback, at once', [], 0, 1000],
  ['silent peers: the fallback, after ten seconds', [{ answer: 'silence' }], 9000, 13_000],
  [
    'a peer that goes away: the fallback for the rest',
    [{ answer: 'right', later: 'close', after: 50 }],
    0,
    13_000,
  ],
] as const)
  t.test(name, async (t) => {
    const { net, taker, fallback, contents } = alone(conducts)
    const started = net.clock.monotonic()
    await net.clock.until(
      taker.swarm.download(wantedOf(contents), taker.sink, fallback, never),
      60_000,
    )
    const took = net.clock.monotonic() - started
    t.ok(took >= leastMs && took <= mostMs, `${took} ms`)
    t.equal(taker.sink.delivered.length, contents.length)
    const { bytes } = taker.swarm.progress()
    t.ok(bytes.centreHttp > 0)
    t.equal(bytes.centreHttp + bytes.peers, total)
    // what is left has holes where the peer gave
    t.ok(fallback.calls < (bytes.peers > 0 ? 100 : 40), `${fallback.calls} calls`)
    await net.stop()
  })

t.test('a fallback that always fails ends the download with its error', async (t) => {
  const { net, taker, fallback, contents } = alone([])
  const small = (): Promise<never> => Promise.reject(new Error('503'))
  const download = taker.swarm.download(
    wantedOf(contents),
    taker.sink,
    { ...fallback, small, range: small, hashes: small },
    never,
  )
  await t.rejects(net.clock.until(download, 300_000), { message: '503' })
  await net.stop()
})

t.test(
  'a fallback that gives wrong bytes ends the download of a sink that cannot lose',
  async (t) => {
    const { net, taker, fallback, contents } = alone([])
    const range: Fallback['range'] = (_content, _offset, length) =>
      Promise.resolve(new Uint8Array(length))
    const download = taker.swarm.download(
      wantedOf(contents),
      taker.sink,
      { ...fallback, range },
      never,
    )
    await t.rejects(net.clock.until(download, 300_000), /do not lead to their root/)
    await net.stop()
  },
)

t.test('an abort ends a download, and the next one works', async (t) => {
  const { net, taker, contents } = scene([])
  const scope = new AbortController()
  const first = taker.swarm.download(wantedOf(contents), taker.sink, null, scope.signal)
  net.clock.after(300, () => scope.abort(new Error('ctrl-c')))
  await t.rejects(net.clock.until(first, 10_000), { message: 'ctrl-c' })
  const left = contents.filter((content) => !taker.store.contents.has(content.root))
  t.ok(left.length > 0 && left.length < contents.length, `${left.length} left`)
  await net.clock.until(taker.swarm.download(wantedOf(left), taker.sink, null, never), 60_000)
  t.equal(taker.sink.delivered.length, contents.length)
  t.equal(taker.swarm.progress().bans.length, 0)
  await net.stop()
})

t.test('a sink that fails ends the download with its error', async (t) => {
  const { net, taker, contents } = scene([])
  const sink = {
    small: (): void => {
      throw new Error('no space left')
    },
    open: (content: ContentId) => taker.sink.open(content),
  }
  const download = taker.swarm.download(wantedOf(contents), sink, null, never)
  await t.rejects(net.clock.until(download, 10_000), { message: 'no space left' })
  t.equal(taker.swarm.progress().peers, 1, 'the connection stands')
  await net.stop()
})

t.test('answers to what was cancelled are not taken for answers to what came after', async (t) => {
  const net = new SwarmNet(1, 40)
  const giver = net.node('giver')
  const taker = net.node('taker')
  const contents = stock(giver.store, Array<number>(3000).fill(4000))
  giver.swarm.setThrough(1)
  taker.swarm.addPeers([{ address: giver.address, centre: false }])
  let left = contents
  for (let round = 0; left.length > 0; round++) {
    const scope = new AbortController()
    const part = taker.swarm.download(wantedOf(left), taker.sink, null, scope.signal)
    net.clock.after(330, () => scope.abort(new Error('stopped')))
    await net.clock.until(
      part.catch(() => undefined),
      10_000,
    )
    const before = left.length
    left = left.filter((content) => !taker.store.contents.has(content.root))
    if (round > 50 || left.length === before) throw new Error('no progress')
    if (round === 0) t.ok(left.length > 0, 'something was cancelled')
  }
  t.strictSame(taker.swarm.progress().bans, [])
  t.equal(taker.swarm.progress().peers, 1)
  await net.clock.advance(1000)
  t.notOk(giver.swarm.needed(), 'and nobody waits for anything')
  await net.clock.advance(120_000)
  t.equal(taker.swarm.progress().peers, 1, 'the connection stands')
  await net.stop()
})
