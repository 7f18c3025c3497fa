/** What happens in a run in rsync's place, as events, and what came of it. Only `cli` makes words of them. */
import type { ByteName } from '../base/byte-name.js'
import { codeOf, EXIT, type ExitCode, FileError, PrsyncError } from '../base/errors.js'
import type { Trace } from '../base/trace.js'
import type { Found } from '../delta/match.js'
import type { GeneratorEvents } from '../rsync/ground.js'
import type { TransferEvents } from '../rsync/local-transfer.js'
import type { Entry } from '../rsync/request.js'
import type { Moved } from '../rsync/sender.js'
import type { SourceEvents } from '../rsync/source-look.js'

/** How far the copy is in its list. */
export type Passed = {
  readonly passed: number
  readonly listed: number
  /** More entries will come: a list that comes piece by piece. */
  readonly isGrowing?: boolean
}

export type Side = 'sender' | 'receiver' | 'generator'

export type SyncEvents = Pick<GeneratorEvents, 'item' | 'remark'> &
  Pick<TransferEvents, 'began' | 'retried'> &
  Pick<SourceEvents, 'skipped' | 'copiesUnsafe'> & {
    /** What goes on inside, as far as it is asked for. */
    readonly trace: Trace
    /** The list is made: all of it where that is known before the copy, else what was named. @param bytes of its files */
    counted(entries: number, bytes: number): void
    /** More of the list is known. @param bytes of all its files */
    grew(entries: number, bytes: number): void
    /** Whatever comes next is done to the destination. */
    started(): void
    /** The sender has sent what was asked for. */
    searched(found: Searched): void
    /** Of the file that began. */
    moved(bytes: number): void
    /** @param moved what came or went; null: it was not what it should be; not told where nothing goes over a connection */
    ended(entry: Entry, at: Passed, moved?: Moved | null): void
    /** The directory that is written, without links. */
    goesTo?(directory: string): void
    /** Both ends of a connection know how they will speak. */
    agreed?(): void
    deleting(name: ByteName, isDirectory: boolean): void
    nonEmpty(name: ByteName): void
    backedUp(name: ByteName, to: string): void
    removed(name: ByteName): void
    /** Somebody else was quicker, or two sources lead to it. */
    removedBefore(name: ByteName): void
    /** @param side which end it was */
    fault(side: Side, call: string, path: string, error: unknown): void
    /** What stands at the receiver cannot be read: all of the file comes. */
    unread(path: string, error: unknown): void
    vanished(what: 'file' | 'directory', path: string): void
    missing(call: 'link_stat' | 'change_dir', path: string, why: string): void
    /** @param directories how many it took */
    madeDestination(path: string, directories: number | null): void
    /** @param isNew nothing stands there yet */
    backupDirectory(path: string, isNew: boolean): void
    /** A directory of --compare-dest, --copy-dest or --link-dest that is none. */
    noAlternate(kind: 'compare' | 'copy' | 'link', path: string, stands: 'other' | 'nothing'): void
    /** The source could not be read in full: what is extraneous stays. */
    notDeleting(): void
    /** --list-only. */
    listed(entry: Entry): void
    /** The other end's words, with their line's end. @param isError for standard error */
    said(text: string, isError: boolean): void
    /** A file that came was not what it should be. @param isLast it will not come again */
    mismatch(entry: Entry, isLast: boolean): void
  }

/** How blocks of the receiver's files were found. rsync(1) -vv */
export type Searched = Found & {
  /** Bytes that were not found. */
  readonly literal: number
}

export type Counts = {
  readonly file: number
  readonly directory: number
  readonly symlink: number
  readonly device: number
  readonly special: number
}
export const NO_COUNTS: Counts = { file: 0, directory: 0, symlink: 0, device: 0, special: 0 }

export type SyncReport = {
  readonly listed: Counts
  readonly created: Counts
  readonly deleted: Counts
  /** Regular files whose bytes came. */
  readonly transferred: number
  readonly transferredBytes: number
  readonly totalBytes: number
  readonly literal: number
  readonly matched: number
  /** Of the names in the list, each without its directory's. */
  readonly nameBytes: number
  readonly refusedDeletions: number
  /** What went over a connection; null: there was none. */
  readonly wire: WireCount | null
  readonly exit: ExitCode
}
export type WireCount = {
  readonly protocol: number
  readonly sent: number
  readonly received: number
  readonly listBytes: number
  readonly listBuildMs: number
  readonly listSendMs: number
}

/** rsync's bits for what went wrong with reading. prsync-protocol(7), io_error. */
export const IO_ERROR = { general: 1, vanished: 2, deleteLimit: 4 } as const

const FATAL: ReadonlyMap<string, string> = new Map([
  ['EFBIG', 'File too large (27)'],
  ['ENOSPC', 'No space left on device (28)'],
  ['EDQUOT', 'No space left on device (28)'],
])

/** What went wrong so far, and did not end the run. */
export class Troubles {
  readonly #events: Pick<SyncEvents, 'fault' | 'vanished'>
  faults = 0
  vanished = 0
  /** The source has errors: nothing is deleted. */
  isUnsafe = false
  #limited = false
  /** Sources that cannot be read. */
  #unread = 0

  constructor(events: Pick<SyncEvents, 'fault' | 'vanished'>) {
    this.#events = events
  }

  sender(call: string, path: string, error: unknown): void {
    if (codeOf(error) === 'ENOENT') return this.vanish('file', path)
    this.faults++
    this.#unread++
    this.#events.fault('sender', call, path, error)
  }
  vanish(what: 'file' | 'directory', path: string): void {
    this.vanished++
    this.#events.vanished(what, path)
  }
  /** @throws {FileError} on a disk that is full or a file that may not be so large: rsync gives all of it up */
  receiver(call: string, path: string, error: unknown): void {
    const code = codeOf(error)
    if (code === undefined && !(error instanceof PrsyncError)) throw error
    const why = call.startsWith('write') ? FATAL.get(code ?? '') : undefined
    if (why !== undefined) throw new FileError(`${call} "${path}": ${why}`, { cause: error })
    this.faults++
    this.#events.fault('receiver', call, path, error)
  }

  /** All that comes has come: what could not be read holds late deletions back. */
  sourceDone(): void {
    this.isUnsafe ||= this.#unread > 0
  }

  /** The other end's bits. */
  add(bits: number): void {
    if ((bits & IO_ERROR.general) !== 0) {
      this.faults++
      this.isUnsafe = true
    }
    if ((bits & IO_ERROR.vanished) !== 0) this.vanished++
    if ((bits & IO_ERROR.deleteLimit) !== 0) this.#limited = true
  }
  /** Bits for the other end. */
  get bits(): number {
    return (
      (this.#unread > 0 || this.isUnsafe ? IO_ERROR.general : 0) |
      (this.vanished > 0 ? IO_ERROR.vanished : 0) |
      (this.#limited ? IO_ERROR.deleteLimit : 0)
    )
  }

  exit(refusedDeletions: number): ExitCode {
    if (this.faults > 0) return EXIT.partial
    if (this.vanished > 0) return EXIT.vanished
    return refusedDeletions > 0 || this.#limited ? EXIT.maxDelete : EXIT.ok
  }
}
