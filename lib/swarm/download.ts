/**
 * Fetching: wanted contents → neighbours → verified units → the sink. Peers first; the centre over HTTP when they give
 * nothing for ten seconds. Everything is driven by what arrives and by `tick`; nothing here waits.
 */
import type { HashRange } from '../hash/merkle.js'
import type { ContentId, Root } from '../hash/root.js'
import type { Clock, ContentSink, Log, Random } from '../host.js'
import { Asking, cancelRequest, closeRequest, giveUp } from './asking.js'
import { AskingCentre } from './asking-centre.js'
import { holdingOf } from './assembly.js'
import { Delivery, retire } from './delivery.js'
import { type Fallback, FallbackLane, type FallbackUse, type LaneEvents } from './fallback-lane.js'
import { Frontier } from './frontier.js'
import { HashDesk } from './hash-desk.js'
import type { Holders } from './holders.js'
import type { Neighbour, Wanted } from './item.js'
import type { Have, RootHint, UnitRange } from './peer-port.js'
import type { RateLimit } from './rate-limit.js'
import { countWasted, type Tally } from './tally.js'
import { rangesOf } from './unit-set.js'
import type { OnTheWay } from './upload.js'

/** A neighbour that is silent for so long is not asked any more until it answers. */
const STALL_MS = 8000
/** Silent for so long with requests open, it is given up. */
const DEAD_MS = 60_000
/** No bytes from anyone for so long: the fallback. */
const NO_PROGRESS_MS = 10_000
/** Units in memory whose hashes nobody gave yet (64 MiB at 64 KiB): no more is asked for. */
const MOST_WAITING = 1024
/** The end game is for so many items. */
const LAST_ITEMS = 32

export type DownloadParts = {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly limit: RateLimit
  readonly holders: Holders
  readonly tally: Tally
  readonly neighbours: () => Iterable<Neighbour>
  /** Are there neighbours, or may there be some soon? */
  readonly isHopeful: () => boolean
  readonly ban: (neighbour: Neighbour, evidence: string) => void
  /** A unit of a large content can be offered. */
  readonly offerUnit: (content: ContentId, unit: number) => void
}

type Job = {
  readonly frontier: Frontier
  readonly asking: Asking
  readonly lane: FallbackLane | null
  readonly delivery: Delivery
  readonly end: (error: unknown) => void
  readonly done: () => void
}

export class Download {
  readonly #parts: DownloadParts
  readonly #hashDesk: HashDesk
  readonly #asksCentre = new AskingCentre()
  #job: Job | null = null
  /** Downloads wait for the one before. */
  #turn: Promise<void> = Promise.resolve()
  #usefulMs = 0
  #forgivenMs = 0

