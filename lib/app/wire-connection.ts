/** A connection with its two directions, and what is done with messages, time limits and the end of it. */
import { EXIT, type ExitCode, PrsyncError, StoppedError } from '../base/errors.js'
import type { Link } from '../host.js'
import type { Options } from '../options/options.js'
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

  constructor(link: Link, signal: AbortSignal, said: MessageHandlers['said']) {
    this.link = link
    this.signal = signal
    this.handlers = { said }
    this.writer = new WireWriter(link, signal)
    this.reader = new WireReader(
      link,
      signal,
      (tag, payload) => handleMessage(tag, payload, this.handlers),
      () => this.writer.flush(),
    )
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
