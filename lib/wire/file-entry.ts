/** An entry of a file list as both ends of a connection know it, and its words on the wire. prsync-protocol(7), file list. */

import type { ListEntry } from '../flist/list-entry.js'
import type { FileKind } from '../host.js'

/** An extended attribute. Texts have one char per byte. */
export type WireXattr = {
  readonly name: string
  /** Null: it is long, and only its digest is known. */
  value: string | null
  /** Bytes of the value. */
  readonly length: number
  /** MD5 of the value; may be empty where the value is there. */
  readonly digest: string
}

/** What the other end has no word for stands as 0n in `ctimeNs`, `dev` and `ino`. */
export type WireEntry = Omit<ListEntry<unknown>, 'origin' | 'isImplied'> & {
  /** A directory that was named, or above one that was named with -R (then `isBare`). */
  readonly isTop: boolean
  /** Names that ride along with an incremental list, where an id comes up first. The encoder takes them with every entry. */
  readonly userName: string | null
  readonly groupName: string | null
  /** With -c: CHECKSUM_BYTES of `listChecksum`. */
  readonly sum: Uint8Array | null
  /**
   * In the order in which the other end numbers them, from 1, and behind them the ACLs as the kernel gives them:
   * `system.posix_acl_access` and `…_default`, always with their value.
   */
  readonly xattrs: readonly WireXattr[]
  /** The name came with a `/` before it, which counts where the list is sorted. */
  readonly isRooted?: boolean
}

/** Who has which number. */
export type IdNames = {
  readonly users: ReadonlyMap<number, string>
  readonly groups: ReadonlyMap<number, string>
}
export type IdLookup = {
  user(id: number): string | null
  group(id: number): string | null
}

/** Flags of an entry. Bits mean more than one thing: by kind of entry, and by protocol. */
export const XFLAG = {
  topDirectory: 0x01,
  sameMode: 0x02,
  /** Protocol 28 and later: a second byte follows. */
  extended: 0x04,
  /** Protocol 27. */
  sameRdev: 0x04,
  sameUid: 0x08,
  sameGid: 0x10,
  sameName: 0x20,
  longName: 0x40,
  sameTime: 0x80,
  /** Devices and special files. */
  sameRdevMajor: 0x100,
  /** Directories, from protocol 30 on. */
  noContent: 0x100,
  hardLinked: 0x200,
  /** Protocols 28 and 29. */
  sameDevice: 0x400,
  userName: 0x400,
  /** Protocols 28 and 29. */
  smallMinor: 0x800,
  groupName: 0x800,
  hardLinkFirst: 0x1000,
  nanoseconds: 0x2000,
  sameAtime: 0x4000,
} as const
/** `extended`, and an error of reading, where an entry could stand. */
export const END_WITH_ERROR = 0x1004

/** What st_mode says of it. */
export const TYPE_OF_KIND: Readonly<Record<FileKind, number>> = {
  file: 0o100000,
  directory: 0o040000,
  symlink: 0o120000,
  character: 0o020000,
  block: 0o060000,
  fifo: 0o010000,
  socket: 0o140000,
}
/** By the four bits of the type; undefined: there is none. */
export const KIND_OF_TYPE: readonly (FileKind | undefined)[] = Array.from(
  { length: 16 },
  (_, type) => kindOfType(type << 12),
)
function kindOfType(type: number): FileKind | undefined {
  switch (type) {
    case 0o100000:
      return 'file'
    case 0o040000:
      return 'directory'
    case 0o120000:
      return 'symlink'
    case 0o020000:
      return 'character'
    case 0o060000:
      return 'block'
    case 0o010000:
      return 'fifo'
    case 0o140000:
      return 'socket'
    default:
      return undefined
  }
}

export function isDevice(kind: FileKind | null): boolean {
  return kind === 'character' || kind === 'block'
}
export function isSpecial(kind: FileKind | null): boolean {
  return kind === 'fifo' || kind === 'socket'
}
