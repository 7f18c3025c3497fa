/**
 * Which of the new contents of a module others are part of: images of its packages, archives of its files. Looked for while
 * they are hashed, confirmed by their bytes, written down as recipes for the nodes. docs/decisions/0050.
 */
import { type ByteName, joinName } from '../base/byte-name.js'
import { LIMITS } from '../base/limits.js'
import { overAll } from '../base/together.js'
import { NO_ROW } from '../delta/anchor-table.js'
import { type Copies, cutHits } from '../delta/find-copies.js'
import type { Hits } from '../delta/image-scan.js'
import { stemOf } from '../flist/similar.js'
import type { ContentId, Root } from '../hash/root.js'
import type { Log } from '../host.js'
import type { Known } from '../io/directory-record.js'
import type { ScanWish } from '../io/hash-pool.js'
import type { HashedFile, RecipePool, RecipeResult } from '../io/recipe-pool.js'
import type { Store } from '../io/store.js'
import type { DiskTree } from '../io/tree.js'
import { AnchorIndex } from './anchor-index.js'
import { ANCHOR_BATCH, anchorStanding, anchorsOf } from './anchor-standing.js'
import { type HashedContent, type IndexLook, pathOf } from './index-tree.js'
import { recipeOf } from './recipe-of.js'
import { isSettled, want } from './recipes-wanted.js'
import type { Stale } from './scan.js'

/** Above it a version is worth looking for runs in. */
const LEAST_RUNS = 256 * 1024
/** Files of one stem that are compared by size, the last by name. */
const MOST_VERSIONS = 32
/** Bytes of an image worth a thread of their own to compare them. */
const LEAST_STRETCH = 8 * 1024 * 1024
/** Pairs of hits that wait for contents that are being hashed: 16 bytes each. */
const MOST_WAITING = 2 ** 21

export type RecipeSearchParts = {
  readonly tree: DiskTree
  readonly store: Store
  readonly recipes: RecipePool
  /** Contents of so many bytes are looked through. */
  readonly assembleMin: number | null
  readonly log: Log
}

/** A content by its row, once it is hashed. */
type RowContent = { readonly root: Root; readonly file: HashedFile }
type Waiting = { readonly name: ByteName; readonly of: RowContent; readonly hits: Hits }

export class RecipeSearch implements IndexLook {
  readonly index: AnchorIndex
  readonly #parts: RecipeSearchParts
  /** Of the files that are hashed now: their rows, and what they turned out to be. */
  readonly #rows = new Map<ByteName, number>()
  readonly #hashed = new Map<number, RowContent>()
  #waiting: Waiting[] = []
  #waitingHits = 0

  private constructor(parts: RecipeSearchParts, index: AnchorIndex) {
    this.#parts = parts
    this.index = index
  }

  /**
   * @param index of the look before; null: to be read
   * @param files that are to be hashed now, with this to look for others in them
   */
  static async begin(
    parts: RecipeSearchParts,
    index: AnchorIndex | null,
    files: readonly Stale[],
    signal: AbortSignal,
  ): Promise<RecipeSearch> {
    const count = files.reduce((sum, of) => sum + of.files.length, 0)
    if (index === null) await anchorStanding(parts, signal)
    const roomy = index === null || index.room < count ? null : index
    const search = new RecipeSearch(
      parts,
      roomy ?? (await AnchorIndex.load(parts.store, count, signal)),
    )
    await search.#addFiles(files, signal)
    await search.#addRuns(files, signal)
    return search
  }

