/** The centre's side of seeding: WANTs and HAVEs of the neighbours in, grants out. What is granted is decided in seeding. */
import { LIMITS } from '../base/limits.js'
import type { ContentId, Root } from '../hash/root.js'
import { SMALL_BYTES, unitBytesOf, unitCountOf } from '../hash/unit.js'
import type { Clock } from '../host.js'
import { type Holders, hintOf, unitsWithin } from './holders.js'
import type { Neighbour } from './item.js'
import { bitCount, clearSlot } from './peer-mask.js'
import type { Have, RootHint, Want } from './peer-port.js'
import { Seeding } from './seeding.js'
import { rangesOf } from './unit-set.js'

export class SeedingDesk {
  readonly #seeding = new Seeding()
  readonly #holders: Holders
  readonly #clock: Clock
  readonly #sinceOf: (root: Root) => number | null

  constructor(holders: Holders, clock: Clock, sinceOf: (root: Root) => number | null) {
    this.#holders = holders
    this.#clock = clock
    this.#sinceOf = sinceOf
  }

  get repeats(): number {
    return this.#seeding.repeats
  }

  want(neighbour: Neighbour, wants: readonly Want[]): void {
    const { slot } = neighbour
    const now = this.#clock.monotonic()
    let left = LIMITS.peerWants
    for (const { content, ranges } of wants) {
      const all = [{ first: 0, count: unitCountOf(content.length) }]
      for (const unit of unitsWithin(ranges.length === 0 ? all : ranges, content.length)) {
        if (left-- <= 0) break
        if (
          this.#seeding.wantCount(slot) >= LIMITS.peerWants &&
          !this.#seeding.wants(slot, content, unit)
        )
          continue
        this.#seeding.want(slot, content, unit, this.#offersOf(content, unit, slot), now)
      }
    }
    this.#grant(neighbour)
  }

  have(neighbour: Neighbour, have: Have): void {
    const { slot } = neighbour
    const now = this.#clock.monotonic()
    for (const hint of have.wholes) this.#seeding.offeredWhole(slot, hint, now)
    for (const { hint, ranges } of have.parts)
      for (const { first, count } of ranges)
        for (let unit = first; unit < first + count; unit++)
          this.#seeding.offered(slot, hint, unit, now)
    this.#grant(neighbour)
  }

  /** A unit counts as fetched with its last byte. */
  sent(neighbour: Neighbour, content: ContentId, offset: number, length: number): void {
    const unitBytes = unitBytesOf(content.length)
    const end = offset + length
    if (end % unitBytes !== 0 && end !== content.length) return
    const unit = Math.floor(offset / unitBytes)
    this.#seeding.served(neighbour.slot, content, unit, this.#clock.monotonic())
    this.#grant(neighbour)
  }

  /** It cannot be read here: the node asks others, and does not wait for it here. */
  refused(neighbour: Neighbour, content: ContentId, offset: number): void {
    const unit = Math.floor(offset / unitBytesOf(content.length))
    this.#seeding.served(neighbour.slot, content, unit, this.#clock.monotonic())
    this.#grant(neighbour)
  }

  served(neighbour: Neighbour): void {
    this.#grant(neighbour)
  }
  unserved(neighbour: Neighbour): void {
    this.#seeding.revoke(neighbour.slot)
  }
  leave(neighbour: Neighbour): void {
    this.#seeding.leave(neighbour.slot, (content, unit) => this.#offersOf(content, unit, null))
  }
  /** Once a second. */
  review(neighbours: Iterable<Neighbour>): void {
    this.#seeding.review(this.#clock.monotonic())
    for (const neighbour of neighbours) this.#grant(neighbour)
  }

  #grant(neighbour: Neighbour): void {
    if (!neighbour.isServed) return
    const grants = this.#seeding.grant(neighbour.slot, this.#clock.monotonic())
    if (grants.length === 0) return
    const wholes: RootHint[] = []
    const units = new Map<RootHint, number[]>()
    for (const { content, unit } of grants) {
      const hint = hintOf(content)
      const known = units.get(hint)
      if (content.length <= SMALL_BYTES) wholes.push(hint)
      else if (known === undefined) units.set(hint, [unit])
      else known.push(unit)
    }
    const parts = [...units].map(([hint, list]) => {
      list.sort((a, b) => a - b)
      return { hint, ranges: rangesOf(list) }
    })
    neighbour.peer.have({ through: null, wholes, parts })
  }

  #offersOf(content: ContentId, unit: number, but: number | null): number {
    const mask = { lo: 0, hi: 0 }
    this.#holders.collect({ content, since: this.#sinceOf(content.root) }, unit, mask)
    if (but !== null) clearSlot(mask, but)
    return bitCount(mask.lo) + bitCount(mask.hi)
  }
}
