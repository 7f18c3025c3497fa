/** What a run in rsync's place was asked for, after implications and defaults. Names follow rsync's long options. */
import type { AttributeOptions } from './attributes.js'
import type { ComparisonOptions } from './comparison.js'
import type { Compression } from './compression.js'
import type { ConnectionOptions } from './connection.js'
import type { DeletionOptions } from './deletion.js'
import type { OutputOptions } from './output.js'
import type { Said } from './said.js'
import type { SelectionOptions } from './selection.js'
import type { WritingOptions } from './writing.js'

export type Options = SelectionOptions &
  ComparisonOptions &
  AttributeOptions &
  WritingOptions &
  DeletionOptions &
  ConnectionOptions &
  OutputOptions &
  RunOptions

/** Of the run as a whole, and of its connection. */
type RunOptions = {
  /** As it was written: what only the words for a server tell. */
  readonly said: Said
  readonly listOnly: boolean
  readonly dryRun: boolean

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