  constructor(parts: DownloadParts) {
    this.#parts = parts
    this.#hashDesk = new HashDesk({
      clock: parts.clock,
      neighbours: parts.neighbours,
      holds: (neighbour, item) =>
        this.#job?.frontier.picker.has(item.thing, neighbour.slot) === true,
      ban: parts.ban,
    })
  }

  /** Settles when all is with the sink. */
  async run(
    wanted: Iterable<Wanted>,
    sink: ContentSink,
    fallback: Fallback | null,
    use: FallbackUse,
    signal: AbortSignal,
  ): Promise<void> {
    const before = this.#turn
    const { promise, resolve } = settled()
    this.#turn = promise
    await before
    try {
      signal.throwIfAborted()
      await this.#fetch(wanted, sink, fallback, use, signal)
    } finally {
      resolve()
    }
  }

  #fetch(
    wanted: Iterable<Wanted>,
    sink: ContentSink,
    fallback: Fallback | null,
    use: FallbackUse,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, random, holders, log, limit, tally, ban, offerUnit } = this.#parts
    const scope = new AbortController()
    const frontier = new Frontier({ wanted, sink, holders, hasFallback: fallback !== null, random })
    const asking = new Asking({
      frontier,
      limit,
      isWhole: (item) => delivery.whole(item),
      needsHashes: (item, neighbour) => this.#hashDesk.need(item, neighbour),
    })
    const delivery = new Delivery({
      ...{ frontier, asking, sink, clock },
      ...{ tally, ban, offerUnit },
      advance: () => this.#advance(),
    })
    const lane =
      fallback === null
        ? null
        : new FallbackLane({
            ...{ frontier, fallback, clock, log, limit, use },
            signal: scope.signal,
            events: this.#laneEvents(delivery),
          })
    this.#usefulMs = clock.monotonic()
    this.#asksCentre.peersGave(this.#usefulMs)
    return new Promise((resolve, reject) => {
      const stop = (): void => end(signal.reason)
      const leave = (): void => {
        signal.removeEventListener('abort', stop)
        this.#abandon()
        scope.abort()
      }
      const end = (error: unknown): void => {
        leave()
        reject(error)
      }
      const done = (): void => {
        leave()
        resolve()
      }
      signal.addEventListener('abort', stop, { once: true })
      this.#job = { frontier, asking, lane, delivery, end, done }
      this.#guarded(() => this.#advance())
      this.tick(clock.monotonic())
    })
  }

  #laneEvents(delivery: Delivery): LaneEvents {
    const { tally } = this.#parts
    // What comes when all is over is for nobody.
    const deliver = <T>(action: () => T): T | null =>
      this.#job?.delivery === delivery ? this.#guarded(action) : null
    return {
      small: (item, bytes) => deliver(() => delivery.smallFromCentre(item, bytes)) === true,
      unit: (item, bytes, came) =>
        deliver(() => delivery.unitFromCentre(item, bytes, came)) === true,
      hashes: (bytes) => {
        tally.hashes += bytes
      },
      proved: () => void deliver(() => delivery.proveWaiting()),
      gone: (item, why) => void deliver(() => delivery.gone(item, why)),
      fail: (error) => this.#job?.end(error),
    }
  }

  /** What stands open at neighbours is for nobody. */
  #abandon(): void {
    const job = this.#job
    this.#job = null
    if (job === null) return
    job.delivery.clear()
    for (const item of job.frontier.items()) countWasted(this.#parts.tally, item.got)
    for (const neighbour of this.#parts.neighbours()) {
      neighbour.partly.length = 0
      for (const request of neighbour.open.values()) {
        cancelRequest(neighbour, request)
        request.item.thing = -1
      }
    }
    for (const content of job.frontier.contents) retire(content)
  }

  /** A sink that fails (the disk is full) ends the download, not the connection the bytes came by. */
  #guarded<T>(action: () => T): T | null {
    try {
      return action()
    } catch (error) {
      this.#job?.end(error)
      return null
    }
  }

  /** Takes up more, asks, or sees that all is done. */
  #advance(): void {
    const job = this.#job
    if (job === null) return
    job.frontier.widen()
    if (job.frontier.isDone) {
      job.done()
      return
    }
    if (job.frontier.wants.hasNews) this.#tellCentre(job, this.#parts.clock.monotonic())
  }

  /** A content that is not whole, as far as it can be read. */
  onTheWay(root: Root): OnTheWay | null {
    const content = this.#job?.frontier.content(root) ?? null
    return content === null ? null : holdingOf(content)
  }

  /** The units of contents that are not whole: for a new neighbour. */
  unitsHere(): Have['parts'] {
    const out: { hint: RootHint; ranges: UnitRange[] }[] = []
    for (const content of this.#job?.frontier.contents ?? []) {
      const { partial } = content
      if (partial === null) continue
      const units = Array.from({ length: content.nextUnit }, (_, unit) => unit)
      const ranges = rangesOf(units.filter((unit) => partial.isMarked(unit)))
      if (ranges.length > 0) out.push({ hint: content.hint, ranges })
    }
    return out
  }

  // What neighbours say. Handlers return at once; a failing sink ends the download.

  join(neighbour: Neighbour): void {
    if (this.#job !== null && neighbour.isCentre)
      this.#tellCentre(this.#job, this.#parts.clock.monotonic())
  }
  have(neighbour: Neighbour, have: Have): void {
    if (this.#job === null) return
    this.#job.frontier.have(neighbour, have)
    this.#ask(neighbour, this.#parts.clock.monotonic())
  }
  drop(neighbour: Neighbour, hints: readonly RootHint[]): void {
    this.#job?.frontier.drop(neighbour, hints)
  }
  choked(neighbour: Neighbour): void {
    neighbour.isChoking = true
    if (neighbour.isCentre) this.#job?.frontier.revoked(neighbour)
  }
  unchoked(neighbour: Neighbour): void {
    neighbour.isChoking = false
    this.#ask(neighbour, this.#parts.clock.monotonic())
  }
  leave(neighbour: Neighbour): void {
    for (const request of neighbour.open.values()) this.#job?.asking.undo(neighbour, request)
    for (const item of [...neighbour.partly]) this.#job?.asking.release(neighbour, item)
    this.#job?.frontier.leave(neighbour)
  }

  rejected(neighbour: Neighbour, handle: number, begin: number): void {
    const job = this.#job
    const request = closeRequest(neighbour, handle, begin)
    if (job === null || request === null || request.item.thing < 0) return
    if (request.isStale) return
    job.asking.undo(neighbour, request)
    if (neighbour.isChoking) return
    job.frontier.refused(request.item, neighbour)
    if (neighbour.isCentre) job.lane?.bring(request.item)
  }

  piece(neighbour: Neighbour, handle: number, begin: number, bytes: Uint8Array): void {
    const now = this.#parts.clock.monotonic()
    const request = closeRequest(neighbour, handle, begin)
    if (request === null || request.length !== bytes.length) {
      neighbour.peer.close('bytes that were not asked for')
      return
    }
    giveUp(request)
    neighbour.heardMs = now
    neighbour.isStalled = false
    neighbour.down.add(bytes.length)
    const job = this.#job
    if (job === null || request.item.thing < 0 || request.item.isWaiting)
      this.#parts.tally.wasted += bytes.length
    else {
      this.#usefulMs = now
      if (!neighbour.isCentre) this.#asksCentre.peersGave(now)
      this.#guarded(() => job.delivery.came(neighbour, request, bytes))
    }
    this.#ask(neighbour, now)
  }

  // Leaf hashes.

  hashes(neighbour: Neighbour, root: Root, range: HashRange, packed: Uint8Array): void {
    this.#parts.tally.hashes += packed.length
    neighbour.heardMs = this.#parts.clock.monotonic()
    const job = this.#job
    const content = job?.frontier.content(root) ?? null
    if (job !== null && content !== null && this.#hashDesk.came(neighbour, content, range, packed))
      this.#guarded(() => job.delivery.proveWaiting())
  }
  hashRejected(neighbour: Neighbour, root: Root, range: HashRange): void {
    const content = this.#job?.frontier.content(root) ?? null
    if (content === null || !this.#hashDesk.rejected(neighbour, content, range)) return
    for (const item of content.items.values())
      if (item.takers.length > 0 || item.isWaiting) this.#hashDesk.need(item, null)
  }

  // Time.

  /** Several times a second. */
  tick(now: number): void {
    const job = this.#job
    if (job === null) return
    for (const neighbour of this.#parts.neighbours()) {
      this.#watch(neighbour, now)
      this.#ask(neighbour, now)
    }
    if (this.#job !== job) return
    this.#chaseHashes(job, now)
    this.#endGame(job, now)
    this.#tellCentre(job, now)
    this.#guarded(() => job.delivery.giveUpLacking(now))
    this.#guarded(() => job.lane?.start(() => this.#needsFallback()))
  }

  #ask(neighbour: Neighbour, now: number): void {
    const job = this.#job
    if (job === null || job.delivery.waiting.size > MOST_WAITING) return
    this.#guarded(() => job.asking.fill(neighbour, now))
  }

  #needsFallback(): boolean {
    if (!this.#parts.isHopeful()) return true
    return this.#parts.clock.monotonic() - this.#usefulMs >= NO_PROGRESS_MS
  }

  /** Something we would ask this neighbour for, were we served. */
  isInterestedIn(neighbour: Neighbour): boolean {
    const job = this.#job
    if (job === null) return false
    if (neighbour.open.size > 0 || neighbour.partly.length > 0) return true
    if (neighbour.isCentre && job.frontier.wants.isWaiting) return true
    return job.frontier.picker.isWanted(neighbour.slot)
  }

  #watch(neighbour: Neighbour, now: number): void {
    if (neighbour.open.size === 0) return
    if (now - neighbour.heardMs >= DEAD_MS) {
      neighbour.peer.close('no answer')
      return
    }
    if (now - neighbour.heardMs < STALL_MS || neighbour.isStalled) return
    neighbour.isStalled = true
    for (const request of neighbour.open.values()) this.#job?.asking.undo(neighbour, request)
    for (const item of [...neighbour.partly]) this.#job?.asking.release(neighbour, item)
  }

  #chaseHashes(job: Job, now: number): void {
    const isForgiving = now - this.#forgivenMs > 1000
    if (isForgiving) this.#forgivenMs = now
    for (const item of job.delivery.waiting) {
      if (isForgiving) item.content.hashless.clear() // who had none may have them now
      this.#hashDesk.need(item, null)
      if (this.#hashDesk.whoHas(item, null) === null) job.lane?.prove(item)
    }
  }

  #endGame(job: Job, now: number): void {
    const { picker } = job.frontier
    if (!job.frontier.isExhausted || picker.available > 0 || picker.size > LAST_ITEMS) return
    for (const neighbour of this.#parts.neighbours()) job.asking.askAgain(neighbour, now)
  }

  #tellCentre(job: Job, now: number): void {
    for (const neighbour of this.#parts.neighbours()) {
      if (!neighbour.isCentre) continue
      this.#asksCentre.tell(job.frontier, neighbour, now)
      return
    }
  }
}

/** A promise and its end. Node 20 has no Promise.withResolvers. */
function settled(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => undefined
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}
