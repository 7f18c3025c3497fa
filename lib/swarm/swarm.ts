/**
 * One module's swarm as one node takes part in it: connections in, contents out and in. docs/architecture.md, the swarm.
 * What to decide is in picker, choker, seeding and peers; what to do in download and upload; here they meet the
 * connections and the clock.
 */

import { messageOf } from '../base/errors.js'
import { mayEnter } from '../base/fair-places.js'
import { LIMITS } from '../base/limits.js'
import type { Root } from '../hash/root.js'
import type { Clock, ContentSink, ContentStore, Log, Random } from '../host.js'
import { USUAL_SLOTS } from './choker.js'
import { Connection } from './connection.js'
import { Download } from './download.js'
import type { Fallback, FallbackUse } from './fallback-lane.js'
import { boundedHave, Holders } from './holders.js'
import type { Item, Neighbour, Wanted } from './item.js'
import { Offers } from './offers.js'
import { FALLBACK_SLOT } from './peer-mask.js'
import type { Have, Peer, PeerAddress, PeerEvents, RootHint } from './peer-port.js'
import { type Known, keepsNew, nameOf, Peers } from './peers.js'
import { type Progress, progressOf } from './progress.js'
import type { RateLimit } from './rate-limit.js'
import { SeedingDesk } from './seeding-desk.js'
import { Serving } from './serving.js'
import { newTally } from './tally.js'
import { HINTS, Telling } from './telling.js'
import { Upload } from './upload.js'

const TICK_MS = 100
const HAVE_MS = 500
const DIALS_AT_ONCE = 8

