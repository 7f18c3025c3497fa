/**
 * A content from what stands here by its recipe: an image from its packages. The recipe is a hint that the snapshot names;
 * what is put together with it counts once its leaves lead to the root, and what is missing comes like anything else.
 * docs/decisions/0051.
 */
import { type ByteName, baseOf, byteName, directoryOf, joinName } from '../base/byte-name.js'
import { codeOf, FileError, WireError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { overAll } from '../base/together.js'
import { cutParts, lengthOf, openBetween, openInBoth, type Span } from '../delta/assembly-plan.js'
import { LEAF_BYTES, leafCount, rootOfLeaves } from '../hash/merkle.js'
import { type ContentId, ROOT_BYTES, type Root, rootHex } from '../hash/root.js'
import { SMALL_BYTES } from '../hash/unit.js'
import type { Log } from '../host.js'
import type { AssemblePool, AssemblyPart, StandingFile } from '../io/assemble-pool.js'
import type { HashPool } from '../io/hash-pool.js'
import { PartialFile, type Partials } from '../io/partial.js'
import type { Place } from '../io/places-by-root.js'
import type { Store } from '../io/store.js'
import { type DiskTree, PRIVATE_NAME } from '../io/tree.js'
import { decodeRecipe, literalsOf, type Recipe } from '../snapshot/recipe.js'
import { mergeKnown, pathOf } from './index-tree.js'
import { MemorySink } from './memory-sink.js'
import type { Fetcher, Missing } from './missing.js'

/** What one thread puts together at a time: whole units of any content up to 16 TiB. */
const STRETCH_BYTES = 32 * 2 ** 20
/** Zeros and literals alone are worth it where they are so much of a content. */
const OWN_SHARE = 8

export type AssemblyParts = {
  readonly tree: DiskTree
  readonly store: Store
  readonly partials: Partials
  readonly pool: HashPool
  readonly threads: AssemblePool
  /** For recipes, which count as metadata. */
  readonly fetcher: Fetcher
  readonly log: Log
  /** A file whose bytes are not what the index says. */
  readonly damaged: (name: ByteName) => void
}

/** A content as far as it was put together. */
export type Assembly = {
  /** What is missing in the partial file; empty: it is whole and leads to its root. */
  readonly missing: readonly Span[]
  /** Bytes that were put together. */
  readonly bytes: number
  readonly file: PartialFile
  /** Packed; zeros for a leaf that is not whole. */
  readonly leaves: Uint8Array
}

/** Where bytes of a content were taken from. */
type Taken = Span & { readonly place: Place }
type Suspect = { readonly leaves: Uint8Array; readonly taken: readonly Taken[] }

export class AssemblySource {
  readonly #parts: AssemblyParts
  /** Contents that were put together in part, or wrong, until it is known what they should have been. */
  readonly #suspects = new Map<Root, Suspect>()
  readonly #accused = new Map<ByteName, Place>()

  constructor(parts: AssemblyParts) {
    this.#parts = parts
  }

  /** The recipes of these contents, as far as they can be had and make sense. */
  async recipes(
    wanted: readonly (Missing & { readonly recipe: ContentId })[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<Root, Recipe>> {
    const asked = new Map<Root, Missing>()
    for (const { recipe, since, name, content } of wanted)
      if (isSensible(recipe, content))
        asked.set(recipe.root, { content: recipe, since, name, ranges: [] })
    const sink = new MemorySink()
    if (asked.size > 0) await this.#parts.fetcher([...asked.values()], sink, signal)
    const recipes = new Map<Root, Recipe>()
    for (const { recipe, content, name } of wanted) {
      const bytes = sink.contents.get(recipe.root)
      const decoded = bytes === undefined ? null : this.#decoded(bytes, content, name)
      if (decoded !== null) recipes.set(content.root, decoded)
    }
    return recipes
  }

  #decoded(bytes: Uint8Array, content: ContentId, name: ByteName): Recipe | null {
    try {
      return decodeRecipe(bytes, content)
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      this.#parts.log('assembly.no-recipe', { name, what: error.message })
      return null
    }
  }

  /** Null: nothing that would help stands here. */
  async assemble(missing: Missing, recipe: Recipe, signal: AbortSignal): Promise<Assembly | null> {
    const { tree, partials, log } = this.#parts
    const { content, name } = missing
    const plan = this.#plan(recipe, name)
    if (plan === null) return null
    const isFresh = tree.stat(joinName(PRIVATE_NAME, partialName(content))) === null
    const file = new PartialFile(tree, partials, content)
    // What was verified in an earlier run is not written over with what a recipe says.
    const stretches = [...openStretches(file)]
    const { placed, leaves } = await this.#fill(file, plan, stretches, isFresh, signal)
    const bytes = lengthOf(placed)
    const open = openInBoth(stretches, openBetween(placed, content.length))
    log('assembly.done', { name, bytes, missing: lengthOf(open) })
    if (bytes === 0) return null
    const isWhole = lengthOf(stretches) === content.length && open.length === 0
    if (isWhole && rootOfLeaves(leaves) === content.root)
      return { missing: [], bytes, file, leaves }
    const taken = placed.flatMap((part): Taken[] => {
      const place = part.kind === 'copy' ? plan.places[part.file] : undefined
      return place === undefined ? [] : [{ offset: part.offset, length: part.length, place }]
    })
    this.#suspects.set(content.root, { leaves, taken })
    // "Nothing missing" would read as "all of it": the last byte comes again.
    const lacking = open.length > 0 ? open : [{ offset: content.length - 1, length: 1 }]
    return { missing: lacking, bytes, file, leaves }
  }

  /** Writes stretch by stretch what can be had. @returns the parts that were, and the leaves that are whole */
  async #fill(
    file: PartialFile,
    { parts, files, literals }: Plan,
    stretches: readonly Span[],
    isFresh: boolean,
    signal: AbortSignal,
  ): Promise<{ placed: readonly AssemblyPart[]; leaves: Uint8Array }> {
    const { tree, threads } = this.#parts
    const target = pathOf(tree, joinName(PRIVATE_NAME, byteName(file.name)))
    const leaves = new Uint8Array(leafCount(file.length) * ROOT_BYTES)
    const had: AssemblyPart[][] = []
    file.extend()
    await overAll(stretches.entries(), threads.width, signal, async ([at, stretch]) => {
      const cut = cutParts(parts, stretch, shifted)
      const job = { ...stretch, target, parts: cut, files, literals, isFresh }
      const result = await threads.run(job)
      if (result.kind === 'failed') throw cannotWrite(file.name, result)
      const failed = new Set(result.failed)
      had[at] = cut.filter((_, i) => !failed.has(i))
      leaves.set(result.leaves, (stretch.offset / LEAF_BYTES) * ROOT_BYTES)
    })
    file.close()
    return { placed: had.flat(), leaves }
  }

  /**
   * The content is whole now: who gave other bytes than it has?
   * @param leaves its true ones; null: not known @returns bytes of leaves that were wrong
   */
  settle(root: Root, leaves: Uint8Array | null): number {
    const suspect = this.#suspects.get(root)
    this.#suspects.delete(root)
    if (suspect === undefined || leaves === null) return 0
    let wrong = 0
    for (let at = 0; at < leaves.length; at += ROOT_BYTES) {
      const own = suspect.leaves.subarray(at, at + ROOT_BYTES)
      if (isBlank(own) || Buffer.compare(own, leaves.subarray(at, at + ROOT_BYTES)) === 0) continue
      const leaf = { offset: (at / ROOT_BYTES) * LEAF_BYTES, length: LEAF_BYTES }
      wrong += LEAF_BYTES
      for (const { place } of cutParts(suspect.taken, leaf, (part) => part))
        this.#accused.set(place.name, place)
    }
    return wrong
  }

  /** Reads those that are accused: what is not as the index says is told, and not believed any more. */
  async judge(signal: AbortSignal): Promise<void> {
    const { tree, pool, store, damaged } = this.#parts
    for (const { name, root } of this.#known()) {
      signal.throwIfAborted()
      const [read] = await pool.hash([{ path: pathOf(tree, name), sums: false }])
      const known = store.directory(directoryOf(name))?.known.find((k) => k.base === baseOf(name))
      if (known === undefined || (read?.kind === 'hashed' && read.root === root)) continue
      store.transaction(() =>
        mergeKnown(store, directoryOf(name), new Map([[known.base, { ...known, hashed: false }]])),
      )
      damaged(name)
    }
    this.#accused.clear()
  }
  #known(): { name: ByteName; root: Root }[] {
    const { store } = this.#parts
    return [...this.#accused.keys()].flatMap((name) => {
      const known = store.directory(directoryOf(name))?.known.find((k) => k.base === baseOf(name))
      return known === undefined || known.root === null ? [] : [{ name, root: known.root }]
    })
  }

  /** What of a recipe can be had here. Null: not enough that it would be of use. */
  #plan(recipe: Recipe, name: ByteName): Plan | null {
    const { parts, sources, length: whole } = recipe
    const places: Place[] = []
    const files: StandingFile[] = []
    const at = sources.map(({ root, length }) => {
      const place = this.#place(root, length)
      if (place === null) return -1
      const { size, ino, mtimeNs } = place
      places.push(place)
      return files.push({ path: pathOf(this.#parts.tree, place.name), size, ino, mtimeNs }) - 1
    })
    const planned: AssemblyPart[] = []
    let from = 0
    const literals = this.#literals(recipe, name)
    for (const part of parts) {
      const { offset, length } = part
      const file = part.kind === 'copy' ? (at[part.source] ?? -1) : -1
      if (part.kind === 'copy' && file >= 0)
        planned.push({ offset, length, kind: 'copy', file, from: part.from })
      else if (part.kind === 'zeros') planned.push({ offset, length, kind: 'zeros' })
      else if (part.kind === 'literal' && literals.length > 0)
        planned.push({ offset, length, kind: 'literal', from })
      if (part.kind === 'literal') from += length
    }
    const told = lengthOf(planned)
    const isWorth = files.length > 0 || told * OWN_SHARE >= whole
    return isWorth && told > 0 ? { parts: planned, files, places, literals } : null
  }

  #literals(recipe: Recipe, name: ByteName): Uint8Array {
    try {
      return literalsOf(recipe)
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      this.#parts.log('assembly.no-literals', { name, what: error.message })
      return new Uint8Array(0)
    }
  }

  /** Where a content stands, if the file is still the one that is remembered. */
  #place(root: Root, length: number): Place | null {
    const { tree, store } = this.#parts
    for (const place of store.places.of(root)) {
      if (place.size !== length) continue
      try {
        const stands = tree.stat(place.name)
        const isSame = stands?.ino === place.ino && stands.mtimeNs === place.mtimeNs
        if (isSame && stands.kind === 'file' && stands.size === place.size) return place
      } catch (error) {
        if (codeOf(error) === undefined && !(error instanceof FileError)) throw error
      }
    }
    return null
  }
}

