/** Leaf hashes and √size sums of files, on worker threads, many files a message; the same threads look for recipes. */
import { availableParallelism } from 'node:os'
import type { AnchorMemory } from '../delta/anchor-table.js'
import type { Anchor } from '../delta/anchors.js'
import type { Hits } from '../delta/image-scan.js'
import type { Digests } from '../hash/digests.js'
import type { ContentId, Root } from '../hash/root.js'
import type { RecipeJob, RecipePool, RecipeResult } from './recipe-pool.js'
import { WorkerPool } from './worker-pool.js'

export type HashJob = {
  /** Absolute, one char per byte. */
  readonly path: string
  /** Its √size sums are wanted too: something stands that resembles it. */
  readonly sums: boolean
  /** So are the digests that ordinary clients know. */
  readonly digests?: boolean
  /** And its anchor, so that it can be found in others. */
  readonly anchor?: boolean
  /** Looks for other contents in it on the way. */
  readonly scan?: ScanWish
}
/** The anchors to look for, and the row of the file itself among them. */
export type ScanWish = { readonly table: AnchorMemory; readonly own: number }

export type Hashed =
  | {
      readonly kind: 'hashed'
      /** Null for an empty file. */
      readonly root: Root | null
      readonly size: number
      readonly ino: bigint
      readonly mtimeNs: bigint
      readonly ctimeNs: bigint
      /** Packed; null for short files, whose root says it all. */
      readonly leaves: Uint8Array | null
      /** Published sums as a content; null where they were not asked for or would not pay. */
      readonly sums: { readonly id: ContentId; readonly bytes: Uint8Array } | null
      /** Null where they were not asked for, and for an empty file. */
      readonly digests: Digests | null
      /** Null where it was not asked for, and where it has none. */
      readonly anchor: Anchor | null
      /** Null where nothing was looked for. */
      readonly hits: Hits | null
    }
  /** It changed each time it was read. */
  | { readonly kind: 'changing' }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }

export class HashPool {
  readonly #pool: WorkerPool<readonly HashJob[] | RecipeJob, readonly Hashed[] | RecipeResult>

  constructor(width = availableParallelism()) {
    this.#pool = new WorkerPool(new URL('./hash-worker.js', import.meta.url), width)
  }

  get width(): number {
    return this.#pool.width
  }
  /** Hashes the files; results in this order. */
  hash(jobs: readonly HashJob[]): Promise<readonly Hashed[]> {
    return this.#pool.run(jobs) as Promise<readonly Hashed[]>
  }
  get recipes(): RecipePool {
    const run = (job: RecipeJob) => this.#pool.run(job) as Promise<RecipeResult>
    return { width: this.width, run }
  }
  close(): Promise<void> {
    return this.#pool.close()
  }
}
