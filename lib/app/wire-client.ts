/** A run whose other end is on another machine: a push or a pull, from the first word to the last. rsync(1); prsync-protocol(7). */
import type { ByteName } from '../base/byte-name.js'
import { EXIT, type ExitCode, PrsyncError } from '../base/errors.js'
import { NO_TRACE } from '../base/trace.js'
import type { Charset } from '../flist/charset.js'
import { type FilterRule, formatRule } from '../flist/filter.js'
import { operatorPaths } from '../io/operator.js'
import { batchScript } from '../options/batch-script.js'
import type { Flag } from '../options/flags.js'
import type { Options } from '../options/options.js'
import { type Places, pathsWithin, type RemotePlace } from '../options/remote.js'
import { AskedNames } from '../rsync/asked-names.js'
import { clientHandshake } from '../rsync/handshake.js'
import { PeerExit } from '../rsync/messages.js'
import { hasFilterList, rulesForPeer, writeFilterList } from '../wire/filter-list.js'
import { PROTOCOL } from '../wire/negotiate.js'
import { filesFromThere, serverArgs } from '../wire/server-args.js'
import type { Terms } from '../wire/terms.js'
import { BatchRecording } from './batch-recording.js'
import { type Connection, connect } from './connect.js'
import { becomeCopyUser } from './copy-as.js'
import { readNameList, readNameStream, sendNames } from './name-stream.js'
import { SourceSide } from './source-side.js'
import { type SyncEvents, type SyncReport, Troubles } from './sync-events.js'
import { cvsFilters, filterOf, readOwnFilters } from './sync-filters.js'
import { LOCAL_ACCOUNTS } from './target-side.js'
import { fromWire, lackingIn, openWireCharset, toWire } from './wire-charset.js'
import { WireConnection } from './wire-connection.js'
import { receiveFiles } from './wire-receiving.js'
import { sendFiles } from './wire-sending.js'
import { asAgreed, filterExchange, helloOf, refuseUnsayable } from './wire-terms.js'

export type RemoteConfig = {
  readonly options: Options
  readonly places: Exclude<Places, { kind: 'local' }>
  readonly environment: { readonly [name: string]: string | undefined }
  /** The command that runs prsync. */
  readonly program: readonly string[]
  /** Written down; null: nothing is. */
  readonly batch: BatchSaid | null
}

/** A batch as the command line has it. */
type BatchSaid = {
  readonly flags: readonly Flag[]
  readonly file: string
  readonly destination: string
}

/** Null: the modules of a daemon were listed. */
export async function syncRemote(
  config: RemoteConfig,
  events: SyncEvents,
  signal: AbortSignal,
): Promise<SyncReport | null> {
  const charset = await openWireCharset(config.options, config.environment)
  const recording = config.batch === null ? null : openRecording(config, config.batch)
  try {
    return await overConnection(config, charset, recording, events, signal)
  } finally {
    recording?.close()
  }
}

/** @throws {FileError} {SelectionError} */
function openRecording(
  { options, program }: RemoteConfig,
  { flags, file, destination }: BatchSaid,
): BatchRecording {
  const trusted = operatorPaths(options)
  const rules = readOwnFilters(options, trusted).map(formatRule)
  return new BatchRecording(trusted(file), batchScript(program, flags, rules, file, destination))
}

async function overConnection(
  config: RemoteConfig,
  charset: Charset | null,
  recording: BatchRecording | null,
  events: SyncEvents,
  signal: AbortSignal,
): Promise<SyncReport | null> {
  const { options, places, environment } = config
  const isPull = places.kind === 'pull'
  const remote = isPull ? places.from : places.to
  const stop = new AbortController()
  const joined = await connect(
    remote,
    (isDaemon) => wordsFor(options, remote, isPull, isDaemon),
    {
      rsh: options.rsh.said ? options.rsh.command : null,
      rsyncPath: options.rsyncPath,
      program: config.program,
      family: options.ipFamily,
      port: options.port,
      address: options.address,
      sockopts: options.sockopts,
      contimeoutMs: options.contimeoutMs,
      passwordFile: options.passwordFile,
      motd: options.motd,
      earlyInput: options.earlyInput,
      secluded: options.secludedArgs,
      toWire: (word) => toWire(charset, word),
      oldArgs: options.oldArgs > 0,
      protocol: options.protocol ?? PROTOCOL.own,
      isPull,
      env: environment,
      trace: events.trace,
      onText: (line) => events.said(line, false),
      warn: (message) => events.said(message, true),
    },
    AbortSignal.any([signal, stop.signal]),
  )
  if (joined.kind === 'listing') return null
  return runOver(config, { charset, recording }, joined, () => stop.abort(), events, signal)
}

