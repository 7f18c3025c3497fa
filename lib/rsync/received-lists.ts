/**
 * The sender's list as it comes from another machine, whole or directory by directory, as a tree for those who go through
 * it. What was gone through is let go. prsync-protocol(7), sorting and indexes; incremental recursion.
 */
import { type ByteName, baseOf, directoryOf, ROOT_NAME } from '../base/byte-name.js'
import { WireError } from '../base/errors.js'
import type { Chmod } from '../flist/chmod.js'
import { compareSiblings, MUNGED } from '../flist/list-entry.js'
import type { WireEntry } from '../wire/file-entry.js'
import { compareWire, sortList } from '../wire/list-order.js'
import type { AskedNames } from './asked-names.js'
import { ListStarts } from './list-starts.js'
import { REMOTE_TREE } from './remote-tree.js'
import type { Entry } from './request.js'
import type { WalkedList, WalkStep } from './walk.js'

export type ReceivedEntry = Entry & { number: number; readonly isTop: boolean }
export type ReceivedDirectory = {
  readonly entry: ReceivedEntry | null
  readonly name: ByteName
  /** Empty: what it holds is not sent. */
  readonly contents: readonly unknown[]
  listed: readonly (ReceivedEntry | ReceivedDirectory)[] | null
  /** The number of the first entry of its list; null: it has not come, or it has none of its own. */
  start: number | null
}
type Node = ReceivedEntry | ReceivedDirectory

export type ListEvents = {
  /**
   * A list has come, and will be gone through.
   * @param count numbers that it takes, of entries that are left out too
   * @param of its directory, which has a number now; null: the first
   */
  came(
    start: number,
    count: number,
    entries: readonly ReceivedEntry[],
    of: ReceivedEntry | null,
  ): void
  /** All in it but directories was gone through. */
  passed(start: number): void
  /** An entry has no place here, and is left out. */
  lost(what: Lost, entry: WireEntry): void
  /** Somebody waits for a list that has not come. */
  waits(): Promise<void>
}

export type Lost = 'name-lost' | 'target-lost'

/** What the receiver makes of entries. */
export type ListRule = {
  readonly chmod: Chmod | null
  readonly mungeLinks: boolean
  /** --prune-empty-dirs: those that stay; null: all do. */
  readonly keepsEmpty: ((name: ByteName) => boolean) | null
  /** --iconv: an entry as it is here, or what of it cannot be; null: all is as it came. */
  readonly convert: ((entry: WireEntry) => WireEntry | Lost) | null
  /** What may be in the list; null: whatever the sender has. */
  readonly asked: AskedNames | null
}

const CONTENTS: readonly unknown[] = [true]
/** A directory without a name here: what comes for it is left out. */
const LOST: ReceivedDirectory = {
  entry: null,
  name: ROOT_NAME,
  contents: [],
  listed: null,
  start: null,
}
const ORIGIN = { tree: REMOTE_TREE, name: ROOT_NAME }

export class ReceivedLists implements WalkedList<ReceivedDirectory> {
  readonly root: ReceivedDirectory
  readonly #protocol: number
  readonly #isIncremental: boolean
  readonly #events: ListEvents
  readonly #how: ListRule
  /** By the order in which they came, which numbers them; gone when their list is there. */
  readonly #directories: (ReceivedDirectory | null)[] = []
  readonly #within: ReceivedDirectory[] = []
  #next: number
  #wake: (() => void) | null = null
  /** Whoever goes through the lists waits for one. */
  #isAwaited = false
  #ahead = AHEAD
  #isWhole = false
  #hasFirst = false
  readonly count = { file: 0, directory: 0, symlink: 0, device: 0, special: 0, bytes: 0 }
  nameBytes = 0
  lists = 0
  readonly #starts = new ListStarts()
  /** Entries as they came, those that were sent twice too. */
  #cameSoFar = 0
  #first: ReceivedEntry | null = null

  constructor(protocol: number, isIncremental: boolean, how: ListRule, events: ListEvents) {
    this.#how = how
    this.#protocol = protocol
    this.#isIncremental = isIncremental
    this.#events = events
    this.#next = isIncremental ? 1 : 0
    this.root = { entry: null, name: ROOT_NAME, contents: [], listed: null, start: null }
  }

