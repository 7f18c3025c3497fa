/** Pages from the swarm into the index, some at a time, and on to other nodes. */
import type { ContentId, Root } from '../hash/root.js'
import type { ContentSink, PartialContent } from '../host.js'
import type { Store } from '../io/store.js'
import { MemorySink } from './memory-sink.js'

/** Written to the index together. */
const MOST_PENDING = 64

export class PageSink implements ContentSink {
  readonly #store: Store
  /** They can be given to others now. */
  readonly #indexed: (roots: readonly Root[]) => void
  #pending: { readonly content: ContentId; readonly bytes: Uint8Array }[] = []

  constructor(store: Store, indexed: (roots: readonly Root[]) => void) {
    this.#store = store
    this.#indexed = indexed
  }

  small(content: ContentId, bytes: Uint8Array): void {
    this.#pending.push({ content, bytes })
    if (this.#pending.length >= MOST_PENDING) this.flush()
  }

  open(content: ContentId): PartialContent {
    const memory = new MemorySink()
    const partial = memory.open(content)
    const finish = (): void => {
      partial.finish(null)
      const bytes = memory.contents.get(content.root)
      if (bytes !== undefined) this.small(content, bytes)
    }
    return { ...partial, finish }
  }

  /** To be called now and then, and at the end. */
  flush(): void {
    const pages = this.#pending
    if (pages.length === 0) return
    this.#pending = []
    this.#store.transaction(() => {
      for (const { content, bytes } of pages) this.#store.putBlob(content, bytes)
    })
    this.#indexed(pages.map(({ content }) => content.root))
  }
}
