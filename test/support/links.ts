/** Two Links joined in memory: what one writes the other reads. A write settles when little of it waits to be read. */
import { SocketError } from '../../lib/base/errors.js'
import type { Link } from '../../lib/host.js'

const WAITING_BYTES = 256 * 1024

/** One direction. */
class Pipe {
  readonly #waiting: number
  readonly #chunks: Uint8Array[] = []
  #bytes = 0
  #closed = false
  readonly #wakes = new Set<() => void>()

  /** @param waiting bytes that it holds, and gives at a time */
  constructor(waiting: number) {
    this.#waiting = waiting
  }

  async read(signal: AbortSignal): Promise<Uint8Array | null> {
    for (;;) {
      signal.throwIfAborted()
      const first = this.#chunks.shift()
      if (first !== undefined) {
        const chunk = first.subarray(0, this.#waiting)
        if (chunk.length < first.length) this.#chunks.unshift(first.subarray(chunk.length))
        this.#bytes -= chunk.length
        this.#wake()
        return chunk
      }
      if (this.#closed) return null
      await this.#change(signal)
    }
  }

  async write(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    if (this.#closed) throw new SocketError('written to a closed link')
    this.#chunks.push(Uint8Array.from(bytes))
    this.#bytes += bytes.length
    this.#wake()
    while (this.#bytes > this.#waiting && !this.#closed) {
      signal.throwIfAborted()
      await this.#change(signal)
    }
  }

  close(): void {
    this.#closed = true
    this.#wake()
  }

  #wake(): void {
    for (const wake of this.#wakes) wake()
    this.#wakes.clear()
  }
  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        signal.removeEventListener('abort', wake)
        this.#wakes.delete(wake)
        resolve()
      }
      if (signal.aborted) return resolve()
      signal.addEventListener('abort', wake, { once: true })
      this.#wakes.add(wake)
    })
  }
}

export function linkPair(waiting = WAITING_BYTES): [Link, Link] {
  const there = new Pipe(waiting)
  const back = new Pipe(waiting)
  return [end(back, there), end(there, back)]
}

function end(incoming: Pipe, outgoing: Pipe): Link {
  return {
    read: (signal) => incoming.read(signal),
    write: (bytes, signal) => outgoing.write(bytes, signal),
    close: async () => {
      incoming.close()
      outgoing.close()
    },
  }
}
