/**
 * What one connection still has to send: frames gathered while the write before is under way, then given to the link in one.
 * Two buffers take turns, so that a frame is copied once and a link has one write at a time.
 */
import { Writer } from '../base/bytes.js'
import { SocketError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import type { Link } from '../host.js'

const SMALL = 64 * 1024

/** A peer with no more unsent than this can be given the next bytes: below what upload keeps ahead, or waiting would not wait. */
const DRAINED_BYTES = LIMITS.unsentBytes / 16

export class Outbox {
  #filling = new Writer(4096)
  #spare = new Writer(4096)
  #underway = 0
  #closed = false
  #wake: (() => void) | null = null
  readonly #waiting = new Set<() => void>()

  /** Bytes that the link has not taken. */
  get unsent(): number {
    return this.#filling.length + this.#underway
  }

  /** Queues bytes; they may be reused when the call returns. */
  give(bytes: Uint8Array): void {
    if (this.#closed) return
    this.#filling.put(bytes)
    this.#wake?.()
  }

  /** Gives everything to the link as it comes, until the signal. */
  async run(link: Link, signal: AbortSignal): Promise<void> {
    for (;;) {
      if (this.#filling.length === 0) await this.#awoken(signal)
      signal.throwIfAborted()
      const batch = this.#filling
      this.#filling = this.#spare
      this.#underway = batch.length
      await link.write(batch.done(), signal)
      this.#underway = 0
      // a burst's memory is not kept by a connection that has gone quiet
      if (batch.length > LIMITS.unsentBytes) this.#spare = new Writer(SMALL)
      else {
        batch.reset()
        this.#spare = batch
      }
      this.#tell()
    }
  }

  /** Settles when little is unsent. @throws {SocketError} when the connection is closed, or the signal's reason. */
  async drained(signal: AbortSignal): Promise<void> {
    while (!this.#closed && this.unsent > DRAINED_BYTES) {
      signal.throwIfAborted()
      await this.#written(signal)
    }
    if (this.#closed) throw new SocketError('connection closed')
  }

  close(): void {
    this.#closed = true
    this.#tell()
  }

  #tell(): void {
    for (const wake of this.#waiting) wake()
    this.#waiting.clear()
  }

  #awoken(signal: AbortSignal): Promise<void> {
    return settled(signal, (wake) => {
      this.#wake = wake
    }).finally(() => {
      this.#wake = null
    })
  }
  #written(signal: AbortSignal): Promise<void> {
    return settled(signal, (wake) => this.#waiting.add(wake))
  }
}

/** Settles at `wake` or at the signal; whoever looks next sees which. */
function settled(signal: AbortSignal, arm: (wake: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const wake = (): void => {
      signal.removeEventListener('abort', wake)
      resolve()
    }
    signal.addEventListener('abort', wake, { once: true })
    arm(wake)
  })
}
