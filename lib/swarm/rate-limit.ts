/** A token bucket over the monotonic clock: `--bwlimit` and `--uplink`. Spending may go into debt, waiting pays it off. */

import type { Clock } from '../host.js'

/** How long a pause may be made up for: longer would be a burst, shorter waste at coarse timers. */
const BURST_MS = 250

export class RateLimit {
  readonly #perMs: number | null
  #tokens: number
  #at: number
  /** Bytes spent since the start. */
  spent = 0

  /** @param bytesPerSecond null: no limit */
  constructor(bytesPerSecond: number | null, now: number) {
    this.#perMs = bytesPerSecond === null ? null : bytesPerSecond / 1000
    this.#tokens = (this.#perMs ?? 0) * BURST_MS
    this.#at = now
  }

  /** At most `most` bytes, and no more than come in a second: what to ask for at a time. */
  atOnce(most: number): number {
    return this.#perMs === null ? most : Math.min(most, Math.ceil(this.#perMs * 1000))
  }

  /** Milliseconds until something may be spent; 0: now. */
  waitMs(now: number): number {
    if (this.#perMs === null) return 0
    this.#tokens = Math.min(this.#perMs * BURST_MS, this.#tokens + (now - this.#at) * this.#perMs)
    this.#at = now
    return this.#tokens > 0 ? 0 : Math.floor(-this.#tokens / this.#perMs) + 1
  }

  /** Takes it even if there is not enough: what follows waits the longer. */
  spend(bytes: number): void {
    this.spent += bytes
    if (this.#perMs !== null) this.#tokens -= bytes
  }
}

/** Waits until something may be spent, and spends it. */
export async function spendInTurn(
  limit: RateLimit,
  bytes: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const waitMs = limit.waitMs(clock.monotonic())
    if (waitMs === 0) break
    await clock.sleep(waitMs, signal)
  }
  limit.spend(bytes)
}
