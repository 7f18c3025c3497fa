/** A node's part in the swarm while it pulls, and for as long after as others need it. */
import { hexOf, latin1Of } from '../base/bytes.js'
import { SocketError } from '../base/errors.js'
import { together } from '../base/together.js'
import { makePeerId } from '../bt/peer-id.js'
import type { Clock, ContentStore, Log } from '../host.js'
import type { HttpClient } from '../io/http-client.js'
import { type Head, swarmInfoHash } from '../snapshot/head.js'
import { RateLimit } from '../swarm/rate-limit.js'
import { Swarm } from '../swarm/swarm.js'
import type { Centre, CentreUrl } from './centre.js'
import { type ControlChannelParts, keepControl } from './control-channel.js'
import type { PullConfig } from './pull-report.js'
import { askTracker, WirePort, wireAddress } from './swarm-node.js'
import { systemRandom } from './system.js'

/** Nobody was interested for so long: nobody needs us. */
const UNNEEDED_MS = 3000
const LOOK_MS = 250
/** A tree that nothing is published for may still be changed by others. */
const LOOK_AGAIN_MS = 3600_000

export type NodeSwarmParts = {
  readonly config: PullConfig
  readonly url: CentreUrl
  readonly centre: Centre
  readonly client: HttpClient
  readonly head: Head
  readonly contents: ContentStore
  /** What may come, over the wire or not. */
  readonly download: RateLimit
  /** What may go; null: as configured. */
  readonly upload: RateLimit | null
  readonly clock: Clock
  readonly log: Log
}

/** Runs `work` with a swarm around it, which ends when the work does; without peers it is one of a single node. */
export async function withSwarm(
  parts: NodeSwarmParts,
  signal: AbortSignal,
  work: (swarm: Swarm, signal: AbortSignal, isOutdated: () => boolean) => Promise<void>,
): Promise<void> {
  const { config, clock, log, client, url, head } = parts
  const over = new AbortController()
  const alive = AbortSignal.any([signal, over.signal])
  const at = config.peerListen
  const wire = at === null ? null : await WirePort.listen(at, clock, systemRandom, log, alive)
  const infoHash = swarmInfoHash(head)
  const swarm = openSwarm(parts, wire, infoHash)
  wire?.register(infoHash, swarm)
  const centre = wireAddress(url.origin, parts.centre.wirePort)
  if (wire !== null && centre !== null) swarm.addPeers([{ address: centre, centre: true }])
  const tracker = { client, origin: url.origin, infoHash, clock, log }
  let isWorking = true
  let newest = head.sequence
  const background =
    (task: (inner: AbortSignal) => Promise<void>) => async (inner: AbortSignal) => {
      const stop = AbortSignal.any([inner, over.signal])
      await task(stop).catch((error: unknown) => {
        if (!stop.aborted) throw error
      })
    }
  try {
    await together(
      signal,
      async (inner) => {
        try {
          await work(swarm, inner, () => newest > head.sequence)
        } finally {
          isWorking = false
          over.abort()
        }
      },
      background((inner) => swarm.run(inner)),
      background(async (inner) => {
        if (wire !== null) await askTracker(swarm, wire, tracker, () => (isWorking ? 1 : 0), inner)
      }),
      background(async (inner) => {
        if (wire === null) return
        const node = { swarm, wire, isWorking: () => isWorking }
        const onHead = (sequence: number): void => {
          newest = Math.max(newest, sequence)
        }
        await keepControl(nodeControl(parts, node, onHead), inner)
      }),
    )
  } finally {
    over.abort()
    await wire?.close()
  }
}

/** @param wire null: without peers */
function openSwarm(
  { config, contents, upload, download, clock, log }: NodeSwarmParts,
  wire: WirePort | null,
  infoHash: Uint8Array,
): Swarm {
  return new Swarm({
    role: 'node',
    id: latin1Of(wire?.id ?? makePeerId(systemRandom.bytes(12))),
    store: contents,
    clock,
    random: systemRandom,
    log,
    upload: upload ?? new RateLimit(config.uploadRate, clock.monotonic()),
    download,
    dial: wire?.dialer(infoHash) ?? noPeers,
  })
}

/** What a node says and hears on its control channel. */
function nodeControl(
  { url, client, clock, log }: NodeSwarmParts,
  node: { swarm: Swarm; wire: WirePort; isWorking: () => boolean },
  onHead: (sequence: number) => void,
): ControlChannelParts {
  const { swarm, wire } = node
  return {
    origin: url.origin,
    client,
    clock,
    log,
    random: systemRandom,
    hello: () => ({
      type: 'hello',
      module: url.module,
      id: hexOf(wire.id),
      port: wire.port,
      through: swarm.through,
    }),
    report: () => {
      const { bytes, perPeer } = swarm.progress()
      return {
        type: 'report',
        through: swarm.through,
        received: bytes.peers + bytes.centreWire + bytes.centreHttp,
        sent: bytes.sent,
        receiveRate: perPeer.reduce((sum, peer) => sum + peer.receiveRate, 0),
        sendRate: perPeer.reduce((sum, peer) => sum + peer.sendRate, 0),
        busy: node.isWorking(),
      }
    },
    onPeers: (peers) => swarm.addPeers(peers.map((address) => ({ address, centre: false }))),
    onHead: (sequence) => {
      log('control.head', { sequence })
      onHead(sequence)
    },
  }
}

function noPeers(): Promise<never> {
  return Promise.reject(new SocketError('no connections to other nodes'))
}

/** Goes on giving, at most so long, and only while somebody takes. */
export async function linger(
  swarm: Swarm,
  ms: number,
  clock: Clock,
  signal: AbortSignal,
  /** There is a newer snapshot: then not a moment longer than needed. */
  isOutdated: () => boolean = () => false,
): Promise<void> {
  const end = clock.monotonic() + ms
  let neededAt = clock.monotonic()
  for (let now = neededAt; now < end && now - neededAt < UNNEEDED_MS; now = clock.monotonic()) {
    await clock.sleep(LOOK_MS, signal)
    if (swarm.needed()) neededAt = clock.monotonic()
    else if (isOutdated()) return
  }
}

/** Goes on giving until there is a newer snapshot, or it is time to look whether somebody changed the tree. */
export async function untilOutdated(
  clock: Clock,
  signal: AbortSignal,
  isOutdated: () => boolean,
): Promise<void> {
  const end = clock.monotonic() + LOOK_AGAIN_MS
  while (!isOutdated() && clock.monotonic() < end) await clock.sleep(LOOK_MS, signal)
}
