/** Devices, FIFOs and sockets as mknod(2) wants them. */
import { readFileSync } from 'node:fs'
import { FileError } from '../base/errors.js'
import type { FileKind, Standing } from '../host.js'

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

/** --copy-devices: what is on it, as of now: a device has no time at which it changed. */
export function deviceAsFile(device: Standing): Standing {
  const size = device.kind === 'block' ? blockDeviceBytes(device) : 0
  return { ...device, kind: 'file', size, mtimeNs: BigInt(Date.now()) * 1_000_000n }
}
function blockDeviceBytes({ major, minor }: Standing): number {
  try {
    return Number(readFileSync(`/sys/dev/block/${major}:${minor}/size`, 'latin1')) * SECTOR_BYTES
  } catch {
    // There is no such device: opening it will say so.
    return 0
  }
}
/** Of this file, whatever the device has: sysfs-block(5). */
const SECTOR_BYTES = 512
