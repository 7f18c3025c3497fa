/**
 * A tree → a signed snapshot. Hashes what is new, builds pages for the directories that changed, and flips the head last:
 * a reader sees the old snapshot or the new one, never a mixture.
 */
import { type ByteName, ROOT_NAME } from '../base/byte-name.js'
import { Outcome } from '../base/outcome.js'
import { NO_ROW } from '../delta/anchor-table.js'
import type { KeyPair } from '../hash/ed25519.js'
import type { Log } from '../host.js'
import type { HashPool } from '../io/hash-pool.js'
import { Owners } from '../io/owners.js'
import type { RecipePool } from '../io/recipe-pool.js'
import { encodeHead, type Head, headDigest } from '../snapshot/head.js'
import type { AnchorIndex } from './anchor-index.js'
import { allAnchored, anchorStanding } from './anchor-standing.js'
import { RecipeSearch } from './find-recipes.js'
import { type HashProgress, type IndexLook, indexStale } from './index-tree.js'
import { type BuildParts, PageBuild } from './page-build.js'
import { CENTRE_SNAPSHOTS, keepPages } from './page-keeping.js'
import { lookAgain } from './recipes-again.js'
import { countHashed, nextDue } from './recipes-wanted.js'
import { type Scan, type Stale, scanTree } from './scan.js'

/** A head is good for so long: nodes that hear nothing for two weeks should say so. */
const HEAD_SECONDS = 14 * 24 * 3600

export type Snapshot = { readonly head: Head; readonly signed: Uint8Array }
export type Publication = {
  readonly snapshot: Snapshot
  readonly changed: boolean
  readonly outcome: Outcome
}

export type PublisherOptions = BuildParts & {
  readonly module: string
  readonly pool: HashPool
  readonly recipes: RecipePool
  /** Contents of so many bytes are looked through for others; null: none are. */
  readonly assembleMin: number | null
  readonly keys: KeyPair
  readonly log: Log
  readonly progress: HashProgress
}

export class Publisher {
  readonly #options: PublisherOptions
  readonly #owners = new Owners()
  /** Once a look needed it. */
  #anchors: AnchorIndex | null = null

  constructor(options: PublisherOptions) {
    this.#options = options
  }

  /** Looks at the whole tree; a new snapshot only where something changed or the head grows old. */
  async publish(previous: Snapshot | null, signal: AbortSignal): Promise<Publication> {
    const { store, clock } = this.#options
    const outcome = new Outcome()
    const { scan, changing } = await this.#look(outcome, signal)
    const now = Math.floor(clock.now() / 1000)
    const sequence = (previous?.head.sequence ?? 0) + 1
    const build = new PageBuild(this.#options, this.#owners, scan, changing, sequence, outcome)
    const { page, files, bytes } = await build.everything(signal)
    if (
      previous !== null &&
      previous.head.page?.root === page?.root &&
      previous.head.expires - now > HEAD_SECONDS / 2
    )
      return { snapshot: previous, changed: false, outcome }
    const { module, keys } = this.#options
    const head: Head = {
      module,
      key: keys.publicKey,
      sequence,
      previous: previous === null ? null : headDigest(previous.signed),
      page,
      // A clock that went back must not make the new head look older than the last.
      time: Math.max(now, previous?.head.time ?? 0),
      expires: now + HEAD_SECONDS,
      files,
      bytes,
    }
    const signed = encodeHead(head, keys)
    store.transaction(() => store.putValue('head', signed))
    if (page !== null) {
      const kept = {
        top: page.root,
        written: build.written,
        snapshots: CENTRE_SNAPSHOTS,
        also: null,
      }
      await keepPages(store, kept, signal)
    }
    return { snapshot: { head, signed }, changed: true, outcome }
  }

  /** The tree beside the index, and what is new in it hashed. */
  async #look(
    outcome: Outcome,
    signal: AbortSignal,
  ): Promise<{ scan: Scan; changing: ReadonlySet<ByteName> }> {
    const { store, assembleMin } = this.#options
    const changing = new Set<ByteName>()
    const hash = async (stale: readonly Stale[], look: IndexLook | null): Promise<void> => {
      countHashed(store, bytesOf(stale))
      const found = await indexStale(this.#options, stale, outcome, look, signal)
      for (const name of found) changing.add(name)
    }
    if (store.directory(ROOT_NAME) === null) allAnchored(store)
    // What others may be part of is hashed once these are known.
    const large: Stale[] = []
    const scan = await scanTree(
      this.#options,
      outcome,
      async (stale) => {
        if (assembleMin === null) return hash(stale, null)
        large.push(...only(stale, (size) => size >= assembleMin))
        return hash(
          only(stale, (size) => size < assembleMin),
          this.#anchoring(),
        )
      },
      signal,
    )
    if (large.length > 0) {
      const search = await RecipeSearch.begin(this.#options, this.#anchors, large, signal)
      this.#anchors = search.index
      await hash(
        only(large, (size) => size < IMAGE_BYTES),
        search,
      )
      await hash(
        only(large, (size) => size >= IMAGE_BYTES),
        search,
      )
      await search.finish(signal)
    }
    return { scan, changing }
  }

  /**
   * Looks once more through an image whose parts may have come since, or that stood before anybody looked.
   * @param isBusy somebody wants the tree looked at
   * @returns null: none is due; true: it has another recipe, which the next snapshot names
   */
  async again(signal: AbortSignal, isBusy: () => boolean): Promise<boolean | null> {
    const { store, assembleMin } = this.#options
    if (assembleMin === null) return null
    await anchorStanding(this.#options, signal, isBusy)
    const due = nextDue(store)
    if (due === null) return null
    const search = await RecipeSearch.begin(this.#options, this.#anchors, [], signal)
    this.#anchors = search.index
    return lookAgain(this.#options, search, due, signal)
  }

  /** What is hashed on the way can be found in what comes after it. */
  #anchoring(): IndexLook | null {
    const anchors = this.#anchors
    if (anchors === null) return null
    const { store } = this.#options
    return {
      scanOf: () => undefined,
      hashed: async (_name, { root, anchor }) => {
        if (root === null || anchor === null || store.anchors.has(root)) return
        // Without room it is read anew when it is needed next.
        if (anchors.add(anchor, root) === NO_ROW) this.#anchors = null
      },
    }
  }
}

/** Files from here on come last: what they may be made of is hashed by then. */
const IMAGE_BYTES = 64 * 2 ** 20

function bytesOf(stale: readonly Stale[]): number {
  return stale.reduce((sum, { files }) => files.reduce((all, { size }) => all + size, sum), 0)
}

function only(stale: readonly Stale[], isWanted: (size: number) => boolean): Stale[] {
  return stale.flatMap(({ directory, files }) => {
    const some = files.filter(({ size }) => isWanted(size))
    return some.length === 0 ? [] : [{ directory, files: some }]
  })
}
