/** The sending side's files: what the sources name, as a list, and what is done with them. rsync(1). */
import { byteName, directoryOf, ROOT_NAME } from '../base/byte-name.js'
import { codeOf, FileError, SelectionError, UsageError } from '../base/errors.js'
import { parseChmod } from '../flist/chmod.js'
import { type FilterRule, isOfNamesAlone } from '../flist/filter.js'
import type { Filter } from '../flist/filter-match.js'
import type { Standing } from '../host.js'
import { FakeTree } from '../io/fake-super.js'
import { deviceAsFile } from '../io/nodes.js'
import { confinedTo, kindOfPath, readNamed, realPath, whyNotThere } from '../io/operator.js'
import { DiskTree } from '../io/tree.js'
import type { Options } from '../options/options.js'
import type { Entry } from '../rsync/request.js'
import { SourceList } from '../rsync/source-list.js'
import type { SourceRules } from '../rsync/source-look.js'
import { isListed, pathOf, type SourceDirectory } from '../rsync/source-node.js'
import type { SourceTree } from '../rsync/trees.js'
import type { Hides } from './hidden-names.js'
import type { SyncEvents, Troubles } from './sync-events.js'
import { filterOf } from './sync-filters.js'
import { listedPlace, namesOf, type SourcePlace, sourcePlace } from './sync-places.js'
import { standsAt } from './target-place.js'

export type SourceParts = {
  readonly options: Options
  /** Paths as given, one char per byte. */
  readonly sources: readonly string[]
  /** The names of --files-from, where they come from elsewhere; null: from the file that the option names. */
  readonly names?: readonly string[] | null
  /** A path of an option, without links that lead on. */
  readonly trusted: (path: string) => string
  readonly troubles: Troubles
  /** --iconv: the side that has no such name; null: names stay as they are. */
  readonly lacking?: SourceRules['lacking']
  /** What is as if it were not there; null: nothing. */
  readonly hides?: Hides | null
  readonly events: Pick<
    SyncEvents,
    'skipped' | 'copiesUnsafe' | 'missing' | 'removed' | 'removedBefore' | 'trace'
  >
}

export class SourceSide {
  readonly #parts: SourceParts
  readonly #trees = new Map<string, DiskTree>()
  readonly #unreadable = new Set<string>()
  /** What is removed at the end, as another source leads there too; null: all is removed as it arrives. */
  #waiting: Entry[] | null = null

  constructor(parts: SourceParts) {
    this.#parts = parts
  }

