/**
 * What happened lately: under each key a time and a few small numbers. Bounded, and in flat memory, as each request asks and most write: as
 * objects so many would be moved about by the garbage collector again and again, and clients would wait for it. A key has a place
 * in one set of WAYS rows; what was written longest ago in that set gives way.
 */

/** 64 bits of what was said, in halves. */
export type Key = { readonly high: number; readonly low: number }

const WAYS = 8

/**
 * The key of what was said, after what `from` stands for. Two that share one would be taken for each other, once in 2^64; where to begin
 * is drawn at random, so that nobody knows which.
 */
export function keyOf(from: Key, said: string): Key {
  let { high, low } = from
  for (let i = 0; i < said.length; i++) {
    const char = said.charCodeAt(i)
    high = Math.imul(high ^ char, 0x01000193)
    low = Math.imul(low ^ char, 0x5bd1e995)
    low ^= low >>> 15
  }
  // what no char is: `ab` and `c` are not `a` and `bc`
  high = Math.imul(high ^ 0x10000, 0x01000193)
  low = Math.imul(low ^ 0x10000 ^ high, 0x5bd1e995)
  return { high: (high ^ (high >>> 16)) >>> 0, low: (low ^ (low >>> 13)) >>> 0 }
}

export class Lately {
  readonly #width: number
  /** Two words a row. */
  readonly #keys: Uint32Array
  /** 0: a free row. */
  readonly #atMs: Float64Array
  readonly #counts: Uint8Array
  readonly #numbers: Uint32Array

  /** @param rows a power of two @param width numbers under a key, below 256; of more the first are forgotten */
  constructor(rows: number, width: number) {
    this.#width = width
    this.#keys = new Uint32Array(2 * rows)
    this.#atMs = new Float64Array(rows)
    this.#counts = new Uint8Array(rows)
    this.#numbers = new Uint32Array(width * rows)
  }

  /** The row of a key; -1: nothing is known of it. */
  find({ high, low }: Key): number {
    const first = this.#setOf(low)
    for (let row = first; row < first + WAYS; row++)
      if (this.#isKey(row, high, low) && this.#atMs[row] !== 0) return row
    return -1
  }

  /** The row of a key, made where there is none. */
  claim(key: Key): number {
    const known = this.find(key)
    if (known >= 0) return known
    const first = this.#setOf(key.low)
    let row = first
    for (let each = first + 1; each < first + WAYS; each++)
      if (this.atMs(each) < this.atMs(row)) row = each
    this.#keys[2 * row] = key.high
    this.#keys[2 * row + 1] = key.low
    this.#atMs[row] = 0
    this.clear(row)
    return row
  }

  /** 0: nothing was added yet. */
  atMs(row: number): number {
    return this.#atMs[row] ?? 0
  }
  numbers(row: number): readonly number[] {
    const start = row * this.#width
    return [...this.#numbers.subarray(start, start + (this.#counts[row] ?? 0))]
  }
  /** The one that was added last; -1: none. */
  last(row: number): number {
    const count = this.#counts[row] ?? 0
    return count === 0 ? -1 : (this.#numbers[row * this.#width + count - 1] ?? -1)
  }

  clear(row: number): void {
    this.#counts[row] = 0
  }
  /** @param nowMs above 0 */
  add(row: number, number: number, nowMs: number): void {
    const start = row * this.#width
    let count = this.#counts[row] ?? 0
    if (count === this.#width) {
      this.#numbers.copyWithin(start, start + 1, start + count)
      count--
    }
    this.#numbers[start + count] = number
    this.#counts[row] = count + 1
    this.#atMs[row] = nowMs
  }

  #setOf(low: number): number {
    return Math.imul(low, WAYS) & (this.#atMs.length - 1)
  }
  #isKey(row: number, high: number, low: number): boolean {
    return this.#keys[2 * row + 1] === low && this.#keys[2 * row] === high
  }
}
