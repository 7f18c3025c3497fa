/**
 * The sender's search: which blocks of the receiver's basis the source is made of. Source bytes and basis sums in,
 * literals and matches out, in order, to a TokenSink. After a block the one behind it is preferred, so that runs form.
 */
import type { Kernel } from '../kernel/kernel-port.js'
import { NONE, SumTable } from './sum-table.js'
import type { BlockSums, Source } from './sums.js'
import { Window } from './window.js'

export type TokenSink = {
  /** The bytes from `start` to `end`; they are gone after the call. */
  literal(bytes: Uint8Array, start: number, end: number): void
  /** A block of the basis: these bytes, likewise. */
  match(block: number, bytes: Uint8Array, start: number, end: number): void
}

export type MatchRule = {
  /** The receiver writes over its basis: only blocks that are still there then, at or behind the output's end, or unchanged. */
  readonly inPlace: boolean
}

/** How a search went: what matched, windows whose weak sum is one of the basis, and those of them that match nothing. */
export type Found = {
  readonly matches: number
  readonly hashHits: number
  readonly falseAlarms: number
}

export const NONE_FOUND: Found = { matches: 0, hashHits: 0, falseAlarms: 0 }

/** Twins looked at for one that may be used in place. */
const TWINS = 64
/** Bytes hashed in vain for each byte of the source, before the sums count as made to keep us busy. */
const WASTE = 16

/** One search. It has the kernel for itself until it is done; the kernel's table must have room for the blocks. */
export class Match {
  readonly #sums: BlockSums
  readonly #kernel: Kernel
  /** Null: all is literal. */
  #table: SumTable | null
  readonly #strong: Uint8Array
  readonly #window: Window
  readonly #rule: MatchRule
  /** In place: 1 for each block that was written over by itself. */
  readonly #unchanged: Uint8Array
  /** Where in memory the window before which everything is tested, and the first byte not yet given out, stand. */
  #at = 0
  #given = 0
  #fresh = true
  #wanted = 0
  #wasted = 0
  readonly found: { -readonly [K in keyof Found]: Found[K] } = { ...NONE_FOUND }

  constructor(source: Source, sums: BlockSums, rule: MatchRule, kernel: Kernel) {
    this.#sums = sums
    this.#kernel = kernel
    this.#rule = rule
    this.#unchanged = new Uint8Array(rule.inPlace ? sums.count : 0)
    // Without blocks, or with blocks that memory cannot hold twice, everything is literal.
    const searched = sums.count > 0 && 2 * sums.blockLength <= kernel.data.length
    this.#table = searched ? new SumTable(sums, kernel) : null
    this.#strong = new Uint8Array(sums.sumLength)
    this.#window = new Window(source, kernel)
  }

  /** Bytes of the source that were read; fewer than its length when it became shorter. */
  get consumed(): number {
    return this.#window.base + this.#given
  }

  /** One memory full of the source; false when it was the last. Between two steps the sink's bytes may be awaited. */
  step(sink: TokenSink): boolean {
    const window = this.#window
    window.advance(this.#given)
    this.#at -= this.#given
    this.#given = 0
    if (this.#table !== null) this.#search(sink, this.#table)
    if (!window.ended) {
      // What a window may still start in stays for the next step.
      this.#literalTo(
        sink,
        this.#table === null ? window.filled : Math.min(this.#at, window.filled),
      )
      return true
    }
    if (this.#table !== null) this.#tail(sink, this.#table)
    this.#literalTo(sink, window.filled)
    return false
  }

  #search(sink: TokenSink, table: SumTable): void {
    const kernel = this.#kernel
    const { blockLength } = this.#sums
    const last = this.#window.filled - blockLength
    let at = this.#at
    let fresh = this.#fresh
    while (at <= last) {
      if (fresh) kernel.place(at, blockLength)
      at = kernel.scan(at, last, blockLength, fresh)
      fresh = false
      if (at > last) {
        // The scan stands at the last window, which is tested.
        at = last
        break
      }
      const block = this.#blockAt(at, table)
      this.#count(block !== NONE)
      if (block !== NONE) {
        this.#literalTo(sink, at)
        sink.match(block, kernel.data, at, at + blockLength)
        if (block === this.#ownBlock(at)) this.#unchanged[block] = 1
        this.#wanted = block + 1
        at += blockLength
        this.#given = at
        fresh = true
      } else if (this.#wasted > WASTE * (this.#window.base + at + kernel.data.length)) {
        this.#table = null
        return
      }
    }
    this.#at = at
    this.#fresh = fresh
  }

  /** The block whose bytes stand at `at`, or NONE. */
  #blockAt(at: number, table: SumTable): number {
    const { blockLength, sumLength, sum } = this.#sums
    const weak = this.#kernel.windowSum()
    this.#kernel.strongSums(
      sum,
      sumLength,
      at,
      blockLength,
      blockLength,
      this.#strong,
      0,
      sumLength,
    )
    const own = this.#ownBlock(at)
    const wanted = own === NONE ? this.#wanted : own
    if (
      this.#isWhole(wanted) &&
      table.hasWeak(wanted, weak) &&
      table.hasStrong(wanted, this.#strong)
    )
      if (this.#isUsable(wanted, at)) return wanted
    let block = table.find(weak, this.#strong)
    if (block === NONE) this.#wasted += blockLength
    for (let left = TWINS; block !== NONE && !this.#isUsable(block, at); left--)
      block = left > 0 ? table.twinOf(block) : NONE
    return block
  }
  #isWhole(block: number): boolean {
    return (block + 1) * this.#sums.blockLength <= this.#sums.length
  }
  #isUsable(block: number, at: number): boolean {
    if (!this.#rule.inPlace || this.#unchanged[block] === 1) return true
    return block * this.#sums.blockLength >= this.#window.base + at
  }
  /** In place: the block that need not be moved, or NONE. */
  #ownBlock(at: number): number {
    const block = (this.#window.base + at) / this.#sums.blockLength
    return this.#rule.inPlace && Number.isInteger(block) ? block : NONE
  }

  /** The short last block matches only at the very end of the source. */
  #tail(sink: TokenSink, table: SumTable): void {
    const { length, blockLength, count, sum, sumLength } = this.#sums
    const size = length % blockLength
    const at = this.#window.filled - size
    if (size === 0 || at < this.#given || !this.#isUsable(count - 1, at)) return
    if (!table.hasWeak(count - 1, this.#kernel.place(at, size))) return
    this.#kernel.strongSums(sum, sumLength, at, size, size, this.#strong, 0, sumLength)
    const isFound = table.hasStrong(count - 1, this.#strong)
    this.#count(isFound)
    if (!isFound) return
    this.#literalTo(sink, at)
    sink.match(count - 1, this.#kernel.data, at, at + size)
    this.#given = this.#window.filled
  }

  #count(isFound: boolean): void {
    this.found.hashHits++
    if (isFound) this.found.matches++
    else this.found.falseAlarms++
  }

  #literalTo(sink: TokenSink, end: number): void {
    if (end > this.#given) sink.literal(this.#kernel.data, this.#given, end)
    this.#given = Math.max(this.#given, end)
  }
}
