/** A volunteer's tree of one module and its index, read beside the pulls that change both. */
import type { ByteName } from '../base/byte-name.js'
import { EMPTY } from '../base/bytes.js'
import type { Entry } from '../flist/entry.js'
import type { ContentId } from '../hash/root.js'
import { TreeContents } from '../io/contents.js'
import { Store } from '../io/store.js'
import { DiskTree, PRIVATE_NAME } from '../io/tree.js'
import type { ModuleState } from '../mirror/volunteer-messages.js'
import { decodeHead, type Head } from '../snapshot/head.js'
import { findEntry } from './pages.js'
import { makeCorner, throughOf } from './pulled.js'

export type EntryOf = (name: ByteName) => Entry | null

export class VolunteerTree {
  readonly module: string
  readonly store: Store
  readonly contents: TreeContents
  /** Of the snapshot that is followed, then of the last one that the tree was in step with. */
  readonly lookups: readonly EntryOf[]
  readonly #tree: DiskTree
  readonly #following: () => Head | null
  readonly #done: () => Head | null

  /** @throws {FileError, StartupError} where the directory cannot be used */
  constructor(module: string, destination: string) {
    this.module = module
    this.#tree = DiskTree.openOrMake(destination)
    makeCorner(this.#tree)
    this.store = new Store(`${destination}/${PRIVATE_NAME}/index`)
    this.contents = new TreeContents(this.#tree, this.store)
    this.#following = headOf(this.store, 'head')
    this.#done = headOf(this.store, 'done')
    const entryOf = (head: () => Head | null) => (name: ByteName) =>
      findEntry(pageOf(head()), name, (root) => this.store.blob(root))
    this.lookups = [entryOf(this.#following), entryOf(this.#done)]
  }

  /** What the centre is told; null: nothing of a snapshot is here yet. */
  get state(): ModuleState | null {
    const following = this.#following()?.sequence
    if (following === undefined) return null
    const through = throughOf(this.store)
    return { module: this.module, through, following: Math.max(following, through ?? 0) }
  }

  /** In step with what it follows, whole. */
  get isWhole(): boolean {
    const { state } = this
    return state !== null && state.through === state.following
  }

  /** The sequence that it was last in step with, as far as is wanted of it; null: none yet. */
  get done(): number | null {
    return this.#done()?.sequence ?? null
  }

  /** When it was last in step with what is wanted of it, whole or in part; another value: news. */
  get doneAt(): string {
    return Buffer.from(this.store.value('done-at') ?? EMPTY).toString()
  }

  async close(): Promise<void> {
    this.contents.close()
    await this.store.close()
    this.#tree.close()
  }
}

function pageOf(head: Head | null): ContentId | null {
  return head?.page ?? null
}

/** A head of the index as it is now; its signature is checked once. */
function headOf(store: Store, name: 'head' | 'done'): () => Head | null {
  let known: Uint8Array = EMPTY
  let head: Head | null = null
  return () => {
    const bytes = store.value(name) ?? EMPTY
    if (Buffer.compare(bytes, known) !== 0) {
      head = bytes.length === 0 ? null : decodeHead(bytes)
      known = bytes
    }
    return head
  }
}
