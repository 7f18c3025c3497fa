/**
 * What the centre gives to whom: least sent first, each unit out once before any goes twice. docs/architecture.md, the
 * swarm §5. Nodes say what they lack (WANT); the centre answers each with the units that it may fetch here (grants, told
 * by HAVE). Pure: connections are numbers, time is passed in.
 *
 * A second copy goes out only when nobody offered the first one on within twice the time that usually takes, or when a
 * node still lacks it long after: a node that cannot reach the ones that have it must end too. And at once to a node that
 * says again that it wants it: it gets nothing from anyone, and a copy costs less than its waiting.
 */
import type { ContentId } from '../hash/root.js'
import { hintOf } from './holders.js'
import type { RootHint } from './peer-port.js'

/** Grants one node may have unused: enough for its line, not more than others could send in its place. */
const FIRST_WINDOW = 16
const LAST_WINDOW = 4096
/** A window's worth fetched faster than this doubles it, slower than that halves it. */
const FAST_MS = 1000
const SLOW_MS = 4000
/** A grant that was not used for so long is given to others: the node gave up, or has it from elsewhere. */
const UNUSED_MS = 30_000
/** What passing a unit on takes before it was measured; no less is believed: HAVEs go once a second. */
const FIRST_EXPECTED_MS = 3000
const LEAST_EXPECTED_MS = 2000
/** A node that lacks what others offer for so long gets it here, if it does not say before that it starves. */
const STARVED_MS = 60_000

export type Grant = { readonly content: ContentId; readonly unit: number }

type Unit = {
  readonly content: ContentId
  readonly unit: number
  /** Copies granted or sent. */
  sent: number
  sentAtMs: number
  /** Who was granted it last. */
  sentTo: number
  /** Connections that said they have it. */
  offers: number
  offeredAtMs: number
  /** Connections that want it. */
  wanters: number
}
type Want = {
  readonly sinceMs: number
  state: 'fresh' | 'rest' | 'granted'
  /** Said again: the node has nothing else to wait for. */
  isUrgent: boolean
}
/** `fresh` may be granted as far as we know, `rest` waits for others to offer it on, `granted` is promised. */
type Asker = {
  readonly wants: Map<Unit, Want>
  fresh: Unit[]
  readonly granted: Map<Unit, number>
  window: number
  /** Grants used since then. */
  used: number
  usedSinceMs: number
}

export class Seeding {
  readonly #units = new Map<RootHint, Map<number, Unit>>()
  readonly #askers = new Map<number, Asker>()
  #expectedMs = FIRST_EXPECTED_MS
  /** Askers that want something. */
  #active = 0

  /** Copies of units granted so far beyond the first. */
  repeats = 0

  /** @param offers how many others said that they have it */
  want(slot: number, content: ContentId, unit: number, offers: number, now: number): void {
    let asker = this.#askers.get(slot)
    if (asker === undefined) {
      asker = {
        wants: new Map(),
        fresh: [],
        granted: new Map(),
        window: FIRST_WINDOW,
        used: 0,
        usedSinceMs: now,
      }
      this.#askers.set(slot, asker)
    }
    const entry = this.#enter(content, unit, offers, now)
    const known = asker.wants.get(entry)
    if (known !== undefined) {
      this.#urge(asker, entry, known)
      return
    }
    if (asker.wants.size === 0) this.#active++
    asker.wants.set(entry, { sinceMs: now, state: 'fresh', isUrgent: false })
    // what came from others meanwhile stands here still
    if (asker.fresh.length > 2 * asker.wants.size)
      asker.fresh = asker.fresh.filter((one) => asker.wants.get(one)?.state === 'fresh')
    asker.fresh.push(entry)
    entry.wanters++
  }

