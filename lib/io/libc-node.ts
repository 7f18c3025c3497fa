/**
 * The same calls out of what Node has, for machines without a binary of koffi. `/proc/self/fd/N/NAME` is NAME in the open
 * directory N, whatever stands under N's own name by now: so these are openat(2) and its kin, without a race. What Node
 * cannot do at all is said in `lacks`. Slower: each call goes through a path, and attributes through an object.
 */
import fs, { constants } from 'node:fs'
import net from 'node:net'
import { latin1Of } from '../base/bytes.js'
import { codeOf } from '../base/errors.js'
import { AT, type Libc, SystemError } from './libc-calls.js'

/** open(2) O_PATH of Linux: a handle of what stands there, a link too, which opens nothing. */
const O_PATH = 0o10000000
const O_DIRECTORY_NO_LINK = constants.O_DIRECTORY | constants.O_NOFOLLOW
const COPY = 1 << 20
const SLASH = 0x2f

const LACKS = [
  'times are set to the microsecond',
  'devices, FIFOs and sockets are not made',
  'extended attributes and ACLs are not kept',
  'copies do not share blocks',
  'users and groups are those of /etc/passwd and /etc/group',
  'a run with koffi on the same tree is not noticed',
]

/** @throws {SystemError} where there is no /proc */
export function nodeCalls(): Libc {
  if (!fs.existsSync('/proc/self/fd'))
    throw new SystemError('koffi has no binary for this machine, and there is no /proc', 'ENOSYS')
  const { user, group } = { user: accounts('/etc/passwd'), group: accounts('/etc/group') }
  const copyBuffer = Buffer.allocUnsafeSlow(COPY)
  return {
    lacks: LACKS,
    hasXattrs: false,
    timeStepNs: 1000n,
    openBeneath,
    openAt: (directory, name, flags, mode) =>
      called('openat', () => fs.openSync(at(directory, name), flags, mode)),
    statAt,
    byAddress: null,
    mkdirAt: (directory, name, mode) =>
      called('mkdirat', () => fs.mkdirSync(at(directory, name), mode)),
    unlinkAt: (directory, name, flags) =>
      called('unlinkat', () =>
        flags === AT.removeDir
          ? fs.rmdirSync(at(directory, name))
          : fs.unlinkSync(at(directory, name)),
      ),
    renameAt: (a, from, b, to) => called('renameat', () => fs.renameSync(at(a, from), at(b, to))),
    linkAt: (a, from, b, to) => called('linkat', () => fs.linkSync(at(a, from), at(b, to))),
    symlinkAt: (target, directory, name) =>
      called('symlinkat', () => fs.symlinkSync(Buffer.from(target), at(directory, name))),
    mknodAt: () => {
      throw new SystemError('mknodat: not without koffi', 'ENOSYS')
    },
    readlinkAt: (directory, name) =>
      called('readlinkat', () => fs.readlinkSync(at(directory, name), 'buffer')),
    chownAt: (directory, name, uid, gid) =>
      called('fchownat', () => fs.lchownSync(at(directory, name), numberOf(uid), numberOf(gid))),
    chmodAt,
    utimeAt: (directory, name, mtimeNs, atimeNs = null) =>
      called('utimensat', () => {
        const path = at(directory, name)
        const now = fs.lstatSync(path, { bigint: true })
        fs.lutimesSync(
          path,
          secondsText(atimeNs ?? now.atimeNs),
          secondsText(mtimeNs ?? now.mtimeNs),
        )
      }),
    futime: (fd, mtimeNs) =>
      called('futimens', () => {
        const { atimeNs } = fs.fstatSync(fd, { bigint: true })
        fs.futimesSync(fd, secondsText(atimeNs), secondsText(mtimeNs))
      }),
    reflink: () => false,
    reflinkRange: () => false,
    copyRange: (from, fromOffset, to, toOffset, length) =>
      called('copy', () => {
        const got = fs.readSync(from, copyBuffer, 0, Math.min(COPY, length), fromOffset)
        for (let done = 0; done < got; )
          done += fs.writeSync(to, copyBuffer, done, got - done, toOffset + done)
        return got
      }),
    reserve: () => false,
    listXattrs: () => [],
    getXattr: () => null,
    setXattr: noXattrs,
    removeXattr: noXattrs,
    userName: (uid) => user.names.get(uid) ?? null,
    groupName: (gid) => group.names.get(gid) ?? null,
    userId: (name) => user.ids.get(name) ?? null,
    groupId: (name) => group.ids.get(name) ?? null,
    readCached: () => -1,
    lock,
  }
}

/** Component by component, each taken only if it is a directory and no link: what openat2(2) does in one call. */
function openBeneath(top: number, name: Uint8Array, flags: number, mode: number): number {
  const parts = latin1Of(name).split('/')
  let directory = top
  try {
    for (const [i, part] of parts.entries()) {
      if (part === '' || part === '.' || part === '..') throw new SystemError('openat', 'EXDEV')
      const isLast = i === parts.length - 1
      const how = isLast ? flags | constants.O_NOFOLLOW : O_PATH | O_DIRECTORY_NO_LINK
      const path = at(directory, Buffer.from(part, 'latin1'))
      const next = called('openat', () => fs.openSync(path, how, mode))
      if (directory !== top) fs.closeSync(directory)
      directory = next
    }
    return directory
  } catch (error) {
    if (directory !== top) fs.closeSync(directory)
    throw error
  }
}

