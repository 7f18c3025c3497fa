/**
 * Two ends of one connection in memory, as `Peer`s: what is called on one happens on the other a moment later, in order.
 * An uplink may be shared by the connections of a node, so that a rate holds for all of them.
 */
import type { HashRange } from '../../lib/hash/merkle.js'
import type { Root } from '../../lib/hash/root.js'
import type {
  Bind,
  Have,
  Peer,
  PeerAddress,
  PeerEvents,
  RootHint,
  Want,
} from '../../lib/swarm/peer-port.js'
import type { ManualClock } from './manual-clock.js'

/** A line out: bytes leave one after the other. */
export class Uplink {
  readonly #clock: ManualClock
  readonly #perMs: number
  #freeAtMs = 0
  bytes = 0

  constructor(clock: ManualClock, bytesPerSecond = Number.POSITIVE_INFINITY) {
    this.#clock = clock
    this.#perMs = bytesPerSecond / 1000
  }
  /** Milliseconds until these bytes are out. */
  send(bytes: number): number {
    this.bytes += bytes
    const now = this.#clock.monotonic()
    this.#freeAtMs = Math.max(now, this.#freeAtMs) + bytes / this.#perMs
    return this.#freeAtMs - now
  }
}

export type End = {
  readonly id: string
  readonly address: PeerAddress
  readonly listens: PeerAddress | null
  readonly uplink: Uplink
  readonly maxRequestBytes?: number
}

const HEADER = 17

export class MemoryPeer implements Peer {
  readonly id: string
  readonly remote: PeerAddress
  readonly listens: PeerAddress | null
  readonly isPrsync = true
  readonly maxRequests = 500
  readonly maxRequestBytes: number
  readonly #clock: ManualClock
  readonly #uplink: Uplink
  readonly #latencyMs: number
  /** What we asked for and was not answered, by handle, begin and length. */
  readonly #open = new Map<string, number>()
  /** What we took back: its answer is on the way, perhaps with the bytes. */
  readonly #cancelled = new Map<string, number>()
  #waiters: { resolve: () => void; reject: (why: Error) => void }[] = []
  #other: MemoryPeer | null = null
  #events: PeerEvents
  #unsent = 0
  isClosed = false

  constructor(clock: ManualClock, own: End, other: End, latencyMs: number, events: PeerEvents) {
    this.#clock = clock
    this.#uplink = own.uplink
    this.#latencyMs = latencyMs
    this.id = other.id
    this.remote = other.address
    this.listens = other.listens
    this.maxRequestBytes = other.maxRequestBytes ?? 65536
    this.#events = events
  }
  join(other: MemoryPeer): void {
    this.#other = other
  }

