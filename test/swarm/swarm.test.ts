import t from 'tap'
import { seededRandom } from '../support/seeded-random.js'
import { SwarmNet } from '../support/swarm-net.js'

const never = new AbortController().signal
const random = seededRandom(7)

t.test('a node fetches small and large contents from one peer', async (t) => {
  const net = new SwarmNet()
  const giver = net.node('giver')
  const taker = net.node('taker')
  const lengths = [1, 100, 16384, 16385, 65536, 65537, 200_000, 9_000_000]
  const wanted = lengths.map((length) => ({
    content: giver.store.add(random.bytes(length)),
    since: 1,
    missing: [],
  }))
  giver.swarm.setThrough(1)
  taker.swarm.addPeers([{ address: giver.address, centre: false }])
  await net.clock.until(taker.swarm.download(wanted, taker.sink, null, never), 60_000)
  t.equal(taker.sink.delivered.length, lengths.length)
  const { bytes } = taker.swarm.progress()
  const total = lengths.reduce((a, b) => a + b)
  t.equal(bytes.peers, total)
  t.equal(bytes.wasted, 0)
  await net.stop()
})
t.test('a node fetches from the centre what it is granted', async (t) => {
  const net = new SwarmNet()
  const centre = net.node('centre', { role: 'centre' })
  const taker = net.node('taker')
  const lengths = [5, 70_000, 3_000_000, ...Array.from({ length: 300 }, (_, i) => 1000 + i)]
  const wanted = lengths.map((length) => ({
    content: centre.store.add(random.bytes(length)),
    since: 1,
    missing: [],
  }))
  taker.swarm.addPeers([{ address: centre.address, centre: true }])
  await net.clock.until(taker.swarm.download(wanted, taker.sink, null, never), 60_000)
  t.equal(taker.sink.delivered.length, lengths.length)
  t.equal(
    taker.swarm.progress().bytes.centreWire,
    lengths.reduce((a, b) => a + b),
  )
  await net.stop()
})
