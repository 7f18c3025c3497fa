/** Units of one content as bits, growing as they are named. */
import type { UnitRange } from './peer-port.js'

export class UnitSet {
  #words = new Uint32Array(2)
  #count = 0

  get count(): number {
    return this.#count
  }
  get bytes(): number {
    return this.#words.byteLength
  }

  has(unit: number): boolean {
    return (((this.#words[unit >>> 5] ?? 0) >>> (unit & 31)) & 1) === 1
  }
  /** @returns was it new? */
  add(unit: number): boolean {
    const word = unit >>> 5
    if (word >= this.#words.length) this.#growTo(word + 1)
    if (this.has(unit)) return false
    this.#words[word] = (this.#words[word] ?? 0) | (1 << (unit & 31))
    this.#count++
    return true
  }
  #growTo(words: number): void {
    const grown = new Uint32Array(Math.max(words, this.#words.length * 2))
    grown.set(this.#words)
    this.#words = grown
  }
}

/** Units in rising order as ranges. */
export function rangesOf(units: Iterable<number>): UnitRange[] {
  const out: UnitRange[] = []
  let first = -1
  let count = 0
  for (const unit of units) {
    if (unit === first + count && count > 0) count++
    else {
      if (count > 0) out.push({ first, count })
      first = unit
      count = 1
    }
  }
  if (count > 0) out.push({ first, count })
  return out
}
