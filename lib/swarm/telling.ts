/** What a node can give, told to its neighbours: to each from where it was told last, and nothing that it has itself. */
import { LIMITS } from '../base/limits.js'
import type { Holders } from './holders.js'
import type { Neighbour } from './item.js'
import type { Offers } from './offers.js'
import type { Have, RootHint } from './peer-port.js'

/** Hints in one message. */
export const HINTS = 8192
/** To one neighbour at a time. */
const HINTS_AT_ONCE = 4 * HINTS

export class Telling {
  readonly #offers: Offers
  readonly #holders: Holders

  constructor(offers: Offers, holders: Holders) {
    this.#offers = offers
    this.#holders = holders
  }

  /** @param parts units of contents that are not whole */
  tell(neighbour: Neighbour, parts: Have['parts']): void {
    if (neighbour.peer.unsent > LIMITS.unsentBytes) return
    const { through } = this.#offers
    const news = through !== null && through > neighbour.toldThrough ? through : null
    if (news !== null) neighbour.toldThrough = news
    const until = Math.min(this.#offers.count, neighbour.offerCursor + HINTS_AT_ONCE)
    let wholes = this.#next(neighbour, until)
    if (news !== null || wholes.length > 0 || parts.length > 0)
      neighbour.peer.have({ through: news, wholes, parts })
    while (neighbour.offerCursor < until) {
      wholes = this.#next(neighbour, until)
      if (wholes.length > 0) neighbour.peer.have({ through: null, wholes, parts: [] })
    }
  }

  #next(neighbour: Neighbour, until: number): RootHint[] {
    const wholes = this.#offers.wholesFrom(neighbour.offerCursor, HINTS)
    neighbour.offerCursor = Math.min(until, neighbour.offerCursor + HINTS)
    return wholes.filter((hint) => !this.#holders.hasWhole(neighbour.slot, hint))
  }
}
