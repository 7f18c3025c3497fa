/** `lz4`: each piece is a block of its own. prsync-protocol(7), compressed tokens. */
import type { TokenSink } from '../delta/match.js'
import { Lz4Packer, lz4Bound, unpackLz4 } from './lz4-block.js'
import { type Compressor, type Decompressor, PIECE_BYTES } from './token-pieces.js'

/** The longest that rsync makes a piece of. */
const UNPACKED_BYTES = lz4Bound(32_768)

export class Lz4Tokens implements Compressor {
  readonly #packer = new Lz4Packer()
  readonly #out = new Uint8Array(lz4Bound(PIECE_BYTES))

  begin(): void {}
  add(bytes: Uint8Array, put: (piece: Uint8Array) => void): void {
    for (let at = 0; at < bytes.length; at += PIECE_BYTES)
      this.#piece(bytes.subarray(at, at + PIECE_BYTES), put)
  }
  finishSegment(): void {}
  matched(): void {}

  /** What does not become smaller goes in halves. */
  #piece(bytes: Uint8Array, put: (piece: Uint8Array) => void): void {
    const used = this.#packer.pack(bytes, this.#out)
    if (used <= PIECE_BYTES) {
      put(this.#out.subarray(0, used))
      return
    }
    const half = bytes.length >> 1
    this.#piece(bytes.subarray(0, half), put)
    this.#piece(bytes.subarray(half), put)
  }
}

export class Unlz4Tokens implements Decompressor {
  readonly wantsWhole = true
  readonly #out = new Uint8Array(UNPACKED_BYTES)

  begin(): void {}
  add(bytes: Uint8Array, sink: TokenSink): void {
    const length = unpackLz4(bytes, this.#out)
    // A block may hold nothing.
    if (length > 0) sink.literal(this.#out, 0, length)
  }
  finishSegment(): void {}
  matched(): void {}
}
