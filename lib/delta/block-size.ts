/**
 * How long blocks are. rsync's sum head for a basis file (prsync-protocol(7), sum head; every row of its table is a
 * test), and the swarm's own rule for contents: a power of two, so that blocks and 16 KiB leaves never straddle.
 */
import { LIMITS } from '../base/limits.js'

/** The sum head: how a file is cut into blocks, and how much of each strong sum is sent. */
export type SumHead = {
  /** Blocks; 0 asks for the whole file. */
  readonly count: number
  /** Bytes in each block but the last. */
  readonly blockLength: number
  /** Bytes of each strong sum. */
  readonly sumLength: number
  /** Bytes in the last block, 0 when it is a full one. */
  readonly remainder: number
}

export type SumHeadRule = {
  readonly protocol: number
  /** Bytes of a whole strong sum. */
  readonly sumBytes: number
  /** `-B`; null: by the file's length. */
  readonly blockLength: number | null
  /** The second try of a file whose sum did not match: whole sums. */
  readonly redo: boolean
}

const WHOLE_FILE: SumHead = { count: 0, blockLength: 0, sumLength: 0, remainder: 0 }
const SHORTEST = 700
const INT32_MAX = 2 ** 31 - 1

/** rsync's head for a basis of `length` bytes; asks for the whole file where blocks would not fit int32. */
export function sumHeadFor(length: number, rule: SumHeadRule): SumHead {
  const blockLength = rule.blockLength ?? rsyncBlockLength(length, rule.protocol)
  const count = Math.ceil(length / blockLength)
  if (count === 0 || count > INT32_MAX || blockLength > INT32_MAX) return WHOLE_FILE
  const longest = Math.min(16, rule.sumBytes)
  return {
    count,
    blockLength,
    sumLength: rule.redo ? longest : Math.min(sentSumBytes(length, blockLength), longest),
    remainder: length % blockLength,
  }
}

/** About √length, a multiple of 8. */
function rsyncBlockLength(length: number, protocol: number): number {
  if (length <= SHORTEST * SHORTEST) return SHORTEST
  const longest = protocol < 30 ? 2 ** 29 : 2 ** 17
  let bit = 1
  for (let rest = Math.floor(length / 4); rest > 0; rest = Math.floor(rest / 4)) bit *= 2
  if (bit >= longest) return longest
  let block = 0
  for (; bit >= 8; bit /= 2) if ((block + bit) ** 2 <= length) block += bit
  return Math.max(block, SHORTEST)
}

/** Enough bits that a false match in the file is as unlikely as 2^-10. */
function sentSumBytes(length: number, blockLength: number): number {
  const bits = 10 + 2 * floorLog2(length) - floorLog2(blockLength)
  return Math.max(2, Math.trunc((bits + 1 - 32 + 7) / 8))
}
function floorLog2(n: number): number {
  let log = 0
  for (let rest = n; rest >= 2; rest /= 2) log++
  return log
}

/**
 * The swarm's block for a content: the power of two nearest √length (in ratio), 1 to 16 KiB; longer only so that the
 * blocks stay below LIMITS.deltaBlocks. Null: too large for published sums.
 */
export function contentBlockLength(length: number): number | null {
  let block = 1024
  while (block < 16384 && 2 * block * block < length) block *= 2
  while (length / block > LIMITS.deltaBlocks) block *= 2
  return block > LIMITS.deltaBlockBytes ? null : block
}
