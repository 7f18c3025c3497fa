/** A connection with its two directions, and what is done with messages, time limits and the end of it. */
import { EXIT, type ExitCode, PrsyncError, StoppedError, TimeoutError } from '../base/errors.js'
import type { Link } from '../host.js'
import { systemClock } from '../io/clock.js'
import type { Options } from '../options/options.js'
import { KeepAlive } from '../rsync/keep-alive.js'
import { handleMessage, type MessageHandlers, PeerExit } from '../rsync/messages.js'
import { WireReader } from '../rsync/reader.js'
import { WireWriter } from '../rsync/writer.js'
import { TAG } from '../wire/mux.js'
import type { ListOptions, Terms } from '../wire/terms.js'

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
  readonly #keepAlive: KeepAlive
  #timer: NodeJS.Timeout | null = null

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
      this.signal,
      (tag, payload) => handleMessage(tag, payload, this.handlers),
      () => this.writer.flush(),
    )
  }

  /** Nothing is waited for any more. */
  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
  }
  #watch(): void {
    this.#timer ??= setInterval(() => {
      if (this.#keepAlive.check())
        this.#scope.abort(new TimeoutError('io timeout: nothing came and nothing went'))
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
    try {
      if (error instanceof PeerExit && isSender)
        this.writer.message(TAG.errorExit, new Uint8Array(0))
      else this.writer.number(TAG.errorExit, code)
      await this.writer.drain()
    } catch {
      // It is gone already.
    }
  }
}

/** Nobody would hear of these. */
const UNTOLD: ReadonlySet<number> = new Set([EXIT.socket, EXIT.stream, 19, EXIT.timeout])

function exitOf(error: unknown): ExitCode {
  if (error instanceof StoppedError) return EXIT.signal
  return error instanceof PrsyncError ? error.exitCode : EXIT.ipc
}

export function listOptions(o: Options): ListOptions {
  const { relative, links, hardLinks, owner, group, devices, specials } = o
  const { atimes, checksum, acls, numericIds } = o
  return {
    relative,
    links,
    hardLinks,
    owner,
    group,
    devices,
    specials,
    atimes,
    checksum,
    acls,
    numericIds,
    xattrs: o.xattrs > 0,
  }
}
