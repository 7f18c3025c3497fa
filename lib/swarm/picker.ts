/**
 * What to ask of a peer next: the rarest thing among what it has, ties at random; at the end, things already asked of
 * others. docs/architecture.md, the swarm §5. Pure: no bytes, no time of its own, randomness passed in.
 *
 * A thing is a unit of a content, known here by a number. Each connection has its things in a row per rarity. Rows are
 * put right when read: an entry whose thing became more common moves on, one that is asked for or done is dropped.
 * So asking costs the same with a hundred things and a hundred thousand.
 */
import type { Random } from '../host.js'
import { bitCount, FALLBACK_SLOT, highBit, lowBit, type PeerMask, SLOTS } from './peer-mask.js'

const FREE = 0
const PENDING = 1
const TAKEN = 2
/** One asked, two more at the end. */
const MOST_COPIES = 3

export class Picker {
  readonly #random: Random
  readonly #rows: number[][][] = Array.from({ length: SLOTS }, () => [])
  readonly #freed: number[] = []
  /** Taken things, the longest ago first. */
  readonly #taken = new Set<number>()
  #lo = new Uint32Array(256)
  #hi = new Uint32Array(256)
  #state = new Uint8Array(256)
  #copies = new Uint8Array(256)
  #takenAt = new Float64Array(256)
  #top = 0
  #size = 0
  #available = 0

  constructor(random: Random) {
    this.#random = random
  }

  /** Things that are not done. */
  get size(): number {
    return this.#size
  }
  /** Things nobody was asked for that some connection has. */
  get available(): number {
    return this.#available
  }

  /** A new thing that these connections have. @returns its number, free again after `remove`. */
  add(mask: PeerMask): number {
    const thing = this.#freed.pop() ?? this.#grow()
    this.#lo[thing] = mask.lo
    this.#hi[thing] = mask.hi
    this.#copies[thing] = 0
    this.#size++
    this.#offer(thing)
    return thing
  }

