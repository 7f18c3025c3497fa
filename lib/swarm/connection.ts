/**
 * One connected node: who it is, and what both sides said to each other. Download and upload each keep their part in it.
 * `Item` is what requests are for.
 */
import { LIMITS } from '../base/limits.js'
import { Meter } from './meter.js'
import type { Peer } from './peer-port.js'

/** A request of ours that was neither answered nor rejected. */
export type OpenRequest<Item> = {
  readonly item: Item
  readonly handle: number
  /** In the handle's window, and in the item's unit. */
  readonly begin: number
  readonly offset: number
  readonly length: number
  readonly atMs: number
  /** Nothing is expected of it any more: somebody else was asked, or it was cancelled. */
  isStale: boolean
}

export class Connection<Item> {
  /** Which bit it has in masks; free again when it is gone. */
  readonly slot: number
  readonly peer: Peer
  /** It is the centre: what it grants is all there is to fetch from it. */
  readonly isCentre: boolean
  readonly isDialled: boolean

  /** Theirs to us. */
  isChoking = true
  isInterested = false
  /** Ours to them. */
  isServed = false
  servedSinceMs: number
  weAreInterested = false

  /** Requests of ours by `keyOf`. */
  readonly open = new Map<number, OpenRequest<Item>>()
  openBytes = 0
  /** Items with more ranges to ask this neighbour for. */
  readonly partly: Item[] = []
  readonly handles = new Handles()
  readonly down: Meter
  readonly up: Meter
  /** Monotonic ms of the last answer, or of the first request after a pause. */
  heardMs: number
  /** It let requests stand too long: nothing more until it answers. */
  isStalled = false

  /** How far it was told of what we have: a place in the log of offers. */
  offerCursor = 0
  toldThrough = -1

  constructor(slot: number, peer: Peer, isCentre: boolean, isDialled: boolean, now: number) {
    this.slot = slot
    this.peer = peer
    this.isCentre = isCentre
    this.isDialled = isDialled
    this.servedSinceMs = now
    this.heardMs = now
    this.down = new Meter(now)
    this.up = new Meter(now)
  }
}

/** `keyOf` stays exact below it. */
const MOST_HANDLE = 2 ** 22

/** A handle below 2^22 and an offset below 2^31 as one exact number. */
export function keyOf(handle: number, begin: number): number {
  return handle * 2 ** 31 + begin
}

/**
 * The handles we bound at one neighbour. A handle means something new only when nothing stands open on it; one with a
 * cancelled request never does, since the answer to that may still come and nobody hears of it.
 */
class Handles {
  readonly #free: number[] = []
  readonly #open = new Map<number, number>()
  readonly #retired = new Set<number>()
  readonly #tainted = new Set<number>()
  #next = 0
  #burnt = 0

  get left(): number {
    if (this.#next >= MOST_HANDLE) return 0
    return LIMITS.peerHandles - (this.#next - this.#burnt) + this.#free.length
  }
  /** One that is free; ask `left` first. */
  claim(): number {
    return this.#free.pop() ?? this.#next++
  }
  opened(handle: number): void {
    this.#open.set(handle, (this.#open.get(handle) ?? 0) + 1)
  }
  closed(handle: number): void {
    const count = (this.#open.get(handle) ?? 1) - 1
    if (count > 0) {
      this.#open.set(handle, count)
      return
    }
    this.#open.delete(handle)
    if (this.#retired.delete(handle)) this.#release(handle)
  }
  /** A request on it was cancelled: as `closed`, and it will not be used again for another content. */
  cancelled(handle: number): void {
    this.#tainted.add(handle)
    this.closed(handle)
  }
  /** Its content is done with; free as soon as nothing is open on it. */
  retire(handle: number): void {
    if (this.#open.has(handle)) this.#retired.add(handle)
    else this.#release(handle)
  }
  #release(handle: number): void {
    if (this.#tainted.delete(handle)) this.#burnt++
    else this.#free.push(handle)
  }
}