  close(): void {
    for (const tree of this.#trees.values()) tree.close()
  }
  /** Directories, without links, that all that is listed is in. */
  within(places: readonly SourcePlace[]): readonly string[] {
    const { options } = this.#parts
    // Links lead to what stands beside; a list may be long.
    if (followsLinks(options) || options.filesFrom !== null)
      return [...this.#trees.values()].map((tree) => tree.path)
    return places.flatMap(({ base, path }) => {
      const tree = this.#trees.get(base)
      return tree === undefined ? [] : [standsAt(pathOf({ tree, name: path }))]
    })
  }

  places(): readonly SourcePlace[] {
    const { options, sources } = this.#parts
    if (options.filesFrom === null)
      return sources.map((path) => sourcePlace(path, options.relative))
    const [base = '.'] = sources
    const names = this.#parts.names ?? namesOf(this.#readNames(options.filesFrom), options.from0)
    return names.map((line) => listedPlace(base, line, options.relative))
  }

  list(places: readonly SourcePlace[], rules: readonly FilterRule[]): SourceList {
    const { options, hides = null } = this.#parts
    const first = places[0]
    const found = first === undefined ? null : this.#tree(first.base)
    const top = found === 'unreadable' ? null : found
    const { trace } = this.#parts.events
    if (top !== null) trace.changedDirectory?.('sender', top.path)
    if (options.filesFrom !== null) this.#checkBase()
    const chmod = parseChmod(options.chmod, process.umask())
    const list = new SourceList(
      {
        ...options,
        chmod,
        copyDevices: options.copyDevices ? deviceAsFile : null,
        lacking: this.#parts.lacking ?? null,
        isHidden:
          hides === null
            ? null
            : (origin, isNamed) => hides(pathOf(origin), origin.isFollowed === true, isNamed),
      },
      this.#filters(rules),
      {
        fault: (call, path, error) => {
          this.#parts.troubles.sender(call, path, error)
          // What is not in the list for this reason must not be taken for extraneous.
          this.#parts.troubles.isUnsafe ||= codeOf(error) !== 'ENOENT'
        },
        vanished: (path) => this.#parts.troubles.vanish('directory', path),
        absentAbove: (path) => this.#parts.troubles.vanish('file', path),
        skipped: (what, name, text) => {
          const isLost = what === 'name-lost' || what === 'target-lost'
          if (what === 'no-target' || isLost) {
            this.#parts.troubles.faults++
            // What is not in the list for this reason must not be taken for extraneous.
            this.#parts.troubles.isUnsafe = true
          }
          this.#parts.events.skipped(what, name, text)
        },
        copiesUnsafe: (name, target) => this.#parts.events.copiesUnsafe(name, target),
        trace,
      },
    )
    for (const place of places) this.#add(list, place)
    if (options.removeSourceFiles && (followsLinks(options) || this.#overlap(places)))
      this.#waiting = []
    return list
  }

  #add(list: SourceList, place: SourcePlace): void {
    const { options } = this.#parts
    const tree = this.#tree(place.base)
    if (tree === 'unreadable') return
    const { troubles, events } = this.#parts
    if (tree === null) {
      // It may be a file system that is not mounted: no option takes that for a source that went away.
      troubles.faults++
      troubles.isUnsafe = true
      return events.missing('change_dir', standsAt(place.base), whyNotThere(`${place.base}/`))
    }
    const origin = { tree, name: place.path }
    const isThere = list.add(place.name, origin, place.wholly, options.relative)
    if (place.namesTop) list.addTop({ tree, name: ROOT_NAME })
    if (isThere) return
    const [call, path] = this.#missing(place, pathOf(origin))
    const why = whyNotThere(path)
    const isGone = call === 'link_stat' && why.startsWith('No such')
    if (isGone && options.deleteMissingArgs) return list.addMissing(place.name, origin)
    if (isGone && options.ignoreMissingArgs) return
    troubles.faults++
    // What is in the way may be a mistake: nothing is taken for extraneous.
    troubles.isUnsafe ||= !isGone
    events.missing(call, path.replace(/(.)\/$/, '$1'), why)
  }
  /** Without -R rsync goes into the directory of a name of --files-from. @returns what failed, and for which path */
  #missing({ path }: SourcePlace, whole: string): ['link_stat' | 'change_dir', string] {
    const { options } = this.#parts
    const above = `${directoryOf(byteName(whole))}/`
    const isWithin = options.filesFrom !== null && !options.relative && path.includes('/')
    return isWithin && kindOfPath(above) !== 'directory'
      ? ['change_dir', above]
      : ['link_stat', whole]
  }

  /** The directory that the names of --files-from are in. @throws {SelectionError} where it is none */
  #checkBase(): void {
    const [base = '.'] = this.#parts.sources
    if (this.#tree(base) === null)
      throw new SelectionError(
        `[sender] change_dir "${standsAt(base)}${base.endsWith('/') ? '/' : ''}" failed: ${whyNotThere(`${base}/`)}`,
      )
  }

  /** The rules of the command line for what is in a tree: one filter for all where rules read no files and name no paths. */
  #filters(rules: readonly FilterRule[]): (tree: SourceTree) => Filter {
    const { options, events } = this.#parts
    const ofPath = (path: string | null): Filter =>
      filterOf(options, rules, 'sender', path, events.trace)
    if (!rules.every(isOfNamesAlone)) return ({ path }) => ofPath(path)
    const shared = ofPath(null)
    return () => shared
  }

  /** Does any source stand in another one? */
  #overlap(places: readonly SourcePlace[]): boolean {
    const paths = places.flatMap(({ base, path }) => {
      const tree = this.#tree(base)
      return tree === null || tree === 'unreadable' ? [] : [pathOf({ tree, name: path })]
    })
    // With the slash what is below a path follows it at once.
    const sorted = paths.map((path) => `${path}/`).sort()
    return sorted.some((path, i) => i > 0 && path.startsWith(sorted[i - 1] ?? path))
  }

