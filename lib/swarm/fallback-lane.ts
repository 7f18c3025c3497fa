/**
 * When peers give nothing: contents from the centre over HTTP (BEP 19's idea), the rarest first, so that a pull always
 * ends. Verified like everything else. What the centre does not have any more is nobody's fault: it says so, and the
 * content is given up unless a peer has it.
 */
import { messageOf, SocketError, WireError } from '../base/errors.js'
import type { HashRange } from '../hash/merkle.js'
import { type ContentId, rootHex } from '../hash/root.js'
import type { Clock, Log } from '../host.js'
import { isProvable, workFor } from './assembly.js'
import type { Frontier } from './frontier.js'
import type { Content, Item } from './item.js'
import { FALLBACK_SLOT } from './peer-mask.js'
import { type RateLimit, spendInTurn } from './rate-limit.js'

/** The centre over HTTP. Null stands for what the centre does not have (any more). */
export type Fallback = {
  /** Bytes of a content. */
  range(
    content: ContentId,
    offset: number,
    length: number,
    signal: AbortSignal,
  ): Promise<Uint8Array | null>
  /** Whole small contents, in the order asked for. */
  small(
    contents: readonly ContentId[],
    signal: AbortSignal,
  ): Promise<readonly (Uint8Array | null)[]>
  /** Leaf hashes with their uncles, as `ProofTree.prove` gives them. */
  hashes(content: ContentId, range: HashRange, signal: AbortSignal): Promise<Uint8Array | null>
}

/**
 * When it is asked: as a last resort, in large requests; or beside the peers, a little at a time, for metadata that holds
 * up everything else.
 */
export type FallbackUse = 'last' | 'beside'
const LANES = { last: 4, beside: 1 }
const SMALL_COUNT = { last: 256, beside: 8 }
const SMALL_BYTES = 2 * 1024 * 1024
const RANGE_BYTES = 4 * 1024 * 1024
const FIRST_PAUSE_MS = 1000
const LONGEST_PAUSE_MS = 30_000
/** Failures in a row before the download is given up. */
const MOST_FAILURES = 6
/** The same bytes wrong so often from the centre itself: it is wrong there. */
const MOST_WRONG = 3

export type LaneEvents = {
  /** Bytes of a whole small content. @returns were they right, or not needed any more? */
  small(item: Item, bytes: Uint8Array): boolean
  /** Bytes of a whole unit whose hashes are there. @returns were they right, or not needed any more? */
  unit(item: Item, bytes: Uint8Array, came: number): boolean
  /** Leaf hashes that came, in bytes. */
  hashes(bytes: number): void
  /** Hashes came that somebody waited for. */
  proved(): void
  /** The centre cannot give it. */
  gone(item: Item, why: string): void
  fail(error: unknown): void
}

export class FallbackLane {
  readonly #frontier: Frontier
  readonly #fallback: Fallback
  readonly #clock: Clock
  readonly #log: Log
  readonly #events: LaneEvents
  readonly #signal: AbortSignal
  readonly #use: FallbackUse
  readonly #limit: RateLimit
  readonly #running = new Set<Promise<void>>()
  readonly #proving = new Set<Content>()
  /** To be fetched whether peers give anything or not. */
  #urgent: Item[] = []
  #failures = 0
  #nextAtMs = 0

  constructor(parts: {
    readonly frontier: Frontier
    readonly fallback: Fallback
    readonly clock: Clock
    readonly log: Log
    readonly events: LaneEvents
    readonly signal: AbortSignal
    readonly use: FallbackUse
    readonly limit: RateLimit
  }) {
    this.#frontier = parts.frontier
    this.#fallback = parts.fallback
    this.#clock = parts.clock
    this.#log = parts.log
    this.#events = parts.events
    this.#signal = parts.signal
    this.#use = parts.use
    this.#limit = parts.limit
  }

