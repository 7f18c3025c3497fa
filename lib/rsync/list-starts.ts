/** Which place among all entries a number is, where each list that comes apart leaves one number free before it. */
export class ListStarts {
  readonly #starts: number[] = []

  add(start: number): void {
    this.#starts.push(start)
  }

  /** From 0. @param number of an entry; without lists apart it is its place */
  placeOf(number: number): number {
    let low = 0
    let high = this.#starts.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#starts[middle] ?? 0) <= number) low = middle + 1
      else high = middle
    }
    return number - low
  }
}
