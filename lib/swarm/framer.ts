/**
 * Cuts a byte stream into whole BitTorrent messages: first the handshake of 68 bytes, then a length (u32 big-endian) and as
 * many bytes. The length is checked before anything is kept for it, and a message in parts is copied once.
 */
import { WireError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'

export const HANDSHAKE_BYTES = 68
const LENGTH_BYTES = 4

export class Framer {
  /** A message that has not come whole; `#size` is 0 while its length has not. */
  #held = new Uint8Array(HANDSHAKE_BYTES)
  #have = 0
  #size = HANDSHAKE_BYTES

  /**
   * Calls `take` with each message that `chunk` completes, in order, its length in front. Views, gone when `take` returns.
   * @throws {WireError} on a message above LIMITS.messageBytes, and whatever `take` throws.
   */
  feed(chunk: Uint8Array, take: (message: Uint8Array) => void): void {
    let at = this.#have > 0 ? this.#resume(chunk, take) : 0
    while (at < chunk.length) {
      const size = this.#size > 0 ? this.#size : sizeAt(chunk, at)
      if (size === 0 || at + size > chunk.length) {
        this.#hold(chunk, at, size)
        break
      }
      this.#size = 0
      take(chunk.subarray(at, at + size))
      at += size
    }
  }

  /** Adds to the held message; returns how far the chunk is used. */
  #resume(chunk: Uint8Array, take: (message: Uint8Array) => void): number {
    let at = 0
    if (this.#size === 0) {
      at = this.#fill(chunk, 0, LENGTH_BYTES)
      if (this.#have < LENGTH_BYTES) return at
      this.#size = sizeAt(this.#held, 0)
      this.#reserve(this.#size)
    }
    at = this.#fill(chunk, at, this.#size)
    if (this.#have < this.#size) return at
    const message = this.#held.subarray(0, this.#size)
    this.#have = 0
    this.#size = 0
    take(message)
    return at
  }

  #hold(chunk: Uint8Array, at: number, size: number): void {
    this.#size = size
    this.#reserve(size)
    this.#fill(chunk, at, chunk.length - at)
  }

  #fill(chunk: Uint8Array, at: number, upTo: number): number {
    const end = Math.min(chunk.length, at + upTo - this.#have)
    this.#held.set(chunk.subarray(at, end), this.#have)
    this.#have += end - at
    return end
  }

  #reserve(size: number): void {
    if (size <= this.#held.length) return
    const larger = new Uint8Array(Math.min(2 * size, LENGTH_BYTES + LIMITS.messageBytes))
    larger.set(this.#held.subarray(0, this.#have))
    this.#held = larger
  }
}

/** An unsigned big-endian number of 4 bytes. */
export function u32At(bytes: Uint8Array, at: number): number {
  const low = ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)
  return (bytes[at] ?? 0) * 2 ** 24 + low
}

/** Bytes of the message at `at` with its length; 0 when not even that is there. */
function sizeAt(bytes: Uint8Array, at: number): number {
  if (bytes.length - at < LENGTH_BYTES) return 0
  const length = u32At(bytes, at)
  if (length > LIMITS.messageBytes)
    throw new WireError(`message of ${length} bytes`, { at: 'BitTorrent' })
  return LENGTH_BYTES + length
}
