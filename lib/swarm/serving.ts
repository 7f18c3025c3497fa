/**
 * Which neighbours are given to: a round every ten seconds, and between rounds a slot that falls free goes to one who wants
 * something. Whom is decided in choker.
 */
import type { Clock, Random } from '../host.js'
import { CHOKE_ROUND_MS, chooseServed, FEWEST_SLOTS, MOST_SLOTS } from './choker.js'
import type { Neighbour } from './item.js'
import type { SeedingDesk } from './seeding-desk.js'
import type { Upload } from './upload.js'

export type ServingParts = {
  readonly clock: Clock
  readonly random: Random
  readonly neighbours: ReadonlyMap<string, Neighbour>
  /** Nodes given to at a time, 4 … 10. */
  readonly slots: number
  /** How much it said it has. */
  readonly heldBy: (neighbour: Neighbour) => number
  readonly upload: Upload
  /** The centre's. */
  readonly seeding: SeedingDesk | null
}

export class Serving {
  readonly #parts: ServingParts
  readonly #slots: number
  #roundAtMs = 0

  constructor(parts: ServingParts) {
    this.#parts = parts
    this.#slots = Math.min(MOST_SLOTS, Math.max(FEWEST_SLOTS, parts.slots))
  }

  interested(neighbour: Neighbour, isNow: boolean): void {
    neighbour.isInterested = isNow
    if (isNow) this.fill(this.#parts.clock.monotonic())
  }

  /** Several times a second. */
  tick(now: number): void {
    if (now - this.#roundAtMs < CHOKE_ROUND_MS) return
    this.#roundAtMs = now
    this.#choose([...this.#parts.neighbours.values()], now, false)
  }

  /** Between rounds: a slot that is free, or whose neighbour wants nothing, goes to one that does. */
  fill(now: number): void {
    const all = [...this.#parts.neighbours.values()]
    const isFree = all.filter((n) => n.isServed && n.isInterested).length < this.#slots
    if (isFree && all.some((n) => n.isInterested && !n.isServed)) this.#choose(all, now, true)
  }

  /** @param keeps nobody who is served and wants something loses its slot. */
  #choose(all: readonly Neighbour[], now: number, keeps: boolean): void {
    const { upload, seeding, heldBy, random } = this.#parts
    const kept = keeps ? all.filter((n) => n.isServed && n.isInterested) : []
    const candidates = all
      .filter((n) => !kept.includes(n))
      .map((n) => ({
        slot: n.slot,
        isInterested: n.isInterested,
        isServed: n.isServed,
        sinceMs: n.servedSinceMs,
        held: heldBy(n),
        gave: n.down.rate(now),
      }))
    const chosen = chooseServed(candidates, this.#slots - kept.length, now, random)
    let idle = this.#slots - kept.length - chosen.size
    for (const neighbour of all) {
      if (kept.includes(neighbour) || chosen.has(neighbour.slot)) continue
      // who wants nothing may keep a slot that nobody needs
      if (neighbour.isServed && (neighbour.isInterested || idle-- <= 0)) {
        upload.unserve(neighbour)
        seeding?.unserved(neighbour)
      }
    }
    for (const neighbour of all) {
      if (!chosen.has(neighbour.slot) || neighbour.isServed) continue
      upload.serve(neighbour)
      seeding?.served(neighbour)
    }
  }
}
