/**
 * The sender's list as it comes from another machine, whole or directory by directory, as a tree for those who go through
 * it. What was gone through is let go. prsync-protocol(7), sorting and indexes; incremental recursion.
 */
import { directoryOf, ROOT_NAME } from '../base/byte-name.js'
import { WireError } from '../base/errors.js'
import type { WireEntry } from '../wire/file-entry.js'
import { DirectoryNumbers } from './directory-numbers.js'
import { ListStarts } from './list-starts.js'
import { type ListRule, type Lost, type ReceivedEntry, receivedEntries } from './received-entry.js'
import {
  FirstList,
  nodeOf,
  prune,
  type ReceivedDirectory,
  type ReceivedNode,
  stepsByNumber,
  unlistedDirectory,
} from './received-tree.js'
import type { WalkedList, WalkStep } from './walk.js'

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

export class ReceivedLists implements WalkedList<ReceivedDirectory> {
  readonly root: ReceivedDirectory
  readonly #protocol: number
  readonly #isIncremental: boolean
  readonly #events: ListEvents
  readonly #rule: ListRule
  readonly #directories: DirectoryNumbers
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

  constructor(protocol: number, isIncremental: boolean, rule: ListRule, events: ListEvents) {
    this.#rule = rule
    this.#directories = new DirectoryNumbers(protocol, rule.convert)
    this.#protocol = protocol
    this.#isIncremental = isIncremental
    this.#events = events
    this.#next = isIncremental ? 1 : 0
    this.root = unlistedDirectory(ROOT_NAME)
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
    const first = new FirstList(this.root, this.#isIncremental)
    for (const entry of sorted) if (entry !== null) first.add(entry)
    if (this.#isIncremental) this.#directories.add(entries, sorted, (name) => first.find(name))
    first.finish(this.#protocol)
    const { keepsEmpty } = this.#rule
    if (keepsEmpty !== null) prune(this.root, keepsEmpty)
    this.root.start = this.#isIncremental ? 1 : 0
    this.#came(entries.length, sorted, null)
    if (!this.#isIncremental) this.end()
  }

  /** @param number of the directory @throws {WireError} on a list that nobody announced */
  accept(number: number, entries: WireEntry[]): void {
    const directory = this.#directories.take(number)
    if (directory === 'lost') return this.#acceptLost(entries)
    const start = this.#next
    const sorted = this.#numbered(entries)
    const nodes: ReceivedNode[] = []
    const found = new Map<string, ReceivedDirectory>()
    for (const entry of sorted) {
      if (entry === null) continue
      if (directoryOf(entry.name) !== directory.name || entry.name === ROOT_NAME)
        throw new WireError(`${entry.name} in the list of ${directory.name}`, { at: 'file list' })
      const node = nodeOf(entry)
      if ('contents' in node) found.set(node.name, node)
      nodes.push(node)
    }
    this.#directories.add(entries, sorted, (name) => found.get(name) ?? null)
    directory.listed = nodes
    directory.start = start
    if (directory.entry !== null) directory.entry.number = start - 1
    this.#came(entries.length, sorted, directory.entry)
  }
  #acceptLost(entries: readonly WireEntry[]): void {
    const start = this.#begin(entries.length)
    this.#directories.addLost(entries)
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
    const sorted = receivedEntries(entries, start, this.#protocol, this.#rule, (what, entry) =>
      this.#events.lost(what, entry),
    )
    for (const entry of sorted) if (entry !== null) this.#tally(entry)
    return sorted
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
  list(directory: ReceivedDirectory): readonly ReceivedNode[] {
    return directory.listed ?? []
  }
  straight(): readonly WalkStep<ReceivedDirectory>[] | null {
    return this.#protocol >= 29 ? null : stepsByNumber(this.root)
  }
  passed(directory: ReceivedDirectory): void {
    if (this.#isIncremental && directory.start !== null) this.#events.passed(directory.start)
  }
}

/** Numbers that its list takes. */
function sizeOf({ listed }: ReceivedDirectory): number {
  return (listed?.length ?? 0) + 1
}
/** Entries behind a list that have come before it is gone through; senders are at least twice as far ahead. */
const AHEAD = 500
