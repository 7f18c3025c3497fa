/**
 * The cheap look at a directory that was in order: is it still, by one statx(2) a name and nothing else? Names go to the
 * kernel from where they stand in the record and its answer is compared word by word: 1.3 µs a file, of which 1.2 are the
 * kernel's, against 2.4 through `lstatSync`. Whatever differs is looked at in full by somebody else.
 */
import { constants } from 'node:fs'
import { type ByteName, joinName, nameBytes, ROOT_NAME } from '../base/byte-name.js'
import { codeOf } from '../base/errors.js'
import type { Root } from '../hash/root.js'
import {
  AT,
  baseAt,
  directoriesIn,
  isSettled,
  type RecordView,
  ROW_WORDS,
  type SettledWish,
  settledPage,
  takeSettled,
  viewRecord,
} from './directory-record.js'
import { type Libc, libc, type StatByAddress } from './libc.js'

/** A directory to glance at. */
export type Glimpse = {
  readonly name: ByteName
  /** The page it should have been settled by; undefined: whichever it was. */
  readonly page: Root | null | undefined
  /** The topmost directory in order of those it belongs to; null: it may be one itself. */
  readonly head: ByteName | null
}

/** What is in order together: a directory and those below it, down to the ones that are not. */
export type Orderly = {
  /** The page its head was settled by; undefined while the head's own part has not been added. */
  page: Root | null | undefined
  files: number
  entries: number
  unhashed: number
  /** A name of each file that has others. */
  readonly links: { group: number; name: ByteName }[]
  /** Directories just below that have to be looked at in full, with their page at a node. */
  readonly broken: { name: ByteName; page: Root | null }[]
}

export type Glanced = {
  readonly orderly: ReadonlyMap<ByteName, Orderly>
  /** Not looked at yet. */
  readonly rest: readonly Glimpse[]
}

export class Glance {
  readonly #top: number
  readonly #record: (name: ByteName) => Uint8Array | null
  readonly #wish: SettledWish
  readonly #calls: Libc
  readonly #direct: StatByAddress
  readonly #seen = new Uint32Array(64)
  readonly #seenAt: number
  readonly #dot = Buffer.from('.\0')
  readonly #dotAt: number
  /** The record that is looked at, where the kernel can read its names. */
  #own = Buffer.alloc(0)
  #ownAt = 0

  private constructor(
    calls: Libc,
    direct: StatByAddress,
    top: number,
    record: (name: ByteName) => Uint8Array | null,
    wish: SettledWish,
  ) {
    this.#top = top
    this.#record = record
    this.#wish = wish
    this.#calls = calls
    this.#direct = direct
    this.#seenAt = this.#direct.of(this.#seen)
    this.#dotAt = this.#direct.of(this.#dot)
  }

  /**
   * Null where this machine has no calls for it: then all is looked at in full.
   * @param top the tree, held open @param record the bytes of a directory's record
   */
  static open(
    top: number,
    record: (name: ByteName) => Uint8Array | null,
    wish: SettledWish,
  ): Glance | null {
    const calls = libc()
    if (calls.byAddress === null) return null
    return new Glance(calls, calls.byAddress, top, record, wish)
  }

