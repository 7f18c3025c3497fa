/** What came for a download: verified, given to the sink, or fetched again from another. */
import { SocketError } from '../base/errors.js'
import { LEAF_BYTES } from '../hash/merkle.js'
import { type ContentId, rootHex } from '../hash/root.js'
import type { Clock, ContentSink } from '../host.js'
import type { Asking } from './asking.js'
import { badLeaves, isContent, isProvable, mend } from './assembly.js'
import type { Frontier } from './frontier.js'
import type { Content, Item, Neighbour, Request } from './item.js'
import { FALLBACK_SLOT } from './peer-mask.js'
import { countUseful, countWasted, type Tally } from './tally.js'

/** What the centre does not have and peers said they have, but do not give. */
const LACKING_MS = 60_000

export type DeliveryParts = {
  readonly frontier: Frontier
  readonly asking: Asking
  readonly sink: ContentSink
  readonly tally: Tally
  readonly clock: Clock
  readonly ban: (neighbour: Neighbour, evidence: string) => void
  /** A unit of a large content can be offered. */
  readonly offerUnit: (content: ContentId, unit: number) => void
  /** Less is wanted than before. */
  readonly advance: () => void
}

/** Of one download. What it throws is the sink's: a full disk ends the download. */
export class Delivery {
  readonly #parts: DeliveryParts
  /** Items that are whole and wait for their hashes. */
  readonly waiting = new Set<Item>()
  /** Items that the centre does not have: only a peer can give them. */
  readonly #lacking = new Map<Item, { readonly sinceMs: number; readonly why: string }>()

  constructor(parts: DeliveryParts) {
    this.#parts = parts
  }

  /** The bytes that a neighbour was asked for. */
  came(neighbour: Neighbour, request: Request, bytes: Uint8Array): void {
    const { asking, tally } = this.#parts
    const { item } = request
    if (item.work === null) {
      if (bytes.length !== item.content.content.length) tally.wasted += bytes.length
      else {
        take(item, neighbour, bytes.length)
        this.#small(item, bytes, neighbour)
      }
      return
    }
    if (this.#isProved(item, bytes)) {
      take(item, neighbour, bytes.length)
      this.#put(item, bytes)
      return
    }
    if (!item.work.put(request.offset, Uint8Array.from(bytes), neighbour)) {
      tally.wasted += bytes.length
      asking.settle(item)
      return
    }
    take(item, neighbour, bytes.length)
    if (item.takers.length > 1) asking.cancel(item, request, neighbour)
    if (item.work.isWhole) this.whole(item)
    else asking.settle(item)
  }

