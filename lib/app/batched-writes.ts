/** Writes to the index that need not be there at once: many a transaction, in the order they came. */
import type { Store } from '../io/store.js'

/** Writes of a transaction: of a page, or a directory's record. */
const TRANSACTION_WRITES = 512

export class BatchedWrites {
  readonly #store: Store
  /** What has to be written before any of them. */
  readonly #first: () => void
  #waiting: (() => void)[] = []

  constructor(store: Store, first: () => void = () => {}) {
    this.#store = store
    this.#first = first
  }

  later(write: () => void): void {
    this.#waiting.push(write)
    if (this.#waiting.length >= TRANSACTION_WRITES) this.flush()
  }

  flush(): void {
    const waiting = this.#waiting
    this.#waiting = []
    if (waiting.length === 0) return
    this.#store.transaction(() => {
      this.#first()
      for (const write of waiting) write()
    })
  }
}
