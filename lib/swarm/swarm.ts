/**
 * One module's swarm as one node takes part in it: connections in, contents out and in. docs/architecture.md, the swarm.
 * What to decide is in picker, choker, seeding and peers; what to do in download and upload; who is connected in neighbourhood;
 * here they meet, and the clock.
 */
import type { Root } from '../hash/root.js'
import type { Clock, ContentSink, ContentStore, Log, Random } from '../host.js'
import { USUAL_SLOTS } from './choker.js'
import { Download } from './download.js'
import type { Fallback, FallbackUse } from './fallback-lane.js'
import { boundedHave, Holders } from './holders.js'
import type { Neighbour, Wanted } from './item.js'
import { type Dial, Neighbourhood, type WithNeighbour } from './neighbourhood.js'
import { Offers } from './offers.js'
import type { Have, Peer, PeerAddress, PeerEvents, RootHint } from './peer-port.js'
import { type Progress, progressOf } from './progress.js'
import type { RateLimit } from './rate-limit.js'
import { SeedingDesk } from './seeding-desk.js'
import { Serving } from './serving.js'
import { newTally } from './tally.js'
import { HINTS, Telling } from './telling.js'
import { Upload } from './upload.js'

const TICK_MS = 100
const HAVE_MS = 500

export type SwarmOptions = {
  /** The centre gives by grants and fetches nothing. */
  readonly role: 'centre' | 'node'
  /** Our 20-byte peer id, one char per byte. */
  readonly id: string
  readonly store: ContentStore
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** May be shared with what else uses the line. */
  readonly upload: RateLimit
  readonly download: RateLimit
  /** Nodes given to at a time, 4 … 10. */
  readonly uploadSlots?: number
  readonly dial: Dial
  /** The centre's: the first sequence a content was live in, so that it knows who has it. */
  readonly sinceOf?: (root: Root) => number | null
}

export class Swarm {
  readonly #clock: Clock
  readonly #neighbourhood: Neighbourhood
  readonly #neighbours: ReadonlyMap<string, Neighbour>
  readonly #holders = new Holders()
  readonly #offers = new Offers()
  readonly #tally = newTally()
  readonly #upload: Upload
  readonly #download: Download
  readonly #seeding: SeedingDesk | null
  readonly #serving: Serving
  /** The centre says what it has by grants alone. */
  readonly #telling: Telling | null
  #haveAtMs = 0

