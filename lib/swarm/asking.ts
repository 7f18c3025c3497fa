/**
 * Requests of ours: which neighbour is asked for what, how much ahead, and what becomes of a request that is not answered.
 * docs/architecture.md, the swarm §5: as much in flight as a neighbour gives in a second, within what it allows.
 */
import { LIMITS } from '../base/limits.js'
import type { ContentId } from '../hash/root.js'
import { workFor } from './assembly.js'
import { keyOf } from './connection.js'
import type { Frontier } from './frontier.js'
import type { Content, Item, Neighbour, Request } from './item.js'
import { type Bind, WINDOW_BYTES } from './peer-port.js'
import type { RateLimit } from './rate-limit.js'
import type { Range } from './work.js'

const LEAST_AHEAD_BYTES = 128 * 1024
const MOST_AHEAD_BYTES = 16 * 1024 * 1024
/** Small contents cost a turn-around each: this many at least are in flight, in at most so many bytes. */
const SMALL_AHEAD = 128
const SMALL_AHEAD_BYTES = 2 * 1024 * 1024
/** Requests are sent this many at a time, so that their binds are one message. */
const BATCH = 16
/** End game: what was asked of another this long ago. */
const OVERDUE_MS = 3000

export class Asking {
  readonly #frontier: Frontier
  readonly #limit: RateLimit
  /** All bytes of an item are there without a request: a delta had them. */
  readonly #isWhole: (item: Item) => void
  readonly #needsHashes: (item: Item, neighbour: Neighbour) => void

  constructor(parts: {
    readonly frontier: Frontier
    readonly limit: RateLimit
    readonly isWhole: (item: Item) => void
    readonly needsHashes: (item: Item, neighbour: Neighbour) => void
  }) {
    this.#frontier = parts.frontier
    this.#limit = parts.limit
    this.#isWhole = parts.isWhole
    this.#needsHashes = parts.needsHashes
  }

  /** Asks for more if there is room. */
  fill(neighbour: Neighbour, now: number): void {
    if (neighbour.isChoking || neighbour.isStalled || neighbour.peer.unsent > LIMITS.unsentBytes)
      return
    const most = mostRequests(neighbour)
    if (most - neighbour.open.size < Math.min(BATCH, most / 4)) return
    const ahead = aheadBytes(neighbour, now)
    if (!hasRoom(neighbour, most, ahead * 0.75)) return
    const batch = new Batch(neighbour, now)
    while (hasRoom(neighbour, most, ahead) && this.#limit.waitMs(now) === 0)
      if (!this.#askNext(batch, now)) break
    batch.send()
  }

  /** One more request. @returns false: there is nothing to ask of this neighbour. */
  #askNext(batch: Batch, now: number): boolean {
    const { neighbour } = batch
    const item = neighbour.partly[0] ?? this.#take(neighbour, now)
    if (item === null || neighbour.handles.left === 0) return false
    const range = nextRange(item, neighbour)
    if (range === null) {
      if (neighbour.partly[0] === item) neighbour.partly.shift()
      if (item.work?.isWhole === true && !item.isWaiting) this.#isWhole(item)
      return true
    }
    this.#ask(batch, item, range)
    return true
  }

  #take(neighbour: Neighbour, now: number): Item | null {
    const thing = this.#frontier.picker.take(neighbour.slot, now)
    const item = thing < 0 ? null : this.#frontier.item(thing)
    if (item === null) return null
    if (item.isAlone) item.work = null
    item.takers.push(neighbour)
    neighbour.partly.push(item)
    const isOne = item.content.isSmall && item.content.content.length <= most(neighbour)
    if (!isOne) item.work ??= workFor(item)
    if (!item.content.isSmall) this.#needsHashes(item, neighbour)
    return item
  }

