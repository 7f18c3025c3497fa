/**
 * A directory nobody can leave. Every name is taken relative to a directory that is held open and was itself opened
 * beneath the top without following a link, so that neither `..` nor a link put in the way leads out.
 * Metadata calls are synchronous: under 1 µs each here, against 20 through the thread pool.
 */
import { closeSync, constants, fstatSync, mkdirSync, openSync, readdirSync } from 'node:fs'
import {
  type ByteName,
  baseOf,
  byteName,
  directoryOf,
  joinName,
  ROOT_NAME,
} from '../base/byte-name.js'
import { bytesOf, latin1Of } from '../base/bytes.js'
import { codeOf, FileError, messageOf, UnsupportedError } from '../base/errors.js'
import type { Entry, Xattr } from '../flist/entry.js'
import type { Named, Standing, Tree, TreeHandle } from '../host.js'
import { insideOnly, isBehindRoot, isKeptWithin } from './boundary.js'
import { kindsIn } from './directory-kinds.js'
import { AT, type Libc, libc } from './libc.js'
import { nodeOf } from './nodes.js'
import { atimeNsOf, standingOf } from './statx.js'

/** Directories held open at once. */
const HELD = 512

/** Only to see where a name leads: Node has no name for it. */
const O_PATH = 0o10000000

/** Our own corner of a tree: partial files, the index, the lock. Never published, listed or deleted. */
export const PRIVATE_NAME = byteName('.~prsync~')

/** How a tree is seen. */
export type TreeView = {
  /** Symbolic links on the way to a name lead on, also out of the tree; else they are an error. */
  readonly followsLinks: boolean
  /** Our own corner is a directory like any other, and the tree's path has one char per byte. */
  readonly isPlain: boolean
  /** Reading a file leaves its time of last use as it is, where this user may have it so. */
  readonly keepsAtime?: boolean
  /** What links lead to has to be below it; null: it may be anywhere. */
  readonly within?: string | null
}
const MIRROR: TreeView = { followsLinks: false, isPlain: false }

