/**
 * The clock of a copy: the steps of a file's bytes go on at once, but now and then the program hears signals, waits for
 * --bwlimit, shows progress, and stops when it has to. rsync(1) --bwlimit, --stop-after, --stop-at.
 */
import { setImmediate as breathe, setTimeout as sleep } from 'node:timers/promises'
import { TimeoutError } from '../base/errors.js'
import type { Steps } from '../base/steps.js'

export type PaceRules = {
  /** Bytes a second; 0: no limit. */
  readonly bwlimit: number
  /** What others spend of too: takes bytes, and tells in how many milliseconds they may have been sent. Null: nothing is shared. */
  readonly shared: ((bytes: number) => number) | null
  /** Milliseconds of the wall clock; null: no end. */
  readonly stopAtMs: number | null
  readonly signal: AbortSignal
  /** Bytes moved since it was last told. */
  readonly moved: (bytes: number) => void
}

/** A signal is heard within that time; shorter would cost more than it gives. */
const BREATH_MS = 40
/** Shorter waits are saved up. rsync(1) --bwlimit */
const LEAST_WAIT_MS = 20

export class Pace {
  readonly #rules: PaceRules
  #breathedMs = performance.now()
  /** When what was moved so far may have been moved. */
  #paidUntilMs = performance.now()
  #pending: Promise<void> | null = null

  constructor(rules: PaceRules) {
    this.#rules = rules
  }

  /** Goes through the steps; `done` is called when they are, which `pause` lets one wait for. */
  run(steps: Steps<boolean>, done: (ok: boolean) => void): void {
    for (;;) {
      const step = steps.next()
      if (step.done === true) return done(step.value)
      this.#spend(step.value)
      // One may wait, the others go on.
      if (this.#pending !== null || !this.#isDue()) continue
      this.#pending = this.#slowly(steps, done)
      return
    }
  }

  /** Bytes that went another way. @returns what has to be awaited before more go; null: nothing */
  spent(bytes: number): Promise<void> | null {
    this.#spend(bytes)
    return this.#isDue() ? this.#breathe() : null
  }

  /** What has to be awaited before the next entry; null: nothing. */
  pause(): Promise<void> | null {
    const pending = this.#pending
    this.#pending = null
    return pending ?? (this.#isDue() ? this.#breathe() : null)
  }

  async #slowly(steps: Steps<boolean>, done: (ok: boolean) => void): Promise<void> {
    for (;;) {
      try {
        if (this.#isDue()) await this.#breathe()
      } catch (error) {
        // The file that is half there is put away by whoever made it.
        steps.throw(error)
        throw error
      }
      const step = steps.next()
      if (step.done === true) return done(step.value)
      this.#spend(step.value)
    }
  }

  #spend(bytes: number): void {
    const { bwlimit, shared, moved } = this.#rules
    moved(bytes)
    if (shared !== null)
      this.#paidUntilMs = Math.max(this.#paidUntilMs, performance.now() + shared(bytes))
    if (bwlimit > 0)
      this.#paidUntilMs =
        Math.max(this.#paidUntilMs, performance.now() - BREATH_MS) + (bytes * 1000) / bwlimit
  }
  #isDue(): boolean {
    const now = performance.now()
    return now - this.#breathedMs > BREATH_MS || this.#paidUntilMs - now > LEAST_WAIT_MS
  }
  async #breathe(): Promise<void> {
    const { signal, stopAtMs } = this.#rules
    const waitMs = this.#paidUntilMs - performance.now()
    if (waitMs > 0) await sleep(waitMs, undefined, { signal }).catch(() => {})
    else await breathe()
    signal.throwIfAborted()
    if (stopAtMs !== null && Date.now() >= stopAtMs)
      throw new TimeoutError('stopping at requested limit')
    this.#breathedMs = performance.now()
  }
}
