/** The destination as decisions meet it: what stands under a name, what makes way, and telling what becomes of an entry. */
import type { ByteName } from '../base/byte-name.js'
import { codeOf, FileError } from '../base/errors.js'
import type { Trace } from '../base/trace.js'
import { isAclName } from '../flist/posix-acl.js'
import type { FileKind, Standing } from '../host.js'
import type { Options } from '../options/options.js'
import { ITEM, isTold } from '../plan/iflags.js'
import type { AttributeWork } from './attributes.js'
import type { Deleter } from './deleter.js'
import type { Entry } from './request.js'
import type { ReceivingTree } from './trees.js'

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

export type GroundParts = {
  readonly options: Options
  readonly to: ReceivingTree
  readonly attributes: AttributeWork
  readonly deleter: Deleter
  readonly events: GeneratorEvents
  /** The only source goes under this name. */
  readonly localName: ByteName | null
  /** A dry run goes into a directory that was not made: nothing stands in it. */
  readonly isUnmade: boolean
}

/** A directory that is gone through. */
export type Place = {
  readonly name: ByteName
  /** Nothing stood there: neither does anything in it. */
  readonly isNew: boolean
  /** Not to be gone into: what is in it is left out. */
  readonly isSkipped: boolean
  /** --ignore-existing leaves something there that cannot be gone into: what is in it has no place. */
  readonly barred?: Error | null
  readonly entry: Entry | null
}

export class Ground {
  readonly options: Options
  readonly to: ReceivingTree
  readonly attributes: AttributeWork
  readonly deleter: Deleter
  readonly events: GeneratorEvents
  readonly #localName: ByteName | null
  readonly #isUnmade: boolean
  /** What stood nowhere, in a directory of --link-dest and the like neither. */
  readonly created = { file: 0, directory: 0, symlink: 0, device: 0, special: 0 }

  constructor(parts: GroundParts) {
    this.options = parts.options
    this.to = parts.to
    this.attributes = parts.attributes
    this.deleter = parts.deleter
    this.events = parts.events
    this.#localName = parts.localName
    this.#isUnmade = parts.isUnmade
  }

  nameOf(listed: ByteName): ByteName {
    return this.#localName ?? listed
  }

  /** What stands under a name; undefined: that cannot be found out, and is told. */
  seen(name: ByteName, { isNew = false, isQuiet = false } = {}): Standing | null | undefined {
    if (isNew || this.#isUnmade) return null
    try {
      return this.to.tree.stat(name)
    } catch (error) {
      if (!isQuiet) this.events.fault('recv_generator: failed to stat', name, error)
      return undefined
    }
  }
  /** What a link leads to, where that is a directory; else the link, or why it may not be followed. */
  through(name: ByteName, link: Standing): Standing | FileError {
    try {
      const target = this.to.tree.statFollowing(name)
      return target?.kind === 'directory' ? target : link
    } catch (error) {
      if (codeOf(error) !== undefined) return link
      if (error instanceof FileError) return error
      throw error
    }
  }
  /** Why what stands there is no directory, nor leads to one; null: it is. */
  barred(name: ByteName, seen: Standing): Error | null {
    const target = this.through(name, seen)
    if (target instanceof FileError) return target
    return target.kind === 'directory' ? null : new FileError(`${name} is no directory`)
  }
  /** Null: there is none, or it cannot be read, which is told. */
  listed(directory: ByteName): readonly Standing[] | null {
    try {
      return this.to.tree.list(directory)
    } catch (error) {
      this.events.fault('opendir', directory, error)
      return null
    }
  }
  differences(entry: Entry, name: ByteName, seen: Standing, isTransfer: boolean): number {
    return this.attributes.differences(entry, this.to.tree, name, seen, isTransfer)
  }

  /** With --no-implied-dirs what stands above a named source is made if it must be, and is no entry. */
  makeAbove(above: Place | null): void {
    const { relative, impliedDirs, dryRun } = this.options
    if (above === null || above.entry !== null || !relative || impliedDirs || dryRun) return
    this.attempt('mkdir', above.name, () => this.to.makeDirectories(this.to.tree, above.name))
  }
  /** Something of another kind makes way. @returns false: it stays, and that is told */
  makeWay(entry: Entry, name: ByteName, seen: Standing): boolean {
    const { options, deleter } = this
    if (seen.kind !== 'directory') return deleter.clear(name, seen)
    const mayEmpty = options.force || options.deleting !== null
    return deleter.clearDirectory(name, seen, mayEmpty) || this.leave('in-the-way', entry, name)
  }

  item(entry: Entry, iflags: number, xname: ByteName | null): void {
    if ((iflags & ITEM.isNew) !== 0) this.created[countedAs(entry.stands.kind)]++
    if (isTold(iflags) || xname !== null || this.options.logUnchanged)
      this.events.item(entry, iflags, xname)
  }
  itemIfAll(entry: Entry, iflags: number, xname: ByteName | null): void {
    if (this.options.logUnchanged) this.events.item(entry, iflags, xname)
  }
  leave(why: Remark, entry: Entry, name: ByteName): false {
    this.events.remark(why, entry, name)
    return false
  }
  attempt(call: string, name: ByteName, act: () => void): boolean {
    try {
      act()
      return true
    } catch (error) {
      this.events.fault(call, name, error)
      return false
    }
  }
}

function countedAs(kind: FileKind): 'file' | 'directory' | 'symlink' | 'device' | 'special' {
  if (kind === 'character' || kind === 'block') return 'device'
  if (kind === 'fifo' || kind === 'socket') return 'special'
  return kind
}

/** Of what is not here: its attributes are told apart, since values that are long have to be asked for. */
export function newFlags({ xattrs }: Entry): number {
  const hasAny = xattrs?.some(({ name }) => !isAclName(name)) ?? false
  return ITEM.isNew | (hasAny ? ITEM.xattr : 0)
}
