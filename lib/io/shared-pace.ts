/**
 * A rate that several processes keep together: when all that they sent so far may have been sent stands in a file, as nanoseconds
 * of the machine's monotonic clock. Each adds what it sends, and waits for the time it finds then: a queue in which who has
 * nothing to send takes no place. docs/decisions/0063.
 */
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs'
import { messageOf, StartupError } from '../base/errors.js'

/** How long a pause may be made up for. */
const BURST_NS = 40_000_000n
/** What is further ahead was written before the machine, and its clock, started anew. */
const MOST_AHEAD_NS = 3_600_000_000_000n

export class SharedPace {
  readonly #fd: number
  readonly #nsPerByte: number
  readonly #now: () => bigint
  readonly #time = Buffer.alloc(8)

  /** @throws {StartupError} */
  constructor(path: string, bytesPerSecond: number, now = process.hrtime.bigint) {
    this.#nsPerByte = 1e9 / bytesPerSecond
    this.#now = now
    const { O_RDWR, O_CREAT, O_NOFOLLOW } = constants
    try {
      this.#fd = openSync(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600)
    } catch (cause) {
      throw new StartupError(`cannot use ${path}: ${messageOf(cause)}`, { cause })
    }
  }

  /** @returns milliseconds until these bytes, and all that others spent before them, may have been sent */
  spend(bytes: number): number {
    const now = this.#now()
    const stands = readSync(this.#fd, this.#time, 0, 8, 0) === 8 ? this.#time.readBigInt64LE() : 0n
    const from = stands < now - BURST_NS || stands > now + MOST_AHEAD_NS ? now - BURST_NS : stands
    const until = from + BigInt(Math.ceil(bytes * this.#nsPerByte))
    // Another may have written in between: then its bytes went for nothing, which is rarer than a lock would be dear.
    this.#time.writeBigInt64LE(until)
    writeSync(this.#fd, this.#time, 0, 8, 0)
    return Number(until - now) / 1e6
  }

  close(): void {
    closeSync(this.#fd)
  }
}
