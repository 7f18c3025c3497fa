/** A module's swarm over real sockets: connections in and out, and the tracker asked for peers. */

import { latin1Of } from '../base/bytes.js'
import { messageOf, PrsyncError, SocketError } from '../base/errors.js'
import { mayEnter } from '../base/fair-places.js'
import { LIMITS } from '../base/limits.js'
import { type AnnounceEvent, decodeAnnounceAnswer, formatAnnounce } from '../bt/announce.js'
import { hostOf } from '../bt/compact-peers.js'
import { makePeerId } from '../bt/peer-id.js'
import type { Clock, Log, Random } from '../host.js'
import type { HttpClient } from '../io/http-client.js'
import { connectTcp, expectListeners, listenTcp, type TcpAddress, type TcpLink } from '../io/tcp.js'
import type { Dial } from '../swarm/neighbourhood.js'
import { type Opening, type OpenPeer, openPeer, type Topic } from '../swarm/peer.js'
import type { Peer, PeerAddress, PeerEvents } from '../swarm/peer-port.js'
import type { Swarm } from '../swarm/swarm.js'

const CONNECT_MS = 5000
/** A node that fetches asks again so often: peers join in the same minute, not in the tracker's quarter of an hour. */
const ASK_MS = 15_000
const ANSWER_BYTES = 64 * 1024

/** One port for the wires of all modules: a connection says by its info-hash which swarm it is for. */
export class WirePort {
  readonly port: number
  /** Our 20-byte peer id. */
  readonly id: Uint8Array
  readonly #clock: Clock
  readonly #log: Log
  /** Who answers for an info-hash that is no module's; null: nobody. */
  otherwise: (infoHash: string) => Topic | null = () => null
  readonly #swarms: Map<string, Swarm>
  readonly #open: Set<Promise<void>>
  readonly #close: () => Promise<void>
  /** Connections that others opened, of all and by address. */
  #accepted = 0
  readonly #from = new Map<string, number>()

  private constructor(parts: {
    listener: { readonly local: TcpAddress; close(): Promise<void> }
    id: Uint8Array
    clock: Clock
    log: Log
    swarms: Map<string, Swarm>
    open: Set<Promise<void>>
  }) {
    this.port = parts.listener.local.port
    this.id = parts.id
    this.#clock = parts.clock
    this.#log = parts.log
    this.#swarms = parts.swarms
    this.#open = parts.open
    this.#close = () => parts.listener.close()
  }

  /** @throws {StartupError} where the port cannot be had. */
  static async listen(
    at: TcpAddress,
    clock: Clock,
    random: Random,
    log: Log,
    signal: AbortSignal,
  ): Promise<WirePort> {
    expectListeners(signal)
    let wire: WirePort | null = null
    const listener = await listenTcp(at, LIMITS.wireConnections, (link) => {
      if (wire !== null) wire.#accept(link, signal)
    })
    const id = makePeerId(random.bytes(12))
    wire = new WirePort({ listener, id, clock, log, swarms: new Map(), open: new Set() })
    return wire
  }

  /** From now on connections for this info-hash (20 bytes) are the swarm's. */
  register(infoHash: Uint8Array, swarm: Swarm): void {
    this.#swarms.set(latin1Of(infoHash), swarm)
  }

  /** How the swarm of an info-hash opens connections. */
  dialer(infoHash: Uint8Array): Dial {
    return async (address, events, signal) => {
      const link = await connectTcp(address, CONNECT_MS, signal)
      const topic = { kind: 'repository', attach: () => events } as const
      const { peer } = await this.#opened(link, { kind: 'call', infoHash, topic }, address, signal)
      return peer
    }
  }

