/**
 * Fetching: wanted contents → neighbours → verified units → the sink. Peers first; the centre over HTTP when they give
 * nothing for ten seconds. Everything is driven by what arrives and by `tick`; nothing here waits.
 */
import { SocketError } from '../base/errors.js'
import { type HashRange, LEAF_BYTES } from '../hash/merkle.js'
import { type ContentId, type Root, rootHex } from '../hash/root.js'
import type { Clock, ContentSink, Log, Random } from '../host.js'
import { Asking, cancelRequest, closeRequest, giveUp } from './asking.js'
import { AskingCentre } from './asking-centre.js'
import { badLeaves, holdingOf, isContent, isProvable, mend } from './assembly.js'
import { type Fallback, FallbackLane, type FallbackUse } from './fallback-lane.js'
import { Frontier } from './frontier.js'
import { HashDesk } from './hash-desk.js'
import type { Holders } from './holders.js'
import type { Content, Item, Neighbour, Request, Wanted } from './item.js'
import { FALLBACK_SLOT } from './peer-mask.js'
import type { Have, RootHint, UnitRange } from './peer-port.js'
import type { RateLimit } from './rate-limit.js'
import { countUseful, countWasted, type Tally } from './tally.js'
import { rangesOf } from './unit-set.js'
import type { OnTheWay } from './upload.js'

