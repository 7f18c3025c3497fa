/** A module as the centre serves it: its tree, its index and the snapshot that is current. */
import type { ByteName } from '../base/byte-name.js'
import type { DirectoryEntry, Entry } from '../flist/entry.js'
import type { Root } from '../hash/root.js'
import type { Holding } from '../host.js'
import { TreeContents } from '../io/contents.js'
import type { HashPool } from '../io/hash-pool.js'
import type { Store } from '../io/store.js'
import type { DiskTree } from '../io/tree.js'
import { CONTENT_BYTES } from '../mirror/volunteer-messages.js'
import { decodeHead, headDigest, isModuleName } from '../snapshot/head.js'
import type { Progress } from '../swarm/progress.js'
import { Proofs } from '../swarm/proofs.js'
import { ContentDigests } from './content-digests.js'
import { pathOf } from './index-tree.js'
import { PageCache } from './page-cache.js'
import { findIn, readDirectoryPage, readTop } from './pages.js'
import type { Snapshot } from './publish.js'

export class ServedModule {
  readonly name: string
  readonly tree: DiskTree
  readonly store: Store
  readonly contents: TreeContents
  readonly proofs = new Proofs()
  readonly digests: ContentDigests
  /** Where its swarm is reached; null: it has none. */
  wirePort: number | null = null
  /** Its swarm's figures; null: it has none. */
  progress: (() => Progress) | null = null
  /** Bytes of contents given over HTTP since the start. */
  httpSent = 0
  /** Bytes of contents given to ordinary BitTorrent clients since the start. */
  torrentSent = 0
  readonly #pool: HashPool
  readonly #pages = new PageCache((root, read) => this.store.look(root, read))
  #current: Snapshot | null
  #digest: string | null
  /** Of the current snapshot; undefined: not read yet. */
  #top: DirectoryEntry | null | undefined

  constructor(name: string, tree: DiskTree, store: Store, pool: HashPool) {
    this.#pool = pool
    this.name = name
    this.tree = tree
    this.store = store
    this.contents = new TreeContents(tree, store)
    this.digests = new ContentDigests(tree, store, pool)
    const signed = store.value('head')
    this.#current = signed === null ? null : { head: decodeHead(signed), signed }
    this.#digest = signed === null ? null : headDigest(signed)
  }

  get current(): Snapshot | null {
    return this.#current
  }
  /** What names the current head, in hex. */
  get digest(): string | null {
    return this.#digest
  }

  /** From the next request on, this is what everybody sees. */
  flip(snapshot: Snapshot): void {
    this.#current = snapshot
    this.#top = undefined
    this.#digest = headDigest(snapshot.signed)
  }

  /** The entry of a name in the current snapshot; null where there is none. */
  entry(name: ByteName): Entry | null {
    if (this.#top === undefined)
      this.#top = readTop(this.#current?.head.page ?? null, (root) => this.store.blob(root))
    return findIn(this.#top, name, (root, base) => this.#pages.entry(root, base))
  }

  list(page: Parameters<typeof readDirectoryPage>[0]): readonly Entry[] {
    return readDirectoryPage(page, (root) => this.store.blob(root)) ?? []
  }

  holding(entry: Entry): Holding | null {
    return entry.kind === 'file' && entry.content !== null
      ? this.contents.find(entry.content.root)
      : null
  }

  /** Those of the roots with whose beginnings one above 64 KiB is published. */
  contentsAmong(roots: readonly Root[]): readonly Root[] {
    return this.store.leaves.among(roots, CONTENT_BYTES)
  }

  /** The √size sums of a content that is served, from the index or made now; null where it is not served. */
  async sums(root: Root): Promise<Uint8Array | null> {
    const known = this.store.sums(root)
    if (known !== null) return this.store.blob(known.root)
    const [place] = this.store.places.of(root)
    if (place === undefined) return null
    const [made] = await this.#pool.hash([{ path: pathOf(this.tree, place.name), sums: true }])
    if (made?.kind !== 'hashed' || made.root !== root || made.sums === null) return null
    const { id, bytes } = made.sums
    this.store.transaction(() => {
      this.store.putBlob(id, bytes)
      this.store.putSums(root, id)
    })
    return bytes
  }

  async close(): Promise<void> {
    this.contents.close()
    await this.store.close()
    this.tree.close()
  }
}

/** `NAME=DIR` or `DIR`, whose last component is the name then. */
export function parseModule(text: string): { name: string; directory: string } | null {
  const at = text.indexOf('=')
  const directory = at < 0 ? text : text.slice(at + 1)
  const name = at < 0 ? (directory.replace(/\/+$/, '').split('/').pop() ?? '') : text.slice(0, at)
  return isModuleName(name) && !RESERVED.has(name) && directory !== '' ? { name, directory } : null
}

/** First path components that are not modules. */
const RESERVED = new Set(['announce', 'scrape', 'control', 'status', 'metrics'])
