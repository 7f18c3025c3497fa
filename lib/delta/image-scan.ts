/** Looks for anchors in a content while it is read through the kernel's memory for its hashes anyway. Hot. */
import { FAINT, FAINT_AFTER, type Kernel } from '../kernel/kernel-port.js'
import { type AnchorTable, NO_ROW } from './anchor-table.js'
import { marksIn, marksOf, PERIOD_BYTES, placeOf, WINDOW_BYTES, windowKey } from './anchors.js'

/** Windows that stand in the table: where in the content, and the row, pair by pair. */
export type Hits = Float64Array

/** Hits that are kept of one content, 16 bytes each. An image of so many packages is described up to there. */
const MOST_HITS = 2 ** 17

export class ImageScan {
  /** What `add` keeps before the bytes it is given. */
  static readonly CARRY = WINDOW_BYTES
  readonly #table: AnchorTable
  /** The row of the content itself. */
  readonly #own: number
  readonly #marks: Uint32Array
  /** Where in the content the first byte stands that was not looked at, and how many of these are kept. */
  #at: number
  #carried = 0
  /** The mark before: where in the content, and its key. */
  #lastAt = 0
  #last: number | undefined
  /** Bytes between the last mark that is not faint and what was not looked at. Nothing is known of what came before the first. */
  #since = FAINT_AFTER
  #hits: Float64Array = new Float64Array(256)
  #count = 0

  /** @param mostBytes given to `add` at once @param start where in the content the first of them stands */
  constructor(table: AnchorTable, own: number, mostBytes: number, start = 0) {
    this.#table = table
    this.#own = own
    this.#marks = marksOf(mostBytes + ImageScan.CARRY)
    this.#at = start
  }

  /** The next bytes, at `offset` of `kernel.data`: the same place each time, with CARRY bytes before it that are ours. */
  add(kernel: Kernel, offset: number, length: number): void {
    const start = offset - this.#carried
    const held = this.#carried + length
    const marks = marksIn(kernel, start, held, this.#marks, this.#since)
    for (let i = 0; i < marks.length; i += 2) {
      const [word = 0, low = 0] = [marks[i], marks[i + 1]]
      const place = placeOf(word)
      // A run of equal marks is looked at where it begins: within it there is no anchor.
      const isRun = low === this.#last && this.#at + place - this.#lastAt <= PERIOD_BYTES
      if (!isRun && this.#table.mayHold(low)) this.#look(kernel, start, place, low)
      this.#last = low
      this.#lastAt = this.#at + place
      if (word < FAINT) this.#since = -place
    }
    this.#carried = Math.min(held, WINDOW_BYTES - 1)
    this.#at += held - this.#carried
    this.#since = Math.min(FAINT_AFTER, this.#since + held - this.#carried)
    kernel.data.copyWithin(offset - this.#carried, start + held - this.#carried, start + held)
  }

  done(): Hits {
    return this.#hits.slice(0, this.#count * 2)
  }

  #look(kernel: Kernel, start: number, place: number, low: number): void {
    if (!this.#table.holds(low)) return
    const high = windowKey(kernel, start + place)
    let row = this.#table.find(low, high)
    for (; row !== NO_ROW; row = this.#table.after(row)) {
      if (row === this.#own || this.#count === MOST_HITS) continue
      if (this.#count * 2 === this.#hits.length) {
        const more = new Float64Array(this.#hits.length * 2)
        more.set(this.#hits)
        this.#hits = more
      }
      this.#hits[this.#count * 2] = this.#at + place
      this.#hits[this.#count * 2 + 1] = row
      this.#count++
    }
  }
}
