/** Devices, FIFOs and sockets as mknod(2) wants them. */
import { FileError } from '../base/errors.js'
import type { FileKind } from '../host.js'

/** What makes such a thing: its type, and the device it stands for, if any. */
export type NodeLike = {
  readonly kind: FileKind
  readonly major?: number
  readonly minor?: number
}

/** @throws {FileError} on what mknod does not make */
export function nodeOf({ kind, major = 0, minor = 0 }: NodeLike): [type: number, device: bigint] {
  switch (kind) {
    case 'fifo':
      return [0o010000, 0n]
    case 'socket':
      return [0o140000, 0n]
    case 'character':
      return [0o020000, deviceOf(major, minor)]
    case 'block':
      return [0o060000, deviceOf(major, minor)]
    default:
      throw new FileError(`a ${kind} is not made by mknod`)
  }
}

/** makedev(3) of Linux. */
function deviceOf(major: number, minor: number): bigint {
  const a = BigInt(major)
  const i = BigInt(minor)
  return (
    ((a & 0xfffff000n) << 32n) | ((a & 0xfffn) << 8n) | ((i & 0xffffff00n) << 12n) | (i & 0xffn)
  )
}
