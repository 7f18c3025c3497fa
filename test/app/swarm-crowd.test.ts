/** Bad days of a swarm over real sockets: peers that lie, a centre that goes, a peer that is killed. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { parseCentreUrl } from '../../lib/app/centre.js'
import { pull } from '../../lib/app/pull.js'
import type { PullReport } from '../../lib/app/pull-report.js'
import { WirePort } from '../../lib/app/swarm-node.js'
import { systemClock, systemRandom } from '../../lib/app/system.js'
import { latin1Of } from '../../lib/base/bytes.js'
import { EXIT } from '../../lib/base/errors.js'
import { LIMITS } from '../../lib/base/limits.js'
import type { ContentId, Root } from '../../lib/hash/root.js'
import type { ContentStore, Holding } from '../../lib/host.js'
import { RateLimit } from '../../lib/swarm/rate-limit.js'
import { Swarm } from '../../lib/swarm/swarm.js'
import { NO_EVENTS, pullConfig, pullFrom, startCentre } from '../support/centre.js'
import { MemorySink, MemoryStore } from '../support/memory-store.js'
import { PROGRAM } from '../support/program.js'
import { seededRandom } from '../support/seeded-random.js'
import { differences } from '../support/trees.js'

const random = seededRandom(31)
const LOCAL = { host: '127.0.0.1', port: 0 }
const INFO_HASH = new Uint8Array(20).fill(7)

type Member = { readonly swarm: Swarm; readonly wire: WirePort; readonly store: ContentStore }

/** A node on a port of its own, until the test is over. */
async function member(t: Test, role: 'centre' | 'node', store: ContentStore): Promise<Member> {
  const stop = new AbortController()
  const wire = await WirePort.listen(LOCAL, systemClock, systemRandom, () => {}, stop.signal)
  const swarm = new Swarm({
    role,
    id: latin1Of(wire.id),
    store,
    clock: systemClock,
    random: systemRandom,
    log: () => {},
    upload: new RateLimit(null, 0),
    download: new RateLimit(null, 0),
    dial: wire.dialer(INFO_HASH),
  })
  wire.register(INFO_HASH, swarm)
  const running = swarm.run(stop.signal).catch(() => {}) // it ends when it is told to
  t.teardown(async () => {
    stop.abort(new Error('the test is over'))
    await running
    await wire.close()
  })
  return { swarm, wire, store }
}

/** Gives what another store has, after `spoil` had its way with it. */
function lying(
  all: MemoryStore,
  spoil: (bytes: Uint8Array, count: number) => Uint8Array,
): ContentStore & { spoilt: number } {
  let count = 0
  const store = {
    spoilt: 0,
    find(root: Root): Holding | null {
      const holding = all.find(root)
      if (holding === null) return null
      const read = async (offset: number, length: number): Promise<Uint8Array> => {
        const bytes = await holding.read(offset, length)
        const given = spoil(bytes, ++count)
        if (given !== bytes) store.spoilt++
        return given
      }
      return { ...holding, read }
    },
  }
  return store
}
function flipped(bytes: Uint8Array): Uint8Array {
  const out = Uint8Array.from(bytes)
  out[out.length >> 1] = (out[out.length >> 1] ?? 0) ^ 0x20
  return out
}

t.test(
  'ten nodes and a centre, three of the nodes hostile: all is right, and no other is banned',
  async (t) => {
    const all = new MemoryStore()
    const contents: ContentId[] = []
    for (let i = 0; i < 300; i++) contents.push(all.add(random.bytes(500 + random.below(8000))))
    for (const length of [70_000, 1_000_000, 2_500_000])
      contents.push(all.add(random.bytes(length)))
    const centre = await member(t, 'centre', all)
    const always = lying(all, flipped)
    const sometimes = lying(all, (bytes, count) => (count % 5 === 0 ? flipped(bytes) : bytes))
    const nothing: ContentStore = { find: () => null }
    const hostile: Member[] = []
    for (const store of [always, sometimes, nothing]) {
      const one = await member(t, 'node', store)
      one.swarm.setThrough(1000) // they say that they have everything
      hostile.push(one)
    }
    const honest: (Member & { readonly store: MemoryStore; readonly sink: MemorySink })[] = []
    for (let i = 0; i < 7; i++) {
      const store = new MemoryStore()
      const one = await member(t, 'node', store)
      honest.push({ ...one, store, sink: new MemorySink(store, (root) => one.swarm.offer([root])) })
    }
    const addresses = [...hostile, ...honest].map(({ wire }) => ({
      address: { host: '127.0.0.1', port: wire.port },
      centre: false,
    }))
    const { signal } = new AbortController()
    await Promise.all(
      honest.map(({ swarm, sink }, i) => {
        const wanted = contents.map((content) => ({ content, since: 1, missing: [] }))
        const fetched = swarm.download(wanted, sink, null, signal)
        swarm.addPeers([
          { address: { host: '127.0.0.1', port: centre.wire.port }, centre: true },
          ...addresses.filter((_, k) => k !== i + hostile.length),
        ])
        return fetched
      }),
    )
    const liars = [always, sometimes]
    const liarIds = hostile.slice(0, 2).map(({ wire }) => latin1Of(wire.id))
    let bans = 0
    for (const { swarm, sink } of honest) {
      // the sink checks every root
      t.equal(sink.delivered.length, contents.length)
      for (const ban of swarm.progress().bans) {
        t.ok(liarIds.includes(ban.id), `banned with evidence: ${ban.evidence}`)
        t.match(ban.evidence, /wrong/)
        bans++
      }
    }
    t.ok(bans >= 2, `${bans} bans`)
    // what was spoilt was asked for by somebody, and whoever got it banned the liar at once
    for (const liar of liars) t.ok(liar.spoilt > 0)
  },
)

