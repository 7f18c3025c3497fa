/**
 * Where anchors were found in a content: which ranges of it truly are those of other contents? Bytes are compared, both ways
 * as far as they are equal, and only then something counts: whole contents first, then runs in common with others.
 */
import { PART_BYTES, WINDOW_BYTES } from './anchors.js'
import type { Span } from './assembly-plan.js'
import type { Hits } from './image-scan.js'
import type { Source } from './sums.js'

/** Another content that may be in this one, and where in it its anchor is. Several rows may be of one. */
export type PartSource = {
  readonly key: string
  readonly bytes: Source
  readonly anchor: number
}

/** A range of the content that stands in another one. */
export type Copy = Span & { readonly kind: 'copy'; readonly row: number; readonly from: number }
export type Copies = {
  /** Contents that are here from their beginning to their end: none begins within the one before. */
  readonly wholes: readonly Copy[]
  /** Runs in common with others: for what no whole content tells. */
  readonly runs: readonly Copy[]
}

/** Compared at once. */
const STEP = 256 * 1024
/** A first look at what may differ at once. */
const FIRST = 16 * 1024
/** Bytes compared in vain for each byte of the content, and at least: what begins alike must not keep us busy. */
const WASTE = 2
const WASTE_LEAST = 32 * 2 ** 20

/** Hits of a content of `length` bytes, as those of `count` stretches of it. */
export function cutHits(hits: Hits, length: number, count: number): Hits[] {
  const cut: Hits[] = []
  let from = 0
  for (let i = 1; i <= count; i++) {
    let to = from
    while (to < hits.length && (hits[to] ?? 0) < (length * i) / count) to += 2
    cut.push(hits.slice(from, to))
    from = to
  }
  return cut
}

/**
 * @param stretch bytes of the content that these hits are of
 * @param sourceOf null: it is not there any more. One at a time is read, and the last one given stays.
 */
export function findCopies(
  image: Source,
  hits: Hits,
  stretch: number,
  sourceOf: (row: number) => PartSource | null,
  mostParts: number,
): Copies {
  const finder = new Finder(image, stretch, sourceOf, mostParts)
  for (let i = 0; i < hits.length; ) {
    const place = hits[i] ?? 0
    const rows: number[] = []
    for (; i < hits.length && hits[i] === place; i += 2) rows.push(hits[i + 1] ?? 0)
    if (!finder.take(place, rows)) break
  }
  return finder.done()
}

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

  constructor(
    image: Source,
    stretch: number,
    sourceOf: (row: number) => PartSource | null,
    mostParts: number,
  ) {
    this.#image = image
    this.#sourceOf = sourceOf
    this.#mostParts = mostParts
    this.#wasteLeft = WASTE_LEAST + WASTE * stretch
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

  done(): Copies {
    return { wholes: this.#wholes, runs: this.#runs }
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
