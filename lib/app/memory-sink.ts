/** Contents into memory: for metadata that is looked at once and not kept. */
import type { ContentId, Root } from '../hash/root.js'
import { unitBytesOf, unitCountOf } from '../hash/unit.js'
import type { ContentSink, PartialContent } from '../host.js'

export class MemorySink implements ContentSink {
  readonly contents = new Map<Root, Uint8Array>()

  small(content: ContentId, bytes: Uint8Array): void {
    this.contents.set(content.root, bytes)
  }

  /** What helps and cannot be had is done without. */
  lost(): void {}

  open(content: ContentId): PartialContent {
    const { root, length } = content
    const all = new Uint8Array(length)
    const marked = new Uint8Array(unitCountOf(length))
    return {
      length,
      unitBytes: unitBytesOf(length),
      isMarked: (unit) => marked[unit] === 1,
      write: (offset, bytes) => all.set(bytes, offset),
      read: (offset, n) => all.slice(offset, offset + n),
      mark: (unit) => {
        marked[unit] = 1
      },
      finish: () => {
        this.contents.set(root, all)
      },
    }
  }
}