/** A run over a connection that is there. @param stop ends what was started for it */
export function runOver(
  config: RemoteConfig,
  { charset, recording }: { charset: Charset | null; recording: BatchRecording | null },
  joined: Connection,
  stop: () => void,
  events: SyncEvents,
  signal: AbortSignal,
): Promise<SyncReport> {
  return new ClientRun(config, charset, recording, joined, stop, events, signal).run()
}

function wordsFor(
  options: Options,
  { paths }: RemotePlace,
  isPull: boolean,
  isDaemon: boolean,
): readonly string[] {
  const named = paths.map((path) => (path === '' && !isDaemon ? '.' : path))
  const words = serverArgs(options, {
    isSender: isPull,
    paths: named,
    protocol: options.protocol ?? PROTOCOL.own,
  })
  return [...words.shell, ...(words.secluded ?? [])]
}

class ClientRun {
  readonly #config: RemoteConfig
  /** --iconv: of names here; null: they are as they are. */
  readonly #charset: Charset | null
  /** The batch that is written. */
  readonly #recording: BatchRecording | null
  readonly #joined: Connection
  /** Ends the remote shell. */
  readonly #stop: () => void
  readonly #signal: AbortSignal
  #events: SyncEvents
  readonly #troubles: Troubles
  readonly #connection: WireConnection
  #terms: Terms | null = null

