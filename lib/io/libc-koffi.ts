/** The system calls through koffi, openat2(2) first of all: the kernel itself refuses to leave a directory. */
import { createRequire } from 'node:module'
import type { KoffiFunc } from 'koffi'
import { codeOf } from '../base/errors.js'
import { AT, type Libc, SystemError } from './libc-calls.js'

const SYS_OPENAT2 = 437 // the same number on every architecture: it is newer than the unification
const RESOLVE = 0x08n | 0x04n // BENEATH | NO_SYMLINKS
const STATX_BASIC = 0x7ff
const FICLONE = 0x40049409
const FICLONERANGE = 0x4020940d
const RWF_NOWAIT = 0x8
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

/** Null where there is no binary of koffi for this platform, or another C library. */
export function koffiCalls(): Libc | null {
  let koffi: Koffi
  let library: ReturnType<Koffi['load']>
  try {
    koffi = createRequire(import.meta.url)('koffi') as Koffi
    library = koffi.load('libc.so.6')
  } catch (error) {
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
  koffi.struct('IoVector', { base: 'void*', length: 'size_t' })
  const look = (found: unknown): { name: string; id: number } | null =>
    found === null ? null : (koffi.decode(found, account) as { name: string; id: number })
  const declare = (signature: string): Call => library.func(signature)
  const failure = (syscall: string): SystemError => {
    const errno = koffi.errno()
    return new SystemError(syscall, ERRNO[errno] ?? `errno ${errno}`)
  }
  const z = (name: Uint8Array): Buffer => Buffer.concat([name, NUL])
  const c = {
    openat2: declare('long syscall(long, int, size_t, size_t, size_t)'),
    close: declare('int close(int)'),
    openat: declare('int openat(int, size_t, int, unsigned int)'),
    statx: declare('int statx(int, size_t, int, unsigned int, void*)'),
    statxAddress: declare('int statx(int, size_t, int, unsigned int, size_t)'),
    mkdirat: declare('int mkdirat(int, size_t, unsigned int)'),
    unlinkat: declare('int unlinkat(int, size_t, int)'),
    renameat: declare('int renameat(int, size_t, int, size_t)'),
    linkat: declare('int linkat(int, size_t, int, size_t, int)'),
    symlinkat: declare('int symlinkat(const char*, int, const char*)'),
    mknodat: declare('int mknodat(int, const char*, unsigned int, uint64_t)'),
    readlinkat: declare('long readlinkat(int, size_t, void*, size_t)'),
    fchownat: declare('int fchownat(int, size_t, unsigned int, unsigned int, int)'),
    fchmodat: declare('int fchmodat(int, size_t, unsigned int, int)'),
    utimensat: declare('int utimensat(int, size_t, size_t, int)'),
    futimens: declare('int futimens(int, size_t)'),
    ioctl: declare('int ioctl(int, unsigned long, int)'),
    ioctlOn: declare('int ioctl(int, unsigned long, const void *)'),
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
    preadv2: declare('long preadv2(int, IoVector*, int, int64_t, int)'),
    flock: declare('int flock(int, int)'),
  }
  const check = (result: number, syscall: string): number => {
    if (result < 0) throw failure(syscall)
    return result
  }
  const addressOf = (bytes: Uint8Array | Uint32Array): number => Number(koffi.address(bytes))
  const how = Buffer.allocUnsafeSlow(256)
  const howAt = addressOf(how)
  // Where names stand for calls that are made for every file: nothing is allocated or converted.
  const nameSlot = (): ((name: Uint8Array, syscall: string) => number) => {
    const area = Buffer.allocUnsafeSlow(NAME_BYTES + 1)
    const at = addressOf(area)
    return (name, syscall) => {
      if (name.length > NAME_BYTES) throw new SystemError(syscall, 'ENAMETOOLONG')
      area.set(name)
      area[name.length] = 0
      return at
    }
  }
  const place = nameSlot()
  const placeOther = nameSlot()
  const values = Buffer.allocUnsafeSlow(XATTR_BYTES)
  const times = Buffer.allocUnsafeSlow(256)
  const timesAt = addressOf(times)
  const setTime = (ns: bigint | null, at: number): void => {
    const rest = ns === null ? 0n : ((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n
    times.writeBigInt64LE(ns === null ? 0n : (ns - rest) / 1_000_000_000n, at)
    times.writeBigInt64LE(ns === null ? BigInt(UTIME_OMIT) : rest, at + 8)
  }
  const setTimes = (mtimeNs: bigint | null, atimeNs: bigint | null): number => {
    setTime(atimeNs, 0)
    setTime(mtimeNs, 16)
    return timesAt
  }
  const offsets = [Buffer.alloc(8), Buffer.alloc(8)] as const
  const range = Buffer.alloc(32)
  return {
    lacks: [],
    hasXattrs: true,
    timeStepNs: 1n,
    openBeneath(directory, name, flags, mode) {
      how.writeBigUInt64LE(BigInt(flags), 0)
      how.writeBigUInt64LE(BigInt(mode), 8)
      how.writeBigUInt64LE(RESOLVE, 16)
      return check(
        c.openat2(SYS_OPENAT2, directory, place(name, 'openat2'), howAt, 24) as number,
        'openat2',
      )
    },
    openAt: (directory, name, flags, mode) =>
      check(c.openat(directory, place(name, 'openat'), flags, mode) as number, 'openat'),
    statAt(directory, name, into, follow = false) {
      const flags = follow ? 0 : AT.symlinkNoFollow
      const at = place(name, 'statx')
      if ((c.statx(directory, at, flags, STATX_BASIC, into) as number) === 0) return true
      if (NOTHING_THERE.has(koffi.errno())) return false
      throw failure('statx')
    },
    byAddress: {
      stat: (directory, name, into) =>
        c.statxAddress(directory, name, AT.symlinkNoFollow, STATX_BASIC, into) === 0,
      of: addressOf,
      close: (fd) => void c.close(fd),
    },
    mkdirAt: (directory, name, mode) =>
      void check(c.mkdirat(directory, place(name, 'mkdirat'), mode) as number, 'mkdirat'),
    unlinkAt: (directory, name, flags) =>
      void check(c.unlinkat(directory, place(name, 'unlinkat'), flags) as number, 'unlinkat'),
    renameAt: (a, from, b, to) =>
      void check(
        c.renameat(a, place(from, 'renameat'), b, placeOther(to, 'renameat')) as number,
        'renameat',
      ),
    linkAt: (a, from, b, to) =>
      void check(
        c.linkat(a, place(from, 'linkat'), b, placeOther(to, 'linkat'), 0) as number,
        'linkat',
      ),
    symlinkAt: (target, directory, name) =>
      void check(c.symlinkat(z(target), directory, z(name)) as number, 'symlinkat'),
    mknodAt: (directory, name, mode, device) =>
      void check(c.mknodat(directory, z(name), mode, device) as number, 'mknodat'),
    readlinkAt(directory, name) {
      const into = Buffer.alloc(4096)
      const length = check(
        c.readlinkat(directory, place(name, 'readlinkat'), into, into.length) as number,
        'readlinkat',
      )
      return into.subarray(0, length)
    },
    chownAt: (directory, name, uid, gid) =>
      void check(
        c.fchownat(directory, place(name, 'fchownat'), uid, gid, AT.symlinkNoFollow) as number,
        'fchownat',
      ),
    chmodAt: (directory, name, mode) =>
      void check(c.fchmodat(directory, place(name, 'fchmodat'), mode, 0) as number, 'fchmodat'),
    utimeAt: (directory, name, mtimeNs, atimeNs = null) =>
      void check(
        c.utimensat(
          directory,
          place(name, 'utimensat'),
          setTimes(mtimeNs, atimeNs),
          AT.symlinkNoFollow,
        ) as number,
        'utimensat',
      ),
    futime: (fd, ns) => void check(c.futimens(fd, setTimes(ns, null)) as number, 'futimens'),
    reflink(from, to) {
      if ((c.ioctl(to, FICLONE, from) as number) === 0) return true
      const error = failure('ioctl FICLONE')
      if (CANNOT_CLONE.has(error.code)) return false
      throw error
    },
    reflinkRange(from, fromOffset, to, toOffset, length) {
      // struct file_clone_range
      for (const [i, n] of [from, fromOffset, length, toOffset].entries())
        range.writeBigInt64LE(BigInt(n), i * 8)
      if ((c.ioctlOn(to, FICLONERANGE, range) as number) === 0) return true
      const error = failure('ioctl FICLONERANGE')
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
      const length = c.llistxattr(z(path), values, values.length) as number
      if (length === 0) return []
      if (length < 0) {
        const error = failure('llistxattr')
        if (error.code === 'EOPNOTSUPP') return []
        throw error
      }
      return values
        .toString('latin1', 0, length)
        .split('\0')
        .filter((name) => name !== '')
    },
    getXattr(path, name) {
      const length = c.lgetxattr(
        z(path),
        z(Buffer.from(name, 'latin1')),
        values,
        values.length,
      ) as number
      if (length >= 0) return Buffer.from(values.subarray(0, length))
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
    readCached: (fd, into, length, offset) =>
      c.preadv2(fd, [{ base: into, length }], 1, offset, RWF_NOWAIT) as number,
    lock(fd) {
      const EXCLUSIVE_NOW = 2 | 4
      // the kernel lets go when the file is closed, however the owner dies
      if ((c.flock(fd, EXCLUSIVE_NOW) as number) === 0) return () => {}
      const error = failure('flock')
      if (error.code === 'EAGAIN') return null
      throw error
    },
  }
}

const NUL = Buffer.alloc(1)
/** PATH_MAX, without its NUL. */
const NAME_BYTES = 4095
/** XATTR_LIST_MAX and XATTR_SIZE_MAX: xattr(7). */
const XATTR_BYTES = 65_536
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
