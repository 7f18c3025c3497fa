/**
 * Which contents a volunteer has: complete through a sequence, but for what its selection leaves out, and what it finished since.
 * Contents are numbered as they are published, so "complete through n" is a number below which all are there, and only what is
 * newer takes a bit each. One record for each file and volunteer would take 44 GB for 2.2 million files and forty volunteers.
 * Contents are looked up by 8 of the 32 bytes of their root: two that share these would be taken for one, once in ten million
 * mirrors of that size; a volunteer that then lacks one bounces the client. What is published no longer keeps its number until the
 * centre starts anew: 12 bytes and a bit for each volunteer on its way.
 */
import { type Root, rootFrom } from '../hash/root.js'

const START_ROWS = 1024
/** Rows in use, of all, before the table doubles. */
const FULL = 0.6
const CHUNK_BITS = 4096
const CHUNK_BYTES = CHUNK_BITS / 8

/** Which groups of paths (directories, releases) a partial mirror has. Shared by all that selected the same. */
export class Selection {
  readonly #bits: Uint32Array
  /** @param groups in all */
  constructor(groups: number) {
    this.#bits = new Uint32Array(Math.ceil(groups / 32))
  }
  add(group: number): void {
    this.#bits[group >>> 5] = (this.#bits[group >>> 5] ?? 0) | (1 << (group & 31))
  }
  has(group: number): boolean {
    return ((this.#bits[group >>> 5] ?? 0) & (1 << (group & 31))) !== 0
  }
}

type Holding = {
  readonly selection: Selection | null
  /** All contents with lower numbers are there. */
  below: number
  /** Of the others: bits by chunk. */
  readonly finished: Map<number, Uint32Array>
}

export class Presence {
  /** Chunks that may be taken; what is finished beyond is not remembered, which costs redirects and nothing else. */
  readonly #mostChunks: number
  #chunks = 0
  readonly #holdings: (Holding | undefined)[] = []
  /** What was published, and the number of its first content; ascending. */
  readonly #sequences: number[] = []
  readonly #firsts: number[] = []
  #count = 0
  #high = new Uint32Array(START_ROWS)
  #low = new Uint32Array(START_ROWS)
  /** Number + 1; 0: a free row. */
  #numbers = new Uint32Array(START_ROWS)

  /** @param finishedBytes for what volunteers finished before they were complete, all together */
  constructor(finishedBytes: number) {
    this.#mostChunks = Math.floor(finishedBytes / CHUNK_BYTES)
  }

  /** Contents known; their numbers are below it. */
  get count(): number {
    return this.#count
  }

  /** A snapshot stands; its contents that were known keep their numbers. Sequences ascend. */
  publish(sequence: number, roots: Iterable<Root>): void {
    this.#sequences.push(sequence)
    this.#firsts.push(this.#count)
    for (const root of roots) this.know(root)
  }

  /** A content that is published, though nobody said when: it gets a number if it has none. */
  know(root: Root): void {
    if (this.#count >= this.#numbers.length * FULL) this.#grow()
    const row = this.#rowOf(wordAt(root, 0), wordAt(root, 4))
    if (this.#numbers[row] === 0) this.#fill(row, wordAt(root, 0), wordAt(root, 4), ++this.#count)
  }

  /** Null: never published. */
  numberOf(root: Root): number | null {
    const number = this.#numbers[this.#rowOf(wordAt(root, 0), wordAt(root, 4))] ?? 0
    return number === 0 ? null : number - 1
  }

  /** A volunteer said what it has; null: not complete through anything yet. */
  join(slot: number, through: number | null, selection: Selection | null): void {
    this.forget(slot)
    this.#holdings[slot] = { selection, below: 0, finished: new Map() }
    if (through !== null) this.complete(slot, through)
  }

  /** It has all of its selection through this sequence. One from before our first says nothing; who lost some joins anew. */
  complete(slot: number, sequence: number): void {
    const holding = this.#holdings[slot]
    if (holding === undefined) return
    holding.below = Math.max(holding.below, this.#firstAfter(sequence))
    for (const chunk of holding.finished.keys())
      if ((chunk + 1) * CHUNK_BITS <= holding.below) {
        holding.finished.delete(chunk)
        this.#chunks--
      }
  }

  /** It has one more, verified. @returns false: unknown, or no room to remember it */
  finished(slot: number, root: Root): boolean {
    const holding = this.#holdings[slot]
    const number = this.numberOf(root)
    if (holding === undefined || number === null) return false
    if (number < holding.below) return true
    const at = Math.floor(number / CHUNK_BITS)
    let chunk = holding.finished.get(at)
    if (chunk === undefined) {
      if (this.#chunks >= this.#mostChunks) return false
      this.#chunks++
      chunk = new Uint32Array(CHUNK_BITS / 32)
      holding.finished.set(at, chunk)
    }
    const word = (number % CHUNK_BITS) >>> 5
    chunk[word] = (chunk[word] ?? 0) | (1 << (number & 31))
    return true
  }

  /** It no longer has one of those that it finished: its place was given to others. */
  dropped(slot: number, root: Root): void {
    const number = this.numberOf(root) ?? 0
    const chunk = this.#holdings[slot]?.finished.get(Math.floor(number / CHUNK_BITS))
    const word = (number % CHUNK_BITS) >>> 5
    if (chunk !== undefined) chunk[word] = (chunk[word] ?? 0) & ~(1 << (number & 31))
  }

  /** What it finished beside what it is complete through: the first 8 bytes of each root, zeros in place of the rest. */
  *finishedOf(slot: number): Iterable<Root> {
    for (let row = 0; row < this.#numbers.length; row++) {
      const number = (this.#numbers[row] ?? 0) - 1
      if (number >= 0 && this.holds(slot, number, 0))
        yield rootFrom(wordText(this.#high[row]) + wordText(this.#low[row]))
    }
  }

  isJoined(slot: number): boolean {
    return this.#holdings[slot] !== undefined
  }

  /** It is gone. */
  forget(slot: number): void {
    this.#chunks -= this.#holdings[slot]?.finished.size ?? 0
    this.#holdings[slot] = undefined
  }

  /** Has the volunteer this content, at a path of this group? */
  holds(slot: number, number: number, group: number): boolean {
    const holding = this.#holdings[slot]
    if (holding === undefined || holding.selection?.has(group) === false) return false
    if (number < holding.below) return true
    const chunk = holding.finished.get(Math.floor(number / CHUNK_BITS))
    if (chunk === undefined) return false
    return ((chunk[(number % CHUNK_BITS) >>> 5] ?? 0) & (1 << (number & 31))) !== 0
  }

  #firstAfter(sequence: number): number {
    const newest = this.#sequences.findLastIndex((each) => each <= sequence)
    return newest < 0 ? 0 : (this.#firsts[newest + 1] ?? this.#count)
  }

  /** The row of a content, or the free one where it would go. Roots are hashes: their own bits spread them. */
  #rowOf(high: number, low: number): number {
    const mask = this.#numbers.length - 1
    for (let row = low & mask; ; row = (row + 1) & mask)
      if (this.#numbers[row] === 0 || (this.#high[row] === high && this.#low[row] === low))
        return row
  }

  #fill(row: number, high: number, low: number, number: number): void {
    this.#high[row] = high
    this.#low[row] = low
    this.#numbers[row] = number
  }

  #grow(): void {
    const [highs, lows, numbers] = [this.#high, this.#low, this.#numbers]
    this.#high = new Uint32Array(2 * numbers.length)
    this.#low = new Uint32Array(2 * numbers.length)
    this.#numbers = new Uint32Array(2 * numbers.length)
    numbers.forEach((number, row) => {
      const [high = 0, low = 0] = [highs[row], lows[row]]
      if (number > 0) this.#fill(this.#rowOf(high, low), high, low, number)
    })
  }
}

/** Four chars. */
function wordText(word = 0): string {
  return String.fromCharCode(word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255, word & 255)
}
function wordAt(root: Root, at: number): number {
  const byte = (i: number): number => root.charCodeAt(at + i)
  return ((byte(0) << 24) | (byte(1) << 16) | (byte(2) << 8) | byte(3)) >>> 0
}
