/** The least first; equals in the order in which they came, so that a run is the same each time. */
export class Heap<T> {
  readonly #keys: number[] = []
  readonly #order: number[] = []
  readonly #items: T[] = []
  #pushed = 0

  get least(): number {
    return this.#keys[0] ?? Number.POSITIVE_INFINITY
  }
  get size(): number {
    return this.#items.length
  }

  /** In no order. */
  keys(): readonly number[] {
    return this.#keys
  }

  push(key: number, item: T): void {
    let at = this.#items.length
    const order = this.#pushed++
    this.#items.push(item)
    this.#keys.push(key)
    this.#order.push(order)
    while (at > 0) {
      const up = (at - 1) >> 1
      if (!this.#isBefore(key, order, up)) break
      this.#move(up, at)
      at = up
    }
    this.#put(at, key, order, item)
  }

  pop(): T | undefined {
    const [top] = this.#items
    const item = this.#items.pop()
    const key = this.#keys.pop()
    const order = this.#order.pop()
    const size = this.#items.length
    if (item === undefined || key === undefined || order === undefined || size === 0) return top
    let at = 0
    for (;;) {
      let down = 2 * at + 1
      if (down >= size) break
      if (down + 1 < size && this.#isBefore(this.#key(down + 1), this.#order[down + 1] ?? 0, down))
        down++
      if (this.#isBefore(key, order, down)) break
      this.#move(down, at)
      at = down
    }
    this.#put(at, key, order, item)
    return top
  }

  #key(at: number): number {
    return this.#keys[at] ?? 0
  }
  #isBefore(key: number, order: number, at: number): boolean {
    const other = this.#key(at)
    return key < other || (key === other && order < (this.#order[at] ?? 0))
  }
  #move(from: number, to: number): void {
    this.#put(to, this.#key(from), this.#order[from] ?? 0, this.#items[from] as T)
  }
  #put(at: number, key: number, order: number, item: T): void {
    this.#keys[at] = key
    this.#order[at] = order
    this.#items[at] = item
  }
}
