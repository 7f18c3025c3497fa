/**
 * The sender's list as it goes out: whole, or directory by directory ahead of what the receiver works on. Gives entries their
 * numbers, and forgets what the receiver is done with. prsync-protocol(7), incremental recursion.
 */
import type { Writer } from '../base/bytes.js'
import type { WireEntry } from '../wire/file-entry.js'
import type { ListEncoder } from '../wire/list-encoder.js'
import { compareWire } from '../wire/list-order.js'
import { NDX, type NdxWriter, ndxOfList } from '../wire/ndx.js'
import { ListStarts } from './list-starts.js'
import type { SourceList } from './source-list.js'
import { isListed, type SourceDirectory, type SourceEntry } from './source-node.js'

/** Entries that are sent before the receiver has finished those before them. */
const AHEAD = 1500

/** What became of an entry that was sent. */
export const MARK = {
  /** It was asked for before, so what comes now is the second try. */
  sent: 1,
  /** It stands at the receiver, and the source was removed. */
  finished: 2,
} as const

type SentList = {
  readonly start: number
  /** The directory that it is of, whose number is the one before its start. */
  readonly own: SourceEntry | null
  readonly entries: readonly SourceEntry[]
  /** MARK of each, the directory's first. */
  readonly marks: Uint8Array
}

export type ListParts = {
  readonly list: SourceList
  readonly encoder: ListEncoder
  readonly numbers: NdxWriter
  readonly protocol: number
  readonly incremental: boolean
  /** Whether directories are sent that only stand above what was named; since protocol 30 they always are. */
  readonly impliedDirs: boolean
  /** What is sent besides the entry itself: names of owners, sums, extended attributes. */
  readonly describe: (entry: SourceEntry, isTop: boolean) => WireEntry
  /** What takes long and is needed to describe them; null: nothing is. */
  readonly prepare: ((entries: readonly SourceEntry[]) => Promise<void>) | null
  /** Errors of reading so far, as the list tells them. */
  readonly ioError: () => number
  /** A further list is out. */
  readonly grew: () => void
}

/** A directory whose list is to be sent. */
type Due = { readonly number: number; readonly directory: SourceDirectory }

export class SentLists {
  readonly #parts: ListParts
  readonly #lists: SentList[] = []
  /** Those that come next stand last. */
  readonly #due: Due[] = []
  #directories = 0
  #next: number
  #open = 0
  readonly #starts = new ListStarts()
  /** Entries in lists so far. */
  entries = 0
  /** Nothing is left to be sent. */
  isWhole = false

  constructor(parts: ListParts) {
    this.#parts = parts
    this.#next = parts.incremental ? 1 : 0
  }

  /** The first list, which may be the only one. */
  async sendFirst(w: Writer): Promise<void> {
    const { list, incremental } = this.#parts
    const { root } = list
    if (!incremental) return this.#sendWhole(w)
    const nodes = list.list(root)
    const own = root.entry === null ? [] : [root.entry]
    if (root.entry !== null) this.#directories++
    this.#expect(nodes.filter(isListed))
    const listed = [...own.map((entry) => ({ entry, isTop: true })), ...described(nodes, root)]
    await this.#prepared(listed)
    this.#put(w, listed, root)
    await this.sendMore(w)
  }

  /** Further lists, as far ahead as is good. Null: they are out. */
  sendMore(w: Writer): Promise<void> | null {
    if (this.#parts.prepare !== null) return this.#wantsMore() ? this.#prepareMore(w) : null
    while (this.#wantsMore()) this.#sendNext(w, this.#nextDue())
    return null
  }
  async #prepareMore(w: Writer): Promise<void> {
    while (this.#wantsMore()) {
      const next = this.#nextDue()
      if (next !== null) await this.#prepared(next.listed)
      this.#sendNext(w, next)
    }
  }
  async #prepared(listed: readonly Listed[]): Promise<void> {
    await this.#parts.prepare?.(listed.map(({ entry }) => entry))
  }
  #wantsMore(): boolean {
    // The receiver waits until it has some of what comes behind the list that it goes through.
    const ahead = this.#open - (this.#lists[0]?.entries.length ?? 0)
    return !this.isWhole && (ahead < AHEAD || this.#lists.length < 2)
  }

