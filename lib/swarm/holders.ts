/**
 * Who of the connected has what, from their HAVE and DROP: a sequence they are complete through, whole contents by hint,
 * units of contents that are on their way. Nothing here is certain: a wrong claim ends in a reject.
 */
import { LIMITS } from '../base/limits.js'
import type { ContentId } from '../hash/root.js'
import { SMALL_BYTES, unitCountOf } from '../hash/unit.js'
import { HintTable } from './hint-table.js'
import { clearSlot, type PeerMask, SLOTS, setSlot } from './peer-mask.js'
import type { Have, RootHint, UnitRange } from './peer-port.js'
import { UnitSet } from './unit-set.js'

/** A content and the first sequence it was live in, when that is known. */
export type Dated = { readonly content: ContentId; readonly since: number | null }

export class Holders {
  readonly #wholes = new HintTable(LIMITS.haves)
  readonly #of: (Held | null)[] = new Array<Held | null>(SLOTS).fill(null)

  join(slot: number): void {
    this.#of[slot] = new Held()
  }
  leave(slot: number): void {
    if (this.#of[slot] === null) return
    this.#of[slot] = null
    this.#wholes.forget(slot)
  }

  have(slot: number, have: Have): void {
    const held = this.#of[slot]
    if (!held) return
    if (have.through !== null) held.through = Math.max(held.through, have.through)
    for (const hint of have.wholes) {
      held.lacks.delete(hint)
      if (held.remembered < LIMITS.peerHaves && this.#wholes.add(hint, slot)) held.remembered++
      held.dropParts(hint)
    }
    for (const part of have.parts) held.addParts(part.hint, part.ranges)
  }

  /** It has these no more, or never had. */
  drop(slot: number, hints: readonly RootHint[]): void {
    const held = this.#of[slot]
    if (!held) return
    for (const hint of hints) {
      this.#wholes.remove(hint, slot)
      held.dropParts(hint)
      if (held.lacks.size < LIMITS.peerLacks) held.lacks.add(hint)
    }
  }

  /** The sequence a connection is complete through; -1: it did not say. */
  throughOf(slot: number): number {
    return this.#of[slot]?.through ?? -1
  }
  /** How many contents and units it said it has. */
  countOf(slot: number): number {
    return this.#of[slot]?.remembered ?? 0
  }

  /** Did it say that it has this content whole? */
  hasWhole(slot: number, hint: RootHint): boolean {
    return this.#wholes.has(hint, slot)
  }

  /** Adds to `mask` who has this unit. */
  collect(dated: Dated, unit: number, mask: PeerMask): void {
    const hint = hintOf(dated.content)
    this.#wholes.collect(hint, mask)
    const isLarge = dated.content.length > SMALL_BYTES
    for (let slot = 0; slot < SLOTS; slot++) {
      const held = this.#of[slot]
      if (!held) continue
      const isOld = dated.since !== null && held.through >= dated.since
      if (isOld || (isLarge && held.parts.get(hint)?.has(unit) === true)) setSlot(mask, slot)
      if (held.lacks.size > 0 && held.lacks.has(hint)) clearSlot(mask, slot)
    }
  }
}

export function hintOf(content: ContentId): RootHint {
  return content.root.slice(0, 8)
}

/** As much of a HAVE as an honest node says at once: a claim of two thousand million units must not cost their bits. */
export function boundedHave(have: Have): Have {
  let left = LIMITS.haveUnits
  const parts = have.parts.map((part) => ({
    hint: part.hint,
    ranges: part.ranges.filter((range) => {
      left -= range.count
      return left >= 0 && range.first + range.count <= LIMITS.contentUnits
    }),
  }))
  return left === LIMITS.haveUnits ? have : { ...have, parts }
}

/** The units of these ranges that a content of this length really has. */
export function* unitsWithin(ranges: readonly UnitRange[], length: number): Generator<number> {
  const count = unitCountOf(length)
  for (const range of ranges) {
    const end = Math.min(count, range.first + range.count)
    for (let unit = range.first; unit < end; unit++) yield unit
  }
}

/** What one connection said. */
class Held {
  through = -1
  remembered = 0
  readonly parts = new Map<RootHint, UnitSet>()
  /** Contents it does not have although its `through` says so. */
  readonly lacks = new Set<RootHint>()
  #partBytes = 0

  addParts(hint: RootHint, ranges: readonly UnitRange[]): void {
    let units = this.parts.get(hint)
    if (units === undefined) {
      units = new UnitSet()
      this.#partBytes += PART_OVERHEAD
    }
    const before = units.bytes
    for (const range of ranges) {
      const end = range.first + range.count
      if (this.#partBytes + end / 8 > LIMITS.peerPartBytes) continue
      for (let unit = range.first; unit < end; unit++) if (units.add(unit)) this.remembered++
    }
    this.#partBytes += units.bytes - before
    if (this.#partBytes <= LIMITS.peerPartBytes) this.parts.set(hint, units)
    this.lacks.delete(hint)
  }
  dropParts(hint: RootHint): void {
    const units = this.parts.get(hint)
    if (units === undefined) return
    this.#partBytes -= PART_OVERHEAD + units.bytes
    this.parts.delete(hint)
  }
}
const PART_OVERHEAD = 200