  constructor(
    config: RemoteConfig,
    charset: Charset | null,
    recording: BatchRecording | null,
    joined: Connection,
    stop: () => void,
    events: SyncEvents,
    signal: AbortSignal,
  ) {
    this.#config = config
    this.#charset = charset
    this.#recording = recording
    this.#joined = joined
    this.#stop = stop
    this.#signal = signal
    this.#events = events
    this.#troubles = new Troubles(events)
    this.#trusted = operatorPaths(config.options)
    const { timeoutMs } = config.options
    this.#connection = new WireConnection(
      joined.link,
      timeoutMs,
      signal,
      (text, isError, isFault) => {
        if (isFault) this.#troubles.faults++
        events.said(fromWire(charset, text), isError)
      },
    )
  }

  async run(): Promise<SyncReport> {
    const isPull = this.#config.places.kind === 'pull'
    try {
      const terms = await this.#shakeHands(isPull)
      this.#terms = terms
      this.#events.agreed?.()
      this.#events = asAgreed(this.#events, terms, !isPull)
      const report = isPull ? await this.#pull(terms) : await this.#push(terms)
      await this.#connection.link.close()
      const status = await this.#joined.finished()
      return status > report.exit ? { ...report, exit: status as ExitCode } : report
    } catch (failure) {
      const error = await this.#connection.lastWords(failure)
      await this.#connection.giveUp(error, this.#terms, !isPull)
      await this.#connection.link.close()
      throw await this.#explained(error)
    } finally {
      this.#connection.close()
    }
  }

  /** A remote shell that failed says more than that its stream ended, if its status is higher, as rsync has it. One that does not end by itself is ended. */
  async #explained(error: unknown): Promise<unknown> {
    const isCut = error instanceof PrsyncError && error.exitCode === EXIT.stream
    const timer = setTimeout(this.#stop, isCut || error instanceof PeerExit ? LEAVE_MS : 0)
    const status = await this.#joined.finished()
    clearTimeout(timer)
    // Ctrl-C reaches the shell as well, whose end may be seen first.
    if (this.#signal.aborted) return this.#signal.reason
    return isCut && !(error instanceof PeerExit) && status > EXIT.stream
      ? new RemoteError(error.message, status, { cause: error })
      : error
  }

  async #shakeHands(isPull: boolean): Promise<Terms> {
    const { options, environment } = this.#config
    const { reader, writer } = this.#connection
    const recording = this.#recording
    if (recording !== null && isPull) reader.record = recording.take
    const terms = await clientHandshake(reader, writer, {
      ...helloOf(options, environment, this.#joined.daemonProtocol, false),
      incremental: isPull ? options.incRecursive : options.recursive,
      framesOld: isPull && options.removeSourceFiles,
      readsNames:
        !isPull && options.filesFrom !== null && filesFromThere(options.filesFrom) !== null,
      compressLevel: options.compressLevel,
      agreed: (protocol) => refuseUnsayable(options, protocol),
      trace: this.#events.trace,
    })
    recording?.begin(options, terms)
    return terms
  }

  readonly #trusted: (path: string) => string

  async #push(terms: Terms): Promise<SyncReport> {
    const { options, places } = this.#config
    const connection = this.#connection
    if (places.kind !== 'push') throw new TypeError('not a push')
    const there = options.filesFrom === null ? null : filesFromThere(options.filesFrom)
    const own = readOwnFilters(options, this.#trusted)
    const cvs = cvsFilters(options)
    this.#sendFilters(terms, own, cvs, true)
    const names =
      there === null ? null : await readNameStream(connection.reader, terms.protocol, this.#charset)
    becomeCopyUser(options.copyAs)
    const source = new SourceSide({
      options,
      sources: places.sources,
      names,
      trusted: this.#trusted,
      troubles: this.#troubles,
      lacking: lackingIn(this.#charset),
      events: this.#events,
    })
    try {
      const list = source.list(source.places(), [...own, ...cvs])
      return await sendFiles({
        uplink: null,
        connection,
        terms,
        options,
        source,
        list,
        troubles: this.#troubles,
        accounts: LOCAL_ACCOUNTS,
        isServer: false,
        charset: this.#charset,
        recording: this.#recording,
        events: this.#events,
      })
    } finally {
      source.close()
    }
  }

  async #pull(terms: Terms): Promise<SyncReport> {
    const { options, places } = this.#config
    const connection = this.#connection
    if (places.kind !== 'pull') throw new TypeError('not a pull')
    const own = readOwnFilters(options, this.#trusted)
    const cvs = cvsFilters(options)
    this.#sendFilters(terms, own, cvs, false)
    await connection.writer.flush()
    let report: SyncReport | null = null
    const { filesFrom } = options
    const isNamedHere = filesFrom !== null && filesFromThere(filesFrom) === null
    const names = isNamedHere ? readNameList(filesFrom, options.from0, this.#trusted) : null
    // What a shell there makes of words that are not quoted cannot be known.
    const isKnown =
      (this.#charset === null || options.secludedArgs || isPlain(places.from.paths)) &&
      !options.trustSender &&
      options.oldArgs === 0 &&
      (filesFrom === null || isNamedHere)
    const asked = isKnown
      ? new AskedNames(
          names ?? pathsWithin(places.from),
          options.relative,
          options.recursive || options.dirs,
          excluder(options, [...own, ...cvs]),
        )
      : null
    becomeCopyUser(options.copyAs)
    await connection.together(
      async () => {
        report = await receiveFiles({
          connection,
          terms,
          options,
          destination: options.listOnly ? null : places.destination,
          // What -C knows stays here even with --delete-excluded: the sender has rules of its own for it.
          filters: [...own, ...cvs.map(protecting)],
          trusted: this.#trusted,
          troubles: this.#troubles,
          accounts: LOCAL_ACCOUNTS,
          isServer: false,
          charset: this.#charset,
          isReplay: false,
          asked,
          events: this.#events,
        })
      },
      async () => {
        if (names !== null) await sendNames(connection.writer, terms.protocol, names, this.#charset)
      },
    )
    if (report === null) throw new TypeError('nothing came of it')
    return report
  }

  #sendFilters(
    terms: Terms,
    own: readonly FilterRule[],
    cvs: readonly FilterRule[],
    isPush: boolean,
  ): void {
    const { options } = this.#config
    const how = filterExchange(options, terms.protocol, isPush)
    if (!hasFilterList(how)) return
    writeFilterList(this.#connection.writer.data, rulesForPeer(own, cvs, how), terms.protocol)
  }
}

/** The same in every charset, so that it can be known again. */
function isPlain(paths: readonly string[]): boolean {
  return paths.every((path) => /^[ -~]*$/.test(path))
}

function protecting(rule: FilterRule): FilterRule {
  return rule.kind === 'dir-merge' ? rule : { ...rule, receiver: true }
}

/** What a sender that keeps our rules leaves out; nothing where rules of its directories have a say. */
function excluder(
  options: Options,
  rules: readonly FilterRule[],
): (name: ByteName, isDirectory: boolean) => boolean {
  if (rules.length === 0 || rules.some(({ kind }) => kind === 'dir-merge')) return () => false
  const filter = filterOf(options, rules, 'sender', null, NO_TRACE)
  return (name, isDirectory) => filter.excludes(name, isDirectory)
}

/** A remote shell whose stream ended has so long to end too. */
const LEAVE_MS = 2000

/** The remote shell, or what it ran, ended with a status of its own. */
class RemoteError extends PrsyncError {
  readonly exitCode: ExitCode
  constructor(message: string, status: number, options: ErrorOptions) {
    super(message, options)
    this.exitCode = status as ExitCode
  }
}
