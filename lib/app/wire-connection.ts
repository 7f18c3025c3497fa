/** A connection with its two directions, and what is done with messages, time limits and the end of it. */
import { setImmediate as breathe } from 'node:timers/promises'
import {
  EXIT,
  type ExitCode,
  PrsyncError,
  SocketError,
  StoppedError,
  TimeoutError,
} from '../base/errors.js'
import { together } from '../base/together.js'
import type { Link } from '../host.js'
import { systemClock } from '../io/clock.js'
import { KeepAlive } from '../rsync/keep-alive.js'
import { handleMessage, type MessageHandlers, PeerExit } from '../rsync/messages.js'
import { WireReader } from '../rsync/reader.js'
import { WireWriter } from '../rsync/writer.js'
import { TAG } from '../wire/mux.js'
import type { Terms } from '../wire/terms.js'

export class WireConnection {
  readonly link: Link
  readonly reader: WireReader
  readonly writer: WireWriter
  readonly signal: AbortSignal
  /** Filled in by the role that is played. */
  handlers: MessageHandlers
  /** A receiver gives no signs of life before it has the first list. */
  maySign = true
  readonly #scope = new AbortController()
  readonly #reading = new AbortController()
  readonly #keepAlive: KeepAlive
  #timer: NodeJS.Timeout | null = null
  #breathedMs = 0

  /** @param timeoutMs 0: no limit */
  constructor(link: Link, timeoutMs: number, signal: AbortSignal, said: MessageHandlers['said']) {
    this.link = link
    this.signal = AbortSignal.any([signal, this.#scope.signal])
    this.handlers = { said, timeout: (seconds) => this.#shorten(seconds * 1000) }
    this.writer = new WireWriter(link, this.signal)
    const life = {
      heardMs: () => this.reader.readMs,
      saidMs: () => this.writer.writtenMs,
      sign: () => {
        // Who cannot hear it will not miss it.
        if (this.maySign) this.writer.keepAlive().catch(() => {})
      },
    }
    this.#keepAlive = new KeepAlive(systemClock, life, timeoutMs)
    if (timeoutMs > 0) this.#watch()
    this.reader = new WireReader(
      link,
      AbortSignal.any([this.signal, this.#reading.signal]),
      (tag, payload) => handleMessage(tag, payload, this.handlers),
      () => this.writer.flush(),
    )
  }

  /** Parts of one run: where one fails, nobody waits for the other side any more. @throws the first failure */
  together(...parts: readonly (() => Promise<void>)[]): Promise<void> {
    const tasks = parts.map((part) => async (): Promise<void> => {
      try {
        await part()
      } catch (error) {
        this.#reading.abort(error)
        throw error
      }
    })
    return together(this.signal, ...tasks)
  }

  /** Why nothing can be written any more, if the other side says so. */
  async lastWords(error: unknown): Promise<unknown> {
    if (!(error instanceof SocketError)) return error
    try {
      await this.reader.drain(AbortSignal.timeout(LAST_MS))
    } catch (said) {
      if (said instanceof PeerExit) return said
    }
    return error
  }

  /** To be asked within long work: signs of life go out, and Ctrl-C is heard. Null: not now. */
  pause(): Promise<void> | null {
    this.#keepAlive.worked()
    const now = performance.now()
    if (now - this.#breathedMs < BREATH_MS) return null
    this.#breathedMs = now
    return breathe().then(() => this.signal.throwIfAborted())
  }

  /** Nothing is waited for any more. */
  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
  }
  #watch(): void {
    this.#timer ??= setInterval(() => {
      if (this.#keepAlive.check())
        this.#scope.abort(
          new TimeoutError('io timeout: nothing came and nothing went; see --timeout'),
        )
    }, 1000)
  }
  #shorten(limitMs: number): void {
    this.#keepAlive.shorten(limitMs)
    this.#watch()
  }

  /** The other side is told that this one ends, and why. */
  async giveUp(error: unknown, terms: Terms | null, isSender: boolean): Promise<void> {
    const code = exitOf(error)
    const isTold = terms !== null && terms.protocol >= 31 && !UNTOLD.has(code)
    if (!isTold || (error instanceof PeerExit && error.isAnswer)) return
    if (error instanceof PeerExit && isSender) this.writer.message(TAG.errorExit, new Uint8Array(0))
    else this.writer.number(TAG.errorExit, code)
    await this.leave()
  }
  /** All is said: closed with something unread, a socket would take back the last of it. */
  async leave(): Promise<void> {
    try {
      await this.writer.drain()
      await this.reader.drain(AbortSignal.timeout(LAST_MS))
    } catch {
      // It is gone already.
    }
  }
}

/** Timers wait for work no longer than this. */
const BREATH_MS = 50

/** The other side's last words are waited for so long. */
const LAST_MS = 3000

/** Nobody would hear of these. */
const UNTOLD: ReadonlySet<number> = new Set([EXIT.socket, EXIT.stream, 19, EXIT.timeout])

function exitOf(error: unknown): ExitCode {
  if (error instanceof StoppedError) return EXIT.signal
  return error instanceof PrsyncError ? error.exitCode : EXIT.ipc
}
