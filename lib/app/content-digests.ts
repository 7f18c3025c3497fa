/**
 * What ordinary clients are told about the bytes of a file: made from the file when somebody first asks, kept in the index as
 * long as the content stands anywhere. docs/decisions/0043.
 */
import { base64Of } from '../base/bytes.js'
import { FileError } from '../base/errors.js'
import type { Digests } from '../hash/digests.js'
import type { ContentId, Root } from '../hash/root.js'
import type { HashPool } from '../io/hash-pool.js'
import type { Store } from '../io/store.js'
import type { DiskTree } from '../io/tree.js'
import { pathOf } from './index-tree.js'

/** Files that are read for their digests at once: publishing and seeding read too. */
const AT_ONCE = 2
/** Files that wait for it without anybody waiting for them. */
const QUEUED = 64
/** Digests that are written to the index at once: each writing waits for the disk. */
const TOGETHER = 64

export class ContentDigests {
  readonly #tree: DiskTree
  readonly #store: Store
  readonly #pool: HashPool
  readonly #making = new Map<Root, Promise<Digests | null>>()
  /** Made, and not in the index yet. */
  readonly #fresh = new Map<Root, Digests>()
  readonly #turns: (() => void)[] = []
  #running = 0

  constructor(tree: DiskTree, store: Store, pool: HashPool) {
    this.#tree = tree
    this.#store = store
    this.#pool = pool
  }

  /** What is known now. What is not is made meanwhile, for who comes next: nobody waits for a hash before the first byte. */
  known(content: ContentId): Digests | null {
    const kept = this.#kept(content)
    if (kept !== null || this.#making.size >= QUEUED) return kept
    // Who asked does not wait, so that what goes wrong is told to who does.
    this.made(content).catch(() => null)
    return null
  }

  /** Of what is known now its SHA-256 alone, in base64; the others are as they are for `known`. */
  knownSha256(content: ContentId): string | null {
    const kept = this.#store.sha256(content.root)
    if (kept !== null) return kept
    const made = this.known(content)
    return made === null ? null : base64Of(made.sha256)
  }

  /** The same, waited for; null where the bytes are not there now. The file is read once, however many ask. */
  made(content: ContentId): Promise<Digests | null> {
    const kept = this.#kept(content)
    if (kept !== null) return Promise.resolve(kept)
    const running = this.#making.get(content.root)
    if (running !== undefined) return running
    const made = this.#make(content).finally(() => this.#making.delete(content.root))
    this.#making.set(content.root, made)
    return made
  }

  async #make(content: ContentId): Promise<Digests | null> {
    await this.#turn()
    try {
      for (const place of this.#store.places.of(content.root)) {
        if (!place.hashed) continue
        const path = pathOf(this.#tree, place.name)
        const [read] = await this.#pool.hash([{ path, sums: false, digests: true }])
        if (read?.kind !== 'hashed' || read.root !== content.root || read.digests === null) continue
        const { digests } = read
        this.#fresh.set(content.root, digests)
        if (this.#fresh.size >= TOGETHER || this.#making.size <= 1) this.#keep()
        return digests
      }
      return null
    } finally {
      const next = this.#turns.shift()
      if (next === undefined) this.#running--
      else next()
    }
  }

  #kept(content: ContentId): Digests | null {
    return this.#fresh.get(content.root) ?? this.#store.digests(content)
  }

  #keep(): void {
    const fresh = [...this.#fresh]
    this.#fresh.clear()
    try {
      this.#store.transaction(() => {
        // Its last place may have gone meanwhile, and with it what was kept of it.
        for (const [root, digests] of fresh)
          if (this.#store.places.of(root).length > 0) this.#store.putDigests(root, digests)
      })
    } catch (error) {
      // A full disk: who asked is told all the same, and they are made again.
      if (!(error instanceof FileError)) throw error
    }
  }

  /** Whoever ends hands the turn on. */
  async #turn(): Promise<void> {
    if (this.#running < AT_ONCE) this.#running++
    else await new Promise<void>((resolve) => this.#turns.push(resolve))
  }
}