/** A neighbour that is silent for so long is not asked any more until it answers. */
const STALL_MS = 8000
/** Silent for so long with requests open, it is given up. */
const DEAD_MS = 60_000
/** No bytes from anyone for so long: the fallback. */
const NO_PROGRESS_MS = 10_000
/** What the centre does not have and peers said they have, but do not give. */
const LACKING_MS = 60_000
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
  readonly sink: ContentSink
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
  /** Items that are whole and wait for their hashes. */
  readonly #waiting = new Set<Item>()
  /** Items that the centre does not have: only a peer can give them. */
  readonly #lacking = new Map<Item, { readonly sinceMs: number; readonly why: string }>()

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
    const { clock, random, holders, log, limit } = this.#parts
    const scope = new AbortController()
    const frontier = new Frontier({ wanted, sink, holders, hasFallback: fallback !== null, random })
    const asking = new Asking({
      frontier,
      limit,
      isWhole: (item) => this.#whole(item),
      needsHashes: (item, neighbour) => this.#hashDesk.need(item, neighbour),
    })
    const lane =
      fallback === null
        ? null
        : new FallbackLane({
            frontier,
            fallback,
            clock,
            log,
            signal: scope.signal,
            use,
            limit,
            events: {
              small: (item, bytes) =>
                this.#guarded(() => this.#smallFromCentre(item, bytes)) === true,
              unit: (item, bytes, came) =>
                this.#guarded(() => this.#unitFromCentre(item, bytes, came)) === true,
              hashes: (bytes) => {
                this.#parts.tally.hashes += bytes
              },
              proved: () => this.#proveWaiting(),
              gone: (item, why) => this.#gone(item, why),
              fail: (error) => this.#job?.end(error),
            },
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
      this.#job = { frontier, asking, lane, sink, end, done }
      this.#guarded(() => this.#advance())
      this.tick(clock.monotonic())
    })
  }

  /** What stands open at neighbours is for nobody. */
  #abandon(): void {
    const job = this.#job
    this.#job = null
    this.#waiting.clear()
    this.#lacking.clear()
    if (job === null) return
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
    if (this.#job === null || request.item.thing < 0 || request.item.isWaiting)
      this.#parts.tally.wasted += bytes.length
    else this.#guarded(() => this.#came(neighbour, request, bytes))
    this.#ask(neighbour, now)
  }

  #came(neighbour: Neighbour, request: Request, bytes: Uint8Array): void {
    const { item } = request
    this.#usefulMs = neighbour.heardMs
    if (!neighbour.isCentre) this.#asksCentre.peersGave(neighbour.heardMs)
    if (item.work === null) {
      if (bytes.length !== item.content.content.length) this.#parts.tally.wasted += bytes.length
      else {
        take(item, neighbour, bytes.length)
        this.#small(item, bytes, neighbour)
      }
      return
    }
    if (this.#isProved(item, bytes)) {
      take(item, neighbour, bytes.length)
      this.#put(item, bytes)
      return
    }
    if (!item.work.put(request.offset, Uint8Array.from(bytes), neighbour)) {
      this.#parts.tally.wasted += bytes.length
      this.#job?.asking.settle(item)
      return
    }
    take(item, neighbour, bytes.length)
    if (item.takers.length > 1) this.#job?.asking.cancel(item, request, neighbour)
    if (item.work.isWhole) this.#whole(item)
    else this.#job?.asking.settle(item)
  }

  /** A whole unit in one answer, and right: it is written from where it came, not gathered first. */
  #isProved({ content, unit }: Item, bytes: Uint8Array): boolean {
    if (content.isSmall || bytes.length !== content.lengthOf(unit)) return false
    return isProvable(content, unit) && badLeaves(content, unit, bytes).length === 0
  }

  /** All bytes of an item are there. */
  #whole(item: Item): void {
    if (item.content.isSmall) {
      const sender = soleSender(item)
      if (item.work !== null) this.#small(item, item.work.flush(), sender)
      return
    }
    item.isWaiting = true
    if (isProvable(item.content, item.unit)) this.#prove(item)
    else this.#waiting.add(item)
  }

  /** @param sender who alone sent all of it, or null. */
  #small(item: Item, bytes: Uint8Array, sender: Neighbour | null): boolean {
    const { content } = item.content
    if (isContent(content, bytes)) {
      this.#job?.sink.small(content, Uint8Array.from(bytes))
      this.#done(item)
      return true
    }
    countWasted(this.#parts.tally, item.got)
    this.#again(item)
    item.isAlone = true
    if (sender !== null) this.#parts.ban(sender, `wrong bytes for ${rootHex(content.root)}`)
    return false
  }

  /** A unit against its hashes. */
  #prove(item: Item): void {
    const { content, unit, work } = item
    this.#waiting.delete(item)
    if (work === null) return
    const bytes = work.flush()
    const bad = badLeaves(content, unit, bytes)
    if (bad.length === 0) {
      this.#put(item, bytes)
      return
    }
    const culprits = new Set<Neighbour>()
    for (const leaf of bad) {
      const sender = work.senderOf(leaf)
      if (sender !== null) culprits.add(sender)
    }
    this.#again(item)
    item.work = mend(bytes, bad)
    for (const sender of culprits)
      this.#parts.ban(sender, `a wrong leaf of ${rootHex(content.content.root)}`)
  }

  #put(item: Item, bytes: Uint8Array): void {
    const { content, unit } = item
    content.partial?.write(content.offsetOf(unit), bytes)
    content.partial?.mark(unit)
    this.#parts.offerUnit(content.content, unit)
    this.#done(item)
  }

  #smallFromCentre(item: Item, bytes: Uint8Array): boolean {
    const isRight = item.thing >= 0 && isContent(item.content.content, bytes)
    return this.#fromCentre(item, bytes.length, isRight, () => {
      this.#job?.sink.small(item.content.content, Uint8Array.from(bytes))
      this.#done(item)
    })
  }
  /** @param came bytes of it that came now; a delta may have had the rest */
  #unitFromCentre(item: Item, bytes: Uint8Array, came: number): boolean {
    const isRight = item.thing >= 0 && badLeaves(item.content, item.unit, bytes).length === 0
    return this.#fromCentre(item, came, isRight, () => this.#put(item, bytes))
  }
  /** Bytes over HTTP, which may come when they are not needed any more. @returns false: they are wrong. */
  #fromCentre(item: Item, came: number, isRight: boolean, deliver: () => void): boolean {
    const { tally } = this.#parts
    if (!isRight) {
      tally.wasted += came
      return item.thing < 0
    }
    countWasted(tally, item.got)
    tally.centreHttp += came
    deliver()
    return true
  }

  /** The centre does not have it: unless a peer gives it, it cannot be had. */
  #gone(item: Item, why: string): void {
    if (item.thing < 0) return
    this.#job?.frontier.picker.lose(item.thing, FALLBACK_SLOT)
    if (!this.#lacking.has(item))
      this.#lacking.set(item, { sinceMs: this.#parts.clock.monotonic(), why })
  }
  #giveUpLacking(job: Job, now: number): void {
    for (const [item, { sinceMs, why }] of this.#lacking) {
      const mayCome = job.frontier.picker.rarity(item.thing) > 0 && now - sinceMs < LACKING_MS
      if (item.thing >= 0 && (item.asked > 0 || mayCome)) continue
      this.#lacking.delete(item)
      if (item.thing >= 0) this.#lost(job, item.content, why)
    }
  }
  #lost(job: Job, content: Content, why: string): void {
    for (const item of content.items.values()) {
      job.asking.cancel(item, null, null)
      this.#waiting.delete(item)
      countWasted(this.#parts.tally, item.got)
    }
    job.frontier.lost(content)
    retire(content)
    if (job.sink.lost === undefined)
      throw new SocketError(`${rootHex(content.content.root)}: ${why}`)
    job.sink.lost(content.content, why)
    this.#advance()
  }

  #done(item: Item): void {
    const job = this.#job
    if (job === null) return
    countUseful(this.#parts.tally, item.got, item.content.lengthOf(item.unit))
    if (item.asked > 0) job.asking.cancel(item, null, null)
    if (job.frontier.done(item)) retire(item.content)
    this.#advance()
  }

  /** It has to be fetched again. */
  #again(item: Item): void {
    const job = this.#job
    if (job === null) return
    job.asking.cancel(item, null, null)
    item.takers = []
    item.work = null
    item.isWaiting = false
    this.#waiting.delete(item)
    item.failures++
    job.frontier.picker.giveBack(item.thing)
  }

  // Leaf hashes.

  hashes(neighbour: Neighbour, root: Root, range: HashRange, packed: Uint8Array): void {
    this.#parts.tally.hashes += packed.length
    neighbour.heardMs = this.#parts.clock.monotonic()
    const content = this.#job?.frontier.content(root) ?? null
    if (content !== null && this.#hashDesk.came(neighbour, content, range, packed))
      this.#proveWaiting()
  }
  #proveWaiting(): void {
    this.#guarded(() => {
      for (const item of this.#waiting) if (isProvable(item.content, item.unit)) this.#prove(item)
    })
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
    this.#guarded(() => this.#giveUpLacking(job, now))
    this.#guarded(() => job.lane?.start(() => this.#needsFallback()))
  }

  #ask(neighbour: Neighbour, now: number): void {
    const job = this.#job
    if (job === null || this.#waiting.size > MOST_WAITING) return
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
    for (const item of this.#waiting) {
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

function take(item: Item, from: Neighbour, bytes: number): void {
  if (from.isCentre) item.got.centre += bytes
  else item.got.peers += bytes
}

/** The one who sent all blocks of a small content, or null. */
function soleSender(item: Item): Neighbour | null {
  const { work } = item
  const first = work?.senderOf(0) ?? null
  const leaves = Math.ceil(item.content.content.length / LEAF_BYTES)
  for (let leaf = 1; leaf < leaves; leaf++) if (work?.senderOf(leaf) !== first) return null
  return first
}

function retire(content: Content): void {
  for (const [neighbour, handles] of content.handles) {
    const bound = handles.filter((handle) => handle !== undefined) // windows that were never asked for
    for (const handle of bound) neighbour.handles.retire(handle)
    neighbour.peer.unbind(bound)
  }
  content.handles.clear()
}

/** A promise and its end. Node 20 has no Promise.withResolvers. */
function settled(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => undefined
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}
