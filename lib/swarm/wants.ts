/**
 * What the centre is told that we want: things that nobody connected has, a few thousand at a time and in no order, so
 * that nodes that want the same are not all given the same first. What others have is only told when they do not give
 * it: the centre is to stay idle.
 */
import { LIMITS } from '../base/limits.js'
import type { ContentId } from '../hash/root.js'
import type { Random } from '../host.js'
import type { Item } from './item.js'
import type { Peer, Want } from './peer-port.js'
import { rangesOf } from './unit-set.js'

/**
 * How much is told at a time follows how fast it comes: what is told too early is told in vain, for most of it others will
 * offer first.
 */
const FEWEST = 512
const FAST_MS = 500
const SLOW_MS = 4000

export class Wants {
  readonly #random: Random
  readonly #queue: Item[] = []
  #told = 0
  #most = FEWEST
  #toldAtMs = 0

  constructor(random: Random) {
    this.#random = random
  }

  /** Is there something we wait for the centre to grant, or would tell it? */
  get isWaiting(): boolean {
    return this.#told > 0 || this.#queue.length > 0
  }

  /** Would `tell` say something? */
  get hasNews(): boolean {
    return this.#queue.length > 0 && (this.#room * 4 >= this.#most || this.#told === 0)
  }
  get #room(): number {
    return this.#most - this.#told
  }

  add(item: Item): void {
    if (!item.isTold) this.#queue.push(item)
  }
  /** It is done, or the centre said that it cannot give it. */
  done(item: Item): void {
    if (item.isTold) this.#told--
    item.isTold = false
  }
  /** The centre is gone, with what it knew. */
  reset(items: Iterable<Item>): void {
    this.#queue.length = 0
    this.#told = 0
    for (const item of items) {
      item.isTold = false
      this.#queue.push(item)
    }
  }

  /** @param isOpen is it wanted still, and may it be asked of the centre? */
  tell(centre: Peer, isOpen: (item: Item) => boolean, now: number): void {
    if (!this.hasNews) return
    const tookMs = now - this.#toldAtMs
    if (tookMs < FAST_MS) this.#most = Math.min(LIMITS.peerWants, this.#most * 2)
    else if (tookMs > SLOW_MS) this.#most = Math.max(FEWEST, this.#most / 2)
    this.#toldAtMs = now
    const room = this.#room
    const out: Item[] = []
    while (out.length < room) {
      const item = this.#draw()
      if (item === null) break
      if (!item.isTold && isOpen(item)) out.push(this.#mark(item))
    }
    send(centre, out)
  }

  /** Tells these, again if they were told: said twice, a want means that we wait for nothing else. */
  urge(centre: Peer, items: readonly Item[]): void {
    for (const item of items) this.#mark(item)
    send(centre, items)
  }

  #mark(item: Item): Item {
    if (!item.isTold) this.#told++
    item.isTold = true
    return item
  }

  #draw(): Item | null {
    const queue = this.#queue
    const last = queue.pop()
    if (last === undefined || queue.length === 0) return last ?? null
    const at = this.#random.below(queue.length + 1)
    const drawn = queue[at]
    if (drawn === undefined) return last
    queue[at] = last
    return drawn
  }
}

function send(centre: Peer, items: readonly Item[]): void {
  const units = new Map<ContentId, number[]>()
  for (const { content, unit } of items) {
    const known = units.get(content.content)
    if (known === undefined) units.set(content.content, [unit])
    else known.push(unit)
  }
  if (units.size > 0) centre.want([...units].map(([content, list]) => wantOf(content, list)))
}

function wantOf(content: ContentId, units: number[]): Want {
  units.sort((a, b) => a - b)
  return { content, ranges: rangesOf(units) }
}
