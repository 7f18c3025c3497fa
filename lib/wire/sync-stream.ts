/** Deflate and zstd that go on from call to call, synchronously: minizlib's streams, without what is a stream about them. */

import type { DeflateRaw, InflateRaw, ZstdCompress, ZstdDecompress } from 'minizlib'
import { messageOf, WireError } from '../base/errors.js'

/** Takes bytes that are gone after the call. */
type Put = (bytes: Uint8Array) => void
type Stream = DeflateRaw | InflateRaw | ZstdCompress | ZstdDecompress

/** The longest input of one call: deflate makes at most 4 MiB of it, zstd 128 MiB (four bytes are a block of 128 KiB). */
const INPUT_BYTES = 4096

export class SyncStream {
  readonly #stream: Stream
  readonly #flushFlag: number
  #put: Put = () => undefined
  #failure: unknown = null

  constructor(stream: Stream, flushFlag: number) {
    this.#stream = stream
    this.#flushFlag = flushFlag
    stream.on('data', (bytes: Uint8Array) => {
      this.#put(bytes)
    })
    stream.on('error', (error: unknown) => {
      this.#failure = error
    })
  }

  write(bytes: Uint8Array, put: Put): void {
    this.#put = put
    this.#stream.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))
    this.#check()
  }
  flush(put: Put): void {
    this.#put = put
    this.#stream.flush(this.#flushFlag)
    this.#check()
  }
  /** As if nothing had been written. */
  reset(): void {
    this.#stream.reset()
  }
  /** Like `write`, of bytes from outside: bounded, and none of them may be left over. */
  expand(bytes: Uint8Array, put: Put): void {
    for (let at = 0; at < bytes.length; at += INPUT_BYTES) {
      const part = bytes.subarray(at, at + INPUT_BYTES)
      this.write(part, put)
      if (takenBy(this.#stream.handle) !== part.length)
        throw new WireError('compressed data behind its end', { at: 'token' })
    }
  }
  #check(): void {
    if (this.#failure !== null)
      throw new WireError(messageOf(this.#failure), { at: 'token', cause: this.#failure })
  }
}

/** Bytes that the last write of Node's stream used. */
function takenBy(handle: unknown): unknown {
  return typeof handle === 'object' && handle !== null && 'bytesWritten' in handle
    ? handle.bytesWritten
    : undefined
}
