/**
 * Whole files from one directory into another, with as few calls as it takes: eight for a small file. Owner and mode that a
 * new file has anyway are looked up once a directory, not set on each file. What fails leaves nothing behind.
 */
import { constants } from 'node:fs'
import { bytesOf } from '../base/bytes.js'
import { codeOf } from '../base/errors.js'
import { COPY_COLUMNS, type CopyJob, type CopyResult, type TreeHandle } from '../host.js'
import { AT, type Libc, libc } from './libc.js'
import type { RawCalls } from './libc-raw.js'
import { temporaryBase } from './temporary-name.js'

const BUFFER_BYTES = 256 * 1024
/** Above it the kernel copies: below it one read and one write are cheaper. */
const KERNEL_COPY_BYTES = 64 * 1024
/** The kernel's part of a copy, between looks at whether to stop. */
const STEP_BYTES = 64 * 2 ** 20
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
const CLOSE_ON_EXEC = 0o2000000
const STATX_OWNER_MODE = 0x02 | 0x08 | 0x10

/** What a file made here with some mode gets. */
type Fresh = { readonly uid: number; readonly gid: number; readonly mode: number }
type Group = {
  readonly from: number
  readonly to: number
  readonly bare: boolean
  readonly fresh: Map<number, Fresh>
}

export class FileCopier {
  readonly #calls: Libc
  readonly #raw: RawCalls
  readonly #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES)
  readonly #bufferAt: number
  /** The temporary name, times, struct statx, an empty name. */
  readonly #small = Buffer.alloc(1024)
  readonly #smallAt: number
  /** Not again, once the file systems were found not to share blocks. */
  #clones = true

  constructor(raw: RawCalls) {
    this.#calls = libc()
    this.#raw = raw
    this.#bufferAt = raw.addressOf(this.#buffer)
    this.#smallAt = raw.addressOf(this.#small)
  }

  copy({ groups, names, rows, bare, stop }: CopyJob): CopyResult {
    const namesAt = this.#raw.addressOf(names)
    const failed: number[] = []
    let bytes = 0
    let name = 0
    let file = 0
    for (const { from, fromDirectory, to, toDirectory, files } of groups) {
      const source = this.#open(from, fromDirectory)
      const target = this.#open(to, toDirectory)
      const group =
        source === null || target === null
          ? null
          : { from: source, to: target, bare, fresh: new Map<number, Fresh>() }
      for (let end = file + files; file < end; file++) {
        const after = names.indexOf(0, name)
        const base = Buffer.from(names.buffer, names.byteOffset + name, after - name)
        const length =
          group === null || stop[0] !== 0
            ? -1
            : this.#one(group, namesAt + name, base, rows, file * COPY_COLUMNS, stop)
        if (length < 0) failed.push(file)
        else bytes += length
        name = after + 1
      }
      if (source !== null) this.#raw.close(source)
      if (target !== null) this.#raw.close(target)
    }
    return { bytes, failed }
  }

