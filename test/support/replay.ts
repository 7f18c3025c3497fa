/**
 * A recorded session played again with one of our roles at one end: what the other end said comes in the order of cause and
 * effect, what ours says is kept. Both ends of both directions: client and server, sender and receiver.
 */
import { LOCAL_ACCOUNTS } from '../../lib/app/target-side.js'
import { runOver } from '../../lib/app/wire-client.js'
import { joined } from '../../lib/base/bytes.js'
import { serveClient } from '../../lib/cli/server-session.js'
import { SyncScreen } from '../../lib/cli/sync-screen.js'
import { formatRule } from '../../lib/flist/filter.js'
import type { Link } from '../../lib/host.js'
import type { Options } from '../../lib/options/options.js'
import type { Places } from '../../lib/options/remote.js'
import { resolveOptions } from '../../lib/options/resolve.js'
import { parseRsyncLine } from '../../lib/options/rsync-line.js'
import { serverRequest } from '../../lib/options/server-request.js'
import { HEADER_BYTES, readHeader, TAG } from '../../lib/wire/mux.js'
import type { Recording } from './recordings.js'
import type { RecordedSession, Unit } from './rsync-session.js'

/** Bytes of the other end, which said them after this end had said so many of its stream. */
export type Chunk = { readonly bytes: Uint8Array; readonly after: number }

export type Ours = 'client' | 'server'

/** What the other end says, with its causes. */
export function scriptOf(recording: Recording, session: RecordedSession, ours: Ours): Chunk[] {
  const { before, isFramed } = session
  const [all, start] =
    ours === 'client'
      ? [recording.toClient, before.toClient]
      : [recording.toServer, before.toServer]
  const head = { bytes: all.subarray(0, start), after: 0 }
  const rest = all.subarray(start)
  // A receiver has to ask before it is answered; a sender is told things, whatever it does.
  const causes = isReceiver(session, ours) ? causesOf(session) : []
  if (ours === 'server' && !isFramed) return [head, ...cut(rest, 0, causes)]
  const chunks: Chunk[] = [head]
  let data = 0
  for (let at = 0; at < rest.length; ) {
    const { tag, length } = readHeader(rest, at)
    const frame = rest.subarray(at, at + HEADER_BYTES + length)
    at += frame.length
    if (tag !== TAG.data) {
      chunks.push({ bytes: frame, after: 0 })
      continue
    }
    for (const piece of cut(frame.subarray(HEADER_BYTES), data, causes)) {
      const { length } = piece.bytes
      const header = new Uint8Array([length & 0xff, (length >> 8) & 0xff, length >> 16, 7])
      chunks.push({ bytes: joined([header, piece.bytes]), after: piece.after })
    }
    data += length
  }
  return chunks
}
function isReceiver({ isPull }: RecordedSession, ours: Ours): boolean {
  return isPull === (ours === 'client')
}

type Cause = { readonly at: number; readonly after: number }

/** Each answer comes after its request, each echo after what it echoes: both in the same order. */
function causesOf({ sender, generator }: RecordedSession): Cause[] {
  const isWord = ({ what }: Unit): boolean => what === 'done' || what.startsWith('entry')
  const asked = generator.units.filter(isWord)
  // The end of a list may be told before or after requests that do not wait for it.
  const isDone = ({ what }: Unit): boolean => what === 'done'
  const causes = asked.map((unit, i) =>
    isDone(unit) ? unit.to : unit.to - asked.slice(0, i).filter(isDone).length,
  )
  return sender.units.filter(isWord).map((unit, i) => ({ at: unit.from, after: causes[i] ?? 0 }))
}
/** A piece of the stream from `start` on, cut where something had to happen first. */
function cut(bytes: Uint8Array, start: number, causes: readonly Cause[]): Chunk[] {
  const end = start + bytes.length
  const within = causes.filter(({ at }) => at >= start && at < end)
  const places = [{ at: start, after: 0 }, ...within]
  return places.flatMap(({ at, after }, i) => {
    const piece = bytes.subarray(at - start, (places[i + 1]?.at ?? end) - start)
    return piece.length > 0 || after > 0 ? [{ bytes: piece, after }] : []
  })
}

export class ReplayLink implements Link {
  readonly #script: Chunk[]
  readonly #before: number
  readonly #isFramed: boolean
  /** Turns of the event loop after which the other end speaks anyway. */
  readonly #patience: number
  readonly #said: Uint8Array[] = []
  #bytes = 0
  #stream = 0
  #wake: (() => void) | null = null

  /** @param before bytes of ours in front of the stream @param isFramed is ours in frames? */
  constructor(
    script: readonly Chunk[],
    before: number,
    isFramed: boolean,
    patience = Number.POSITIVE_INFINITY,
  ) {
    this.#script = [...script]
    this.#before = before
    this.#isFramed = isFramed
    this.#patience = patience
  }

