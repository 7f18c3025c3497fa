/**
 * What we can give, as we tell it: whole contents in the order they came, 8 bytes each, so that every neighbour is told
 * from where it stands; and the units that became whole since the last time.
 */
import { bytesOf, latin1Of } from '../base/bytes.js'
import type { ContentId } from '../hash/root.js'
import { hintOf } from './holders.js'
import type { Have, RootHint } from './peer-port.js'
import { rangesOf } from './unit-set.js'

const HINT_BYTES = 8

export class Offers {
  #log = new Uint8Array(1024)
  #count = 0
  readonly #dropped = new Set<RootHint>()
  #units = new Map<RootHint, number[]>()
  #through: number | null = null

  /** Whole contents told so far, and to be told. */
  get count(): number {
    return this.#count
  }

  whole(hint: RootHint): void {
    this.#dropped.delete(hint)
    const start = this.#count * HINT_BYTES
    if (start === this.#log.length) {
      const grown = new Uint8Array(start * 2)
      grown.set(this.#log)
      this.#log = grown
    }
    this.#log.set(bytesOf(hint), start)
    this.#count++
    this.#units.delete(hint)
  }
  drop(hint: RootHint): void {
    this.#dropped.add(hint)
    this.#units.delete(hint)
  }
  /** The sequence we are complete through; null: none. */
  get through(): number | null {
    return this.#through
  }
  /** What was offered so far is said by the sequence now. */
  complete(through: number | null): void {
    this.#through = through
    this.#log = new Uint8Array(1024)
    this.#count = 0
    this.#dropped.clear()
  }

  unit(content: ContentId, unit: number): void {
    const hint = hintOf(content)
    const units = this.#units.get(hint)
    if (units === undefined) this.#units.set(hint, [unit])
    else units.push(unit)
  }

  /** Hints from a place in the log on, at most `most` places. */
  wholesFrom(cursor: number, most: number): RootHint[] {
    const out: RootHint[] = []
    const end = Math.min(this.#count, cursor + most)
    for (let i = cursor; i < end; i++) {
      const hint = latin1Of(this.#log.subarray(i * HINT_BYTES, (i + 1) * HINT_BYTES))
      if (!this.#dropped.has(hint)) out.push(hint)
    }
    return out
  }

  /** The units since the last call. */
  takeUnits(): Have['parts'] {
    const units = this.#units
    if (units.size === 0) return []
    this.#units = new Map()
    return [...units].map(([hint, list]) => {
      list.sort((a, b) => a - b)
      return { hint, ranges: rangesOf(list) }
    })
  }
}
