/**
 * The part of a file that is as its basis is at the same place, but for blocks here and there: where both are at hand their
 * bytes are compared, which takes neither sums nor a second look at the basis. The search is for what comes after.
 */
import type { Steps } from '../base/steps.js'
import type { Source } from './sums.js'

/** Compared at once. */
const PART_BYTES = 256 * 1024
/** Neighbouring blocks that differ, before it looks as if bytes had moved. */
const STRAY_BLOCKS = 2

export type Aligned = {
  /** How far it went: a multiple of the block length, or all. */
  readonly length: number
  readonly literal: number
  readonly matched: number
}

/** @param output gets the bytes of the source, in order; must be done with them when it returns */
export function* copyAligned(
  source: Source,
  basis: Source,
  blockLength: number,
  output: (bytes: Uint8Array) => void,
): Steps<Aligned> {
  const blocks = Math.max(1 + STRAY_BLOCKS, Math.floor(PART_BYTES / blockLength))
  const [a, b] = [0, 1].map(() => Buffer.allocUnsafeSlow(blocks * blockLength))
  let at = 0
  let literal = 0
  while (a !== undefined && b !== undefined) {
    const got = source.read(at, a)
    const other = basis.read(at, b)
    const common = Math.min(got, other)
    const isWhole = got === other && got < a.length
    const usable = isWhole ? common : common - (common % blockLength)
    const { good, strays } = compareBlocks(a, b, usable, blockLength)
    if (good > 0) output(a.subarray(0, good))
    yield good
    literal += strays
    at += good
    // A part that ends in strays is read again from them on; one that has nothing else is for the search.
    if (good === 0 || (isWhole && good === usable)) break
  }
  return { length: at, literal, matched: at - literal }
}

/** @returns bytes up to the last block that is the same, where strays before it are few, and how many of them are strays' */
function compareBlocks(
  a: Buffer,
  b: Buffer,
  length: number,
  blockLength: number,
): { good: number; strays: number } {
  if (a.compare(b, 0, length, 0, length) === 0) return { good: length, strays: 0 }
  let good = 0
  let strays = 0
  for (let at = 0, pending = 0; at < length && pending <= STRAY_BLOCKS; at += blockLength) {
    const end = Math.min(length, at + blockLength)
    if (a.compare(b, at, end, at, end) === 0) {
      strays += pending * blockLength
      pending = 0
      good = end
    } else pending++
  }
  return { good, strays }
}
