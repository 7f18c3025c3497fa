/**
 * The system calls Node lacks, through koffi: names relative to a directory that is held open, and openat2(2), which
 * refuses to leave it. Loaded when first needed; where there is no binary for this machine, `libc()` is null and
 * callers say which limit follows.
 */
import { createRequire } from 'node:module'
import type { KoffiFunc } from 'koffi'
import { codeOf, FileError } from '../base/errors.js'

/** A failed call, in the shape of Node's own system errors. */
export class SystemError extends FileError {
  readonly code: string
  readonly syscall: string
  constructor(syscall: string, code: string) {
    super(`${code}: ${syscall}`)
    this.code = code
    this.syscall = syscall
  }
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
  /** flock(2) exclusive, without waiting; false where somebody else has it. */
  lock(fd: number): boolean
}

let loaded: Libc | null | undefined
export function libc(): Libc | null {
  if (loaded === undefined) loaded = process.env['PRSYNC_NO_LIBC'] === '1' ? null : load()
  return loaded
}

/** The calls, or a clear error where this machine has none. */
export function needLibc(what: string): Libc {
  const calls = libc()
  if (calls === null)
    throw new SystemError(`${what} (no system call bridge for this machine)`, 'ENOSYS')
  return calls
}

const SYS_OPENAT2 = 437 // the same number on every architecture: it is newer than the unification
const RESOLVE = 0x08n | 0x04n // BENEATH | NO_SYMLINKS
const STATX_BASIC = 0x7ff
const FICLONE = 0x40049409
const UTIME_OMIT = 0x3ffffffe
const ERRNO: Readonly<Record<number, string>> = {
  1: 'EPERM', 2: 'ENOENT', 4: 'EINTR', 5: 'EIO', 9: 'EBADF', 11: 'EAGAIN', 12: 'ENOMEM', 13: 'EACCES',
  16: 'EBUSY', 17: 'EEXIST', 18: 'EXDEV', 19: 'ENODEV', 20: 'ENOTDIR', 21: 'EISDIR', 22: 'EINVAL',
  23: 'ENFILE', 24: 'EMFILE', 25: 'ENOTTY', 26: 'ETXTBSY', 27: 'EFBIG', 28: 'ENOSPC', 30: 'EROFS',
  31: 'EMLINK', 34: 'ERANGE', 36: 'ENAMETOOLONG', 38: 'ENOSYS', 39: 'ENOTEMPTY', 40: 'ELOOP',
  61: 'ENODATA', 95: 'EOPNOTSUPP', 122: 'EDQUOT',
} // biome-ignore format: a table

type Koffi = typeof import('koffi')
type Call = KoffiFunc<(...args: unknown[]) => unknown>

function load(): Libc | null {
  let koffi: Koffi
  let library: ReturnType<Koffi['load']>
  try {
    koffi = createRequire(import.meta.url)('koffi') as Koffi
    library = koffi.load('libc.so.6')
  } catch (error) {
    // No prebuilt binary for this platform, or another C library: the callers have their own ways.
    if (codeOf(error) === undefined && !(error instanceof Error)) throw error
    return null
  }
  return bind(koffi, library)
}

