/** What an entry of a file list says of its file. prsync-protocol(7), file list. */
import type { Cursor } from '../base/bytes.js'
import { WireError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { CHECKSUM_BYTES } from '../hash/checksum.js'
import type { FileKind } from '../host.js'
import { isDevice, isSpecial, KIND_OF_TYPE, XFLAG } from './file-entry.js'
import { readVarint, readVarint30, readVarlong, readVarlong30, readWideLongint } from './ints.js'
import type { ListOptions, Terms } from './terms.js'

const NS = 1_000_000_000n

/** What an entry says of the file, and the next one may leave out. */
export type Attributes = {
  readonly mode: number
  readonly size: number
  readonly seconds: number
  readonly nanoseconds: number
  readonly mtimeNs: bigint
  readonly atime: number
  readonly uid: number
  readonly gid: number
  readonly userName: string | null
  readonly groupName: string | null
  readonly rdevMajor: number
  readonly rdevMinor: number
  readonly rdev: number
  readonly device: bigint
  readonly inode: bigint
  readonly target: string
  readonly sum: Uint8Array | null
}
export const NO_ATTRIBUTES: Attributes = {
  mode: 0,
  size: 0,
  seconds: 0,
  nanoseconds: 0,
  mtimeNs: 0n,
  atime: 0,
  uid: 0,
  gid: 0,
  userName: null,
  groupName: null,
  rdevMajor: 0,
  rdevMinor: 0,
  rdev: 0,
  device: 0n,
  inode: 0n,
  target: '',
  sum: null,
}

export class AttributesReader {
  readonly #terms: Terms
  readonly #options: ListOptions
  readonly #sumBytes: number

  constructor(terms: Terms, options: ListOptions) {
    this.#terms = terms
    this.#options = options
    this.#sumBytes = CHECKSUM_BYTES[terms.listChecksum]
  }

  /** @param before the entry before it */
  read(c: Cursor, flags: number, before: Attributes): Attributes {
    const { protocol } = this.#terms
    const { owner, group, atimes, links, checksum } = this.#options
    const isModern = protocol >= 30
    const size = readVarlong30(c, 3, protocol)
    if (size < 0) throw new WireError(`size ${size}`, { at: 'file list' })
    let { seconds } = before
    if (!(flags & XFLAG.sameTime)) seconds = isModern ? readVarlong(c, 4) : c.u32le()
    const nanoseconds = protocol >= 31 && flags & XFLAG.nanoseconds ? readVarint(c) : 0
    if (nanoseconds < 0 || nanoseconds > 999_999_999)
      throw new WireError(`${nanoseconds} nanoseconds`, { at: 'file list' })
    const mode = flags & XFLAG.sameMode ? before.mode : c.i32le()
    const kind = kindOf(mode)
    let { atime } = before
    if (atimes && kind !== 'directory' && !(flags & XFLAG.sameAtime)) atime = readVarlong(c, 4)
    let { uid, gid } = before
    let userName: string | null = null
    let groupName: string | null = null
    if (owner && !(flags & XFLAG.sameUid)) {
      uid = readVarint30(c, protocol) >>> 0
      if (isModern && flags & XFLAG.userName) userName = c.latin1(c.u8())
    }
    if (group && !(flags & XFLAG.sameGid)) {
      gid = readVarint30(c, protocol) >>> 0
      if (isModern && flags & XFLAG.groupName) groupName = c.latin1(c.u8())
    }
    const { rdevMajor, rdevMinor, rdev } = this.#readRdev(c, flags, kind, before)
    const target = links && kind === 'symlink' ? this.#readTarget(c) : ''
    let { device } = before
    let inode = 0n
    if (this.isLinkedByInode(flags, kind)) {
      if (protocol < 28 || !(flags & XFLAG.sameDevice)) device = readWideLongint(c)
      inode = readWideLongint(c)
    }
    const isSummed = checksum && (kind === 'file' || protocol < 28)
    const sum = isSummed ? c.view(this.#sumBytes).slice() : null
    const isSameTime = seconds === before.seconds && nanoseconds === before.nanoseconds
    const mtimeNs = isSameTime ? before.mtimeNs : BigInt(seconds) * NS + BigInt(nanoseconds)
    return {
      mode,
      size,
      seconds,
      nanoseconds,
      mtimeNs,
      atime,
      uid,
      gid,
      userName,
      groupName,
      rdevMajor,
      rdevMinor,
      rdev,
      device,
      inode,
      target,
      sum: kind === 'file' ? sum : null,
    }
  }
  #readRdev(
    c: Cursor,
    flags: number,
    kind: FileKind | null,
    before: Attributes,
  ): Pick<Attributes, 'rdevMajor' | 'rdevMinor' | 'rdev'> {
    const { protocol } = this.#terms
    const { devices, specials } = this.#options
    const isNode = isDevice(kind)
    const isSaid = (devices && isNode) || (specials && isSpecial(kind) && protocol < 31)
    if (!isSaid) return protocol < 28 ? NO_ATTRIBUTES : before
    if (protocol < 28) {
      const rdev = flags & XFLAG.sameRdev ? before.rdev : c.i32le()
      return {
        rdevMajor: (rdev >> 8) & 0xfff,
        rdevMinor: (rdev & 0xff) | ((rdev >>> 12) & 0xfff00),
        rdev,
      }
    }
    const rdevMajor = flags & XFLAG.sameRdevMajor ? before.rdevMajor : readVarint30(c, protocol)
    const isSmall = protocol < 30 && (flags & XFLAG.smallMinor) !== 0
    const rdevMinor = isSmall ? c.u8() : readVarint30(c, protocol)
    return { rdevMajor, rdevMinor, rdev: 0 }
  }
  #readTarget(c: Cursor): string {
    const length = readVarint30(c, this.#terms.protocol)
    if (length < 1 || length > LIMITS.linkTargetBytes)
      throw new WireError(`target of ${length} bytes`, { at: 'file list' })
    const target = c.latin1(length)
    if (target.includes('\0')) throw new WireError('target with a NUL byte', { at: 'file list' })
    return target
  }

  /** Before protocol 30 a link is told by device and inode. */
  isLinkedByInode(flags: number, kind: FileKind | null): boolean {
    const { protocol } = this.#terms
    if (!this.#options.hardLinks || protocol >= 30) return false
    return protocol < 28 ? kind === 'file' : (flags & XFLAG.hardLinked) !== 0
  }
}

/** Null: mode 0, which stands for what is missing. */
export function kindOf(mode: number): FileKind | null {
  if (mode === 0) return null
  const kind = (mode & ~0xffff) === 0 ? KIND_OF_TYPE[mode >> 12] : undefined
  if (kind === undefined) throw new WireError(`mode ${mode.toString(8)}`, { at: 'file list' })
  return kind
}
