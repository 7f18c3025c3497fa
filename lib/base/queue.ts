/** The bounded queue between two tasks: a full one makes the giver wait, an empty one the taker. */

export class Queue<T> {
  readonly #items: T[] = []
  readonly #capacity: number
  #closed = false
  #wakeTaker: (() => void) | null = null
  #wakeGiver: (() => void) | null = null

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  async give(item: T, signal: AbortSignal): Promise<void> {
    while (this.#items.length >= this.#capacity && !this.#closed)
      await waiting(signal, (wake) => {
        this.#wakeGiver = wake
      })
    signal.throwIfAborted()
    if (this.#closed) return
    this.#items.push(item)
    this.#wakeTaker?.()
  }

  /** The next item, or null when the queue is closed and empty. */
  async take(signal: AbortSignal): Promise<T | null> {
    for (;;) {
      signal.throwIfAborted()
      const item = this.#items.shift()
      if (item !== undefined) {
        this.#wakeGiver?.()
        return item
      }
      if (this.#closed) return null
      await waiting(signal, (wake) => {
        this.#wakeTaker = wake
      })
    }
  }

  /** No more will come; what is in it can still be taken. */
  close(): void {
    this.#closed = true
    this.#wakeTaker?.()
    this.#wakeGiver?.()
  }
}

function waiting(signal: AbortSignal, arm: (wake: () => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason)
    if (signal.aborted) return stop()
    signal.addEventListener('abort', stop, { once: true })
    arm(() => {
      signal.removeEventListener('abort', stop)
      resolve()
    })
  })
}
