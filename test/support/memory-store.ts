/** Contents in memory, to give and to fetch into. */
import { contentRoot, leavesOf } from '../../lib/hash/merkle.js'
import type { ContentId, Root } from '../../lib/hash/root.js'
import { unitBytesOf } from '../../lib/hash/unit.js'
import type { ContentSink, ContentStore, Holding, PartialContent } from '../../lib/host.js'

export function contentOf(bytes: Uint8Array): ContentId {
  return { root: contentRoot(bytes), length: bytes.length }
}

export class MemoryStore implements ContentStore {
  readonly contents = new Map<Root, Uint8Array>()
  readonly #leaves = new Map<Root, Uint8Array>()
  reads = 0

  add(bytes: Uint8Array): ContentId {
    const content = contentOf(bytes)
    this.contents.set(content.root, bytes)
    return content
  }
  find(root: Root): Holding | null {
    const bytes = this.contents.get(root)
    if (bytes === undefined) return null
    return {
      length: bytes.length,
      has: (offset, length) => offset >= 0 && offset + length <= bytes.length,
      read: (offset, length) => {
        this.reads++
        return Promise.resolve(bytes.subarray(offset, offset + length))
      },
      leaves: () => {
        const leaves = this.#leaves.get(root) ?? leavesOf(bytes)
        this.#leaves.set(root, leaves)
        return leaves
      },
    }
  }
}

/** Fetched contents go to a store; partial ones can be laid out before. */
export class MemorySink implements ContentSink {
  readonly #store: MemoryStore
  readonly #whole: (root: Root) => void
  readonly partials = new Map<Root, { bytes: Uint8Array; marked: Set<number> }>()
  /** In the order they were delivered. */
  readonly delivered: Root[] = []
  readonly #seen = new Set<Root>()

  constructor(store: MemoryStore, whole: (root: Root) => void = () => undefined) {
    this.#store = store
    this.#whole = whole
  }
  small(content: ContentId, bytes: Uint8Array): void {
    this.#deliver(content, bytes)
  }
  open(content: ContentId): PartialContent {
    const { root, length } = content
    const unitBytes = unitBytesOf(length)
    const partial = this.partials.get(root) ?? {
      bytes: new Uint8Array(length),
      marked: new Set<number>(),
    }
    this.partials.set(root, partial)
    return {
      length,
      unitBytes,
      isMarked: (unit) => partial.marked.has(unit),
      write: (offset, bytes) => partial.bytes.set(bytes, offset),
      read: (offset, count) => partial.bytes.subarray(offset, offset + count),
      mark: (unit) => partial.marked.add(unit),
      finish: () => {
        if (partial.marked.size !== Math.ceil(length / unitBytes)) throw new Error('units missing')
        this.partials.delete(root)
        this.#deliver(content, partial.bytes)
      },
    }
  }
  #deliver(content: ContentId, bytes: Uint8Array): void {
    if (contentRoot(bytes) !== content.root) throw new Error('delivered wrong bytes')
    if (this.#seen.has(content.root)) throw new Error('delivered twice')
    this.#seen.add(content.root)
    this.#store.contents.set(content.root, bytes)
    this.delivered.push(content.root)
    this.#whole(content.root)
  }
}
