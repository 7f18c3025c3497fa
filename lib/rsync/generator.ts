/**
 * The receiver's mind: for each entry of the list, what stands under its name, and what follows. Makes everything but the
 * bytes of files, which it asks of a Transfer. rsync(1); prsync-protocol(7), receiver-side file semantics.
 */
import { type ByteName, baseOf, directoryOf, joinName, ROOT_NAME } from '../base/byte-name.js'
import type { Trace } from '../base/trace.js'
import { isSafeLink } from '../flist/entry.js'
import type { ListEntry } from '../flist/list-entry.js'
import { isAclName } from '../flist/posix-acl.js'
import type { Attributes, FileKind, Standing } from '../host.js'
import { isDryOnWire, type Options } from '../options/options.js'
import { isNewer, isSameTime, isTimeKept, modeFor, passesQuickCheck } from '../plan/compare.js'
import { ITEM, isTold } from '../plan/iflags.js'
import { type Alternate, Alternates } from './alternates.js'
import type { AttributeWork } from './attributes.js'
import type { Deleter } from './deleter.js'
import { chooseFuzzy } from './fuzzy.js'
import { HardLinks } from './hard-links.js'
import { partialOf } from './partial-place.js'
import type { ReceivingTree, SourceTree } from './trees.js'

export type Entry = ListEntry<SourceTree>

/** What is told of a name that is left as it is, or how it came to be. */
export type Remark =
  | 'exists'
  | 'uptodate'
  | 'newer'
  | 'too-large'
  | 'too-small'
  | 'not-creating'
  | 'unsafe'
  | 'in-the-way'
  | 'not-made'
  | 'not-wanted'
  /** A batch has it, and nobody wants it; it is wanted, and the batch has it not. */
  | 'batched'
  | 'not-batched'

export type GeneratorEvents = {
  readonly trace: Trace
  /** What was done to an entry, or will be. @param xname the file that it is linked to or a copy of */
  item(entry: Entry, iflags: number, xname: ByteName | null): void
  remark(what: Remark, entry: Entry, name: ByteName): void
  /** All is well with an entry that is no directory. */
  settled(entry: Entry): void
  /** It waits for another name of the same file, or no longer. */
  waits?(entry: Entry, isWaiting: boolean): void
  fault(call: string, name: ByteName, error: unknown): void
  /** What stands there cannot be read: all of the file comes. */
  unread(name: ByteName, error: unknown): void
}

/** A file whose bytes are wanted. */
export type Request = {
  readonly entry: Entry
  /** Where it goes. */
  readonly name: ByteName
  /** The file that stands there. */
  readonly seen: Standing | null
  /** Whose mode it keeps without -p: what stands there, or in a directory of --link-dest and the like. */
  readonly like: Standing | null
  /** What will be told of it. ITEM.transfer is not set where its bytes are on this machine. */
  readonly iflags: number
  /** To be called when its source is open: it is named then, and never if it cannot be read. */
  readonly announce: (iflags?: number) => void
  /** It came once, into its place, and was not what it should be: a backup is of what stood there before. */
  readonly isWritten?: boolean
  /** A file to look for equal blocks in; null: none. */
  readonly basis: Basis | null
}
/** Do its bytes come from the sender? */
export function isSent({ iflags }: Pick<Request, 'iflags'>): boolean {
  return (iflags & ITEM.transfer) !== 0
}
/** Which file it is: the one that is replaced, what is left of an earlier try, one of --link-dest and the like, a similar one. */
export type Basis = {
  readonly tree: SourceTree
  readonly name: ByteName
  readonly kind: 'file' | 'partial' | 'fuzzy' | { readonly alternate: number }
}
/** Brings the bytes of a file and makes it stand, with its attributes. `done` may be called later. */
export type Transfer = (request: Request, done: (ok: boolean) => void) => void
/** Are these the bytes? Reads both. */
export type EqualSums = (entry: Entry, tree: SourceTree, name: ByteName, seen: Standing) => boolean

