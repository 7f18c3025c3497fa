/**
 * What a content is made of: ranges that are those of others, and what is between them as zeros or literals, or open.
 */
import { EMPTY } from '../base/bytes.js'
import { PART_BYTES } from './anchors.js'
import { cutParts, openBetween, type Span } from './assembly-plan.js'
import type { Copies, Copy } from './find-copies.js'
import type { Source } from './sums.js'

export type FoundPart = Copy | (Span & { readonly kind: 'zeros' | 'literal' })
export type FoundParts = { readonly parts: readonly FoundPart[]; readonly literals: Uint8Array }

/** Looked through at once. */
const STEP = 256 * 1024
/** Zeros of their own, shorter ones are literals as the bytes around them. */
const ZERO_RUN = 4096
/** Zeros are looked for so many at a time. */
const BLOCK_BYTES = 512
/** Literals all together, for each byte that is described otherwise; what comes together above this is left open. */
const LITERAL_SHARE = 32
const LITERAL_LEAST = 2 ** 20
const LITERAL_MOST = 16 * 2 ** 20
const LITERAL_RUN = 2 ** 20

/** @param copies of stretches of the content, as they follow one another */
export function findParts(image: Source, copies: readonly Copies[], mostParts: number): FoundParts {
  const gaps = new Gaps(image)
  const parts: FoundPart[] = []
  const joined = join(copies, image.length).slice(0, mostParts)
  let room = mostParts - joined.length
  const fill = (start: number, end: number): void => {
    const between = gaps.between(start, end, room)
    if (between.length > room) return
    room -= between.length
    parts.push(...between)
  }
  let end = 0
  for (const copy of joined) {
    fill(end, copy.offset)
    parts.push(copy)
    end = copy.offset + copy.length
  }
  fill(end, image.length)
  return gaps.withLiterals(parts)
}

/** Whole contents first, then what runs in common tell between them. */
function join(copies: readonly Copies[], length: number): Copy[] {
  const wholes: Copy[] = []
  const runs = copies.flatMap((of) => of.runs)
  let end = 0
  for (const whole of copies.flatMap((of) => of.wholes)) {
    // It begins within the last one of the stretch before.
    if (whole.offset < end) {
      runs.push(whole)
      continue
    }
    wholes.push(whole)
    end = whole.offset + whole.length
  }
  const open = openBetween(wholes, length)
  const joined = [...wholes]
  let told = 0
  for (const run of runs.sort((a, b) => a.offset - b.offset)) {
    const offset = Math.max(run.offset, told)
    const stretch = { offset, length: run.offset + run.length - offset }
    for (const gap of cutParts(open, stretch, (part) => part)) {
      if (gap.length < PART_BYTES) continue
      joined.push({ ...run, ...gap, from: run.from + gap.offset - run.offset })
      told = gap.offset + gap.length
    }
  }
  return joined.sort((a, b) => a.offset - b.offset)
}

/** What no other content has. */
class Gaps {
  readonly #image: Source
  readonly #buffer = Buffer.allocUnsafeSlow(STEP)
  readonly #zeros = Buffer.alloc(BLOCK_BYTES)

  constructor(image: Source) {
    this.#image = image
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