  get unsent(): number {
    return this.#unsent
  }
  drained(): Promise<void> {
    if (this.isClosed) return Promise.reject(new Error('closed'))
    if (this.#unsent <= 65536) return Promise.resolve()
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }))
  }

  #send(bytes: number, arrive: (events: PeerEvents, other: MemoryPeer) => void): void {
    if (this.isClosed) return
    this.#unsent += bytes
    const outMs = this.#uplink.send(bytes)
    this.#clock.after(outMs, () => {
      this.#unsent -= bytes
      if (this.#unsent > 65536) return
      for (const waiter of this.#waiters.splice(0)) waiter.resolve()
    })
    this.#clock.after(outMs + this.#latencyMs, () => {
      const other = this.#other
      if (other !== null && !other.isClosed) arrive(other.#events, other)
    })
  }

  choke(): void {
    this.#send(5, (e) => e.onChoke())
  }
  unchoke(): void {
    this.#send(5, (e) => e.onUnchoke())
  }
  interested(): void {
    this.#send(5, (e) => e.onInterested())
  }
  notInterested(): void {
    this.#send(5, (e) => e.onNotInterested())
  }
  bind(binds: readonly Bind[]): void {
    this.#send(44 * binds.length, (e) => e.onBind(binds))
  }
  unbind(handles: readonly number[]): void {
    this.#send(4 * handles.length, (e) => e.onUnbind(handles))
  }
  have(have: Have): void {
    const ranges = have.parts.reduce((sum, part) => sum + 8 + part.ranges.length * 4, 0)
    this.#send(10 + have.wholes.length * 8 + ranges, (e) => e.onHave(have))
  }
  want(wants: readonly Want[]): void {
    this.#send(42 * wants.length, (e) => e.onWant(wants))
  }
  drop(hints: readonly RootHint[]): void {
    this.#send(8 * hints.length, (e) => e.onDrop(hints))
  }
  request(handle: number, begin: number, length: number): void {
    const key = `${handle} ${begin} ${length}`
    this.#open.set(key, (this.#open.get(key) ?? 0) + 1)
    this.#send(HEADER, (e) => e.onRequest(handle, begin, length))
  }
  cancel(handle: number, begin: number, length: number): void {
    const key = `${handle} ${begin} ${length}`
    if (this.#take(this.#open, key)) this.#cancelled.set(key, (this.#cancelled.get(key) ?? 0) + 1)
    this.#send(HEADER, (e) => e.onCancel(handle, begin, length))
  }
  piece(handle: number, begin: number, bytes: Uint8Array): void {
    const copy = Uint8Array.from(bytes)
    this.#send(13 + bytes.length, (e, other) => {
      const fit = other.#answered(handle, begin, copy.length)
      if (fit === 'open') e.onPiece(handle, begin, copy)
      else if (fit === 'never asked')
        other.#end('bytes that were not asked for', 'unsolicited piece')
    })
  }
  reject(handle: number, begin: number, length: number): void {
    this.#send(HEADER, (e, other) => {
      const fit = other.#answered(handle, begin, length)
      if (fit === 'open') e.onReject(handle, begin, length)
      else if (fit === 'never asked') other.#end('a reject of nothing', 'unsolicited reject')
    })
  }
  hashRequest(root: Root, range: HashRange): void {
    this.#send(53, (e) => e.onHashRequest(root, range))
  }
  hashes(root: Root, range: HashRange, packed: Uint8Array): void {
    this.#send(53 + packed.length, (e) => e.onHashes(root, range, Uint8Array.from(packed)))
  }
  hashReject(root: Root, range: HashRange): void {
    this.#send(53, (e) => e.onHashReject(root, range))
  }
  close(why: string): void {
    this.#end(why, null)
  }

  /** Does an answer fit? What was cancelled is answered too, and nobody hears of it. */
  #answered(handle: number, begin: number, length: number): 'open' | 'cancelled' | 'never asked' {
    const key = `${handle} ${begin} ${length}`
    if (this.#take(this.#open, key)) return 'open'
    return this.#take(this.#cancelled, key) ? 'cancelled' : 'never asked'
  }
  #take(counts: Map<string, number>, key: string): boolean {
    const count = counts.get(key) ?? 0
    if (count <= 1) counts.delete(key)
    else counts.set(key, count - 1)
    return count > 0
  }
  #end(why: string, broke: string | null): void {
    if (this.isClosed) return
    this.isClosed = true
    for (const waiter of this.#waiters.splice(0)) waiter.reject(new Error(why))
    const other = this.#other
    this.#clock.after(this.#latencyMs, () => {
      if (other !== null) other.#end('the other side closed', null)
    })
    // as over a socket: the end is told after the call
    this.#clock.after(0, () => this.#events.onClose(why, broke))
  }
}

/** @returns the two ends; `a`'s calls happen at `b`'s events. */
export function peerPair(
  clock: ManualClock,
  latencyMs: number,
  a: End & { readonly events: PeerEvents },
  b: End & { readonly events: PeerEvents },
): [MemoryPeer, MemoryPeer] {
  const left = new MemoryPeer(clock, a, b, latencyMs, a.events)
  const right = new MemoryPeer(clock, b, a, latencyMs, b.events)
  left.join(right)
  right.join(left)
  return [left, right]
}
