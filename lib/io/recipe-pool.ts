/** What is done for recipes on worker threads: anchors of files, and which ranges of one file are those of others. */
import type { AnchorMemory } from '../delta/anchor-table.js'
import type { Anchor } from '../delta/anchors.js'
import type { Copies } from '../delta/find-copies.js'
import type { FoundParts } from '../delta/find-parts.js'
import type { Hits } from '../delta/image-scan.js'

/** A file as it was hashed. */
export type HashedFile = {
  /** Absolute, one char per byte. */
  readonly path: string
  readonly size: number
  readonly ino: bigint
  readonly mtimeNs: bigint
}

export type RecipeJob =
  /** The anchors of the files that stand there, whatever they are. */
  | { readonly kind: 'anchors'; readonly paths: readonly string[] }
  /** Anchors all over a file. */
  | { readonly kind: 'runs'; readonly file: HashedFile }
  /** What stands in a table of a stretch of a file. */
  | {
      readonly kind: 'hits'
      readonly file: HashedFile
      readonly offset: number
      readonly length: number
      readonly table: AnchorMemory
    }
  | {
      readonly kind: 'copies'
      readonly image: HashedFile
      readonly hits: Hits
      /** Bytes of the image that these hits are of. */
      readonly stretch: number
      /** By row; rows that have none are left aside. */
      readonly sources: ReadonlyMap<number, HashedFile & { readonly anchor: number }>
      readonly mostParts: number
    }
  | {
      readonly kind: 'parts'
      readonly image: HashedFile
      readonly copies: readonly Copies[]
      readonly mostParts: number
    }

export type RecipeResult =
  /** Null: too short, or nothing to be known by, or not to be read. */
  | { readonly kind: 'anchors'; readonly anchors: readonly (Anchor | null)[] }
  | { readonly kind: 'runs'; readonly anchors: readonly Anchor[] }
  | { readonly kind: 'hits'; readonly hits: Hits }
  | { readonly kind: 'copies'; readonly copies: Copies }
  | { readonly kind: 'parts'; readonly found: FoundParts }
  | { readonly kind: 'failed'; readonly message: string }

/** The threads of the hash pool, for this. */
export type RecipePool = {
  readonly width: number
  run(job: RecipeJob): Promise<RecipeResult>
}