  /** @param isDue do we still need it? Asked again after each answer. */
  start(isDue: () => boolean): void {
    while (this.#running.size < LANES[this.#use] && !this.#signal.aborted) {
      if (this.#clock.monotonic() < this.#nextAtMs) return
      const batch = this.#take(isDue)
      if (batch.length === 0) return
      const lane = this.#fetch(batch).then(() => {
        this.#running.delete(lane)
        this.start(isDue)
      })
      this.#running.add(lane)
    }
  }

  /** The centre refused it on the wire. `start` will fetch it, if nobody was asked for it by then. */
  bring(item: Item): void {
    this.#urgent.push(item)
  }

  /** Only the hashes of a unit: nobody connected has them. */
  prove(item: Item): void {
    const { content } = item
    if (this.#proving.has(content) || this.#clock.monotonic() < this.#nextAtMs) return
    this.#proving.add(content)
    this.#prove(content, item)
      .then(
        () => this.#events.proved(),
        (error: unknown) => this.#failed(error),
      )
      .finally(() => this.#proving.delete(content))
  }

  /** Small contents together, or neighbouring units of one content. */
  #take(isDue: () => boolean): Item[] {
    const now = this.#clock.monotonic()
    const first = this.#next(now, isDue)
    if (first === null) return []
    if (!first.content.isSmall) return this.#widened(first, now)
    const out = [first]
    let bytes = first.content.content.length
    while (out.length < SMALL_COUNT[this.#use] && bytes < this.#limit.atOnce(SMALL_BYTES)) {
      const item = this.#next(now, isDue)
      if (item === null) break
      if (!item.content.isSmall) {
        this.#frontier.picker.giveBack(item.thing)
        this.#urgent.push(item)
        break
      }
      out.push(item)
      bytes += item.content.content.length
    }
    return out
  }
  #next(now: number, isDue: () => boolean): Item | null {
    for (let item = this.#urgent.pop(); item !== undefined; item = this.#urgent.pop())
      if (item.thing >= 0 && this.#frontier.picker.claim(item.thing, now)) return item
    if (this.#use === 'last' && !isDue()) return null
    const thing = this.#frontier.picker.take(FALLBACK_SLOT, now)
    return thing < 0 ? null : this.#frontier.item(thing)
  }
  /** With the pending units before and behind it, within an aligned range: one request instead of many. */
  #widened(first: Item, now: number): Item[] {
    const { content } = first
    const most = Math.max(1, Math.floor(this.#limit.atOnce(RANGE_BYTES) / content.unitBytes))
    const start = Math.floor(first.unit / most) * most
    const out = [first]
    const claim = (unit: number): Item | null => {
      const item = content.items.get(unit)
      return item !== undefined && this.#frontier.picker.claim(item.thing, now) ? item : null
    }
    for (let unit = first.unit + 1; unit < start + most; unit++) {
      const item = claim(unit)
      if (item === null) break
      out.push(item)
    }
    for (let unit = first.unit - 1; unit >= start; unit--) {
      const item = claim(unit)
      if (item === null) break
      out.unshift(item)
    }
    return out
  }

  async #fetch(batch: readonly Item[]): Promise<void> {
    try {
      const [first] = batch
      if (first === undefined) return
      if (first.content.isSmall) await this.#fetchSmall(batch)
      else await this.#fetchUnits(first.content, batch)
      this.#failures = 0
    } catch (error) {
      this.#failed(error)
    } finally {
      // what is done has left the picker, the rest goes to whoever comes
      for (const item of batch) if (item.thing >= 0) this.#frontier.picker.giveBack(item.thing)
    }
  }

  #failed(error: unknown): void {
    if (this.#signal.aborted) return
    this.#failures++
    this.#log('swarm.fallback-failed', { error: messageOf(error), failures: this.#failures })
    if (this.#failures >= MOST_FAILURES || error instanceof WireError) {
      this.#events.fail(error)
      return
    }
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (this.#failures - 1))
    this.#nextAtMs = this.#clock.monotonic() + pauseMs
  }

  async #fetchSmall(batch: readonly Item[]): Promise<void> {
    const contents = batch.map((item) => item.content.content)
    await this.#spend(contents.reduce((sum, { length }) => sum + length, 0))
    const answers = await this.#fallback.small(contents, this.#signal)
    for (const [i, item] of batch.entries()) {
      const bytes = answers[i]
      if (bytes === undefined)
        throw new SocketError(`the centre gave ${answers.length} contents of ${batch.length}`)
      if (bytes === null) this.#events.gone(item, LACKS)
      else if (!this.#events.small(item, bytes)) this.#wrong(item)
    }
  }

  async #fetchUnits(content: Content, batch: readonly Item[]): Promise<void> {
    for (const item of batch) if (!(await this.#prove(content, item))) return
    const [first] = batch
    if (first === undefined) return
    if (content.missing.length > 0) {
      for (const item of batch) if (!item.isAlone) await this.#patch(content, item)
      if (batch.every((item) => item.thing < 0)) return
    }
    await this.#fetchWhole(content, first, batch)
  }

  /** A unit that a delta has most of: only what it lacks comes. If that does not make it right it comes whole. */
  async #patch(content: Content, item: Item): Promise<void> {
    const work = workFor(item)
    let came = 0
    for (const range of work.missing(RANGE_BYTES)) {
      await this.#spend(range.length)
      const offset = content.offsetOf(item.unit) + range.offset
      const bytes = await this.#fallback.range(content.content, offset, range.length, this.#signal)
      if (bytes === null || bytes.length !== range.length) return
      work.put(range.offset, bytes, null)
      came += bytes.length
    }
    if (item.thing >= 0 && !this.#events.unit(item, work.flush(), came)) item.isAlone = true
  }

  async #fetchWhole(content: Content, first: Item, units: readonly Item[]): Promise<void> {
    const batch = units.filter((item) => item.thing >= 0)
    const offset = content.offsetOf(first.unit)
    const last = units[units.length - 1] ?? first
    const length = content.offsetOf(last.unit) + content.lengthOf(last.unit) - offset
    await this.#spend(length)
    const bytes = await this.#fallback.range(content.content, offset, length, this.#signal)
    if (bytes === null) {
      this.#events.gone(first, LACKS)
      return
    }
    if (bytes.length !== length)
      throw new SocketError(`the centre gave ${bytes.length} bytes of ${length}`)
    for (const item of batch) {
      const start = content.offsetOf(item.unit) - offset
      const unit = bytes.subarray(start, start + content.lengthOf(item.unit))
      if (!this.#events.unit(item, unit, unit.length)) this.#wrong(item)
    }
  }

  /** The budget is that of all that comes, peers or not. */
  #spend(bytes: number): Promise<void> {
    return spendInTurn(this.#limit, bytes, this.#clock, this.#signal)
  }

  /** Fetches the hashes of a unit that are not there. @returns are they there now? */
  async #prove(content: Content, item: Item): Promise<boolean> {
    if (isProvable(content, item.unit)) return true
    const [first, last] = content.runsOf(item.unit)
    for (let run = first; run <= last; run++) {
      const range = content.hashes?.rangeOf(run)
      if (range === undefined || content.hashes?.has(run) === true) continue
      const packed = await this.#fallback.hashes(content.content, range, this.#signal)
      if (packed === null) {
        this.#events.gone(item, LACKS)
        return false
      }
      this.#events.hashes(packed.length)
      if (content.hashes?.put(run, packed) === true) continue
      this.#wrong(item)
      return false
    }
    return true
  }

  /** Wrong bytes from the centre: perhaps damaged on the way, so it is asked a few times. */
  #wrong(item: Item): void {
    const why = 'bytes from the centre do not lead to their root'
    this.#log('swarm.fallback-wrong', { root: rootHex(item.content.content.root) })
    if (++item.failures >= MOST_WRONG) this.#events.gone(item, why)
  }
}

const LACKS = 'the centre does not have it any more'
