/**
 * One direction of a connection as it is read: frames apart, messages to whom they concern, the stream's bytes to decoders,
 * which come again when there are more. prsync-protocol(7), multiplexing.
 */
import { Cursor, EMPTY, joined, Underflow } from '../base/bytes.js'
import { WireError } from '../base/errors.js'
import type { Link } from '../host.js'
import { type Frame, HEADER_BYTES, readHeader, TAG } from '../wire/mux.js'

export type MessageSink = (tag: number, payload: Uint8Array) => void

export class WireReader {
  readonly #link: Link
  readonly signal: AbortSignal
  readonly #messages: MessageSink
  /** Called before it waits: what the other side waits for has to be on its way. */
  readonly #beforeWait: () => Promise<void>
  #isSending = false
  /** Something may have been said since the last of it went. */
  #isLate = false
  /** Why it could not be sent. */
  #unsent: Error | null = null
  #cursor = new Cursor(EMPTY)
  readonly #pieces: Uint8Array[] = []
  #isFramed = false
  #isStepwise = false
  /** A header or a message that is not whole yet. */
  #partial: Uint8Array = EMPTY
  /** Bytes of the data frame that are to come. */
  #frameLeft = 0
  #message: Frame | null = null
  /** Sees the stream's bytes as they come, frames taken off: a batch that is written. */
  record: ((bytes: Uint8Array) => void) | null = null
  /** Called before each read of the link, with `bytesRead`: its memory may be used again when a mebibyte more was read. */
  beforeRead: ((bytesRead: number) => Promise<void> | null) | null = null
  bytesRead = 0
  /** Bytes of the stream that were given to decoders, the cursor's included. */
  #given = 0
  /** When something came last; of the monotonic clock. */
  readMs = performance.now()

  constructor(
    link: Link,
    signal: AbortSignal,
    messages: MessageSink,
    beforeWait: () => Promise<void>,
  ) {
    this.#link = link
    this.signal = signal
    this.#messages = messages
    this.#beforeWait = beforeWait
  }

