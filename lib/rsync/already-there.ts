/** What needs no bytes: an entry that stands there as it should, or in another directory. rsync(1) --compare-dest, --link-dest. */
import type { ByteName } from '../base/byte-name.js'
import { codeOf } from '../base/errors.js'
import type { Standing } from '../host.js'
import { type Keeping, modeFor, passesQuickCheck } from '../plan/compare.js'
import { ITEM, isTold } from '../plan/iflags.js'
import { type Alternate, Alternates } from './alternates.js'
import type { Ground } from './ground.js'
import type { Entry } from './request.js'
import type { SourceTree } from './trees.js'

/** Are these the bytes? Reads both. */
export type EqualSums = (entry: Entry, tree: SourceTree, name: ByteName, seen: Standing) => boolean

export class AlreadyThere {
  readonly #ground: Ground
  readonly #equalSums: EqualSums
  readonly #alternates: Alternates | null

  constructor(ground: Ground, equalSums: EqualSums) {
    this.#ground = ground
    this.#equalSums = equalSums
    const { options, to, attributes } = ground
    this.#alternates =
      options.alternates === null
        ? null
        : new Alternates(
            options.alternates.kind,
            options.alternates.directories,
            to,
            attributes,
            (entry, tree, name, seen) => this.isSame(entry, tree, name, seen),
          )
  }

  /** What the other directories are for; null: there are none. */
  get kind(): Alternates['kind'] | null {
    return this.#alternates?.kind ?? null
  }
  elsewhere(entry: Entry, name: ByteName): Alternate | null {
    return this.#alternates?.find(entry, name) ?? null
  }

  /** A file by the quick check, or its sum; of other kinds target and device. */
  isSame(entry: Entry, tree: SourceTree, name: ByteName, seen: Standing): boolean {
    const { options, attributes } = this.#ground
    switch (entry.stands.kind) {
      case 'file':
        return (
          passesQuickCheck(entry, seen, attributes.keeping, options.checksum) ??
          this.#equalSums(entry, tree, name, seen)
        )
      case 'symlink':
        return tree.readlink(name) === entry.target
      case 'character':
      case 'block':
        return seen.major === entry.stands.major && seen.minor === entry.stands.minor
      default:
        return true
    }
  }

  /** It stays, and gets its attributes. */
  unchanged(entry: Entry, name: ByteName, seen: Standing): void {
    const { options, to, attributes, events } = this.#ground
    const flags = this.#ground.differences(entry, name, seen, false)
    const told = besideAcl(flags, entry, seen)
    const done = attributes.isFake ? told : besideOwner(told, entry, seen, attributes.keeping)
    this.#ground.item(entry, options.dryRun ? flags : done, null)
    if (!isTold(flags)) events.remark('uptodate', entry, name)
    if (!options.dryRun)
      attributes.give(entry, to.tree, name, seen, this.#asCounted(seen, flags, entry), true, flags)
    events.settled(entry)
  }
  /** Times that differ by less than counts are left as they are; not where sums told that a file is the same. */
  #asCounted(seen: Standing, flags: number, entry: Entry): Standing {
    const isSummed = this.#ground.options.checksum && entry.stands.kind === 'file'
    return isSummed || (flags & ITEM.time) !== 0 ? seen : { ...seen, mtimeNs: entry.stands.mtimeNs }
  }

  /**
   * An exact match elsewhere, of what is no directory: its place stays empty, or it is linked.
   * @returns does it stand in its place? null: what follows is as if there were no match
   */
  takeExact(entry: Entry, name: ByteName, seen: Standing | null, found: Alternate): boolean | null {
    const { options, to, events } = this.#ground
    // What is no file stays at the source with --remove-source-files.
    const isFile = entry.stands.kind === 'file'
    if (this.kind === 'compare') {
      const mustGo = seen !== null && !options.dryRun
      if (mustGo && !this.#ground.attempt('unlink', name, () => to.remove(name))) return false
      events.remark('uptodate', entry, name)
      this.#ground.itemIfAll(entry, 0, null)
      if (isFile) events.settled(entry)
      return false
    }
    if (this.kind !== 'link') return null
    const isLinked = seen !== null && seen.ino === found.seen.ino && seen.dev === found.seen.dev
    if (!options.dryRun && !isLinked) {
      try {
        to.link(found.tree, name, name, seen !== null)
      } catch (error) {
        // On another file system, of another user, linked too often: it is made, and all is well.
        if (codeOf(error) === undefined) throw error
        return null
      }
    }
    events.remark('uptodate', entry, name)
    this.#ground.itemIfAll(entry, ITEM.local | ITEM.xname, '' as ByteName)
    if (isFile) events.settled(entry)
    return true
  }
}

/** What an ACL changes of a mode is told as its own change, once it is set. */
function besideAcl(flags: number, { mode }: Entry, seen: Standing): number {
  const isByAcl = (flags & ITEM.acl) !== 0 && ((mode ^ seen.mode) & 0o7000) === 0
  return isByAcl ? flags & ~ITEM.perms : flags
}
/** A new owner takes setuid and setgid away: rsync has given him when it compares, and tells only what is left to do. */
function besideOwner(flags: number, entry: Entry, seen: Standing, keeping: Keeping): number {
  const hasOwner = (flags & (ITEM.owner | ITEM.group)) !== 0
  if (!hasOwner || (seen.mode & 0o6000) === 0) return flags
  const mode = seen.mode & ~((seen.mode & 0o010) === 0 ? 0o4000 : 0o6000)
  const others = flags & ~(ITEM.owner | ITEM.group | ITEM.perms)
  return modeFor(entry, { ...seen, mode }, keeping) === mode ? others : others | ITEM.perms
}
