/** Bytes → file lists. What comes from outside is checked here: names, types, times, lengths, references. prsync-protocol(7), file list. */
import {
  type ByteName,
  byteName,
  directoryOf,
  isWithin,
  nameFault,
  ROOT_NAME,
} from '../base/byte-name.js'
import type { Cursor } from '../base/bytes.js'
import { ProtocolError, WireError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { ACL_ACCESS, ACL_DEFAULT } from '../flist/posix-acl.js'
import type { FileKind, Standing } from '../host.js'
import { readAcl, wholeAcl } from './acl.js'
import {
  END_WITH_ERROR,
  type IdNames,
  isDevice,
  type WireEntry,
  type WireXattr,
  XFLAG,
} from './file-entry.js'
import { readVarint, readVarint30 } from './ints.js'
import { type Attributes, AttributesReader, kindOf, NO_ATTRIBUTES } from './list-attributes.js'
import { SessionReader, SessionRoom } from './session-list.js'
import { has, hasSafeList, type ListOptions, type Terms } from './terms.js'
import { readXattrs } from './xattr.js'

const NS = 1_000_000_000n
const NOTHING: readonly WireXattr[] = []
/** Errors of reading that have a meaning. */
const IO_ERRORS = 7
/** A component that is none, or that leads elsewhere. */
const BAD_COMPONENT = /\0|(?:^|\/)\.{0,2}(?:\/|$)/

/** All lists of one session. A read that underflows may be tried again from where it began. */
export class ListDecoder {
  readonly #terms: Terms
  readonly #options: ListOptions
  readonly #attributes: AttributesReader
  readonly #users = new Map<number, string>()
  readonly #groups = new Map<number, string>()
  readonly #pendingNames: { isUser: boolean; id: number; name: string }[] = []
  readonly #access: SessionReader<ReturnType<typeof readAcl>>
  readonly #default: SessionReader<ReturnType<typeof readAcl>>
  readonly #xattrs: SessionReader<readonly WireXattr[]>
  /** The last name, in whose place the next is put together. */
  readonly #name = Buffer.alloc(LIMITS.nameBytes)
  #nameLength = 0
  #previous = NO_ATTRIBUTES
  /** Numbers of first members of groups of hard links. */
  readonly #firsts = new Set<number>()
  /** What those of this list are. */
  readonly #near = new Map<number, Attributes>()
  /** Before protocol 30: the last directory that was named; those within it have contents. */
  #top: ByteName | null = null
  #start = 0
  #next = 0
  #within: ByteName | null = null
  #ioError = 0

  constructor(terms: Terms, options: ListOptions) {
    this.#terms = terms
    this.#options = options
    this.#attributes = new AttributesReader(terms, options)
    const acl = (c: Cursor): ReturnType<typeof readAcl> =>
      readAcl(c, (isUser, id, name) => this.#pendingNames.push({ isUser, id, name }))
    const room = new SessionRoom()
    this.#access = new SessionReader(acl, ({ named }) => named.length, room)
    this.#default = new SessionReader(acl, ({ named }) => named.length, room)
    this.#xattrs = new SessionReader(readXattrs, ({ length }) => length, room)
  }

  /** What the sender could not read, as bits 1, 2 and 4; it holds once a list, or what stands behind it, was read to its end. */
  get ioError(): number {
    return this.#ioError
  }
  /** Names of owners that came so far. */
  get ids(): IdNames {
    return { users: this.#users, groups: this.#groups }
  }

  /**
   * A list whose first entry has this number.
   * @param within all its names are in this directory; null: wherever
   */
  begin(start: number, within: ByteName | null = null): void {
    this.#start = start
    this.#next = start
    this.#within = within
    this.#near.clear()
  }

  /** The next entry; null: the end of the list. */
  read(c: Cursor): WireEntry | null {
    const flags = this.#readFlags(c)
    if (flags === null) return null
    this.#pendingNames.length = 0
    const { nameLength, wireName } = this.#readName(c, flags)
    const isRooted = this.#options.relative && wireName.startsWith('/')
    const name = this.#checkedName(isRooted ? wireName.replace(/^\/+/, '') : wireName)
    const first = this.#readLink(c, flags)
    const near = first === null ? undefined : this.#near.get(first)
    if (first !== null && near === undefined && first >= this.#start) throw badLink(first)
    const said = near ?? this.#attributes.read(c, flags, this.#previous)
    const kind = kindOf(said.mode)
    const xattrs = this.#readXattrs(c, said.mode, kind)

    // All is there: now it counts.
    this.#nameLength = nameLength
    // A further name of a file says nothing of devices: the last that did still counts.
    const { rdevMajor, rdevMinor, rdev } = this.#previous
    this.#previous =
      near === undefined || isDevice(kind) ? said : { ...near, rdevMajor, rdevMinor, rdev }
    const number = this.#next++
    let link = first === null ? null : String(first)
    if (this.#terms.protocol >= 30 && first === null && flags & XFLAG.hardLinked) {
      link = String(number)
      this.#firsts.add(number)
      this.#near.set(number, said)
    } else if (this.#attributes.isLinkedByInode(flags, kind))
      link = `${said.device - 1n}:${said.inode}`
    if (name === ROOT_NAME && kind !== 'directory')
      throw new ProtocolError('rejecting a top that is no directory')
    if (link !== null && kind === 'directory') throw new WireError('a directory of several names')
    this.#commitNames(said)
    return this.#entryOf(name, said, kind, flags, link, xattrs, isRooted)
  }

  /** What stands behind the one list where lists are not incremental. */
  readIdLists(c: Cursor): IdNames {
    const { owner, group, acls, numericIds } = this.#options
    const users = !numericIds && (owner || acls) ? this.#readIds(c) : []
    const groups = !numericIds && (group || acls) ? this.#readIds(c) : []
    if (this.#terms.protocol < 30) this.#ioError = c.i32le() & IO_ERRORS
    for (const [id, name] of users) this.#users.set(id, name)
    for (const [id, name] of groups) this.#groups.set(id, name)
    return this.ids
  }
  #readIds(c: Cursor): [number, string][] {
    const ids: [number, string][] = []
    for (;;) {
      const id = readVarint30(c, this.#terms.protocol) >>> 0
      if (id === 0) break
      if (ids.length >= LIMITS.listIds) throw new WireError('too many owners')
      ids.push([id, c.latin1(c.u8())])
    }
    if (has(this.#terms, 'id0Names')) {
      const name = c.latin1(c.u8())
      if (name !== '') ids.push([0, name])
    }
    return ids
  }

  /** Null: the end. */
  #readFlags(c: Cursor): number | null {
    if (has(this.#terms, 'varFlags')) {
      const flags = readVarint(c)
      return flags === 0 ? this.#end(readVarint(c)) : flags
    }
    const low = c.u8()
    if (low === 0) return this.#end(0)
    if (this.#terms.protocol < 28 || !(low & XFLAG.extended)) return low
    const flags = low | (c.u8() << 8)
    return flags === END_WITH_ERROR && hasSafeList(this.#terms) ? this.#end(readVarint(c)) : flags
  }
  #end(ioError: number): null {
    this.#ioError = ioError & IO_ERRORS
    return null
  }

  #readName(c: Cursor, flags: number): { nameLength: number; wireName: string } {
    const shared = flags & XFLAG.sameName ? c.u8() : 0
    const rest = flags & XFLAG.longName ? readVarint30(c, this.#terms.protocol) : c.u8()
    const nameLength = shared + rest
    if (shared > this.#nameLength || rest < 0 || nameLength > LIMITS.nameBytes)
      throw new WireError(`name of ${shared} and ${rest} bytes`, { at: 'file list' })
    const at = c.take(rest)
    // What the names share stays as it is, so that a second try of this entry finds it.
    this.#name.set(c.bytes.subarray(at, at + rest), shared)
    return { nameLength, wireName: this.#name.toString('latin1', 0, nameLength) }
  }
  #checkedName(name: string): ByteName {
    const fault =
      name === '.'
        ? null
        : BAD_COMPONENT.test(name) || name.length > LIMITS.componentBytes
          ? nameFault(name)
          : null
    if (fault !== null) throw new WireError(fault, { at: 'file list' })
    const checked = byteName(name)
    if (this.#within !== null && (name === '.' || directoryOf(checked) !== this.#within))
      throw new WireError('a name that is not in the directory of its list')
    return checked
  }

  /** The first member of a later one's group; null: it is a first one, or alone. */
  #readLink(c: Cursor, flags: number): number | null {
    if (!(flags & XFLAG.hardLinked) || this.#terms.protocol < 28) return null
    if (!this.#options.hardLinks) throw new WireError('a hard link that was not asked for')
    if (this.#terms.protocol < 30 || flags & XFLAG.hardLinkFirst) return null
    const first = readVarint(c)
    if (!this.#firsts.has(first)) throw badLink(first)
    return first
  }
  #readXattrs(c: Cursor, mode: number, kind: FileKind | null): readonly WireXattr[] {
    const { acls, xattrs } = this.#options
    if (!acls && !xattrs) return NOTHING
    let access: string | null = null
    let inherited: string | null = null
    const isDirectory = kind === 'directory'
    if (acls && kind !== 'symlink') {
      access = wholeAcl(this.#access.read(c), 'access', mode)
      if (isDirectory) inherited = wholeAcl(this.#default.read(c), 'default', mode)
    }
    const own = xattrs ? this.#xattrs.read(c) : NOTHING
    if (acls && kind !== 'symlink') this.#access.commit()
    if (acls && isDirectory) this.#default.commit()
    if (xattrs) this.#xattrs.commit()
    if (access === null && inherited === null) return own
    const all = [...own]
    if (access !== null) all.push(aclOf(ACL_ACCESS, access))
    if (inherited !== null) all.push(aclOf(ACL_DEFAULT, inherited))
    return all
  }

  #commitNames({ uid, gid, userName, groupName }: Attributes): void {
    if (userName !== null) this.#users.set(uid, userName)
    if (groupName !== null) this.#groups.set(gid, groupName)
    for (const { isUser, id, name } of this.#pendingNames)
      (isUser ? this.#users : this.#groups).set(id, name)
  }

  #entryOf(
    name: ByteName,
    said: Attributes,
    kind: FileKind | null,
    flags: number,
    link: string | null,
    xattrs: readonly WireXattr[],
    isRooted: boolean,
  ): WireEntry {
    const isDirectory = kind === 'directory'
    const isTop = isDirectory && (flags & XFLAG.topDirectory) !== 0
    const isNode = isDevice(kind)
    const mode = said.mode & 0o7777
    const stands: Standing = {
      base: name.slice(name.lastIndexOf('/') + 1),
      kind: kind ?? 'file',
      mode,
      size: said.size,
      mtimeNs: said.mtimeNs,
      ctimeNs: 0n,
      uid: said.uid,
      gid: said.gid,
      dev: link !== null && said.device !== 0n ? said.device - 1n : 0n,
      ino: link !== null ? said.inode : 0n,
      nlink: link !== null ? 2 : 1,
      major: isNode ? said.rdevMajor : 0,
      minor: isNode ? said.rdevMinor : 0,
    }
    const entry: WireEntry = {
      name,
      stands,
      mode,
      target: said.target,
      atimeNs: isDirectory || said.atime === 0 ? 0n : BigInt(said.atime) * NS,
      link,
      isBare: isDirectory && this.#isBare(name, flags, isTop),
      isMissing: kind === null,
      isTop,
      userName: said.userName,
      groupName: said.groupName,
      sum: said.sum,
      xattrs,
    }
    return isRooted ? { ...entry, isRooted } : entry
  }
  /** Are its contents not sent? */
  #isBare(name: ByteName, flags: number, isTop: boolean): boolean {
    if (this.#terms.protocol >= 30) return (flags & XFLAG.noContent) !== 0
    // Without -r only what was named with a slash is sent whole.
    if (!this.#options.recursive) return !isTop
    if (isTop) this.#top = name
    return this.#top === null || (this.#top !== ROOT_NAME && !isWithin(name, this.#top))
  }
}

function aclOf(name: string, value: string): WireXattr {
  return { name, value, length: value.length, digest: '' }
}
function badLink(first: number): WireError {
  return new WireError(`a hard link to entry ${first}`, { at: 'file list' })
}
