/** What was sent once in a session and is meant again by its number: ACLs and sets of extended attributes. prsync-protocol(7). */
import type { Cursor, Writer } from '../base/bytes.js'
import { WireError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { readVarint, writeVarint } from './ints.js'

/** What lies in memory besides its bytes: a set, and each of its parts. Measured: 107 for an ACL, 57 to 66 for a part. */
const PART_BYTES = 64

/** Room for what one session has to remember, all kinds of it together. */
export class SessionRoom {
  #left: number

  constructor(bytes: number = LIMITS.listExtraBytes) {
    this.#left = bytes
  }
  /** @throws {WireError} where it is more than there is room for */
  check(bytes: number): void {
    if (bytes > this.#left)
      throw new WireError('too many ACLs and extended attributes in one session')
  }
  take(bytes: number): void {
    this.#left -= bytes
  }
}

/** Takes what an entry brought only when the whole entry was there. */
export class SessionReader<T> {
  readonly #literal: (c: Cursor) => T
  readonly #partsOf: (item: T) => number
  readonly #room: SessionRoom
  readonly #items: T[] = []
  #pending: T | null = null
  #pendingBytes = 0

  constructor(literal: (c: Cursor) => T, partsOf: (item: T) => number, room: SessionRoom) {
    this.#literal = literal
    this.#partsOf = partsOf
    this.#room = room
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
    this.#pendingBytes = c.pos - from + PART_BYTES * (1 + this.#partsOf(item))
    this.#room.check(this.#pendingBytes)
    this.#pending = item
    return item
  }
  commit(): void {
    if (this.#pending === null) return
    this.#items.push(this.#pending)
    this.#room.take(this.#pendingBytes)
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