  scanOf(name: ByteName): ScanWish {
    return { table: this.index.memory, own: this.#rows.get(name) ?? NO_ROW }
  }

  async hashed(name: ByteName, hashed: HashedContent): Promise<void> {
    const { root, size, ino, mtimeNs, hits } = hashed
    if (root === null) return
    const of = { root, file: { path: pathOf(this.#parts.tree, name), size, ino, mtimeNs } }
    const row = this.#rows.get(name)
    if (row !== undefined) {
      this.#hashed.set(row, of)
      this.index.name(row, root)
    }
    if (this.#parts.store.recipe(root) !== null) return
    want(this.#parts.store, name, { root, size })
    if (hits === null || hits.length === 0) return
    const waiting = { name, of, hits }
    if (this.#isReady(hits) || this.#waitingHits + hits.length > MOST_WAITING)
      await this.confirm(waiting)
    else {
      this.#waiting.push(waiting)
      this.#waitingHits += hits.length
    }
  }

  /** Once all files are hashed: those that waited for others. */
  async finish(signal: AbortSignal): Promise<void> {
    const waiting = this.#waiting
    this.#waiting = []
    await overAll(waiting, this.#parts.recipes.width, signal, (each) => this.confirm(each))
  }

  /** The beginnings of the files themselves, before any of them is looked through: an image need not wait for its packages. */
  async #addFiles(files: readonly Stale[], signal: AbortSignal): Promise<void> {
    const { tree, recipes } = this.#parts
    const names = files.flatMap((of) => of.files.map((f) => joinName(of.directory, f.base)))
    await overAll(slices(names, ANCHOR_BATCH), recipes.width, signal, async (some) => {
      const anchors = await anchorsOf(
        recipes,
        some.map((name) => pathOf(tree, name)),
      )
      for (const [i, name] of some.entries()) {
        const anchor = anchors[i] ?? null
        if (anchor !== null) this.#rows.set(name, this.index.add(anchor, null))
      }
    })
  }

  /**
   * What stands beside a file and looks like another version of it may have long runs in common with it: of those the
   * nearest in size. What it replaces under its own name is gone.
   */
  async #addRuns(files: readonly Stale[], signal: AbortSignal): Promise<void> {
    const { tree, store, recipes } = this.#parts
    const versions = files.flatMap(({ directory, files: fresh }) => {
      const names = new Set(fresh.map(({ base }) => base))
      const byStem = new Map<string, Known[]>()
      for (const known of store.directory(directory)?.known ?? []) {
        if (!known.hashed || known.size < LEAST_RUNS || names.has(known.base)) continue
        const stem = stemOf(known.base)
        byStem.set(stem, [...(byStem.get(stem) ?? []), known].slice(-MOST_VERSIONS))
      }
      return fresh.flatMap((file) => {
        const of = nearest(file.size, byStem.get(stemOf(file.base)) ?? [])
        return of === null ? [] : [{ directory, of }]
      })
    })
    await overAll(versions, recipes.width, signal, async ({ directory, of }) => {
      const { root, size, ino, mtimeNs } = of
      if (root === null || this.index.hasRuns(root)) return
      const path = pathOf(tree, joinName(directory, of.base))
      const result = await recipes.run({ kind: 'runs', file: { path, size, ino, mtimeNs } })
      if (result.kind === 'runs') this.index.addRuns(root, result.anchors)
    })
  }

  /** Is all hashed that these may be? */
  #isReady(hits: Hits): boolean {
    for (let i = 1; i < hits.length; i += 2) {
      const row = hits[i] ?? 0
      if (this.index.nameOf(row) === 0n) return false
    }
    return true
  }

  /** What of these hits is true becomes the recipe of a content, unless it has a better one. */
  async confirm({ name, of, hits }: Waiting): Promise<void> {
    const { store, log } = this.#parts
    const contents = new Map<number, ContentId>()
    const result = await this.#compare(of, hits, contents)
    if (result === null) return
    if (result.kind !== 'parts') {
      if (result.kind === 'failed') log('recipe.failed', { name, what: result.message })
      return
    }
    const content = { root: of.root, length: of.file.size }
    const recipe = recipeOf(content, result.found, (row) => contents.get(row) ?? null)
    if (recipe === null || recipe === 'wrong') {
      if (recipe === 'wrong') log('recipe.wrong', { name })
      return
    }
    const { told } = recipe
    const wanting = store.wanting.of(of.root)
    if (wanting !== null && wanting.told >= told) return
    store.transaction(() => {
      store.putBlob(recipe.id, recipe.bytes)
      store.putRecipe(of.root, recipe.id)
      if (isSettled(content.length, told)) store.wanting.remove(of.root)
      else if (wanting !== null) store.wanting.put({ ...wanting, told })
    })
    log('recipe.found', { name, bytes: recipe.id.length })
  }

  /** Bytes are compared by all threads, each in a stretch of the image. @param contents that hits are of, by row: filled */
  async #compare(
    { root, file: image }: RowContent,
    hits: Hits,
    contents: Map<number, ContentId>,
  ): Promise<RecipeResult | null> {
    const { recipes } = this.#parts
    const mostParts = LIMITS.recipeParts
    const count = Math.min(recipes.width, Math.ceil(image.size / LEAST_STRETCH))
    const jobs = cutHits(hits, image.size, count).flatMap((some) => {
      const sources = new Map<number, HashedFile & { readonly anchor: number }>()
      for (let i = 1; i < some.length; i += 2) {
        const row = some[i] ?? 0
        if (sources.has(row)) continue
        const found = this.#hashed.get(row) ?? this.#indexed(row)
        if (found === undefined || found.root === root) continue
        contents.set(row, { root: found.root, length: found.file.size })
        sources.set(row, { ...found.file, anchor: this.index.offsetOf(row) })
      }
      return sources.size === 0 ? [] : [{ hits: some, sources }]
    })
    if (jobs.length === 0) return null
    const stretch = image.size / count
    const copies: Copies[] = []
    for (const result of await Promise.all(
      jobs.map((job) => recipes.run({ kind: 'copies', image, ...job, stretch, mostParts })),
    )) {
      if (result.kind !== 'copies') return result
      copies.push(result.copies)
    }
    return recipes.run({ kind: 'parts', image, copies, mostParts })
  }

  /** Of the places of a content the first: whether it still stands there is seen when it is opened. */
  #indexed(row: number): RowContent | undefined {
    const { store, tree } = this.#parts
    const name = this.index.nameOf(row)
    const place = name === 0n ? undefined : store.places.named(name).find((p) => p.hashed)
    if (place === undefined) return undefined
    const { root, size, ino, mtimeNs } = place
    return { root, file: { path: pathOf(tree, place.name), size, ino, mtimeNs } }
  }
}

/** Of the versions of a file the nearest in size. */
function nearest(size: number, versions: readonly Known[]): Known | null {
  let best: Known | null = null
  for (const known of versions)
    if (best === null || off(known, size) < off(best, size)) best = known
  return best
}
function off(known: Known, size: number): number {
  return Math.abs(known.size - size)
}

function* slices<T>(items: readonly T[], size: number): Iterable<readonly T[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size)
}