  #ask(batch: Batch, item: Item, range: Range): void {
    if (batch.add(item, range)) {
      this.#limit.spend(range.length)
      return
    }
    item.work?.release(range)
    this.release(batch.neighbour, item)
    this.#frontier.lose(item, batch.neighbour)
  }

  /** End game: this neighbour is idle while others have not answered yet. */
  askAgain(neighbour: Neighbour, now: number): void {
    if (neighbour.isChoking || neighbour.isStalled || neighbour.open.size > BATCH) return
    const batch = new Batch(neighbour, now)
    while (neighbour.open.size < BATCH && neighbour.handles.left > 0) {
      const thing = this.#frontier.picker.takeAgain(neighbour.slot, now - OVERDUE_MS, (t) => {
        const item = this.#frontier.item(t)
        return item === null || item.isWaiting || item.isAlone || item.takers.includes(neighbour)
      })
      const item = this.#frontier.item(thing)
      if (item === null) break
      item.takers.push(neighbour)
      const { length } = item.content.content
      const ranges =
        item.work?.missing(most(neighbour)) ??
        (length <= most(neighbour) ? [{ offset: 0, length }] : [])
      for (const range of ranges) this.#ask(batch, item, range)
    }
    batch.send()
  }

  /** A request will not be answered with bytes, or too late: its range is for others. */
  undo(neighbour: Neighbour, request: Request): void {
    const { item } = request
    if (request.isStale || item.thing < 0) return
    giveUp(request)
    item.work?.release({ offset: request.offset, length: request.length })
    remove(neighbour.partly, item)
    this.settle(item)
  }
  /** This neighbour is not asked for it any more. */
  release(neighbour: Neighbour, item: Item): void {
    remove(neighbour.partly, item)
    this.settle(item)
  }
  /** Nothing is expected of anyone for an item that is not whole: it is for others. */
  settle(item: Item): void {
    if (item.thing < 0 || item.asked > 0 || item.isWaiting || item.takers.length === 0) return
    if (item.takers.some((neighbour) => neighbour.partly.includes(item))) return
    item.takers = []
    this.#frontier.picker.giveBack(item.thing)
  }

  /** It is done, or this range of it: what others were asked for is cancelled. */
  cancel(item: Item, range: Range | null, but: Neighbour | null): void {
    for (const neighbour of item.takers) {
      if (neighbour === but && range !== null) continue
      for (const request of neighbour.open.values()) {
        if (request.item !== item || request.isStale) continue
        if (range !== null && request.offset !== range.offset) continue
        cancelRequest(neighbour, request)
      }
      if (range === null) remove(neighbour.partly, item)
    }
  }
}

/** A request was answered or rejected: it stands open no more. Its item still counts on it. Null: there was none. */
export function closeRequest(neighbour: Neighbour, handle: number, begin: number): Request | null {
  const key = keyOf(handle, begin)
  const request = neighbour.open.get(key)
  if (request === undefined) return null
  neighbour.open.delete(key)
  neighbour.openBytes -= request.length
  if (request.item.content.isSmall && !hasOpen(neighbour, request)) neighbour.handles.retire(handle)
  neighbour.handles.closed(handle)
  return request
}

/** Requests of one turn, with the binds they need first. */
class Batch {
  readonly neighbour: Neighbour
  readonly #now: number
  readonly #binds: Bind[] = []
  readonly #asks: Request[] = []
  /** Handles of small contents bound in this turn. */
  readonly #small = new Map<Item, number>()

  constructor(neighbour: Neighbour, now: number) {
    this.neighbour = neighbour
    this.#now = now
  }