type Plan = {
  readonly parts: readonly AssemblyPart[]
  readonly files: readonly StandingFile[]
  readonly places: readonly Place[]
  readonly literals: Uint8Array
}

/** A recipe that costs a part of what it is for, and not too much memory. */
function isSensible(recipe: ContentId, content: ContentId): boolean {
  return (
    content.length > SMALL_BYTES &&
    recipe.length <= LIMITS.recipeBytes &&
    recipe.length <= content.length / 4
  )
}

function shifted(part: AssemblyPart, by: number): AssemblyPart {
  return part.kind === 'zeros' ? part : { ...part, from: part.from + by }
}

/** The stretches that are not verified yet. */
function* openStretches(file: PartialFile): Iterable<Span> {
  const most = Math.max(1, Math.floor(STRETCH_BYTES / file.unitBytes))
  for (let unit = 0; unit < file.units; unit++) {
    if (file.isMarked(unit)) continue
    const first = unit
    while (unit + 1 < file.units && unit + 1 - first < most && !file.isMarked(unit + 1)) unit++
    const offset = first * file.unitBytes
    yield { offset, length: Math.min((unit + 1) * file.unitBytes, file.length) - offset }
  }
}

function partialName({ root }: ContentId): ByteName {
  return byteName(`partial/${rootHex(root)}`)
}

function cannotWrite(name: string, { code, message }: { code: string; message: string }): Error {
  const cause = Object.assign(new Error(message), { code })
  return new FileError(`cannot write ${name}: ${message}`, { cause })
}

function isBlank(hash: Uint8Array): boolean {
  return hash.every((byte) => byte === 0)
}
