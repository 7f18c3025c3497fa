/**
 * Which lists the receiver is done with, so that the sender may forget them and send more. They are told in their order: one
 * that is finished waits for those before it. prsync-protocol(7), incremental recursion.
 */
type List = {
  readonly start: number
  readonly end: number
  outstanding: number
  isPassed: boolean
}

export class Ledger {
  readonly #done: () => void
  readonly #lists: List[] = []

  /** @param done the oldest list is done with */
  constructor(done: () => void) {
    this.#done = done
  }

  add(start: number, count: number): void {
    this.#lists.push({ start, end: start + count, outstanding: 0, isPassed: false })
  }
  /** Something is under way for an entry. */
  begin(number: number): void {
    const list = this.#listOf(number)
    if (list !== undefined) list.outstanding++
  }
  end(number: number): void {
    const list = this.#listOf(number)
    if (list === undefined) return
    list.outstanding--
    this.#tell()
  }
  /** Every entry of the list was looked at. */
  passed(start: number): void {
    const list = this.#lists.find((l) => l.start === start)
    if (list === undefined) return
    list.isPassed = true
    this.#tell()
  }

  /** Every entry of the list with this one was looked at. */
  isPassed(number: number): boolean {
    return this.#listOf(number)?.isPassed ?? true
  }

  get isEmpty(): boolean {
    return this.#lists.length === 0
  }

  #listOf(number: number): List | undefined {
    return this.#lists.find((l) => number >= l.start - 1 && number < l.end)
  }
  #tell(): void {
    for (let first = this.#lists[0]; first !== undefined; first = this.#lists[0]) {
      if (!first.isPassed || first.outstanding > 0) return
      this.#lists.shift()
      this.#done()
    }
  }
}