  #open(tree: TreeHandle, directory: string): number | null {
    const flags = constants.O_RDONLY | constants.O_DIRECTORY | CLOSE_ON_EXEC
    try {
      return tree.followsLinks || directory === '.'
        ? this.#calls.openAt(tree.fd, bytesOf(directory), flags, 0)
        : this.#calls.openBeneath(tree.fd, bytesOf(directory), flags, 0)
    } catch (error) {
      if (codeOf(error) === undefined) throw error
      return null
    }
  }

  /** @returns its length; -1: it failed */
  #one(
    group: Group,
    nameAt: number,
    base: Buffer,
    rows: Float64Array,
    row: number,
    stop: Int32Array,
  ): number {
    const raw = this.#raw
    const source = raw.openAt(group.from, nameAt, READ | CLOSE_ON_EXEC, 0)
    if (source < 0) return -1
    if (group.bare && raw.listOwnXattrs(source, 0, 0) !== 0) {
      raw.close(source)
      return -1
    }
    this.#small.write(`${temporaryBase(base.toString('latin1'))}\0`, NAME, 'latin1')
    const mode = rows[row + 1] ?? 0
    const [uid, gid] = [rows[row + 2] ?? -1, rows[row + 3] ?? -1]
    const asked = isFitting(group.fresh, uid, gid) ? mode & 0o777 : mode & 0o700
    const target = raw.openAt(group.to, this.#smallAt + NAME, CREATE | CLOSE_ON_EXEC, asked)
    if (target < 0) {
      raw.close(source)
      return -1
    }
    const isBare = !group.bare || raw.listOwnXattrs(target, 0, 0) === 0
    let length = isBare ? this.#bytes(source, target, rows[row] ?? 0, stop) : -1
    if (length >= 0) {
      const fresh = this.#fresh(group, target, asked)
      if (!this.#give(target, fresh, mode, uid, gid, rows[row + 4], rows[row + 5])) length = -1
    }
    raw.close(source)
    raw.close(target)
    if (length >= 0 && raw.renameAt(group.to, this.#smallAt + NAME, group.to, nameAt) === 0)
      return length
    raw.unlinkAt(group.to, this.#smallAt + NAME, 0)
    return -1
  }

  #fresh({ fresh }: Group, fd: number, asked: number): Fresh | null {
    const known = fresh.get(asked)
    if (known !== undefined) return known
    const { emptyPath } = AT
    const at = this.#smallAt
    if (this.#raw.statAt(fd, at + EMPTY, emptyPath, STATX_OWNER_MODE, at + STAT) !== 0) return null
    const found = {
      uid: this.#small.readUInt32LE(STAT + 20),
      gid: this.#small.readUInt32LE(STAT + 24),
      mode: this.#small.readUInt16LE(STAT + 28) & 0o7777,
    }
    fresh.set(asked, found)
    return found
  }

  /** Owner, times, mode: in this order, as each may undo the one before. */
  #give(
    fd: number,
    fresh: Fresh | null,
    mode: number,
    uid: number,
    gid: number,
    seconds = Number.NaN,
    rest = 0,
  ): boolean {
    const raw = this.#raw
    const isOwned =
      fresh !== null && (uid < 0 || uid === fresh.uid) && (gid < 0 || gid === fresh.gid)
    if (!isOwned && raw.chown(fd, uid >>> 0, gid >>> 0) !== 0) return false
    if (!Number.isNaN(seconds)) {
      const high = Math.floor(seconds / 2 ** 32)
      this.#small.writeInt32LE(high, TIMES + 20)
      this.#small.writeUInt32LE(seconds - high * 2 ** 32, TIMES + 16)
      this.#small.writeUInt32LE(rest, TIMES + 24)
      this.#small.writeUInt32LE(UTIME_OMIT, TIMES + 8)
      if (raw.setTimes(fd, this.#smallAt + TIMES) !== 0) return false
    }
    return (isOwned && fresh.mode === mode) || raw.chmod(fd, mode) === 0
  }

  // ---- bytes -------------------------------------------------------------------------------------

  /** @param expected its length as the source had it; @returns its length as it is; -1: it failed */
  #bytes(source: number, target: number, expected: number, stop: Int32Array): number {
    if (expected > KERNEL_COPY_BYTES) {
      const copied = this.#inKernel(source, target, expected, stop)
      if (copied !== 0) return copied
    }
    let done = 0
    for (;;) {
      const got = this.#raw.read(source, this.#bufferAt, BUFFER_BYTES)
      if (got < 0 || stop[0] !== 0) return -1
      if (got === 0) return done
      for (let from = 0; from < got; ) {
        const put = this.#raw.write(target, this.#bufferAt + from, got - from)
        if (put <= 0) return -1
        from += put
      }
      done += got
      if (got < BUFFER_BYTES && done === expected) return done
    }
  }

  /** @returns 0 where the kernel does not */
  #inKernel(source: number, target: number, expected: number, stop: Int32Array): number {
    if (this.#clones) {
      if (this.#calls.reflink(source, target)) return expected
      this.#clones = false
    }
    for (let done = 0; ; ) {
      const copied = this.#raw.copyRange(source, 0, target, 0, STEP_BYTES, 0)
      if (copied === 0) return done
      if (copied < 0 && done === 0) return 0
      if (copied < 0 || stop[0] !== 0) return -1
      done += copied
    }
  }
}

const NAME = 0
const TIMES = 288
const STAT = 512
const EMPTY = 1023
const UTIME_OMIT = 0x3ffffffe

/** Files made here belong to whom they should: then they may have their mode from the start. */
function isFitting(fresh: ReadonlyMap<number, Fresh>, uid: number, gid: number): boolean {
  const [any] = fresh.values()
  return any !== undefined && (uid < 0 || uid === any.uid) && (gid < 0 || gid === any.gid)
}
