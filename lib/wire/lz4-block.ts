/** LZ4 blocks, without a frame. lz4_Block_format.md. */
import { WireError } from '../base/errors.js'

const SHORTEST_MATCH = 4
/** The last bytes of a block are literal, and no match begins nearer to its end than this. */
const LAST_LITERALS = 5
const LAST_MATCH = 12
const FARTHEST = 65_535
const HASH_BITS = 12

/** Most bytes that `length` become. */
export function lz4Bound(length: number): number {
  return length + Math.floor(length / 255) + 16
}

/** One at a time, with a table that it keeps. */
export class Lz4Packer {
  readonly #table = new Int32Array(1 << HASH_BITS)

  /** @param out of `lz4Bound` bytes. Returns how many were used. */
  pack(bytes: Uint8Array, out: Uint8Array): number {
    const table = this.#table
    const lastStart = bytes.length - LAST_MATCH
    const matchEnd = bytes.length - LAST_LITERALS
    table.fill(-1)
    let used = 0
    let literal = 0
    let at = 0
    // The longer nothing matches, the larger the steps.
    for (let misses = 0; at <= lastStart; ) {
      const word = wordAt(bytes, at)
      const slot = Math.imul(word, 2_654_435_761) >>> (32 - HASH_BITS)
      const match = table[slot] ?? -1
      table[slot] = at
      if (match < 0 || at - match > FARTHEST || wordAt(bytes, match) !== word) {
        at += 1 + (misses++ >> 6)
        continue
      }
      misses = 0
      let end = at + SHORTEST_MATCH
      while (end < matchEnd && bytes[end] === bytes[match + end - at]) end++
      used = putSequence(out, used, bytes, literal, at, at - match, end - at)
      at = end
      literal = end
    }
    return putSequence(out, used, bytes, literal, bytes.length, 0, 0)
  }
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] ?? 0) |
    ((bytes[at + 1] ?? 0) << 8) |
    ((bytes[at + 2] ?? 0) << 16) |
    ((bytes[at + 3] ?? 0) << 24)
  )
}

/** Literals, and a match unless its length is 0. */
function putSequence(
  out: Uint8Array,
  start: number,
  bytes: Uint8Array,
  literal: number,
  literalEnd: number,
  distance: number,
  matchLength: number,
): number {
  const literals = literalEnd - literal
  const further = matchLength === 0 ? 0 : matchLength - SHORTEST_MATCH
  let at = start
  out[at++] = (Math.min(literals, 15) << 4) | Math.min(further, 15)
  at = putLength(out, at, literals)
  for (let i = literal; i < literalEnd; i++) out[at++] = bytes[i] ?? 0
  if (matchLength === 0) return at
  out[at++] = distance & 0xff
  out[at++] = distance >> 8
  return putLength(out, at, further)
}
function putLength(out: Uint8Array, start: number, length: number): number {
  let at = start
  if (length < 15) return at
  let rest = length - 15
  for (; rest >= 255; rest -= 255) out[at++] = 255
  out[at++] = rest
  return at
}

/** Returns how much of `out` is filled. @throws {WireError} where the block is none, or longer than `out` */
export function unpackLz4(bytes: Uint8Array, out: Uint8Array): number {
  let at = 0
  let used = 0
  const longer = (length: number): number => {
    if (length < 15) return length
    let sum = length
    for (;;) {
      const byte = bytes[at++]
      if (byte === undefined) throw bad()
      sum += byte
      if (byte < 255) return sum
    }
  }
  while (at < bytes.length) {
    const token = bytes[at++] ?? 0
    const literals = longer(token >> 4)
    if (literals > bytes.length - at || literals > out.length - used) throw bad()
    for (const end = at + literals; at < end; at++) out[used++] = bytes[at] ?? 0
    if (at === bytes.length) return used
    const distance = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8)
    at += 2
    const length = longer(token & 15) + SHORTEST_MATCH
    if (at > bytes.length || distance === 0 || distance > used || length > out.length - used)
      throw bad()
    for (const end = used + length; used < end; used++) out[used] = out[used - distance] ?? 0
  }
  throw bad()
}
function bad(): WireError {
  return new WireError('a damaged block', { at: 'lz4' })
}
