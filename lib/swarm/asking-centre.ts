/**
 * What the centre is asked to give: what nobody else has; and when peers give nothing, what they have or should have by
 * now, some at a time, more while they still give nothing.
 */
import type { Frontier } from './frontier.js'
import type { Item, Neighbour } from './item.js'

/** No bytes from peers for so long and nothing asked of the centre: it is urged. */
const STARVED_MS = 2000
const URGE_MS = 250
const LEAST_URGENT = 64
const MOST_URGENT = 2048

export class AskingCentre {
  #peersMs = 0
  #urgedMs = 0
  #urgent = LEAST_URGENT

  /** Peers gave something, or there was no time for it yet. */
  peersGave(now: number): void {
    this.#peersMs = now
    this.#urgent = LEAST_URGENT
  }

  tell(frontier: Frontier, centre: Neighbour, now: number): void {
    const { wants, picker } = frontier
    const isOpen = (item: Item): boolean => item.thing >= 0 && picker.rarity(item.thing) === 0
    wants.tell(centre.peer, isOpen, now)
    if (!this.#isStarved(frontier, centre, now)) return
    this.#urgedMs = now
    wants.urge(centre.peer, this.#unasked(frontier, centre))
    this.#urgent = Math.min(MOST_URGENT, this.#urgent * 2)
  }

  /** One that chokes us must hear of a want once to change that. */
  #isStarved(frontier: Frontier, centre: Neighbour, now: number): boolean {
    if (centre.open.size > 0 || (centre.isChoking && frontier.wants.isWaiting)) return false
    return now - this.#peersMs >= STARVED_MS && now - this.#urgedMs >= URGE_MS
  }

  /** Some of what nobody is asked for, and the centre did not grant. */
  #unasked(frontier: Frontier, centre: Neighbour): Item[] {
    const out: Item[] = []
    const { picker } = frontier
    for (const item of frontier.items()) {
      if (!picker.isPending(item.thing) || picker.has(item.thing, centre.slot)) continue
      if (out.push(item) >= this.#urgent) break
    }
    return out
  }
}
