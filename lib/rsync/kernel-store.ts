/** One kernel for all files of a session, made larger where a file needs it. */
import { openKernel } from '../kernel/kernel.js'
import type { Kernel } from '../kernel/kernel-port.js'

const WINDOW_BYTES = 4 * 2 ** 20
const ENTRIES = 2 ** 16

export class KernelStore {
  #kernel: Kernel | null = null
  #entries = 0
  #bytes = 0

  /** @param entries blocks that its table must hold @param blockLength of which its memory must hold two */
  forEntries(entries: number, blockLength: number): Kernel {
    const bytes = Math.max(WINDOW_BYTES, 2 * blockLength)
    if (this.#kernel === null || this.#entries < entries || this.#bytes < bytes) {
      this.#entries = Math.max(ENTRIES, entries, this.#entries)
      this.#bytes = Math.max(bytes, this.#bytes)
      this.#kernel = openKernel({ dataBytes: this.#bytes, entries: this.#entries })
    }
    return this.#kernel
  }
}
