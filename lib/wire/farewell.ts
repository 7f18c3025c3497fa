/** Figures at the end of a transfer. prsync-protocol(7), statistics. */
import type { Cursor, Writer } from '../base/bytes.js'
import { WireError } from '../base/errors.js'
import { readVarint, readVarlong30, writeVarint, writeVarlong30 } from './ints.js'

/** As the server counts them. */
export type WireStats = {
  readonly read: number
  readonly written: number
  readonly size: number
  /** Milliseconds; 0 before protocol 29. */
  readonly listBuildMs: number
  readonly listSendMs: number
}

export function readStats(c: Cursor, protocol: number): WireStats {
  const next = (): number => readVarlong30(c, 3, protocol)
  const stats = { read: next(), written: next(), size: next() }
  return protocol < 29
    ? { ...stats, listBuildMs: 0, listSendMs: 0 }
    : { ...stats, listBuildMs: next(), listSendMs: next() }
}
export function writeStats(w: Writer, stats: WireStats, protocol: number): void {
  const put = (value: number): void => writeVarlong30(w, value, 3, protocol)
  put(stats.read)
  put(stats.written)
  put(stats.size)
  if (protocol < 29) return
  put(stats.listBuildMs)
  put(stats.listSendMs)
}

export type Deleted = {
  readonly file: number
  readonly directory: number
  readonly symlink: number
  readonly device: number
  readonly special: number
}
/** More are not believed. */
const MOST_DELETED = 2 ** 28

export function readDeleted(c: Cursor): Deleted {
  const next = (): number => {
    const count = readVarint(c)
    if (count < 0 || count > MOST_DELETED)
      throw new WireError(`${count} deletions`, { at: 'delete statistics' })
    return count
  }
  return { file: next(), directory: next(), symlink: next(), device: next(), special: next() }
}
export function writeDeleted(w: Writer, d: Deleted): void {
  for (const count of [d.file, d.directory, d.symlink, d.device, d.special]) writeVarint(w, count)
}