  /**
   * From here on the direction is multiplexed, what is already here included.
   * @param isStepwise frames are taken off one at a time, when bytes are wanted: `endFrames` may come between two
   */
  startFrames(isStepwise = false): void {
    this.#isStepwise = isStepwise
    const rest = [this.#cursor.view(this.#cursor.left), ...this.#pieces.splice(0)]
    this.#given -= rest[0]?.length ?? 0
    this.#cursor = new Cursor(EMPTY)
    this.#isFramed = true
    for (const piece of rest) this.#accept(piece)
  }

  /** Until `startFrames` there are no frames. @returns whether there were @throws {WireError} within a frame */
  endFrames(): boolean {
    if (!this.#isFramed) return false
    if (this.#frameLeft > 0 || this.#message !== null || this.#cursor.left > 0)
      throw new WireError('bytes without a frame begin within one')
    this.#isFramed = this.#isStepwise = false
    if (this.#partial.length > 0) this.#pieces.push(this.#partial)
    this.#partial = EMPTY
    return true
  }

  /** Bytes of the stream that can be decoded without waiting. */
  get cursor(): Cursor {
    return this.#cursor
  }

  /** Bytes of the stream that were decoded so far, without frames and messages. */
  get position(): number {
    return this.#given - this.#cursor.left
  }

  /** @param decode may be called again from the start, with more bytes @throws {WireError} where the stream ends before */
  async decode<T>(decode: (c: Cursor) => T): Promise<T> {
    for (;;) {
      const now = this.decodeNow(decode)
      if (now !== undefined) return now
      await this.more()
    }
  }

  /** The same with what is here; undefined: it takes more. */
  decodeNow<T>(decode: (c: Cursor) => T): T | undefined {
    for (;;) {
      const { pos } = this.#cursor
      try {
        return decode(this.#cursor)
      } catch (error) {
        if (!(error instanceof Underflow)) throw error
        this.#cursor.pos = pos
        if (!this.#join()) return undefined
      }
    }
  }

  /** Waits until there are more bytes of the stream. @throws {WireError} at its end */
  async more(): Promise<void> {
    if (this.#join()) return
    await this.#readLink()
    if (this.#join()) return
    // A link may use its memory again once it has been read twice.
    this.#cursor = new Cursor(Uint8Array.from(this.#cursor.view(this.#cursor.left)))
    while (!this.#join()) await this.#readLink()
  }

  /** Not awaited: the other side may be writing as well, and read nothing until it is read. */
  #send(): void {
    this.#isLate = true
    if (!this.#isSending) void this.#sendAll()
  }
  /** What is said while the last of it goes goes next: a link may have more to read before that is over. */
  async #sendAll(): Promise<void> {
    this.#isSending = true
    try {
      while (this.#isLate) {
        this.#isLate = false
        await this.#beforeWait()
      }
    } catch (error) {
      this.#unsent ??= error instanceof Error ? error : new WireError(String(error))
    } finally {
      this.#isSending = false
    }
  }

  /** Reads until the other side closes: data is dropped, messages are heard. @throws what one of these throws */
  async drain(signal: AbortSignal): Promise<void> {
    this.#isStepwise = false
    for (;;) {
      const bytes = await this.#link.read(signal)
      if (bytes === null) return
      this.#accept(bytes)
      this.#pieces.length = 0
    }
  }

  /** Waits for a message, or more of the stream. */
  async #readLink(): Promise<void> {
    const wait = this.beforeRead?.(this.bytesRead) ?? null
    if (wait !== null) await wait
    // A message may have made this side say something too.
    this.#send()
    const bytes = await this.#link.read(this.signal)
    if (bytes === null) {
      if (this.#unsent !== null) throw this.#unsent
      throw new WireError(
        `connection unexpectedly closed (${this.bytesRead} bytes received so far)`,
      )
    }
    this.bytesRead += bytes.length
    this.readMs = performance.now()
    this.#accept(bytes)
  }

  /** Puts the next piece behind what is left. */
  #join(): boolean {
    if (this.#isStepwise && this.#pieces.length === 0) this.#takeApart(EMPTY)
    const next = this.#pieces.shift()
    if (next === undefined) return false
    const { left } = this.#cursor
    this.#given += next.length
    if (left === 0) this.#cursor = new Cursor(next)
    else {
      const rest = this.#cursor.view(left)
      // Many small frames behind a large decode are joined once.
      const more = left > 65_536 ? this.#pieces.splice(0) : []
      for (const { length } of more) this.#given += length
      const pieces = [next, ...more]
      this.#cursor = new Cursor(joined([rest, ...pieces]))
    }
    return true
  }

  #accept(bytes: Uint8Array): void {
    if (!this.#isFramed) {
      if (bytes.length > 0) this.#pieces.push(bytes)
    } else if (this.#isStepwise) this.#partial = joined([this.#partial, bytes])
    else this.#takeApart(bytes)
  }

  /** Frames: one with data in it where they are taken stepwise. */
  #takeApart(bytes: Uint8Array): void {
    let at = 0
    let all = bytes
    if (this.#partial.length > 0) {
      all = joined([this.#partial, bytes])
      this.#partial = EMPTY
    }
    while (at < all.length) {
      if (this.#frameLeft > 0) {
        const end = Math.min(all.length, at + this.#frameLeft)
        const piece = all.subarray(at, end)
        this.record?.(piece)
        this.#pieces.push(piece)
        this.#frameLeft -= end - at
        at = end
        if (this.#isStepwise) break
        continue
      }
      if (this.#message === null) {
        if (all.length - at < HEADER_BYTES) break
        const frame = readHeader(all, at)
        at += HEADER_BYTES
        if (frame.tag === TAG.data) this.#frameLeft = frame.length
        else this.#message = frame
        if (this.#message === null || this.#message.length > 0) continue
      }
      const { tag, length } = this.#message
      if (all.length - at < length) break
      this.#message = null
      this.#messages(tag, all.subarray(at, at + length))
      at += length
    }
    if (at < all.length) this.#partial = all.subarray(at)
  }
}

/** The number in a message's payload. */
export function numberIn(payload: Uint8Array): number {
  return new Cursor(payload).i32le()
}