export type GeneratorParts = {
  readonly options: Options
  readonly to: ReceivingTree
  readonly attributes: AttributeWork
  readonly deleter: Deleter
  readonly transfer: Transfer
  readonly equalSums: EqualSums
  /** What an earlier try left of a file that stands. */
  readonly forgetPartial: (name: ByteName) => void
  readonly events: GeneratorEvents
  /** The only source goes under this name. */
  readonly localName: ByteName | null
  /** A dry run goes into a directory that was not made: nothing stands in it. */
  readonly isUnmade: boolean
  readonly mayMakeDevices: boolean
  readonly isRoot: boolean
}

/** A directory that is gone through. */
export type Place = {
  readonly name: ByteName
  /** Nothing stood there: neither does anything in it. */
  readonly isNew: boolean
  /** Not to be gone into: what is in it is left out. */
  readonly isSkipped: boolean
  readonly entry: Entry | null
}

/** Under another name in the same directory. */
type Similar = { readonly name: ByteName; readonly seen: Standing }

const NO_CHANGE: Attributes = { uid: null, gid: null, mode: null, mtimeNs: null, atimeNs: null }

export class Generator {
  readonly #parts: GeneratorParts
  readonly #links = new HardLinks()
  readonly #alternates: Alternates | null
  /** Directories that were made so that they can be filled, and their own mode. */
  readonly #opened = new Map<ByteName, number>()
  /** What stood nowhere, in a directory of --link-dest and the like neither. */
  readonly created = { file: 0, directory: 0, symlink: 0, device: 0, special: 0 }

  constructor(parts: GeneratorParts) {
    this.#parts = parts
    const { alternates } = parts.options
    this.#alternates =
      alternates === null
        ? null
        : new Alternates(
            alternates.kind,
            alternates.directories,
            parts.to,
            parts.attributes,
            (entry, tree, name, seen) => this.#isSame(entry, tree, name, seen),
          )
  }

  /** Members of each group of hard links in the list, or in a part of it that is still to be gone through. */
  expectLinks(counts: ReadonlyMap<string, number>): void {
    this.#links.expect(counts)
  }

  // ---- directories -------------------------------------------------------------------------------

  /** Into a directory of the list. @param entry null: it is none of the list's, and only gone through */
  enter(listed: ByteName, entry: Entry | null, above: Place | null): Place {
    if (entry === null || (entry.isImplied && !this.#parts.options.impliedDirs))
      return {
        name: listed,
        entry: null,
        isNew: above?.isNew ?? false,
        isSkipped: above?.isSkipped ?? false,
      }
    const { options, to, events, localName } = this.#parts
    const name = localName ?? listed
    events.trace.considered?.(name)
    const skipped = { name, entry, isNew: true, isSkipped: true }
    if (above?.isSkipped === true) return skipped
    // Whether it can be made will tell what may not be looked at.
    const looked = this.#seen(name, above?.isNew ?? false, options.keepDirlinks, true)
    let seen = looked ?? null
    if (looked === null && options.existing && name !== ROOT_NAME) {
      events.remark('not-creating', entry, name)
      return skipped
    }
    this.#makeAbove(above)
    if (seen !== null && seen.kind !== 'directory') {
      if (options.ignoreExisting) {
        events.remark('exists', entry, name)
        return skipped
      }
      if (!this.#makeWay(entry, name, seen)) return skipped
      seen = null
    }
    if (seen === null)
      return this.#makeDirectory(entry, name) ? { ...skipped, isSkipped: false } : skipped
    const flags = this.#differences(entry, name, seen, false)
    this.#item(entry, flags, null)
    if (!options.dryRun)
      this.#attempt('failed to set attributes on', name, () => {
        this.#parts.attributes.give(entry, to.tree, name, seen, seen, false, flags)
        this.#openUp(name)
      })
    return { name, entry, isNew: false, isSkipped: false }
  }

  /** With --no-implied-dirs what stands above a named source is made if it must be, and is no entry. */
  #makeAbove(above: Place | null): void {
    const { options, to } = this.#parts
    if (above === null || above.entry !== null || !options.relative || options.impliedDirs) return
    if (options.dryRun) return
    this.#attempt('mkdir', above.name, () => to.makeDirectories(to.tree, above.name))
  }

