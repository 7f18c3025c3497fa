/** What a run in rsync's place says: events → rsync's lines. rsync(1) --verbose, --info, --itemize-changes, --list-only. */

import type { Matched } from '../app/batch-replay.js'
import type { SyncEvents, SyncReport } from '../app/sync-events.js'
import type { FileSums } from '../app/sync-sums.js'
import type { ServerPort } from '../app/wire-server.js'
import type { ByteName } from '../base/byte-name.js'
import { inWords } from '../base/errno-words.js'
import { EXIT, type ExitCode, PrsyncError, StoppedError } from '../base/errors.js'
import type { Options } from '../options/options.js'
import { tellsItem } from '../options/output.js'
import type { Places } from '../options/remote.js'
import { ITEM, isTold } from '../plan/iflags.js'
import { traceFor } from './debug-lines.js'
import { listLine } from './list-line.js'
import { type Context, formatDeletion, formatTold } from './out-format.js'
import { type Output, SyncOutput } from './sync-output.js'
import { SyncProgress } from './sync-progress.js'
import { fileSumBytes, statsLines, summaryLines, wireOf } from './sync-summary.js'
import { escapeName, KIND_WORDS, refusedWords, statusWords } from './sync-words.js'

type Entry = Parameters<SyncEvents['item']>[0]
type Remark = Parameters<SyncEvents['remark']>[0]

const NO_SUCH_CHARACTER = 'Invalid or incomplete multibyte or wide character'

export class SyncScreen {
  readonly options: Options
  readonly #out: Output
  readonly #sums: FileSums | null
  readonly #kind: Places['kind']
  readonly #progress: SyncProgress
  readonly #begunMs = performance.now()
  #listMs = 0
  #unsafeTold = false
  /** How many entries there are is told once they are known. */
  #isCounting = false

  /** @param sums where a format asks for sums of files @param kind where the other end is */
  constructor(
    options: Options,
    sums: FileSums | null,
    kind: Places['kind'],
    output: Output = new SyncOutput(options),
  ) {
    this.options = options
    this.#sums = sums
    this.#kind = kind
    this.#out = output
    this.#progress = new SyncProgress(options, kind, output, this.#begunMs)
  }

