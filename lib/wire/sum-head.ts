/** How the receiver's file is cut into blocks; their sums follow. prsync-protocol(7), sum head. */
import type { Cursor, Writer } from '../base/bytes.js'
import { WireError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import type { SumHead } from '../delta/block-size.js'

export const NO_SUMS: SumHead = { count: 0, blockLength: 0, sumLength: 0, remainder: 0 }

/** @param sumBytes of a whole strong sum @throws {WireError} on what no file could have */
export function readSumHead(c: Cursor, protocol: number, sumBytes: number): SumHead {
  const count = c.i32le()
  const blockLength = c.i32le()
  const sumLength = c.i32le()
  const remainder = c.i32le()
  const longest = protocol < 30 ? LIMITS.oldBlockBytes : LIMITS.blockBytes
  if (
    count < 0 ||
    blockLength < 0 ||
    blockLength > longest ||
    (count > 0 && blockLength === 0) ||
    sumLength < 0 ||
    sumLength > sumBytes ||
    remainder < 0 ||
    remainder > blockLength ||
    count * (4 + sumLength) > LIMITS.blockSumsBytes
  )
    throw new WireError(
      `${count} blocks of ${blockLength}, sums of ${sumLength}, rest ${remainder}`,
      {
        at: 'sum head',
      },
    )
  return { count, blockLength, sumLength, remainder }
}

export function writeSumHead(w: Writer, head: SumHead): void {
  w.i32le(head.count)
  w.i32le(head.blockLength)
  w.i32le(head.sumLength)
  w.i32le(head.remainder)
}

export function isSameHead(a: SumHead, b: SumHead): boolean {
  return (
    a.count === b.count &&
    a.blockLength === b.blockLength &&
    a.sumLength === b.sumLength &&
    a.remainder === b.remainder
  )
}

/** Bytes of the file that the head tells of. */
export function lengthOf({ count, blockLength, remainder }: SumHead): number {
  return count * blockLength - (remainder === 0 ? 0 : blockLength - remainder)
}
