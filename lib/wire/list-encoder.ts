/** File lists → bytes: each entry told as what differs from the one before. prsync-protocol(7), file list. */
import type { Writer } from '../base/bytes.js'
import { ACL_ACCESS, ACL_DEFAULT, isAclName } from '../flist/posix-acl.js'
import { CHECKSUM_BYTES } from '../hash/checksum.js'
import type { FileKind } from '../host.js'
import { type AclKind, aclKey, strippedAcl, writeAcl } from './acl.js'
import {
  type IdLookup,
  isDevice,
  isSpecial,
  TYPE_OF_KIND,
  type WireEntry,
  XFLAG,
} from './file-entry.js'
import {
  writeVarint,
  writeVarint30,
  writeVarlong,
  writeVarlong30,
  writeWideLongint,
} from './ints.js'
import { SessionWriter } from './session-list.js'
import { has, hasSafeList, type ListOptions, type Terms } from './terms.js'
import { sentXattrs, writeXattrs, xattrsKey } from './xattr.js'

const NS = 1_000_000_000n
const NO_NAMES: IdLookup = { user: () => null, group: () => null }

/** What the entry before was, in the words that an entry may leave out. */
type Previous = {
  name: string
  mode: number
  seconds: number
  atime: number
  uid: number
  gid: number
  rdevMajor: number
  /** Protocol 27. */
  rdev: number
  /** Number of the file's device, and one; protocols before 30. */
  device: bigint
}