  /** Null: that was all. */
  #nextDue(): NextList | null {
    const due = this.#due.pop()
    if (due === undefined) return null
    const { directory, number } = due
    const nodes = this.#parts.list.list(directory)
    this.#expect(nodes.filter(isListed))
    return { number, directory, listed: described(nodes, directory) }
  }
  #sendNext(w: Writer, next: NextList | null): void {
    const { numbers } = this.#parts
    numbers.write(w, next === null ? NDX.listEnd : ndxOfList(next.number))
    if (next === null) this.isWhole = true
    else this.#put(w, next.listed, next.directory)
  }

  /** Their lists come next, the first first. */
  #expect(directories: readonly SourceDirectory[]): void {
    const due = directories.map((directory) => ({ number: this.#directories++, directory }))
    this.#due.push(...due.reverse())
  }

  #put(w: Writer, listed: readonly Listed[], directory: SourceDirectory): void {
    const { encoder, describe, ioError } = this.#parts
    const start = this.#next
    this.#next += listed.length + 1
    encoder.begin(start)
    for (const { entry, isTop } of listed) encoder.entry(w, describe(entry, isTop))
    encoder.end(w, ioError())
    this.#starts.add(start)
    this.#remember(
      start,
      directory.entry,
      listed.map((one) => one.entry),
    )
  }
  #remember(start: number, own: SourceEntry | null, entries: readonly SourceEntry[]): void {
    this.#lists.push({ start, own, entries, marks: new Uint8Array(entries.length + 1) })
    this.entries += entries.length
    this.#open += entries.length + 1
    this.#parts.grew()
  }

  async #sendWhole(w: Writer): Promise<void> {
    const { list, encoder, describe, protocol, impliedDirs, ioError } = this.#parts
    const listed: Listed[] = []
    const add = (directory: SourceDirectory, above: SourceDirectory): void => {
      const { entry } = directory
      if (entry !== null && (impliedDirs || protocol >= 30 || !entry.isImplied))
        listed.push({ entry, isTop: isTopDirectory(directory, above) })
      for (const node of list.list(directory))
        if (isListed(node)) add(node, directory)
        else listed.push({ entry: node, isTop: false })
    }
    add(list.root, list.root)
    await this.#prepared(listed)
    const found = listed.map(({ entry, isTop }) => ({ entry, wire: describe(entry, isTop) }))
    if (protocol < 29) {
      const compare = compareWire(protocol)
      found.sort((a, b) => compare(a.wire, b.wire))
    }
    encoder.begin(0)
    for (const { wire } of found) encoder.entry(w, wire)
    encoder.end(w, ioError())
    this.#remember(
      0,
      null,
      found.map(({ entry }) => entry),
    )
    this.isWhole = true
  }

  /** An entry by its number, which is null for one that is none, or is over. A directory's own is the one before its list. */
  at(number: number): SourceEntry | null {
    const list = this.#listOf(number)
    if (list === undefined) return null
    return number < list.start ? list.own : (list.entries[number - list.start] ?? null)
  }
  /** @returns it had not been marked so before */
  mark(number: number, mark: (typeof MARK)[keyof typeof MARK]): boolean {
    const list = this.#listOf(number)
    if (list === undefined) return false
    const at = number - list.start + 1
    const before = list.marks[at] ?? 0
    list.marks[at] = before | mark
    return (before & mark) === 0
  }
  isMarked(number: number, mark: (typeof MARK)[keyof typeof MARK]): boolean {
    const list = this.#listOf(number)
    return list !== undefined && ((list.marks[number - list.start + 1] ?? 0) & mark) !== 0
  }
  #listOf(number: number): SentList | undefined {
    for (const list of this.#lists)
      if (number >= list.start - 1 && number < list.start + list.entries.length) return list
    return undefined
  }

  /** Entries up to the one of this number. */
  passedAt(number: number): number {
    return this.#starts.placeOf(number) + 1
  }

  /** The receiver is done with the oldest list. @returns false: there was none */
  close(): boolean {
    const list = this.#lists.shift()
    if (list === undefined) return false
    this.#open -= list.entries.length + 1
    return true
  }
  get hasOpen(): boolean {
    return this.#lists.length > 0
  }
}

type NextList = {
  readonly number: number
  readonly directory: SourceDirectory
  readonly listed: readonly Listed[]
}
type Listed = { readonly entry: SourceEntry; readonly isTop: boolean }

function described(
  nodes: readonly (SourceDirectory | SourceEntry)[],
  above: SourceDirectory,
): Listed[] {
  const listed: Listed[] = []
  for (const node of nodes) {
    const entry = isListed(node) ? node.entry : node
    if (entry !== null) listed.push({ entry, isTop: isListed(node) && isTopDirectory(node, above) })
  }
  return listed
}
/** It was named, with what is in it, or stands above what was named. */
function isTopDirectory(directory: SourceDirectory, above: SourceDirectory): boolean {
  if (directory === above) return true
  const { entry, contents } = directory
  if (contents.length === 0) return entry?.isImplied === true
  return above.named.has(entry?.stands.base ?? '')
}