/** Runs a pull and says what it reports on the way. */
async function watched(
  url: string,
  destination: string,
  rate: number,
  onBytes: (report: PullReport) => void,
): Promise<PullReport> {
  const config = {
    ...pullConfig(url, destination),
    url: parseCentreUrl(url),
    peerListen: LOCAL,
    downloadRate: rate,
  }
  const host = { clock: systemClock, log: () => {}, userAgent: 'prsync/test' }
  const events = { ...NO_EVENTS, progress: (report: PullReport) => onBytes(report) }
  const { report } = await pull(config, events, host, new AbortController().signal)
  return report
}

function makeSource(home: string): string {
  const source = join(home, 'source')
  mkdirSync(join(source, 'd'), { recursive: true })
  for (let i = 0; i < 50; i++) writeFileSync(join(source, 'd', `f${i}`), random.bytes(3000))
  writeFileSync(join(source, 'large'), random.bytes(3_000_000))
  return source
}

/** Settles when a pull that somebody else runs has brought all, and the centre tells others of it. */
function untilSeeding(t: Test, url: string, source: string, destination: string): Promise<void> {
  return new Promise((resolve) => {
    const look = async (): Promise<void> => {
      if (!existsSync(destination) || differences(source, destination).length > 0) return
      const status = await fetch(`${url}/.~prsync~/status`)
      const { swarm } = (await status.json()) as { swarm: { seeds: number; leeches: number } }
      if (swarm.seeds + swarm.leeches === 0) return
      clearInterval(ticks)
      resolve()
    }
    const ticks = setInterval(() => void look(), 50)
    t.teardown(() => clearInterval(ticks))
  })
}

t.test('the centre goes with its tracker, a peer stays: the pull ends right', async (t) => {
  const home = t.testdir({ state: {} })
  const source = makeSource(home)
  const centre = await startCentre(source, join(home, 'state'))
  const stopped: Promise<void>[] = []
  t.teardown(() => Promise.all(stopped))
  const giver = pullFrom(centre.url, join(home, 'giver'), { peerListen: LOCAL, lingerMs: 60_000 })
  await untilSeeding(t, centre.url, source, join(home, 'giver'))
  let isGone = false
  const go = (report: PullReport): void => {
    if (isGone || report.bytes.peers < 200_000) return
    isGone = true
    stopped.push(centre.stop())
  }
  const { exit, bytes } = await watched(centre.url, join(home, 'taker'), 1_500_000, go)
  t.equal(exit, EXIT.ok)
  t.ok(isGone, 'while it was at it')
  t.strictSame(differences(source, join(home, 'taker')), [])
  t.ok(bytes.peers > 1_000_000, `${bytes.peers} bytes from the peer`)
  t.equal((await giver).exit, EXIT.ok)
})

t.test('a peer is killed in the middle of a unit: the rest comes from the centre', async (t) => {
  const home = t.testdir({ state: {} })
  const source = makeSource(home)
  const centre = await startCentre(source, join(home, 'state'))
  t.teardown(() => centre.stop())
  const args = ['pull', centre.url, join(home, 'giver'), '--peer-listen', '127.0.0.1:0']
  const giver = spawn(process.execPath, [PROGRAM, ...args, '--linger', '60s', '-v'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  t.teardown(() => giver.kill('SIGKILL'))
  await untilSeeding(t, centre.url, source, join(home, 'giver'))
  let isKilled = false
  const kill = (report: PullReport): void => {
    if (isKilled || report.bytes.peers < 200_000) return
    isKilled = giver.kill('SIGKILL')
  }
  const { exit, bytes } = await watched(centre.url, join(home, 'taker'), 1_500_000, kill)
  t.equal(exit, EXIT.ok)
  t.ok(isKilled, 'while it gave')
  t.strictSame(differences(source, join(home, 'taker')), [])
  t.ok(bytes.peers >= 200_000 && bytes.centre > 0, `${bytes.peers} and ${bytes.centre} bytes`)
  t.equal(bytes.peers + bytes.centre, bytes.wanted, 'nothing counts twice')
})

t.test('one address with many connections does not lock the others out', async (t) => {
  const { wire } = await member(t, 'node', new MemoryStore())
  const sockets: Socket[] = []
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
  })
  const open = async (localAddress: string): Promise<Socket> => {
    const socket = connect({ host: '127.0.0.1', port: wire.port, localAddress })
    socket.on('error', () => {})
    sockets.push(socket)
    await once(socket, 'connect')
    return socket
  }
  const greedy = await Promise.all(
    Array.from({ length: LIMITS.wireConnections }, () => open('127.0.0.1')),
  )
  const refused = greedy.slice(LIMITS.wireConnections / 2)
  await Promise.all(refused.map((socket) => socket.closed || once(socket.resume(), 'close')))
  const other = await open('127.0.0.2')
  const handshake = Buffer.concat([
    Buffer.from([19]),
    Buffer.from('BitTorrent protocol'),
    Buffer.from([0, 0, 0, 0, 0, 0x10, 0, 0x04]),
    INFO_HASH,
    random.bytes(20),
  ])
  other.write(handshake)
  const [answer] = (await once(other, 'data')) as [Buffer]
  t.equal(answer.toString('latin1', 1, 20), 'BitTorrent protocol')
})
