/**
 * The search of a part of a large file, so that several threads may search one. Each part has its own greedy run of matches;
 * where a block reaches into the next part, that part's first match may overlap it, and counts as literal.
 */
import type { Kernel } from '../kernel/kernel-port.js'
import { Match } from './match.js'
import type { BlockSums, Source } from './sums.js'

export type PartFound = {
  readonly matched: number
  /** Where its first match starts; infinite: it has none. */
  readonly first: number
  /** Where its last match ends. */
  readonly last: number
  /** The part's bytes were all there. */
  readonly isWhole: boolean
}

/** @param put gets the part's bytes, in order, and where they stand in the source */
export function searchPart(
  source: Source,
  [from, to]: readonly [number, number],
  sums: BlockSums,
  kernel: Kernel,
  put: (bytes: Uint8Array, offset: number) => void,
): PartFound {
  // A block that starts in this part may end in the next one.
  const end = Math.min(source.length, to + sums.blockLength - 1)
  const slice: Source = {
    length: end - from,
    read: (offset, into) => source.read(from + offset, into),
  }
  const shortBlock =
    sums.length % sums.blockLength === 0 || end === source.length ? -1 : sums.count - 1
  let matched = 0
  let first = Number.POSITIVE_INFINITY
  let last = 0
  let at = from
  // What was given out in one step stands together in the kernel's memory.
  let start = -1
  let stop = 0
  const take = (begin: number, finish: number): void => {
    if (start < 0) start = begin
    stop = finish
  }
  const sink = {
    literal: (_bytes: Uint8Array, begin: number, finish: number) => take(begin, finish),
    match: (block: number, _bytes: Uint8Array, begin: number, finish: number) => {
      take(begin, finish)
      // The short last block matches only at the end of all.
      if (block === shortBlock) return
      const place = at + (begin - start)
      if (place >= to) return
      matched += finish - begin
      first = Math.min(first, place)
      last = place + (finish - begin)
    },
  }
  const match = new Match(slice, sums, { inPlace: false }, kernel)
  for (let goesOn = true; goesOn && at < to; ) {
    goesOn = match.step(sink)
    if (start < 0) continue
    const mine = Math.min(stop - start, to - at)
    put(kernel.data.subarray(start, start + mine), at)
    at += stop - start
    start = -1
  }
  return { matched, first, last, isWhole: at >= to }
}

/** Bytes matched in all, parts in order. */
export function matchedIn(parts: Iterable<PartFound>, blockLength: number): number {
  let matched = 0
  let end = 0
  for (const part of parts) {
    matched += part.matched - (part.first < end ? blockLength : 0)
    end = Math.max(end, part.last)
  }
  return matched
}