  /** @returns false: something else is open there still, from before. */
  add(item: Item, range: Range): boolean {
    const { neighbour } = this
    const at = item.content.offsetOf(item.unit) + range.offset
    const window = Math.floor(at / WINDOW_BYTES)
    const begin = at - window * WINDOW_BYTES
    const handle = item.content.isSmall
      ? this.#handleOf(item)
      : this.#windowOf(item.content, window)
    const key = keyOf(handle, begin)
    const before = neighbour.open.get(key)
    if (before !== undefined) {
      if (before.item !== item || before.length !== range.length) return false
      if (before.isStale) item.asked++
      before.isStale = false // its answer is as good as another
      return true
    }
    if (neighbour.open.size === 0) neighbour.heardMs = this.#now
    const { offset, length } = range
    const request = { item, handle, begin, offset, length, atMs: this.#now, isStale: false }
    neighbour.open.set(key, request)
    neighbour.openBytes += length
    item.asked++
    neighbour.handles.opened(handle)
    this.#asks.push(request)
    return true
  }

  send(): void {
    const { peer } = this.neighbour
    if (this.#binds.length > 0) peer.bind(this.#binds)
    for (const ask of this.#asks) peer.request(ask.handle, ask.begin, ask.length)
  }

  #handleOf(item: Item): number {
    const known = this.#small.get(item)
    if (known !== undefined) return known
    const handle = this.#bind(item.content.content, 0)
    this.#small.set(item, handle)
    return handle
  }
  #windowOf(content: Content, window: number): number {
    let handles = content.handles.get(this.neighbour)
    if (handles === undefined) {
      handles = []
      content.handles.set(this.neighbour, handles)
    }
    handles[window] ??= this.#bind(content.content, window)
    return handles[window]
  }
  #bind(content: ContentId, window: number): number {
    const handle = this.neighbour.handles.claim()
    this.#binds.push({ handle, content, window })
    return handle
  }
}

/** The next range of an item that this neighbour is to be asked for. */
function nextRange(item: Item, neighbour: Neighbour): Range | null {
  if (item.thing < 0 || item.isWaiting) return null
  if (item.work !== null) return item.work.next(most(neighbour))
  // a small content asked for whole: once
  if (neighbour.partly.shift() !== item) throw new RangeError('asked for out of turn')
  return { offset: 0, length: item.content.content.length }
}

function most(neighbour: Neighbour): number {
  return Math.min(neighbour.peer.maxRequestBytes, LIMITS.requestBytes)
}
function mostRequests(neighbour: Neighbour): number {
  return Math.max(1, Math.min(neighbour.peer.maxRequests, LIMITS.peerRequests))
}
function aheadBytes(neighbour: Neighbour, now: number): number {
  return Math.min(MOST_AHEAD_BYTES, Math.max(LEAST_AHEAD_BYTES, neighbour.down.rate(now)))
}
function hasRoom(neighbour: Neighbour, requests: number, bytes: number): boolean {
  const { size } = neighbour.open
  if (size >= requests) return false
  if (neighbour.openBytes < bytes) return true
  const areSmall = neighbour.openBytes < size * 16384
  return areSmall && size < SMALL_AHEAD && neighbour.openBytes < SMALL_AHEAD_BYTES
}

/** Nothing is heard of it any more, whatever crosses it on the way. */
export function cancelRequest(neighbour: Neighbour, request: Request): void {
  const { handle, begin, length } = request
  giveUp(request)
  neighbour.peer.cancel(handle, begin, length)
  neighbour.open.delete(keyOf(handle, begin))
  neighbour.openBytes -= length
  neighbour.handles.cancelled(handle)
  if (!request.item.content.isSmall || hasOpen(neighbour, request)) return
  neighbour.handles.retire(handle)
  neighbour.peer.unbind([handle])
}

/** Its item does not count on an answer to it any more. */
export function giveUp(request: Request): void {
  if (!request.isStale) request.item.asked--
  request.isStale = true
}

function hasOpen(neighbour: Neighbour, request: Request): boolean {
  if (request.length === request.item.content.content.length) return false
  for (const other of neighbour.open.values()) if (other.handle === request.handle) return true
  return false
}

function remove<T>(list: T[], item: T): void {
  const at = list.indexOf(item)
  if (at >= 0) list.splice(at, 1)
}