export type Dial = (address: PeerAddress, events: PeerEvents, signal: AbortSignal) => Promise<Peer>

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
  readonly #options: SwarmOptions
  readonly #clock: Clock
  readonly #peers: Peers
  readonly #holders = new Holders()
  readonly #offers = new Offers()
  readonly #tally = newTally()
  readonly #upload: Upload
  readonly #download: Download
  readonly #seeding: SeedingDesk | null
  readonly #serving: Serving
  /** The centre says what it has by grants alone. */
  readonly #telling: Telling | null
  readonly #neighbours = new Map<string, Neighbour>()
  readonly #slots: number[] = []
  /** Dials under way, which end with the run. */
  readonly #dials = new Map<AbortController, Promise<void>>()
  #signal: AbortSignal | null = null
  #haveAtMs = 0

  constructor(options: SwarmOptions) {
    this.#options = options
    this.#clock = options.clock
    const { clock, random, log, store } = options
    this.#peers = new Peers(random)
    for (let slot = FALLBACK_SLOT - 1; slot >= 0; slot--) this.#slots.push(slot)
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
      isHopeful: () => this.#neighbours.size > 0 || this.#peers.hasHope,
      ban: (neighbour, evidence) => this.#ban(neighbour, evidence),
      offerUnit: (content, unit) => this.#offers.unit(content, unit),
    })
  }

  /** Nodes to connect to as far as there is room; of the centre we keep trying. */
  addPeers(
    addresses: readonly { readonly address: PeerAddress; readonly centre: boolean }[],
  ): void {
    for (const { address, centre } of addresses) this.#peers.add(address, centre)
    this.#dialDue(this.#clock.monotonic())
  }

  /**
   * A connection that somebody opened to us: `open` shakes hands and gives the peer, whose events go where they belong.
   * Settles when it is part of the swarm, or was refused and closed.
   */
  async attach(open: (events: PeerEvents) => Promise<Peer>): Promise<void> {
    await this.#connect(open, null)
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
    return progressOf(neighbours, this.#tally, repeats, this.#peers.bans, this.#clock.monotonic())
  }

  /** The life of it: until `signal`, then all connections are closed and all dials have ended. */
  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal
    try {
      for (;;) {
        this.#tick(this.#clock.monotonic())
        await this.#clock.sleep(TICK_MS, signal)
      }
    } finally {
      this.#signal = null
      this.#upload.stop()
      for (const neighbour of [...this.#neighbours.values()]) neighbour.peer.close('going away')
      for (const scope of this.#dials.keys()) scope.abort(signal.reason)
      await Promise.all(this.#dials.values())
    }
  }

  #tick(now: number): void {
    this.#dialDue(now)
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

  // Connections.

  #dialDue(now: number): void {
    const signal = this.#signal
    if (signal === null || signal.aborted) return
    const free = LIMITS.connections - this.#neighbours.size - this.#dials.size
    const room = Math.min(free, DIALS_AT_ONCE - this.#dials.size)
    if (room <= 0) return
    const reached = new Set<string>()
    for (const { peer } of this.#neighbours.values())
      if (peer.listens !== null) reached.add(nameOf(peer.listens))
    const isConnected = (known: Known): boolean =>
      reached.has(nameOf(known.address)) || (known.id !== null && this.#neighbours.has(known.id))
    for (const known of this.#peers.due(now, room, isConnected)) {
      this.#peers.dialling(known)
      const scope = new AbortController()
      const dial = this.#connect(
        (events) => this.#options.dial(known.address, events, scope.signal),
        known,
      )
        .catch((error: unknown) => {
          this.#options.log('swarm.dial-failed', {
            address: known.address,
            error: messageOf(error),
          })
          this.#peers.failed(known, this.#clock.monotonic())
        })
        .finally(() => this.#dials.delete(scope))
      this.#dials.set(scope, dial)
    }
  }

  async #connect(open: (events: PeerEvents) => Promise<Peer>, known: Known | null): Promise<void> {
    let neighbour: Neighbour | null = null
    let early: ((neighbour: Neighbour) => void)[] = []
    let isClosed = false
    const events = this.#events(
      (action) => {
        if (neighbour !== null) action(neighbour)
        else early.push(action)
      },
      (why, broke) => {
        isClosed = true
        if (neighbour !== null) this.#leave(neighbour, known, why, broke)
        else if (known !== null) this.#peers.failed(known, this.#clock.monotonic())
      },
    )
    const peer = await open(events)
    if (known !== null) this.#peers.answered(known, peer.id)
    if (isClosed) return
    neighbour = this.#admit(peer, known)
    for (const action of early) if (neighbour !== null) action(neighbour)
    early = []
  }

  /** A peer that shook hands becomes a neighbour, or is closed. */
  #admit(peer: Peer, known: Known | null): Neighbour | null {
    const isDialled = known !== null
    const other = this.#neighbours.get(peer.id)
    const refusal =
      this.#signal === null
        ? 'going away'
        : peer.id === this.#options.id
          ? 'connected to ourselves'
          : this.#peers.isBanned(peer.id)
            ? 'banned'
            : !peer.isPrsync
              ? 'not a prsync node'
              : other && !keepsNew(this.#options.id, peer.id, other.isDialled, isDialled)
                ? 'connected already'
                : !isDialled && other === undefined && !this.#hasRoomFor(peer.remote.host)
                  ? 'too many connections'
                  : null
    if (refusal !== null) {
      peer.close(refusal)
      return null
    }
    if (other !== undefined) this.#replace(other)
    const slot = this.#neighbours.size < LIMITS.connections ? this.#slots.pop() : undefined
    if (slot === undefined) {
      peer.close('too many connections')
      return null
    }
    const now = this.#clock.monotonic()
    const neighbour = new Connection<Item>(slot, peer, known?.isCentre === true, isDialled, now)
    this.#neighbours.set(peer.id, neighbour)
    this.#holders.join(slot)
    this.#upload.join(neighbour)
    this.#telling?.tell(neighbour, this.#download.unitsHere())
    this.#download.join(neighbour)
    this.#tellInterest(neighbour)
    return neighbour
  }

  #hasRoomFor(host: string): boolean {
    let same = 0
    for (const { peer } of this.#neighbours.values()) if (peer.remote.host === host) same++
    return mayEnter(same, this.#neighbours.size, LIMITS.connections)
  }

  /** It is ours no more, whatever its connection says yet. @returns was it? */
  #forget(neighbour: Neighbour): boolean {
    const { id } = neighbour.peer
    if (this.#neighbours.get(id) !== neighbour) return false
    this.#neighbours.delete(id)
    this.#upload.leave(neighbour)
    this.#download.leave(neighbour)
    this.#holders.leave(neighbour.slot)
    this.#seeding?.leave(neighbour)
    this.#slots.push(neighbour.slot)
    return true
  }
  /** Its node comes by another connection. The old one says its end later, when nobody knows it any more. */
  #replace(neighbour: Neighbour): void {
    this.#forget(neighbour)
    neighbour.peer.close('connected already')
  }

  #leave(neighbour: Neighbour, known: Known | null, why: string, broke: string | null): void {
    const { remote } = neighbour.peer
    if (!this.#forget(neighbour)) return
    this.#options.log('swarm.closed', { remote, why, broke })
    const now = this.#clock.monotonic()
    if (known !== null) {
      if (broke !== null) this.#peers.broke(known, now)
      else this.#peers.failed(known, now)
    }
    this.#serving.fill(now)
  }

  #ban(neighbour: Neighbour, evidence: string): void {
    const { id, remote, listens } = neighbour.peer
    if (this.#peers.isBanned(id)) return
    this.#options.log('swarm.banned', { remote, evidence })
    this.#peers.ban(id, neighbour.isDialled ? remote : listens, evidence)
    neighbour.peer.close(`banned: ${evidence}`)
  }

  #events(
    with_: (action: (neighbour: Neighbour) => void) => void,
    onClose: (why: string, broke: string | null) => void,
  ): PeerEvents {
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
      onClose,
    }
  }

  // What is told and heard.

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
