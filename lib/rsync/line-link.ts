/** A Link that is read by lines first, and then as the bytes that are left. prsync-protocol(7), daemon. */
import { bytesOf, EMPTY, joined, latin1Of } from '../base/bytes.js'
import { WireError } from '../base/errors.js'
import type { Link } from '../host.js'

const LINE_FEED = 0x0a

export class LineLink implements Link {
  readonly #link: Link
  #rest: Uint8Array = EMPTY

  constructor(link: Link) {
    this.#link = link
  }

  /**
   * The next line as one char per byte, without its end and without carriage returns; null where the other side is gone.
   * @param most bytes of it @throws {WireError} on a longer one, or a NUL in it
   */
  async line(most: number, signal: AbortSignal): Promise<string | null> {
    const text = await this.until(LINE_FEED, most, signal)
    if (text?.includes('\0') === true) throw new WireError('a line with a NUL byte')
    return text === null ? null : text.replaceAll('\r', '')
  }

  /** What comes before the next such byte, which is taken too. Null: the end came first. @throws {WireError} above `most` */
  async until(end: number, most: number, signal: AbortSignal): Promise<string | null> {
    const chunks: Uint8Array[] = []
    let length = 0
    for (;;) {
      const at = this.#rest.indexOf(end)
      const taken = at < 0 ? this.#rest : this.#rest.subarray(0, at)
      length += taken.length
      if (length > most) throw new WireError(`a line of more than ${most} bytes`)
      // Copied: a link may use its memory again.
      chunks.push(Uint8Array.from(taken))
      this.#rest = at < 0 ? EMPTY : this.#rest.subarray(at + 1)
      if (at >= 0) return latin1Of(joined(chunks))
      const more = await this.#link.read(signal)
      if (more === null) return null
      this.#rest = more
    }
  }

  /** So many bytes. Null: the end came first. */
  async exactly(length: number, signal: AbortSignal): Promise<Uint8Array | null> {
    const chunks: Uint8Array[] = []
    for (let left = length; left > 0; ) {
      if (this.#rest.length === 0) {
        const more = await this.#link.read(signal)
        if (more === null) return null
        this.#rest = more
      }
      const taken = this.#rest.subarray(0, left)
      this.#rest = this.#rest.subarray(taken.length)
      chunks.push(Uint8Array.from(taken))
      left -= taken.length
    }
    return joined(chunks)
  }

  /** @param text one char per byte */
  say(text: string, signal: AbortSignal): Promise<void> {
    return this.#link.write(bytesOf(text), signal)
  }

  async read(signal: AbortSignal): Promise<Uint8Array | null> {
    if (this.#rest.length === 0) return this.#link.read(signal)
    const rest = this.#rest
    this.#rest = EMPTY
    return rest
  }
  write(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    return this.#link.write(bytes, signal)
  }
  close(): Promise<void> {
    return this.#link.close()
  }
}