  #makeDirectory(entry: Entry, name: ByteName): boolean {
    const { options, to, attributes, events } = this.#parts
    const found = this.#alternates?.find(entry, name) ?? null
    if (found?.match === 'exact') events.remark('uptodate', entry, name)
    this.#item(entry, ITEM.local | (found?.flags ?? newFlags(entry)), null)
    if (!options.dryRun) {
      const made = this.#attempt('recv_generator: mkdir', name, () => {
        // Ours to fill, whatever its mode will be.
        if (name !== ROOT_NAME) to.makeDirectory(name, (entry.mode & 0o777) | 0o700)
        const now = to.tree.stat(name)
        // The directory above may pass its setgid bit on: without -p that stays.
        const like = now && {
          ...now,
          mode: modeFor(entry, null, attributes.keeping) | (now.mode & 0o2000),
        }
        this.#attempt('failed to set attributes on', name, () =>
          attributes.give(entry, to.tree, name, like, null, false),
        )
        this.#openUp(name)
      })
      if (!made) {
        events.remark('not-made', entry, name)
        return false
      }
    }
    return true
  }

  /** A directory that its owner may not fill is made so until all is in it. Root needs none of it. */
  #openUp(name: ByteName): void {
    const { to, isRoot } = this.#parts
    if (isRoot) return
    const now = to.tree.stat(name)
    if (now === null || now.kind !== 'directory' || (now.mode & 0o700) === 0o700) return
    to.give(to.tree, name, false, { ...NO_CHANGE, mode: now.mode | 0o700 })
    this.#opened.set(name, now.mode)
  }

  /** Out of it, when all in it stands: its own time, and its mode where it had to be another. */
  leave(place: Place): void {
    const { entry, name, isSkipped } = place
    const { options, to, attributes } = this.#parts
    if (entry === null || isSkipped || options.dryRun) return
    this.#parts.events.trace.touchedUp?.(name)
    this.#attempt('failed to set times on', name, () => {
      const mode = this.#opened.get(name) ?? null
      if (mode !== null) to.give(to.tree, name, false, { ...NO_CHANGE, mode })
      if (!isTimeKept('directory', attributes.keeping)) return
      const { mtimeNs } = entry.stands
      const now = to.tree.stat(name)
      if (now?.kind !== 'directory') return
      const isSame = attributes.keeping.wholeSeconds
        ? isSameTime(now.mtimeNs, mtimeNs, 0)
        : now.mtimeNs === mtimeNs
      if (!isSame) to.give(to.tree, name, false, { ...NO_CHANGE, mtimeNs })
    })
  }

  // ---- all else ----------------------------------------------------------------------------------

  file(entry: Entry, place: Place): void {
    const { events, localName } = this.#parts
    const name = localName ?? entry.name
    if (!place.isSkipped) events.trace.considered?.(name)
    if (!place.isSkipped && entry.isMissing) return this.#deleteMissing(name)
    const seen = place.isSkipped ? undefined : this.#seen(name, place.isNew, false)
    if (seen === undefined) return this.#passed(entry)
    const why = this.#unwanted(entry, seen)
    if (why !== null) {
      events.remark(why, entry, name)
      return this.#passed(entry)
    }
    if (seen === null) this.#makeAbove(place)
    this.#consider(entry, name, seen)
  }
  /** Why nothing is to be done, whatever it is like; null: it is wanted. */
  #unwanted(entry: Entry, seen: Standing | null): Remark | null {
    const { options } = this.#parts
    const { kind } = entry.stands
    if (kind === 'symlink' && options.links && options.safeLinks && !isSafe(entry)) return 'unsafe'
    if (seen === null && options.existing) return 'not-creating'
    if (seen !== null && options.ignoreExisting) return 'exists'
    return this.#isWanted(kind) ? null : 'not-wanted'
  }
  /** Nothing is done with it; those that waited for it need not. */
  #passed(entry: Entry): void {
    const next = entry.link === null ? null : this.#links.passed(entry.link)
    if (next !== null) this.#instead(next)
  }

  /** Kinds that no option asks for stay as they are. */
  #isWanted(kind: FileKind): boolean {
    const { links, devices, specials } = this.#parts.options
    if (kind === 'symlink') return links
    if (kind === 'character' || kind === 'block') return devices
    return kind === 'file' || specials
  }

  #consider(entry: Entry, name: ByteName, seen: Standing | null): void {
    if (entry.link !== null && this.#links.isAwaited(entry, this.#canLead(entry, name, seen))) {
      this.#parts.events.waits?.(entry, true)
      return
    }
    if (entry.link !== null) {
      const leader = this.#links.leader(entry.link)
      if (leader !== null) return this.#linkTo(entry, name, seen, leader, false)
    }
    this.#bringOwn(entry, name, seen)
  }
  /** By itself, not as a link to another. */
  #bringOwn(entry: Entry, name: ByteName, seen: Standing | null): void {
    const isOnItsWay =
      entry.stands.kind === 'file'
        ? this.#regular(entry, name, seen)
        : this.#other(entry, name, seen)
    if (!isOnItsWay) this.#failed(entry)
  }

  /** Something of it is there already, so that others can be linked to it. */
  #canLead(entry: Entry, name: ByteName, seen: Standing | null): boolean {
    if (seen !== null && seen.kind === entry.stands.kind) return true
    return (this.#alternates?.find(entry, name) ?? null) !== null
  }

  /** It stands. The first of several names of a file: the others become links to it. */
  #settled(entry: Entry, name: ByteName, mayLeave = true): void {
    if (mayLeave) this.#parts.events.settled(entry)
    if (entry.link === null) return
    for (const { entry: waiting, wasBusy } of this.#links.stands(entry.link, name)) {
      const other = this.#parts.localName ?? waiting.name
      const seen = this.#seen(other, false, false)
      if (seen !== undefined) this.#linkTo(waiting, other, seen, name, !wasBusy)
      this.#parts.events.waits?.(waiting, false)
    }
  }
  /** It did not come, and will not: the next of its names is tried. */
  #failed(entry: Entry): void {
    const next = entry.link === null ? null : this.#links.failed(entry.link)
    if (next !== null) this.#instead(next)
  }
  #instead(next: Entry): void {
    this.#alone(next)
    this.#parts.events.waits?.(next, false)
  }
  #alone(entry: Entry): void {
    const name = this.#parts.localName ?? entry.name
    const seen = this.#seen(name, false, false)
    if (seen === undefined) this.#failed(entry)
    else this.#bringOwn(entry, name, seen)
  }

  /** @param hasWaited rsync compares a link that had to wait only with what is of its kind */
  #linkTo(
    entry: Entry,
    name: ByteName,
    seen: Standing | null,
    leader: ByteName,
    hasWaited: boolean,
  ): void {
    const { options, to, attributes } = this.#parts
    this.#parts.events.trace.linked?.(name, leader)
    const first = options.dryRun ? this.#wouldStand(entry, leader) : to.tree.stat(leader)
    if (seen !== null && first !== null && seen.ino === first.ino && seen.dev === first.dev) {
      const flags = attributes.differences(entry, to.tree, name, seen, false)
      this.#item(entry, ITEM.local | ITEM.xname | flags, null)
      this.#parts.events.settled(entry)
      return
    }
    const isSame = seen !== null && seen.kind === entry.stands.kind
    const found = seen === null ? (this.#alternates?.find(entry, name) ?? null) : null
    const isExact = found?.match === 'exact'
    // Linked there too: with its leader it has become what it was.
    const isThere = isExact && this.#alternates?.kind === 'link' && found.seen.ino === first?.ino
    const isCompared = seen !== null && (isSame || !hasWaited)
    // ACLs and extended attributes come with the link: rsync tells them in a dry run alone.
    const toldBits = options.dryRun ? ~0 : ~(ITEM.acl | ITEM.xattr)
    const flags = isCompared
      ? attributes.differences(entry, to.tree, name, seen, false) & toldBits
      : isExact && this.#alternates?.kind === 'copy'
        ? found.flags
        : ITEM.isNew
    if (seen !== null && !isSame && !this.#makeWay(entry, name, seen)) return
    if (!options.dryRun) {
      const made = this.#attempt('link', name, () => {
        if (isSame) this.#keepBackup(name, seen)
        to.link(to.tree, leader, name, isSame && to.tree.stat(name) !== null)
      })
      if (!made) return
    }
    if (isThere) {
      this.#parts.events.remark('uptodate', entry, name)
      this.#itemIfAll(entry, ITEM.local | ITEM.xname, leader)
    } else this.#item(entry, ITEM.local | ITEM.xname | flags, leader)
    this.#parts.events.settled(entry)
  }

  /** In a dry run: what would stand under a name that leads others, if it is here or in a directory of --link-dest. */
  #wouldStand(entry: Entry, leader: ByteName): Standing | null {
    const found = this.#alternates?.find(entry, leader) ?? null
    return found?.match === 'exact' ? found.seen : (this.#seen(leader, false, false) ?? null)
  }

  /** Links, devices, FIFOs, sockets. @returns it stands */
  #other(entry: Entry, name: ByteName, seen: Standing | null): boolean {
    const { options, to, attributes, mayMakeDevices } = this.#parts
    const { kind } = entry.stands
    if (
      kind !== 'symlink' &&
      (options.dropDevices || (!mayMakeDevices && kind !== 'fifo' && kind !== 'socket'))
    )
      return this.#leave('not-wanted', entry, name)
    const isSameKind = seen !== null && seen.kind === kind
    if (isSameKind && this.#isSame(entry, to.tree, name, seen)) {
      this.#unchanged(entry, name, seen)
      return true
    }
    const found = seen === null ? (this.#alternates?.find(entry, name) ?? null) : null
    if (found?.match === 'exact' && this.#takeExact(entry, name, null, found))
      return this.#alternates?.kind !== 'compare'
    const flags = isSameKind
      ? ITEM.change | this.#differences(entry, name, seen, true)
      : found === null
        ? newFlags(entry) | ITEM.change
        : found.match === 'exact'
          ? 0
          : found.flags | ITEM.change
    const isCleared = seen !== null && !isSameKind
    if (isCleared && !this.#makeWay(entry, name, seen)) return false
    if (!options.dryRun) {
      const made = this.#attempt(kind === 'symlink' ? 'symlink' : 'mknod', name, () => {
        if (isSameKind) this.#keepBackup(name, seen)
        const replaces = isSameKind && to.tree.stat(name) !== null
        if (kind === 'symlink') to.symlink(entry.target, name, replaces)
        else to.makeNode(entry.stands, name, replaces)
      })
      if (!made) return false
      // Without -p the mode of what it replaces stays, of whatever kind that was.
      const like = seen?.kind === 'directory' ? null : seen
      this.#attempt('failed to set attributes on', name, () =>
        attributes.give(entry, to.tree, name, like, null),
      )
    }
    if (found?.match === 'exact') this.#parts.events.remark('uptodate', entry, name)
    this.#item(entry, ITEM.local | flags, null)
    this.#settled(entry, name)
    return true
  }
  #leave(why: Parameters<GeneratorEvents['remark']>[0], entry: Entry, name: ByteName): false {
    this.#parts.events.remark(why, entry, name)
    return false
  }

  /** @returns it stands, or its bytes are asked for */
  #regular(entry: Entry, name: ByteName, seen: Standing | null): boolean {
    const { options } = this.#parts
    const { size, mtimeNs } = entry.stands
    if (options.maxSize !== null && size > options.maxSize)
      return this.#leave('too-large', entry, name)
    if (options.minSize !== null && size < options.minSize)
      return this.#leave('too-small', entry, name)
    const isDevice =
      seen !== null && options.writeDevices && (seen.kind === 'block' || seen.kind === 'character')
    const file = seen !== null && (seen.kind === 'file' || isDevice) ? seen : null
    if (file !== null && options.update && isNewer(file.mtimeNs, mtimeNs, options.modifyWindow))
      return this.#leave('newer', entry, name)
    if (seen !== null && file === null && !this.#makeWay(entry, name, seen)) return false
    const found = this.#alternates?.find(entry, name) ?? null
    if (found?.match === 'exact' && !isDevice && this.#takeExact(entry, name, file, found))
      return this.#alternates?.kind !== 'compare'
    if (file !== null && !isDevice && this.#isUpToDate(entry, this.#parts.to.tree, name, file)) {
      this.#unchanged(entry, name, file)
      if (!options.dryRun) this.#attempt('unlink', name, () => this.#parts.forgetPartial(name))
      return true
    }
    if (options.append !== 'no' && file !== null && file.size >= size) return false
    if (file === null && found !== null && found.match !== 'kind') {
      // It is as new as its time says, where that is not kept.
      const flags = ITEM.local | found.flags | (options.times ? 0 : ITEM.time)
      const like = found.match === 'exact' ? null : found.seen
      if (found.match === 'exact') this.#parts.events.remark('uptodate', entry, name)
      this.#bring(entry, found, { name, seen: null, like, iflags: flags, basis: null })
      return true
    }
    const stands = isDevice ? null : file
    const similar = stands === null && found === null ? this.#similar(entry, name) : null
    const basis = options.wholeFile === false ? this.#basisFor(name, stands, found, similar) : null
    const isUnread = basis !== null && !isDryOnWire(options) && !this.#isReadable(basis)
    const flags = isUnread ? newFlags(entry) : this.#fileFlags(entry, name, file, found)
    const like = stands ?? (found ?? similar)?.seen ?? null
    this.#bring(entry, entry.origin, {
      ...{ name, seen: stands, like: isUnread ? null : like },
      ...{ iflags: ITEM.transfer | flags, basis: isUnread ? null : basis },
    })
    return true
  }
  /** What cannot be read is no basis: then all of the file comes, as one that is new. */
  #isReadable({ tree, name }: Basis): boolean {
    try {
      tree.closeFile(tree.openFile(name))
      return true
    } catch (error) {
      this.#parts.events.unread(name, error)
      return false
    }
  }
  #fileFlags(entry: Entry, name: ByteName, file: Standing | null, found: Alternate | null): number {
    const changed = this.#parts.options.checksum ? ITEM.change : 0
    if (file !== null) return this.#differences(entry, name, file, true) | changed
    return (found === null ? newFlags(entry) : found.flags) | changed
  }
  /** @param origin where its bytes are, which may be a directory of --copy-dest */
  #bring(entry: Entry, origin: Entry['origin'], wanted: Omit<Request, 'entry' | 'announce'>): void {
    const { options, transfer } = this.#parts
    const { name, iflags } = wanted
    const announce = (flags = iflags): void => this.#item(entry, flags, null)
    if (isDryOnWire(options)) {
      announce()
      this.#settled(entry, name)
      return
    }
    // The same entry wherever it can be: who logs knows it again.
    const brought = origin === entry.origin ? entry : { ...entry, origin }
    transfer({ ...wanted, entry: brought, announce }, (ok) => {
      if (ok) this.#settled(entry, name)
      else this.#failed(entry)
    })
  }

  /** A file that may have blocks of it. */
  #basisFor(
    name: ByteName,
    seen: Standing | null,
    found: Alternate | null,
    similar: Similar | null,
  ): Basis | null {
    const { options, to } = this.#parts
    const partial = options.partialDir === null ? null : partialOf(to, options.partialDir, name)
    if (partial !== null) return { ...partial, kind: 'partial' }
    if (seen !== null) return { tree: to.tree, name, kind: 'file' }
    if (found !== null)
      return { tree: found.tree, name: found.name, kind: { alternate: found.index } }
    return similar && { tree: to.tree, name: similar.name, kind: 'fuzzy' }
  }
  /** Looked for with --whole-file too: a new file has its mode without -p. */
  #similar(entry: Entry, name: ByteName): Similar | null {
    const { options, events } = this.#parts
    if (options.fuzzy === 0) return null
    const directory = directoryOf(name)
    const { size, mtimeNs } = entry.stands
    const seen = chooseFuzzy(baseOf(name), size, mtimeNs, this.#listed(directory) ?? [])
    if (seen === null) return null
    const similar = joinName(directory, seen.base)
    events.trace.likened?.(name, similar)
    return { name: similar, seen }
  }

  #isUpToDate(entry: Entry, tree: SourceTree, name: ByteName, seen: Standing): boolean {
    const { options, attributes, equalSums } = this.#parts
    const quick = passesQuickCheck(entry, seen, attributes.keeping, options.checksum)
    return quick ?? equalSums(entry, tree, name, seen)
  }

  #unchanged(entry: Entry, name: ByteName, seen: Standing): void {
    const { options, to, attributes, events } = this.#parts
    const flags = this.#differences(entry, name, seen, false)
    this.#item(entry, options.dryRun ? flags : besideAcl(flags, entry, seen), null)
    if (!isTold(flags)) events.remark('uptodate', entry, name)
    if (!options.dryRun)
      this.#attempt('failed to set attributes on', name, () =>
        attributes.give(
          entry,
          to.tree,
          name,
          seen,
          this.#asCounted(seen, flags, entry),
          true,
          flags,
        ),
      )
    this.#settled(entry, name)
  }
  /** Times that differ by less than counts are left as they are; not where sums told that a file is the same. */
  #asCounted(seen: Standing, flags: number, entry: Entry): Standing {
    const isSummed = this.#parts.options.checksum && entry.stands.kind === 'file'
    return isSummed || (flags & ITEM.time) !== 0 ? seen : { ...seen, mtimeNs: entry.stands.mtimeNs }
  }

  /** Is it the same, of a kind that is no file: target, device. A file: by the quick check, or its sum. */
  #isSame(entry: Entry, tree: SourceTree, name: ByteName, seen: Standing): boolean {
    switch (entry.stands.kind) {
      case 'file':
        return this.#isUpToDate(entry, tree, name, seen)
      case 'symlink':
        return tree.readlink(name) === entry.target
      case 'character':
      case 'block':
        return seen.major === entry.stands.major && seen.minor === entry.stands.minor
      default:
        return true
    }
  }

  /** An exact match elsewhere. @returns false: what follows is as if there were none */
  #takeExact(entry: Entry, name: ByteName, seen: Standing | null, found: Alternate): boolean {
    const { options, to } = this.#parts
    const kind = this.#alternates?.kind
    // What is no file stays at the source with --remove-source-files.
    const isFile = entry.stands.kind === 'file'
    if (kind === 'compare') {
      if (seen !== null && !options.dryRun && !this.#attempt('unlink', name, () => to.remove(name)))
        return true
      this.#parts.events.remark('uptodate', entry, name)
      this.#itemIfAll(entry, 0, null)
      if (isFile) this.#parts.events.settled(entry)
      return true
    }
    if (kind !== 'link') return false
    const isLinked = seen !== null && seen.ino === found.seen.ino && seen.dev === found.seen.dev
    if (!options.dryRun && !isLinked) {
      const made = this.#attempt('link', name, () => to.link(found.tree, name, name, seen !== null))
      if (!made) return false
    }
    this.#parts.events.remark('uptodate', entry, name)
    this.#itemIfAll(entry, ITEM.local | ITEM.xname, '' as ByteName)
    this.#settled(entry, name, isFile)
    return true
  }

  // ---- what stands in the way --------------------------------------------------------------------

  /** Something of another kind makes way. @returns false: it stays, and that is told */
  #makeWay(entry: Entry, name: ByteName, seen: Standing): boolean {
    const { options, deleter, events } = this.#parts
    if (seen.kind === 'directory') {
      const mayEmpty = options.force || options.deleting !== null
      const isEmpty = mayEmpty ? deleter.empty(name) : this.#listed(name)?.length === 0
      if (!isEmpty) {
        events.remark('in-the-way', entry, name)
        return false
      }
    }
    return deleter.clear(name, seen)
  }
  #deleteMissing(name: ByteName): void {
    const { options, deleter } = this.#parts
    const seen = this.#seen(name, false, false)
    if (seen === null || seen === undefined) return
    if (seen.kind === 'directory' && (options.force || options.deleting !== null))
      deleter.empty(name)
    deleter.remove([{ name, standing: seen }])
  }
  #keepBackup(name: ByteName, seen: Standing): void {
    this.#parts.deleter.keep(name, seen)
  }

  // ---- small parts -------------------------------------------------------------------------------

  /** Null: there is none, or it cannot be read, which is told. */
  #listed(directory: ByteName): readonly Standing[] | null {
    try {
      return this.#parts.to.tree.list(directory)
    } catch (error) {
      this.#parts.events.fault('opendir', directory, error)
      return null
    }
  }
  /** What stands under a name; undefined: that cannot be found out, and is told. */
  #seen(
    name: ByteName,
    isNew: boolean,
    followsDirectory: boolean,
    isQuiet = false,
  ): Standing | null | undefined {
    const { to, events, isUnmade } = this.#parts
    if (isNew || isUnmade) return null
    try {
      const seen = to.tree.stat(name)
      if (!followsDirectory || seen?.kind !== 'symlink') return seen
      const target = to.tree.statFollowing(name)
      return target?.kind === 'directory' ? target : seen
    } catch (error) {
      if (!isQuiet) events.fault('recv_generator: failed to stat', name, error)
      return undefined
    }
  }
  #differences(entry: Entry, name: ByteName, seen: Standing, isTransfer: boolean): number {
    const { attributes, to } = this.#parts
    return attributes.differences(entry, to.tree, name, seen, isTransfer)
  }
  #item(entry: Entry, iflags: number, xname: ByteName | null): void {
    if ((iflags & ITEM.isNew) !== 0) this.created[countedAs(entry.stands.kind)]++
    if (isTold(iflags) || xname !== null || this.#parts.options.logUnchanged)
      this.#parts.events.item(entry, iflags, xname)
  }
  #itemIfAll(entry: Entry, iflags: number, xname: ByteName | null): void {
    if (this.#parts.options.logUnchanged) this.#parts.events.item(entry, iflags, xname)
  }
  #attempt(call: string, name: ByteName, act: () => void): boolean {
    try {
      act()
      return true
    } catch (error) {
      this.#parts.events.fault(call, name, error)
      return false
    }
  }

  /** At the end: members of link groups that never met one that stood. */
  finishLinks(): void {
    for (const entry of this.#links.left()) {
      this.#alone({ ...entry, link: null })
      this.#parts.events.waits?.(entry, false)
    }
  }
}

function countedAs(kind: FileKind): 'file' | 'directory' | 'symlink' | 'device' | 'special' {
  if (kind === 'character' || kind === 'block') return 'device'
  if (kind === 'fifo' || kind === 'socket') return 'special'
  return kind
}

/** rsync(1) --safe-links: judged by the link's place in the transfer. */
function isSafe(entry: Entry): boolean {
  return isSafeLink(entry.target, entry.name.split('/').length - 1)
}

/** What an ACL changes of a mode is told as its own change, once it is set. */
function besideAcl(flags: number, { mode }: Entry, seen: Standing): number {
  const isByAcl = (flags & ITEM.acl) !== 0 && ((mode ^ seen.mode) & 0o7000) === 0
  return isByAcl ? flags & ~ITEM.perms : flags
}

/** Of what is not here: its attributes are told apart, since values that are long have to be asked for. */
function newFlags({ xattrs }: Entry): number {
  const hasAny = xattrs?.some(({ name }) => !isAclName(name)) ?? false
  return ITEM.isNew | (hasAny ? ITEM.xattr : 0)
}
