/**
 * Directories of the receiver in which nothing is to be done are found before anything is listed, by comparing them with the
 * sender's in bulk: the walk goes only where something differs. What differs is then looked at as ever, which decides.
 */
import { setImmediate as breathe } from 'node:timers/promises'
import { type ByteName, directoryOf, joinName, ROOT_NAME } from '../base/byte-name.js'
import { type FilterRule, isOfNamesAlone } from '../flist/filter.js'
import type { Origin } from '../flist/list-entry.js'
import {
  LOOK_COLUMNS,
  type LookJob,
  type LookResult,
  type LookThreads,
  type SameRule,
} from '../host.js'
import type { Options } from '../options/options.js'
import type { Keeping } from '../plan/compare.js'
import { isListed, type SourceDirectory } from './source-node.js'
import type { SourceTree } from './trees.js'

/** Entries between looks at what threads have found. */
const STEP = 2000
/** Entries seen here before threads are worth their start. */
const ALONE = 4000
/** Directories of one job. */
const JOB = 16
/** Jobs under way for each thread: the next is there when one ends. Until the first one did threads are starting. */
const DEPTH = 2

export type UnchangedParts = {
  readonly options: Options
  readonly keeping: Keeping
  readonly filters: readonly FilterRule[]
  readonly to: SourceTree
  /** Null: this machine has none. */
  readonly open: () => ((job: LookJob) => LookResult) | null
  readonly threads: () => LookThreads | null
  readonly signal: AbortSignal
}

type Alike = { readonly names: string; readonly tally: Tally }
export type Tally = { file: number; symlink: number; directory: number; bytes: number }

export class Unchanged {
  readonly #parts: UnchangedParts
  readonly #mayLook: boolean
  #look: ReturnType<UnchangedParts['open']> | undefined
  #threads: LookThreads | null | undefined
  #areStarted = false
  #seen = 0
  /** In order, and not gone into so far. */
  readonly #same = new Map<ByteName, Tally>()
  /** Something differs in them or below. */
  readonly #different = new Set<ByteName>()
  /** What is in order in these all the same, as `LookResult.alike`, until they are gone into. */
  readonly #alike = new Map<ByteName, Alike>()
  /** In order, and left out of those that were gone into. */
  readonly #leftOut: Tally = { file: 0, symlink: 0, directory: 0, bytes: 0 }
  /** Entries in and below each directory. */
  #entries: Map<ByteName, number> | null = null

  constructor(parts: UnchangedParts) {
    this.#parts = parts
    this.#mayLook = mayLook(parts.options) && parts.filters.every(isOfNamesAlone)
  }

