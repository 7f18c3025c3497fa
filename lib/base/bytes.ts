/** Reading and writing bytes in memory. Synchronous; owns no I/O. */
import { WireError } from './errors.js'

/** Thrown when a decoder runs out of input; the caller waits for more and decodes again. */
export class Underflow extends Error {
  override readonly name = 'Underflow'
}
// One instance: underflow is a normal event, not a fault. A stack would be another call's.
const UNDERFLOW = new Underflow('more bytes needed')

export const EMPTY = new Uint8Array(0)

export class Cursor {
  readonly bytes: Uint8Array
  readonly #view: DataView
  pos = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get left(): number {
    return this.bytes.length - this.pos
  }

  /** Claims the next `n` bytes; returns where they start. */
  take(n: number): number {
    const start = this.pos
    if (start + n > this.bytes.length) throw UNDERFLOW
    this.pos = start + n
    return start
  }
  /** The next `n` bytes as a view: copy it if it is to outlive the buffer. */
  view(n: number): Uint8Array {
    const start = this.take(n)
    return this.bytes.subarray(start, start + n)
  }
  /** The next `n` bytes as a string of one char per byte. */
  latin1(n: number): string {
    return latin1Of(this.view(n))
  }

  u8(): number {
    return this.#view.getUint8(this.take(1))
  }
  u16be(): number {
    return this.#view.getUint16(this.take(2))
  }
  u32be(): number {
    return this.#view.getUint32(this.take(4))
  }
  u32le(): number {
    return this.#view.getUint32(this.take(4), true)
  }
  i32le(): number {
    return this.#view.getInt32(this.take(4), true)
  }
  u64le(): bigint {
    return this.#view.getBigUint64(this.take(8), true)
  }

  /**
   * An unsigned LEB128 number up to 2^53 - 1, in its shortest form.
   * @throws {WireError} on a longer form or a larger number.
   */
  varint(): number {
    let value = 0
    let scale = 1
    for (let i = 0; i < 8; i++) {
      const byte = this.u8()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) {
        if (byte === 0 && i > 0) throw new WireError('number not in its shortest form')
        if (value > Number.MAX_SAFE_INTEGER) throw new WireError('number above 2^53')
        return value
      }
      scale *= 128
    }
    throw new WireError('number above 2^53')
  }
}

export class Writer {
  #bytes: Uint8Array
  #view: DataView
  #length = 0

  constructor(capacity = 64) {
    this.#bytes = new Uint8Array(capacity)
    this.#view = new DataView(this.#bytes.buffer)
  }

  get length(): number {
    return this.#length
  }

  u8(value: number): void {
    const at = this.#claim(1)
    this.#view.setUint8(at, value)
  }
  u16be(value: number): void {
    const at = this.#claim(2)
    this.#view.setUint16(at, value)
  }
  u32be(value: number): void {
    const at = this.#claim(4)
    this.#view.setUint32(at, value)
  }
  u32le(value: number): void {
    const at = this.#claim(4)
    this.#view.setUint32(at, value, true)
  }
  i32le(value: number): void {
    const at = this.#claim(4)
    this.#view.setInt32(at, value, true)
  }
  u64le(value: bigint): void {
    const at = this.#claim(8)
    this.#view.setBigUint64(at, value, true)
  }
  varint(value: number): void {
    let rest = value
    while (rest >= 128) {
      this.u8((rest % 128) + 128)
      rest = Math.floor(rest / 128)
    }
    this.u8(rest)
  }
  put(bytes: Uint8Array): void {
    const at = this.#claim(bytes.length)
    this.#bytes.set(bytes, at)
  }
  /** A string of one char per byte. */
  latin1(text: string): void {
    let at = this.#claim(text.length)
    for (let i = 0; i < text.length; i++) this.#bytes[at++] = text.charCodeAt(i)
  }

  /** The bytes so far; a view, valid until the next write. */
  done(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }
  /** Starts again in the same memory. */
  reset(): void {
    this.#length = 0
  }

  /** Gives its bytes away, and goes on in other memory. */
  swap(memory: Uint8Array): Uint8Array {
    const bytes = this.done()
    this.#bytes = memory
    this.#view = new DataView(memory.buffer, memory.byteOffset, memory.byteLength)
    this.#length = 0
    return bytes
  }
  /** So many bytes to be filled by the caller, who says by `fill` how many there are. */
  room(n: number): Uint8Array {
    const at = this.#claim(n)
    this.#length = at
    return this.#bytes.subarray(at, at + n)
  }
  fill(n: number): void {
    this.#length += n
  }

  /** May move to larger memory: look at #bytes and #view only after it. */
  #claim(n: number): number {
    const start = this.#length
    const end = start + n
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#bytes.length * 2, end))
      grown.set(this.#bytes)
      this.#bytes = grown
      this.#view = new DataView(grown.buffer)
    }
    this.#length = end
    return start
  }
}

/** One char per byte, whatever the bytes are. */
export function latin1Of(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}
/** The bytes of a string of one char per byte. */
export function bytesOf(latin1: string): Uint8Array {
  return Buffer.from(latin1, 'latin1')
}
/** The bytes of a text in UTF-8. */
export function utf8Bytes(text: string): Uint8Array {
  return Buffer.from(text, 'utf8')
}
/** @throws {TypeError} where the bytes are not UTF-8. */
export function utf8Of(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
}
export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
export function joined(chunks: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(chunks)
}
export function base64Of(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}
