/** What a daemon wants of the system that Node has no name for: chroot(2), record locks, syslog(3). Loaded when first needed. */
import { createRequire } from 'node:module'
import { libc } from './libc.js'
import { SystemError } from './libc-calls.js'

export type DaemonCalls = {
  /** Its end for reading, its end for writing; both wait. @throws {SystemError} */
  pipe(): readonly [number, number]
  /** Two ends of one connection; null: there is none to be had. Neither is for programs that are started, unless passed on. */
  socketPair(): readonly [number, number] | null
  /** Makes `fd` another name of what `of` is: dup2(2). False: it failed. */
  become(fd: number, of: number): boolean
  /** False: the system does not take it. */
  setSocket(fd: number, level: number, name: number, value: number): boolean
  /** 0, or less where it failed. */
  chroot(path: Uint8Array): number
  /** Takes a record of a file, open for writing, until the process ends. False: another process has it. */
  lockRecord(fd: number, start: number, length: number): boolean
  /** Before any chroot: the connection to the log is made now. @param facility its number, shifted */
  openLog(tag: string, facility: number): void
  log(priority: number, line: string): void
  /** Whether a host is in a netgroup, as the system's databases have it. Before any chroot. */
  inNetgroup(group: string, host: string): boolean
}

let loaded: DaemonCalls | null | undefined
/** Null where koffi has no binary. */
export function daemonCalls(): DaemonCalls | null {
  if (loaded === undefined) loaded = libc().hasXattrs ? bind() : null
  return loaded
}

/** Not for programs that are started. */
const O_CLOEXEC = 0o2000000
const AF_UNIX = 1
const SOCK_STREAM = 1
const SET_LOCK = 6
const WRITE_LOCK = 1
const LOG_PID_AND_NOW = 0x01 | 0x08

function bind(): DaemonCalls {
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
  const library = koffi.load('libc.so.6')
  const call = (signature: string): ((...args: unknown[]) => number) => library.func(signature)
  const pipe2 = call('int pipe2(void*, int)')
  const socketpair = call('int socketpair(int, int, int, void*)')
  const dup2 = call('int dup2(int, int)')
  const setsockopt = call('int setsockopt(int, int, int, void*, unsigned int)')
  const chroot = call('int chroot(const char*)')
  const fcntl = call('int fcntl(int, int, void*)')
  const openlog = call('void openlog(void*, int, int)')
  const innetgr = call('int innetgr(const char*, const char*, const char*, const char*)')
  const syslog = call('void syslog(int, const char*, const char*)')
  /** syslog keeps the address of the tag it was given. */
  const tags: Buffer[] = []
  const z = (bytes: Uint8Array): Buffer => Buffer.concat([bytes, Buffer.alloc(1)])
  return {
    pipe() {
      const ends = Buffer.alloc(8)
      if (pipe2(ends, O_CLOEXEC) !== 0) throw new SystemError('pipe2', 'EMFILE')
      return [ends.readInt32LE(0), ends.readInt32LE(4)]
    },
    socketPair() {
      const ends = Buffer.alloc(8)
      if (socketpair(AF_UNIX, SOCK_STREAM | O_CLOEXEC, 0, ends) !== 0) return null
      return [ends.readInt32LE(0), ends.readInt32LE(4)]
    },
    become: (fd, of) => dup2(of, fd) === fd,
    setSocket(fd, level, name, value) {
      const number = Buffer.alloc(4)
      number.writeInt32LE(value)
      return setsockopt(fd, level, name, number, 4) === 0
    },
    chroot: (path) => chroot(z(path)),
    lockRecord(fd, start, length) {
      // struct flock: type, whence, start, length, pid
      const record = Buffer.alloc(32)
      record.writeInt16LE(WRITE_LOCK, 0)
      record.writeBigInt64LE(BigInt(start), 8)
      record.writeBigInt64LE(BigInt(length), 16)
      return fcntl(fd, SET_LOCK, record) === 0
    },
    openLog(tag, facility) {
      const kept = z(Buffer.from(tag, 'latin1'))
      tags.push(kept)
      openlog(kept, LOG_PID_AND_NOW, facility)
    },
    log: (priority, line) => void syslog(priority, '%s', line),
    inNetgroup: (group, host) => innetgr(group, host, null, null) === 1,
  }
}