  /** The node waits for nothing else: it gets it now, whoever else has it. A grant of it was lost on the way. */
  #urge(asker: Asker, entry: Unit, want: Want): void {
    want.isUrgent = true
    if (want.state === 'granted') this.#takeBack(asker, entry)
    if (want.state !== 'rest') return
    want.state = 'fresh'
    asker.fresh.push(entry)
  }

  /** How much this connection wants: the caller bounds it. */
  wantCount(slot: number): number {
    return this.#askers.get(slot)?.wants.size ?? 0
  }
  wants(slot: number, content: ContentId, unit: number): boolean {
    const entry = this.#units.get(hintOf(content))?.get(unit)
    return entry !== undefined && this.#askers.get(slot)?.wants.has(entry) === true
  }

  /** A connection said that it has this. */
  offered(slot: number, hint: RootHint, unit: number, now: number): void {
    const entry = this.#units.get(hint)?.get(unit)
    if (entry !== undefined) this.#offer(slot, entry, now)
  }
  /** A connection said that it has the whole content. */
  offeredWhole(slot: number, hint: RootHint, now: number): void {
    for (const entry of this.#units.get(hint)?.values() ?? []) this.#offer(slot, entry, now)
  }
  #offer(slot: number, entry: Unit, now: number): void {
    entry.offeredAtMs = now
    if (entry.offers++ === 0 && entry.sentTo === slot) {
      const tookMs = now - entry.sentAtMs
      this.#expectedMs += (tookMs - this.#expectedMs) / 16
      this.#expectedMs = Math.max(LEAST_EXPECTED_MS, this.#expectedMs)
    }
    this.#settle(slot, entry, now)
  }

  /** It was fetched here to the last byte. It still counts for the time until it is offered on. */
  served(slot: number, content: ContentId, unit: number, now: number): void {
    const entry = this.#units.get(hintOf(content))?.get(unit)
    if (entry !== undefined) this.#settle(slot, entry, now)
  }

  /** The connection is served no more: what it was granted and did not fetch is free for others, and wanted still. */
  revoke(slot: number): void {
    const asker = this.#askers.get(slot)
    if (asker === undefined) return
    for (const entry of asker.granted.keys()) this.#takeBack(asker, entry)
    asker.window = FIRST_WINDOW
  }

  /** The connection is gone, with what it offered. */
  leave(slot: number, offersOf: (content: ContentId, unit: number) => number): void {
    this.revoke(slot)
    const asker = this.#askers.get(slot)
    this.#askers.delete(slot)
    if (asker !== undefined && asker.wants.size > 0) this.#active--
    for (const entry of asker?.wants.keys() ?? []) entry.wanters--
    for (const units of this.#units.values())
      for (const entry of units.values()) {
        entry.offers = offersOf(entry.content, entry.unit)
        // the only one that got it is gone, perhaps with it
        if (entry.offers === 0 && entry.sentTo === slot) entry.sent = 0
      }
  }

  /** What this connection may fetch now, beyond what it was granted before. */
  grant(slot: number, now: number): Grant[] {
    const asker = this.#askers.get(slot)
    if (asker === undefined || asker.wants.size === 0) return []
    const alone = this.#active === 1
    // towards the end the rest is shared out in ever smaller shares: nobody sits on what all others wait for
    const share = Math.max(2, Math.ceil(asker.fresh.length / (2 * this.#active)))
    const window = alone ? asker.window : Math.min(asker.window, share)
    if (asker.granted.size * 2 > window) return []
    const out: Grant[] = []
    const left: Unit[] = []
    let at = 0
    for (; at < asker.fresh.length && asker.granted.size < window; at++) {
      const entry = asker.fresh[at]
      const want = entry && asker.wants.get(entry)
      if (entry === undefined || want === undefined || want.state !== 'fresh') continue
      if (!alone && !want.isUrgent && !this.#isDue(entry, want.sinceMs, now)) {
        want.state = 'rest'
        continue
      }
      want.state = 'granted'
      want.isUrgent = false
      asker.granted.set(entry, now)
      if (entry.sent++ > 0) this.repeats++
      entry.sentAtMs = now
      entry.sentTo = slot
      out.push({ content: entry.content, unit: entry.unit })
    }
    for (; at < asker.fresh.length; at++) {
      const entry = asker.fresh[at]
      if (entry !== undefined) left.push(entry)
    }
    asker.fresh = left
    return out
  }

  /** Once a second: what waited for others and came due is fresh again. */
  review(now: number): void {
    for (const asker of this.#askers.values()) {
      for (const [entry, grantedAt] of asker.granted)
        if (now - grantedAt > UNUSED_MS) this.#expire(asker, entry)
      for (const [entry, want] of asker.wants) {
        if (want.state !== 'rest' || !this.#isDue(entry, want.sinceMs, now)) continue
        want.state = 'fresh'
        asker.fresh.push(entry)
      }
    }
    for (const [hint, units] of this.#units) {
      for (const [unit, entry] of units)
        if (entry.wanters === 0 && now - entry.sentAtMs > 2 * this.#expectedMs) units.delete(unit)
      if (units.size === 0) this.#units.delete(hint)
    }
  }

  #isDue(entry: Unit, wantedSinceMs: number, now: number): boolean {
    if (entry.offers > 0)
      return now - Math.max(wantedSinceMs, entry.offeredAtMs, entry.sentAtMs) > STARVED_MS
    return entry.sent === 0 || now - entry.sentAtMs > 2 * this.#expectedMs
  }

  #enter(content: ContentId, unit: number, offers: number, now: number): Unit {
    let units = this.#units.get(hintOf(content))
    if (units === undefined) {
      units = new Map()
      this.#units.set(hintOf(content), units)
    }
    let entry = units.get(unit)
    if (entry === undefined) {
      entry = {
        content,
        unit,
        sent: 0,
        sentAtMs: now,
        offers,
        offeredAtMs: now,
        wanters: 0,
        sentTo: -1,
      }
      units.set(unit, entry)
    }
    return entry
  }

  /** The connection has it, or took all of it: nothing of its want is left. Its count of copies is kept for a while. */
  #settle(slot: number, entry: Unit, now: number): void {
    const asker = this.#askers.get(slot)
    if (asker === undefined || !asker.wants.delete(entry)) return
    if (asker.granted.delete(entry)) use(asker, now)
    if (asker.wants.size === 0) this.#active--
    entry.wanters--
  }
  #expire(asker: Asker, entry: Unit): void {
    asker.granted.delete(entry)
    entry.sent--
    asker.wants.delete(entry)
    if (asker.wants.size === 0) this.#active--
    entry.wanters--
  }
  #takeBack(asker: Asker, entry: Unit): void {
    asker.granted.delete(entry)
    entry.sent--
    const want = asker.wants.get(entry)
    if (want === undefined) return
    want.state = 'fresh'
    asker.fresh.push(entry)
  }
}

/** A grant was used. The window follows the node's own speed: it holds one to four seconds of it. */
function use(asker: Asker, now: number): void {
  if (++asker.used < asker.window) return
  const took = now - asker.usedSinceMs
  asker.used = 0
  asker.usedSinceMs = now
  if (took < FAST_MS) asker.window = Math.min(LAST_WINDOW, asker.window * 2)
  else if (took > SLOW_MS) asker.window = Math.max(FIRST_WINDOW, asker.window / 2)
}
