/**
 * rsync's integers: little-endian, of fixed length in old protocols, as long as they need from 30 on.
 * prsync-protocol(7), primitive encodings.
 */
import type { Cursor, Writer } from '../base/bytes.js'
import { WireError } from '../base/errors.js'

const INT_MAX = 2 ** 31 - 1

/** Bytes that follow a lead byte, by its upper six bits. */
const EXTRA = new Uint8Array(64)
EXTRA.fill(1, 32, 48)
EXTRA.fill(2, 48, 56)
EXTRA.fill(3, 56, 60)
EXTRA.fill(4, 60, 62)
EXTRA[62] = 5
EXTRA[63] = 6

/** 32 bits, signed. */
export function readVarint(c: Cursor): number {
  const lead = c.u8()
  const extra = EXTRA[lead >> 2] ?? 0
  if (extra === 0) return lead
  if (extra > 4) throw new WireError('a number of more than 32 bits', { at: 'varint' })
  const at = c.take(extra)
  let value = 0
  for (let i = 0; i < extra; i++) value += (c.bytes[at + i] ?? 0) * 2 ** (8 * i)
  value += (lead & ((1 << (8 - extra)) - 1)) * 2 ** (8 * extra)
  return value | 0
}

export function writeVarint(w: Writer, value: number): void {
  const bits = value >>> 0
  if (bits < 0x80) return w.u8(bits)
  const length = bits < 0x100 ? 1 : bits < 0x10000 ? 2 : bits < 0x1000000 ? 3 : 4
  const top = bits >>> (8 * (length - 1))
  const room = 1 << (8 - length)
  if (top >= room) {
    w.u8(0xff & ~(room - 1))
    for (let i = 0; i < length; i++) w.u8((bits >>> (8 * i)) & 0xff)
    return
  }
  w.u8(top | (0xff & ~(2 * room - 1)))
  for (let i = 0; i < length - 1; i++) w.u8((bits >>> (8 * i)) & 0xff)
}

/** 64 bits, signed, of at least `least` bytes. @throws {WireError} where it is not within 2^53 */
export function readVarlong(c: Cursor, least: number): number {
  const lead = c.u8()
  const extra = EXTRA[lead >> 2] ?? 0
  const low = least - 1 + extra
  if (low > 8) throw new WireError('a number of more than 64 bits', { at: 'varlong' })
  const at = c.take(low)
  let value = 0
  if (low < 7) {
    for (let i = 0; i < low; i++) value += (c.bytes[at + i] ?? 0) * 2 ** (8 * i)
    value += (lead & ((1 << (8 - extra)) - 1)) * 2 ** (8 * low)
    if (value > Number.MAX_SAFE_INTEGER) throw tooLarge()
    return value
  }
  let wide = 0n
  for (let i = 0; i < low; i++) wide += BigInt(c.bytes[at + i] ?? 0) << BigInt(8 * i)
  if (low < 8) wide += BigInt(lead & ((1 << (8 - extra)) - 1)) << BigInt(8 * low)
  return narrowed(BigInt.asIntN(64, wide))
}

export function writeVarlong(w: Writer, value: number, least: number): void {
  if (value < 0) return writeNegative(w, value, least)
  const low = value >>> 0
  const high = Math.floor(value / 2 ** 32)
  let length = least
  while (length < 8 && value >= 2 ** (8 * length)) length++
  const byte = (i: number): number => (i < 4 ? low >>> (8 * i) : high >>> (8 * (i - 4))) & 0xff
  const top = byte(length - 1)
  const room = 1 << (7 - length + least)
  const isWhole = top >= room
  if (isWhole) w.u8(0xff & ~(room - 1))
  else w.u8(length > least ? top | (0xff & ~(2 * room - 1)) : top)
  for (let i = 0; i < (isWhole ? length : length - 1); i++) w.u8(byte(i))
}
/** All eight bytes, behind a lead byte without a bit of them. */
function writeNegative(w: Writer, value: number, least: number): void {
  w.u8(0xff & ~((1 << (least - 1)) - 1))
  w.put(bytesOf64(value))
}

/** 32 bits, or a mark and 64. */
export function readLongint(c: Cursor): number {
  const value = c.i32le()
  return value === -1 ? narrowed(BigInt.asIntN(64, c.u64le())) : value
}
export function writeLongint(w: Writer, value: number): void {
  if (value >= 0 && value <= INT_MAX) return w.i32le(value)
  w.i32le(-1)
  w.put(bytesOf64(value))
}
/** The same form for numbers of devices and inodes, which may be larger than 2^53. */
export function readWideLongint(c: Cursor): bigint {
  const value = c.i32le()
  return value === -1 ? c.u64le() : BigInt(value)
}
export function writeWideLongint(w: Writer, value: bigint): void {
  if (value >= 0n && value <= INT_MAX) return w.i32le(Number(value))
  w.i32le(-1)
  w.u64le(BigInt.asUintN(64, value))
}

/** Lengths and numbers whose form changed with protocol 30. */
export function readVarint30(c: Cursor, protocol: number): number {
  return protocol < 30 ? c.i32le() : readVarint(c)
}
export function writeVarint30(w: Writer, value: number, protocol: number): void {
  if (protocol < 30) w.i32le(value)
  else writeVarint(w, value)
}
export function readVarlong30(c: Cursor, least: number, protocol: number): number {
  return protocol < 30 ? readLongint(c) : readVarlong(c, least)
}
export function writeVarlong30(w: Writer, value: number, least: number, protocol: number): void {
  if (protocol < 30) writeLongint(w, value)
  else writeVarlong(w, value, least)
}

/** At most 0x7fff bytes, after their length in one byte or two. One char per byte. */
export function readVstring(c: Cursor): string {
  const first = c.u8()
  const length = first < 0x80 ? first : ((first & 0x7f) << 8) | c.u8()
  return c.latin1(length)
}
export function writeVstring(w: Writer, text: string): void {
  if (text.length > 0x7fff) throw new WireError(`text of ${text.length} bytes`, { at: 'vstring' })
  if (text.length > 0x7f) w.u8(0x80 | (text.length >> 8))
  w.u8(text.length & 0xff)
  w.latin1(text)
}

/** 16 bits. */
export function readShort(c: Cursor): number {
  return c.u8() | (c.u8() << 8)
}
export function writeShort(w: Writer, value: number): void {
  w.u8(value & 0xff)
  w.u8((value >> 8) & 0xff)
}

function bytesOf64(value: number): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigInt64(0, BigInt(value), true)
  return bytes
}
function narrowed(value: bigint): number {
  const number = Number(value)
  if (!Number.isSafeInteger(number)) throw tooLarge()
  return number
}
function tooLarge(): WireError {
  return new WireError('a number beyond 2^53', { at: 'varlong' })
}