  constructor(options: SwarmOptions) {
    this.#clock = options.clock
    const { id, dial, clock, random, log, store } = options
    this.#neighbourhood = new Neighbourhood({
      ...{ id, dial, clock, random, log },
      heard: (with_) => this.#heard(with_),
      joined: (neighbour) => this.#joined(neighbour),
      left: (neighbour) => this.#left(neighbour),
      freed: (now) => this.#serving.fill(now),
    })
    this.#neighbours = this.#neighbourhood.all
    this.#seeding =
      options.role === 'centre'
        ? new SeedingDesk(this.#holders, clock, options.sinceOf ?? (() => null))
        : null
    this.#upload = new Upload({
      store,
      onTheWay: (root) => this.#download.onTheWay(root),
      clock,
      log,
      limit: options.upload,
      events: {
        sent: (neighbour, content, offset, length) => {
          this.#tally.sent += length
          this.#seeding?.sent(neighbour, content, offset, length)
        },
        refused: (neighbour, content, offset) => this.#seeding?.refused(neighbour, content, offset),
      },
    })
    this.#telling = options.role === 'centre' ? null : new Telling(this.#offers, this.#holders)
    this.#serving = new Serving({
      clock,
      random,
      neighbours: this.#neighbours,
      slots: options.uploadSlots ?? USUAL_SLOTS,
      heldBy: (neighbour) => this.#holders.countOf(neighbour.slot),
      upload: this.#upload,
      seeding: this.#seeding,
    })
    this.#download = new Download({
      clock,
      random,
      log,
      limit: options.download,
      holders: this.#holders,
      tally: this.#tally,
      neighbours: () => this.#neighbours.values(),
      isHopeful: () => this.#neighbourhood.isHopeful,
      ban: (neighbour, evidence) => this.#neighbourhood.ban(neighbour, evidence),
      offerUnit: (content, unit) => this.#offers.unit(content, unit),
    })
  }

  /** Nodes to connect to as far as there is room; of the centre we keep trying. */
  addPeers(
    addresses: readonly { readonly address: PeerAddress; readonly centre: boolean }[],
  ): void {
    this.#neighbourhood.add(addresses)
  }

  /**
   * A connection that somebody opened to us: `open` shakes hands and gives the peer, whose events go where they belong.
   * Settles when it is part of the swarm, or was refused and closed.
   */
  async attach(open: (events: PeerEvents) => Promise<Peer>): Promise<void> {
    await this.#neighbourhood.connect(open, null)
  }

  get through(): number | null {
    return this.#offers.through
  }
  /** The sequence we are complete through: what was offered before is said by it now. */
  setThrough(sequence: number | null): void {
    this.#offers.complete(sequence)
    for (const neighbour of this.#neighbours.values()) neighbour.offerCursor = 0
  }
  /** Contents that became whole here: `store` finds them. Told within a second. */
  offer(roots: Iterable<Root>): void {
    for (const root of roots) this.#offers.whole(root.slice(0, 8))
  }
  /** Contents that are gone here. */
  drop(roots: readonly Root[]): void {
    const hints = roots.map((root): RootHint => root.slice(0, 8))
    for (const hint of hints) this.#offers.drop(hint)
    for (let i = 0; i < hints.length; i += HINTS)
      for (const neighbour of this.#neighbours.values())
        neighbour.peer.drop(hints.slice(i, i + HINTS))
  }

  /**
   * Fetches all of it into the sink: from peers, and by the fallback when they give nothing for 10 s or there are none;
   * or beside them.
   * `run` must be running. A second download waits for the first.
   * @throws what the sink threw, what the fallback failed with for good, or `signal.reason`.
   */
  download(
    wanted: Iterable<Wanted>,
    sink: ContentSink,
    fallback: Fallback | null,
    signal: AbortSignal,
    use: FallbackUse = 'last',
  ): Promise<void> {
    return this.#download.run(wanted, sink, fallback, use, signal)
  }

  /** Does a connected node want something we have? For `--linger`. */
  needed(): boolean {
    for (const neighbour of this.#neighbours.values()) if (neighbour.isInterested) return true
    return false
  }

  /** Is there somebody but the centre to fetch from? */
  get hasPeers(): boolean {
    for (const neighbour of this.#neighbours.values()) if (!neighbour.isCentre) return true
    return false
  }

  progress(): Progress {
    const repeats = this.#seeding?.repeats ?? 0
    const neighbours = [...this.#neighbours.values()]
    return progressOf(
      neighbours,
      this.#tally,
      repeats,
      this.#neighbourhood.bans,
      this.#clock.monotonic(),
    )
  }

  /** The life of it: until `signal`, then all connections are closed and all dials have ended. */
  async run(signal: AbortSignal): Promise<void> {
    this.#neighbourhood.open(signal)
    try {
      for (;;) {
        this.#tick(this.#clock.monotonic())
        await this.#clock.sleep(TICK_MS, signal)
      }
    } finally {
      this.#upload.stop()
      await this.#neighbourhood.close(signal.reason)
    }
  }

  #tick(now: number): void {
    this.#neighbourhood.dialDue(now)
    this.#download.tick(now)
    for (const neighbour of this.#neighbours.values()) this.#tellInterest(neighbour)
    if (now - this.#haveAtMs >= HAVE_MS) {
      this.#haveAtMs = now
      const parts = this.#offers.takeUnits()
      for (const neighbour of this.#neighbours.values()) this.#telling?.tell(neighbour, parts)
      this.#seeding?.review(this.#neighbours.values())
    }
    this.#serving.tick(now)
  }

  // Who comes and goes.

  #joined(neighbour: Neighbour): void {
    this.#holders.join(neighbour.slot)
    this.#upload.join(neighbour)
    this.#telling?.tell(neighbour, this.#download.unitsHere())
    this.#download.join(neighbour)
    this.#tellInterest(neighbour)
  }
  #left(neighbour: Neighbour): void {
    this.#upload.leave(neighbour)
    this.#download.leave(neighbour)
    this.#holders.leave(neighbour.slot)
    this.#seeding?.leave(neighbour)
  }

  // What is told and heard.

  #heard(with_: WithNeighbour): Omit<PeerEvents, 'onClose'> {
    const up = this.#upload
    const down = this.#download
    return {
      onChoke: () => with_((n) => down.choked(n)),
      onUnchoke: () => with_((n) => down.unchoked(n)),
      onInterested: () => with_((n) => this.#serving.interested(n, true)),
      onNotInterested: () => with_((n) => this.#serving.interested(n, false)),
      onBind: (binds) => with_((n) => up.bind(n, binds)),
      onUnbind: (handles) => with_((n) => up.unbind(n, handles)),
      onHave: (have) => with_((n) => this.#have(n, boundedHave(have))),
      onWant: (wants) => with_((n) => this.#seeding?.want(n, wants)),
      onDrop: (hints) => with_((n) => this.#dropped(n, hints)),
      onRequest: (h, begin, length) => with_((n) => up.request(n, h, begin, length)),
      onCancel: (h, begin, length) => with_((n) => up.cancel(n, h, begin, length)),
      onPiece: (h, begin, bytes) => with_((n) => down.piece(n, h, begin, bytes)),
      onReject: (h, begin) => with_((n) => down.rejected(n, h, begin)),
      onHashRequest: (root, range) => with_((n) => up.hashRequest(n, root, range)),
      onHashes: (root, range, packed) => with_((n) => down.hashes(n, root, range, packed)),
      onHashReject: (root, range) => with_((n) => down.hashRejected(n, root, range)),
    }
  }

  #have(neighbour: Neighbour, have: Have): void {
    if (!neighbour.isCentre) this.#holders.have(neighbour.slot, have)
    this.#seeding?.have(neighbour, have)
    this.#download.have(neighbour, have)
  }
  #dropped(neighbour: Neighbour, hints: readonly RootHint[]): void {
    this.#holders.drop(neighbour.slot, hints)
    this.#download.drop(neighbour, hints)
  }

  #tellInterest(neighbour: Neighbour): void {
    const isNow = this.#download.isInterestedIn(neighbour)
    if (isNow === neighbour.weAreInterested) return
    neighbour.weAreInterested = isNow
    if (isNow) neighbour.peer.interested()
    else neighbour.peer.notInterested()
  }
}
