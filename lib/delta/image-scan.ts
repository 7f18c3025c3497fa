/** Looks for anchors in a content while it is read through the kernel's memory for its hashes anyway. Hot. */
import type { Kernel } from '../kernel/kernel-port.js'
import { type AnchorTable, NO_ROW } from './anchor-table.js'
import {
  BLOCK_BYTES,
  blockSums,
  isWithinRun,
  SUMS_A_WINDOW,
  windowHigh,
  windowLow,
} from './anchors.js'

/** Windows that stand in the table: the number of their first block in the content, and the row, pair by pair. */
export type Hits = Uint32Array

/** Hits that are kept of one content, 8 bytes each. An image of so many packages is described up to there. */
const MOST_HITS = 2 ** 17

export class ImageScan {
  readonly #table: AnchorTable
  /** The row of the content itself. */
  readonly #own: number
  readonly #sums: Uint32Array
  #filled = 0
  /** The number of the block whose sum comes first in memory, and the first there that was not looked at. */
  #base = 0
  #next = 0
  #hits: Uint32Array = new Uint32Array(256)
  #count = 0

  /** @param mostBytes given to `add` at once */
  constructor(table: AnchorTable, own: number, mostBytes: number) {
    this.#table = table
    this.#own = own
    this.#sums = new Uint32Array(SUMS_A_WINDOW + mostBytes / BLOCK_BYTES)
  }

  /** The next bytes, at `offset` of `kernel.data`: whole blocks, or all that is left. */
  add(kernel: Kernel, offset: number, length: number): void {
    this.#filled += blockSums(kernel, offset, length, this.#sums, this.#filled)
    const last = this.#filled - SUMS_A_WINDOW
    const [sums, table] = [this.#sums, this.#table]
    for (let at = this.#next; at <= last; at++) {
      const low = windowLow(sums, at)
      if (table.mayHold(low) && !isWithinRun(sums, at)) this.#look(low, at)
    }
    if (last < 0) return
    // One that was looked at stays, for the run that the next may be in.
    this.#sums.copyWithin(0, last, this.#filled)
    this.#base += last
    this.#filled = SUMS_A_WINDOW
    this.#next = 1
  }

  done(): Hits {
    return this.#hits.slice(0, this.#count * 2)
  }

  #look(low: number, at: number): void {
    const high = windowHigh(this.#sums, at)
    let row = this.#table.find(low, high)
    for (; row !== NO_ROW; row = this.#table.after(row)) {
      if (row === this.#own || this.#count === MOST_HITS) continue
      if (this.#count * 2 === this.#hits.length) {
        const more = new Uint32Array(this.#hits.length * 2)
        more.set(this.#hits)
        this.#hits = more
      }
      this.#hits[this.#count * 2] = this.#base + at
      this.#hits[this.#count * 2 + 1] = row
      this.#count++
    }
  }
}
