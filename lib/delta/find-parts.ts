/**
 * Where anchors were found in a content: which ranges of it truly are those of other contents? Bytes are compared, both ways
 * as far as they are equal, and only then something counts: whole contents first, then runs in common with others. What no
 * other content has becomes zeros, literals, or stays open.
 */
import { EMPTY } from '../base/bytes.js'
import { PART_BYTES, WINDOW_BYTES } from './anchors.js'
import { cutParts, openBetween } from './assembly-plan.js'
import type { Hits } from './image-scan.js'
import type { Source } from './sums.js'

/** Another content that may be in this one, and where in it its anchor is. Several rows may be of one. */
export type PartSource = {
  readonly key: string
  readonly bytes: Source
  readonly anchor: number
}

/** A range of the content; `source` and `from` tell where it stands elsewhere. */
export type FoundPart = { readonly offset: number; readonly length: number } & (
  | { readonly kind: 'copy'; readonly row: number; readonly from: number }
  | { readonly kind: 'zeros' | 'literal' }
)
export type FoundParts = { readonly parts: readonly FoundPart[]; readonly literals: Uint8Array }

/** Compared, or looked through, at once. */
const STEP = 256 * 1024
/** A first look at what may differ at once. */
const FIRST = 16 * 1024
/** Bytes compared in vain for each byte of the content, and at least: what begins alike must not keep us busy. */
const WASTE = 2
const WASTE_LEAST = 32 * 2 ** 20
/** Zeros of their own, shorter ones are literals as the bytes around them. */
const ZERO_RUN = 4096
/** Zeros are looked for so many at a time. */
const BLOCK_BYTES = 512
/** Literals all together, for each byte that is described otherwise; what comes together above this is left open. */
const LITERAL_SHARE = 32
const LITERAL_LEAST = 2 ** 20
const LITERAL_MOST = 16 * 2 ** 20
const LITERAL_RUN = 2 ** 20

/** @param sourceOf null: it is not there any more. One at a time is read, and the last one given stays. */
export function findParts(
  image: Source,
  hits: Hits,
  sourceOf: (row: number) => PartSource | null,
  mostParts: number,
): FoundParts {
  const finder = new Finder(image, sourceOf, mostParts)
  for (let i = 0; i < hits.length; ) {
    const place = hits[i] ?? 0
    const rows: number[] = []
    for (; i < hits.length && hits[i] === place; i += 2) rows.push(hits[i + 1] ?? 0)
    if (!finder.take(place, rows)) break
  }
  return finder.done()
}

type Copy = Extract<FoundPart, { kind: 'copy' }>

class Finder {
  readonly #image: Source
  readonly #sourceOf: (row: number) => PartSource | null
  readonly #mostParts: number
  /** Contents that are here from their beginning to their end. */
  readonly #wholes: Copy[] = []
  /** Runs in common with others: for what no whole content tells. */
  readonly #runs: Copy[] = []
  /** By content and by where it would begin: how far the run there was followed. */
  readonly #followed = new Map<string, number>()
  readonly #here = Buffer.allocUnsafeSlow(STEP)
  readonly #there = Buffer.allocUnsafeSlow(STEP)
  /** The end of the last whole content. */
  #end = 0
  /** How far something that began within whole contents was followed behind them. */
  #behind = 0
  #wasteLeft: number

  constructor(image: Source, sourceOf: (row: number) => PartSource | null, mostParts: number) {
    this.#image = image
    this.#sourceOf = sourceOf
    this.#mostParts = mostParts
    this.#wasteLeft = WASTE_LEAST + WASTE * image.length
  }

