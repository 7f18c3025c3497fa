/**
 * The contents that are under way, of millions that are wanted: the next ones are taken up as these get done, so that
 * memory follows the frontier and not the repository.
 */
import type { Root } from '../hash/root.js'
import type { ContentSink, Random } from '../host.js'
import { type Holders, hintOf, unitsWithin } from './holders.js'
import type { Neighbour } from './item.js'
import { Content, type Item, type Wanted } from './item.js'
import { FALLBACK_SLOT, setSlot } from './peer-mask.js'
import type { Have, RootHint } from './peer-port.js'
import { Picker } from './picker.js'
import { Wants } from './wants.js'

/** Units under way: at 64 KiB each 1 GiB of them. */
const WIDTH = 16_384

export class Frontier {
  readonly picker: Picker
  readonly wants: Wants
  readonly #holders: Holders
  readonly #hasFallback: boolean
  readonly #sink: ContentSink
  readonly #wanted: Iterator<Wanted>
  readonly #items: (Item | undefined)[] = []
  readonly #byRoot = new Map<Root, Content>()
  readonly #byHint = new Map<RootHint, Content>()
  /** A large content of which not all units are taken up. */
  #current: Content | null = null
  #isExhausted = false

  constructor(parts: {
    readonly wanted: Iterable<Wanted>
    readonly sink: ContentSink
    readonly holders: Holders
    readonly hasFallback: boolean
    readonly random: Random
  }) {
    this.picker = new Picker(parts.random)
    this.wants = new Wants(parts.random)
    this.#holders = parts.holders
    this.#hasFallback = parts.hasFallback
    this.#sink = parts.sink
    this.#wanted = parts.wanted[Symbol.iterator]()
  }

  /** Nothing more will be taken up. */
  get isExhausted(): boolean {
    return this.#isExhausted
  }
  get isDone(): boolean {
    return this.#isExhausted && this.#byRoot.size === 0
  }
  get contents(): Iterable<Content> {
    return this.#byRoot.values()
  }
  content(root: Root): Content | null {
    return this.#byRoot.get(root) ?? null
  }
  item(thing: number): Item | null {
    return this.#items[thing] ?? null
  }
  *items(): Generator<Item> {
    for (const item of this.#items) if (item !== undefined) yield item
  }

  /** Takes up what there is room for. */
  widen(): void {
    if (this.#isExhausted || this.picker.size * 4 > WIDTH * 3) return
    while (this.picker.size < WIDTH) {
      const content = this.#current ?? this.#begin()
      if (content === null) return
      this.#continue(content)
    }
  }

  /** The next content; null: there are no more. */
  #begin(): Content | null {
    for (;;) {
      const next = this.#wanted.next()
      if (next.done === true) {
        this.#isExhausted = true
        return null
      }
      const wanted = next.value
      if (this.#byRoot.has(wanted.content.root)) continue
      const content = new Content(wanted, this.#sink)
      this.#byRoot.set(wanted.content.root, content)
      this.#byHint.set(content.hint, content)
      this.#current = content
      return content
    }
  }

  /** Its units as far as there is room; those that are marked are done. */
  #continue(content: Content): void {
    const { partial } = content
    while (this.picker.size < WIDTH && content.nextUnit < content.unitCount) {
      const unit = content.nextUnit++
      if (partial?.isMarked(unit) === true) content.unitsLeft--
      else this.#take(content, unit)
    }
    if (content.nextUnit < content.unitCount) return
    this.#current = null
    if (content.unitsLeft === 0) this.#finish(content)
  }

  #take(content: Content, unit: number): void {
    const mask = { lo: 0, hi: 0 }
    this.#holders.collect(content, unit, mask)
    if (this.#hasFallback) setSlot(mask, FALLBACK_SLOT)
    const thing = this.picker.add(mask)
    const item: Item = {
      thing,
      content,
      unit,
      work: null,
      takers: [],
      asked: 0,
      got: { peers: 0, centre: 0 },
      isWaiting: false,
      isAlone: false,
      isTold: false,
      failures: 0,
    }
    this.#items[thing] = item
    content.items.set(unit, item)
    if (this.picker.rarity(thing) === 0) this.wants.add(item)
  }

  /** A unit is verified and with the sink. @returns was it the last of its content? */
  done(item: Item): boolean {
    const { content } = item
    this.#remove(item)
    content.unitsLeft--
    if (content.unitsLeft > 0) return false
    this.#finish(content)
    return true
  }
  /** It cannot be had: nothing of it is wanted any more. */
  lost(content: Content): void {
    for (const item of content.items.values()) this.#remove(item)
    content.unitsLeft = 0
    if (this.#current === content) this.#current = null
    this.#forget(content)
  }
  #remove(item: Item): void {
    this.wants.done(item)
    this.picker.remove(item.thing)
    this.#items[item.thing] = undefined
    item.thing = -1
    item.work = null
    item.content.items.delete(item.unit)
  }
  #finish(content: Content): void {
    this.#forget(content)
    content.partial?.finish(content.hashes?.all() ?? null)
  }
  #forget(content: Content): void {
    this.#byRoot.delete(content.content.root)
    if (this.#byHint.get(content.hint) === content) this.#byHint.delete(content.hint)
  }

  /** A neighbour has more than before; what the centre says are grants, valid for what is under way. */
  have(neighbour: Neighbour, have: Have): void {
    const { slot } = neighbour
    if (have.through !== null && !neighbour.isCentre)
      for (const item of this.items())
        if (item.content.since <= have.through) this.picker.gain(item.thing, slot)
    for (const hint of have.wholes)
      for (const item of this.#byHint.get(hint)?.items.values() ?? [])
        this.picker.gain(item.thing, slot)
    for (const part of have.parts) {
      const content = this.#byHint.get(part.hint)
      if (content === undefined) continue
      for (const unit of unitsWithin(part.ranges, content.content.length)) {
        const item = content.items.get(unit)
        if (item !== undefined) this.picker.gain(item.thing, slot)
      }
    }
  }
  drop(neighbour: Neighbour, hints: readonly RootHint[]): void {
    for (const hint of hints)
      for (const item of this.#byHint.get(hint)?.items.values() ?? []) this.lose(item, neighbour)
  }

  /** This neighbour does not have it after all. */
  lose(item: Item, neighbour: Neighbour): void {
    this.picker.lose(item.thing, neighbour.slot)
    if (this.picker.rarity(item.thing) === 0) this.wants.add(item)
  }
  /** It refused: remembered for contents that are one unit. */
  refused(item: Item, neighbour: Neighbour): void {
    this.lose(item, neighbour)
    if (neighbour.isCentre) this.wants.done(item)
    if (item.content.isSmall && !neighbour.isCentre)
      this.#holders.drop(neighbour.slot, [hintOf(item.content.content)])
  }

  /** The centre took its grants back. */
  revoked(neighbour: Neighbour): void {
    for (const item of this.items()) this.picker.lose(item.thing, neighbour.slot)
  }
  leave(neighbour: Neighbour): void {
    this.picker.forget(neighbour.slot)
    for (const content of this.#byRoot.values()) {
      content.handles.delete(neighbour)
      content.hashless.delete(neighbour)
      for (const [run, { by }] of content.hashAsks)
        if (by === neighbour) content.hashAsks.delete(run) // others are asked at the next tick
    }
    if (neighbour.isCentre) this.wants.reset(this.items())
    else
      for (const item of this.items())
        if (this.picker.rarity(item.thing) === 0) this.wants.add(item)
  }
}
