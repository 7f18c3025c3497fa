import assert from 'node:assert/strict'
import t from 'tap'
import type { ContentId } from '../../lib/hash/root.js'
import { unitBytesOf } from '../../lib/hash/unit.js'
import type { ByteRange } from '../../lib/swarm/item.js'
import fc from '../support/properties.js'
import { seededRandom } from '../support/seeded-random.js'
import { SwarmNet } from '../support/swarm-net.js'

const never = new AbortController().signal
const random = seededRandom(11)
const want = (
  content: ContentId,
  missing: readonly ByteRange[] = [],
  since = 1,
): { content: ContentId; since: number; missing: readonly ByteRange[] } => ({
  content,
  since,
  missing,
})

t.test('only what a delta left open is fetched', async (t) => {
  const net = new SwarmNet()
  const giver = net.node('giver')
  const taker = net.node('taker')
  const bytes = random.bytes(1_000_000)
  const content = giver.store.add(bytes)
  // gaps below 2 KiB are fetched over, others are not; the last leaf is short
  const missing = [
    { offset: 10, length: 100 },
    { offset: 1000, length: 50 },
    { offset: 40_000, length: 30_000 },
    { offset: 999_990, length: 10 },
  ]
  const standing = Uint8Array.from(bytes)
  for (const { offset, length } of missing) standing.fill(0xee, offset, offset + length)
  taker.sink.partials.set(content.root, { bytes: standing, marked: new Set() })
  giver.swarm.setThrough(1)
  taker.swarm.addPeers([{ address: giver.address, centre: false }])
  await net.clock.until(
    taker.swarm.download([want(content, missing)], taker.sink, null, never),
    10_000,
  )
  t.strictSame(taker.sink.delivered, [content.root])
  t.equal(taker.swarm.progress().bytes.peers, 1050 - 10 + 30_000 + 10)
  await net.stop()
})

t.test('what a delta got wrong is fetched again whole, and nobody is banned', async (t) => {
  const net = new SwarmNet()
  const giver = net.node('giver')
  const taker = net.node('taker')
  const bytes = random.bytes(600_000)
  const content = giver.store.add(bytes)
  const standing = Uint8Array.from(bytes)
  standing.fill(1, 100_000, 100_010) // said to be right
  standing.fill(2, 200_000, 200_500)
  taker.sink.partials.set(content.root, { bytes: standing, marked: new Set([0]) })
  giver.swarm.setThrough(1)
  taker.swarm.addPeers([{ address: giver.address, centre: false }])
  const missing = [{ offset: 200_000, length: 500 }]
  await net.clock.until(
    taker.swarm.download([want(content, missing)], taker.sink, null, never),
    10_000,
  )
  t.strictSame(taker.sink.delivered, [content.root])
  const progress = taker.swarm.progress()
  t.equal(progress.bytes.peers, 500 + 16384)
  t.strictSame(progress.bans, [])
  await net.stop()
})

t.test('any ranges left open: the content is whole, for little more than the ranges', async () => {
  const range = fc.record(
    { offset: fc.nat(299_999), length: fc.integer({ min: 1, max: 50_000 }) },
    { noNullPrototype: true },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(range, { minLength: 1, maxLength: 12 }), async (ranges) => {
      const net = new SwarmNet()
      const giver = net.node('giver', { maxRequestBytes: 16384 })
      const taker = net.node('taker')
      const bytes = random.bytes(300_000)
      const content = giver.store.add(bytes)
      const open = new Uint8Array(bytes.length)
      for (const { offset, length } of ranges) open.fill(1, offset, offset + length)
      const missing: { offset: number; length: number }[] = []
      const standing = bytes.map((byte, i) => (open[i] === 1 ? ~byte : byte))
      for (let i = 0; i < open.length; i++) {
        const last = missing[missing.length - 1]
        if (open[i] === 0) continue
        if (last !== undefined && last.offset + last.length === i)
          missing[missing.length - 1] = { offset: last.offset, length: last.length + 1 }
        else missing.push({ offset: i, length: 1 })
      }
      taker.sink.partials.set(content.root, { bytes: standing, marked: new Set() })
      giver.swarm.setThrough(1)
      taker.swarm.addPeers([{ address: giver.address, centre: false }])
      await net.clock.until(
        taker.swarm.download([want(content, missing)], taker.sink, null, never),
        10_000,
      )
      assert.equal(taker.sink.delivered.length, 1)
      const needed = missing.reduce((sum, r) => sum + r.length, 0)
      assert.ok(taker.swarm.progress().bytes.peers <= needed + missing.length * 2048)
      await net.stop()
    }),
    { numRuns: 25 },
  )
})