  get events(): SyncEvents {
    const out = this.#out
    return {
      trace: traceFor(this.options.debug, (text) => out.told(this.#name(text))),
      counted: (listed, bytes) => this.#counted(listed, bytes),
      grew: (entries, bytes) => this.#progress.grew(entries, bytes),
      item: (entry, iflags, xname) => this.#item(entry, iflags, xname),
      remark: (what, entry, name) => this.#remark(what, entry, this.#name(name)),
      began: (entry) => this.#progress.began(entry),
      moved: (bytes) => this.#progress.moved(bytes),
      ended: (entry, at) => this.#progress.ended(entry, at),
      fault: (side, call, path, error) =>
        this.#error(
          `[${side}] ${call} ${this.#quoted(path)}${call.includes('failed') ? '' : ' failed'}: ${inWords(error)}`,
        ),
      started: () => {
        const how =
          this.options.wholeFile !== false
            ? 'delta-transmission disabled for local transfer or --whole-file'
            : 'delta-transmission enabled'
        if (this.options.debug.flist > 0) out.told(how)
      },
      said: (text, isError) => {
        const whole = escapeName(text.replace(/\n$/, ''), this.options.eightBitOutput)
        if (isError) out.error(whole)
        else out.told(whole)
      },
      ...this.#sourceEvents(),
      ...this.#targetEvents(),
    }
  }

  /** Of what is there to be copied. */
  #sourceEvents() {
    const { info } = this.options
    const out = this.#out
    return {
      skipped: (what, name, text) => {
        const shown = this.#name(name)
        const side = text === 'receiver' ? 'Receiver' : text
        if (what === 'directory') out.told(`skipping directory ${shown}`)
        else if (what === 'no-target') out.error(`symlink has no referent: ${this.#quoted(text)}`)
        else if (what === 'name-lost')
          this.#error(`[${side}] cannot convert filename: ${shown} (${NO_SUCH_CHARACTER})`)
        else if (what === 'target-lost')
          this.#error(
            `[${side}] cannot convert symlink data for: "${shown}" (${NO_SUCH_CHARACTER})`,
          )
        else this.#told(info.mount, `[sender] skipping mount-point dir ${shown}`)
      },
      copiesUnsafe: (name, target) =>
        this.#told(
          info.symsafe,
          `copying unsafe symlink "${this.#name(name)}" -> "${this.#name(target)}"`,
        ),
      searched: ({ matches, hashHits, falseAlarms, literal }) =>
        this.#told(
          this.options.debug.deltasum,
          `total: matches=${matches}  hash_hits=${hashHits}  false_alarms=${falseAlarms} data=${literal}`,
        ),
      listed: (entry) => out.told(this.#name(listLine(entry, this.options))),
      removed: (name) => this.#told(info.remove, `sender removed ${this.#name(name)}`),
      removedBefore: (name) => out.told(`sender file already removed: ${this.#name(name)}`),
      vanished: (what, path) => out.warn(`${what} has vanished: ${this.#quoted(path)}`),
      missing: (call, path, why) =>
        this.#error(`[sender] ${call} ${this.#quoted(path)} failed: ${why}`),
    } satisfies Partial<SyncEvents>
  }

  /** Of what stands at the destination. */
  #targetEvents() {
    const { info, outFormat, logFile, logFileFormat } = this.options
    const out = this.#out
    return {
      madeDestination: (path, directories) => {
        if (info.name === 0 && !tellsItem(outFormat ?? '')) return
        const many = `${directories} ${directories === 1 ? 'directory' : 'directories'} for`
        out.told(`created ${directories === null ? 'directory' : many} ${this.#name(path)}`)
      },
      notDeleting: () => {
        if (!this.#unsafeTold) out.told('IO error encountered -- skipping file deletion')
        this.#unsafeTold = true
      },
      deleting: (name, isDirectory) => {
        const whole = name + (isDirectory ? '/' : '')
        const line = (format: string): string =>
          formatDeletion(format, {
            ...this.#context(),
            name: whole,
            path: name,
            noSum: ' '.repeat(this.#sums?.width ?? 0),
          })
        if (logFile !== null && logFileFormat !== '') out.log(escapeName(line(logFileFormat), true))
        if (outFormat !== null && outFormat !== '') out.line(this.#name(line(outFormat)))
        else if (info.del > 0 || info.name > 0) out.line(`deleting ${this.#name(whole)}`)
      },
      nonEmpty: (name) => out.told(`cannot delete non-empty directory: ${this.#name(name)}`),
      backupDirectory: (path, isNew) =>
        this.#told(info.backup, `${isNew ? '(new) ' : ''}backup_dir is ${this.#name(path)}`),
      backedUp: (name, to) =>
        this.#told(info.backup, `backed up ${this.#name(name)} to ${this.#name(to)}`),
      noAlternate: (kind, path, stands) => {
        const why = stands === 'nothing' ? 'does not exist' : 'is not a dir'
        out.warn(`--${kind}-dest arg ${why}: ${this.#name(path)}`)
      },
      unread: (path, error) =>
        this.#error(
          `[generator] failed to open ${this.#quoted(path)}, continuing: ${inWords(error)}`,
        ),
      retried: (_entry, name) =>
        this.#error(
          `WARNING: ${this.#name(name)} failed verification -- update retained (will try again).`,
        ),
      mismatch: (entry, isLast) => {
        const { inplace, partial, partialDir } = this.options
        const kept = inplace || (partial && partialDir === null) ? 'retained' : 'discarded'
        const words = `${this.#name(entry.name)} failed verification -- update ${kept}`
        if (isLast) this.#error(`ERROR: ${words}.`)
        else out.warn(`prsync: WARNING: ${words} (will try again).`)
      },
    } satisfies Partial<SyncEvents>
  }

  /** Of a server: what its client prints itself is left out. @param port null: not yet */
  serverEvents(port: () => ServerPort | null, isSender: boolean): SyncEvents {
    const own = this.events
    const isOld = (): boolean => (port()?.protocol ?? 32) < 29
    return {
      ...own,
      // An old client names the files that go over, and hears names alone of whatever else is done.
      item: (entry, iflags, xname) => {
        const isOurs = isOld() && !isSender && (iflags & ITEM.transfer) === 0
        if (isOurs && (isTold(iflags) || xname !== null)) this.#named(entry, iflags, xname)
      },
      remark: (what, entry, name) => {
        if (isOld() && what === 'uptodate') this.#uptodate(entry, this.#name(name))
        else own.remark(what, entry, name)
      },
      began: () => {},
      moved: () => {},
      ended: () => {},
      deleting: (name, isDirectory) => {
        if (isOld()) own.deleting(name, isDirectory)
        else port()?.deleted(name, isDirectory)
      },
      counted: () => {},
      grew: () => {},
    }
  }

  /** Options are as a batch has them, and not as they were said. */
  matched(options: readonly Matched[]): void {
    if (this.options.info.misc === 0) return
    for (const { name, on } of options)
      this.#out.told(`${on ? 'Setting' : 'Clearing'} the ${name} option to match the batchfile.`)
  }
  begin(isListing: boolean): void {
    const { info, incRecursive, recursive, dirs, verbosity } = this.options
    this.#out.log('building file list')
    if (info.flist === 0 || (isListing && verbosity === 0) || !(recursive || dirs)) return
    const isPull = this.#kind === 'pull'
    if (incRecursive)
      return this.#out.line(`${isPull ? 'receiving' : 'sending'} incremental file list`)
    this.#isCounting = info.flist > 1
    if (!this.#isCounting)
      return this.#out.line(`${isPull ? 'receiving' : 'building'} file list ... done`)
    // What is received is on one line with how many there are.
    if (!isPull) this.#out.line('building file list ... ')
  }

  end(report: SyncReport): ExitCode {
    const { debug, info } = this.options
    const out = this.#out
    this.#progress.end()
    const wire = wireOf(report)
    if (report.refusedDeletions > 0) out.error(refusedWords(report.refusedDeletions))
    if (info.stats > 1) {
      out.line('')
      for (const line of statsLines(report, wire, this.options, this.#listMs)) out.told(line)
    }
    if (info.stats > 0) {
      out.line('')
      const ms = performance.now() - this.#begunMs
      for (const line of summaryLines(report, wire, this.options, ms)) out.told(line)
    }
    if (info.stats === 0 || report.exit !== EXIT.ok)
      out.log(
        `sent ${wire.sent} bytes  received ${wire.received} bytes  total size ${report.totalBytes}`,
      )
    if (report.exit !== EXIT.ok) out.error(`prsync ${statusWords(report.exit)}`)
    if (debug.exit > 0)
      out.told(`[sender] _exit_cleanup(code=${report.exit}): about to call exit(${report.exit})`)
    out.flush()
    return report.exit
  }

  /** What ends a run is said by who started it; the log has it too. */
  failed(error: unknown): void {
    if (!(error instanceof PrsyncError)) return
    if (!(error instanceof StoppedError)) this.#out.log(`prsync: ${error.message}`)
    this.#out.log(`prsync ${statusWords(error.exitCode)}`)
  }
  close(): void {
    this.#out.close()
  }

  #counted(listed: number, size: number): void {
    this.#listMs = performance.now() - this.#begunMs
    this.#progress.grew(listed, size)
    if (!this.#isCounting) return
    const start = this.#kind === 'pull' ? 'receiving file list ... ' : ' 0 files...\r'
    this.#out.line(`${start}${listed} ${listed === 1 ? 'file' : 'files'} to consider`)
  }

  // ---- entries -------------------------------------------------------------------------------------

  #item(entry: Entry, iflags: number, xname: ByteName | null): void {
    const { info, outFormat, logUnchanged, logFile, logFileFormat, dryRun } = this.options
    // A link to the same file in a directory of --link-dest is told where all is.
    const isSaid = isTold(iflags) || (xname !== null && xname !== '')
    // A format without %i names what came or was made; other attributes alone only from -vv on.
    const isMade = (iflags & (ITEM.transfer | ITEM.local)) !== 0
    const isNamed = isSaid && (isMade || entry.stands.kind === 'directory' || info.name > 1)
    const isDue = (format: string): boolean => (tellsItem(format) ? isSaid : isNamed)
    const isShown = (format: string): boolean =>
      isDue(format) || (logUnchanged && tellsItem(format))
    if (logFile !== null && logFileFormat !== '' && isShown(logFileFormat))
      if (!dryRun || (iflags & ITEM.transfer) === 0)
        this.#out.log(escapeName(this.#format(logFileFormat, entry, iflags, xname), true))
    if (outFormat !== null) {
      if (isShown(outFormat))
        this.#out.line(this.#name(this.#format(outFormat, entry, iflags, xname)))
      return
    }
    // What only got other attributes is named from -vv on.
    if (isSaid) this.#named(entry, iflags, xname)
  }

  #named(entry: Entry, iflags: number, xname: ByteName | null): void {
    const isDone = (iflags & (ITEM.transfer | ITEM.local)) !== 0
    const isDirectory = entry.stands.kind === 'directory'
    if (this.options.info.name < (isDone || isDirectory ? 1 : 2)) return
    const to =
      xname !== null && xname !== ''
        ? ` => ${xname}`
        : entry.stands.kind === 'symlink' && isDone
          ? ` -> ${entry.target}`
          : ''
    this.#out.line(this.#name(`${entry.name}${isDirectory ? '/' : ''}${to}`))
  }

  #format(format: string, entry: Entry, iflags: number, xname: ByteName | null): string {
    return formatTold(format, {
      entry,
      iflags,
      xname,
      ...this.#context(),
      isPush: this.#kind === 'push',
      operation: this.#kind === 'pull' ? 'recv' : 'send',
      moved: null,
      isTimeKept: this.options.times,
      dryRun: this.options.dryRun,
      fileSumBytes: fileSumBytes(this.options.checksumChoice),
      path: this.#path(entry),
      sum: () => {
        if (this.#sums === null) return ''
        const isFile = (iflags & ITEM.transfer) !== 0 && entry.stands.kind === 'file'
        return isFile ? this.#sums.of(entry.origin) : ' '.repeat(this.#sums.width)
      },
    })
  }
  /** Of what comes from another machine only the name is known, of what a list names its place below the source. */
  #path(entry: Entry): string {
    if (this.#kind === 'pull') return entry.name === '' ? '.' : entry.name
    return this.options.filesFrom === null ? pathShown(entry) : entry.origin.name || '.'
  }
  #context(): Context {
    return {
      pid: process.pid,
      now: new Date(),
      isOwnerKept: this.options.owner,
      isGroupKept: this.options.group,
      visitor: null,
    }
  }

  #uptodate({ stands }: Entry, shown: string): void {
    const slash = stands.kind === 'directory' ? '/' : ''
    if (this.options.info.name > 1) this.#out.told(`${shown}${slash} is uptodate`)
  }
  #remark(what: Remark, entry: Entry, shown: string): void {
    const { info } = this.options
    const out = this.#out
    const skip = (text: string): void => {
      if (info.skip > 0) out.told(text)
    }
    switch (what) {
      case 'exists':
        return skip(`${shown} exists`)
      case 'newer':
        return skip(`${shown} is newer`)
      case 'too-large':
        return skip(`${shown} is over max-size`)
      case 'too-small':
        return skip(`${shown} is under min-size`)
      case 'not-creating':
        return skip(
          `not creating new ${entry.stands.kind === 'directory' ? 'directory' : 'file'} "${shown}"`,
        )
      case 'not-wanted':
        if (info.nonreg > 0) out.told(`skipping non-regular file "${this.#name(entry.name)}"`)
        return
      case 'unsafe':
        if (info.symsafe > 0)
          out.told(`ignoring unsafe symlink "${shown}" -> "${this.#name(entry.target)}"`)
        return
      case 'uptodate':
        if (!tellsItem(this.options.outFormat ?? '')) this.#uptodate(entry, shown)
        return
      case 'batched':
        return out.told(`(Skipping batched update for "${shown}")`)
      case 'not-batched':
        return out.told(`(No batched update for "${shown}")`)
      case 'in-the-way':
        out.error(`could not make way for new ${KIND_WORDS[entry.stands.kind]}: ${shown}`)
        return
      case 'not-made':
        out.error('*** Skipping any contents from this failed directory ***')
    }
  }

  // ---- lines ---------------------------------------------------------------------------------------

  /** @param level that --info was given for such a line */
  #told(level: number, text: string): void {
    if (level > 0) this.#out.told(text)
  }
  #error(text: string): void {
    this.#out.error(`prsync: ${text}`)
  }
  #quoted(path: string): string {
    return this.#out.quoted(this.#name(path))
  }
  #name(name: string): string {
    return this.#out.isRaw ? name : escapeName(name, this.options.eightBitOutput)
  }
}

/** `%f`: the path of the source as a person named it, without a slash before it. */
function pathShown({ origin }: Entry): string {
  const here = process.cwd()
  const top = Buffer.from(here, 'utf8').toString('latin1')
  const { path } = origin.tree
  const name = origin.name === '' ? '.' : origin.name
  if (path === top) return name
  const below = path.startsWith(`${top}/`) ? path.slice(top.length + 1) : path.replace(/^\/+/, '')
  return below === '' ? name : `${below}/${name}`
}
