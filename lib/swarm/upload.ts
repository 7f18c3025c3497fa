/**
 * Giving: requests of neighbours answered from what is here. Round by round, one bite for each neighbour that is served
 * and whose socket takes it. Nobody can make us hold more than the limits say: what is too much is rejected.
 */
import { LIMITS } from '../base/limits.js'
import type { HashRange } from '../hash/merkle.js'
import type { ContentId, Root } from '../hash/root.js'
import type { Clock, ContentStore, Holding, Log } from '../host.js'
import type { Neighbour } from './item.js'
import { type Bind, WINDOW_BYTES } from './peer-port.js'
import { Proofs } from './proofs.js'
import type { RateLimit } from './rate-limit.js'

/** Bytes being read for or unsent to one neighbour before the next has its turn. More would only be delay. */
const AHEAD_BYTES = 4 * 65536
/** What one neighbour gets at a turn. */
const BITE_BYTES = 65536

type Bound = { readonly content: ContentId; readonly start: number; holding: Holding | null }
type Ask = {
  readonly bound: Bound
  readonly handle: number
  readonly begin: number
  readonly length: number
  isCancelled: boolean
}
/** A neighbour as it is served. `isListed`: it stands in the round. */
type Side = {
  readonly neighbour: Neighbour
  readonly handles: Map<number, Bound>
  queue: Ask[]
  next: number
  reading: number
  isListed: boolean
  isDraining: boolean
  readonly ended: AbortController
}

/** Contents on their way, which can prove leaves from what was proved to them. */
export type OnTheWay = Holding & { packedHashes(range: HashRange): Uint8Array | null }

export type UploadEvents = {
  /** These bytes of a content went out. */
  sent(neighbour: Neighbour, content: ContentId, offset: number, length: number): void
  /** They cannot be read here. */
  refused(neighbour: Neighbour, content: ContentId, offset: number): void
}

export class Upload {
  readonly #store: ContentStore
  readonly #onTheWay: (root: Root) => OnTheWay | null
  readonly #clock: Clock
  readonly #log: Log
  readonly #limit: RateLimit
  readonly #events: UploadEvents
  readonly #proofs = new Proofs()
  readonly #sides = new Map<Neighbour, Side>()
  #round: Side[] = []
  #isPumping = false
  #isResting = false
  readonly #ended = new AbortController()

  constructor(parts: {
    readonly store: ContentStore
    readonly onTheWay: (root: Root) => OnTheWay | null
    readonly clock: Clock
    readonly log: Log
    readonly limit: RateLimit
    readonly events: UploadEvents
  }) {
    this.#store = parts.store
    this.#onTheWay = parts.onTheWay
    this.#clock = parts.clock
    this.#log = parts.log
    this.#limit = parts.limit
    this.#events = parts.events
  }

