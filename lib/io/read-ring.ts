/**
 * Memory that a socket reads into, part after part and round again: for whoever is done with what came when he has read
 * twice more, or a mebibyte more if that comes later. Node otherwise makes 64 KiB anew for each read(2), which costs a fast connection a quarter of its time.
 */
import type { OnReadOpts } from 'node:net'

const PART_BYTES = 256 * 1024
/** All but one hold 192 KiB or more each: what stands, and what waits or is read meanwhile. */
const PARTS = 12
/** A part with less room is left for the next one. */
const LEAST_BYTES = 64 * 1024
/** Not read so far; the socket stops above it. */
const WAITING_BYTES = 256 * 1024

export class ReadRing {
  readonly #parts: Buffer[] = []
  /** The part that is filled, and how far. */
  #at = 0
  #filled = 0
  #waiting = 0
  /** Takes what came; it stands while two more, or a mebibyte, are taken. */
  sink: (bytes: Uint8Array) => void = () => {}

  /** For the socket's constructor. */
  readonly options: OnReadOpts = {
    buffer: () => {
      if (PART_BYTES - this.#filled < LEAST_BYTES) {
        this.#at = (this.#at + 1) % PARTS
        this.#filled = 0
      }
      const part = this.#parts[this.#at] ?? Buffer.allocUnsafeSlow(PART_BYTES)
      this.#parts[this.#at] = part
      return part.subarray(this.#filled)
    },
    callback: (length, bytes) => {
      this.#filled += length
      this.#waiting += length
      this.sink(bytes.subarray(0, length))
      // The socket stops here until it is resumed.
      return this.hasRoom
    },
  }

  get hasRoom(): boolean {
    return this.#waiting <= WAITING_BYTES
  }
  /** The reader asked for so many bytes. */
  taken(length: number): void {
    this.#waiting -= length
  }
}
