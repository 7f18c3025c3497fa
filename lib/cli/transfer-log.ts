/**
 * What a server's log says of a session and of each file: a daemon's, with `transfer logging`, or the --log-file of who was started by
 * a remote shell. rsyncd.conf(5), log format.
 */
import type { SyncEvents, SyncReport } from '../app/sync-events.js'
import { noSum, shownSum } from '../app/sync-sums.js'
import type { ServerPort } from '../app/wire-server.js'
import type { ByteName } from '../base/byte-name.js'
import type { Options } from '../options/options.js'
import { tellsItem } from '../options/output.js'
import { ITEM, isTold } from '../plan/iflags.js'
import { type Context, formatDeletion, formatTold, type Visitor } from './out-format.js'

export type LogTerms = {
  readonly options: Options
  readonly isSender: boolean
  /** The client hears of entries that stay as they are. */
  readonly tellsAll: boolean
  /** Null: files are not logged. */
  readonly format: string | null
  /** Null: it is no daemon. */
  readonly visitor: Visitor | null
  /** Of the module, as the process sees it; `/` where there is none. */
  readonly root: string
  /** One char per byte. */
  readonly write: (line: string) => void
}

type Entry = Parameters<SyncEvents['item']>[0]
type Moved = NonNullable<Parameters<SyncEvents['ended']>[2]>
type ChecksumName = ServerPort['checksum']

export class TransferLog {
  readonly #terms: LogTerms
  /** Where what comes goes, from a daemon's module on. */
  #directory = ''
  /** Of the file that is under way: what is known of it comes in two parts, in either order. */
  #item: { readonly entry: Entry; readonly iflags: number } | null = null
  #ended: { readonly entry: Entry; readonly moved: Moved } | null = null
  #checksum: ChecksumName = 'none'

  constructor(terms: LogTerms) {
    this.#terms = terms
  }

  /** The same events, and the log has what it wants of them. */
  over(events: SyncEvents): SyncEvents {
    return {
      ...events,
      item: (entry, iflags, xname) => {
        this.#told(entry, iflags, xname)
        events.item(entry, iflags, xname)
      },
      ended: (entry, at, moved) => {
        if (moved) this.#ended = { entry, moved }
        this.#file()
        events.ended(entry, at, moved)
      },
      deleting: (name, isDirectory) => {
        this.#deleted(name, isDirectory)
        events.deleting(name, isDirectory)
      },
      goesTo: (directory) => {
        if (this.#terms.visitor !== null) this.#directory = withoutRoot(directory, this.#terms.root)
        events.goesTo?.(directory)
      },
    }
  }

  begin(checksum: ChecksumName): void {
    this.#checksum = checksum
    this.#terms.write(this.#terms.isSender ? 'building file list' : 'receiving file list')
  }
  end({ wire, totalBytes }: SyncReport): void {
    this.#terms.write(
      `sent ${wire?.sent ?? 0} bytes  received ${wire?.received ?? 0} bytes  total size ${totalBytes}`,
    )
  }

  #told(entry: Entry, iflags: number, xname: ByteName | null): void {
    const { format, options, tellsAll } = this.#terms
    if (format === null || options.dryRun) return
    if ((iflags & ITEM.transfer) !== 0) {
      this.#item = { entry, iflags }
      this.#file()
    } else if (tellsItem(format) && (isTold(iflags) || xname !== null || tellsAll))
      this.#line(format, entry, iflags, xname, null)
  }
  /** A file is logged once it stands, or has been sent. */
  #file(): void {
    const { format } = this.#terms
    const item = this.#item
    const ended = this.#ended
    if (format === null || item === null || item.entry !== ended?.entry) return
    this.#item = null
    this.#ended = null
    this.#line(format, item.entry, item.iflags, null, ended.moved)
  }

  #line(
    format: string,
    entry: Entry,
    iflags: number,
    xname: ByteName | null,
    moved: Moved | null,
  ): void {
    const { isSender, options, write } = this.#terms
    const told = {
      ...this.#context(),
      entry,
      iflags,
      xname,
      moved,
      isPush: isSender,
      operation: isSender ? ('send' as const) : ('recv' as const),
      isTimeKept: options.times,
      dryRun: options.dryRun,
      fileSumBytes: 0,
      path: this.#path(entry),
      sum: () => this.#sum(moved),
    }
    write(formatTold(format, told))
  }
  #deleted(name: ByteName, isDirectory: boolean): void {
    const { format, options, write } = this.#terms
    if (format === null || options.dryRun) return
    const gone = {
      ...this.#context(),
      name: name + (isDirectory ? '/' : ''),
      path: below(this.#directory, name),
      noSum: this.#sum(null),
    }
    write(formatDeletion(format, gone))
  }
  #context(): Context {
    const { visitor, options } = this.#terms
    return {
      visitor,
      pid: process.pid,
      now: new Date(),
      isOwnerKept: options.owner,
      isGroupKept: options.group,
    }
  }

  #sum(moved: Moved | null): string {
    // What a seed went into says nothing of the file.
    const isKnown = moved !== null && this.#checksum !== 'md4-old'
    return isKnown ? shownSum(this.#checksum, moved.digest) : noSum(this.#checksum)
  }
  #path(entry: Entry): string {
    const { isSender, root } = this.#terms
    if (!isSender) return below(this.#directory, entry.name)
    const { tree, name } = entry.origin
    return below(withoutRoot(tree.path, root), name)
  }
}

/** A path from the module on; as it is where it stands elsewhere. */
export function withoutRoot(path: string, root: string): string {
  if (path === root) return ''
  const top = root === '/' ? '/' : `${root}/`
  return path.startsWith(top) ? path.slice(top.length) : path
}
function below(directory: string, name: string): string {
  return directory === '' ? name : `${directory}/${name}`
}
