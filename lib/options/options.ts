/** What a run in rsync's place was asked for, after implications and defaults. Names follow rsync's long options. */
import type { Compression } from './compression.js'
import type { ConnectionOptions } from './connection.js'
import type { OutputOptions } from './output.js'
import type { DeleteTiming, Said } from './said.js'

/** A filter as written, in its order; files are read by whoever may. Texts are as the command line has them. */
export type FilterArgument = {
  readonly kind: 'filter' | 'include' | 'exclude' | 'include-from' | 'exclude-from'
  readonly text: string
}

export type Options = ConnectionOptions & OutputOptions & CopyOptions

/** What is copied, and how. */
type CopyOptions = {
  /** As it was written: what only the words for a server tell. */
  readonly said: Said
  readonly listOnly: boolean
  readonly dryRun: boolean

  readonly recursive: boolean
  readonly incRecursive: boolean
  readonly dirs: boolean
  readonly relative: boolean
  readonly impliedDirs: boolean
  readonly mkpath: boolean
  readonly filesFrom: string | null
  readonly from0: boolean
  /** 0, 1, 2: -xx leaves mount points out. */
  readonly oneFileSystem: number
  readonly links: boolean
  readonly copyLinks: boolean
  readonly copyUnsafeLinks: boolean
  readonly safeLinks: boolean
  readonly mungeLinks: boolean
  readonly copyDirlinks: boolean
  readonly keepDirlinks: boolean
  /** In paths that options name, links of other users lead on. */
  readonly insecureLinks: boolean
  /** Where such paths and the names of --files-from may lead to; null: anywhere. */
  readonly confineRoot: string | null
  readonly copyDevices: boolean
  readonly writeDevices: boolean
  readonly maxSize: number | null
  readonly minSize: number | null
  readonly pruneEmptyDirs: boolean
  readonly ignoreMissingArgs: boolean
  readonly deleteMissingArgs: boolean
  readonly iconv: string | null

  readonly filters: readonly FilterArgument[]
  readonly cvsExclude: boolean

  readonly checksum: boolean
  readonly ignoreTimes: boolean
  readonly sizeOnly: boolean
  /** Seconds; -1: to the nanosecond. */
  readonly modifyWindow: number
  readonly update: boolean
  readonly existing: boolean
  readonly ignoreExisting: boolean
  readonly removeSourceFiles: boolean
  readonly fuzzy: number
  /** All of one kind. */
  readonly alternates: {
    readonly kind: 'compare' | 'copy' | 'link'
    readonly directories: readonly string[]
  } | null

  readonly perms: boolean
  readonly executability: boolean
  readonly owner: boolean
  readonly group: boolean
  readonly times: boolean
  /** Times of last use are kept. */
  readonly atimes: boolean
  /** Files are opened without changing it: --open-noatime, -UU. */
  readonly openNoAtime: boolean
  readonly omitDirTimes: boolean
  readonly omitLinkTimes: boolean
  readonly acls: boolean
  readonly xattrs: number
  readonly hardLinks: boolean
  readonly devices: boolean
  readonly specials: boolean
  readonly dropDevices: boolean
  readonly chmod: readonly string[]
  readonly usermap: string | null
  readonly groupmap: string | null
  readonly numericIds: boolean
  /** `USER[:GROUP]` that the copying is done as; null: as who we are. */
  readonly copyAs: string | null
  /** Null: as root, or not. */
  readonly superUser: boolean | null
  readonly fakeSuper: boolean
  /** The same of the destination of a local copy, which -M speaks to. */
  readonly fakeSuperThere: boolean

  /** Null: not said. A local copy then looks for no differences, one over a wire does. */
  readonly wholeFile: boolean | null
  readonly blockSize: number | null
  readonly checksumChoice: string | null
  readonly checksumSeed: number
  readonly inplace: boolean
  readonly append: 'no' | 'trust' | 'verify'
  readonly sparse: boolean
  readonly preallocate: boolean
  readonly fsync: boolean
  readonly partial: boolean
  readonly partialDir: string | null
  readonly delayUpdates: boolean
  readonly tempDir: string | null
  readonly backup: boolean
  readonly backupDir: string | null
  readonly suffix: string
  readonly force: boolean

  /** Null: nothing is deleted. */
  readonly deleting: DeleteTiming | null
  readonly deleteExcluded: boolean
  readonly maxDelete: number | null
  readonly ignoreErrors: boolean

  readonly compress: Compression
  /** Null: what its kind usually has. */
  readonly compressLevel: number | null
  readonly compressThreads: number | null
  /** Suffixes that are not compressed, `gz/jp[g]`; null: the usual ones. */
  readonly skipCompress: string | null
  /** The highest protocol that is spoken; null: what both know. */
  readonly protocol: number | null

  readonly timeoutMs: number
  /** Bytes a second; 0: no limit. */
  readonly bwlimit: number
  /** Milliseconds of the wall clock; null: when all is done. */
  readonly stopAtMs: number | null
  readonly maxAlloc: number
  readonly batch: { readonly kind: 'write' | 'only-write' | 'read'; readonly file: string } | null
}

/** Files are built from their first byte to their last, so that their length is right when the last is written. */
export function buildsInOrder({ inplace, sparse, preallocate }: Options): boolean {
  return !inplace && !sparse && !preallocate
}

/** Does it ask for no bytes? A run that only writes a batch changes nothing either, and has to. */
export function isDryOnWire({ dryRun, batch }: Options): boolean {
  return dryRun && batch?.kind !== 'only-write'
}
