/**
 * One direction of a connection as it is written: the stream's bytes are collected and go out in frames, messages before
 * them. The next bytes are made while the last ones are on their way. prsync-protocol(7), multiplexing.
 */
import { bytesOf, joined, Writer } from '../base/bytes.js'
import type { Link } from '../host.js'
import { FRAME_BYTES, HEADER_BYTES, putHeader, TAG } from '../wire/mux.js'

/** So much is collected before it goes out. */
const FULL_BYTES = 128 * 1024
const MEMORY_BYTES = FULL_BYTES + 96 * 1024

export class WireWriter {
  readonly #link: Link
  readonly #signal: AbortSignal
  /** What is to be written: encoders put it here. */
  readonly data = new Writer(MEMORY_BYTES)
  #spare: Uint8Array = new Uint8Array(MEMORY_BYTES)
  #isFramed = false
  #messages: Uint8Array[] = []
  #pending: Promise<void> = Promise.resolve()
  /** Flushes come one after the other. */
  #turn: Promise<void> = Promise.resolve()
  /** What goes next says no more than that somebody is here. */
  #isSign = false
  /** Sees the stream's bytes as they go, without frames: a batch that is written. */
  record: ((bytes: Uint8Array) => void) | null = null
  bytesWritten = 0
  /** Bytes of the stream that went out, without frames and messages. */
  #streamed = 0
  /** When it last wrote something that counts; of the monotonic clock. */
  writtenMs = performance.now()

  constructor(link: Link, signal: AbortSignal) {
    this.#link = link
    this.#signal = signal
  }

  /** From here on the direction is multiplexed. What was written before has to be flushed. */
  startFrames(): void {
    this.#isFramed = true
    this.#openFrame()
  }

  /** Bytes of the stream without a frame about them, before the data that is not out yet. */
  unframed(bytes: Uint8Array): void {
    this.#messages.push(bytes)
    this.#streamed += bytes.length
  }
  /** A message, before the data that is not out yet; nothing where the direction has no frames. */
  message(tag: number, payload: Uint8Array): void {
    if (!this.#isFramed) return
    const frame = new Uint8Array(HEADER_BYTES + payload.length)
    putHeader(frame, 0, { tag, length: payload.length })
    frame.set(payload, HEADER_BYTES)
    this.#messages.push(frame)
  }
  /** @param text one char per byte */
  say(tag: number, text: string): void {
    this.message(tag, bytesOf(text))
  }
  number(tag: number, value: number): void {
    const payload = new Uint8Array(4)
    new DataView(payload.buffer).setInt32(0, value, true)
    this.message(tag, payload)
  }

  /** Bytes of the stream so far, without frames and messages. */
  get position(): number {
    return this.#streamed + this.#collected
  }
  get #collected(): number {
    return this.data.length - (this.#isFramed ? HEADER_BYTES : 0)
  }

  get isFull(): boolean {
    return this.data.length >= FULL_BYTES
  }
  get isEmpty(): boolean {
    return this.#collected === 0 && this.#messages.length === 0
  }
  /** Null: there is room. */
  room(): Promise<void> | null {
    return this.isFull ? this.flush() : null
  }

  /** Everything so far goes out; settles when there is room for more. */
  flush(): Promise<void> {
    const turn = this.#turn.then(() => this.#flush())
    this.#turn = turn.catch(() => {})
    return turn
  }
  /** The same, and settles when the system took it all. */
  async drain(): Promise<void> {
    await this.flush()
    await this.#pending
  }
  /** A sign of life. */
  keepAlive(): Promise<void> {
    if (!this.#isFramed || !this.isEmpty) return this.flush()
    this.#messages.push(new Uint8Array([0, 0, 0, 7]))
    this.#isSign = true
    return this.flush()
  }

  async #flush(): Promise<void> {
    if (this.isEmpty) return
    await this.#pending
    if (this.isEmpty) return
    const chunk = this.#take()
    this.bytesWritten += chunk.length
    if (!this.#isSign) this.writtenMs = performance.now()
    this.#isSign = false
    this.#pending = this.#link.write(chunk, this.#signal)
    // Whoever comes next hears of it.
    this.#pending.catch(() => {})
  }

  #take(): Uint8Array {
    const messages = this.#messages.splice(0)
    const length = this.data.length
    this.#streamed += this.#collected
    if (!this.#isFramed) {
      const bytes = this.#swap()
      this.record?.(bytes)
      return messages.length === 0 ? bytes : joined([...messages, bytes])
    }
    if (length === HEADER_BYTES) return joined(messages)
    const bytes = this.#swap()
    this.record?.(bytes.subarray(HEADER_BYTES))
    this.#openFrame()
    const frames = length - HEADER_BYTES > FRAME_BYTES ? split(bytes) : bytes
    if (frames === bytes) putHeader(bytes, 0, { tag: TAG.data, length: length - HEADER_BYTES })
    return messages.length === 0 ? frames : joined([...messages, frames])
  }
  #swap(): Uint8Array {
    const bytes = this.data.swap(this.#spare)
    // What grew is given up.
    this.#spare =
      bytes.buffer.byteLength === MEMORY_BYTES
        ? new Uint8Array(bytes.buffer)
        : new Uint8Array(MEMORY_BYTES)
    return bytes
  }
  #openFrame(): void {
    this.data.u32le(0)
  }
}

/** Data with room for one header before it → several frames. */
function split(bytes: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = []
  for (let at = HEADER_BYTES; at < bytes.length; at += FRAME_BYTES) {
    const part = bytes.subarray(at, at + FRAME_BYTES)
    const header = new Uint8Array(HEADER_BYTES)
    putHeader(header, 0, { tag: TAG.data, length: part.length })
    parts.push(header, part)
  }
  return joined(parts)
}
