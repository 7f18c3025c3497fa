/** `zstd`: one frame without an end for all files of a session, flushed where a segment ends. prsync-protocol(7), compressed tokens. */
import { ZstdCompress, ZstdDecompress } from 'minizlib'
import type { TokenSink } from '../delta/match.js'
import { SyncStream } from './sync-stream.js'
import { type Compressor, type Decompressor, PIECE_BYTES } from './token-pieces.js'

const LEVEL = 3
/** ZSTD_c_compressionLevel, ZSTD_d_windowLogMax: zstd.h. */
const PARAMETER = { level: 100, windowLogMax: 100 } as const
/** ZSTD_e_flush. */
const FLUSH = 1
/** 128 MiB: what zstd's highest level without --ultra asks for. */
const WINDOW_LOG = 27
const INPUT_BYTES = 65_536

/** minizlib hands it on to Node; its types do not know it. */
function withParameter(parameter: number, value: number): { async: boolean } {
  const options = { async: false, params: { [parameter]: value } }
  return options
}

export class ZstdTokens implements Compressor {
  readonly #stream: SyncStream

  /** @param level null: rsync's own, 3 */
  constructor(level: number | null) {
    this.#stream = new SyncStream(
      new ZstdCompress(withParameter(PARAMETER.level, level ?? LEVEL)),
      FLUSH,
    )
  }
  begin(): void {}
  add(bytes: Uint8Array, put: (piece: Uint8Array) => void): void {
    for (let at = 0; at < bytes.length; at += INPUT_BYTES)
      this.#stream.write(bytes.subarray(at, at + INPUT_BYTES), inPieces(put))
  }
  finishSegment(put: (piece: Uint8Array) => void): void {
    this.#stream.flush(inPieces(put))
  }
  matched(): void {}
}
function inPieces(put: (piece: Uint8Array) => void): (bytes: Uint8Array) => void {
  return (bytes) => {
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) put(bytes.subarray(at, at + PIECE_BYTES))
  }
}

export class UnzstdTokens implements Decompressor {
  readonly wantsWhole = false
  readonly #stream = new SyncStream(
    new ZstdDecompress(withParameter(PARAMETER.windowLogMax, WINDOW_LOG)),
    FLUSH,
  )
  begin(): void {}
  add(bytes: Uint8Array, sink: TokenSink): void {
    this.#stream.expand(bytes, (out) => {
      sink.literal(out, 0, out.length)
    })
  }
  finishSegment(): void {}
  matched(): void {}
}