  /** Looks at these and all below, but at about `most` files. */
  walk(items: readonly Glimpse[], most: number): Glanced {
    const orderly = new Map<ByteName, Orderly>()
    const pending = [...items]
    let looked = 0
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const view = this.#view(next.name)
      const isInOrder = view !== null && this.#isInOrder(view, next)
      const head = isInOrder ? (next.head ?? next.name) : null
      if (isInOrder) add(groupOf(orderly, next.head ?? next.name), view, next)
      else if (next.head !== null)
        groupOf(orderly, next.head).broken.push({ name: next.name, page: next.page ?? null })
      // Below one that is not in order, others may be.
      if (view !== null)
        for (const { base, page } of directoriesIn(view))
          pending.push({
            name: joinName(next.name, base),
            page: isInOrder ? page : undefined,
            head,
          })
      looked += 16 + (view?.count ?? 0)
      if (looked >= most) break
    }
    return { orderly, rest: pending }
  }

  #view(name: ByteName): RecordView | null {
    const bytes = this.#record(name)
    if (bytes === null) return null
    if (this.#own.length < bytes.length) {
      this.#own = Buffer.alloc(bytes.length * 2)
      this.#ownAt = this.#direct.of(this.#own)
    }
    this.#own.set(bytes)
    return viewRecord(this.#own, bytes.length)
  }

  #isInOrder(view: RecordView, { name, page }: Glimpse): boolean {
    if (!isSettled(view, this.#wish)) return false
    if (page !== undefined && settledPage(view) !== page) return false
    const fd = this.#open(name)
    if (fd === null) return false
    try {
      return (
        this.#isAsItWas(fd, this.#dotAt, view.words, AT.self) && this.#areRowsAsTheyWere(fd, view)
      )
    } finally {
      if (fd !== this.#top) this.#direct.close(fd)
    }
  }

  #areRowsAsTheyWere(fd: number, { words, at, count }: RecordView): boolean {
    for (let i = 0, row = at.rows; i < count; i++, row += ROW_WORDS) {
      const name = words[row] ?? 0
      if (name < at.names || name >= at.end) return false
      if (!this.#isAsItWas(fd, this.#ownAt + name, words, row + 1)) return false
    }
    return true
  }

  /** struct statx, the same on every architecture: statx(2). */
  #isAsItWas(fd: number, name: number, words: Uint32Array, at: number): boolean {
    if (!this.#direct.stat(fd, name, this.#seenAt)) return false
    const seen = this.#seen
    return (
      seen[8] === words[at] &&
      seen[9] === words[at + 1] &&
      seen[10] === words[at + 2] &&
      seen[11] === words[at + 3] &&
      seen[24] === words[at + 4] &&
      seen[25] === words[at + 5] &&
      seen[26] === words[at + 6] &&
      seen[28] === words[at + 7] &&
      seen[29] === words[at + 8] &&
      seen[30] === words[at + 9]
    )
  }

  #open(name: ByteName): number | null {
    if (name === ROOT_NAME) return this.#top
    try {
      const flags = constants.O_RDONLY | constants.O_DIRECTORY
      return this.#calls.openBeneath(this.#top, nameBytes(name), flags, 0)
    } catch (error) {
      // Whoever looks in full says what is wrong with it.
      if (codeOf(error) === undefined) throw error
      return null
    }
  }
}

function groupOf(orderly: Map<ByteName, Orderly>, head: ByteName): Orderly {
  const found = orderly.get(head)
  if (found !== undefined) return found
  const fresh = { page: undefined, files: 0, entries: 0, unhashed: 0, links: [], broken: [] }
  orderly.set(head, fresh)
  return fresh
}

function add(own: Orderly, view: RecordView, { name, head }: Glimpse): void {
  const { entries, files, unhashed, links } = takeSettled(view)
  if (head === null) own.page = settledPage(view)
  own.entries += entries
  own.files += files
  own.unhashed += unhashed
  for (const { group, index } of links) {
    const base = baseAt(view, index)
    if (base !== null) own.links.push({ group, name: joinName(name, base) })
  }
}

/** Adds what another walk found. */
export function mergeOrderly(
  into: Map<ByteName, Orderly>,
  from: ReadonlyMap<ByteName, Orderly>,
): void {
  for (const [head, more] of from) {
    const own = groupOf(into, head)
    if (more.page !== undefined) own.page = more.page
    own.entries += more.entries
    own.files += more.files
    own.unhashed += more.unhashed
    for (const link of more.links) own.links.push(link)
    for (const broken of more.broken) own.broken.push(broken)
  }
}
