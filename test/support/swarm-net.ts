/** Swarms joined in memory: each node has an address, an uplink and a store; dialling an address makes a peer pair. */
import type { Root } from '../../lib/hash/root.js'
import type { Log } from '../../lib/host.js'
import type { Dial } from '../../lib/swarm/neighbourhood.js'
import type { PeerAddress, PeerEvents } from '../../lib/swarm/peer-port.js'
import { RateLimit } from '../../lib/swarm/rate-limit.js'
import type { SwarmOptions } from '../../lib/swarm/swarm.js'
import { Swarm } from '../../lib/swarm/swarm.js'
import { ManualClock } from './manual-clock.js'
import { MemorySink, MemoryStore } from './memory-store.js'
import { type End, type MemoryPeer, peerPair, Uplink } from './peer-pair.js'
import { seededRandom } from './seeded-random.js'

/** Something that answers at an address: a swarm, or a script. */
export type Answering = (open: (events: PeerEvents) => Promise<MemoryPeer>) => Promise<void>

export type Node = {
  readonly name: string
  readonly address: PeerAddress
  readonly store: MemoryStore
  readonly sink: MemorySink
  readonly swarm: Swarm
  readonly uplink: Uplink
  readonly events: { event: string; fields: Readonly<Record<string, unknown>> }[]
  readonly stop: () => Promise<void>
}

export class SwarmNet {
  readonly clock = new ManualClock()
  readonly latencyMs: number
  readonly #seed: number
  readonly #answering = new Map<number, { readonly end: End; readonly answer: Answering }>()
  readonly #stops: (() => Promise<void>)[] = []
  #nextPort = 1

  constructor(seed = 1, latencyMs = 5) {
    this.#seed = seed
    this.latencyMs = latencyMs
  }

  /** A place in the net for what answers there. */
  end(uplink = new Uplink(this.clock), maxRequestBytes = 65536): End {
    const port = this.#nextPort++
    const address = { host: '127.0.0.1', port }
    const id = `-PS0001-${String(port).padStart(12, '0')}`
    return { id, address, listens: address, uplink, maxRequestBytes }
  }
  listen(end: End, answer: Answering): void {
    this.#answering.set(end.address.port, { end, answer })
  }
  mute(address: PeerAddress): void {
    this.#answering.delete(address.port)
  }

  dialFrom(own: End): Dial {
    return async (address, events, signal) => {
      await this.clock.sleep(this.latencyMs, signal)
      const target = this.#answering.get(address.port)
      if (target === undefined) throw new Error('connection refused')
      let dialled: MemoryPeer | null = null
      const answered = target.answer((theirs) => {
        const [left, right] = peerPair(
          this.clock,
          this.latencyMs,
          { ...own, events },
          { ...target.end, events: theirs },
        )
        dialled = left
        return Promise.resolve(right)
      })
      if (dialled === null) throw new Error('connection refused')
      await answered
      return dialled
    }
  }

  node(
    name: string,
    options: Partial<SwarmOptions> & {
      uplinkRate?: number
      maxRequestBytes?: number
      /** Bytes per second. */
      uploadRate?: number | null
      downloadRate?: number | null
    } = {},
  ): Node {
    const { uplinkRate, maxRequestBytes, uploadRate, downloadRate, ...rest } = options
    const uplink = new Uplink(this.clock, uplinkRate)
    const end = this.end(uplink, maxRequestBytes)
    const store = new MemoryStore()
    const events: Node['events'] = []
    const log: Log = (event, fields = {}) => events.push({ event, fields })
    const swarm = new Swarm({
      role: 'node',
      id: end.id,
      store,
      clock: this.clock,
      random: seededRandom(this.#seed * 1000 + end.address.port),
      log,
      upload: new RateLimit(uploadRate ?? null, this.clock.monotonic()),
      download: new RateLimit(downloadRate ?? null, this.clock.monotonic()),
      dial: this.dialFrom(end),
      ...rest,
    })
    const sink = new MemorySink(store, (root: Root) => swarm.offer([root]))
    this.listen(end, (open) => swarm.attach(open))
    const scope = new AbortController()
    const running = swarm.run(scope.signal).catch(() => undefined)
    const stop = async (): Promise<void> => {
      this.mute(end.address)
      scope.abort(new Error('stopped'))
      await running
    }
    this.#stops.push(stop)
    return { name, address: end.address, store, sink, swarm, uplink, events, stop }
  }

  async stop(): Promise<void> {
    const stopping = Promise.all(this.#stops.map((stop) => stop()))
    await this.clock.until(stopping, 60_000)
  }
}
