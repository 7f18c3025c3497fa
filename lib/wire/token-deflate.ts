/**
 * `zlibx` and `zlib`: raw deflate, anew for each file, flushed where a segment ends, without the four bytes in which every
 * flush ends. With `zlib` the blocks that match are part of the history of both ends. prsync-protocol(7), compressed tokens.
 */
import { constants } from 'node:zlib'
import { DeflateRaw, InflateRaw } from 'minizlib'
import { Writer } from '../base/bytes.js'
import type { TokenSink } from '../delta/match.js'
import { SyncStream } from './sync-stream.js'
import { type Compressor, type Decompressor, PIECE_BYTES } from './token-pieces.js'

/** How every flush ends. */
const FLUSH_TAIL = Uint8Array.of(0x00, 0x00, 0xff, 0xff)
/** Of a block that goes into the history: the longest piece. */
const STORED_BYTES = 0xffff
const INPUT_BYTES = 65_536

export type BlockHistory = 'none' | 'blocks' | 'blocks-of-old'
/** Before protocol 31 what a block longer than a piece adds is its beginning again and again. */
function* historyPieces(block: Uint8Array, history: BlockHistory): Generator<Uint8Array> {
  for (let at = 0; at < block.length; at += STORED_BYTES) {
    const piece = block.subarray(at, at + STORED_BYTES)
    yield history === 'blocks-of-old' ? block.subarray(0, piece.length) : piece
  }
}

export class DeflateTokens implements Compressor {
  readonly #stream: SyncStream
  readonly #history: BlockHistory
  /** Compressed and not yet put. */
  readonly #packed = new Writer(INPUT_BYTES)

  /** @param level 0 to 9; null: zlib's own */
  constructor(level: number | null, history: BlockHistory) {
    const stream = new DeflateRaw({
      level: level === null ? -1 : Math.max(-1, Math.min(level, 9)),
    })
    this.#stream = new SyncStream(stream, constants.Z_SYNC_FLUSH)
    this.#history = history
  }
  begin(): void {
    this.#stream.reset()
    this.#packed.reset()
  }
  add(bytes: Uint8Array, put: (piece: Uint8Array) => void): void {
    for (let at = 0; at < bytes.length; at += INPUT_BYTES) {
      this.#stream.write(bytes.subarray(at, at + INPUT_BYTES), this.#pack)
      this.#putWhole(put)
    }
  }
  finishSegment(put: (piece: Uint8Array) => void): void {
    this.#stream.flush(this.#pack)
    const packed = this.#packed.done()
    const end = packed.length - FLUSH_TAIL.length
    for (let at = 0; at < end; at += PIECE_BYTES)
      put(packed.subarray(at, Math.min(at + PIECE_BYTES, end)))
    this.#packed.reset()
  }
  matched(block: Uint8Array): void {
    if (this.#history === 'none' || block.length === 0) return
    for (const piece of historyPieces(block, this.#history)) this.#stream.write(piece, ignore)
    this.#stream.flush(ignore)
  }

  readonly #pack = (bytes: Uint8Array): void => {
    this.#packed.put(bytes)
  }
  /** Whole pieces; the rest may be the flush's end. */
  #putWhole(put: (piece: Uint8Array) => void): void {
    const packed = this.#packed.done()
    let at = 0
    for (; packed.length - at >= PIECE_BYTES + FLUSH_TAIL.length; at += PIECE_BYTES)
      put(packed.subarray(at, at + PIECE_BYTES))
    if (at === 0) return
    const rest = packed.slice(at)
    this.#packed.reset()
    this.#packed.put(rest)
  }
}

export class InflateTokens implements Decompressor {
  readonly wantsWhole = false
  readonly #stream = new SyncStream(new InflateRaw({}), constants.Z_SYNC_FLUSH)
  readonly #history: BlockHistory

  constructor(history: BlockHistory) {
    this.#history = history
  }
  begin(): void {
    this.#stream.reset()
  }
  add(bytes: Uint8Array, sink: TokenSink): void {
    this.#stream.expand(bytes, (out) => {
      sink.literal(out, 0, out.length)
    })
  }
  finishSegment(sink: TokenSink): void {
    this.add(FLUSH_TAIL, sink)
  }
  matched(block: () => Uint8Array): void {
    if (this.#history === 'none') return
    for (const piece of historyPieces(block(), this.#history)) {
      const { length } = piece
      const head = Uint8Array.of(
        0,
        length & 0xff,
        length >> 8,
        ~length & 0xff,
        (~length >> 8) & 0xff,
      )
      this.#stream.expand(head, ignore)
      this.#stream.expand(piece, ignore)
    }
  }
}

function ignore(): void {}
