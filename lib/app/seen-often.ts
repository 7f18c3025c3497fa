/**
 * Is something asked for so often that it is worth to be kept? Counted in few bytes, several things to one; all begin anew after a while,
 * so that what is asked for once in a while never gets there.
 */
export class SeenOften {
  readonly #counts: Uint8Array
  readonly #window: number
  readonly #times: number
  #asks = 0

  /**
   * @param counters a power of two
   * @param window asks until all begin anew
   * @param times of asking within it that are often, at most 255
   */
  constructor(counters: number, window: number, times: number) {
    this.#counts = new Uint8Array(counters)
    this.#window = window
    this.#times = times
  }

  /** It is asked for. True each time that it was often. @param hash of it, 32 bits that spread */
  again(hash: number): boolean {
    if (++this.#asks % this.#window === 0) this.#counts.fill(0)
    const at = hash & (this.#counts.length - 1)
    const times = (this.#counts[at] ?? 0) + 1
    this.#counts[at] = times % this.#times
    return times === this.#times
  }
}
