/**
 * The time limit of a connection: nothing came and nothing went for so long means that nobody is there; halfway, a sign of
 * life goes out. rsync(1) --timeout; prsync-protocol(7), keep-alive.
 */
import type { Clock } from '../host.js'

export type LifeSigns = {
  /** Milliseconds of the clock's `monotonic`. */
  heardMs(): number
  /** Signs of life not counted: that they can be sent does not mean that somebody hears them. */
  saidMs(): number
  /** Something that means nothing. */
  sign(): void
}

export class KeepAlive {
  readonly #clock: Clock
  readonly #life: LifeSigns
  #limitMs: number
  #signedMs = 0
  #workedMs = 0

  /** @param limitMs 0: no limit */
  constructor(clock: Clock, life: LifeSigns, limitMs: number) {
    this.#clock = clock
    this.#life = life
    this.#limitMs = limitMs
  }

  /** The other side wants it too: only a shorter one counts. */
  shorten(limitMs: number): void {
    if (this.#limitMs === 0 || limitMs < this.#limitMs) this.#limitMs = limitMs
  }

  /** Long work goes on here: nothing is read in the meantime, whatever the other side says. */
  worked(): void {
    this.#workedMs = this.#clock.monotonic()
  }

  /** To be asked each second. @returns is it over? */
  check(): boolean {
    if (this.#limitMs === 0) return false
    const now = this.#clock.monotonic()
    const said = this.#life.saidMs()
    if (now - Math.max(said, this.#life.heardMs(), this.#workedMs) >= this.#limitMs) return true
    if (now - Math.max(said, this.#signedMs) < this.#limitMs / 2) return false
    this.#signedMs = now
    this.#life.sign()
    return false
  }
}