  /** Of the contents whose anchor is at `place`, the longest that is whole. @returns false: no more is worth it */
  take(place: number, rows: readonly number[]): boolean {
    // Half of the parts are for what stands between them.
    if (this.#wholes.length + this.#runs.length >= this.#mostParts / 2) return false
    let best: Copy | null = null
    for (const row of rows) {
      const source = this.#sourceOf(row)
      const copy = source === null ? null : this.#copyOf(place, row, source)
      if (source === null || copy === null) continue
      const isWhole = copy.length === source.bytes.length
      this.#wasteLeft -= isWhole ? Math.min(copy.length, best?.length ?? 0) : copy.length
      if (!isWhole) this.#runs.push(copy)
      else if (best === null || copy.length > best.length) best = copy
    }
    if (best !== null) {
      this.#wholes.push(best)
      this.#end = best.offset + best.length
    }
    return this.#wasteLeft > 0
  }

  #copyOf(place: number, row: number, { key, bytes, anchor }: PartSource): Copy | null {
    // Within a whole content only what goes on behind it is looked at, and that once.
    const isWithin = place < this.#end
    const offset = isWithin ? Math.max(this.#end, this.#behind) : place
    const from = anchor + offset - place
    const most = Math.min(bytes.length - from, this.#image.length - offset)
    const run = `${place - anchor} ${key}`
    if (most < WINDOW_BYTES || (this.#followed.get(run) ?? 0) > offset) return null
    const length = this.#forwards(offset, bytes, from, most)
    if (length < WINDOW_BYTES) {
      this.#wasteLeft -= FIRST
      return null
    }
    this.#followed.set(run, offset + length)
    const forwards: Copy = { kind: 'copy', offset, length, row, from }
    if (isWithin) this.#behind = offset + length
    const copy = isWithin ? forwards : this.#backwards(forwards, bytes)
    if (copy.length >= PART_BYTES) return copy
    this.#wasteLeft -= FIRST
    return null
  }

  #forwards(offset: number, source: Source, from: number, most: number): number {
    for (let done = 0; done < most; ) {
      const n = Math.min(done === 0 ? FIRST : STEP, most - done)
      const here = this.#here.subarray(0, n)
      const there = this.#there.subarray(0, n)
      const isWhole =
        this.#image.read(offset + done, here) === n && source.read(from + done, there) === n
      if (!isWhole) return done
      if (!here.equals(there)) return done + commonStart(here, there)
      done += n
    }
    return most
  }

  /** With what stands equal before it, as the zeros a content begins with. */
  #backwards(copy: Copy, source: Source): Copy {
    let { offset, from, length } = copy
    while (offset > this.#end && from > 0) {
      const n = Math.min(STEP, offset - this.#end, from)
      const here = this.#here.subarray(0, n)
      const there = this.#there.subarray(0, n)
      if (this.#image.read(offset - n, here) < n || source.read(from - n, there) < n) break
      const common = here.equals(there) ? n : commonEnd(here, there)
      offset -= common
      from -= common
      length += common
      if (common < n) break
    }
    return { ...copy, offset, from, length }
  }

  /** Whole contents first, then what runs in common tell between them. */
  #copies(): Copy[] {
    const gaps = openBetween(this.#wholes, this.#image.length)
    const copies = [...this.#wholes]
    let told = 0
    for (const run of this.#runs.sort((a, b) => a.offset - b.offset)) {
      const offset = Math.max(run.offset, told)
      const stretch = { offset, length: run.offset + run.length - offset }
      for (const gap of cutParts(gaps, stretch, (part) => part)) {
        if (gap.length < PART_BYTES) continue
        copies.push({ ...run, ...gap, from: run.from + gap.offset - run.offset })
        told = gap.offset + gap.length
      }
    }
    return copies.sort((a, b) => a.offset - b.offset).slice(0, this.#mostParts)
  }

  /** With the gaps between them. */
  done(): FoundParts {
    const gaps = new Gaps(this.#image, this.#here)
    const parts: FoundPart[] = []
    const copies = this.#copies()
    let room = this.#mostParts - copies.length
    const fill = (start: number, end: number): void => {
      const between = gaps.between(start, end, room)
      if (between.length > room) return
      room -= between.length
      parts.push(...between)
    }
    let end = 0
    for (const copy of copies) {
      fill(end, copy.offset)
      parts.push(copy)
      end = copy.offset + copy.length
    }
    fill(end, this.#image.length)
    return gaps.withLiterals(parts)
  }
}

/** What no other content has. */
class Gaps {
  readonly #image: Source
  readonly #buffer: Buffer
  readonly #zeros = Buffer.alloc(BLOCK_BYTES)

  constructor(image: Source, buffer: Buffer) {
    this.#image = image
    this.#buffer = buffer
  }

  /** Runs of zeros, and what is between them as literals; where they would be more than `most` the rest is left out. */
  between(start: number, end: number, most: number): readonly FoundPart[] {
    const parts: FoundPart[] = []
    let literal = start
    const flush = (to: number): void => {
      if (to > literal) parts.push({ kind: 'literal', offset: literal, length: to - literal })
    }
    for (const { offset, length } of this.#zeroRuns(start, end)) {
      flush(offset)
      parts.push({ kind: 'zeros', offset, length })
      literal = offset + length
      if (parts.length > most) return parts
    }
    flush(end)
    return parts
  }

  *#zeroRuns(start: number, end: number): Iterable<{ offset: number; length: number }> {
    if (end - start < ZERO_RUN) return
    let run = -1
    for (let at = start; at < end; at += this.#buffer.length) {
      const bytes = this.#buffer.subarray(0, Math.min(this.#buffer.length, end - at))
      if (this.#image.read(at, bytes) < bytes.length) return
      for (let i = 0; i < bytes.length; i += BLOCK_BYTES) {
        const block = bytes.subarray(i, Math.min(bytes.length, i + BLOCK_BYTES))
        const isZero = block.equals(this.#zeros.subarray(0, block.length))
        if (isZero && run < 0) run = at + i
        if (isZero || run < 0) continue
        if (at + i - run >= ZERO_RUN) yield { offset: run, length: at + i - run }
        run = -1
      }
    }
    if (run >= 0 && end - run >= ZERO_RUN) yield { offset: run, length: end - run }
  }

  /** The literals' bytes as far as they are few; the rest of them stay open. */
  withLiterals(parts: readonly FoundPart[]): FoundParts {
    let described = 0
    for (const part of parts) if (part.kind !== 'literal') described += part.length
    let room = Math.min(LITERAL_MOST, Math.max(LITERAL_LEAST, described / LITERAL_SHARE))
    const kept: FoundPart[] = []
    const literals: Uint8Array[] = []
    for (const part of parts) {
      if (part.kind !== 'literal') {
        kept.push(part)
        continue
      }
      if (part.length > Math.min(LITERAL_RUN, room)) continue
      const bytes = Buffer.allocUnsafeSlow(part.length)
      if (this.#image.read(part.offset, bytes) < part.length) continue
      room -= part.length
      kept.push(part)
      literals.push(bytes)
    }
    return { parts: kept, literals: literals.length === 0 ? EMPTY : Buffer.concat(literals) }
  }
}

function commonStart(a: Buffer, b: Buffer): number {
  let low = 0
  // Halves that are equal are passed at once.
  for (let size = a.length; size > 64; ) {
    size = Math.ceil(size / 2)
    const end = Math.min(a.length, low + size)
    if (a.compare(b, low, end, low, end) === 0) low = end
  }
  while (low < a.length && a[low] === b[low]) low++
  return low
}
function commonEnd(a: Buffer, b: Buffer): number {
  let n = 0
  while (n < a.length && a[a.length - 1 - n] === b[b.length - 1 - n]) n++
  return n
}