  get entries(): number {
    const { file, directory, symlink, device, special } = this.count
    return file + directory + symlink + device + special
  }
  get isEmpty(): boolean {
    return this.entries === 0
  }
  /** Null: more came than one. */
  get only(): ReceivedEntry | null {
    return this.#cameSoFar === 1 ? this.#first : null
  }
  /** No list is to come. */
  get isWhole(): boolean {
    return this.#isWhole
  }
  /** Entries up to the one of this number. */
  passedAt(number: number): number {
    return this.#starts.placeOf(number) + 1
  }
  /** The number that the first entry of the next list has. */
  get next(): number {
    return this.#next
  }

  // ---- as it comes -------------------------------------------------------------------------------

  acceptFirst(entries: WireEntry[]): void {
    const sorted = this.#numbered(entries)
    this.#hasFirst = true
    this.#first = sorted[0] ?? null
    const at = new Map<string, ReceivedDirectory>([[ROOT_NAME, this.root]])
    const children = new Map<ReceivedDirectory, Node[]>([[this.root, []]])
    for (const entry of sorted) {
      if (entry === null) continue
      if (entry.name === ROOT_NAME) {
        this.#become(entry)
        continue
      }
      const above = this.#placeOf(directoryOf(entry.name), at, children)
      const node =
        entry.stands.kind === 'directory' && !entry.isMissing ? this.#directory(entry) : entry
      if ('contents' in node) {
        at.set(node.name, node)
        if (!this.#isIncremental) children.set(node, [])
      }
      children.get(above)?.push(node)
    }
    this.#numberDirectories(entries, sorted, (name) => at.get(name) ?? null)
    for (const [directory, nodes] of children)
      directory.listed = this.#protocol < 29 ? nodes.sort(compareNodes) : nodes
    const { keepsEmpty } = this.#how
    if (keepsEmpty !== null) prune(this.root, keepsEmpty)
    this.root.start = this.#isIncremental ? 1 : 0
    this.#came(entries.length, sorted, null)
    if (!this.#isIncremental) this.end()
  }

  /** @param number of the directory @throws {WireError} on a list that nobody announced */
  accept(number: number, entries: WireEntry[]): void {
    const directory = this.#directories[number]
    if (directory === null || directory === undefined)
      throw new WireError(`a list of directory ${number}, which there is not`, { at: 'file list' })
    this.#directories[number] = null
    if (directory === LOST) return this.#acceptLost(entries)
    const start = this.#next
    const sorted = this.#numbered(entries)
    const nodes: Node[] = []
    const found = new Map<string, ReceivedDirectory>()
    for (const entry of sorted) {
      if (entry === null) continue
      if (directoryOf(entry.name) !== directory.name || entry.name === ROOT_NAME)
        throw new WireError(`${entry.name} in the list of ${directory.name}`, { at: 'file list' })
      const isDirectory = entry.stands.kind === 'directory' && !entry.isMissing
      const node = isDirectory ? this.#directory(entry) : entry
      if ('contents' in node) found.set(node.name, node)
      nodes.push(node)
    }
    this.#numberDirectories(entries, sorted, (name) => found.get(name) ?? null)
    directory.listed = nodes
    directory.start = start
    if (directory.entry !== null) directory.entry.number = start - 1
    this.#came(entries.length, sorted, directory.entry)
  }
  #acceptLost(entries: readonly WireEntry[]): void {
    const start = this.#begin(entries.length)
    for (const entry of entries) if (isDirectory(entry)) this.#directories.push(LOST)
    this.#events.came(start, entries.length, [], null)
    this.#events.passed(start)
    this.#wake?.()
  }

  /** No more lists will come. */
  end(): void {
    this.#isWhole = true
    this.#wake?.()
  }

  #numbered(entries: WireEntry[]): readonly (ReceivedEntry | null)[] {
    const start = this.#begin(entries.length)
    const { convert } = this.#how
    if (convert === null)
      return sortList(entries, this.#protocol).map((entry, i) => this.#whole(entry, start + i))
    // The other side sorts by other names: numbers go by the order in which they came.
    const here = new Map<string, number>()
    const known = entries.flatMap((entry, i) => {
      const converted = convert(entry)
      if (typeof converted === 'string') {
        this.#events.lost(converted, entry)
        return []
      }
      if (!here.has(keyIn(converted))) here.set(keyIn(converted), start + i)
      return converted
    })
    return sortList(known, this.#protocol).map(
      (entry) => entry && this.#whole(entry, here.get(keyIn(entry)) ?? start),
    )
  }
  /** @returns the number of its first entry */
  #begin(count: number): number {
    const start = this.#next
    this.#next += count + 1
    this.#cameSoFar += count
    this.lists++
    if (this.#isIncremental) this.#starts.add(start)
    return start
  }
  #whole(entry: WireEntry | null, number: number): ReceivedEntry | null {
    if (entry === null) return null
    const { kind } = entry.stands
    const { chmod, mungeLinks, asked } = this.#how
    asked?.check(entry.name, kind === 'directory')
    const isLink = kind === 'symlink'
    const mode = chmod === null || isLink ? entry.mode : chmod(entry.mode, kind === 'directory')
    const target = isLink && mungeLinks ? MUNGED + entry.target : entry.target
    const isBare = entry.isBare || (kind === 'directory' && asked?.holds(entry.name) === false)
    const isImplied = isBare && entry.isTop
    const whole = Object.assign(entry, { origin: ORIGIN, number, mode, target, isBare, isImplied })
    this.#tally(whole)
    return whole
  }
  #came(count: number, sorted: readonly (ReceivedEntry | null)[], of: ReceivedEntry | null): void {
    const start = this.#next - count - 1
    this.#events.came(
      start,
      count,
      sorted.filter((entry) => entry !== null),
      of,
    )
    this.#wake?.()
  }

  #become(entry: ReceivedEntry): void {
    const contents = entry.isBare ? [] : CONTENTS
    Object.assign(this.root, { entry, contents })
    if (this.#isIncremental) entry.number = 0
  }
  #directory(entry: ReceivedEntry): ReceivedDirectory {
    const contents = entry.isBare ? [] : CONTENTS
    return { entry, name: entry.name, contents, listed: null, start: null }
  }
  /** The directory of a name; one that is not in the list is only gone through. */
  #placeOf(
    name: ByteName,
    at: Map<string, ReceivedDirectory>,
    children: Map<ReceivedDirectory, Node[]>,
  ): ReceivedDirectory {
    const known = at.get(name)
    if (known !== undefined) return known
    if (this.#isIncremental) throw new WireError(`${name} is not in the list`, { at: 'file list' })
    const made: ReceivedDirectory = { entry: null, name, contents: [], listed: null, start: null }
    at.set(name, made)
    children.set(made, [])
    children.get(this.#placeOf(directoryOf(name), at, children))?.push(made)
    return made
  }
  /** A directory that came twice has two numbers; its list goes by the first. */
  #numberDirectories(
    came: readonly WireEntry[],
    sorted: readonly (ReceivedEntry | null)[],
    find: (name: ByteName) => ReceivedDirectory | null,
  ): void {
    if (!this.#isIncremental) return
    if (this.#how.convert !== null) return this.#numberAsCame(came, find)
    // What was left out for another of its name has left its place empty; a directory has its number all the same.
    const all = sorted.includes(null) ? [...came].sort(compareWire(this.#protocol)) : sorted
    for (const [i, one] of all.entries()) {
      if (one === null || !isDirectory(one)) continue
      const entry = sorted[i] ?? null
      this.#directories.push(entry === null || entry.name === ROOT_NAME ? null : find(entry.name))
    }
  }

  #numberAsCame(
    came: readonly WireEntry[],
    find: (name: ByteName) => ReceivedDirectory | null,
  ): void {
    const seen = new Set<string>()
    for (const entry of came) {
      if (!isDirectory(entry)) continue
      const { name } = this.#converted(entry)
      if (name === null) this.#directories.push(LOST)
      else this.#directories.push(name === ROOT_NAME || seen.has(name) ? null : find(name))
      if (name !== null) seen.add(name)
    }
  }

  #converted(entry: WireEntry): { readonly name: ByteName | null } {
    const converted = this.#how.convert?.(entry) ?? entry
    return typeof converted === 'string' ? { name: null } : converted
  }

  #tally({ stands, target }: ReceivedEntry): void {
    const { count } = this
    const { kind, size } = stands
    this.nameBytes += stands.base.length + target.length
    if (kind === 'file' || kind === 'symlink') count.bytes += size
    if (kind === 'character' || kind === 'block') count.device++
    else if (kind === 'fifo' || kind === 'socket') count.special++
    else count[kind]++
  }

  // ---- as it is gone through ---------------------------------------------------------------------

  open(directory: ReceivedDirectory): Promise<void> | null {
    return this.#isThere(directory) ? null : this.#wait(directory)
  }
  /** With what comes behind it, so that names of one file are known together where they can be. */
  #isThere(directory: ReceivedDirectory): boolean {
    if (!this.#isIncremental || this.#isWhole) return this.#hasFirst
    const isHere = directory === this.root ? this.#hasFirst : directory.listed !== null
    return isHere && this.#next - (directory.start ?? 0) - sizeOf(directory) >= this.#ahead
  }
  async #wait(directory: ReceivedDirectory): Promise<void> {
    this.#isAwaited = true
    await this.#events.waits()
    while (!this.#isThere(directory))
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    this.#wake = null
    this.#isAwaited = false
  }
  /** The one who waits for a list will not get it: the connection is over. */
  giveUp(): void {
    this.#isWhole = true
    this.#hasFirst = true
    this.#wake?.()
  }

  /** What is to come waits for the one who goes through the lists: he goes as far as they are there. */
  hurry(): void {
    if (!this.#isAwaited) return
    this.#ahead = 0
    this.#wake?.()
  }

  enter(directory: ReceivedDirectory): void {
    this.#within.push(directory)
  }
  leave(): void {
    const directory = this.#within.pop()
    if (directory !== undefined && this.#isIncremental) directory.listed = null
  }
  list(directory: ReceivedDirectory): readonly Node[] {
    return directory.listed ?? []
  }
  straight(): readonly WalkStep<ReceivedDirectory>[] | null {
    if (this.#protocol >= 29) return null
    const steps: WalkStep<ReceivedDirectory>[] = []
    const add = (directory: ReceivedDirectory, above: readonly ReceivedDirectory[]): void => {
      if (directory.entry !== null) steps.push({ node: directory, path: above })
      const path = [...above, directory]
      for (const node of directory.listed ?? [])
        if ('contents' in node) add(node, path)
        else steps.push({ node, path })
    }
    add(this.root, [])
    return steps.sort((a, b) => numberOf(a.node) - numberOf(b.node))
  }
  passed(directory: ReceivedDirectory): void {
    if (this.#isIncremental && directory.start !== null) this.#events.passed(directory.start)
  }
}

function numberOf(node: Entry | ReceivedDirectory): number {
  return ('contents' in node ? node.entry?.number : node.number) ?? 0
}

/** Numbers that its list takes. */
function sizeOf({ listed }: ReceivedDirectory): number {
  return (listed?.length ?? 0) + 1
}
/** Entries behind a list that have come before it is gone through; senders are at least twice as far ahead. */
const AHEAD = 500

/** Directories without anything but such are left out. @returns is anything in it? */
function prune(directory: ReceivedDirectory, keepsEmpty: (name: ByteName) => boolean): boolean {
  directory.listed = (directory.listed ?? []).filter(
    (node) => !('contents' in node) || prune(node, keepsEmpty) || keepsEmpty(node.name),
  )
  return directory.listed.length > 0
}

function isDirectory({ stands, isMissing }: Pick<WireEntry, 'stands' | 'isMissing'>): boolean {
  return stands.kind === 'directory' && !isMissing
}
/** One name, of a directory or of what is none. */
function keyIn(entry: WireEntry): string {
  return `${isDirectory(entry) ? 'd' : 'f'}${entry.name}`
}

function compareNodes(a: Node, b: Node): number {
  return compareSiblings(keyOf(a), keyOf(b))
}
function keyOf(node: Node): { base: string; kind: string } {
  return { base: baseOf(node.name), kind: 'contents' in node ? 'directory' : 'file' }
}
