/** What a run in rsync's place says: events → rsync's lines. rsync(1) --verbose, --info, --itemize-changes, --stats, --list-only. */
import { writeSync } from 'node:fs'
import type { Counts, SyncEvents, SyncReport } from '../app/sync.js'
import type { ByteName } from '../base/byte-name.js'
import { bytesOf } from '../base/bytes.js'
import { codeOf, EXIT, type ExitCode, messageOf } from '../base/errors.js'
import type { ListEntry } from '../flist/list-entry.js'
import type { FileKind } from '../host.js'
import type { Options } from '../options/options.js'
import { ITEM, isTold } from '../plan/iflags.js'
import { formatFraction, formatNumber } from './numbers.js'
import { formatTold, modeText, timeText } from './out-format.js'

type Entry = ListEntry<{ readonly path: string }>

export class SyncScreen {
  readonly #options: Options
  readonly #begunMs = performance.now()
  readonly #pending: Buffer[] = []
  #pendingBytes = 0
  #unsafeTold = false

  constructor(options: Options) {
    this.#options = options
  }

  get events(): SyncEvents {
    const { info } = this.#options
    return {
      item: (entry, iflags, xname) => this.#item(entry, iflags, xname),
      remark: (what, entry, name) => {
        const shown = this.#name(name)
        switch (what) {
          case 'exists':
            if (info.skip > 0) this.#line(`${shown} exists`)
            break
          case 'newer':
            if (info.skip > 0) this.#line(`${shown} is newer`)
            break
          case 'too-large':
            if (info.skip > 0) this.#line(`${shown} is over max-size`)
            break
          case 'too-small':
            if (info.skip > 0) this.#line(`${shown} is under min-size`)
            break
          case 'not-creating':
            if (info.skip > 0)
              this.#line(
                `not creating new ${entry.stands.kind === 'directory' ? 'directory' : 'file'} "${shown}"`,
              )
            break
          case 'unsafe':
            if (info.symsafe > 0)
              this.#line(`ignoring unsafe symlink "${shown}" -> "${this.#name(entry.target)}"`)
            break
          case 'not-wanted':
            if (info.nonreg > 0) this.#line(`skipping non-regular file "${shown}"`)
            break
          case 'uptodate':
            if (info.name > 1 && this.#options.outFormat === null)
              this.#line(`${shown} is uptodate`)
            break
          case 'in-the-way':
            if (info.del > 0 || !this.#options.quiet)
              this.#line(`cannot delete non-empty directory: ${shown}`)
            this.#error(`could not make way for new ${KIND_WORDS[entry.stands.kind]}: ${shown}`)
            break
          default:
        }
      },
      began: () => {},
      moved: () => {},
      ended: () => {},
      retried: (_entry, name) =>
        this.#error(
          `WARNING: ${this.#name(name)} failed verification -- update retained (will try again).`,
        ),
      skipped: (what, name) => {
        const shown = this.#name(name)
        if (what === 'directory') this.#line(`skipping directory ${shown}`)
        else if (what === 'no-target') this.#error(`symlink has no referent: "${shown}"`)
        else if (what === 'mount' && info.mount > 0)
          this.#line(`[sender] skipping mount-point dir ${shown}`)
      },
      deleting: (name, isDirectory) => {
        const shown = this.#name(name) + (isDirectory ? '/' : '')
        if (this.#options.outFormat !== null) this.#deletingLine(shown)
        else if (info.del > 0) this.#line(`deleting ${shown}`)
      },
      nonEmpty: (name) => {
        if (!this.#options.quiet)
          this.#line(`cannot delete non-empty directory: ${this.#name(name)}`)
      },
      backedUp: (name, to) => {
        if (info.backup > 0) this.#line(`backed up ${this.#name(name)} to ${this.#name(to)}`)
      },
      removed: (name) => {
        if (info.remove > 0) this.#line(`sender removed ${this.#name(name)}`)
      },
      fault: (side, call, path, error) =>
        this.#error(
          `[${side}] ${call} "${this.#name(path)}"${call.includes('failed') ? '' : ' failed'}: ${inWords(error)}`,
        ),
      vanished: (path) => this.#error(`file has vanished: "${this.#name(path)}"`),
      missing: (path) =>
        this.#error(
          `[sender] link_stat "${this.#name(path)}" failed: No such file or directory (2)`,
        ),
      madeDestination: (path, directories) => {
        if (info.name === 0 && this.#options.outFormat === null) return
        const many = `${directories} ${directories === 1 ? 'directory' : 'directories'} for`
        this.#line(`created ${this.#options.mkpath ? many : 'directory'} ${this.#name(path)}`)
      },
      notDeleting: () => {
        if (!this.#unsafeTold) this.#line('IO error encountered -- skipping file deletion')
        this.#unsafeTold = true
      },
      listed: (entry) => this.#listed(entry),
    }
  }

  begin(isListing: boolean): void {
    const { info, incRecursive, recursive } = this.#options
    if (info.flist === 0 || isListing) return
    this.#line(
      recursive && incRecursive ? 'sending incremental file list' : 'building file list ... done',
    )
    if (info.misc > 1) this.#line('delta-transmission disabled for local transfer or --whole-file')
  }

  end(report: SyncReport): ExitCode {
    const { info, dryRun } = this.#options
    if (report.refusedDeletions > 0)
      this.#error(
        `Deletions stopped due to --max-delete limit (${report.refusedDeletions} skipped)`,
      )
    if (info.stats > 1) this.#stats(report)
    if (info.stats > 0) this.#summary(report, dryRun)
    if (report.exit !== EXIT.ok) this.#error(statusWords(report.exit))
    this.flush()
    return report.exit
  }

