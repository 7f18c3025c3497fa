/** A Link over Node's streams: a socket, or a pipe each way. What comes is pulled; a write settles when the kernel took it. */
import type { Readable, Writable } from 'node:stream'
import { inWords } from '../base/errno-words.js'
import { SocketError } from '../base/errors.js'
import type { Link } from '../host.js'
import type { ReadRing } from './read-ring.js'

/** Received bytes that nobody has read, above which the sender is made to wait. */
const UNREAD_BYTES = 512 * 1024
/** What a packet of TCP has room for, nearly everywhere. */
const PACKET_BYTES = 1400

export class StreamLink implements Link {
  readonly #incoming: Readable
  readonly #outgoing: Writable
  readonly #ring: ReadRing | null
  readonly #unread: Uint8Array[] = []
  #unreadBytes = 0
  #ended = false
  #fault: SocketError | null = null
  #wake: (() => void) | null = null
  #writing = false
  /** Something came that is less than a packet, and nothing behind it. */
  #isTalk = true
  readonly #acknowledge: (() => void) | null

  /**
   * @param outgoing the same socket, or another stream @param ring what `incoming` reads into; null: memory of its own each time
   * @param acknowledge called before more is waited for where little came
   */
  constructor(
    incoming: Readable,
    outgoing: Writable,
    ring: ReadRing | null = null,
    acknowledge: (() => void) | null = null,
  ) {
    this.#acknowledge = acknowledge
    this.#incoming = incoming
    this.#outgoing = outgoing
    this.#ring = ring
    const take = (chunk: Uint8Array): void => {
      this.#unread.push(chunk)
      this.#unreadBytes += chunk.length
      this.#wake?.()
    }
    if (ring !== null) {
      ring.sink = take
      incoming.resume()
    } else
      incoming.on('data', (chunk: Uint8Array) => {
        take(chunk)
        if (this.#unreadBytes > UNREAD_BYTES) incoming.pause()
      })
    incoming.on('error', (cause) => {
      this.#fault = new SocketError(cause.message, { cause })
    })
    // a pipe that nobody reads any more fails the write; what came the other way is still to be read
    if (!Object.is(incoming, outgoing)) outgoing.on('error', () => {})
    const over = (): void => {
      this.#ended = true
      this.#wake?.()
    }
    incoming.on('end', over)
    incoming.on('close', over)
  }

  async read(signal: AbortSignal): Promise<Uint8Array | null> {
    for (;;) {
      signal.throwIfAborted()
      const chunk = this.#unread.shift()
      if (chunk !== undefined) {
        this.#unreadBytes -= chunk.length
        this.#isTalk = chunk.length < PACKET_BYTES
        this.#ring?.taken(chunk.length)
        if (this.#ring?.hasRoom ?? this.#unreadBytes === 0) this.#incoming.resume()
        return chunk
      }
      if (this.#fault !== null) throw this.#fault
      if (this.#ended) return null
      if (this.#isTalk) this.#acknowledge?.()
      await this.#news(signal)
    }
  }

  write(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const stopped = (): void => reject(signal.reason)
      if (signal.aborted) return stopped()
      signal.addEventListener('abort', stopped, { once: true })
      this.#writing = true
      this.#outgoing.write(bytes, (cause) => {
        this.#writing = false
        signal.removeEventListener('abort', stopped)
        if (cause)
          reject(this.#fault ?? new SocketError(`write error: ${inWords(cause)}`, { cause }))
        else resolve()
      })
    })
  }

  async close(): Promise<void> {
    const outgoing = this.#outgoing
    const closed = [outgoing, this.#incoming].map(
      (stream) =>
        new Promise<void>((resolve) => {
          if (stream.closed) resolve()
          else stream.once('close', () => resolve())
        }),
    )
    const destroy = (): void => {
      outgoing.destroy()
      this.#incoming.destroy()
    }
    // what is half written is given up; what the kernel took still goes out
    if (this.#writing || outgoing.writableFinished || outgoing.destroyed) destroy()
    else outgoing.end(destroy)
    await Promise.all(closed)
  }

  #news(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#wake = null
        signal.removeEventListener('abort', wake)
        resolve()
      }
      this.#wake = wake
      signal.addEventListener('abort', wake, { once: true })
    })
  }
}
