/**
 * How good a volunteer would be for one more client: the rate it would give, and how much work it has for its size. Work counts
 * its synchronization too. Measured against other rules in docs/simulation.md. Rates are bytes a second.
 */
import { FADE_MS } from './ledger.js'
import { REPORT_MS, type Volunteer } from './volunteer.js'

/** What a client usually takes, where nothing was observed yet: 50 Mbit/s. */
export const USUAL_RATE = 6.25e6
/** A volunteer whose capacity neither its admin nor a measurement tells. */
export const UNKNOWN_CAPACITY = 6.25e6
/** From its joining until it gets its full part. */
export const SLOW_START_MS = 300_000
const SLOW_START_FROM = 0.1

/** What it can send: what was declared, but never more than what was measured. */
export function capacityOf({ declared, measured }: Volunteer): number {
  if (measured === null) return declared ?? UNKNOWN_CAPACITY
  return declared === null ? measured : Math.min(declared, measured)
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
  const since = ledger.running(nowMs)
  // as if each new one took its share of what one more would have got
  const left = report.fair / (1 + (since * report.fair) / capacity)
  const share = Math.max(0, capacity - report.syncRate) / (report.flows + since + 1)
  return Math.min(capacity, Math.max(left, share)) * slowStartOf(volunteer, nowMs)
}

/** Its work for its size: clients' bytes that we assigned, faded, and its synchronization. 1: all that it can send. */
export function relativeLoad(volunteer: Volunteer, nowMs: number): number {
  const capacity = capacityOf(volunteer)
  const assigned = (volunteer.ledger.bytes(nowMs) / FADE_MS) * 1000
  const sync = volunteer.report?.syncRate ?? 0
  return (assigned + sync) / (capacity * slowStartOf(volunteer, nowMs))
}

/**
 * The rate that one more client would get at a volunteer: its report's `fair`. Flows below their fair part keep what they have,
 * the others share the rest evenly with the new one.
 * @param rates of the flows that run, in any order
 */
export function fairRate(capacity: number, rates: readonly number[]): number {
  const ascending = Float64Array.from(rates).sort()
  let left = Math.max(0, capacity)
  let sharers = ascending.length + 1
  for (const rate of ascending) {
    if (rate * sharers > left) break
    left -= rate
    sharers--
  }
  return left / sharers
}

/** Is its report young enough, of at most so many intervals? */
export function isFresh({ report }: Volunteer, intervals: number, nowMs: number): boolean {
  return report !== null && nowMs - report.atMs <= intervals * REPORT_MS
}