  // ---- lines ---------------------------------------------------------------------------------------

  #item(entry: Entry, iflags: number, xname: ByteName | null): void {
    const { info, outFormat, logUnchanged } = this.#options
    if (!isTold(iflags) && xname === null && !logUnchanged) return
    if (outFormat !== null) {
      this.#bytes(
        formatTold(outFormat, {
          entry,
          iflags,
          xname,
          isTimeKept: this.#options.times,
          path: `${entry.origin.tree.path}/${entry.origin.name}`,
          literal: entry.stands.size,
          pid: process.pid,
          now: new Date(),
        }),
      )
      return
    }
    const isDone = (iflags & (ITEM.transfer | ITEM.local)) !== 0
    const isDirectory = entry.stands.kind === 'directory'
    // What only got other attributes is named from -vv on.
    if (!isTold(iflags) && xname === null) return
    if (info.name < (isDone || isDirectory ? 1 : 2)) return
    const slash = isDirectory ? '/' : ''
    const to =
      xname !== null && xname !== ''
        ? ` => ${xname}`
        : entry.stands.kind === 'symlink' && isDone
          ? ` -> ${entry.target}`
          : ''
    this.#bytes(`${entry.name}${slash}${to}`)
  }

  #deletingLine(shown: string): void {
    const { outFormat } = this.#options
    if (outFormat === null) return
    if (outFormat.includes('%i'))
      this.#line(outFormat.replace(/%i/g, '*deleting  ').replace(/%n/g, shown).replace(/%L/g, ''))
    else if (this.#options.info.del > 0)
      this.#line(outFormat.includes('%n') ? `deleting ${shown}` : `deleting ${shown}`)
  }

  #listed(entry: Entry): void {
    const { humanReadable, links } = this.#options
    const size = formatNumber(entry.stands.size, humanReadable).padStart(
      humanReadable === 0 ? 11 : 14,
    )
    const target = entry.stands.kind === 'symlink' && links ? ` -> ${entry.target}` : ''
    if (entry.isMissing) return this.#bytes(`*missing${' '.repeat(25)}${entry.name}`)
    this.#bytes(
      `${modeText(entry.stands.kind, entry.mode)} ${size} ${timeText(entry.stands.mtimeNs)} ${entry.name}${target}`,
    )
  }

  #stats(report: SyncReport): void {
    const level = this.#options.humanReadable
    const n = (value: number): string => formatNumber(value, level)
    this.#line('')
    this.#line(`Number of files: ${countsText(report.listed, n)}`)
    this.#line(`Number of created files: ${countsText(report.created, n)}`)
    this.#line(`Number of deleted files: ${countsText(report.deleted, n)}`)
    this.#line(`Number of regular files transferred: ${n(report.transferred)}`)
    this.#line(`Total file size: ${n(report.totalBytes)} bytes`)
    this.#line(`Total transferred file size: ${n(report.transferredBytes)} bytes`)
    this.#line(`Literal data: ${n(report.literal)} bytes`)
    this.#line(`Matched data: ${n(report.matched)} bytes`)
    this.#line(`File list size: ${n(0)}`)
    this.#line('File list generation time: 0.001 seconds')
    this.#line('File list transfer time: 0.000 seconds')
    this.#line(`Total bytes sent: ${n(report.literal)}`)
    this.#line(`Total bytes received: ${n(0)}`)
  }

  #summary(report: SyncReport, dryRun: boolean): void {
    const level = this.#options.humanReadable
    const seconds = (performance.now() - this.#begunMs) / 1000
    const sent = report.literal
    this.#line('')
    this.#line(
      `sent ${formatNumber(sent, level)} bytes  received ${formatNumber(0, level)} bytes  ${formatFraction(sent / (0.5 + seconds), level)} bytes/sec`,
    )
    const speedup = report.totalBytes / Math.max(1, sent)
    this.#line(
      `total size is ${formatNumber(report.totalBytes, level)}  speedup is ${formatFraction(speedup, Math.min(1, level))}${dryRun ? ' (DRY RUN)' : ''}`,
    )
  }

  #name(name: string): string {
    return escapeName(name, this.#options.eightBitOutput)
  }
  #bytes(text: string): void {
    this.#line(this.#name(text))
  }

  /** One char per byte. */
  #line(text: string): void {
    if (this.#options.quiet) return
    const line = Buffer.from(bytesOf(`${text}\n`))
    this.#pending.push(line)
    this.#pendingBytes += line.length
    if (this.#pendingBytes > 65_536 || this.#options.outbuf === 'none') this.flush()
  }
  #error(text: string): void {
    this.flush()
    writeAll(2, Buffer.from(bytesOf(`prsync: ${text}\n`)))
  }
  flush(): void {
    if (this.#pending.length === 0) return
    writeAll(1, Buffer.concat(this.#pending.splice(0)))
    this.#pendingBytes = 0
  }
}

/** Standard output may be a pipe that is full and does not wait. */
function writeAll(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(fd, bytes, done)
    } catch (error) {
      const code = codeOf(error)
      if (code === 'EPIPE') return
      if (code !== 'EAGAIN') throw error
    }
  }
}

