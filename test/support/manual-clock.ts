/** A clock that goes when it is told to: timers fire in order, and all promises settle between two instants. */
import type { Clock } from '../../lib/host.js'

type Timer = { readonly atMs: number; readonly order: number; readonly fire: () => void }

export class ManualClock implements Clock {
  #nowMs = 0
  #order = 0
  /** A binary heap, the earliest first. */
  readonly #timers: Timer[] = []

  now(): number {
    return 1_700_000_000_000 + this.#nowMs
  }
  monotonic(): number {
    return this.#nowMs
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const stop = (): void => reject(signal.reason)
      if (signal.aborted) return stop()
      signal.addEventListener('abort', stop, { once: true })
      this.after(ms, () => {
        signal.removeEventListener('abort', stop)
        resolve()
      })
    })
  }

  after(ms: number, fire: () => void): void {
    this.#push({ atMs: this.#nowMs + Math.max(0, ms), order: this.#order++, fire })
  }

  /** Lets `ms` pass, or less if `isOver` says so. */
  async advance(ms: number, isOver: () => boolean = () => false): Promise<void> {
    const end = this.#nowMs + ms
    await settled()
    while (!isOver()) {
      const next = this.#timers[0]
      if (next === undefined || next.atMs > end) {
        this.#nowMs = end
        return
      }
      this.#nowMs = next.atMs
      while (this.#timers[0]?.atMs === this.#nowMs) this.#pop()?.fire()
      await settled()
    }
  }

  /** Lets time pass until the promise settles. @throws when it takes longer than `mostMs`. */
  async until<T>(promise: Promise<T>, mostMs: number): Promise<T> {
    let isOver = false
    const mark = (): void => {
      isOver = true
    }
    promise.then(mark, mark)
    await this.advance(mostMs, () => isOver)
    if (!isOver) throw new Error(`not settled after ${mostMs} ms`)
    return await promise
  }

  #push(timer: Timer): void {
    const heap = this.#timers
    let at = heap.push(timer) - 1
    while (at > 0) {
      const up = (at - 1) >> 1
      const parent = heap[up]
      if (parent === undefined || isBefore(parent, timer)) break
      heap[at] = parent
      at = up
    }
    heap[at] = timer
  }
  #pop(): Timer | undefined {
    const heap = this.#timers
    const first = heap[0]
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return first
    let at = 0
    for (;;) {
      let down = at * 2 + 1
      const left = heap[down]
      if (left === undefined) break
      const right = heap[down + 1]
      if (right !== undefined && isBefore(right, left)) down++
      const child = heap[down]
      if (child === undefined || isBefore(last, child)) break
      heap[at] = child
      at = down
    }
    heap[at] = last
    return first
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