function bind(koffi: Koffi, library: ReturnType<Koffi['load']>): Libc {
  // struct passwd and struct group begin alike: name, password, number.
  const account = koffi.struct('Account', {
    name: 'const char *',
    password: 'const char *',
    id: 'uint32_t',
  })
  const look = (found: unknown): { name: string; id: number } | null =>
    found === null ? null : (koffi.decode(found, account) as { name: string; id: number })
  const declare = (signature: string): Call => library.func(signature)
  const failure = (syscall: string): SystemError => {
    const errno = koffi.errno()
    return new SystemError(syscall, ERRNO[errno] ?? `errno ${errno}`)
  }
  const z = (name: Uint8Array): Buffer => Buffer.concat([name, NUL])
  const c = {
    syscall: declare('long syscall(long, int, const char*, void*, size_t)'),
    close: declare('int close(int)'),
    openat: declare('int openat(int, const char*, int, unsigned int)'),
    statx: declare('int statx(int, const char*, int, unsigned int, void*)'),
    statxAddress: declare('int statx(int, size_t, int, unsigned int, size_t)'),
    mkdirat: declare('int mkdirat(int, const char*, unsigned int)'),
    unlinkat: declare('int unlinkat(int, const char*, int)'),
    renameat: declare('int renameat(int, const char*, int, const char*)'),
    linkat: declare('int linkat(int, const char*, int, const char*, int)'),
    symlinkat: declare('int symlinkat(const char*, int, const char*)'),
    mknodat: declare('int mknodat(int, const char*, unsigned int, uint64_t)'),
    readlinkat: declare('long readlinkat(int, const char*, void*, size_t)'),
    fchownat: declare('int fchownat(int, const char*, unsigned int, unsigned int, int)'),
    fchmodat: declare('int fchmodat(int, const char*, unsigned int, int)'),
    utimensat: declare('int utimensat(int, const char*, void*, int)'),
    futimens: declare('int futimens(int, void*)'),
    ioctl: declare('int ioctl(int, unsigned long, int)'),
    copyFileRange: declare('long copy_file_range(int, void*, int, void*, size_t, unsigned int)'),
    fallocate: declare('int fallocate(int, int, int64_t, int64_t)'),
    llistxattr: declare('long llistxattr(const char*, void*, size_t)'),
    lgetxattr: declare('long lgetxattr(const char*, const char*, void*, size_t)'),
    lsetxattr: declare('int lsetxattr(const char*, const char*, const void*, size_t, int)'),
    lremovexattr: declare('int lremovexattr(const char*, const char*)'),
    getpwuid: declare('Account *getpwuid(unsigned int)'),
    getgrgid: declare('Account *getgrgid(unsigned int)'),
    getpwnam: declare('Account *getpwnam(const char*)'),
    getgrnam: declare('Account *getgrnam(const char*)'),
    flock: declare('int flock(int, int)'),
  }
  const check = (result: number, syscall: string): number => {
    if (result < 0) throw failure(syscall)
    return result
  }
  const how = Buffer.alloc(24)
  const times = Buffer.alloc(32)
  const setTime = (ns: bigint | null, at: number): void => {
    const rest = ns === null ? 0n : ((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n
    times.writeBigInt64LE(ns === null ? 0n : (ns - rest) / 1_000_000_000n, at)
    times.writeBigInt64LE(ns === null ? BigInt(UTIME_OMIT) : rest, at + 8)
  }
  const setTimes = (mtimeNs: bigint | null, atimeNs: bigint | null): Buffer => {
    setTime(atimeNs, 0)
    setTime(mtimeNs, 16)
    return times
  }
  const offsets = [Buffer.alloc(8), Buffer.alloc(8)] as const
  return {
    openBeneath(directory, name, flags, mode) {
      how.writeBigUInt64LE(BigInt(flags), 0)
      how.writeBigUInt64LE(BigInt(mode), 8)
      how.writeBigUInt64LE(RESOLVE, 16)
      return check(c.syscall(SYS_OPENAT2, directory, z(name), how, 24) as number, 'openat2')
    },
    openAt: (directory, name, flags, mode) =>
      check(c.openat(directory, z(name), flags, mode) as number, 'openat'),
    statAt(directory, name, into, follow = false) {
      const flags = follow ? 0 : AT.symlinkNoFollow
      if ((c.statx(directory, z(name), flags, STATX_BASIC, into) as number) === 0) return true
      if (NOTHING_THERE.has(koffi.errno())) return false
      throw failure('statx')
    },
    byAddress: {
      stat: (directory, name, into) =>
        c.statxAddress(directory, name, AT.symlinkNoFollow, STATX_BASIC, into) === 0,
      of: (bytes) => Number(koffi.address(bytes)),
      close: (fd) => void c.close(fd),
    },
    mkdirAt: (directory, name, mode) =>
      void check(c.mkdirat(directory, z(name), mode) as number, 'mkdirat'),
    unlinkAt: (directory, name, flags) =>
      void check(c.unlinkat(directory, z(name), flags) as number, 'unlinkat'),
    renameAt: (a, from, b, to) =>
      void check(c.renameat(a, z(from), b, z(to)) as number, 'renameat'),
    linkAt: (a, from, b, to) => void check(c.linkat(a, z(from), b, z(to), 0) as number, 'linkat'),
    symlinkAt: (target, directory, name) =>
      void check(c.symlinkat(z(target), directory, z(name)) as number, 'symlinkat'),
    mknodAt: (directory, name, mode, device) =>
      void check(c.mknodat(directory, z(name), mode, device) as number, 'mknodat'),
    readlinkAt(directory, name) {
      const into = Buffer.alloc(4096)
      const length = check(
        c.readlinkat(directory, z(name), into, into.length) as number,
        'readlinkat',
      )
      return into.subarray(0, length)
    },
    chownAt: (directory, name, uid, gid) =>
      void check(
        c.fchownat(directory, z(name), uid, gid, AT.symlinkNoFollow) as number,
        'fchownat',
      ),
    chmodAt: (directory, name, mode) =>
      void check(c.fchmodat(directory, z(name), mode, 0) as number, 'fchmodat'),
    utimeAt: (directory, name, mtimeNs, atimeNs = null) =>
      void check(
        c.utimensat(directory, z(name), setTimes(mtimeNs, atimeNs), AT.symlinkNoFollow) as number,
        'utimensat',
      ),
    futime: (fd, ns) => void check(c.futimens(fd, setTimes(ns, null)) as number, 'futimens'),
    reflink(from, to) {
      if ((c.ioctl(to, FICLONE, from) as number) === 0) return true
      const error = failure('ioctl FICLONE')
      if (CANNOT_CLONE.has(error.code)) return false
      throw error
    },
    copyRange(from, fromOffset, to, toOffset, length) {
      offsets[0].writeBigInt64LE(BigInt(fromOffset))
      offsets[1].writeBigInt64LE(BigInt(toOffset))
      return check(
        c.copyFileRange(from, offsets[0], to, offsets[1], length, 0) as number,
        'copy_file_range',
      )
    },
    reserve(fd, length) {
      const KEEP_SIZE = 1
      if ((c.fallocate(fd, KEEP_SIZE, 0, length) as number) === 0) return true
      const error = failure('fallocate')
      if (error.code === 'EOPNOTSUPP' || error.code === 'EINVAL') return false
      throw error
    },
    listXattrs(path) {
      const into = Buffer.alloc(65536)
      const length = c.llistxattr(z(path), into, into.length) as number
      if (length < 0) {
        const error = failure('llistxattr')
        if (error.code === 'EOPNOTSUPP') return []
        throw error
      }
      return into
        .toString('latin1', 0, length)
        .split('\0')
        .filter((name) => name !== '')
    },
    getXattr(path, name) {
      const into = Buffer.alloc(65536)
      const length = c.lgetxattr(
        z(path),
        z(Buffer.from(name, 'latin1')),
        into,
        into.length,
      ) as number
      if (length >= 0) return into.subarray(0, length)
      const error = failure('lgetxattr')
      if (error.code === 'ENODATA' || error.code === 'EOPNOTSUPP') return null
      throw error
    },
    setXattr: (path, name, value) =>
      void check(
        c.lsetxattr(z(path), z(Buffer.from(name, 'latin1')), value, value.length, 0) as number,
        'lsetxattr',
      ),
    removeXattr: (path, name) =>
      void check(c.lremovexattr(z(path), z(Buffer.from(name, 'latin1'))) as number, 'lremovexattr'),
    userName: (uid) => look(c.getpwuid(uid))?.name ?? null,
    groupName: (gid) => look(c.getgrgid(gid))?.name ?? null,
    userId: (name) => look(c.getpwnam(z(Buffer.from(name, 'latin1'))))?.id ?? null,
    groupId: (name) => look(c.getgrnam(z(Buffer.from(name, 'latin1'))))?.id ?? null,
    lock(fd) {
      const EXCLUSIVE_NOW = 2 | 4
      if ((c.flock(fd, EXCLUSIVE_NOW) as number) === 0) return true
      const error = failure('flock')
      if (error.code === 'EAGAIN') return false
      throw error
    },
  }
}

const NUL = Buffer.alloc(1)
/** ENOENT, ENOTDIR, by number: an error object a missing name would cost more than the call. */
const NOTHING_THERE = new Set([2, 20])
const CANNOT_CLONE = new Set([
  'EOPNOTSUPP',
  'EXDEV',
  'EINVAL',
  'ENOTTY',
  'ENOSYS',
  'EPERM',
  'ETXTBSY',
])
