/** Scans of a basis for the blocks of a wanted content, on worker threads; what is found is copied into the partial file. */
import { WorkerPool } from './worker-pool.js'

export type ScanJob = {
  /** Absolute, one char per byte: the file that may hold parts of the content. */
  readonly basis: string
  /** The partial file, which exists. */
  readonly target: string
  /** Published sums of the content, as they came. */
  readonly sums: Uint8Array
  /** Bytes of the content. */
  readonly length: number
}

export type ByteRange = { readonly offset: number; readonly length: number }

export type Scanned =
  | {
      readonly kind: 'scanned' /** What the target lacks, in rising order. */
      readonly missing: readonly ByteRange[]
    }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }

export type ScanPool = WorkerPool<ScanJob, Scanned>

export function openScanPool(width: number): ScanPool {
  return new WorkerPool(new URL('./scan-worker.js', import.meta.url), width)
}
