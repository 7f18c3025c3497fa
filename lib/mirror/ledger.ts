/**
 * What we sent a volunteer: the part of its load that no report tells yet. Local accounting is what makes stale reports harmless.
 * A decision reads it in constant time and allocates nothing; a redirect that was given changes it.
 */

import { LASTING_MS, type LoadReport } from './report.js'

/** Work assigned fades as e^(-t / FADE_MS): half of it in seven minutes. */
export const FADE_MS = 600_000
/** Fading in steps, so that a decision takes no exponential of each volunteer. */
const FADE_STEP_MS = 1000
/** Between a redirect and its flow at the volunteer: two round trips and a client that looks up a name. */
const CONNECT_MS = 250
/** Ends of a report are spread over at most so many points between two marks. */
const SPREAD_POINTS = 16

export class Ledger {
  /** Flows by when they should end: soon, finely; later, coarsely. */
  readonly #soon = new Ring(250, 128)
  readonly #later = new Ring(8000, 128)
  /** Redirects of the last CONNECT_MS. */
  readonly #connecting = new Ring(50, 8)
  /** Flows that last longer than we look ahead: until the next report. */
  #lasting = 0
  #bytes = 0
  #redirects = 0
  #fadedMs = 0
  #changes = 0

  /** Another number after each redirect and report: what was made of this ledger in the same millisecond still holds, or not. */
  get changes(): number {
    return this.#changes
  }

  /** A client was sent there for so many bytes, which should take so long. */
  redirect(bytes: number, takesMs: number, nowMs: number): void {
    this.#fade(nowMs)
    this.#changes++
    this.#bytes += bytes
    this.#redirects++
    const endMs = nowMs + CONNECT_MS + takesMs
    this.#add(endMs, 1, nowMs)
    this.#connecting.add(nowMs + CONNECT_MS, 1, nowMs)
  }

  /** It reported: its word on what runs and how long takes the place of ours, but for those still connecting. */
  reported({ flows, lasting }: LoadReport, nowMs: number): void {
    const connecting = this.#connecting.left(nowMs)
    this.#changes++
    this.#soon.clear()
    this.#later.clear()
    this.#lasting = lasting.at(-1) ?? flows
    let before = flows
    let fromMs = 0
    lasting.forEach((still, i) => {
      const toMs = LASTING_MS[i] ?? fromMs
      this.#spread(Math.max(0, before - still), nowMs + fromMs, nowMs + toMs, nowMs)
      before = still
      fromMs = toMs
    })
    this.#spread(connecting, nowMs, nowMs + 2 * CONNECT_MS, nowMs)
  }

  /** Flows that should run there now. */
  flows(nowMs: number): number {
    return Math.max(0, this.#lasting + this.#soon.left(nowMs) + this.#later.left(nowMs))
  }

  /** Bytes assigned, faded. */
  bytes(nowMs: number): number {
    this.#fade(nowMs)
    return this.#bytes
  }

  /** Redirects, faded: for shares. */
  redirects(nowMs: number): number {
    this.#fade(nowMs)
    return this.#redirects
  }

  /** So many flows end evenly within a time. */
  #spread(count: number, fromMs: number, toMs: number, nowMs: number): void {
    const points = Math.min(count, SPREAD_POINTS)
    for (let i = 0; i < points; i++)
      this.#add(fromMs + ((i + 0.5) / points) * (toMs - fromMs), count / points, nowMs)
  }

  #add(endMs: number, count: number, nowMs: number): void {
    if (this.#soon.add(endMs, count, nowMs) || this.#later.add(endMs, count, nowMs)) return
    this.#lasting += count
  }

  #fade(nowMs: number): void {
    if (nowMs - this.#fadedMs < FADE_STEP_MS) return
    const keep = Math.exp((this.#fadedMs - nowMs) / FADE_MS)
    this.#bytes *= keep
    this.#redirects *= keep
    this.#fadedMs = nowMs
  }
}

/** How many things are to end in each of the next steps. */
class Ring {
  readonly #stepMs: number
  readonly #counts: Float64Array
  #step = 0
  #left = 0

  constructor(stepMs: number, steps: number) {
    this.#stepMs = stepMs
    this.#counts = new Float64Array(steps)
  }

  /** @returns false: too late for this ring */
  add(endMs: number, count: number, nowMs: number): boolean {
    this.#advance(nowMs)
    const step = Math.max(this.#step + 1, Math.ceil(endMs / this.#stepMs))
    if (step - this.#step >= this.#counts.length) return false
    const at = step % this.#counts.length
    this.#counts[at] = (this.#counts[at] ?? 0) + count
    this.#left += count
    return true
  }

  clear(): void {
    this.#counts.fill(0)
    this.#left = 0
  }

  left(nowMs: number): number {
    if (this.#left > 0) this.#advance(nowMs)
    return this.#left
  }

  #advance(nowMs: number): void {
    const step = Math.floor(nowMs / this.#stepMs)
    if (step - this.#step >= this.#counts.length) {
      this.#counts.fill(0)
      this.#left = 0
      this.#step = step
    }
    while (this.#step < step) {
      this.#step++
      const at = this.#step % this.#counts.length
      this.#left -= this.#counts[at] ?? 0
      this.#counts[at] = 0
    }
  }
}
