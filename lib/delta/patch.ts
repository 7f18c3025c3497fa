/** The receiver's half of a delta: a basis and tokens in, the new file's bytes out, in order. */
import { WireError } from '../base/errors.js'
import type { SumHead } from './block-size.js'
import type { TokenSink } from './match.js'
import type { Source } from './sums.js'

/** Bytes of the basis that are read at once. */
const RUN_BYTES = 256 * 1024

/** Neighbouring blocks are read together, so the last of them come with `finish`. */
export class Patch implements TokenSink {
  readonly #head: SumHead
  readonly #basis: Source | null
  readonly #output: (bytes: Uint8Array) => void
  readonly #buffer: Uint8Array
  /** Blocks asked for and not yet given out. */
  #first = 0
  #count = 0
  #literalBytes = 0
  #matchedBytes = 0

  /** `output` must be done with the bytes when it returns. Without a basis every match is an error. */
  constructor(head: SumHead, basis: Source | null, output: (bytes: Uint8Array) => void) {
    this.#head = head
    this.#basis = basis
    this.#output = output
    this.#buffer = new Uint8Array(basis === null ? 0 : Math.max(RUN_BYTES, head.blockLength))
  }

  get literalBytes(): number {
    return this.#literalBytes
  }
  get matchedBytes(): number {
    return this.#matchedBytes
  }

  literal(bytes: Uint8Array, start: number, end: number): void {
    this.finish()
    this.#literalBytes += end - start
    this.#output(bytes.subarray(start, end))
  }

  /** @throws {WireError} on a block that the head does not have. */
  match(block: number): void {
    if (!(block >= 0 && block < this.#head.count) || this.#basis === null)
      throw new WireError(`block ${block} of ${this.#head.count}`, { at: 'token' })
    const isNext = this.#count > 0 && block === this.#first + this.#count
    if (!isNext || (this.#count + 1) * this.#head.blockLength > this.#buffer.length) {
      this.finish()
      this.#first = block
    }
    this.#count++
  }

  /** Gives out what was matched last. */
  finish(): void {
    if (this.#count === 0 || this.#basis === null) return
    const { blockLength, count, remainder } = this.#head
    const endsShort = this.#first + this.#count === count && remainder !== 0
    const length = this.#count * blockLength - (endsShort ? blockLength - remainder : 0)
    const bytes = this.#buffer.subarray(0, length)
    const got = this.#basis.read(this.#first * blockLength, bytes)
    // A basis that has become shorter: the whole file's sum will not match, and it is asked for again.
    if (got < length) bytes.fill(0, got)
    this.#count = 0
    this.#matchedBytes += length
    this.#output(bytes)
  }
}
