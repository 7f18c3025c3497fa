/** Directories of the list: made, or as they stand; ours to fill while the walk is in them, and as they should be afterwards. */
import { type ByteName, ROOT_NAME } from '../base/byte-name.js'
import { codeOf, FileError } from '../base/errors.js'
import type { Attributes } from '../host.js'
import { isSameTime, isTimeKept, modeFor } from '../plan/compare.js'
import { ITEM } from '../plan/iflags.js'
import type { AlreadyThere } from './already-there.js'
import { type Ground, newFlags, type Place } from './ground.js'
import type { Entry } from './request.js'

const NO_CHANGE: Attributes = { uid: null, gid: null, mode: null, mtimeNs: null, atimeNs: null }

export class Directories {
  readonly #ground: Ground
  readonly #there: AlreadyThere
  readonly #isRoot: boolean
  /** Those that were made so that they can be filled, and their own mode. */
  readonly #opened = new Map<ByteName, number>()

  constructor(ground: Ground, there: AlreadyThere, isRoot: boolean) {
    this.#ground = ground
    this.#there = there
    this.#isRoot = isRoot
  }

  /** Into a directory of the list. @param entry null: it is none of the list's, and only gone through */
  enter(listed: ByteName, entry: Entry | null, above: Place | null): Place {
    const { options, to, events, attributes } = this.#ground
    if (entry === null || (entry.isImplied && !options.impliedDirs)) {
      const { isNew = false, isSkipped = false } = above ?? {}
      return { name: listed, entry: null, isNew, isSkipped }
    }
    const name = this.#ground.nameOf(listed)
    events.trace.considered?.(name)
    const skipped = { name, entry, isNew: true, isSkipped: true }
    if (above?.isSkipped === true) return skipped
    if (above?.barred) {
      this.#ground.item(entry, ITEM.local | newFlags(entry), null)
      events.fault('recv_generator: mkdir', name, above.barred)
      events.remark('not-made', entry, name)
      return skipped
    }
    // Whether it can be made will tell what may not be looked at.
    const looked = this.#ground.seen(name, {
      isNew: above?.isNew ?? false,
      isQuiet: true,
    })
    let seen = looked ?? null
    if (looked === null && options.existing && name !== ROOT_NAME) {
      events.remark('not-creating', entry, name)
      return skipped
    }
    this.#ground.makeAbove(above)
    const stays = { ...skipped, isNew: false, isSkipped: false }
    if (seen?.kind === 'symlink' && options.keepDirlinks) {
      const target = this.#ground.through(name, seen)
      if (target instanceof FileError) return { ...stays, barred: target }
      seen = target
    }
    if (seen !== null && seen.kind !== 'directory') {
      if (options.ignoreExisting) {
        events.remark('exists', entry, name)
        return { ...stays, barred: this.#ground.barred(name, seen) }
      }
      if (!this.#ground.makeWay(entry, name, seen)) return skipped
      seen = null
    }
    if (seen === null) return this.#make(entry, name) ? { ...skipped, isSkipped: false } : skipped
    const flags = this.#ground.differences(entry, name, seen, false)
    this.#ground.item(entry, flags, null)
    if (!options.dryRun) {
      const isLink = options.keepDirlinks && to.tree.stat(name)?.kind === 'symlink'
      const withTime = (flags & ITEM.time) !== 0 && !isLink
      attributes.give(entry, to.tree, name, seen, seen, withTime, flags)
      this.#openUp(name)
    }
    return { name, entry, isNew: false, isSkipped: false }
  }

  #make(entry: Entry, name: ByteName): boolean {
    const { options, to, attributes, events } = this.#ground
    const found = this.#there.elsewhere(entry, name)
    if (found?.match === 'exact') events.remark('uptodate', entry, name)
    this.#ground.item(entry, ITEM.local | (found?.flags ?? newFlags(entry)), null)
    if (options.dryRun) return true
    const made = this.#ground.attempt('recv_generator: mkdir', name, () => {
      // Ours to fill, whatever its mode will be.
      if (name !== ROOT_NAME) to.makeDirectory(name, (entry.mode & 0o777) | 0o700)
      const now = to.tree.stat(name)
      // The directory above may pass its setgid bit on: without -p that stays.
      const like = now && {
        ...now,
        mode: modeFor(entry, null, attributes.keeping) | (now.mode & 0o2000),
      }
      attributes.give(entry, to.tree, name, like, null, false)
      this.#openUp(name)
    })
    return made || this.#ground.leave('not-made', entry, name)
  }

  /** A directory that its owner may not fill is made so until all is in it. Root needs none of it. */
  #openUp(name: ByteName): void {
    const { to } = this.#ground
    if (this.#isRoot) return
    this.#ground.attempt('failed to modify permissions on', name, () => {
      // The destination itself is looked at from within, which its new mode may not allow.
      const now = to.tree.stat(name)
      if (now === null || now.kind !== 'directory' || (now.mode & 0o700) === 0o700) return
      to.give(to.tree, name, false, { ...NO_CHANGE, mode: now.mode | 0o700 })
      this.#opened.set(name, now.mode)
    })
  }

  /** Out of it, when all in it stands: its own time, and its mode where it had to be another. */
  leave(place: Place): void {
    const { entry, name, isSkipped } = place
    const { options, to, events } = this.#ground
    if (entry === null || isSkipped || options.dryRun) return
    events.trace.touchedUp?.(name)
    const mode = this.#opened.get(name) ?? null
    if (mode !== null)
      this.#ground.attempt('failed to set permissions on', name, () =>
        to.give(to.tree, name, false, { ...NO_CHANGE, mode }),
      )
    try {
      this.#giveTime(entry, name)
    } catch (error) {
      // That it is not ours to give was told on the way in, if there was anything to give.
      if (codeOf(error) === undefined) throw error
    }
  }
  #giveTime({ stands: { mtimeNs } }: Entry, name: ByteName): void {
    const { to, attributes, options } = this.#ground
    if (!isTimeKept('directory', attributes.keeping)) return
    const now = to.tree.stat(name)
    // As with rsync also what stands in its place: a link has the time itself, not what it leads to.
    const mayStand = options.keepDirlinks || options.ignoreExisting
    if (now === null || (now.kind !== 'directory' && !mayStand)) return
    const { wholeSeconds, modifyWindow } = attributes.keeping
    const isSame =
      wholeSeconds || modifyWindow > 0
        ? isSameTime(now.mtimeNs, mtimeNs, Math.max(modifyWindow, 0))
        : now.mtimeNs === mtimeNs
    if (!isSame) to.give(to.tree, name, false, { ...NO_CHANGE, mtimeNs })
  }
}
