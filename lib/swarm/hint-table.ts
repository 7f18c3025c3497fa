/**
 * Which connection said that it has which content, for millions of contents: a hash table of 8-byte hints, each with a
 * bit per connection. 16 bytes a row whatever the number of connections; a set per connection would take gigabytes.
 */

import { highBit, lowBit, type PeerMask } from './peer-mask.js'
import type { RootHint } from './peer-port.js'

const START = 1024

export class HintTable {
  readonly #limit: number
  #size = START
  #used = 0
  #high = new Uint32Array(START)
  #low = new Uint32Array(START)
  #maskLow = new Uint32Array(START)
  #maskHigh = new Uint32Array(START)

  /** @param limit rows at most; hints beyond are not remembered, which costs speed and nothing else. */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** Rows in use, also those that nobody has any more. */
  get rows(): number {
    return this.#used
  }

  /** @returns was it new for this connection, and remembered? */
  add(hint: RootHint, slot: number): boolean {
    if (this.#used * 2 >= this.#size && !this.#grow()) return false
    const high = wordAt(hint, 0)
    const low = wordAt(hint, 4) || 1 // a row of two zeros is a free one
    const row = this.#row(high, low)
    if (this.#isFree(row)) {
      this.#high[row] = high
      this.#low[row] = low
      this.#used++
    }
    const before = this.#has(row, slot)
    this.#maskLow[row] = (this.#maskLow[row] ?? 0) | lowBit(slot)
    this.#maskHigh[row] = (this.#maskHigh[row] ?? 0) | highBit(slot)
    return !before
  }

  remove(hint: RootHint, slot: number): void {
    const row = this.#row(wordAt(hint, 0), wordAt(hint, 4) || 1)
    this.#clear(row, slot)
  }

  has(hint: RootHint, slot: number): boolean {
    return this.#has(this.#row(wordAt(hint, 0), wordAt(hint, 4) || 1), slot)
  }

  /** Adds to `mask` everyone who has it. */
  collect(hint: RootHint, mask: PeerMask): void {
    const row = this.#row(wordAt(hint, 0), wordAt(hint, 4) || 1)
    mask.lo = (mask.lo | (this.#maskLow[row] ?? 0)) >>> 0
    mask.hi = (mask.hi | (this.#maskHigh[row] ?? 0)) >>> 0
  }

  /** The connection is gone. */
  forget(slot: number): void {
    for (let row = 0; row < this.#size; row++) this.#clear(row, slot)
  }

  #has(row: number, slot: number): boolean {
    const low = (this.#maskLow[row] ?? 0) & lowBit(slot)
    return (low | ((this.#maskHigh[row] ?? 0) & highBit(slot))) !== 0
  }
  #clear(row: number, slot: number): void {
    this.#maskLow[row] = (this.#maskLow[row] ?? 0) & ~lowBit(slot)
    this.#maskHigh[row] = (this.#maskHigh[row] ?? 0) & ~highBit(slot)
  }
  #isFree(row: number): boolean {
    return this.#low[row] === 0 && this.#high[row] === 0
  }

  /** The row of a hint, or the free one where it would go. Hints are hashes: their own bits spread them. */
  #row(high: number, low: number): number {
    const wrap = this.#size - 1
    let row = (high ^ low) & wrap
    while (!this.#isFree(row) && (this.#high[row] !== high || this.#low[row] !== low))
      row = (row + 1) & wrap
    return row
  }

  /** Twice the rows, or as many again when enough of them are of nobody. */
  #grow(): boolean {
    const old = { high: this.#high, low: this.#low, lo: this.#maskLow, hi: this.#maskHigh }
    let alive = 0
    for (let i = 0; i < this.#size; i++) if (old.lo[i] !== 0 || old.hi[i] !== 0) alive++
    if (alive >= this.#limit) return false
    const size = alive * 4 > this.#size ? this.#size * 2 : this.#size
    this.#size = size
    this.#high = new Uint32Array(size)
    this.#low = new Uint32Array(size)
    this.#maskLow = new Uint32Array(size)
    this.#maskHigh = new Uint32Array(size)
    this.#used = alive
    for (let i = 0; i < old.high.length; i++) {
      if (old.lo[i] === 0 && old.hi[i] === 0) continue
      const row = this.#row(old.high[i] ?? 0, old.low[i] ?? 0)
      this.#high[row] = old.high[i] ?? 0
      this.#low[row] = old.low[i] ?? 0
      this.#maskLow[row] = old.lo[i] ?? 0
      this.#maskHigh[row] = old.hi[i] ?? 0
    }
    return true
  }
}

function wordAt(hint: RootHint, at: number): number {
  return (
    ((hint.charCodeAt(at) << 24) |
      (hint.charCodeAt(at + 1) << 16) |
      (hint.charCodeAt(at + 2) << 8) |
      hint.charCodeAt(at + 3)) >>>
    0
  )
}
