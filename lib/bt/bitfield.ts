/** Which pieces of a torrent somebody has: a bit each, the first piece in the highest bit of the first byte. BEP 3 (bitfield). */
import { WireError } from '../base/errors.js'

export class PieceSet {
  readonly #bits: Uint8Array
  /** Pieces in all. */
  readonly size: number
  #count = 0

  constructor(size: number) {
    this.size = size
    this.#bits = new Uint8Array(Math.ceil(size / 8))
  }

  static full(size: number): PieceSet {
    const set = new PieceSet(size)
    for (let i = 0; i < size; i++) set.add(i)
    return set
  }

  /** @throws {WireError} on another length, or a bit set past the last piece. */
  static decode(bytes: Uint8Array, size: number): PieceSet {
    if (bytes.length !== Math.ceil(size / 8))
      throw new WireError(`${bytes.length} bytes for ${size} pieces`, { at: 'bitfield' })
    const set = new PieceSet(size)
    for (let i = 0; i < bytes.length * 8; i++) {
      if (((bytes[i >> 3] ?? 0) & (0x80 >> (i & 7))) === 0) continue
      if (i >= size) throw new WireError('bit past the last piece', { at: 'bitfield' })
      set.add(i)
    }
    return set
  }

  /** A copy. */
  encode(): Uint8Array {
    return Uint8Array.from(this.#bits)
  }

  /** Pieces in the set. */
  get count(): number {
    return this.#count
  }
  get isFull(): boolean {
    return this.#count === this.size
  }
  has(index: number): boolean {
    return ((this.#bits[index >> 3] ?? 0) & (0x80 >> (index & 7))) !== 0
  }
  add(index: number): void {
    if (index >= this.size || this.has(index)) return
    this.#bits[index >> 3] = (this.#bits[index >> 3] ?? 0) | (0x80 >> (index & 7))
    this.#count++
  }

  /** The pieces that are here and not in `other`, ascending. */
  *without(other: PieceSet): Generator<number> {
    for (let i = 0; i < this.size; i++) if (this.has(i) && !other.has(i)) yield i
  }
}
