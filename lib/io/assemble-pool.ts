/** Contents put together of files that stand here, on worker threads, a stretch of the content at a time. */
import { WorkerPool } from './worker-pool.js'

/** A file as the index knows it. */
export type StandingFile = {
  /** Absolute, one char per byte. */
  readonly path: string
  readonly size: number
  readonly ino: bigint
  readonly mtimeNs: bigint
}

/** What comes to `offset` of the content. */
export type AssemblyPart = { readonly offset: number; readonly length: number } & (
  | { readonly kind: 'zeros' }
  /** Bytes of the literals, from `from` on. */
  | { readonly kind: 'literal'; readonly from: number }
  /** Bytes of a file, by its place among the files. */
  | { readonly kind: 'copy'; readonly file: number; readonly from: number }
)

export type AssembleJob = {
  /** The partial file, which exists. */
  readonly target: string
  /** The stretch, in whole leaves but at the content's end. */
  readonly offset: number
  readonly length: number
  /** In rising order, within the stretch. */
  readonly parts: readonly AssemblyPart[]
  readonly files: readonly StandingFile[]
  readonly literals: Uint8Array
  /** Nothing was ever written there: zeros are there already. */
  readonly isFresh: boolean
}

export type Assembled =
  | {
      readonly kind: 'assembled'
      /** Parts that could not be had, by their place: the file is gone, or another. */
      readonly failed: readonly number[]
      /** Hashes of the stretch's leaves, packed; zeros for one that is not whole. */
      readonly leaves: Uint8Array
    }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }

export type AssemblePool = WorkerPool<AssembleJob, Assembled>

export function openAssemblePool(width: number): AssemblePool {
  return new WorkerPool(new URL('./assemble-worker.js', import.meta.url), width)
}