t.test('marked units are not fetched again', async (t) => {
  const net = new SwarmNet()
  const giver = net.node('giver')
  const taker = net.node('taker')
  const bytes = random.bytes(640_000)
  const content = giver.store.add(bytes)
  const unit = unitBytesOf(content.length)
  taker.sink.partials.set(content.root, {
    bytes: Uint8Array.from(bytes),
    marked: new Set([0, 2, 3, 9]),
  })
  giver.swarm.setThrough(1)
  taker.swarm.addPeers([{ address: giver.address, centre: false }])
  await net.clock.until(taker.swarm.download([want(content)], taker.sink, null, never), 10_000)
  t.equal(taker.swarm.progress().bytes.peers, 640_000 - 3 * unit - (640_000 - 9 * unit))
  await net.stop()
})

t.test(
  'nodes at different snapshots trade what they share, and hear of more while they run',
  async (t) => {
    const net = new SwarmNet()
    const old = net.node('old')
    const late = net.node('late')
    const taker = net.node('taker')
    const both = Array.from({ length: 20 }, () => old.store.add(random.bytes(5000)))
    const fresh = Array.from({ length: 20 }, () => late.store.add(random.bytes(5000)))
    const large = late.store.add(random.bytes(500_000))
    old.swarm.setThrough(4)
    taker.swarm.addPeers([
      { address: old.address, centre: false },
      { address: late.address, centre: false },
    ])
    const download = taker.swarm.download(
      [...both.map((c) => want(c, [], 3)), ...[...fresh, large].map((c) => want(c, [], 5))],
      taker.sink,
      null,
      never,
    )
    await net.clock.advance(5000)
    t.equal(taker.sink.delivered.length, both.length, 'what the old one has')
    late.swarm.offer(fresh.map((content) => content.root))
    await net.clock.advance(3000)
    t.equal(taker.sink.delivered.length, both.length + fresh.length, 'what was offered by hint')
    late.swarm.setThrough(5)
    await net.clock.until(download, 5000)
    t.equal(old.swarm.progress().bytes.sent, 20 * 5000)
    await net.stop()
  },
)

t.test('a unit is offered on before its content is whole', async (t) => {
  const net = new SwarmNet()
  const giver = net.node('giver', { uplinkRate: 200_000 })
  const first = net.node('first')
  const second = net.node('second')
  const content = giver.store.add(random.bytes(3_000_000))
  giver.swarm.setThrough(1)
  first.swarm.addPeers([{ address: giver.address, centre: false }])
  second.swarm.addPeers([{ address: first.address, centre: false }])
  const all = [first, second].map((n) =>
    n.swarm.download([want(content)], n.sink, null, never).then(() => net.clock.monotonic()),
  )
  const [a = 0, b = 0] = await net.clock.until(Promise.all(all), 60_000)
  t.ok(a > 14_000, `${a} ms`)
  t.ok(b - a < 3000, `the second is whole ${b - a} ms after the first`)
  await net.stop()
})

t.test('--bwlimit and --uplink hold', async (t) => {
  for (const [up, down] of [
    [null, 300_000],
    [300_000, null],
  ] as const) {
    const net = new SwarmNet()
    const giver = net.node('giver', { uploadRate: up })
    const taker = net.node('taker', { downloadRate: down })
    const contents = [2_000_000, 500_000, ...Array<number>(100).fill(5000)].map((length) =>
      giver.store.add(random.bytes(length)),
    )
    giver.swarm.setThrough(1)
    taker.swarm.addPeers([{ address: giver.address, centre: false }])
    await net.clock.until(
      taker.swarm.download(
        contents.map((c) => want(c)),
        taker.sink,
        null,
        never,
      ),
      60_000,
    )
    const rate = 3_000_000 / (net.clock.monotonic() / 1000)
    t.ok(rate > 240_000 && rate < 345_000, `${Math.round(rate)} B/s`)
    await net.stop()
  }
})

t.test('20 000 small contents through one peer', async (t) => {
  const net = new SwarmNet(1, 1)
  const giver = net.node('giver')
  const taker = net.node('taker')
  const contents = Array.from({ length: 20_000 }, (_, i) =>
    giver.store.add(Uint8Array.from(Buffer.from(`content ${i}`.repeat(1 + (i % 50))))),
  )
  giver.swarm.setThrough(1)
  taker.swarm.addPeers([{ address: giver.address, centre: false }])
  const started = performance.now()
  const wanted = function* (): Generator<ReturnType<typeof want>> {
    for (const content of contents) yield want(content)
  }
  await net.clock.until(taker.swarm.download(wanted(), taker.sink, null, never), 60_000)
  const took = performance.now() - started
  t.comment(
    `${Math.round(20_000_000 / took)} contents/s of processor, ${net.clock.monotonic()} ms simulated`,
  )
  t.equal(new Set(taker.sink.delivered).size, 20_000)
  // at 2 ms there and back and 128 in flight at least, it is 64 a ms
  t.ok(net.clock.monotonic() < 1500, `${net.clock.monotonic()} ms`)
  await net.stop()
})
