/** What the machine must give us, as types. `lib/io` gives it for real, `test/support` in memory. */
import type { ByteName } from './base/byte-name.js'
import type { SumHead } from './delta/block-size.js'
import type { FilterRule } from './flist/filter.js'
import type { ContentId, Root } from './hash/root.js'
import type { BlockSum } from './kernel/kernel-port.js'

/** A reliable byte stream both ways: a socket, a child's stdio, or one end of a pair. */
export type Link = {
  /** The next bytes, or null at the end. They are the caller's to keep, but where the link says that its memory is reused. */
  read(signal: AbortSignal): Promise<Uint8Array | null>
  /** Settles when `bytes` may be reused: awaiting it is the backpressure. */
  write(bytes: Uint8Array, signal: AbortSignal): Promise<void>
  /** Ends it, both ways. Calling twice is fine. */
  close(): Promise<void>
}

export type Clock = {
  /** Milliseconds since the epoch, as the system says: may jump. For times that others see. */
  now(): number
  /** Milliseconds from an arbitrary start, never going back. For every timeout and rate. */
  monotonic(): number
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

export type Random = {
  bytes(n: number): Uint8Array
  /** An integer in 0 … n - 1. */
  below(n: number): number
}

/** Events by name with fields; only `cli` makes sentences of them. */
export type Log = (event: string, fields?: Readonly<Record<string, unknown>>) => void

/** Contents that can be given to others, whole or in part. Every byte of it was verified once. */
export type ContentStore = {
  find(root: Root): Holding | null
}

/** One content as far as it stands here. */
export type Holding = {
  readonly length: number
  /** Are all of these bytes here and verified? */
  has(offset: number, length: number): boolean
  /** The bytes, fewer only past the end. @throws {FileError} when the file is gone or shorter than it was. */
  read(offset: number, length: number): Promise<Uint8Array>
  /** The same at once, where no disk has to be waited for: a view, gone with the next call of any holding. Null: `read` it. */
  readNow?(offset: number, length: number): Uint8Array | null
  /** All packed leaf hashes, or null when they are not known here. */
  leaves(): Uint8Array | null
}

/** Where fetched contents go. */
export type ContentSink = {
  /** A verified whole content of at most 64 KiB. The bytes are the sink's to keep. */
  small(content: ContentId, bytes: Uint8Array): void
  /** Opens the partial file of a larger content; what was verified before is still marked. */
  open(content: ContentId): PartialContent
  /** Nobody can give it: not the centre, nor any peer there is. Without this it ends the download. */
  lost?(content: ContentId, why: string): void
}

/** A large content on its way: units that are marked are verified, on disk, and may be offered to others. */
export type PartialContent = {
  readonly length: number
  /** Bytes of one unit but the last: max(64 KiB, √length) rounded up to a power of two. */
  readonly unitBytes: number
  isMarked(unit: number): boolean
  /** Writes at `offset`, whole leaves, not yet marked. */
  write(offset: number, bytes: Uint8Array): void
  /** As many bytes as asked for, as they stand here unverified, zeros where nothing was written: for a leaf that lacks a few. */
  read(offset: number, length: number): Uint8Array
  mark(unit: number): void
  /** All units are marked: the content is whole. @param leaves all packed leaf hashes, for answering others; null: not known */
  finish(leaves: Uint8Array | null): void
}

/** A directory nobody can leave: names are relative ByteNames, links are never followed. Metadata calls are synchronous. */
export type Tree = {
  /** What stands in a directory, in byte order; null: there is none. @param known last components that are left out, unlooked at */
  list(directory: ByteName, known?: ReadonlySet<string>): readonly Standing[] | null
  stat(name: ByteName): Standing | null
}

/** What a directory tells of what stands in it; `mode` where that was looked at. */
export type Named = Pick<Standing, 'base' | 'kind'> & Partial<Pick<Standing, 'mode'>>

export type FileKind = 'file' | 'directory' | 'symlink' | 'character' | 'block' | 'fifo' | 'socket'

/** What stands on disk under a name, as lstat tells. */
export type Standing = {
  /** The last component, one char per byte. */
  readonly base: string
  readonly kind: FileKind
  /** Permission bits with setuid, setgid and sticky: 12 bits. */
  readonly mode: number
  readonly size: number
  readonly mtimeNs: bigint
  readonly ctimeNs: bigint
  readonly uid: number
  readonly gid: number
  readonly dev: bigint
  readonly ino: bigint
  readonly nlink: number
  /** Device number of a character or block device. */
  readonly major: number
  readonly minor: number
}

/** A tree for threads of this process: its directory, held open. */
export type TreeHandle = {
  readonly fd: number
  /** Links on the way to a name lead on; else they are an error. */
  readonly followsLinks: boolean
}

/** Files of a few directories to be copied under the names they have, each by a temporary one. Copied as it is to a thread. */
export type CopyJob = {
  readonly groups: readonly {
    readonly from: TreeHandle
    readonly fromDirectory: ByteName
    readonly to: TreeHandle
    readonly toDirectory: ByteName
    readonly files: number
  }[]
  /** Last components, each ended by a NUL. */
  readonly names: Uint8Array
  /** A row of COPY_COLUMNS for each file. */
  readonly rows: Float64Array
  /** What has extended attributes, ACLs among them, or would get some where it goes, is none of these. */
  readonly bare: boolean
  /** Anything but 0 in it: let be. Shared. */
  readonly stop: Int32Array
}
/** Size as the source had it, mode, uid and gid (-1: as they come), time in whole seconds and the rest in ns (NaN: as it comes). */
export const COPY_COLUMNS = 6
export type CopyResult = {
  /** Bytes of the files that stand now. */
  readonly bytes: number
  /** Which do not, as nothing was left of them: by their place in the job. */
  readonly failed: readonly number[]
}
/** Threads that copy. */
export type CopyThreads = {
  readonly width: number
  run(job: CopyJob): Promise<CopyResult>
  close(): Promise<void>
}

/** Pairs of directories to be compared without a word for each file: is all in order in the second as it is in the first? */
export type LookJob = {
  readonly from: TreeHandle
  readonly to: TreeHandle
  /** Where the pairs stand, in either tree. */
  readonly fromHead: ByteName
  readonly toHead: ByteName
  /** Below these, empty for themselves. */
  readonly below: readonly string[]
  readonly rule: SameRule
  /** Entries after which it is enough. */
  readonly most: number
}
/** Kinds, sizes, times of files, modes and targets of links count anyway. */
export type SameRule = {
  readonly owner: boolean
  readonly group: boolean
  readonly directoryTimes: boolean
  readonly linkTimes: boolean
  /** Whoever follows or judges links has to look at them: one in the first tree is none of these. */
  readonly noLinks: boolean
  /** Nor are files of fewer bytes, or of more. */
  readonly leastSize: number
  readonly mostSize: number
  /** Nor directories of another device; null: it does not count. */
  readonly device: bigint | null
  /** Nor those in whose counterparts this stands, as what an earlier try left; null: nothing. */
  readonly leftover: string | null
  /** Nothing else may stand there, but for what `names` protects. */
  readonly exact: boolean
  /** A file of several names in the first tree is none of these. */
  readonly single: boolean
  /** Contents of files count, with -c; large ones are none of these. */
  readonly contents: boolean
  /** What has extended attributes, ACLs among them, in either tree is none of these. */
  readonly bare: boolean
  /** Names that do not count; null: all do. */
  readonly names: NameRules | null
}
/** Rules that need no file of a directory's own, the same for every directory. */
export type NameRules = {
  readonly rules: readonly FilterRule[]
  readonly deleteExcluded: boolean
}
export type LookResult = {
  /** In order but for what is below, with a row of LOOK_COLUMNS each. */
  readonly same: readonly string[]
  readonly rows: Float64Array
  readonly different: readonly string[]
  /** Of each that is different, files and links in it that are in order all the same: last components, each ended by a NUL. */
  readonly alike: readonly string[]
  /** A row for each of these too. */
  readonly alikeRows: Float64Array
  /** Not looked at yet. */
  readonly rest: readonly string[]
}
/** Files, links, directories in it; bytes of files and links. */
export const LOOK_COLUMNS = 4
export type LookThreads = {
  readonly width: number
  run(job: LookJob): Promise<LookResult>
  close(): Promise<void>
}

/** Parts of one file to be compared with its basis in place, of a basis to be summed, or of a file to be searched, by several threads. */
export type DeltaJob = {
  readonly phase: 'align' | 'sums' | 'search'
  readonly files: DeltaFiles
  /** Parts go from here to the length of what is read. */
  readonly start: number
  readonly length: number
  readonly partBytes: number
  readonly parts: number
  readonly basisLength: number
  readonly head: SumHead
  readonly sum: BlockSum
  /** Sums of the basis as BlockSums has them. Shared, as are the rest. */
  readonly packed: Uint8Array
  readonly state: Int32Array
  /**
   * A row of FOUND_COLUMNS for each part. Searched: bytes matched, where the first match starts and the last one ends.
   * Aligned: how far, and how many bytes of that differed.
   */
  readonly found: Float64Array
}
export const FOUND_COLUMNS = 3
/** Open files, read and written at any place. */
export type DeltaFiles = { readonly source: number; readonly basis: number; readonly into: number }
/** Places in its state: the next part, parts done, threads that are at one, anything but 0: it failed, no more. */
export const DELTA_STATE = { next: 0, done: 1, busy: 2, failed: 3, stop: 4 } as const
/** Threads that help with a job. */
export type DeltaThreads = {
  help(job: DeltaJob): void
  /** Does a part here. False: none is left. */
  next(job: DeltaJob): boolean
  close(): Promise<void>
}

/** Attributes to give; null leaves one as it is. */
export type Attributes = {
  readonly uid: number | null
  readonly gid: number | null
  readonly mode: number | null
  readonly mtimeNs: bigint | null
  readonly atimeNs: bigint | null
}
