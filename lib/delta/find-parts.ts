/**
 * Where anchors were found in a content: which ranges of it truly are those of other contents? Bytes are compared, both ways
 * as far as they are equal, and only then something counts. What no other content has becomes zeros, literals, or stays open.
 */
import { EMPTY } from '../base/bytes.js'
import { BLOCK_BYTES, WINDOW_BYTES } from './anchors.js'
import type { Hits } from './image-scan.js'
import type { Source } from './sums.js'

/** Another content that may be in this one, and where in it its anchor is. */
export type PartSource = { readonly bytes: Source; readonly anchor: number }

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
    if (!finder.take(place * BLOCK_BYTES, rows)) break
  }
  return finder.done()
}

type Copy = Extract<FoundPart, { kind: 'copy' }>

class Finder {
  readonly #image: Source
  readonly #sourceOf: (row: number) => PartSource | null
  readonly #mostParts: number
  readonly #copies: Copy[] = []
  readonly #here = Buffer.allocUnsafeSlow(STEP)
  readonly #there = Buffer.allocUnsafeSlow(STEP)
  /** All before it is described. */
  #end = 0
  #wasteLeft: number

  constructor(image: Source, sourceOf: (row: number) => PartSource | null, mostParts: number) {
    this.#image = image
    this.#sourceOf = sourceOf
    this.#mostParts = mostParts
    this.#wasteLeft = WASTE_LEAST + WASTE * image.length
  }

  /** Of the contents whose anchor is at `place`, the one that goes on longest. @returns false: no more is worth it */
  take(place: number, rows: readonly number[]): boolean {
    // Half of the parts are for what stands between them.
    if (this.#copies.length >= this.#mostParts / 2) return false
    let best: Copy | null = null
    for (const row of rows) {
      const copy = this.#copyOf(place, row)
      if (copy === null) continue
      this.#wasteLeft -= Math.min(copy.length, best?.length ?? 0)
      if (best === null || copy.length > best.length) best = copy
    }
    if (best !== null) {
      const before = this.#backwards(best)
      this.#copies.push(before)
      this.#end = before.offset + before.length
    }
    return this.#wasteLeft > 0
  }

  #copyOf(place: number, row: number): Copy | null {
    const source = this.#sourceOf(row)
    if (source === null) return null
    const { bytes, anchor } = source
    // What is described already is not looked at again, only what the content goes on with behind it.
    const offset = Math.max(place, this.#end)
    const from = anchor + offset - place
    const most = Math.min(bytes.length - from, this.#image.length - offset)
    if (most < WINDOW_BYTES) return null
    const length = this.#forwards(offset, bytes, from, most)
    if (length >= WINDOW_BYTES) return { kind: 'copy', offset, length, row, from }
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
  #backwards(copy: Copy): Copy {
    const source = this.#sourceOf(copy.row)?.bytes
    if (source === undefined) return copy
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

  /** With the gaps between them. */
  done(): FoundParts {
    const gaps = new Gaps(this.#image, this.#here)
    const parts: FoundPart[] = []
    let room = this.#mostParts - this.#copies.length
    const fill = (start: number, end: number): void => {
      const between = gaps.between(start, end, room)
      if (between.length > room) return
      room -= between.length
      parts.push(...between)
    }
    let end = 0
    for (const copy of this.#copies) {
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
