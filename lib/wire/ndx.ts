/** Numbers of entries, and what stands in their place: told as the difference to the one before. prsync-protocol(7), ndx. */
import type { Cursor, Writer } from '../base/bytes.js'
import { WireError } from '../base/errors.js'

export const NDX = { done: -1, listEnd: -2, deleteStats: -3 } as const

/** The list of the directory of this number follows. */
export function ndxOfList(directory: number): number {
  return -101 - directory
}
/** Null: it is no directory's. */
export function directoryOfNdx(ndx: number): number | null {
  return ndx <= -101 ? -101 - ndx : null
}

/** One direction of one connection. */
export class NdxReader {
  readonly #protocol: number
  #positive = -1
  #negative = 1

  constructor(protocol: number) {
    this.#protocol = protocol
  }

  /** Keeps its state where it underflows. */
  read(c: Cursor): number {
    if (this.#protocol < 30) return c.i32le()
    const first = c.u8()
    if (first === 0) return NDX.done
    const isNegative = first === 0xff
    const lead = isNegative ? c.u8() : first
    const before = isNegative ? this.#negative : this.#positive
    const value = lead === 0xfe ? wide(c, before) : before + lead
    if (value > 0x7fffffff) throw new WireError('a number too large', { at: 'ndx' })
    if (isNegative) this.#negative = value
    else this.#positive = value
    return isNegative ? -value : value
  }
}

function wide(c: Cursor, before: number): number {
  const high = c.u8()
  if (high < 0x80) return before + ((high << 8) | c.u8())
  const at = c.take(3)
  const { bytes } = c
  const low = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16)
  return (high & 0x7f) * 2 ** 24 + low
}

export class NdxWriter {
  readonly #protocol: number
  #positive = -1
  #negative = 1

  constructor(protocol: number) {
    this.#protocol = protocol
  }

  write(w: Writer, ndx: number): void {
    if (this.#protocol < 30) return w.i32le(ndx)
    if (ndx === NDX.done) return w.u8(0)
    const value = Math.abs(ndx)
    const before = ndx < 0 ? this.#negative : this.#positive
    if (ndx < 0) {
      w.u8(0xff)
      this.#negative = value
    } else this.#positive = value
    const apart = value - before
    if (apart > 0 && apart < 0xfe) return w.u8(apart)
    w.u8(0xfe)
    if (apart >= 0 && apart <= 0x7fff) {
      w.u8(apart >> 8)
      w.u8(apart & 0xff)
      return
    }
    w.u8(0x80 | (value >>> 24))
    w.u8(value & 0xff)
    w.u8((value >> 8) & 0xff)
    w.u8((value >> 16) & 0xff)
  }
}
