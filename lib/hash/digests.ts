/**
 * Digests of a whole content as ordinary clients know them: SHA-256 of all, and SHA-1 and SHA-256 of its pieces (RFC 5854
 * §4.2.14). A content is named by its BEP 52 root, which no ordinary client computes; these stand beside it. In the index:
 * sha256, varint pieceLength, then the SHA-1 of every piece and the SHA-256 of every piece.
 */
import { createHash } from 'node:crypto'
import { Cursor, joined, Writer } from '../base/bytes.js'
import { WireError } from '../base/errors.js'

export type Digests = {
  /** 32 bytes. */
  readonly sha256: Uint8Array
  /** Bytes of each piece but the last. */
  readonly pieceLength: number
  /** 20 bytes a piece; empty where the content is one piece. */
  readonly sha1Pieces: Uint8Array
  /** 32 bytes a piece; likewise. */
  readonly sha256Pieces: Uint8Array
}

const SHA1_BYTES = 20
export const SHA256_BYTES = 32
/** A client that has a bad piece fetches this much again; below it a list would weigh more than it saves. */
const LEAST_PIECE = 256 * 1024
/** Pieces of one content: a metalink of them has 150 KB. */
const PIECES = 1024

/** A power of two, so that the pieces are few whatever the content's length. */
export function digestPieceLength(length: number): number {
  let piece = LEAST_PIECE
  while (piece * PIECES < length) piece *= 2
  return piece
}

/** Takes the bytes of a content of that length in order, cut anywhere. */
export class DigestBuilder {
  readonly #whole = createHash('sha256')
  readonly #pieceLength: number
  readonly #hasPieces: boolean
  readonly #sha1: Uint8Array[] = []
  readonly #sha256: Uint8Array[] = []
  #piece = { sha1: createHash('sha1'), sha256: createHash('sha256') }
  /** Bytes in the piece that is open. */
  #filled = 0

  constructor(length: number) {
    this.#pieceLength = digestPieceLength(length)
    this.#hasPieces = length > this.#pieceLength
  }

  add(bytes: Uint8Array): void {
    this.#whole.update(bytes)
    if (!this.#hasPieces) return
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + this.#pieceLength - this.#filled)
      this.#piece.sha1.update(part)
      this.#piece.sha256.update(part)
      at += part.length
      this.#filled += part.length
      if (this.#filled === this.#pieceLength) this.#close()
    }
  }

  done(): Digests {
    if (this.#filled > 0) this.#close()
    return {
      sha256: this.#whole.digest(),
      pieceLength: this.#pieceLength,
      sha1Pieces: joined(this.#sha1),
      sha256Pieces: joined(this.#sha256),
    }
  }

  #close(): void {
    this.#sha1.push(this.#piece.sha1.digest())
    this.#sha256.push(this.#piece.sha256.digest())
    this.#piece = { sha1: createHash('sha1'), sha256: createHash('sha256') }
    this.#filled = 0
  }
}

/** Of bytes that are at hand. */
export function digestsOf(bytes: Uint8Array): Digests {
  const builder = new DigestBuilder(bytes.length)
  builder.add(bytes)
  return builder.done()
}

export function encodeDigests(digests: Digests): Uint8Array {
  const { sha256, pieceLength, sha1Pieces, sha256Pieces } = digests
  const out = new Writer(48 + sha1Pieces.length + sha256Pieces.length)
  out.put(sha256)
  out.varint(pieceLength)
  out.put(sha1Pieces)
  out.put(sha256Pieces)
  return out.done()
}

/**
 * @param length of the content, which says how many pieces there are
 * @throws {WireError} on pieces that a content of this length has not, {Underflow} where some are missing
 */
export function decodeDigests(bytes: Uint8Array, length: number): Digests {
  const from = new Cursor(bytes)
  const sha256 = from.view(SHA256_BYTES)
  const pieceLength = from.varint()
  if (pieceLength !== digestPieceLength(length)) throw new WireError('digests of another content')
  const count = length > pieceLength ? Math.ceil(length / pieceLength) : 0
  const sha1Pieces = from.view(count * SHA1_BYTES)
  const sha256Pieces = from.view(count * SHA256_BYTES)
  if (from.left > 0) throw new WireError('digests with bytes after them')
  return { sha256, pieceLength, sha1Pieces, sha256Pieces }
}
