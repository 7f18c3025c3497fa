/** The token stream that two ends agreed on. prsync-protocol(7), tokens. */
import type { Writer } from '../base/bytes.js'
import { UnsupportedError } from '../base/errors.js'
import { HAS_ZSTD } from './negotiate.js'
import type { Terms } from './terms.js'
import { PlainDecoder, PlainEncoder, type TokenDecoder, type TokenEncoder } from './token.js'
import { type BlockHistory, DeflateTokens, InflateTokens } from './token-deflate.js'
import { Lz4Tokens, Unlz4Tokens } from './token-lz4.js'
import { PieceDecoder, PieceEncoder } from './token-pieces.js'
import { UnzstdTokens, ZstdTokens } from './token-zstd.js'

/** Of one session: what all its files share is kept here. @param level null: the compressor's own */
export function openTokenEncoder(terms: Terms, w: Writer, level: number | null): TokenEncoder {
  switch (terms.compressor) {
    case null:
      return new PlainEncoder(w)
    case 'zstd':
      requireZstd()
      return new PieceEncoder(w, new ZstdTokens(level))
    case 'lz4':
      return new PieceEncoder(w, new Lz4Tokens())
    case 'zlibx':
      return new PieceEncoder(w, new DeflateTokens(level, 'none'))
    case 'zlib':
      return new PieceEncoder(w, new DeflateTokens(level, historyOf(terms)))
  }
}

export function openTokenDecoder(terms: Terms): TokenDecoder {
  switch (terms.compressor) {
    case null:
      return new PlainDecoder()
    case 'zstd':
      requireZstd()
      return new PieceDecoder(new UnzstdTokens())
    case 'lz4':
      return new PieceDecoder(new Unlz4Tokens())
    case 'zlibx':
      return new PieceDecoder(new InflateTokens('none'))
    case 'zlib':
      return new PieceDecoder(new InflateTokens(historyOf(terms)))
  }
}

function historyOf({ protocol }: Terms): BlockHistory {
  return protocol < 31 ? 'blocks-of-old' : 'blocks'
}
function requireZstd(): void {
  if (!HAS_ZSTD) throw new UnsupportedError('zstd needs Node 22.15 or later')
}
