/**
 * What the centre is told that we want: things that nobody connected has, in the order they came up, a few thousand at a
 * time. What others have is only told when they do not give it: the centre is to stay idle.
 */
import { LIMITS } from '../base/limits.js'
import type { ContentId } from '../hash/root.js'
import type { Item } from './item.js'
import type { Peer, Want } from './peer-port.js'
import { rangesOf } from './unit-set.js'

/** Told in batches, unless nothing else is told. */
const BATCH = 512

export class Wants {
  #queue: Item[] = []
  #next = 0
  #told = 0

  /** Is there something we wait for the centre to grant, or would tell it? */
  get isWaiting(): boolean {
    return this.#told > 0 || this.#next < this.#queue.length
  }

  /** Would `tell` say something? */
  get hasNews(): boolean {
    const room = LIMITS.peerWants - this.#told
    return this.#next < this.#queue.length && (room >= BATCH || this.#told === 0)
  }

  add(item: Item): void {
    if (!item.isTold) this.#queue.push(item)
  }
  /** It is done. */
  done(item: Item): void {
    if (item.isTold) this.#told--
    item.isTold = false
  }
  /** The centre is gone, with what it knew. */
  reset(items: Iterable<Item>): void {
    this.#queue = []
    this.#next = 0
    this.#told = 0
    for (const item of items) {
      item.isTold = false
      this.#queue.push(item)
    }
  }

  /** @param isOpen is it wanted still, and may it be asked of the centre? */
  tell(centre: Peer, isOpen: (item: Item) => boolean): void {
    if (!this.hasNews) return
    const room = LIMITS.peerWants - this.#told
    const units = new Map<ContentId, number[]>()
    for (let count = 0; count < room && this.#next < this.#queue.length; ) {
      const item = this.#queue[this.#next++]
      if (item === undefined || item.isTold || !isOpen(item)) continue
      item.isTold = true
      this.#told++
      count++
      const known = units.get(item.content.content)
      if (known === undefined) units.set(item.content.content, [item.unit])
      else known.push(item.unit)
    }
    if (this.#next * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#next)
      this.#next = 0
    }
    if (units.size > 0) centre.want([...units].map(([content, list]) => wantOf(content, list)))
  }
}

function wantOf(content: ContentId, units: number[]): Want {
  units.sort((a, b) => a - b)
  return { content, ranges: rangesOf(units) }
}
