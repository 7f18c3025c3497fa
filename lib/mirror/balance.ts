/**
 * How good a volunteer would be for one more client: the rate it would give, and how much work it has for its size. Work counts
 * its synchronization too. Measured against other rules in docs/simulation.md. Rates are bytes a second.
 */
import { FADE_MS } from './ledger.js'
import { REPORT_MS } from './report.js'
import type { Volunteer } from './volunteer.js'

/** What a client usually takes, where nothing was observed yet: 50 Mbit/s. */
export const USUAL_RATE = 6.25e6
/** A volunteer whose capacity neither its admin nor a measurement tells. */
export const UNKNOWN_CAPACITY = 6.25e6
/** Nobody has less; keeps divisions what they are. */
const LEAST_CAPACITY = 1000
/** From its joining until it gets its full part. */
export const SLOW_START_MS = 300_000
const SLOW_START_FROM = 0.1

/** What it can send: what was declared, but never more than what was measured. */
export function capacityOf({ declared, measured }: Volunteer): number {
  const believed = measured ?? declared ?? UNKNOWN_CAPACITY
  return Math.max(LEAST_CAPACITY, declared === null ? believed : Math.min(declared, believed))
}

/** 1 when it serves long enough, less before. */
export function slowStartOf({ joinedMs }: Volunteer, nowMs: number): number {
  const part = (nowMs - joinedMs) / SLOW_START_MS
  return part >= 1 ? 1 : Math.max(SLOW_START_FROM, part)
}

/** What one more client would get: from its report and what we sent it since, whichever of two guesses is higher. */
export function predictedRate(volunteer: Volunteer, nowMs: number): number {
  const { report, ledger } = volunteer
  if (report === null) return 0
  const capacity = capacityOf(volunteer)
  const free = Math.max(0, capacity - report.syncRate)
  const flows = ledger.flows(nowMs)
  // as if each that came since took its share of what one more would have got, and each that went gave it back
  const more = 1 / report.fair + (flows - report.flows) / capacity
  const left = more > 0 ? 1 / more : free
  const share = free / (flows + 1)
  return Math.min(free, Math.max(left, share)) * slowStartOf(volunteer, nowMs)
}

/** Its work for its size: clients' bytes that we assigned, faded, and its synchronization. 1: all that it can send. */
export function relativeLoad(volunteer: Volunteer, nowMs: number): number {
  const capacity = capacityOf(volunteer)
  const assigned = (volunteer.ledger.bytes(nowMs) / FADE_MS) * 1000
  const sync = volunteer.report?.syncRate ?? 0
  return (assigned + sync) / (capacity * slowStartOf(volunteer, nowMs))
}

/** Is its report young enough, of at most so many intervals? */
export function isFresh({ report }: Volunteer, intervals: number, nowMs: number): boolean {
  return report !== null && nowMs - report.atMs <= intervals * REPORT_MS
}

/** What clients take where nothing holds them up: of what volunteers with room observed, USUAL_PART are below it. Null: too little seen. */
export function usualRateOf(volunteers: readonly Volunteer[]): number | null {
  const seen: number[] = []
  for (const volunteer of volunteers) {
    const { report } = volunteer
    if (report === null) continue
    const busy = (report.clientRate + report.syncRate) / capacityOf(volunteer)
    if (busy < BUSY) for (const rate of report.observed) seen.push(rate)
  }
  if (seen.length < USUAL_SAMPLES) return null
  return Float64Array.from(seen).sort()[Math.floor(seen.length * USUAL_PART)] ?? null
}
const USUAL_PART = 0.4
const USUAL_SAMPLES = 20
/** Part of its line above which a volunteer may be what holds its clients up. */
const BUSY = 0.7
