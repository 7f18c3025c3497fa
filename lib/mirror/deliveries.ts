/**
 * What the centre did with its clients, counted since it started: for the status pages and for metrics. Bounded; nothing is kept of a
 * client but the kind of its program. Bytes are of files, as clients that break off are not seen; times milliseconds since the epoch.
 */
import type { AnswerNote } from '../base/http.js'
import type { ClientClass } from './client-class.js'
import type { Evidence } from './health.js'

export type Decided = AnswerNote & {
  readonly atMs: number
  readonly client: ClientClass
}

/** How often, by what a label is made of. */
export type Counted<Labels> = { readonly labels: Labels; readonly count: number }
export type RedirectLabels = {
  readonly volunteer: string
  readonly client: ClientClass
  readonly reason: string
}
export type MinuteBytes = { readonly away: number; readonly here: number }
export type VolunteerTally = {
  readonly redirects: number
  /** Of the files that its clients were sent for. */
  readonly bytes: number
  /** Clients that it sent back, and that came back by themselves. */
  readonly bounces: number
  readonly retries: number
  readonly audits: { readonly right: number; readonly wrong: number }
}

/** Upper bounds of decision times, microseconds. */
export const DECISION_BOUNDS_US = [50, 100, 250, 500, 1000, 2500, 5000, 10_000, 50_000] as const
export const MINUTES = 60
const MINUTE_MS = 60_000
/** Decisions that are shown. */
const RECENT = 500
/** Reasons and kinds of programs are few, volunteers ten thousand at most. */
const MOST_LABELS = 100_000

export class Deliveries {
  readonly #redirects = new Map<string, { readonly labels: RedirectLabels; count: number }>()
  readonly #direct = new Map<string, number>()
  readonly #volunteers = new Map<string, Tally>()
  readonly #recent: Decided[] = []
  readonly #decisions = new Array<number>(DECISION_BOUNDS_US.length + 1).fill(0)
  #decisionUs = 0
  #bytesAway = 0
  #bytesHere = 0
  /** By minute since the epoch. */
  readonly #minutes = new Map<number, { away: number; here: number }>()

  /** @param tookUs from the request to the decision */
  decided(decided: Decided, tookUs: number): void {
    const { give, volunteer, reason, client, bytes, atMs } = decided
    const minute = this.#minute(atMs)
    if (give === 'metalink') {
      this.#direct.set(give, (this.#direct.get(give) ?? 0) + 1)
    } else if (volunteer === null) {
      this.#direct.set(reason, (this.#direct.get(reason) ?? 0) + 1)
      this.#bytesHere += bytes
      minute.here += bytes
    } else {
      this.#count(volunteer, client, reason)
      const tally = this.#tally(volunteer)
      tally.redirects++
      tally.bytes += bytes
      this.#bytesAway += bytes
      minute.away += bytes
    }
    this.#time(tookUs)
    this.#recent.push(decided)
    if (this.#recent.length >= 2 * RECENT) this.#recent.splice(0, RECENT)
  }

  /** What clients, probes and audits tell of a volunteer. */
  saw(volunteer: string, evidence: Evidence): void {
    const { kind } = evidence
    if (kind === 'bounce') this.#tally(volunteer).bounces++
    else if (kind === 'retry') this.#tally(volunteer).retries++
    else if (kind === 'audit') this.#tally(volunteer).audits[evidence.ok ? 'right' : 'wrong']++
  }

  get bytes(): { readonly away: number; readonly here: number } {
    return { away: this.#bytesAway, here: this.#bytesHere }
  }
  get redirects(): readonly Counted<RedirectLabels>[] {
    return [...this.#redirects.values()]
  }
  get direct(): readonly Counted<string>[] {
    return [...this.#direct].map(([labels, count]) => ({ labels, count }))
  }

  of(volunteer: string): VolunteerTally {
    const { audits, ...counts } = this.#volunteers.get(volunteer) ?? nothing()
    return { ...counts, audits: { ...audits } }
  }

  /** The last ones, the latest first. */
  recent(isWanted: (decided: Decided) => boolean, most: number): readonly Decided[] {
    return this.#recent.filter(isWanted).slice(-most).reverse()
  }

  /** Of the last hour, the oldest first. */
  minutes(nowMs: number): readonly MinuteBytes[] {
    const last = Math.floor(nowMs / MINUTE_MS)
    return Array.from({ length: MINUTES }, (_, i) => {
      const { away, here } = this.#minutes.get(last - MINUTES + 1 + i) ?? { away: 0, here: 0 }
      return { away, here }
    })
  }

  /** How many decisions took up to each bound, and longer than all; and all together in microseconds. */
  get decisionTimes(): { readonly counts: readonly number[]; readonly sumUs: number } {
    return { counts: [...this.#decisions], sumUs: this.#decisionUs }
  }

  /** The bound below which this part of the decisions stayed, microseconds; null: none yet, or longer than any bound. */
  decisionWithinUs(part: number): number | null {
    const all = this.#decisions.reduce((sum, count) => sum + count, 0)
    let below = 0
    const at = this.#decisions.findIndex((count) => {
      below += count
      return below > 0 && below >= part * all
    })
    return DECISION_BOUNDS_US[at] ?? null
  }

  #count(volunteer: string, client: ClientClass, reason: string): void {
    const key = `${volunteer} ${client} ${reason}`
    const known = this.#redirects.get(key)
    if (known !== undefined) known.count++
    else if (this.#redirects.size < MOST_LABELS)
      this.#redirects.set(key, { labels: { volunteer, client, reason }, count: 1 })
  }

  /** It is counted in place: each redirect changes one. */
  #tally(volunteer: string): Tally {
    const known = this.#volunteers.get(volunteer)
    if (known !== undefined) return known
    const made = nothing()
    this.#volunteers.set(volunteer, made)
    return made
  }

  #time(tookUs: number): void {
    const at = DECISION_BOUNDS_US.findIndex((bound) => tookUs <= bound)
    const bucket = at < 0 ? DECISION_BOUNDS_US.length : at
    this.#decisions[bucket] = (this.#decisions[bucket] ?? 0) + 1
    this.#decisionUs += tookUs
  }

  #minute(atMs: number): { away: number; here: number } {
    const at = Math.floor(atMs / MINUTE_MS)
    const known = this.#minutes.get(at)
    if (known !== undefined) return known
    const made = { away: 0, here: 0 }
    this.#minutes.set(at, made)
    for (const each of this.#minutes.keys()) if (each <= at - MINUTES) this.#minutes.delete(each)
    return made
  }
}

type Tally = {
  redirects: number
  bytes: number
  bounces: number
  retries: number
  readonly audits: { right: number; wrong: number }
}

function nothing(): Tally {
  return { redirects: 0, bytes: 0, bounces: 0, retries: 0, audits: { right: 0, wrong: 0 } }
}
