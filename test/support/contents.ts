/** Contents in memory: bytes by a rule, a store's Holding over them, and a sink that keeps what it is given. */
import { contentRoot, leavesOf } from '../../lib/hash/merkle.js'
import type { ContentId } from '../../lib/hash/root.js'
import type { ContentSink, Holding } from '../../lib/host.js'

/** Byte i is i modulo 251: fixtures/hash/roots.vec. */
export function ruled(length: number): Uint8Array {
  const out = new Uint8Array(length)
  for (let i = 0; i < length; i++) out[i] = i % 251
  return out
}

export function contentOf(bytes: Uint8Array): ContentId {
  return { root: contentRoot(bytes), length: bytes.length }
}

/** @param has which bytes stand here; all by default */
export function holdingOf(
  bytes: Uint8Array,
  has: (offset: number, length: number) => boolean = () => true,
): Holding {
  return {
    length: bytes.length,
    has,
    read: async (offset, length) => bytes.subarray(offset, offset + length),
    leaves: () => leavesOf(bytes),
  }
}

export type KeptContent = { bytes: Uint8Array; marked: Set<number>; finished: boolean }

/** @param unitBytes of the contents it opens */
export function sinkInMemory(
  unitBytes = 65536,
): ContentSink & { readonly kept: Map<string, KeptContent> } {
  const kept = new Map<string, KeptContent>()
  const at = ({ root, length }: ContentId): KeptContent => {
    const there = kept.get(root) ?? {
      bytes: new Uint8Array(length),
      marked: new Set<number>(),
      finished: false,
    }
    kept.set(root, there)
    return there
  }
  return {
    kept,
    small: (content, bytes) => {
      const one = at(content)
      one.bytes = bytes
      one.finished = true
    },
    open: (content) => {
      const one = at(content)
      return {
        length: content.length,
        unitBytes,
        isMarked: (unit) => one.marked.has(unit),
        write: (offset, bytes) => one.bytes.set(bytes, offset),
        read: (offset, length) => one.bytes.subarray(offset, offset + length),
        mark: (unit) => one.marked.add(unit),
        finish: () => {
          one.finished = true
        },
      }
    },
  }
}
