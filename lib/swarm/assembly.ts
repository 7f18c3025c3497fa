/**
 * From bytes that came to verified ones: a small content against its root, a unit leaf by leaf against hashes that lead to
 * the root. What is on its way can be read by others as far as it is verified.
 */

import { equalBytes } from '../base/bytes.js'
import { contentRoot, type HashRange, LEAF_BYTES, leafHash } from '../hash/merkle.js'
import type { ContentId } from '../hash/root.js'
import type { Content, Item, Neighbour } from './item.js'
import type { OnTheWay } from './upload.js'
import { PatchWork, type Range, WholeWork, type Work } from './work.js'

/** Are these the bytes of a content of at most one unit? */
export function isContent(content: ContentId, bytes: Uint8Array): boolean {
  return bytes.length === content.length && contentRoot(bytes) === content.root
}

/** What has to be fetched for an item, with what a delta left in the partial file. */
export function workFor(item: Item): Work<Neighbour | null> {
  const { content, unit } = item
  const length = content.lengthOf(unit)
  if (content.partial === null || content.missing.length === 0) return new WholeWork(length)
  const offset = content.offsetOf(unit)
  const missing = within(content.missing, offset, length)
  const only = missing[0]
  if (missing.length === 1 && only?.offset === 0 && only.length === length)
    return new WholeWork(length)
  return new PatchWork(Uint8Array.from(content.partial.read(offset, length)), missing)
}

/** The parts of rising ranges within a unit, counted from its start. */
export function within(ranges: readonly Range[], offset: number, length: number): Range[] {
  // the first range that ends behind the unit's start
  let low = 0
  let high = ranges.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const range = ranges[middle]
    if (range !== undefined && range.offset + range.length <= offset) low = middle + 1
    else high = middle
  }
  const out: Range[] = []
  for (let i = low; i < ranges.length; i++) {
    const range = ranges[i]
    if (range === undefined || range.offset >= offset + length) break
    const start = Math.max(range.offset, offset)
    const end = Math.min(range.offset + range.length, offset + length)
    if (end > start) out.push({ offset: start - offset, length: end - start })
  }
  return out
}

/** Are all leaf hashes of this unit there? */
export function isProvable(content: Content, unit: number): boolean {
  const [first, last] = content.runsOf(unit)
  for (let run = first; run <= last; run++) if (content.hashes?.has(run) !== true) return false
  return true
}

/** The leaves of a unit, counted from its first, that are wrong. Its hashes must be there. */
export function badLeaves(content: Content, unit: number, bytes: Uint8Array): number[] {
  const out: number[] = []
  const first = content.offsetOf(unit) / LEAF_BYTES
  for (let leaf = 0; leaf * LEAF_BYTES < bytes.length; leaf++) {
    const start = leaf * LEAF_BYTES
    const hash = leafHash(bytes.subarray(start, start + LEAF_BYTES))
    const expected = content.hashes?.leaf(first + leaf)
    if (expected === undefined || !equalBytes(hash, expected)) out.push(leaf)
  }
  return out
}

/** A unit with wrong leaves, to fetch these again whole. */
export function mend(bytes: Uint8Array, leaves: readonly number[]): Work<Neighbour | null> {
  return new PatchWork(
    bytes,
    leaves.map((leaf) => {
      const offset = leaf * LEAF_BYTES
      return { offset, length: Math.min(LEAF_BYTES, bytes.length - offset) }
    }),
  )
}

/** A content on its way, as far as it is verified. */
export function holdingOf(content: Content): OnTheWay | null {
  const { partial, hashes } = content
  if (partial === null || hashes === null) return null
  return {
    length: content.content.length,
    has(offset, length) {
      if (content.unitsLeft === 0) return false // finished: the store has it now
      const last = Math.floor((offset + length - 1) / content.unitBytes)
      for (let unit = Math.floor(offset / content.unitBytes); unit <= last; unit++)
        if (!partial.isMarked(unit)) return false
      return true
    },
    read: (offset, length) => Promise.resolve(partial.read(offset, length)),
    leaves: () => hashes.all(),
    packedHashes(range: HashRange) {
      const run = hashes.runOf(range)
      return run < 0 ? null : hashes.packed(run)
    },
  }
}