  get said(): Uint8Array {
    return joined(this.#said)
  }

  async read(signal: AbortSignal): Promise<Uint8Array | null> {
    const next = this.#script[0]
    if (next === undefined) return null
    for (let turn = 0; next.after > this.#stream && turn < this.#patience; turn++)
      await this.#change(signal)
    signal.throwIfAborted()
    this.#script.shift()
    return Uint8Array.from(next.bytes)
  }
  async write(bytes: Uint8Array): Promise<void> {
    this.#said.push(Uint8Array.from(bytes))
    this.#bytes += bytes.length
    this.#stream = this.#streamBytes()
    this.#wake?.()
  }
  async close(): Promise<void> {
    this.#wake?.()
  }

  /** Until something is said, or another turn of the loop where patience ends. */
  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const stop = (): void => reject(signal.reason)
      if (signal.aborted) return stop()
      const wake = (): void => {
        this.#wake = null
        signal.removeEventListener('abort', stop)
        resolve()
      }
      signal.addEventListener('abort', stop, { once: true })
      this.#wake = wake
      if (this.#patience < Number.POSITIVE_INFINITY) setImmediate(wake)
    })
  }
  #streamBytes(): number {
    if (this.#bytes <= this.#before) return 0
    if (!this.#isFramed) return this.#bytes - this.#before
    const all = this.said.subarray(this.#before)
    let data = 0
    for (let at = 0; at + HEADER_BYTES <= all.length; ) {
      const { tag, length } = readHeader(all, at)
      if (tag === TAG.data) data += length
      at += HEADER_BYTES + length
    }
    return data
  }
}

export function replayLink(
  script: readonly Chunk[],
  session: RecordedSession,
  ours: Ours,
  patience?: number,
): ReplayLink {
  const before = ours === 'client' ? session.before.toServer : session.before.toClient
  return new ReplayLink(script, before, ours === 'server' || session.isFramed, patience)
}

/** The client's command line, as far as the server's words and the session tell. */
export function clientWords({ words }: Recording, session: RecordedSession): string[] {
  const { protocol } = session.terms
  const known = words.slice(0, words.indexOf('.')).filter((word) => !/^--s/.test(word))
  const cluster = known.find((word) => /^-[^-]/.test(word)) ?? ''
  const letters = cluster.replace(/e\..*/, '').replace(/^-s/, '-')
  const isZlib = known.includes('--old-compress')
  const long = known.flatMap((word) => LONG.get(word) ?? (word.startsWith('--') ? [word] : []))
  return [
    isZlib ? letters.replace('z', '') : letters,
    ...(cluster.includes('e.L') ? ['--no-inc-recursive'] : []),
    ...(protocol < 32 ? [`--protocol=${protocol}`] : []),
    ...long,
    ...(session.isPull && hasDeletions(session) ? ['--delete'] : []),
    // Without those that -C adds.
    ...session.filters
      .map(formatRule)
      .filter((text) => !/^(-p|:C) /.test(text))
      .map((text) => `--filter=${text}`),
  ]
}
function hasDeletions({ generator: { units } }: RecordedSession): boolean {
  return units.some(({ what }) => what === 'deletions')
}
const LONG: ReadonlyMap<string, readonly string[]> = new Map([
  ['--log-format=%i', ['-i']],
  ['--old-compress', ['--zc=zlib']],
  ['--new-compress', ['--zc=zlibx']],
])

export function clientOptions(words: readonly string[]): Options {
  const options = resolveOptions(parseRsyncLine(words).flags, {}, new Date(0))
  return { ...options, wholeFile: options.wholeFile ?? false }
}

/** The client's run. @returns its exit status and what it prints */
export async function playClient(
  link: Link,
  options: Options,
  places: Exclude<Places, { kind: 'local' }>,
  isDaemon: boolean,
  signal: AbortSignal,
): Promise<{ readonly exit: number; readonly lines: readonly string[] }> {
  const connection = {
    kind: 'connection',
    link,
    daemonProtocol: isDaemon ? 32 : null,
    finished: async () => 0,
  } as const
  const lines: string[] = []
  const line = (text: string): void => {
    lines.push(text)
  }
  const nothing = (): void => undefined
  const screen = new SyncScreen(options, null, places.kind, {
    isRaw: false,
    line,
    told: line,
    error: line,
    warn: line,
    quoted: (path) => `"${path}"`,
    log: nothing,
    progress: nothing,
    flush: nothing,
    close: nothing,
  })
  const config = { options, places, environment: {}, program: [], batch: null }
  const plain = { charset: null, recording: null }
  const report = await runOver(config, plain, connection, nothing, screen.events, signal)
  return { exit: screen.end(report), lines }
}

/** @param path of the source or the destination @param words behind the server's name, with other paths */
export async function playServer(
  link: Link,
  recording: Recording,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<number> {
  const words = recording.words.slice(0, recording.words.indexOf('.') + 1)
  const request = serverRequest([...words, ...paths], new Date(0))
  const daemonProtocol = recording.isDaemon ? 32 : null
  const terms = {
    ...{ request, daemonProtocol, accounts: LOCAL_ACCOUNTS },
    ...{ filters: [], hides: null, uplink: null, refusal: null },
  }
  const visitor = { address: '192.0.2.1', host: 'UNKNOWN', user: '', module: 'm', path: '/' }
  const voice = { name: 'm', root: '/', format: null, visitor, log: () => {} }
  return serveClient(terms, link, recording.isDaemon ? voice : null, signal)
}
