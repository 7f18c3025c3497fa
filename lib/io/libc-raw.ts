/**
 * System calls for loops over thousands of files: numbers and addresses in, a number out, nothing converted or allocated.
 * A failed call gives a negative number and no reason: whoever needs one makes the call again through `libc.ts`.
 */
import { createRequire } from 'node:module'
import { libc } from './libc.js'

type Address = number

export type RawCalls = {
  /** Where bytes stand in memory; they must outlive the use of it, and be no small typed array, which V8 may move. */
  addressOf(bytes: Uint8Array): Address
  openAt(directory: number, name: Address, flags: number, mode: number): number
  /** A `struct statx` of 256 bytes into `into`. */
  statAt(directory: number, name: Address, flags: number, mask: number, into: Address): number
  /** Entries of a directory as `struct dirent64`; 0 at the end. */
  entries(fd: number, into: Address, length: number): number
  readlinkAt(directory: number, name: Address, into: Address, length: number): number
  /** Names of extended attributes; with no room for them, how long they are. */
  listXattrs(path: Address, into: Address, length: number): number
  listOwnXattrs(fd: number, into: Address, length: number): number
  read(fd: number, into: Address, length: number): number
  write(fd: number, from: Address, length: number): number
  close(fd: number): number
  chown(fd: number, uid: number, gid: number): number
  chmod(fd: number, mode: number): number
  /** Two `struct timespec`: of use, of change. */
  setTimes(fd: number, times: Address): number
  renameAt(fromDirectory: number, from: Address, toDirectory: number, to: Address): number
  unlinkAt(directory: number, name: Address, flags: number): number
  copyRange(
    from: number,
    fromOffset: Address,
    to: number,
    toOffset: Address,
    length: number,
    flags: number,
  ): number
}

let loaded: RawCalls | null | undefined
/** Null where koffi has no binary: then there is nothing to gain. */
export function rawCalls(): RawCalls | null {
  if (loaded === undefined) loaded = libc().hasXattrs ? bind() : null
  return loaded
}

function bind(): RawCalls {
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
  const library = koffi.load('libc.so.6')
  const call = (signature: string): ((...args: number[]) => number) => library.func(signature)
  return {
    addressOf: (bytes) => Number(koffi.address(bytes)),
    openAt: call('int openat(int, size_t, int, unsigned int)'),
    statAt: call('int statx(int, size_t, int, unsigned int, size_t)'),
    entries: call('long getdents64(int, size_t, size_t)'),
    readlinkAt: call('long readlinkat(int, size_t, size_t, size_t)'),
    listXattrs: call('long llistxattr(size_t, size_t, size_t)'),
    listOwnXattrs: call('long flistxattr(int, size_t, size_t)'),
    read: call('long read(int, size_t, size_t)'),
    write: call('long write(int, size_t, size_t)'),
    close: call('int close(int)'),
    chown: call('int fchown(int, unsigned int, unsigned int)'),
    chmod: call('int fchmod(int, unsigned int)'),
    setTimes: call('int futimens(int, size_t)'),
    renameAt: call('int renameat(int, size_t, int, size_t)'),
    unlinkAt: call('int unlinkat(int, size_t, int)'),
    copyRange: call('long copy_file_range(int, size_t, int, size_t, size_t, unsigned int)'),
  }
}
