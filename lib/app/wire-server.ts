/** The server's end of a connection: what a client's words ask for, done here. `prsync --server`, and a daemon's module. */
import { EXIT, type ExitCode, type PrsyncError } from '../base/errors.js'
import type { Charset } from '../flist/charset.js'
import type { FilterRule } from '../flist/filter.js'
import type { ChecksumName } from '../hash/checksum.js'
import type { Link } from '../host.js'
import { operatorPaths } from '../io/operator.js'
import type { SharedPace } from '../io/shared-pace.js'
import type { ServerRequest } from '../options/server-request.js'
import { serverHandshake } from '../rsync/handshake.js'
import { hasFilterList, readFilterList } from '../wire/filter-list.js'
import { TAG } from '../wire/mux.js'
import type { Terms } from '../wire/terms.js'
import { becomeCopyUser } from './copy-as.js'
import type { Hides } from './hidden-names.js'
import { readNameList, readNameStream, sendNames } from './name-stream.js'
import { SourceSide } from './source-side.js'
import { type SyncEvents, type SyncReport, Troubles } from './sync-events.js'
import { cvsFilters, readServerFilters } from './sync-filters.js'
import type { Accounts } from './target-side.js'
import { lackingIn, openWireCharset, toWire } from './wire-charset.js'
import { WireConnection } from './wire-connection.js'
import { receiveFiles } from './wire-receiving.js'
import { sendFiles } from './wire-sending.js'
import { filterExchange, helloOf, refuseUnsayable } from './wire-terms.js'

export type ServerConfig = {
  readonly request: ServerRequest
  /** Agreed on by a daemon's greeting; null: versions go over the stream. */
  readonly daemonProtocol: number | null
  /** Of the module: before those that the client sends. */
  readonly filters: readonly FilterRule[]
  readonly accounts: Accounts
  /** What is as if it were not there; null: nothing. */
  readonly hides: Hides | null
  /** What all connections of a daemon send together; null: no limit. */
  readonly uplink: SharedPace | null
  /** Why there is to be no transfer; it is told once the client can hear it. */
  readonly refusal: PrsyncError | null
  readonly environment: { readonly [name: string]: string | undefined }
  /** For a seed that nobody knows before. */
  readonly seed: number
}

/** How a server speaks to its client. Texts are one char per byte, with their line's end. */
export type ServerPort = {
  readonly protocol: number
  /** Of whole files. */
  readonly checksum: ChecksumName
  info(text: string): void
  error(text: string): void
  /** What the client says as an error, and does not count as one. */
  warning(text: string): void
  deleted(name: string, isDirectory: boolean): void
}
export type ServerWords = {
  readonly events: SyncEvents
  /** From now on the client can be told things. */
  speak(to: ServerPort): void
  /** What ended the session, before the client is left. */
  failed(error: unknown): void
  ended(report: SyncReport): void
}

/** @throws {PrsyncError} after the client was told */
export async function serveWire(
  config: ServerConfig,
  link: Link,
  words: ServerWords,
  signal: AbortSignal,
): Promise<ExitCode> {
  const run = new ServerRun(config, link, words, signal)
  return run.run()
}

class ServerRun {
  readonly #config: ServerConfig
  readonly #words: ServerWords
  readonly #connection: WireConnection
  readonly #troubles: Troubles
  readonly #trusted: (path: string) => string
  #terms: Terms | null = null
  /** --iconv: of names here; null: they are as they are. */
  #charset: Charset | null = null

  constructor(config: ServerConfig, link: Link, words: ServerWords, signal: AbortSignal) {
    this.#config = config
    this.#words = words
    this.#troubles = new Troubles(words.events)
    this.#trusted = operatorPaths(config.request.options)
    this.#connection = new WireConnection(link, config.request.options.timeoutMs, signal, () => {})
  }