/** As rsync shows names in a UTF-8 locale: what is no character, and what a terminal should not see, as \\#ooo. */
export function escapeName(name: string, eightBit: boolean): string {
  if (/^[\t -[\]-~]*$/.test(name)) return name
  return name.replace(NOT_SHOWN, (bytes, character?: string) => {
    if (character !== undefined) return character
    const code = bytes.charCodeAt(0)
    return eightBit && code > 127 ? bytes : `\\#${code.toString(8).padStart(3, '0')}`
  })
}
/** A whole character of UTF-8, kept; or a byte that is escaped. */
const NOT_SHOWN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  /([\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3})|[\x00-\x08\x0a-\x1f\x7f-\xff]|\\(?=#[0-9]{3})/g

const KIND_WORDS: Readonly<Record<FileKind, string>> = {
  file: 'regular file',
  directory: 'directory',
  symlink: 'symlink',
  character: 'device file',
  block: 'device file',
  fifo: 'special file',
  socket: 'special file',
}

function countsText(counts: Counts, n: (value: number) => string): string {
  const parts = [
    ['reg', counts.file],
    ['dir', counts.directory],
    ['link', counts.symlink],
    ['dev', counts.device],
    ['special', counts.special],
  ] as const
  const total = parts.reduce((sum, [, count]) => sum + count, 0)
  const shown = parts
    .filter(([, count]) => count > 0)
    .map(([word, count]) => `${word}: ${n(count)}`)
  return shown.length === 0 ? n(total) : `${n(total)} (${shown.join(', ')})`
}

const ERRNO_WORDS: ReadonlyMap<string, string> = new Map([
  ['EPERM', 'Operation not permitted (1)'],
  ['ENOENT', 'No such file or directory (2)'],
  ['EIO', 'Input/output error (5)'],
  ['EACCES', 'Permission denied (13)'],
  ['EBUSY', 'Device or resource busy (16)'],
  ['EEXIST', 'File exists (17)'],
  ['ENOTDIR', 'Not a directory (20)'],
  ['EISDIR', 'Is a directory (21)'],
  ['ENOSPC', 'No space left on device (28)'],
  ['EROFS', 'Read-only file system (30)'],
  ['ENAMETOOLONG', 'File name too long (36)'],
  ['ENOTEMPTY', 'Directory not empty (39)'],
  ['ELOOP', 'Too many levels of symbolic links (40)'],
])
function inWords(error: unknown): string {
  return ERRNO_WORDS.get(codeOf(error) ?? '') ?? messageOf(error)
}

export function statusWords(exit: ExitCode): string {
  const words: Readonly<Record<number, string>> = {
    [EXIT.usage]: 'syntax or usage error',
    [EXIT.fileSelect]: 'errors selecting input/output files, dirs',
    [EXIT.unsupported]: 'requested action not supported',
    [EXIT.file]: 'error in file IO',
    [EXIT.signal]: 'received SIGINT, SIGTERM, or SIGHUP',
    [EXIT.partial]: 'some files/attrs were not transferred (see previous errors)',
    [EXIT.vanished]: 'some files vanished before they could be transferred',
    [EXIT.maxDelete]: 'the --max-delete limit stopped deletions',
    [EXIT.timeout]: 'timeout in data send/receive',
  }
  return `error: ${words[exit] ?? 'unexplained error'} (code ${exit})`
}