  /** It is done. */
  remove(thing: number): void {
    if (this.#state[thing] === FREE) return
    this.#unoffer(thing)
    this.#taken.delete(thing)
    this.#state[thing] = FREE
    this.#freed.push(thing)
    this.#size--
  }

  /** A connection has it now. */
  gain(thing: number, slot: number): void {
    if (this.#state[thing] === FREE || this.has(thing, slot)) return
    const isPending = this.#state[thing] === PENDING
    if (isPending) this.#unoffer(thing)
    this.#lo[thing] = (this.#lo[thing] ?? 0) | lowBit(slot)
    this.#hi[thing] = (this.#hi[thing] ?? 0) | highBit(slot)
    if (!isPending) return
    this.#state[thing] = PENDING
    this.#count(thing, 1)
    this.#row(slot, this.rarity(thing)).push(thing)
  }

  /** A connection has it no more. */
  lose(thing: number, slot: number): void {
    if (this.#state[thing] === FREE || !this.has(thing, slot)) return
    const isPending = this.#state[thing] === PENDING
    if (isPending) this.#unoffer(thing)
    this.#lo[thing] = (this.#lo[thing] ?? 0) & ~lowBit(slot)
    this.#hi[thing] = (this.#hi[thing] ?? 0) & ~highBit(slot)
    // rarer than its entries say: only new entries make the others see it in time
    if (isPending) this.#offer(thing)
  }

  /** A connection is gone. */
  forget(slot: number): void {
    this.#rows[slot] = []
    for (let thing = 0; thing < this.#top; thing++) this.lose(thing, slot)
    this.#rows[slot] = []
  }

  has(thing: number, slot: number): boolean {
    const low = (this.#lo[thing] ?? 0) & lowBit(slot)
    return (low | ((this.#hi[thing] ?? 0) & highBit(slot))) !== 0
  }
  /** How many connections have it. */
  rarity(thing: number): number {
    return (
      bitCount(this.#lo[thing] ?? 0) +
      bitCount(((this.#hi[thing] ?? 0) & ~highBit(FALLBACK_SLOT)) >>> 0)
    )
  }

  /** The rarest pending thing that this connection has, now asked of it; -1: none. */
  take(slot: number, now: number): number {
    const rows = this.#rows[slot] ?? []
    for (let rarity = 0; rarity < rows.length; rarity++) {
      const thing = this.#first(rows[rarity], rarity, slot)
      if (thing < 0) continue
      this.claim(thing, now)
      return thing
    }
    return -1
  }

  /** Takes this one. @returns was it pending? */
  claim(thing: number, now: number): boolean {
    if (this.#state[thing] !== PENDING) return false
    this.#unoffer(thing)
    this.#state[thing] = TAKEN
    this.#copies[thing] = 1
    this.#takenAt[thing] = now
    this.#taken.add(thing)
    return true
  }
  isPending(thing: number): boolean {
    return this.#state[thing] === PENDING
  }

  /** Would `take` give something? */
  isWanted(slot: number): boolean {
    const rows = this.#rows[slot] ?? []
    for (let rarity = 0; rarity < rows.length; rarity++) {
      const thing = this.#first(rows[rarity], rarity, slot)
      if (thing < 0) continue
      this.#row(slot, this.rarity(thing)).push(thing)
      return true
    }
    return false
  }

  /**
   * End game: a thing that was asked of others before `before` and is asked of this connection too; -1: none.
   * @param isAsked was this connection asked for it already?
   */
  takeAgain(slot: number, before: number, isAsked: (thing: number) => boolean): number {
    for (const thing of this.#taken) {
      if ((this.#takenAt[thing] ?? 0) > before) continue
      if ((this.#copies[thing] ?? 0) >= MOST_COPIES || !this.has(thing, slot)) continue
      if (isAsked(thing)) continue
      this.#copies[thing] = (this.#copies[thing] ?? 0) + 1
      return thing
    }
    return -1
  }

  /** Nobody is asked for it any more. */
  giveBack(thing: number): void {
    if (this.#state[thing] !== TAKEN) return
    this.#taken.delete(thing)
    this.#copies[thing] = 0
    this.#offer(thing)
  }

  /** A random entry of a row that is right, taken out of it; others are moved or dropped. */
  #first(row: number[] | undefined, rarity: number, slot: number): number {
    while (row !== undefined && row.length > 0) {
      const at = row.length === 1 ? 0 : this.#random.below(row.length)
      const thing = row[at] ?? 0
      const last = row.pop() ?? 0
      if (at < row.length) row[at] = last
      if (this.#state[thing] !== PENDING || !this.has(thing, slot)) continue
      const now = this.rarity(thing)
      if (now <= rarity) return thing
      this.#row(slot, now).push(thing)
    }
    return -1
  }

  #offer(thing: number): void {
    this.#state[thing] = PENDING
    this.#count(thing, 1)
    const rarity = this.rarity(thing)
    for (let word = this.#lo[thing] ?? 0; word !== 0; word &= word - 1)
      this.#row(31 - Math.clz32(word & -word), rarity).push(thing)
    for (let word = this.#hi[thing] ?? 0; word !== 0; word &= word - 1)
      this.#row(63 - Math.clz32(word & -word), rarity).push(thing)
  }
  /** Its entries are dropped when they are met. */
  #unoffer(thing: number): void {
    if (this.#state[thing] === PENDING) this.#count(thing, -1)
  }
  #count(thing: number, by: number): void {
    if (this.rarity(thing) > 0) this.#available += by
  }

  #row(slot: number, rarity: number): number[] {
    const rows = this.#rows[slot] ?? []
    while (rows.length <= rarity) rows.push([])
    return rows[rarity] ?? []
  }

  #grow(): number {
    if (this.#top === this.#state.length) {
      const size = this.#top * 2
      this.#lo = wider(this.#lo, new Uint32Array(size))
      this.#hi = wider(this.#hi, new Uint32Array(size))
      this.#state = wider(this.#state, new Uint8Array(size))
      this.#copies = wider(this.#copies, new Uint8Array(size))
      this.#takenAt = wider(this.#takenAt, new Float64Array(size))
    }
    return this.#top++
  }
}

function wider<T extends Uint32Array | Uint8Array | Float64Array>(old: T, grown: T): T {
  grown.set(old)
  return grown
}
