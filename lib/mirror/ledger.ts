/**
 * What we sent a volunteer: the part of its load that no report tells yet. Local accounting is what makes stale reports harmless.
 * A decision reads it in constant time and allocates nothing; a redirect that was given changes it.
 */

/** Work assigned fades as e^(-t / FADE_MS): half of it in seven minutes. */
export const FADE_MS = 600_000
/** Redirects are counted by when they should end, in steps; those beyond the last step end with the next report. */
const STEP_MS = 250
const STEPS = 128
/** Fading in steps too, so that a decision takes no exponential of each volunteer. */
const FADE_STEP_MS = 1000

export class Ledger {
  /** A ring: how many should end in each step from `#step` on. */
  readonly #ending = new Int32Array(STEPS)
  #step = 0
  #running = 0
  #bytes = 0
  #redirects = 0
  #fadedMs = 0

  /** A client was sent there for so many bytes, which should take so long. */
  redirect(bytes: number, takesMs: number, nowMs: number): void {
    this.#advance(nowMs)
    this.#fade(nowMs)
    this.#bytes += bytes
    this.#redirects++
    this.#running++
    const steps = Math.ceil(takesMs / STEP_MS)
    if (steps >= STEPS) return
    const at = (this.#step + Math.max(1, steps)) % STEPS
    this.#ending[at] = (this.#ending[at] ?? 0) + 1
  }

  /** It reported: what runs there now is in the report. */
  reported(): void {
    this.#ending.fill(0)
    this.#running = 0
  }

  /** Redirects since the report that should still run. */
  running(nowMs: number): number {
    if (this.#running > 0) this.#advance(nowMs)
    return this.#running
  }

  /** Bytes assigned, faded. */
  bytes(nowMs: number): number {
    this.#fade(nowMs)
    return this.#bytes
  }

  /** Redirects, faded: for shares. */
  redirects(nowMs: number): number {
    this.#fade(nowMs)
    return this.#redirects
  }

  #advance(nowMs: number): void {
    const step = Math.floor(nowMs / STEP_MS)
    if (step - this.#step >= STEPS) {
      for (const ended of this.#ending) this.#running -= ended
      this.#ending.fill(0)
      this.#step = step
    }
    while (this.#step < step) {
      this.#step++
      const at = this.#step % STEPS
      this.#running -= this.#ending[at] ?? 0
      this.#ending[at] = 0
    }
  }

  #fade(nowMs: number): void {
    if (nowMs - this.#fadedMs < FADE_STEP_MS) return
    const keep = Math.exp((this.#fadedMs - nowMs) / FADE_MS)
    this.#bytes *= keep
    this.#redirects *= keep
    this.#fadedMs = nowMs
  }
}
