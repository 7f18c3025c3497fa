/** Files that are open. */
import { fstatSync, readSync } from 'node:fs'

export function sizeOf(fd: number): number {
  return fstatSync(fd).size
}
/** Bytes from an offset; fewer only at the end. */
export function readAt(fd: number, into: Uint8Array, offset: number): number {
  return readSync(fd, into, 0, into.length, offset)
}
