/**
 * Files as tokens, plain: a length and literal bytes, the number of a block, or the end. int32 each, least byte first.
 * prsync-protocol(7), tokens.
 */
import { type Cursor, EMPTY, type Writer } from '../base/bytes.js'
import { WireError } from '../base/errors.js'
import type { TokenSink } from '../delta/match.js'

/** rsync reads longer ones in parts, and so do we. */
export const LITERAL_BYTES = 32_768

/** Writes files one after the other; what is matched or literal may wait here until `end`. */
export type TokenEncoder = TokenSink & {
  begin(): void
  end(): void
}
export type TokenDecoder = {
  /** @param basis the bytes of a block; null: there is none */
  begin(basis: (block: number) => Uint8Array | null): void
  /**
   * Takes what is there, parts of literals too; true at the file's end. Of a block the sink gets the number alone.
   * Bytes that it leaves must stand before what comes next.
   */
  read(c: Cursor, sink: TokenSink): boolean
}

export class PlainEncoder implements TokenEncoder {
  readonly #w: Writer

  constructor(w: Writer) {
    this.#w = w
  }
  begin(): void {}
  literal(bytes: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end; at += LITERAL_BYTES) {
      const part = bytes.subarray(at, Math.min(at + LITERAL_BYTES, end))
      this.#w.i32le(part.length)
      this.#w.put(part)
    }
  }
  match(block: number): void {
    this.#w.i32le(-1 - block)
  }
  end(): void {
    this.#w.i32le(0)
  }
}

export class PlainDecoder implements TokenDecoder {
  /** Of a literal, not yet there. */
  #left = 0

  begin(): void {
    this.#left = 0
  }
  read(c: Cursor, sink: TokenSink): boolean {
    for (;;) {
      if (this.#left > 0) {
        const part = Math.min(this.#left, c.left)
        if (part === 0) return false
        const at = c.take(part)
        this.#left -= part
        sink.literal(c.bytes, at, at + part)
        continue
      }
      if (c.left < 4) return false
      const token = c.i32le()
      if (token === 0) return true
      if (token > 0) this.#left = token
      else sink.match(checkedBlock(-1 - token), EMPTY, 0, 0)
    }
  }
}

/** @throws {WireError} on a number that no basis has */
export function checkedBlock(block: number): number {
  if (block < 0 || block > 0x7ffffffe) throw new WireError(`block ${block}`, { at: 'token' })
  return block
}
