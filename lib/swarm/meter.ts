/** Bytes and how fast they come: a moving average over about two seconds. */
const WINDOW_MS = 2000
const FOLD_MS = 200

export class Meter {
  total = 0
  #recent = 0
  #rate = 0
  #at: number

  constructor(now: number) {
    this.#at = now
  }

  add(bytes: number): void {
    this.total += bytes
    this.#recent += bytes
  }

  /** Bytes per second, folded in at most each 200 ms. */
  rate(now: number): number {
    const passed = now - this.#at
    // until the first is known, what came so far is all there is to go by
    if (passed < FOLD_MS)
      return Math.max(this.#rate, (this.#recent * 1000) / Math.max(passed, FOLD_MS / 2))
    const weight = Math.min(1, passed / WINDOW_MS)
    this.#rate += ((this.#recent * 1000) / passed - this.#rate) * weight
    this.#recent = 0
    this.#at = now
    return this.#rate
  }
}
