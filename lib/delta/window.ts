/** A file going through the kernel's memory: what is no longer needed moves out at the front, the next bytes come in behind. */
import type { Kernel } from '../kernel/kernel-port.js'
import type { Source } from './sums.js'

export class Window {
  readonly #data: Uint8Array
  readonly #source: Source
  /** Where in the file the memory's first byte stands. */
  base = 0
  /** Bytes of the file in memory. */
  filled = 0
  /** The file's last byte is in memory. */
  ended = false

  constructor(source: Source, kernel: Kernel) {
    this.#data = kernel.data
    this.#source = source
  }

  /** Forgets the first `done` bytes in memory and reads on. False: nothing was left to read. */
  advance(done: number): boolean {
    if (this.ended) return false
    this.#data.copyWithin(0, done, this.filled)
    this.base += done
    this.filled -= done
    const at = this.base + this.filled
    const room = Math.min(this.#data.length - this.filled, this.#source.length - at)
    const got =
      room > 0 ? this.#source.read(at, this.#data.subarray(this.filled, this.filled + room)) : 0
    this.filled += got
    // Fewer bytes than asked: the file has become shorter.
    this.ended = got < room || this.base + this.filled >= this.#source.length
    return got > 0
  }
}