  /** A whole unit in one answer, and right: it is written from where it came, not gathered first. */
  #isProved({ content, unit }: Item, bytes: Uint8Array): boolean {
    if (content.isSmall || bytes.length !== content.lengthOf(unit)) return false
    return isProvable(content, unit) && badLeaves(content, unit, bytes).length === 0
  }

  /** All bytes of an item are there. */
  whole(item: Item): void {
    if (item.content.isSmall) {
      const sender = soleSender(item)
      if (item.work !== null) this.#small(item, item.work.flush(), sender)
      return
    }
    item.isWaiting = true
    if (isProvable(item.content, item.unit)) this.#prove(item)
    else this.waiting.add(item)
  }

  /** @param sender who alone sent all of it, or null. */
  #small(item: Item, bytes: Uint8Array, sender: Neighbour | null): boolean {
    const { content } = item.content
    if (isContent(content, bytes)) {
      this.#parts.sink.small(content, Uint8Array.from(bytes))
      this.#done(item)
      return true
    }
    countWasted(this.#parts.tally, item.got)
    this.#again(item)
    item.isAlone = true
    if (sender !== null) this.#parts.ban(sender, `wrong bytes for ${rootHex(content.root)}`)
    return false
  }

  /** A unit against its hashes. */
  #prove(item: Item): void {
    const { content, unit, work } = item
    this.waiting.delete(item)
    if (work === null) return
    const bytes = work.flush()
    const bad = badLeaves(content, unit, bytes)
    if (bad.length === 0) {
      this.#put(item, bytes)
      return
    }
    const culprits = new Set<Neighbour>()
    for (const leaf of bad) {
      const sender = work.senderOf(leaf)
      if (sender !== null) culprits.add(sender)
    }
    this.#again(item)
    item.work = mend(bytes, bad)
    for (const sender of culprits)
      this.#parts.ban(sender, `a wrong leaf of ${rootHex(content.content.root)}`)
  }

  #put(item: Item, bytes: Uint8Array): void {
    const { content, unit } = item
    content.partial?.write(content.offsetOf(unit), bytes)
    content.partial?.mark(unit)
    this.#parts.offerUnit(content.content, unit)
    this.#done(item)
  }

  smallFromCentre(item: Item, bytes: Uint8Array): boolean {
    const isRight = item.thing >= 0 && isContent(item.content.content, bytes)
    return this.#fromCentre(item, bytes.length, isRight, () => {
      this.#parts.sink.small(item.content.content, Uint8Array.from(bytes))
      this.#done(item)
    })
  }
  /** @param came bytes of it that came now; a delta may have had the rest */
  unitFromCentre(item: Item, bytes: Uint8Array, came: number): boolean {
    const isRight = item.thing >= 0 && badLeaves(item.content, item.unit, bytes).length === 0
    return this.#fromCentre(item, came, isRight, () => this.#put(item, bytes))
  }
  /** Bytes over HTTP, which may come when they are not needed any more. @returns false: they are wrong. */
  #fromCentre(item: Item, came: number, isRight: boolean, deliver: () => void): boolean {
    const { tally } = this.#parts
    if (!isRight) {
      tally.wasted += came
      return item.thing < 0
    }
    countWasted(tally, item.got)
    tally.centreHttp += came
    deliver()
    return true
  }

  /** The centre does not have it: unless a peer gives it, it cannot be had. */
  gone(item: Item, why: string): void {
    if (item.thing < 0) return
    this.#parts.frontier.picker.lose(item.thing, FALLBACK_SLOT)
    if (!this.#lacking.has(item))
      this.#lacking.set(item, { sinceMs: this.#parts.clock.monotonic(), why })
  }
  giveUpLacking(now: number): void {
    for (const [item, { sinceMs, why }] of this.#lacking) {
      const mayCome =
        this.#parts.frontier.picker.rarity(item.thing) > 0 && now - sinceMs < LACKING_MS
      if (item.thing >= 0 && (item.asked > 0 || mayCome)) continue
      this.#lacking.delete(item)
      if (item.thing >= 0) this.#lost(item.content, why)
    }
  }
  #lost(content: Content, why: string): void {
    const { frontier, asking, sink, tally, advance } = this.#parts
    for (const item of content.items.values()) {
      asking.cancel(item, null, null)
      this.waiting.delete(item)
      countWasted(tally, item.got)
    }
    frontier.lost(content)
    retire(content)
    if (sink.lost === undefined) throw new SocketError(`${rootHex(content.content.root)}: ${why}`)
    sink.lost(content.content, why)
    advance()
  }

  #done(item: Item): void {
    const { frontier, asking, tally, advance } = this.#parts
    countUseful(tally, item.got, item.content.lengthOf(item.unit))
    if (item.asked > 0) asking.cancel(item, null, null)
    if (frontier.done(item)) retire(item.content)
    advance()
  }

  /** It has to be fetched again. */
  #again(item: Item): void {
    const { frontier, asking } = this.#parts
    asking.cancel(item, null, null)
    item.takers = []
    item.work = null
    item.isWaiting = false
    this.waiting.delete(item)
    item.failures++
    frontier.picker.giveBack(item.thing)
  }

  /** Nothing of it is wanted any more. */
  clear(): void {
    this.waiting.clear()
    this.#lacking.clear()
  }

  /** Hashes came. */
  proveWaiting(): void {
    for (const item of this.waiting) if (isProvable(item.content, item.unit)) this.#prove(item)
  }
}

function take(item: Item, from: Neighbour, bytes: number): void {
  if (from.isCentre) item.got.centre += bytes
  else item.got.peers += bytes
}

/** The one who sent all blocks of a small content, or null. */
function soleSender(item: Item): Neighbour | null {
  const { work } = item
  const first = work?.senderOf(0) ?? null
  const leaves = Math.ceil(item.content.content.length / LEAF_BYTES)
  for (let leaf = 1; leaf < leaves; leaf++) if (work?.senderOf(leaf) !== first) return null
  return first
}

/** Its windows are asked for no more. */
export function retire(content: Content): void {
  for (const [neighbour, handles] of content.handles) {
    const bound = handles.filter((handle) => handle !== undefined) // windows that were never asked for
    for (const handle of bound) neighbour.handles.retire(handle)
    neighbour.peer.unbind(bound)
  }
  content.handles.clear()
}
