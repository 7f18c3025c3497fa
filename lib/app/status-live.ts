/** The status pages of browsers that look at them, kept as they are now: each second what changed, to who takes it. */
import { messageOf } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import type { Clock, Log } from '../host.js'
import type { TextSocket } from '../io/ws.js'

const EACH_MS = 1000
const HELLO_MS = 10_000

export type LiveParts = {
  /** Null: no such page. */
  readonly page: (name: string) => string | null
  readonly clock: Clock
  readonly log: Log
}

export class LiveDesk {
  readonly #parts: LiveParts
  readonly #end = new AbortController()
  readonly #open = new Set<Promise<void>>()
  readonly #atAddress = new Map<string, number>()
  /** Of this second, for all that look at the same page. */
  #made = new Map<string, string | null>()
  #madeMs = Number.NEGATIVE_INFINITY

  constructor(parts: LiveParts) {
    this.#parts = parts
  }

  /** Serves the socket until it ends; it is closed in every case. */
  accept(socket: TextSocket, address: string): void {
    const neighbours = this.#atAddress.get(address) ?? 0
    const isFull = this.#open.size >= LIMITS.livePages || neighbours >= LIMITS.livePagesAtAddress
    if (isFull || this.#end.signal.aborted) return socket.close()
    this.#atAddress.set(address, neighbours + 1)
    const served = this.#serve(socket)
      .catch((error: unknown) => {
        if (!this.#end.signal.aborted) this.#parts.log('live.failed', { what: messageOf(error) })
      })
      .finally(() => {
        socket.close()
        this.#open.delete(served)
        const left = (this.#atAddress.get(address) ?? 1) - 1
        if (left > 0) this.#atAddress.set(address, left)
        else this.#atAddress.delete(address)
      })
    this.#open.add(served)
  }

  async close(): Promise<void> {
    this.#end.abort(new Error('the centre stops'))
    await Promise.all(this.#open)
  }

  async #serve(socket: TextSocket): Promise<void> {
    const scope = new AbortController()
    const signal = AbortSignal.any([scope.signal, this.#end.signal])
    // who says nothing, or goes, ends it
    const name = await Promise.race([socket.read(signal), this.#pause(HELLO_MS, signal)])
    if (name === null) return scope.abort()
    const gone = socket.read(signal).then(
      () => scope.abort(),
      () => {},
    )
    try {
      for (let told = ''; !signal.aborted; await this.#pause(EACH_MS, signal)) {
        const text = this.#page(name)
        if (text === null) return
        if (text === told || socket.unsent > 0) continue
        socket.write(text)
        told = text
      }
    } finally {
      scope.abort()
      await gone
    }
  }

  #page(name: string): string | null {
    const nowMs = this.#parts.clock.monotonic()
    if (nowMs - this.#madeMs >= EACH_MS / 2) {
      this.#made = new Map()
      this.#madeMs = nowMs
    }
    const known = this.#made.get(name)
    if (known !== undefined) return known
    const made = this.#parts.page(name)
    this.#made.set(name, made)
    return made
  }

  async #pause(ms: number, signal: AbortSignal): Promise<null> {
    await this.#parts.clock.sleep(ms, signal).catch((error: unknown) => {
      if (!signal.aborted) throw error
    })
    return null
  }
}
