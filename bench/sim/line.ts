/**
 * An uplink that flows share as TCP would: each gets the same, but none more than its client takes (max-min fairness). Exact, in
 * simulated seconds: clients come in classes of one rate each, a class has a clock that runs in bytes, and a flow ends when the
 * clock has moved by its size. Synchronization takes its part first.
 */
import { Heap } from './heap.js'

export class Line<T> {
  /** Bytes a second. */
  readonly capacity: number
  readonly #caps: readonly number[]
  readonly #flows: Heap<T>[]
  readonly #counts: number[]
  readonly #rates: number[]
  /** Bytes that each flow of a class got since the beginning. */
  readonly #clocks: number[]
  #syncRate = 0
  #now = 0
  /** Changes with each change of rates: an event of an older version is void. */
  version = 0
  clientBytes = 0
  syncBytes = 0

  /** @param caps rates of the classes of clients, ascending */
  constructor(capacity: number, caps: readonly number[]) {
    this.capacity = capacity
    this.#caps = caps
    this.#flows = caps.map(() => new Heap<T>())
    this.#counts = caps.map(() => 0)
    this.#rates = caps.map(() => 0)
    this.#clocks = caps.map(() => 0)
  }

  get syncRate(): number {
    return this.#syncRate
  }
  get flows(): number {
    return this.#counts.reduce((sum, count) => sum + count, 0)
  }
  /** To all clients together. */
  get clientRate(): number {
    return this.#counts.reduce((sum, count, i) => sum + count * (this.#rates[i] ?? 0), 0)
  }
  /** Of each flow. */
  rates(): number[] {
    return this.#counts.flatMap((count, i) => Array<number>(count).fill(this.#rates[i] ?? 0))
  }

  /** Of each flow, what is left of it at its rate. */
  leftMs(): number[] {
    return this.#flows.flatMap((heap, i) =>
      heap.keys().map((end) => ((end - (this.#clocks[i] ?? 0)) / (this.#rates[i] ?? 1)) * 1000),
    )
  }

  add(flow: T, bytes: number, kind: number, now: number): void {
    this.advance(now)
    this.#flows[kind]?.push((this.#clocks[kind] ?? 0) + bytes, flow)
    this.#counts[kind] = (this.#counts[kind] ?? 0) + 1
    this.#share()
  }

  setSync(rate: number, now: number): void {
    this.advance(now)
    this.#syncRate = rate
    this.#share()
  }

  /** When the next flow ends, if nothing else happens. */
  nextEnd(): number {
    let next = Number.POSITIVE_INFINITY
    for (let i = 0; i < this.#caps.length; i++) {
      const left = (this.#flows[i]?.least ?? 0) - (this.#clocks[i] ?? 0)
      const rate = this.#rates[i] ?? 0
      if (rate > 0) next = Math.min(next, this.#now + Math.max(0, left) / rate)
    }
    return next
  }

  /** The flow whose end is now. */
  takeEnded(now: number): T | undefined {
    this.advance(now)
    let first = -1
    let least = Number.POSITIVE_INFINITY
    for (let i = 0; i < this.#caps.length; i++) {
      const left = (this.#flows[i]?.least ?? 0) - (this.#clocks[i] ?? 0)
      const after = left / (this.#rates[i] ?? 0)
      if (after < least) [first, least] = [i, after]
    }
    const flow = this.#flows[first]?.pop()
    this.#counts[first] = (this.#counts[first] ?? 1) - 1
    this.#share()
    return flow
  }

  /** All flows with what each still lacks; none is left. */
  cut(now: number): { flow: T; left: number }[] {
    this.advance(now)
    const out: { flow: T; left: number }[] = []
    this.#flows.forEach((heap, i) => {
      while (heap.size > 0) {
        const left = heap.least - (this.#clocks[i] ?? 0)
        const flow = heap.pop()
        if (flow !== undefined) out.push({ flow, left: Math.max(1, left) })
      }
      this.#counts[i] = 0
    })
    this.#share()
    return out
  }

  /** What one more flow, of a client without bounds, would get. */
  fair(): number {
    let left = Math.max(0, this.capacity - this.#syncRate)
    let sharers = this.flows + 1
    for (let i = 0; i < this.#caps.length; i++) {
      const count = this.#counts[i] ?? 0
      const cap = this.#caps[i] ?? 0
      if (cap * sharers > left) break
      left -= cap * count
      sharers -= count
    }
    return left / sharers
  }

  advance(now: number): void {
    const seconds = now - this.#now
    if (seconds <= 0) return
    for (let i = 0; i < this.#clocks.length; i++)
      this.#clocks[i] = (this.#clocks[i] ?? 0) + seconds * (this.#rates[i] ?? 0)
    this.clientBytes += seconds * this.clientRate
    this.syncBytes += seconds * this.#syncRate
    this.#now = now
  }

  #share(): void {
    this.version++
    let left = Math.max(this.capacity / 1000, this.capacity - this.#syncRate)
    let sharers = this.flows
    for (let i = 0; i < this.#caps.length; i++) {
      const count = this.#counts[i] ?? 0
      const rate = Math.min(this.#caps[i] ?? 0, sharers > 0 ? left / sharers : 0)
      this.#rates[i] = rate
      left -= rate * count
      sharers -= count
    }
  }
}