/** All lists of one session. Entries of a list go in the order of their numbers. */
export class ListEncoder {
  readonly #terms: Terms
  readonly #options: ListOptions
  readonly #names: IdLookup
  readonly #ridingNames: boolean
  readonly #previous: Previous = {
    name: '',
    mode: 0,
    seconds: 0,
    atime: 0,
    uid: 0,
    gid: 0,
    rdevMajor: 0,
    rdev: 0,
    device: 0n,
  }
  readonly #uids = new Set<number>()
  readonly #gids = new Set<number>()
  readonly #acls = { access: new SessionWriter(), default: new SessionWriter() }
  readonly #xattrs = new SessionWriter()
  /** First members of groups of hard links, by their keys. */
  readonly #firsts = new Map<string, number>()
  /** Those of this list. */
  readonly #near = new Map<string, WireEntry>()
  #next = 0
  #ioError = 0

  /** @param names of the owners in ACLs, where they ride along with an incremental list */
  constructor(terms: Terms, options: ListOptions, names: IdLookup = NO_NAMES) {
    this.#terms = terms
    this.#options = options
    this.#names = names
    this.#ridingNames = has(terms, 'incremental') && !options.numericIds
  }

  /** A list whose first entry has this number. */
  begin(start: number): void {
    this.#next = start
    this.#near.clear()
  }

  entry(w: Writer, entry: WireEntry): void {
    const { protocol } = this.#terms
    const { hardLinks } = this.#options
    const number = this.#next++
    const link = hardLinks && protocol >= 30 ? entry.link : null
    const first = link === null ? undefined : this.#firsts.get(link)
    if (link !== null && first === undefined) {
      this.#firsts.set(link, number)
      this.#near.set(link, entry)
    }
    // What a link's first name said is not said again, and is what this one is, whatever became of the file since.
    const near = link === null || first === undefined ? undefined : this.#near.get(link)
    const told = near === undefined ? entry : { ...near, name: entry.name }

    const wireName = entry.isRooted === true ? `/${entry.name}` : entry.name
    const shared = sharedLength(this.#previous.name, wireName)
    const rest = wireName.length - shared
    const seconds = secondsOf(told.stands.mtimeNs)
    const nanoseconds = protocol >= 31 ? nanosecondsOf(told.stands.mtimeNs) : 0
    const userName = this.#rides(this.#options.owner, told.stands.uid, this.#uids, told.userName)
    const groupName = this.#rides(this.#options.group, told.stands.gid, this.#gids, told.groupName)
    let flags = this.#sameFlags(told, seconds)
    if (shared > 0) flags |= XFLAG.sameName
    if (rest > 255) flags |= XFLAG.longName
    if (nanoseconds !== 0) flags |= XFLAG.nanoseconds
    if (userName !== null) flags |= XFLAG.userName
    if (groupName !== null) flags |= XFLAG.groupName
    if (link !== null) flags |= XFLAG.hardLinked | (first === undefined ? XFLAG.hardLinkFirst : 0)

    flags = this.#writeFlags(w, flags, kindOf(told) === 'directory')
    if (shared > 0) w.u8(shared)
    if (flags & XFLAG.longName) writeVarint30(w, rest, protocol)
    else w.u8(rest)
    w.latin1(wireName.slice(shared))
    if (first !== undefined) writeVarint(w, first)
    if (near === undefined) {
      this.#attributes(w, told, flags, seconds, nanoseconds, userName, groupName)
    }
    this.#previous.name = wireName
    if (this.#options.acls && kindOf(told) !== 'symlink') this.#writeAcls(w, entry, told.mode)
    if (this.#options.xattrs) this.#writeXattrs(w, entry)
    this.#remember(told, seconds)
  }

  /** The end of a list; errors of reading as bits 1, 2 and 4. */
  end(w: Writer, ioError: number): void {
    this.#ioError = ioError
    if (has(this.#terms, 'varFlags')) {
      w.u8(0)
      writeVarint(w, ioError)
    } else if (ioError !== 0 && hasSafeList(this.#terms)) {
      w.u8(XFLAG.extended)
      w.u8(0x10)
      writeVarint(w, ioError)
    } else w.u8(0)
  }

  /**
   * What stands behind the one list where lists are not incremental: who the ids are that occurred, and, below protocol 30,
   * the errors that `end` was told.
   */
  idLists(w: Writer, names: IdLookup): void {
    const { owner, group, acls, numericIds } = this.#options
    if (!numericIds && (owner || acls)) this.#idList(w, this.#uids, (id) => names.user(id))
    if (!numericIds && (group || acls)) this.#idList(w, this.#gids, (id) => names.group(id))
    if (this.#terms.protocol < 30) w.i32le(this.#ioError)
  }
  #idList(w: Writer, ids: ReadonlySet<number>, nameOf: (id: number) => string | null): void {
    const { protocol } = this.#terms
    // As rsync does, the last that came up first.
    for (const id of [...ids].reverse()) {
      const name = id === 0 ? null : sendable(nameOf(id))
      if (name === null) continue
      writeVarint30(w, id | 0, protocol)
      w.u8(name.length)
      w.latin1(name)
    }
    writeVarint30(w, 0, protocol)
    if (!has(this.#terms, 'id0Names')) return
    const name = sendable(nameOf(0)) ?? ''
    w.u8(name.length)
    w.latin1(name)
  }

  /** The name that goes with an id: where it comes up first. */
  #rides(isKept: boolean, id: number, seen: Set<number>, name: string | null): string | null {
    if (!isKept || seen.has(id)) return null
    seen.add(id)
    return this.#ridingNames ? sendable(name) : null
  }

  #sameFlags(entry: WireEntry, seconds: number): number {
    const { protocol } = this.#terms
    const { owner, group, atimes } = this.#options
    const before = this.#previous
    const { stands, isTop, isBare } = entry
    const isDirectory = kindOf(entry) === 'directory'
    let flags = 0
    if (modeOf(entry) === before.mode) flags |= XFLAG.sameMode
    if (seconds === before.seconds) flags |= XFLAG.sameTime
    if (!owner || (stands.uid === before.uid && before.name !== '')) flags |= XFLAG.sameUid
    if (!group || (stands.gid === before.gid && before.name !== '')) flags |= XFLAG.sameGid
    if (isDirectory && isTop && (protocol >= 30 || !isBare)) flags |= XFLAG.topDirectory
    if (isDirectory && isBare && protocol >= 30) flags |= XFLAG.noContent
    if (atimes && !isDirectory && secondsOf(entry.atimeNs) === before.atime)
      flags |= XFLAG.sameAtime
    return flags | this.#rdevFlags(entry) | this.#linkFlags(entry)
  }
  #rdevFlags(entry: WireEntry): number {
    const { stands } = entry
    const kind = kindOf(entry)
    const { protocol } = this.#terms
    const { devices, specials } = this.#options
    const before = this.#previous
    if (specials && isSpecial(kind) && protocol < 31) {
      if (protocol < 28) return XFLAG.sameRdev
      return XFLAG.sameRdevMajor | (protocol < 30 ? XFLAG.smallMinor : 0)
    }
    if (!devices || !isDevice(kind)) return 0
    if (protocol < 28) return rdevOf(stands) === before.rdev ? XFLAG.sameRdev : 0
    const small = protocol < 30 && stands.minor <= 0xff ? XFLAG.smallMinor : 0
    return small | (stands.major === before.rdevMajor ? XFLAG.sameRdevMajor : 0)
  }
  /** Before protocol 30 a link is told by device and inode. */
  #linkFlags(entry: WireEntry): number {
    const { protocol } = this.#terms
    if (!this.#options.hardLinks || protocol >= 30 || protocol < 28 || entry.link === null) return 0
    const isSame = entry.stands.dev + 1n === this.#previous.device
    return XFLAG.hardLinked | (isSame ? XFLAG.sameDevice : 0)
  }

  /** Flags are never 0, which would be the end. Returns them as they went. */
  #writeFlags(w: Writer, flags: number, isDirectory: boolean): number {
    const { protocol } = this.#terms
    if (has(this.#terms, 'varFlags')) {
      writeVarint(w, flags === 0 ? XFLAG.extended : flags)
      return flags
    }
    const told = protocol < 28 ? flags & 0xff : flags
    if (told === 0 && isDirectory && protocol >= 28) {
      w.u8(XFLAG.extended)
      w.u8(0)
      return told
    }
    const sent = told !== 0 ? told : isDirectory ? XFLAG.longName : XFLAG.topDirectory
    if (sent <= 0xff) w.u8(sent)
    else {
      w.u8((sent & 0xff) | XFLAG.extended)
      w.u8(sent >> 8)
    }
    return sent
  }

  #attributes(
    w: Writer,
    entry: WireEntry,
    flags: number,
    seconds: number,
    nanoseconds: number,
    userName: string | null,
    groupName: string | null,
  ): void {
    const { protocol } = this.#terms
    const { owner, group, atimes, links, hardLinks } = this.#options
    const { stands } = entry
    const kind = kindOf(entry)
    const isModern = protocol >= 30
    writeVarlong30(w, sizeOf(entry), 3, protocol)
    if (!(flags & XFLAG.sameTime)) {
      if (isModern) writeVarlong(w, seconds, 4)
      else w.u32le(seconds >>> 0)
    }
    if (nanoseconds !== 0) writeVarint(w, nanoseconds)
    if (!(flags & XFLAG.sameMode)) w.i32le(modeOf(entry))
    if (atimes && kind !== 'directory' && !(flags & XFLAG.sameAtime))
      writeVarlong(w, secondsOf(entry.atimeNs), 4)
    if (owner && !(flags & XFLAG.sameUid)) writeId(w, stands.uid, userName, protocol)
    if (group && !(flags & XFLAG.sameGid)) writeId(w, stands.gid, groupName, protocol)
    this.#writeRdev(w, entry, flags)
    if (links && kind === 'symlink') {
      writeVarint30(w, entry.target.length, protocol)
      w.latin1(entry.target)
    }
    const isFile = kind === 'file'
    if (hardLinks && !isModern && (protocol < 28 ? isFile : flags & XFLAG.hardLinked)) {
      if (protocol < 28 || !(flags & XFLAG.sameDevice)) writeWideLongint(w, stands.dev + 1n)
      writeWideLongint(w, stands.ino)
      this.#previous.device = stands.dev + 1n
    }
    if (this.#options.checksum && (isFile || protocol < 28))
      w.put(entry.sum ?? new Uint8Array(CHECKSUM_BYTES[this.#terms.listChecksum]))
  }
  #writeRdev(w: Writer, entry: WireEntry, flags: number): void {
    const { stands } = entry
    const kind = kindOf(entry)
    const { protocol } = this.#terms
    const { devices, specials } = this.#options
    const isNode = isDevice(kind)
    if (!(devices && isNode) && !(specials && isSpecial(kind) && protocol < 31)) {
      if (protocol < 28) this.#previous.rdev = 0
      return
    }
    if (protocol < 28) {
      if (!(flags & XFLAG.sameRdev)) w.i32le(rdevOf(stands))
      if (isNode) this.#previous.rdev = rdevOf(stands)
      return
    }
    if (!(flags & XFLAG.sameRdevMajor)) writeVarint30(w, stands.major, protocol)
    const minor = isNode ? stands.minor : 0
    if (protocol < 30 && flags & XFLAG.smallMinor) w.u8(minor)
    else writeVarint30(w, minor, protocol)
  }

  #writeAcls(w: Writer, entry: WireEntry, mode: number): void {
    const write = (kind: AclKind, name: string): void => {
      const value = entry.xattrs.find((xattr) => xattr.name === name)?.value ?? null
      const acl = strippedAcl(value, kind, mode)
      this.#acls[kind].write(w, aclKey(acl), () => {
        writeAcl(w, acl, (isUser, id) =>
          isUser
            ? this.#rides(true, id, this.#uids, this.#names.user(id))
            : this.#rides(true, id, this.#gids, this.#names.group(id)),
        )
      })
    }
    write('access', ACL_ACCESS)
    if (kindOf(entry) === 'directory') write('default', ACL_DEFAULT)
  }
  #writeXattrs(w: Writer, entry: WireEntry): void {
    const own = entry.xattrs.filter(({ name }) => !isAclName(name))
    const sent = sentXattrs(own)
    this.#xattrs.write(w, xattrsKey(sent), () => {
      writeXattrs(w, sent)
    })
  }

  #remember(entry: WireEntry, seconds: number): void {
    const before = this.#previous
    const { stands } = entry
    const kind = kindOf(entry)
    before.mode = modeOf(entry)
    before.seconds = seconds
    if (this.#options.owner) before.uid = stands.uid
    if (this.#options.group) before.gid = stands.gid
    if (this.#options.atimes && kind !== 'directory') before.atime = secondsOf(entry.atimeNs)
    if (this.#options.devices && isDevice(kind)) before.rdevMajor = stands.major
  }
}

function sharedLength(before: string, name: string): number {
  const most = Math.min(before.length, name.length, 255)
  let shared = 0
  while (shared < most && before.charCodeAt(shared) === name.charCodeAt(shared)) shared++
  return shared
}
/** Rounded down. */
function secondsOf(ns: bigint): number {
  const seconds = Number(ns / NS)
  return ns < 0n && ns % NS !== 0n ? seconds - 1 : seconds
}
/** Behind the whole seconds. */
function nanosecondsOf(ns: bigint): number {
  const left = Number(ns % NS)
  return left < 0 ? left + 1_000_000_000 : left
}
/** Null: what is not there is of no kind. */
function kindOf({ isMissing, stands }: WireEntry): FileKind | null {
  return isMissing ? null : stands.kind
}
function modeOf({ isMissing, mode, stands }: WireEntry): number {
  return isMissing ? 0 : TYPE_OF_KIND[stands.kind] | (mode & 0o7777)
}
function sizeOf({ stands }: WireEntry): number {
  switch (stands.kind) {
    case 'file':
    case 'directory':
    case 'symlink':
      return stands.size
    case 'character':
    case 'block':
    case 'fifo':
    case 'socket':
      return 0
  }
}
/** Linux's dev_t in 32 bits. */
function rdevOf({ major, minor }: { readonly major: number; readonly minor: number }): number {
  return (minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)
}
function writeId(w: Writer, id: number, name: string | null, protocol: number): void {
  writeVarint30(w, id | 0, protocol)
  if (name === null) return
  w.u8(name.length)
  w.latin1(name)
}
/** Longer names have no word. */
function sendable(name: string | null): string | null {
  return name !== null && name.length <= 255 ? name : null
}
