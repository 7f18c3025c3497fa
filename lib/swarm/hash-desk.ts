/**
 * Leaf hashes asked of neighbours: of whom, once for each run at a time, and of another when the first does not answer or
 * has none. What came leads to the root, or its sender is banned.
 */
import type { HashRange } from '../hash/merkle.js'
import { rootHex } from '../hash/root.js'
import type { Clock } from '../host.js'
import type { Content, Item, Neighbour } from './item.js'

/** An answer that takes longer is not waited for. */
const HASHES_MS = 8000

export type HashDeskParts = {
  readonly clock: Clock
  readonly neighbours: () => Iterable<Neighbour>
  /** Did it say that it has the unit? */
  readonly holds: (neighbour: Neighbour, item: Item) => boolean
  readonly ban: (neighbour: Neighbour, evidence: string) => void
}

export class HashDesk {
  readonly #parts: HashDeskParts

  constructor(parts: HashDeskParts) {
    this.#parts = parts
  }

  /** Asks for the hashes of a unit that are not there and not asked for. @param first whom to ask before others */
  need(item: Item, first: Neighbour | null): void {
    const { content } = item
    if (content.hashes === null) return
    const now = this.#parts.clock.monotonic()
    const [from, to] = content.runsOf(item.unit)
    for (let run = from; run <= to; run++) {
      if (content.hashes.has(run)) continue
      const asked = content.hashAsks.get(run)
      if (asked !== undefined && now - asked.atMs < HASHES_MS) continue
      if (asked !== undefined) content.hashless.add(asked.by)
      const by = this.whoHas(item, first)
      if (by === null) {
        content.hashAsks.delete(run)
        continue
      }
      content.hashAsks.set(run, { by, atMs: now })
      by.peer.hashRequest(content.content.root, content.hashes.rangeOf(run))
    }
  }

  /** Preferably `first`; then who has the unit; the centre has all, but last. */
  whoHas(item: Item, first: Neighbour | null): Neighbour | null {
    const { hashless } = item.content
    if (first !== null && !hashless.has(first)) return first
    let centre: Neighbour | null = null
    for (const neighbour of this.#parts.neighbours()) {
      if (hashless.has(neighbour)) continue
      if (neighbour.isCentre) centre = neighbour
      else if (this.#parts.holds(neighbour, item)) return neighbour
    }
    return centre
  }

  /** An answer. @returns are there new hashes? */
  came(neighbour: Neighbour, content: Content, range: HashRange, packed: Uint8Array): boolean {
    const run = content.hashes?.runOf(range) ?? -1
    if (content.hashes === null || run < 0) return false
    if (content.hashAsks.get(run)?.by !== neighbour) return false // too late, or never asked for
    content.hashAsks.delete(run)
    if (content.hashes.put(run, packed)) return true
    content.hashless.add(neighbour)
    this.#parts.ban(neighbour, `wrong hashes of ${rootHex(content.content.root)}`)
    return false
  }

  /** It has none. @returns were they asked of it? */
  rejected(neighbour: Neighbour, content: Content, range: HashRange): boolean {
    const run = content.hashes?.runOf(range) ?? -1
    if (content.hashAsks.get(run)?.by !== neighbour) return false
    content.hashless.add(neighbour)
    content.hashAsks.delete(run)
    return true
  }
}