  /** There is nothing to do, neither in it nor below. */
  isDone(name: ByteName): boolean {
    return this.#same.has(name) && !this.#different.has(name)
  }
  /**
   * It is gone through entry by entry, and counted so, but for what in it is in order; of one that was listed already nothing
   * is left out. @returns false: there is nothing to do, neither in it nor below
   */
  visits(directory: SourceDirectory): boolean {
    const { name } = directory
    if (this.isDone(name)) return false
    this.#same.delete(name)
    const found = this.#alike.get(name)
    this.#alike.delete(name)
    if (found !== undefined && directory.listed === null) {
      directory.alike = new Set(found.names.split('\0').slice(0, -1))
      addTo(this.#leftOut, found.tally)
    }
    return true
  }
  /** Entries in a directory that is done and below. Asked when all was searched that will be. */
  entriesIn(name: ByteName): number {
    this.#entries ??= this.#countEntries()
    return this.#entries.get(name) ?? 0
  }
  #countEntries(): Map<ByteName, number> {
    const entries = new Map<ByteName, number>()
    for (const [name, { file, symlink, directory }] of this.#same)
      for (let at = name; ; at = directoryOf(at)) {
        entries.set(at, (entries.get(at) ?? 0) + file + symlink + directory)
        if (at === ROOT_NAME) break
      }
    return entries
  }
  /** All that was not gone through. */
  tally(): Tally {
    const all = { ...this.#leftOut }
    for (const one of this.#same.values()) addTo(all, one)
    return all
  }

  /** The same for each directory that was named below it, where a list is needed before it is gone through. */
  async searchAhead(directory: SourceDirectory): Promise<void> {
    await this.search(directory)
    for (const { node } of directory.named.values())
      if (isListed(node)) await this.searchAhead(node)
  }

  /** Compares a directory that stands at both ends, and all below. */
  async search(directory: SourceDirectory): Promise<void> {
    const [origin, more] = directory.contents
    if (!this.#mayLook || origin === undefined || more !== undefined) return
    const { name, named, listed } = directory
    if (named.size > 0 || listed !== null || this.#same.has(name) || this.#different.has(name))
      return
    if (this.#look === undefined) this.#look = this.#parts.open()
    const look = this.#look
    if (look === null) return
    const job = {
      from: origin.tree.forThreads,
      to: this.#parts.to.forThreads,
      fromHead: origin.name,
      toHead: name,
      rule: this.#ruleBelow(origin),
    }
    await this.#searchAll(job, look)
  }
  #ruleBelow({ tree, name }: Origin<SourceTree>): SameRule {
    const { options, keeping, filters } = this.#parts
    const { deleteExcluded } = options
    return {
      owner: keeping.owner,
      group: keeping.group,
      directoryTimes: !options.omitDirTimes,
      linkTimes: !options.omitLinkTimes,
      noLinks: seesLinks(options),
      leastSize: options.minSize ?? 0,
      mostSize: options.maxSize ?? Number.POSITIVE_INFINITY,
      device: options.oneFileSystem > 0 ? (tree.stat(name)?.dev ?? null) : null,
      leftover: options.partialDir,
      exact: options.deleting !== null,
      single: options.hardLinks,
      contents: options.checksum,
      bare: options.acls || options.xattrs > 0,
      names: filters.length === 0 ? null : { rules: filters, deleteExcluded },
    }
  }
  async #searchAll(
    job: Omit<LookJob, 'below' | 'most'>,
    look: (job: LookJob) => LookResult,
  ): Promise<void> {
    const pending: string[] = ['']
    let underWay = 0
    let wake: (() => void) | null = null
    const failures: Error[] = []
    const add = (result: LookResult): void => {
      this.#add(job.toHead, result)
      for (const one of result.rest) pending.push(one)
    }
    while (pending.length > 0 || underWay > 0) {
      const threads = this.#threadsIfWorth()
      const [depth, most] = this.#areStarted ? [DEPTH, JOB] : [1, 1]
      while (threads !== null && underWay < threads.width * depth && pending.length > 1) {
        const below = pending.splice(-Math.min(most, pending.length >> 1))
        underWay++
        threads
          .run({ ...job, below, most: STEP })
          .then(
            (result) => {
              this.#areStarted = true
              add(result)
            },
            (error: Error) => void failures.push(error),
          )
          .finally(() => {
            underWay--
            wake?.()
          })
      }
      if (pending.length > 0) {
        const below = pending.splice(0, Math.min(JOB, (pending.length + 1) >> 1))
        const result = look({ ...job, below, most: STEP })
        add(result)
        await breathe()
      } else
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      const [failure] = failures
      if (failure !== undefined) throw failure
      this.#parts.signal.throwIfAborted()
    }
  }
  #threadsIfWorth(): LookThreads | null {
    if (this.#seen < ALONE) return null
    if (this.#threads === undefined) this.#threads = this.#parts.threads()
    return this.#threads
  }

  #add(head: ByteName, { same, rows, different, alike, alikeRows }: LookResult): void {
    for (const [i, below] of same.entries()) {
      const tally = tallyOf(rows, i)
      this.#seen += 8 + tally.file
      this.#same.set(nameOf(head, below), tally)
    }
    for (const [i, names] of alike.entries()) {
      const tally = tallyOf(alikeRows, i)
      this.#seen += 8 + tally.file
      if (names !== '') this.#alike.set(nameOf(head, different[i] ?? ''), { names, tally })
    }
    for (const below of different)
      for (let at = nameOf(head, below); !this.#different.has(at); at = directoryOf(at)) {
        this.#different.add(at)
        if (at === head || at === ROOT_NAME) break
      }
  }

  async close(): Promise<void> {
    await this.#threads?.close()
  }
}

function tallyOf(rows: Float64Array, index: number): Tally {
  const at = index * LOOK_COLUMNS
  const [file = 0, symlink = 0, directory = 0, bytes = 0] = rows.subarray(at, at + LOOK_COLUMNS)
  return { file, symlink, directory, bytes }
}
function addTo(all: Tally, more: Tally): void {
  all.file += more.file
  all.symlink += more.symlink
  all.directory += more.directory
  all.bytes += more.bytes
}

function nameOf(head: ByteName, below: string): ByteName {
  return below === '' ? head : joinName(head, below)
}

/** Options under which what is alike in all that is compared needs neither work nor words. */
function mayLook(o: Options): boolean {
  return (
    o.recursive &&
    o.times &&
    !o.ignoreTimes &&
    !o.logUnchanged &&
    o.info.name < 2 &&
    o.verbosity < 2 &&
    !o.cvsExclude &&
    !o.fakeSuper &&
    o.iconv === null &&
    o.confineRoot === null &&
    Object.values(o.debug).every((level) => level === 0) &&
    !o.fakeSuperThere &&
    !o.pruneEmptyDirs &&
    !(o.ignoreExisting && o.info.skip > 0) &&
    o.alternates === null &&
    o.partialDir?.startsWith('/') !== true &&
    o.partialDir?.split('/').includes('..') !== true &&
    o.chmod.length === 0 &&
    o.usermap === null &&
    o.groupmap === null &&
    !o.atimes &&
    !o.openNoAtime &&
    !o.removeSourceFiles
  )
}
/** Does anything but their targets count of links? */
function seesLinks(o: Options): boolean {
  return (
    !o.links || o.copyLinks || o.copyUnsafeLinks || o.safeLinks || o.copyDirlinks || o.mungeLinks
  )
}