export class DiskTree implements Tree {
  readonly path: string
  readonly #view: TreeView
  #top: number
  readonly #calls: Libc
  readonly #held = new Map<ByteName, number>()
  /** The two that were given last: one call may take both, so neither is closed for the other. */
  #given: readonly [ByteName, ByteName] = [ROOT_NAME, ROOT_NAME]
  readonly #stat = Buffer.alloc(256)
  /** The name that was asked for last, in its two parts. */
  #split: { readonly name: ByteName; readonly directory: ByteName; readonly base: Uint8Array } = {
    name: ROOT_NAME,
    directory: ROOT_NAME,
    base: DOT,
  }

  /** @throws {FileError} where there is no such directory. */
  constructor(path: string, view: TreeView = MIRROR) {
    this.path = path
    this.#view = view
    this.#calls = libc()
    this.#top = openTop(path, view)
  }

  /**
   * The path may name another directory by now: a link that was switched, a tree that was moved here. What is held open
   * would go on showing the old one, empty if it was removed. @throws {FileError} where nothing stands there any more
   */
  followPath(): void {
    const now = openTop(this.path, this.#view)
    const [held, stands] = [this.#top, now].map((fd) => fstatSync(fd, { bigint: true }))
    if (held?.ino === stands?.ino && held?.dev === stands?.dev) {
      closeSync(now)
      return
    }
    this.close()
    this.#top = now
  }

  /** Makes the directory where it is not, but not those above it: rsync(1) --mkpath is another wish. */
  static openOrMake(path: string): DiskTree {
    try {
      mkdirSync(path)
    } catch (cause) {
      if (codeOf(cause) !== 'EEXIST')
        throw new FileError(`cannot make ${path}: ${messageOf(cause)}`, { cause })
    }
    return new DiskTree(path)
  }

  /** For threads, until it is closed. */
  get forThreads(): TreeHandle {
    return { fd: this.#top, followsLinks: this.#view.followsLinks }
  }
  /** What is lost on this machine, in words for an admin; empty: nothing. */
  get lacks(): readonly string[] {
    return this.#calls.lacks
  }
  /** The finest step of the times that can be set here. */
  get timeStepNs(): bigint {
    return this.#calls.timeStepNs
  }
  /** @throws {UnsupportedError} */
  needXattrs(): void {
    if (!this.#calls.hasXattrs)
      throw new UnsupportedError(
        'no extended attributes on this machine: koffi has no binary for it (run without --xattrs)',
      )
  }
  /** The open directory itself, for threads that look for themselves. */
  get handle(): number {
    return this.#top
  }

  close(): void {
    this.#forgetOthers([])
    closeSync(this.#top)
  }

  // ---- looking -----------------------------------------------------------------------------

  list(directory: ByteName, known?: ReadonlySet<string>): Standing[] | null {
    const fd = this.#directory(directory)
    if (fd === null) return null
    const bases = readdirSync(this.#bytePath(directory, fd), { encoding: 'latin1' }).sort()
    const standing: Standing[] = []
    for (const base of bases) {
      if (this.#isPrivate(directory, base) || known?.has(base) === true) continue
      const found = this.#look(fd, base)
      if (found !== null) standing.push(found)
    }
    return standing
  }

  /** As `list`, as far as the directory tells; looked at where the file system gives no kinds. */
  kinds(directory: ByteName, known?: ReadonlySet<string>): readonly Named[] | null {
    const fd = this.#directory(directory)
    if (fd === null) return null
    const entries = kindsIn(this.#bytePath(directory, fd))
    if (entries === null) return this.list(directory, known)
    return entries.filter(
      ({ base }) => !this.#isPrivate(directory, base) && known?.has(base) !== true,
    )
  }
  #isPrivate(directory: ByteName, base: string): boolean {
    return directory === ROOT_NAME && base === PRIVATE_NAME && !this.#view.isPlain
  }
  #bytePath(directory: ByteName, fd: number): Buffer {
    return Buffer.from(this.#pathOf(directory, fd), 'latin1')
  }

  stat(name: ByteName): Standing | null {
    return this.beneath(name)
  }

  /** What stands there, also where this tree shows something else. */
  beneath(name: ByteName): Standing | null {
    if (name === ROOT_NAME) return this.#look(this.#top, '.')
    const fd = this.#directory(directoryOf(name))
    return fd === null ? null : this.#look(fd, baseOf(name))
  }

  /** What a link leads to, else as `stat`; null where it leads to nothing. */
  statFollowing(name: ByteName): Standing | null {
    if (name === ROOT_NAME) return this.#look(this.#top, '.')
    const fd = this.#directory(directoryOf(name))
    if (fd === null) return null
    if (isKeptWithin() || this.#view.within) {
      try {
        closeSync(this.#opened(fd, bytesOf(baseOf(name)), O_PATH))
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return null
        throw error
      }
    }
    return this.#look(fd, baseOf(name), true)
  }

  /** Time of last use, in nanoseconds. */
  atimeNs(name: ByteName): bigint {
    if (this.stat(name) === null) return 0n
    return atimeNsOf(this.#stat)
  }

  /** Where a name stands, for calls that take a directory that is held open. @throws {FileError} */
  at(name: ByteName): { readonly directory: number; readonly base: Uint8Array } {
    if (name === ROOT_NAME) return { directory: this.#top, base: DOT }
    // A file that is made is named thrice on end.
    if (this.#split.name !== name)
      this.#split = { name, directory: directoryOf(name), base: bytesOf(baseOf(name)) }
    const { directory, base } = this.#split
    return { directory: this.#directoryOrThrow(directory), base }
  }

  readlink(name: ByteName): string {
    const fd = this.#directoryOrThrow(directoryOf(name))
    return latin1Of(this.#calls.readlinkAt(fd, bytesOf(baseOf(name))))
  }

  /** An open file for reading; the caller closes it. Neither a link nor a FIFO is followed or waited for, unless asked for. */
  openFile(name: ByteName, follows = false): number {
    const flags = constants.O_RDONLY | constants.O_NONBLOCK | (follows ? 0 : constants.O_NOFOLLOW)
    const directory = this.#directoryOrThrow(directoryOf(name))
    const base = bytesOf(baseOf(name))
    if (this.#view.keepsAtime === true) {
      try {
        return this.#opened(directory, base, flags | constants.O_NOATIME)
      } catch (error) {
        // Only for the owner's files: open(2).
        if (codeOf(error) !== 'EPERM') throw error
      }
    }
    return this.#opened(directory, base, flags)
  }
  #opened(directory: number, base: Uint8Array, flags: number): number {
    const fd = this.#calls.openAt(directory, base, flags, 0)
    return insideOnly(fd, latin1Of(base), this.#view.within ?? undefined)
  }

  /** Closes what openFile gave. */
  closeFile(fd: number): void {
    closeSync(fd)
  }

  xattrs(name: ByteName): Xattr[] {
    const path = this.pathFor(name)
    const found: Xattr[] = []
    for (const attribute of this.#calls.listXattrs(path)) {
      const value = this.#calls.getXattr(path, attribute)
      if (value !== null) found.push({ name: attribute, value: latin1Of(value) })
    }
    return found.sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  // ---- changing ----------------------------------------------------------------------------

  makeDirectory(name: ByteName, mode = 0o755): void {
    this.#calls.mkdirAt(this.#directoryOrThrow(directoryOf(name)), bytesOf(baseOf(name)), mode)
  }

  /** Makes the directory and those above it, where they are not. */
  makeDirectories(name: ByteName): void {
    if (name === ROOT_NAME || this.stat(name) !== null) return
    this.makeDirectories(directoryOf(name))
    // What is held open under its name was removed by another way than through this tree.
    this.#forget(name)
    this.makeDirectory(name)
  }

  /** Replaces whatever stands under `to`, but a directory, in one step. The only rename in prsync. */
  rename(from: ByteName, to: ByteName): void {
    this.#calls.renameAt(
      this.#directoryOrThrow(directoryOf(from)),
      bytesOf(baseOf(from)),
      this.#directoryOrThrow(directoryOf(to)),
      bytesOf(baseOf(to)),
    )
  }

  link(existing: ByteName, name: ByteName): void {
    this.#calls.linkAt(
      this.#directoryOrThrow(directoryOf(existing)),
      bytesOf(baseOf(existing)),
      this.#directoryOrThrow(directoryOf(name)),
      bytesOf(baseOf(name)),
    )
  }

  symlink(target: string, name: ByteName): void {
    this.#calls.symlinkAt(
      bytesOf(target),
      this.#directoryOrThrow(directoryOf(name)),
      bytesOf(baseOf(name)),
    )
  }

  /** A device, FIFO or socket. */
  makeNode(entry: Entry, name: ByteName): void {
    const [type, device] = nodeOf(entry)
    this.#calls.mknodAt(
      this.#directoryOrThrow(directoryOf(name)),
      bytesOf(baseOf(name)),
      type | 0o600,
      device,
    )
  }

  remove(name: ByteName): void {
    this.#calls.unlinkAt(this.#directoryOrThrow(directoryOf(name)), bytesOf(baseOf(name)), 0)
  }

  /** @throws where it is not empty. */
  removeDirectory(name: ByteName): void {
    this.#forget(name)
    this.#calls.unlinkAt(
      this.#directoryOrThrow(directoryOf(name)),
      bytesOf(baseOf(name)),
      AT.removeDir,
    )
  }

  setMode(name: ByteName, mode: number): void {
    this.#calls.chmodAt(this.#directoryOrThrow(directoryOf(name)), bytesOf(baseOf(name)), mode)
  }

  // ---- directories held open ---------------------------------------------------------------

  #directory(name: ByteName): number | null {
    if (name === ROOT_NAME) return this.#top
    const fd = this.#held.get(name) ?? this.#hold(name)
    if (fd !== null && this.#given[1] !== name) this.#given = [this.#given[1], name]
    return fd
  }
  #hold(name: ByteName): number | null {
    try {
      const fd = openDirectory(name, (path, flags) =>
        this.#view.followsLinks
          ? this.#opened(this.#top, bytesOf(path), flags)
          : this.#calls.openBeneath(this.#top, bytesOf(path), flags, 0),
      )
      if (this.#held.size >= HELD) this.#forgetOthers(this.#given)
      this.#held.set(name, fd)
      return fd
    } catch (error) {
      const code = codeOf(error)
      // Where links are followed, one that leads round in circles is an error, not an absence.
      const isLink = code === 'ELOOP' && !this.#view.followsLinks
      if (code === 'ENOENT' || code === 'ENOTDIR' || isLink) return null
      throw error
    }
  }

  #directoryOrThrow(name: ByteName): number {
    const fd = this.#directory(name)
    if (fd === null) throw new FileError(`no directory ${name}, or a link in its place`)
    return fd
  }

  #forget(name: ByteName): void {
    const below = `${name}/`
    for (const [held, fd] of this.#held) {
      if (held !== name && !held.startsWith(below)) continue
      closeSync(fd)
      this.#held.delete(held)
    }
  }
  #forgetOthers(names: readonly ByteName[]): void {
    for (const [held, fd] of this.#held) {
      if (names.includes(held)) continue
      closeSync(fd)
      this.#held.delete(held)
    }
  }

  #look(directory: number, base: string, follow = false): Standing | null {
    if (!this.#calls.statAt(directory, bytesOf(base), this.#stat, follow)) return null
    return standingOf(base, this.#stat)
  }

  /** A path for calls that take no directory. */
  pathFor(name: ByteName): Uint8Array {
    const above = name === ROOT_NAME ? name : directoryOf(name)
    const base = name === ROOT_NAME ? '.' : baseOf(name)
    return bytesOf(`${this.#pathOf(above, this.#directoryOrThrow(above))}/${base}`)
  }
  /** Behind chroot there is no /proc, and no way out. */
  #pathOf(directory: ByteName, fd: number): string {
    if (!isBehindRoot()) return `/proc/self/fd/${fd}`
    return joinName(this.path as ByteName, directory)
  }
}

/** One that may be searched but not read is held all the same: what is in it can be had by its name. */
function openDirectory(path: string, open: (path: string, flags: number) => number): number {
  try {
    return open(path, constants.O_RDONLY | constants.O_DIRECTORY)
  } catch (error) {
    if (codeOf(error) !== 'EACCES') throw error
    // The dot is looked up in it, which one that may not be searched refuses.
    return open(`${path}/.`, O_PATH | constants.O_DIRECTORY)
  }
}

function openTop(path: string, { isPlain, within }: TreeView): number {
  let fd: number
  try {
    fd = openDirectory(path, (place, flags) =>
      openSync(isPlain ? Buffer.from(place, 'latin1') : place, flags),
    )
  } catch (cause) {
    throw new FileError(`cannot open directory ${path}: ${messageOf(cause)}`, { cause })
  }
  return within ? insideOnly(fd, path, within) : fd
}

const DOT = bytesOf('.')
