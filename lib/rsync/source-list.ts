/**
 * The sender's file list: sources as named → entries, directory by directory, in rsync's order. A directory is listed when
 * it is asked for, so that a tree of millions is never in memory at once, unless something needs to see all of it first.
 * rsync(1); prsync-protocol(7), building the list from arguments.
 */
import { type ByteName, baseOf, joinName, ROOT_NAME } from '../base/byte-name.js'
import { codeOf } from '../base/errors.js'
import type { Filter } from '../flist/filter-match.js'
import type { Origin } from '../flist/list-entry.js'
import type { Standing } from '../host.js'
import { SourceFilters } from './source-filters.js'
import { type SourceEvents, SourceLook, type SourceRules } from './source-look.js'
import {
  addContents,
  type Contents,
  compareNodes,
  endsWith,
  isListed,
  isOnlyImplied,
  join,
  pathOf,
  type SourceDirectory,
  type SourceEntry,
  type SourceNode,
} from './source-node.js'
import type { SourceTree } from './trees.js'

export class SourceList {
  readonly #rules: SourceRules
  readonly #look: SourceLook
  readonly #filters: SourceFilters
  readonly #events: SourceEvents
  readonly root: SourceDirectory
  #rank = 0
  /** The directories above the last name that had any. */
  #above: readonly string[] = []
  /** Entries so far, by kind, and bytes of files and links. */
  readonly count = { file: 0, directory: 0, symlink: 0, device: 0, special: 0, bytes: 0 }
  /** Of names, without their directories, and of what links point to. */
  nameBytes = 0
  /** A name was named twice: it is in the list once, but does not come alone. */
  hasDoubles = false

  constructor(rules: SourceRules, filterOf: (tree: SourceTree) => Filter, events: SourceEvents) {
    this.#rules = rules
    this.#look = new SourceLook(rules, events)
    this.#events = events
    this.root = {
      entry: null,
      name: ROOT_NAME,
      contents: [],
      named: new Map(),
      listed: null,
    }
    this.#filters = new SourceFilters(this.root, rules.incRecursive, filterOf)
  }

  /** Nothing was named that is there. */
  get isEmpty(): boolean {
    return this.root.entry === null && this.root.named.size === 0
  }