  join(neighbour: Neighbour): void {
    this.#sides.set(neighbour, {
      neighbour,
      handles: new Map(),
      queue: [],
      next: 0,
      reading: 0,
      isListed: false,
      isDraining: false,
      ended: new AbortController(),
    })
  }
  leave(neighbour: Neighbour): void {
    const side = this.#sides.get(neighbour)
    this.#sides.delete(neighbour)
    if (side === undefined) return
    side.queue = []
    side.ended.abort()
  }
  /** Nothing is sent any more. */
  stop(): void {
    this.#ended.abort()
    for (const neighbour of this.#sides.keys()) this.leave(neighbour)
    this.#round = []
  }

  bind(neighbour: Neighbour, binds: readonly Bind[]): void {
    const handles = this.#sides.get(neighbour)?.handles
    if (handles === undefined) return
    for (const { handle, content, window } of binds)
      if (handles.size < LIMITS.peerHandles || handles.has(handle))
        handles.set(handle, { content, start: window * WINDOW_BYTES, holding: null })
  }
  unbind(neighbour: Neighbour, handles: readonly number[]): void {
    for (const handle of handles) this.#sides.get(neighbour)?.handles.delete(handle)
  }

  request(neighbour: Neighbour, handle: number, begin: number, length: number): void {
    const side = this.#sides.get(neighbour)
    if (side === undefined) return
    const bound = side.handles.get(handle)
    const waiting = side.queue.length - side.next
    if (
      bound === undefined ||
      !neighbour.isServed ||
      waiting >= LIMITS.peerRequests ||
      length > LIMITS.requestBytes ||
      bound.start + begin + length > bound.content.length
    ) {
      neighbour.peer.reject(handle, begin, length)
      return
    }
    side.queue.push({ bound, handle, begin, length, isCancelled: false })
    this.#list(side)
    this.#pump()
  }

  /** A cancelled request is answered by a reject (BEP 6). */
  cancel(neighbour: Neighbour, handle: number, begin: number, length: number): void {
    const side = this.#sides.get(neighbour)
    const ask = side?.queue.find(
      (a, i) =>
        i >= side.next &&
        a.handle === handle &&
        a.begin === begin &&
        a.length === length &&
        !a.isCancelled,
    )
    if (ask === undefined) return
    ask.isCancelled = true
    neighbour.peer.reject(handle, begin, length)
  }

  serve(neighbour: Neighbour): void {
    neighbour.isServed = true
    neighbour.servedSinceMs = this.#clock.monotonic()
    neighbour.peer.unchoke()
  }
  /** What it still waits for is rejected. */
  unserve(neighbour: Neighbour): void {
    neighbour.isServed = false
    neighbour.servedSinceMs = this.#clock.monotonic()
    neighbour.peer.choke()
    const side = this.#sides.get(neighbour)
    if (side === undefined) return
    const left = side.queue.slice(side.next)
    side.queue = []
    side.next = 0
    for (const ask of left)
      if (!ask.isCancelled) neighbour.peer.reject(ask.handle, ask.begin, ask.length)
  }

  hashRequest(neighbour: Neighbour, root: Root, range: HashRange): void {
    const packed =
      neighbour.peer.unsent > LIMITS.unsentBytes ? null : this.#hashes(neighbour, root, range)
    if (packed === null) {
      neighbour.peer.hashReject(root, range)
      return
    }
    neighbour.peer.hashes(root, range, packed)
    neighbour.up.add(packed.length)
    this.#limit.spend(packed.length)
  }

  #hashes(neighbour: Neighbour, root: Root, range: HashRange): Uint8Array | null {
    const coming = this.#onTheWay(root)?.packedHashes(range) ?? null
    if (coming !== null) return coming
    try {
      return this.#proofs.answer(root, () => this.#find(root)?.leaves() ?? null, range)
    } catch (error) {
      this.#log('swarm.hashes-failed', { error, peer: neighbour.peer.remote })
      return null
    }
  }

  #find(root: Root): Holding | null {
    return this.#onTheWay(root) ?? this.#store.find(root)
  }

  #list(side: Side): void {
    if (side.isListed || side.isDraining || side.next >= side.queue.length) return
    side.isListed = true
    this.#round.push(side)
  }

  /** Turns until nobody can be given anything. Reads end later and call again. */
  #pump(): void {
    if (this.#isPumping || this.#isResting) return
    this.#isPumping = true
    try {
      for (let side = this.#round.shift(); side !== undefined; side = this.#round.shift()) {
        const waitMs = this.#limit.waitMs(this.#clock.monotonic())
        if (waitMs > 0) {
          this.#round.unshift(side)
          this.#rest(waitMs)
          return
        }
        side.isListed = false
        this.#turn(side)
      }
    } finally {
      this.#isPumping = false
    }
  }

  #turn(side: Side): void {
    const { peer } = side.neighbour
    for (let bite = 0; bite < BITE_BYTES && side.next < side.queue.length; ) {
      if (side.reading + peer.unsent >= AHEAD_BYTES) {
        if (side.reading === 0) this.#drain(side)
        return // a read that ends lists it again
      }
      const ask = side.queue[side.next++]
      if (side.next > 64 && side.next * 2 > side.queue.length) {
        side.queue = side.queue.slice(side.next)
        side.next = 0
      }
      if (ask === undefined || ask.isCancelled) continue
      bite += ask.length
      this.#read(side, ask)
    }
    this.#list(side)
  }

  #read(side: Side, ask: Ask): void {
    const { bound } = ask
    const offset = bound.start + ask.begin
    let reading: Promise<Uint8Array> | null = null
    let atOnce: Uint8Array | null
    try {
      if (bound.holding?.has(offset, ask.length) !== true)
        bound.holding = this.#find(bound.content.root)
      const { holding } = bound
      if (
        holding === null ||
        holding.length !== bound.content.length ||
        !holding.has(offset, ask.length)
      ) {
        this.#refuse(side, ask)
        return
      }
      atOnce = holding.readNow?.(offset, ask.length) ?? null
      if (atOnce === null) reading = holding.read(offset, ask.length)
    } catch (error) {
      this.#failed(side, ask, error)
      return
    }
    side.reading += ask.length
    this.#limit.spend(ask.length)
    if (atOnce !== null) {
      this.#give(side, ask, atOnce)
      return
    }
    reading?.then(
      (bytes) => this.#give(side, ask, bytes),
      (error: unknown) => {
        side.reading -= ask.length
        this.#failed(side, ask, error)
        this.#list(side)
        this.#pump()
      },
    )
  }

  #give(side: Side, ask: Ask, bytes: Uint8Array): void {
    side.reading -= ask.length
    const { neighbour } = side
    if (!this.#sides.has(neighbour)) return
    if (ask.isCancelled) return // rejected when it was cancelled
    if (bytes.length !== ask.length) this.#refuse(side, ask)
    else {
      neighbour.peer.piece(ask.handle, ask.begin, bytes)
      neighbour.up.add(bytes.length)
      this.#events.sent(neighbour, ask.bound.content, ask.bound.start + ask.begin, bytes.length)
    }
    this.#list(side)
    this.#pump()
  }

  /** The file changed or is gone: the neighbour asks somebody else. */
  #failed(side: Side, ask: Ask, error: unknown): void {
    ask.bound.holding = null
    this.#log('swarm.read-failed', { error, root: ask.bound.content.root })
    if (this.#sides.has(side.neighbour) && !ask.isCancelled) this.#refuse(side, ask)
  }
  #refuse({ neighbour }: Side, { bound, handle, begin, length }: Ask): void {
    neighbour.peer.reject(handle, begin, length)
    this.#events.refused(neighbour, bound.content, bound.start + begin)
  }

  /** Waits for the neighbour's socket. */
  #drain(side: Side): void {
    side.isDraining = true
    side.neighbour.peer.drained(side.ended.signal).then(
      () => {
        side.isDraining = false
        this.#list(side)
        this.#pump()
      },
      () => undefined, // closed: it leaves, or left
    )
  }

  /** Waits for the rate limit. */
  #rest(ms: number): void {
    this.#isResting = true
    this.#clock.sleep(ms, this.#ended.signal).then(
      () => {
        this.#isResting = false
        this.#pump()
      },
      () => undefined, // stopped
    )
  }
}
