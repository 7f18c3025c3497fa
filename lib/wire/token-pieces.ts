/**
 * Files as compressed tokens: pieces of compressed literals, blocks and runs of blocks, each with a first byte that says
 * what it is. How literals are compressed is another's concern. prsync-protocol(7), compressed tokens.
 */
import { type Cursor, EMPTY, type Writer } from '../base/bytes.js'
import { WireError } from '../base/errors.js'
import type { TokenSink } from '../delta/match.js'
import { checkedBlock, type TokenDecoder, type TokenEncoder } from './token.js'

/** The longest piece: 14 bits. */
export const PIECE_BYTES = 16_383
/** Blocks of one run, the first of them and 16 bits. */
const RUN_BLOCKS = 65_536

const END = 0x00
const BLOCK = 0x20
const RUN = 0x21
const PIECE = 0x40
const NEAR_BLOCK = 0x80
const NEAR_RUN = 0xc0

/** Literals between two blocks are a segment: compressed together, and whole at the other end when the segment ends. */
export type Compressor = {
  /** A file begins. */
  begin(): void
  /** @param put takes a piece of at most PIECE_BYTES */
  add(bytes: Uint8Array, put: (piece: Uint8Array) => void): void
  finishSegment(put: (piece: Uint8Array) => void): void
  /** A block that both ends have. */
  matched(bytes: Uint8Array): void
}
export type Decompressor = {
  begin(): void
  /** A piece must be whole to be taken. */
  readonly wantsWhole: boolean
  add(bytes: Uint8Array, sink: TokenSink): void
  finishSegment(sink: TokenSink): void
  /** @param block its bytes, which only some ask for */
  matched(block: () => Uint8Array): void
}

export class PieceEncoder implements TokenEncoder {
  readonly #w: Writer
  readonly #compressor: Compressor
  readonly #put = (piece: Uint8Array): void => {
    this.#w.u8(PIECE | (piece.length >> 8))
    this.#w.u8(piece.length & 0xff)
    this.#w.put(piece)
  }
  #inSegment = false
  /** A run that may grow. */
  #first = 0
  #count = 0
  /** The last block that was told, from which the next is counted. */
  #base = 0

  constructor(w: Writer, compressor: Compressor) {
    this.#w = w
    this.#compressor = compressor
  }

  begin(): void {
    this.#inSegment = false
    this.#count = 0
    this.#base = 0
    this.#compressor.begin()
  }
  literal(bytes: Uint8Array, start: number, end: number): void {
    if (start >= end) return
    this.#tellRun()
    this.#inSegment = true
    this.#compressor.add(bytes.subarray(start, end), this.#put)
  }
  match(block: number, bytes: Uint8Array, start: number, end: number): void {
    this.#finishSegment()
    if (this.#count === 0 || block !== this.#first + this.#count || this.#count === RUN_BLOCKS) {
      this.#tellRun()
      this.#first = block
    }
    this.#count++
    this.#compressor.matched(bytes.subarray(start, end))
  }
  end(): void {
    this.#finishSegment()
    this.#tellRun()
    this.#w.u8(END)
  }

  #finishSegment(): void {
    if (!this.#inSegment) return
    this.#inSegment = false
    this.#compressor.finishSegment(this.#put)
  }
  #tellRun(): void {
    if (this.#count === 0) return
    const further = this.#count - 1
    const apart = this.#first - this.#base
    if (apart >= 0 && apart < 0x40) this.#w.u8((further === 0 ? NEAR_BLOCK : NEAR_RUN) | apart)
    else {
      this.#w.u8(further === 0 ? BLOCK : RUN)
      this.#w.i32le(this.#first)
    }
    if (further > 0) {
      this.#w.u8(further & 0xff)
      this.#w.u8(further >> 8)
    }
    this.#base = this.#first + further
    this.#count = 0
  }
}

export class PieceDecoder implements TokenDecoder {
  readonly #decompressor: Decompressor
  #basis: (block: number) => Uint8Array | null = () => null
  #inSegment = false
  /** Of a piece, not yet there. */
  #left = 0
  #base = 0

  constructor(decompressor: Decompressor) {
    this.#decompressor = decompressor
  }

  begin(basis: (block: number) => Uint8Array | null): void {
    this.#basis = basis
    this.#inSegment = false
    this.#left = 0
    this.#base = 0
    this.#decompressor.begin()
  }

  read(c: Cursor, sink: TokenSink): boolean {
    while (c.left > 0) {
      if (this.#left > 0) {
        const part = c.view(Math.min(this.#left, c.left))
        this.#left -= part.length
        this.#decompressor.add(part, sink)
        continue
      }
      const first = c.bytes[c.pos] ?? 0
      if ((first & 0xc0) === PIECE) {
        if (!this.#readPiece(c, first, sink)) return false
        continue
      }
      const needed =
        first >= NEAR_RUN ? 3 : first >= NEAR_BLOCK || first === END ? 1 : first === RUN ? 7 : 5
      if (c.left < needed) return false
      if (this.#inSegment) this.#decompressor.finishSegment(sink)
      this.#inSegment = false
      c.take(1)
      if (first === END) return true
      this.#readRun(c, first, sink)
    }
    return false
  }

  #readPiece(c: Cursor, first: number, sink: TokenSink): boolean {
    if (c.left < 2) return false
    const length = ((first & 0x3f) << 8) | (c.bytes[c.pos + 1] ?? 0)
    const { wantsWhole } = this.#decompressor
    if (wantsWhole && c.left < 2 + length) return false
    c.take(2)
    this.#inSegment = true
    if (wantsWhole) this.#decompressor.add(c.view(length), sink)
    else this.#left = length
    return true
  }
  #readRun(c: Cursor, first: number, sink: TokenSink): void {
    let block = this.#base + (first & 0x3f)
    let isRun = first >= NEAR_RUN
    if (first < NEAR_BLOCK) {
      if (first !== BLOCK && first !== RUN) throw new WireError(`token ${first}`, { at: 'token' })
      block = c.i32le()
      isRun = first === RUN
    }
    const further = isRun ? c.u8() | (c.u8() << 8) : 0
    if (isRun && further === 0) throw new WireError('a run of one block', { at: 'token' })
    checkedBlock(block)
    checkedBlock(block + further)
    for (const end = block + further; ; block++) {
      sink.match(block, EMPTY, 0, 0)
      this.#decompressor.matched(() => this.#bytesOf(block))
      if (block === end) break
    }
    this.#base = block
  }
  #bytesOf(block: number): Uint8Array {
    const bytes = this.#basis(block)
    if (bytes === null) throw new WireError(`block ${block} of no basis`, { at: 'token' })
    return bytes
  }
}
