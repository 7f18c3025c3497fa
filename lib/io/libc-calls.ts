/**
 * The system calls Node has no name for, as one type: names relative to a directory that is held open. `libc-koffi.ts`
 * makes them for real, `libc-node.ts` out of what Node has; `libc.ts` is the door to both.
 */
import { getSystemErrorMap } from 'node:util'
import { FileError } from '../base/errors.js'

/** A failed call, in the shape of Node's own system errors. */
export class SystemError extends FileError {
  readonly code: string
  readonly syscall: string
  constructor(syscall: string, code: string) {
    super(`${code}: ${meaningOf(code)}${syscall}`)
    this.code = code
    this.syscall = syscall
  }
}

function meaningOf(code: string): string {
  for (const [name, text] of getSystemErrorMap().values()) if (name === code) return `${text}, `
  return ''
}

export const AT = {
  fdcwd: -100,
  symlinkNoFollow: 0x100,
  removeDir: 0x200,
  emptyPath: 0x1000,
} as const

export type StatByAddress = {
  /** False on any error. @param name ended by a NUL */
  stat(directory: number, name: number, into: number): boolean
  /** Where bytes stand in memory; they must outlive its use. */
  of(bytes: Uint8Array | Uint32Array): number
  /** Of what openBeneath gave, in a thread: Node warns there of descriptors that it did not open. */
  close(fd: number): void
}

export type Libc = {
  /** What these calls cannot do, in words for an admin; empty: nothing. */
  readonly lacks: readonly string[]
  readonly hasXattrs: boolean
  /** The finest step of the times that they set. */
  readonly timeStepNs: bigint
  /** Opens below `directory` only: no `..`, no absolute name, no link on the way (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS). */
  openBeneath(directory: number, name: Uint8Array, flags: number, mode: number): number
  openAt(directory: number, name: Uint8Array, flags: number, mode: number): number
  /** lstat, or stat, relative to a directory, into `into`, a `struct statx` of 256 bytes. False where there is nothing. */
  statAt(directory: number, name: Uint8Array, into: Buffer, follow?: boolean): boolean
  /** statAt for many names, where nothing is converted or allocated; null: not on this machine. */
  readonly byAddress: StatByAddress | null
  mkdirAt(directory: number, name: Uint8Array, mode: number): void
  unlinkAt(directory: number, name: Uint8Array, flags: number): void
  renameAt(fromDirectory: number, from: Uint8Array, toDirectory: number, to: Uint8Array): void
  linkAt(fromDirectory: number, from: Uint8Array, toDirectory: number, to: Uint8Array): void
  symlinkAt(target: Uint8Array, directory: number, name: Uint8Array): void
  mknodAt(directory: number, name: Uint8Array, mode: number, device: bigint): void
  readlinkAt(directory: number, name: Uint8Array): Uint8Array
  chownAt(directory: number, name: Uint8Array, uid: number, gid: number): void
  chmodAt(directory: number, name: Uint8Array, mode: number): void
  /** Times of the name itself, a link not followed; one that is null stays. */
  utimeAt(
    directory: number,
    name: Uint8Array,
    mtimeNs: bigint | null,
    atimeNs?: bigint | null,
  ): void
  futime(fd: number, mtimeNs: bigint): void
  /** FICLONE: the whole file shares its blocks. False where the file system cannot. */
  reflink(from: number, to: number): boolean
  /** FICLONERANGE: a range of whole blocks. False where the file system cannot, or the range is none of whole blocks. */
  reflinkRange(
    from: number,
    fromOffset: number,
    to: number,
    toOffset: number,
    length: number,
  ): boolean
  /** copy_file_range(2); returns the bytes copied, 0 at the end. */
  copyRange(from: number, fromOffset: number, to: number, toOffset: number, length: number): number
  /** Reserves space without changing the size. False where it is not supported. */
  reserve(fd: number, length: number): boolean
  /** Names and values of the extended attributes of an open file, or of the name behind `path`, links not followed. */
  listXattrs(path: Uint8Array): readonly string[]
  getXattr(path: Uint8Array, name: string): Uint8Array | null
  setXattr(path: Uint8Array, name: string, value: Uint8Array): void
  removeXattr(path: Uint8Array, name: string): void
  /** Names and numbers of users and groups, as the name service switch knows them; null where it does not. */
  userName(uid: number): string | null
  groupName(gid: number): string | null
  userId(name: string): number | null
  groupId(name: string): number | null
  /** What the page cache has of it, without waiting for a disk; -1: not all of it, or not on this machine. */
  readCached(fd: number, into: Uint8Array, length: number, offset: number): number
  /** Makes an open file ours alone, without waiting; null where somebody else has it. The call that comes back lets go, before `fd` is closed. */
  lock(fd: number): (() => void) | null
}