  /** Takes no more connections; settles when those there were have ended, which their signal brings about. */
  async close(): Promise<void> {
    await this.#close()
    await Promise.all(this.#open)
  }

  #accept(link: TcpLink, signal: AbortSignal): void {
    const { host } = link.remote
    const same = this.#from.get(host) ?? 0
    if (!mayEnter(same, this.#accepted, LIMITS.wireConnections)) {
      void link.close()
      return
    }
    this.#accepted++
    this.#from.set(host, same + 1)
    this.#answer(link, signal)
      .catch((error: unknown) => this.#log('swarm.refused', { what: messageOf(error) }))
      .finally(() => this.#left(host))
  }
  #left(host: string): void {
    this.#accepted--
    const same = (this.#from.get(host) ?? 1) - 1
    if (same > 0) this.#from.set(host, same)
    else this.#from.delete(host)
  }

  /** Settles with the end of the connection. */
  async #answer(link: TcpLink, signal: AbortSignal): Promise<void> {
    const accepts = (hash: string): Topic | null => {
      const swarm = this.#swarms.get(hash)
      if (swarm === undefined) return this.otherwise(hash)
      return { kind: 'repository', attach: (peer) => attachNow(swarm, peer, this.#log) }
    }
    const { finished } = await this.#opened(link, { kind: 'answer', accepts }, link.remote, signal)
    await finished
  }

  async #opened(
    link: TcpLink,
    opening: Opening,
    remote: PeerAddress,
    signal: AbortSignal,
  ): Promise<OpenPeer> {
    const options = { peerId: this.id, remote, listenPort: this.port, clock: this.#clock }
    const { peer, finished } = await openPeer(link, opening, options, signal)
    const gone = finished.finally(() => this.#open.delete(gone))
    this.#open.add(gone)
    return { peer, finished }
  }
}

/** The swarm gives a peer's events before it takes the peer; both happen here at once. */
function attachNow(swarm: Swarm, peer: Peer, log: Log): PeerEvents {
  let given: PeerEvents | null = null
  swarm
    .attach((events) => {
      given = events
      return Promise.resolve(peer)
    })
    .catch((error: unknown) => log('swarm.refused', { what: messageOf(error) }))
  if (given === null) throw new TypeError('the swarm asks for its peer at once')
  return given
}

export type TrackerParts = {
  readonly client: HttpClient
  /** `http://centre:8730` */
  readonly origin: string
  readonly infoHash: Uint8Array
  readonly clock: Clock
  readonly log: Log
}

/** Announces until the signal and adds the peers it hears of. A tracker that is lost is asked again; work goes on without it. */
export async function askTracker(
  swarm: Swarm,
  wire: WirePort,
  tracker: TrackerParts,
  left: () => number,
  signal: AbortSignal,
): Promise<void> {
  let event: AnnounceEvent = 'started'
  while (!signal.aborted) {
    try {
      await announce(swarm, wire, tracker, left(), event, signal)
      event = 'update'
    } catch (error) {
      if (signal.aborted) break
      if (!(error instanceof PrsyncError)) throw error
      tracker.log('tracker.failed', { what: error.message })
    }
    await tracker.clock.sleep(ASK_MS, signal).catch(() => {}) // the loop's condition says why
  }
  // A word of farewell, so that others are not sent here; it may fail, then silence says it.
  const brief = AbortSignal.timeout(1000)
  await announce(swarm, wire, tracker, left(), 'stopped', brief).catch((error: unknown) =>
    tracker.log('tracker.failed', { what: messageOf(error) }),
  )
}

async function announce(
  swarm: Swarm,
  wire: WirePort,
  { client, origin, infoHash }: TrackerParts,
  left: number,
  event: AnnounceEvent,
  signal: AbortSignal,
): Promise<void> {
  const query = formatAnnounce({
    infoHash: latin1Of(infoHash),
    peerId: latin1Of(wire.id),
    port: wire.port,
    uploaded: 0,
    downloaded: 0,
    left,
    event,
    wanted: null,
    compact: true,
  })
  const bytes = await client.fetch(new URL(`${origin}/announce?${query}`), {}, ANSWER_BYTES, signal)
  const { peers } = decodeAnnounceAnswer(bytes)
  if (event !== 'stopped')
    swarm.addPeers(
      peers.map(({ address, port }) => ({
        address: { host: hostOf(address), port },
        centre: false,
      })),
    )
}

/** The address of a centre's wire, from its URL and the port it told. @throws {SocketError} */
export function wireAddress(origin: string, port: string | undefined): PeerAddress | null {
  if (port === undefined || !/^\d{1,5}$/.test(port)) return null
  const { hostname } = new URL(origin)
  if (hostname === '') throw new SocketError(`${origin} names no host`)
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) }
}