  /** A directory that sources stand in. Null: it is not there; one that cannot be read is told once. */
  #tree(path: string): DiskTree | null | 'unreadable' {
    const known = this.#trees.get(path)
    if (known !== undefined) return known
    if (this.#unreadable.has(path)) return 'unreadable'
    try {
      const tree = kindOfPath(path) === 'directory' ? this.#open(path) : null
      if (tree !== null) this.#trees.set(path, tree)
      return tree
    } catch (error) {
      const { cause } = error as { cause?: unknown }
      if (codeOf(cause) === undefined) throw error
      this.#unreadable.add(path)
      this.#parts.troubles.isUnsafe = true
      this.#parts.troubles.sender('change_dir', standsAt(path), cause)
      return 'unreadable'
    }
  }
  #open(path: string): DiskTree {
    const { options } = this.#parts
    const keepsAtime = options.openNoAtime
    const Kind = options.fakeSuper ? FakeTree : DiskTree
    // What is named on the command line is the caller's own choice, what a list names is not.
    const within = options.filesFrom === null ? null : confinedTo(options)
    const follows = followsLinks(options) || options.relative
    return new Kind(realPath(path), { followsLinks: follows, isPlain: true, keepsAtime, within })
  }

  #readNames(path: string): string {
    try {
      const within = confinedTo(this.#parts.options)
      return readNamed(path === '-' ? path : this.#parts.trusted(path), within, 'files-from file ')
    } catch (error) {
      if (error instanceof FileError) throw new UsageError(error.message, { cause: error })
      throw error
    }
  }

  /** An entry stands at the receiver. rsync(1) --remove-source-files */
  arrived(entry: Entry): void {
    if (entry.stands.kind === 'directory') return
    if (this.#waiting === null) this.#remove(entry)
    else this.#waiting.push(entry)
  }
  /** All that shall arrive has. */
  finish(): void {
    for (const entry of this.#waiting ?? []) this.#remove(entry)
    this.#waiting = null
  }

  /** What is there now, looked at as it was when it was copied. rsync(1) --copy-links */
  #standing({ origin, stands }: Entry): Standing | null {
    const now = origin.tree.stat(origin.name)
    const { copyLinks } = this.#parts.options
    if (!copyLinks || now?.kind !== 'symlink' || stands.kind === 'symlink') return now
    return origin.tree.statFollowing(origin.name)
  }

  /** Only if it is still the file that was copied. */
  #remove(entry: Entry): void {
    const { tree, name } = entry.origin
    const now = this.#standing(entry)
    const path = pathOf(entry.origin)
    if (now === null) {
      this.#parts.events.removedBefore(entry.name)
      return
    }
    if (now.size !== entry.stands.size || now.mtimeNs !== entry.stands.mtimeNs) {
      this.#parts.troubles.sender('sender failed to remove', path, new FileError('it changed'))
      return
    }
    try {
      tree.remove(name)
      this.#parts.events.removed(entry.name)
    } catch (error) {
      this.#parts.troubles.sender('sender failed to remove', path, error)
    }
  }
}

/** Entries so far; the directory that the sources stand in is one. */
export function countOf({ count, root }: SourceList): number {
  const { file, directory, symlink, device, special } = count
  return file + directory + symlink + device + special + (root.entry === null ? 0 : 1)
}

/** Each entry of the list, in order. */
export function forEachEntry(list: SourceList, each: (entry: Entry) => void): void {
  const show = (directory: SourceDirectory): void => {
    if (directory.entry !== null) each(directory.entry)
    for (const node of list.list(directory)) {
      if (isListed(node)) show(node)
      else each(node)
    }
  }
  show(list.root)
}

/** So that the same may be listed under several names. */
function followsLinks({ copyLinks, copyUnsafeLinks, copyDirlinks }: Options): boolean {
  return copyLinks || copyUnsafeLinks || copyDirlinks
}