  async run(): Promise<ExitCode> {
    const { request } = this.#config
    try {
      this.#charset = await openWireCharset(request.options, this.#config.environment)
      const terms = await this.#shakeHands()
      this.#terms = terms
      const { writer } = this.#connection
      this.#words.speak({
        protocol: terms.protocol,
        checksum: terms.checksum,
        info: (text) => writer.say(TAG.info, this.#toWire(text)),
        error: (text) => writer.say(TAG.errorXfer, this.#toWire(text)),
        warning: (text) =>
          writer.say(terms.protocol < 30 ? TAG.info : TAG.warning, this.#toWire(text)),
        deleted: (name, isDirectory) =>
          writer.say(TAG.deleted, this.#toWire(name) + (isDirectory ? '\0' : '')),
      })
      const { refusal } = this.#config
      if (refusal !== null) throw refusal
      refuseUnsayable(request.options, terms.protocol)
      becomeCopyUser(request.options.copyAs)
      const code = request.isSender ? await this.#send(terms) : await this.#receive(terms)
      await writer.drain()
      return code
    } catch (error) {
      this.#words.failed(error)
      await this.#connection.giveUp(error, this.#terms, request.isSender)
      throw error
    } finally {
      this.#connection.close()
    }
  }

  async #shakeHands(): Promise<Terms> {
    const { request, daemonProtocol, environment, seed } = this.#config
    const { options, isSender, capabilities } = request
    const { reader, writer } = this.#connection
    return serverHandshake(reader, writer, {
      ...helloOf(options, environment, daemonProtocol, true),
      capabilities,
      incremental: isSender ? options.recursive && !options.said.qsort : options.incRecursive,
      seed: options.checksumSeed !== 0 ? options.checksumSeed : seed,
      framesOld: isSender && options.removeSourceFiles,
      readsNames: isSender && options.filesFrom === '-',
    })
  }

  readonly #toWire = (text: string): string => toWire(this.#charset, text)

  async #filters(terms: Terms): Promise<readonly FilterRule[]> {
    const { request, filters, daemonProtocol } = this.#config
    const { options, isSender } = request
    const own = readServerFilters(options, this.#trusted, daemonProtocol === null)
    const how = filterExchange(options, terms.protocol, !isSender)
    const { reader } = this.#connection
    const sent = hasFilterList(how)
      ? await reader.decode((c) => readFilterList(c, terms.protocol))
      : []
    const cvs = isSender || terms.protocol < 29 ? cvsFilters(options) : []
    return [...filters, ...own, ...sent, ...cvs]
  }

  async #send(terms: Terms): Promise<ExitCode> {
    const { options, paths } = this.#config.request
    const { events } = this.#words
    const connection = this.#connection
    const rules = await this.#filters(terms)
    const names =
      options.filesFrom === '-'
        ? await readNameStream(connection.reader, terms.protocol, this.#charset)
        : null
    const source = new SourceSide({
      options,
      sources: paths.length === 0 ? ['.'] : paths,
      names,
      hides: this.#config.hides,
      trusted: this.#trusted,
      troubles: this.#troubles,
      lacking: lackingIn(this.#charset),
      events,
    })
    try {
      const list = source.list(source.places(), rules)
      const report = await sendFiles({
        connection,
        terms,
        options,
        source,
        list,
        troubles: this.#troubles,
        accounts: this.#config.accounts,
        isServer: true,
        uplink: this.#config.uplink,
        charset: this.#charset,
        recording: null,
        events,
      })
      this.#words.ended(report)
      return report.exit
    } finally {
      source.close()
    }
  }

  async #receive(terms: Terms): Promise<ExitCode> {
    const { options, paths } = this.#config.request
    const connection = this.#connection
    const filters = await this.#filters(terms)
    let exit: ExitCode = EXIT.ok
    const { filesFrom } = options
    await connection.together(
      // First: nothing may be said before names that go without frames.
      async () => {
        if (filesFrom !== null && filesFrom !== '-')
          await sendNames(
            connection.writer,
            terms.protocol,
            readNameList(filesFrom, options.from0, this.#trusted),
            this.#charset,
          )
      },
      async () => {
        const report = await receiveFiles({
          connection,
          terms,
          options,
          destination: options.listOnly ? null : (paths[0] ?? '.'),
          filters,
          trusted: this.#trusted,
          troubles: this.#troubles,
          accounts: this.#config.accounts,
          isServer: true,
          charset: this.#charset,
          isReplay: false,
          asked: null,
          events: this.#words.events,
        })
        this.#words.ended(report)
        exit = report.exit
      },
    )
    return exit
  }
}
