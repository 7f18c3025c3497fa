/** The receiver's removals: what the source does not have, and what stands in the way. rsync(1) --delete, --max-delete, --force. */
import type { ByteName } from '../base/byte-name.js'
import { codeOf } from '../base/errors.js'
import type { Trace } from '../base/trace.js'
import type { Filter } from '../flist/filter-match.js'
import type { Named, Standing } from '../host.js'
import { type Deletion, type Doomed, type Sweep, sweep, sweepAll } from '../plan/deletions.js'
import type { Backup } from './backup.js'
import type { ReceivingTree } from './trees.js'

export type DeleterEvents = {
  readonly trace: Trace
  deleting(name: ByteName, isDirectory: boolean): void
  /** A directory stays, because something in it does. */
  nonEmpty(name: ByteName): void
  fault(call: string, name: ByteName, error: unknown): void
}

export class Deleter {
  readonly #to: ReceivingTree
  readonly #filter: Filter
  readonly #backup: Backup | null
  readonly #events: DeleterEvents
  readonly #dryRun: boolean
  #left: number
  readonly #isRoot: boolean
  /** Left standing because of --max-delete. */
  refused = 0
  readonly count = { file: 0, directory: 0, symlink: 0, device: 0, special: 0 }

  constructor(
    to: ReceivingTree,
    filter: Filter,
    backup: Backup | null,
    events: DeleterEvents,
    rule: { readonly dryRun: boolean; readonly most: number | null; readonly isRoot: boolean },
  ) {
    this.#to = to
    this.#filter = filter
    this.#backup = backup
    this.#events = events
    this.#dryRun = rule.dryRun
    this.#isRoot = rule.isRoot
    this.#left = rule.most === null ? Number.POSITIVE_INFINITY : Math.max(0, rule.most)
  }

  /** Over all that is in a directory that was named. */
  passBegins(directory: ByteName): void {
    this.#events.trace.deletingBelow?.(directory)
  }
  enter(directory: ByteName): void {
    this.#filter.enter(directory)
  }
  leave(): void {
    this.#filter.leave()
  }

  /**
   * What would go from a directory that was entered. @param wanted last components of what the source has @param isNew it was
   * made just now
   */
  extraneous(directory: ByteName, wanted: ReadonlySet<string>, isNew = false): readonly Doomed[] {
    this.#events.trace.deletingIn?.(directory)
    if (isNew) return []
    return sweep(directory, wanted, this.#filter, (name, wanted) => this.#list(name, wanted)).doomed
  }

  remove(doomed: readonly Doomed[]): void {
    for (const one of doomed)
      if (one.inside === null || this.#emptied(one, one.inside)) this.#removeCounted(one)
  }

  /** What was named. @param isWhole a directory with all that is in it */
  removeNamed(name: ByteName, standing: Named, isWhole: boolean): void {
    const inside = isWhole && standing.kind === 'directory' ? this.#inside(name) : null
    this.remove([{ name, standing, inside }])
  }
  /** A directory that is in the way. @param mayEmpty with what is in it @returns is it gone? */
  clearDirectory(name: ByteName, standing: Named, mayEmpty: boolean): boolean {
    if (mayEmpty)
      return this.#emptied({ name, standing }, this.#inside(name)) && this.clear(name, standing)
    if ((this.#list(name) ?? []).length === 0) return this.clear(name, standing)
    this.#events.nonEmpty(name)
    return false
  }
  #inside(directory: ByteName): Sweep {
    return sweepAll(directory, this.#filter, (name) => this.#list(name))
  }

  /** As rsync it tries a directory within that cannot be empty all the same, which tells of it again. */
  #emptied({ name, standing }: Deletion, { doomed, stays }: Sweep): boolean {
    this.#openUp(name, standing)
    let isEmpty = stays !== 'protected'
    for (const one of doomed) {
      const isReady = one.inside === null || this.#emptied(one, one.inside)
      isEmpty = this.#removeCounted(one) && isReady && isEmpty
    }
    if (!isEmpty) this.#events.nonEmpty(name)
    return isEmpty
  }

  #removeCounted({ name, standing }: Deletion): boolean {
    if (this.#left <= 0) {
      this.refused++
      return false
    }
    const isGone = this.#removeOne(name, standing, true)
    if (isGone) this.#left--
    return isGone
  }

  /** One name, without saying so. @returns false: it stays, and the fault is told */
  clear(name: ByteName, standing: Named): boolean {
    return this.#removeOne(name, standing, false)
  }

  /** A backup of what will be replaced, if one is wanted. */
  keep(name: ByteName, standing: Standing): void {
    this.#backup?.keep(name, standing)
  }
  /** The same of what will be written over. */
  keepCopy(name: ByteName, standing: Standing): void {
    this.#backup?.keepCopy(name, standing)
  }

  #removeOne(name: ByteName, standing: Named, isTold: boolean): boolean {
    const isDirectory = standing.kind === 'directory'
    this.#events.trace.deletingItem?.(name, standing.mode ?? 0, isDirectory)
    try {
      if (!this.#dryRun) {
        if (isDirectory) this.#to.tree.removeDirectory(name)
        else if (
          this.#backup === null ||
          this.#backup.isOne(name) ||
          !this.#backup.keep(name, standing)
        )
          this.#to.remove(name)
      }
    } catch (error) {
      // A directory may hold what a backup left in it.
      if (codeOf(error) === 'ENOTEMPTY' || codeOf(error) === 'EEXIST') this.#events.nonEmpty(name)
      else if (codeOf(error) === 'ENOENT' && this.#to.tree.stat(name) === null) return true
      else
        this.#events.fault(isDirectory ? 'delete_file: rmdir' : 'delete_file: unlink', name, error)
      return false
    }
    if (isTold) {
      const { kind } = standing
      if (kind === 'block' || kind === 'character') this.count.device++
      else if (kind === 'fifo' || kind === 'socket') this.count.special++
      else this.count[kind]++
      this.#events.deleting(name, isDirectory)
    }
    return true
  }

  /** What is in a directory that goes must go first, though its owner may not write there. */
  #openUp(directory: ByteName, { mode = 0 }: Named): void {
    if (this.#isRoot || this.#dryRun || (mode & 0o200) !== 0) return
    const only = { uid: null, gid: null, mtimeNs: null, atimeNs: null }
    try {
      this.#to.give(this.#to.tree, directory, false, { ...only, mode: mode | 0o200 })
    } catch (error) {
      // It is somebody else's: what is in it will tell.
      if (codeOf(error) === undefined) throw error
    }
  }

  /** Modes are needed where they are told, or in the way. */
  #list(directory: ByteName, wanted?: ReadonlySet<string>): readonly Named[] | null {
    const { tree } = this.#to
    try {
      if (this.#isRoot && this.#events.trace.deletingItem === undefined)
        return tree.kinds(directory, wanted)
      return tree.list(directory, wanted)
    } catch (error) {
      this.#events.fault('opendir', directory, error)
      return null
    }
  }
}
