/** The anchors of all contents, found by their keys: rows of typed arrays that threads share. 32 bytes a row with its filter. */
import { headBits, headOf } from '../kernel/kernel-port.js'
import type { Anchor } from './anchors.js'

export const NO_ROW = -1
/** Rows of one key: contents that begin alike. Those after them are not found, so that headers cost no more than this. */
const SAME_KEY = 8
/** Rows looked at for one window: longer chains are made on purpose. */
const CHAIN = 64
/** Bits of the filter for each head. */
const FILTER_SHIFT = 3

/** What a thread needs of a table; made once, filled before threads get it. */
export type AnchorMemory = {
  readonly filter: SharedArrayBuffer
  readonly heads: SharedArrayBuffer
  readonly nexts: SharedArrayBuffer
  readonly lows: SharedArrayBuffer
  readonly highs: SharedArrayBuffer
  readonly offsets: SharedArrayBuffer
}

export class AnchorTable {
  readonly memory: AnchorMemory
  readonly #filter: Uint32Array
  readonly #heads: Uint32Array
  readonly #nexts: Uint32Array
  readonly #lows: Uint32Array
  readonly #highs: Uint32Array
  readonly #offsets: Float64Array
  readonly #shift: number
  #rows = 0

  constructor(memory: AnchorMemory) {
    this.memory = memory
    this.#filter = new Uint32Array(memory.filter)
    this.#heads = new Uint32Array(memory.heads)
    this.#nexts = new Uint32Array(memory.nexts)
    this.#lows = new Uint32Array(memory.lows)
    this.#highs = new Uint32Array(memory.highs)
    this.#offsets = new Float64Array(memory.offsets)
    this.#shift = 32 - Math.log2(this.#heads.length)
  }

  /** An empty one for at most so many rows. */
  static ofRows(rows: number): AnchorTable {
    const bits = headBits(rows)
    const words = (count: number): SharedArrayBuffer => new SharedArrayBuffer(count * 4)
    return new AnchorTable({
      filter: words(2 ** (bits + FILTER_SHIFT - 5)),
      heads: words(2 ** bits),
      nexts: words(rows),
      lows: words(rows),
      highs: words(rows),
      offsets: words(rows * 2),
    })
  }

  /** @returns its row: they count from 0, whether it can be found or not */
  add({ offset, low, high }: Anchor): number {
    const row = this.#rows++
    if (row >= this.#lows.length) throw new RangeError(`row ${row} of a smaller table`)
    this.#lows[row] = low
    this.#highs[row] = high
    this.#offsets[row] = offset
    const head = headOf(low, this.#shift)
    let same = 0
    let length = 0
    for (let at = this.#heads[head] ?? 0; at !== 0; at = this.#nexts[at - 1] ?? 0) {
      if (this.#isKey(at - 1, low, high)) same++
      if (same === SAME_KEY || ++length === CHAIN) return row
    }
    this.#nexts[row] = this.#heads[head] ?? 0
    this.#heads[head] = row + 1
    const word = this.#wordOf(low)
    this.#filter[word] = (this.#filter[word] ?? 0) | (1 << (low & 31))
    return row
  }

  /** May there be a row with this half of a key? */
  mayHold(low: number): boolean {
    return ((this.#filter[this.#wordOf(low)] ?? 0) & (1 << (low & 31))) !== 0
  }
  /** Is there one? */
  holds(low: number): boolean {
    let at = this.#heads[headOf(low, this.#shift)] ?? 0
    while (at !== 0 && this.#lows[at - 1] !== low) at = this.#nexts[at - 1] ?? 0
    return at !== 0
  }
  /** The latest row of a key. */
  find(low: number, high: number): number {
    return this.#from(this.#heads[headOf(low, this.#shift)] ?? 0, low, high)
  }
  /** The row of the same key before this one. */
  after(row: number): number {
    const [low, high] = [this.#lows[row] ?? 0, this.#highs[row] ?? 0]
    return this.#from(this.#nexts[row] ?? 0, low, high)
  }
  /** Where in its content the window of a row begins. */
  offsetOf(row: number): number {
    return this.#offsets[row] ?? 0
  }

  #from(first: number, low: number, high: number): number {
    for (let at = first; at !== 0; at = this.#nexts[at - 1] ?? 0)
      if (this.#isKey(at - 1, low, high)) return at - 1
    return NO_ROW
  }
  #isKey(row: number, low: number, high: number): boolean {
    return this.#lows[row] === low && this.#highs[row] === high
  }
  #wordOf(low: number): number {
    return (low >>> 5) & (this.#filter.length - 1)
  }
}
