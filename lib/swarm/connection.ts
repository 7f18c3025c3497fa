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

/** A handle below 2^12 and an offset below 2^31 as one exact number. */
export function keyOf(handle: number, begin: number): number {
  return handle * 2 ** 31 + begin
}

/** The handles we bound at one neighbour. A handle means something new only when nothing stands open on it. */
class Handles {
  readonly #free: number[] = []
  readonly #open = new Uint16Array(LIMITS.peerHandles)
  readonly #retired = new Uint8Array(LIMITS.peerHandles)
  #next = 0

  get left(): number {
    return LIMITS.peerHandles - this.#next + this.#free.length
  }
  /** One that is free; ask `left` first. */
  claim(): number {
    const handle = this.#free.pop() ?? this.#next++
    this.#retired[handle] = 0
    return handle
  }
  opened(handle: number): void {
    this.#open[handle] = (this.#open[handle] ?? 0) + 1
  }
  closed(handle: number): void {
    this.#open[handle] = (this.#open[handle] ?? 1) - 1
    if (this.#retired[handle] === 1) this.retire(handle)
  }
  /** Its content is done with; free as soon as nothing is open on it. */
  retire(handle: number): void {
    this.#retired[handle] = 1
    if (this.#open[handle] !== 0) return
    this.#retired[handle] = 0
    this.#free.push(handle)
  }
}
