/** Codecs checked as they read: what they make of bytes is written again, and must be the same bytes. */
import assert from 'node:assert/strict'
import { type Cursor, latin1Of, Writer } from '../../lib/base/bytes.js'
import { NdxReader, NdxWriter } from '../../lib/wire/ndx.js'

export class CheckedNdx {
  readonly #reader: NdxReader
  readonly #writer: NdxWriter
  constructor(protocol: number) {
    this.#reader = new NdxReader(protocol)
    this.#writer = new NdxWriter(protocol)
  }
  read(c: Cursor): number {
    return same(
      c,
      () => this.#reader.read(c),
      (w, number) => {
        this.#writer.write(w, number)
      },
    )
  }
}
/** What is read is written again and must be the same bytes. */
export function same<T>(c: Cursor, read: () => T, write: (w: Writer, value: T) => void): T {
  const from = c.pos
  const value = read()
  const w = new Writer()
  write(w, value)
  assert.equal(hex(w.done()), hex(c.bytes.subarray(from, c.pos)), 'written again')
  return value
}
export function hex(bytes: Uint8Array): string {
  return Buffer.from(latin1Of(bytes), 'latin1').toString('hex')
}
