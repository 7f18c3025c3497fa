/** What was sent once in a session and is meant again by its number: ACLs and sets of extended attributes. prsync-protocol(7). */
import type { Cursor, Writer } from '../base/bytes.js'
import { WireError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { readVarint, writeVarint } from './ints.js'

/** Takes what an entry brought only when the whole entry was there. */
export class SessionReader<T> {
  readonly #literal: (c: Cursor) => T
  readonly #items: T[] = []
  #bytes = 0
  #pending: T | null = null
  #pendingBytes = 0

  constructor(literal: (c: Cursor) => T) {
    this.#literal = literal
  }

  read(c: Cursor): T {
    this.#pending = null
    const number = readVarint(c)
    if (number !== 0) {
      const item = this.#items[number - 1]
      if (item === undefined) throw new WireError(`number ${number} of ${this.#items.length}`)
      return item
    }
    const from = c.pos
    const item = this.#literal(c)
    this.#pendingBytes = c.pos - from
    if (this.#bytes + this.#pendingBytes > LIMITS.listExtraBytes)
      throw new WireError('too many ACLs and extended attributes in one session')
    this.#pending = item
    return item
  }
  commit(): void {
    if (this.#pending === null) return
    this.#items.push(this.#pending)
    this.#bytes += this.#pendingBytes
    this.#pending = null
  }
}

/** Knows by its key what went before. */
export class SessionWriter {
  readonly #numbers = new Map<string, number>()

  write(w: Writer, key: string, literal: () => void): void {
    const number = this.#numbers.get(key)
    writeVarint(w, number ?? 0)
    if (number !== undefined) return
    this.#numbers.set(key, this.#numbers.size + 1)
    literal()
  }
}
