/**
 * How it goes at a volunteer: what travels on its control channel anyway, and how it makes that of what it sees of its own line.
 * Rates are bytes a second, times milliseconds since the epoch.
 */

/** How it goes, as a volunteer says each REPORT_MS on its control channel. */
export type LoadReport = {
  /** When it came, by our clock. */
  readonly atMs: number
  /** What a new flow would get: `fairRate`. */
  readonly fair: number
  /** Answers to clients that are on their way. */
  readonly flows: number
  /** Of these, how many should still run LASTING_MS from now; shorter or empty: not told. Never more than the one before. */
  readonly lasting: readonly number[]
  /** To clients, and to other nodes by the swarm; both outward. */
  readonly clientRate: number
  readonly syncRate: number
  /** What single clients got, a sample: tells what clients usually take. */
  readonly observed: readonly number[]
}

/** Between two reports. */
export const REPORT_MS = 30_000

/** Marks of `lasting`. */
export const LASTING_MS = [1, 2, 4, 8, 16, 32, 64, 128, 256].map((seconds) => seconds * 1000)

/**
 * The rate that one more client would get. Flows below their fair part keep what they have, the others share the rest evenly
 * with the new one.
 * @param free what the line can send, less what synchronization takes
 * @param rates of the flows that run, in any order
 */
export function fairRate(free: number, rates: readonly number[]): number {
  const ascending = Float64Array.from(rates).sort()
  let left = Math.max(0, free)
  let sharers = ascending.length + 1
  for (const rate of ascending) {
    if (rate * sharers > left) break
    left -= rate
    sharers--
  }
  return left / sharers
}

/** @param leftMs of each flow, what is left of it at its rate */
export function lastingOf(leftMs: readonly number[]): number[] {
  return LASTING_MS.map((mark) => leftMs.reduce((sum, left) => sum + (left > mark ? 1 : 0), 0))
}