  /**
   * Adds a source. @param name in the transfer @param origin where it stands
   * @param wholly its contents too, as for `dir/`, also without recursion
   * @returns false where nothing stands there; what cannot be looked at was told
   */
  add(name: ByteName, origin: Origin<SourceTree>, wholly: boolean, implied: boolean): boolean {
    this.#rank++
    const faults = this.#look.faults
    const own = this.#look.own(origin)
    const found = own === null ? null : this.#look.through(name, origin, own)
    // A slash at the end names the directory that a link leads to.
    const target = wholly && found?.kind === 'symlink' ? this.#look.follow(origin) : null
    const named = target?.kind === 'directory' ? target : found
    const stands = named && own && { ...named, base: own.base }
    if (stands === null) return this.#look.faults > faults
    const { recursive, dirs } = this.#rules
    const isBelowArgument =
      name !== ROOT_NAME &&
      this.#filters.of(origin.tree).excludes(name, stands.kind === 'directory')
    if (isBelowArgument) return true
    const from =
      own?.kind === 'symlink' && stands.kind !== 'symlink'
        ? { ...origin, isFollowed: true }
        : origin
    if (this.#look.isHidden(origin, from, true)) return false
    if (stands.kind === 'directory' && !recursive && !dirs) {
      this.#events.skipped('directory', name, '')
      return true
    }
    const contents = stands.kind === 'directory' && (recursive || wholly)
    this.#place(name, from, stands, contents, implied)
    return true
  }

  /** The directory itself that sources are named in, for `./name` with -R. */
  addTop(origin: Origin<SourceTree>): void {
    const stands = this.root.entry === null ? this.#look.stat(ROOT_NAME, origin) : null
    if (stands !== null) this.root.entry = this.#implied(ROOT_NAME, origin, stands)
  }

  /** An entry that says only that this name is to go: `--delete-missing-args`. */
  addMissing(name: ByteName, origin: Origin<SourceTree>): void {
    const at = this.#parentOf(name, origin, true)
    // Where lists come in parts there is one for each directory of the list, and none for this.
    const above = { tree: origin.tree, name: ascend(origin.name, 1) }
    if (this.#rules.incRecursive && at.entry === null && at !== this.root)
      if (this.#look.own(above) === null) return
    this.#name(at, {
      name,
      stands: { ...NOTHING, base: baseOf(name) },
      mode: 0,
      target: '',
      atimeNs: 0n,
      origin,
      link: null,
      isBare: false,
      isImplied: false,
      isMissing: true,
    })
  }

  #place(
    name: ByteName,
    origin: Origin<SourceTree>,
    stands: Standing,
    contents: boolean,
    implied: boolean,
  ): void {
    if (name === ROOT_NAME) {
      const entry = this.#look.entry(name, origin, stands, !contents)
      if (entry === null) return
      if (isOnlyImplied(this.root)) this.root.entry = entry
      else this.#double(entry)
      if (contents) this.root.contents.push(this.#ranked(origin))
      return
    }
    const at = this.#parentOf(name, origin, implied)
    const before = at.named.get(baseOf(name))?.node
    if (before !== undefined) this.#events.trace.listedTwice?.(name)
    if (stands.kind !== 'directory') {
      const entry = this.#look.entry(name, origin, stands, false)
      if (before !== undefined) this.#double(entry)
      else if (entry !== null) this.#name(at, entry)
      return
    }
    if (before !== undefined && isListed(before)) {
      const entry = this.#look.entry(name, origin, stands, !contents)
      if (isOnlyImplied(before)) {
        this.#tally(before.entry)
        before.entry = entry
      } else this.#double(entry)
      if (contents && !(this.#rules.incRecursive && endsWith(before, origin)))
        before.contents.push(this.#ranked(origin))
      return
    }
    const entry = this.#look.entry(name, origin, stands, !contents)
    if (entry !== null)
      this.#name(at, this.#directory(entry, contents ? [this.#ranked(origin)] : []))
  }
  #name(at: SourceDirectory, node: SourceNode): void {
    at.named.set(baseOf(node.name), { node, rank: this.#rank })
  }
  #double(entry: SourceEntry | null): void {
    this.hasDoubles = true
    this.#tally(entry)
  }
  #ranked(origin: Origin<SourceTree>): Contents {
    return { ...origin, rank: this.#rank, above: null }
  }

  /** The directory that a name stands in, with those above it, which -R sends too. */
  #parentOf(name: ByteName, origin: Origin<SourceTree>, implied: boolean): SourceDirectory {
    let at = this.root
    const parts = name.split('/')
    const isAgain = this.#sentAgain(parts.slice(0, -1))
    for (let i = 1; i < parts.length; i++) {
      const above = parts.slice(0, i).join('/') as ByteName
      const found = at.named.get(baseOf(above))?.node
      if (found !== undefined && isListed(found)) {
        if (implied && isAgain(i)) this.#tally(found.entry)
        at = found
        continue
      }
      const up = parts.length - i
      const place = { tree: origin.tree, name: ascend(origin.name, up) }
      const stands = implied ? (this.#look.follow(place) ?? this.#look.stat(above, place)) : null
      const entry = stands === null ? null : this.#implied(above, place, stands)
      const isTold = this.#rules.incRecursive && at !== this.root && at.entry === null
      if (implied && stands === null && !isTold) this.#events.absentAbove(pathOf(place))
      const directory: SourceDirectory = {
        entry,
        name: above,
        contents: [],
        named: new Map(),
        listed: null,
      }
      this.#name(at, directory)
      at = directory
    }
    return at
  }

  /** rsync sends directories above a name again where another name came between. @returns is the one of so many components? */
  #sentAgain(above: readonly string[]): (depth: number) => boolean {
    const last = this.#above
    const differs = above.findIndex((part, i) => part !== last[i])
    if (differs < 0) return () => false
    this.#above = above
    // Where lists come in parts the others are in that one, and not looked at.
    if (this.#rules.incRecursive) return (depth) => depth === differs + 1
    return (depth) => depth > Math.min(differs, last.length - 1)
  }

  #implied(name: ByteName, origin: Origin<SourceTree>, stands: Standing): SourceEntry | null {
    const entry = this.#look.entry(name, origin, stands, true)
    return entry && { ...entry, isImplied: true }
  }

  #directory(entry: SourceEntry, contents: Contents[]): SourceDirectory {
    return { entry, name: entry.name, contents, named: new Map(), listed: null }
  }

  /** What is in a directory, in order. */
  list(directory: SourceDirectory): readonly SourceNode[] {
    if (directory.listed !== null) return directory.listed
    const found = new Map<string, SourceNode>()
    const places = [...directory.named.values(), ...directory.contents]
    for (const place of places.sort((a, b) => a.rank - b.rank))
      if (!('node' in place)) this.#read(directory, place, found)
      else if (!this.#isExcluded(place.node, directory))
        this.#tally(join(found, place.node, this.#rules.incRecursive))
    const nodes = [...found.values()].sort(compareNodes)
    for (const node of nodes) this.#tally(isListed(node) ? node.entry : node)
    return nodes
  }

  /** Lists a directory, and keeps it. */
  look(directory: SourceDirectory): readonly SourceNode[] {
    directory.listed ??= this.list(directory)
    return directory.listed
  }

  /**
   * Lists everything below, and keeps it. @param keepsEmpty null: all directories stay; else those in which nothing but such
   * is stay only where it says so @param isDone nobody will go into it
   * @returns does anything but directories stand there?
   */
  expand(
    directory: SourceDirectory,
    keepsEmpty: ((name: ByteName) => boolean) | null,
    isDone: (directory: SourceDirectory) => boolean = isNever,
  ): boolean {
    if (isDone(directory)) return true
    const nodes = this.list(directory)
    const kept: SourceNode[] = []
    let full = false
    for (const node of nodes) {
      const isFull =
        !isListed(node) || this.expand(node, keepsEmpty, isDone) || keepsEmpty?.(node.name) === true
      full ||= isFull
      if (isFull || keepsEmpty === null) kept.push(node)
    }
    directory.listed = kept
    return full
  }

  #read(directory: SourceDirectory, origin: Contents, found: Map<string, SourceNode>): void {
    const { tree, rank } = origin
    let standing: readonly Standing[] | null
    try {
      standing = tree.list(origin.name, directory.alike)
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') return this.#events.fault('opendir', pathOf(origin), error)
      standing = null
    }
    // Nothing is in it any more, and all that the receiver has of it is extraneous.
    if (standing === null) return this.#events.vanished(pathOf(origin))
    const above = this.#filters.within(directory.name, origin)
    const device = this.#rules.oneFileSystem > 0 ? tree.stat(origin.name)?.dev : undefined
    for (const one of standing) {
      const { base } = one
      const name = joinName(directory.name, base)
      const place = { tree, name: joinName(origin.name, base) }
      const stands = this.#look.through(name, place, one)
      const from = stands === one ? place : { ...place, isFollowed: true }
      if (this.#look.isHidden(place, from, false)) continue
      if (stands === null) {
        if (!above.excludes(name, false)) this.#events.skipped('no-target', name, pathOf(place))
        continue
      }
      const isInto = stands.kind === 'directory'
      if (above.excludes(name, isInto)) continue
      const before = found.get(base)
      if (before !== undefined && !isInto) {
        this.#tally(this.#look.entry(name, from, stands, false))
        continue
      }
      const isMount = device !== undefined && isInto && stands.dev !== device
      if (isMount && this.#rules.oneFileSystem > 1) {
        this.#events.skipped('mount', name, '')
        continue
      }
      const { recursive } = this.#rules
      const contents = isInto && recursive && !isMount
      if (before !== undefined && isListed(before)) {
        const entry = this.#look.entry(name, from, stands, !contents)
        this.#tally(isOnlyImplied(before) ? before.entry : entry)
        if (isOnlyImplied(before)) before.entry = entry
        if (contents && !(this.#rules.incRecursive && endsWith(before, place)))
          addContents(before, { ...place, rank, above })
        continue
      }
      const entry = this.#look.entry(name, from, stands, isInto && !contents)
      if (entry !== null)
        found.set(
          base,
          isInto ? this.#directory(entry, contents ? [{ ...place, rank, above }] : []) : entry,
        )
    }
    above.left()
  }

  /** Files of rules above what was named count for it, as they do for what is found. */
  #isExcluded(node: SourceNode, above: SourceDirectory): boolean {
    const entry = isListed(node) ? node.entry : node
    if (!this.#rules.incRecursive || entry === null || entry.isImplied || entry.isMissing)
      return false
    return this.#filters.named(entry.origin.tree, above.name).excludes(node.name, isListed(node))
  }

  /** What is in the list, and what came twice, which is not: rsync's figures have both. */
  #tally(entry: SourceEntry | null): void {
    if (entry === null) return
    const { kind, size } = entry.stands
    const { count } = this
    this.nameBytes += entry.stands.base.length + entry.target.length
    if (kind === 'file' || kind === 'symlink') count.bytes += size
    if (kind === 'block' || kind === 'character') count.device++
    else if (kind === 'fifo' || kind === 'socket') count.special++
    else count[kind]++
  }
  /** Entries that needed no look. */
  countUnlisted(more: Pick<SourceList['count'], 'file' | 'symlink' | 'directory' | 'bytes'>): void {
    const { count } = this
    count.file += more.file
    count.symlink += more.symlink
    count.directory += more.directory
    count.bytes += more.bytes
  }
  /** The directory that the sources stand in, where it is an entry itself. */
  tallyRoot(): void {
    this.#tally(this.root.entry)
  }
}

function isNever(_directory: SourceDirectory): boolean {
  return false
}

const NOTHING: Standing = {
  base: '',
  kind: 'file',
  mode: 0,
  size: 0,
  mtimeNs: 0n,
  ctimeNs: 0n,
  uid: 0,
  gid: 0,
  dev: 0n,
  ino: 0n,
  nlink: 1,
  major: 0,
  minor: 0,
}

/** So many components up. */
function ascend(name: ByteName, up: number): ByteName {
  const parts = name.split('/')
  const left = parts.slice(0, Math.max(0, parts.length - up))
  return (left.length === 0 ? ROOT_NAME : left.join('/')) as ByteName
}
