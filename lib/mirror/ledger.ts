/**
 * What we sent a volunteer: the part of its load that no report tells yet. Local accounting is what makes stale reports harmless.
 * A decision reads it in constant time; a redirect that is followed changes it.
 */

/** Client bytes assigned are forgotten by half in about 416 s: e^(-t / DECAY_MS). */
export const DECAY_MS = 600_000

export class Ledger {
  #ends: number[] = []
  #bytes = 0
  #count = 0
  #decayedMs = 0

  /** A client was sent there, for so many bytes, that should be done by `endMs`. */
  redirect(bytes: number, endMs: number, nowMs: number): void {
    this.#decay(nowMs)
    this.#bytes += bytes
    this.#count++
    this.#ends.push(endMs)
  }

  /** It reported: what it has now is in the report. */
  reported(): void {
    this.#ends = []
  }

  /** Redirects since the report that should still run. */
  running(nowMs: number): number {
    return this.#ends.filter((end) => end > nowMs).length
  }

  /** Bytes assigned, decayed over DECAY_MS. */
  assigned(nowMs: number): number {
    this.#decay(nowMs)
    return this.#bytes
  }

  /** Redirects, decayed over DECAY_MS: for shares. */
  redirects(nowMs: number): number {
    this.#decay(nowMs)
    return this.#count
  }

  #decay(nowMs: number): void {
    if (nowMs <= this.#decayedMs) return
    const keep = Math.exp((this.#decayedMs - nowMs) / DECAY_MS)
    this.#bytes *= keep
    this.#count *= keep
    this.#decayedMs = nowMs
  }
}