/** chmod(2) follows links: so through a handle of what stands there, which a link is not taken for. */
function chmodAt(directory: number, name: Uint8Array, mode: number): void {
  called('fchmodat', () => {
    const handle = fs.openSync(at(directory, name), O_PATH | constants.O_NOFOLLOW)
    try {
      if (fs.fstatSync(handle).isSymbolicLink()) throw new SystemError('fchmodat', 'EOPNOTSUPP')
      fs.chmodSync(`/proc/self/fd/${handle}`, mode)
    } finally {
      fs.closeSync(handle)
    }
  })
}

/** Fills in what `standingOf` in statx.ts reads: struct statx of statx(2). */
function statAt(directory: number, name: Uint8Array, into: Buffer, follow = false): boolean {
  let s: fs.BigIntStats
  try {
    const path = at(directory, name)
    s = follow ? fs.statSync(path, { bigint: true }) : fs.lstatSync(path, { bigint: true })
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return false
    throw wrapped('statx', error)
  }
  into.writeUInt32LE(Number(s.nlink), 16)
  into.writeUInt32LE(Number(s.uid), 20)
  into.writeUInt32LE(Number(s.gid), 24)
  into.writeUInt16LE(Number(s.mode), 28)
  into.writeBigUInt64LE(s.ino, 32)
  into.writeBigUInt64LE(s.size, 40)
  writeTime(into, 64, s.atimeNs)
  writeTime(into, 96, s.ctimeNs)
  writeTime(into, 112, s.mtimeNs)
  const [major, minor] = partsOfDevice(s.rdev)
  into.writeUInt32LE(major, 128)
  into.writeUInt32LE(minor, 132)
  const [deviceMajor, deviceMinor] = partsOfDevice(s.dev)
  into.writeUInt32LE(deviceMajor, 136)
  into.writeUInt32LE(deviceMinor, 140)
  return true
}

function writeTime(into: Buffer, offset: number, ns: bigint): void {
  const nanos = ((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n
  into.writeBigInt64LE((ns - nanos) / 1_000_000_000n, offset)
  into.writeUInt32LE(Number(nanos), offset + 8)
}

/** makedev(3) of Linux, backwards. */
function partsOfDevice(device: bigint): [major: number, minor: number] {
  const major = ((device >> 32n) & 0xfffff000n) | ((device >> 8n) & 0xfffn)
  const minor = ((device >> 12n) & 0xffffff00n) | (device & 0xffn)
  return [Number(major), Number(minor)]
}

/**
 * Node takes seconds as a double and cuts them to whole microseconds towards zero; half a microsecond more makes sure that
 * rounding never costs one. As text, because Node takes a negative number for "now".
 */
function secondsText(ns: bigint): string {
  const micros = Number(ns / 1000n)
  return `${(micros + (micros < 0 ? -0.5 : 0.5)) / 1e6}`
}

/**
 * Node has no flock(2). A socket in Linux's abstract name space is as good between processes of one machine: one of a name,
 * and the kernel takes it back however the owner dies. Its name is the file's device and number.
 */
function lock(fd: number): (() => void) | null {
  const { dev: device, ino } = fs.fstatSync(fd, { bigint: true })
  const [major, minor] = partsOfDevice(device)
  const dev = (BigInt(major) << 32n) | BigInt(minor)
  const server = net.createServer((socket) => socket.destroy())
  server.on('error', () => {}) // `listening` says it
  // bound within the call
  server.listen(`\0${lockName(dev, ino)}`)
  if (server.listening) {
    server.unref()
    return () => void server.close()
  }
  if (!isLockedByName(dev, ino)) throw new SystemError('lock: no abstract sockets here', 'ENOLCK')
  return null
}
/** Has a process without koffi the lock on this file? Looks at it without taking it. @param dev as `Standing` has it */
export function isLockedByName(dev: bigint, ino: bigint): boolean {
  return textOf('/proc/net/unix').includes(`@${lockName(dev, ino)}`)
}
function lockName(dev: bigint, ino: bigint): string {
  // the full stop ends it: no name begins with another
  return `prsync-lock-${dev.toString(16)}-${ino.toString(16)}.`
}

type Accounts = {
  readonly names: ReadonlyMap<number, string>
  readonly ids: ReadonlyMap<string, number>
}
/** passwd(5) and group(5) begin alike: name, password, number. */
function accounts(path: string): Accounts {
  const names = new Map<number, string>()
  const ids = new Map<string, number>()
  for (const line of textOf(path).split('\n')) {
    const [name = '', , id = ''] = line.split(':')
    if (!/^\d+$/.test(id) || ids.has(name)) continue
    ids.set(name, Number(id))
    if (!names.has(Number(id))) names.set(Number(id), name)
  }
  return { names, ids }
}
function textOf(path: string): string {
  try {
    return fs.readFileSync(path, 'latin1')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return ''
    throw wrapped(path, error)
  }
}

/** -1 as chown(2) has it: leave it. Node wants it signed. */
function numberOf(id: number): number {
  return id === 0xffff_ffff ? -1 : id
}
function noXattrs(): never {
  throw new SystemError('extended attributes: not without koffi', 'ENOSYS')
}
function at(directory: number, name: Uint8Array): Buffer {
  if (name.includes(SLASH)) throw new SystemError('a name of more than one part', 'EINVAL')
  return Buffer.concat([Buffer.from(`/proc/self/fd/${directory}/`), name])
}
function called<T>(syscall: string, act: () => T): T {
  try {
    return act()
  } catch (error) {
    throw wrapped(syscall, error)
  }
}
function wrapped(syscall: string, error: unknown): unknown {
  const code = codeOf(error)
  return error instanceof SystemError || code === undefined ? error : new SystemError(syscall, code)
}
