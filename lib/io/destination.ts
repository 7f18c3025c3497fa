/**
 * The tree that a receiver writes: every way in which something comes to stand there, is given its attributes, is kept aside
 * or goes. Decides nothing. Errors are the system's, with their code.
 */
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  readSync,
  writeSync,
  writev,
} from 'node:fs'
import {
  type ByteName,
  baseOf,
  byteName,
  directoryOf,
  joinName,
  ROOT_NAME,
} from '../base/byte-name.js'
import { bytesOf } from '../base/bytes.js'
import { inWords } from '../base/errno-words.js'
import { codeOf, FileError, messageOf } from '../base/errors.js'
import { atOnce, type Steps } from '../base/steps.js'
import type { Xattr } from '../flist/entry.js'
import { FAKE_STAT } from '../flist/fake-super.js'
import type { Attributes, Standing } from '../host.js'
import { isInside } from './boundary.js'
import { type Libc, libc } from './libc.js'
import { nodeOf } from './nodes.js'
import { temporaryBase } from './temporary-name.js'
import { DiskTree, type TreeView } from './tree.js'

/** A file that is being built, under a name that nobody looks for. */
export type NewFile = {
  readonly fd: number
  /** Where it stands. */
  readonly tree: DiskTree
  readonly name: ByteName
  /** What it got when it was made; null: unknown. */
  readonly fresh: Fresh | null
}
type Fresh = Pick<Standing, 'uid' | 'gid' | 'mode'>
type Ids = { readonly uid: number | null; readonly gid: number | null }

/** How a whole file is copied. */
export type CopyRule = {
  readonly sparse: boolean
  readonly preallocate: boolean
  readonly fsync: boolean
  /** The most that one step copies; null: as is best. */
  readonly stepBytes: number | null
}

const NO_ATTRIBUTES: Attributes = { uid: null, gid: null, mode: null, mtimeNs: null, atimeNs: null }
const COPY_BYTES = 256 * 1024
/** The kernel copies at most so much before somebody may look at the clock. */
const KERNEL_STEP_BYTES = 32 * 2 ** 20
/** Above it the kernel copies, or shares blocks: below it one read and one write are cheaper. */
const KERNEL_COPY_BYTES = 64 * 1024
const SPARSE_BYTES = 4096

export type DestinationRule = {
  /** Links to directories are taken for directories. */
  readonly followsLinks: boolean
  /** They never lead out of it. */
  readonly staysWithin: boolean
  /** Reading a file leaves its time of last use as it is. */
  readonly keepsAtime: boolean
  /** A path of an option, without links that lead on: see operatorPaths. */
  readonly trusted: (path: string) => string
  /** Where what options name has to be, and what links lead to; null: anywhere. */
  readonly root: string | null
}

export class Destination {
  readonly tree: DiskTree
  readonly #calls: Libc
  readonly #rule: DestinationRule
  readonly #others = new Map<string, DiskTree>()
  readonly #buffer = Buffer.allocUnsafe(COPY_BYTES)
  /** What files get that are made in one directory, by the mode that was asked for: it is looked up once. */
  #fresh: { readonly tree: DiskTree; readonly directory: ByteName; readonly of: Map<number, Fresh> }

  constructor(path: string, rule: DestinationRule) {
    const { root, followsLinks, staysWithin, keepsAtime } = rule
    this.#rule = rule
    // A destination out there is the caller's own choice: links may lead on within it.
    const isConfined = root !== null && isInside(path, root)
    const within = isConfined ? root : root !== null || (followsLinks && staysWithin) ? path : null
    this.tree = this.open(path, { followsLinks, isPlain: true, within, keepsAtime })
    this.#calls = libc()
    this.#fresh = { tree: this.tree, directory: ROOT_NAME, of: new Map() }
  }

  protected open(path: string, view: TreeView): DiskTree {
    return new DiskTree(path, view)
  }

  close(): void {
    for (const tree of this.#others.values()) tree.close()
    this.#others.clear()
    this.tree.close()
  }

  /** Another directory that an option names, relative to this one; null: it is not there. */
  other(path: string): DiskTree | null {
    const full = this.#full(path)
    const known = this.#others.get(full)
    if (known !== undefined) return known
    try {
      const { root, keepsAtime } = this.#rule
      const view = { followsLinks: true, isPlain: true, within: root, keepsAtime }
      const tree = this.open(this.#rule.trusted(full), view)
      this.#others.set(full, tree)
      return tree
    } catch (error) {
      if (error instanceof FileError) return null
      throw error
    }
  }
  /** The same, made where it is not. */
  otherMade(path: string, mode = 0o755): DiskTree {
    const full = this.#rule.trusted(this.#full(path))
    mkdirSync(Buffer.from(full, 'latin1'), { recursive: true, mode })
    const tree = this.other(path)
    if (tree === null) throw new FileError(`cannot open directory ${full}`)
    return tree
  }

  #full(path: string): string {
    return path.startsWith('/') ? path : `${this.tree.path}/${path}`
  }

  // ---- files ------------------------------------------------------------------------------------

  /**
   * A new file beside the one it will replace, or in `directory`. @param ids whose it will be: if files made there are theirs,
   * it has its mode from the start, else it is its owner's alone; null: unknown, and the mode is as said
   */
  create(
    name: ByteName,
    mode: number,
    directory: DiskTree | null,
    ids: Ids | null = null,
  ): NewFile {
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
    for (;;) {
      const made = this.#temporaryName(name, directory !== null)
      const tree = directory ?? this.tree
      const of = ids === null ? null : this.#freshIn(tree, directoryOf(made))
      const asked = of === null || isFitting(of, ids) ? mode & 0o777 : mode & 0o700
      try {
        const at = tree.at(made)
        const fd = this.#calls.openAt(at.directory, at.base, flags, asked)
        return { fd, tree, name: made, fresh: of === null ? null : freshOf(of, asked, fd) }
      } catch (error) {
        if (codeOf(error) !== 'EEXIST') throw error
      }
    }
  }
  #freshIn(tree: DiskTree, directory: ByteName): Map<number, Fresh> {
    if (tree !== this.#fresh.tree || directory !== this.#fresh.directory)
      this.#fresh = { tree, directory, of: new Map() }
    return this.#fresh.of
  }

  /** The file itself, to be written over: to be read too where that is allowed. */
  openInPlace(name: ByteName, mode: number): NewFile {
    const at = this.tree.at(name)
    const open = (how: number): number =>
      this.#calls.openAt(at.directory, at.base, how | constants.O_NOFOLLOW, mode)
    const made = { tree: this.tree, name, fresh: null }
    try {
      return { fd: open(constants.O_RDWR | constants.O_CREAT), ...made }
    } catch (error) {
      if (codeOf(error) !== 'EACCES') throw error
      return { fd: this.#openForbidden(name, open, error), ...made }
    }
  }
  /** Its owner may write it all the same. */
  #openForbidden(name: ByteName, open: (how: number) => number, why: unknown): number {
    const stands = this.tree.stat(name)
    if (stands?.kind !== 'file') throw why
    const giveMode = (mode: number): void =>
      this.give(this.tree, name, false, { ...NO_ATTRIBUTES, mode })
    try {
      return open(constants.O_WRONLY)
    } catch {
      try {
        giveMode(stands.mode | 0o200)
      } catch {
        throw why
      }
    }
    try {
      return open((stands.mode & 0o400) === 0 ? constants.O_WRONLY : constants.O_RDWR)
    } finally {
      giveMode(stands.mode)
    }
  }

  /**
   * All bytes of an open file into a new one, step by step: each yields how many it wrote. @returns how many in all
   * @throws what reading or writing throws
   */
  *copy(from: number, to: number, rule: CopyRule): Steps<number> {
    const { size } = fstatSync(from)
    if (rule.preallocate && size > 0) this.#calls.reserve(to, size)
    const copied =
      size > KERNEL_COPY_BYTES && !rule.sparse
        ? yield* this.#kernelCopy(from, to, size, rule)
        : yield* this.#readAndWrite(from, to, rule)
    if (rule.fsync) fsyncSync(to)
    return copied
  }
  *#kernelCopy(from: number, to: number, size: number, rule: CopyRule): Steps<number> {
    if (!rule.preallocate && this.#calls.reflink(from, to)) return size
    const step = Math.min(KERNEL_STEP_BYTES, rule.stepBytes ?? KERNEL_STEP_BYTES)
    let done = 0
    for (;;) {
      let copied: number
      try {
        copied = this.#calls.copyRange(from, done, to, done, step)
      } catch (error) {
        const code = codeOf(error)
        // Across some file systems the kernel will not.
        if (done > 0 || !(code === 'EXDEV' || code === 'EOPNOTSUPP' || code === 'EINVAL'))
          throw error
        return yield* this.#readAndWrite(from, to, { ...rule, sparse: false })
      }
      if (copied === 0) return done
      done += copied
      yield copied
    }
  }
  *#readAndWrite(from: number, to: number, rule: CopyRule): Steps<number> {
    const buffer = this.#buffer.subarray(0, rule.stepBytes ?? COPY_BYTES)
    let at = 0
    for (;;) {
      const got = readSync(from, buffer, 0, buffer.length, at)
      if (got === 0) break
      this.write(to, buffer.subarray(0, got), at, rule.sparse)
      at += got
      if (got < buffer.length && at >= fstatSync(from).size) break
      yield got
    }
    if (rule.sparse) ftruncateSync(to, at)
    return at
  }

  /** Bytes at an offset; `sparse`: zeros are left out, and the length has to be set at the end. */
  write(fd: number, bytes: Uint8Array, offset: number, sparse: boolean): void {
    if (!sparse) {
      for (let done = 0; done < bytes.length; )
        done += writeSync(fd, bytes, done, bytes.length - done, offset + done)
      return
    }
    for (let at = 0; at < bytes.length; ) {
      const end = Math.min(bytes.length, at + SPARSE_BYTES - ((offset + at) % SPARSE_BYTES))
      const part = bytes.subarray(at, end)
      if (!isZero(part)) this.write(fd, part, offset + at, false)
      at = end
    }
  }

  /** The same by another thread, one piece behind the other. They and the file are to be left alone until it settles. */
  writeLater(fd: number, pieces: readonly Uint8Array[], offset: number): Promise<void> {
    return new Promise((resolve, reject) => {
      writev(fd, pieces, offset, (cause, written) => {
        if (cause !== null) return reject(cause)
        try {
          this.#writeRest(fd, pieces, offset, written)
          resolve()
        } catch (error) {
          reject(error instanceof Error ? error : new FileError(messageOf(error)))
        }
      })
    })
  }
  /** @param done bytes that are written already: most often all of them */
  #writeRest(fd: number, pieces: readonly Uint8Array[], offset: number, done: number): void {
    let [at, skipped] = [offset, done]
    for (const piece of pieces) {
      const left = piece.subarray(Math.min(skipped, piece.length))
      if (left.length > 0) this.write(fd, left, at + piece.length - left.length, false)
      skipped -= piece.length - left.length
      at += piece.length
    }
  }

  read(fd: number, into: Uint8Array, offset: number): number {
    return readSync(fd, into, 0, into.length, offset)
  }
  /**
   * Cuts, or lengthens by a hole, what is no device; then what was written is on the disk, if asked for. @param isExact it was
   * new, and all of it was written
   */
  finish(fd: number, length: number, isExact: boolean, fsync: boolean): void {
    if (!isExact && fstatSync(fd).isFile()) ftruncateSync(fd, length)
    if (fsync) fsyncSync(fd)
  }
  size(fd: number): number {
    return fstatSync(fd).size
  }

  /** The new file takes its place. */
  commit(made: NewFile, name: ByteName): void {
    this.move(made.tree, made.name, this.tree, name)
  }
  discard(made: NewFile): void {
    const at = made.tree.at(made.name)
    this.#calls.unlinkAt(at.directory, at.base, 0)
  }
  closeFile(made: NewFile): void {
    closeSync(made.fd)
  }

  /** Renames, or copies where that leads to another file system. */
  move(fromTree: DiskTree, from: ByteName, toTree: DiskTree, to: ByteName): void {
    const a = fromTree.at(from)
    const b = toTree.at(to)
    try {
      this.#calls.renameAt(a.directory, a.base, b.directory, b.base)
    } catch (error) {
      if (codeOf(error) !== 'EXDEV') throw error
      this.#moveAcross(fromTree, from, toTree, to)
    }
  }
  /** @throws {FileError} without a code: a disk that is full here spoils one file, as with rsync */
  #moveAcross(fromTree: DiskTree, from: ByteName, toTree: DiskTree, to: ByteName): void {
    const stands = fromTree.beneath(from)
    if (stands === null) throw new FileError(`${from} is gone`)
    const made = this.#temporaryIn(to)
    try {
      this.#makeAcross(fromTree, from, stands, toTree, made)
      toTree.rename(made, to)
    } catch (error) {
      if (toTree.beneath(made) !== null) toTree.remove(made)
      throw new FileError(inWords(error), { cause: error })
    }
    fromTree.remove(from)
  }
  #makeAcross(
    fromTree: DiskTree,
    from: ByteName,
    stands: Standing,
    toTree: DiskTree,
    made: ByteName,
  ): void {
    const at = toTree.at(made)
    if (stands.kind === 'symlink')
      this.#calls.symlinkAt(bytesOf(fromTree.readlink(from)), at.directory, at.base)
    else if (stands.kind !== 'file') this.#calls.mknodAt(at.directory, at.base, ...nodeOf(stands))
    else this.#copyAcross(fromTree, from, at)
    const { uid, gid, mode, mtimeNs } = stands
    const isLink = stands.kind === 'symlink'
    this.#give(at, isLink, { ...NO_ATTRIBUTES, uid, gid })
    this.#takeXattrs(fromTree.pathFor(from), toTree.pathFor(made))
    this.#give(at, isLink, { ...NO_ATTRIBUTES, mode, mtimeNs })
  }
  /** All of them, as a rename would: owners that stand for others are among them. */
  #takeXattrs(from: Uint8Array, to: Uint8Array): void {
    if (!this.#calls.hasXattrs) return
    for (const name of this.#calls.listXattrs(from)) {
      const value = this.#calls.getXattr(from, name)
      try {
        if (value !== null) this.#calls.setXattr(to, name, value)
      } catch (error) {
        const code = codeOf(error)
        // A file system that has none, or a label that is not ours to set.
        if (name === FAKE_STAT || (code !== 'EOPNOTSUPP' && code !== 'EPERM')) throw error
      }
    }
  }
  #copyAcross(fromTree: DiskTree, from: ByteName, at: ReturnType<DiskTree['at']>): void {
    const source = fromTree.openFile(from)
    try {
      const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL
      const to = this.#calls.openAt(at.directory, at.base, flags, 0o600)
      try {
        atOnce(
          this.copy(source, to, {
            sparse: false,
            preallocate: false,
            fsync: false,
            stepBytes: null,
          }),
        )
      } finally {
        closeSync(to)
      }
    } finally {
      closeSync(source)
    }
  }

  // ---- what is no file ---------------------------------------------------------------------------

  makeDirectory(name: ByteName, mode: number): void {
    const at = this.tree.at(name)
    this.#calls.mkdirAt(at.directory, at.base, mode)
  }
  makeDirectories(tree: DiskTree, name: ByteName): void {
    tree.makeDirectories(name)
  }
  /** In place of what stands there, but a directory, in one step. */
  symlink(target: string, name: ByteName, replaces: boolean): void {
    this.#made(name, replaces, (at) =>
      this.#calls.symlinkAt(bytesOf(target), at.directory, at.base),
    )
  }
  makeNode(like: Standing, name: ByteName, replaces: boolean): void {
    this.#made(name, replaces, (at) => this.#calls.mknodAt(at.directory, at.base, ...nodeOf(like)))
  }
  link(tree: DiskTree, existing: ByteName, name: ByteName, replaces: boolean): void {
    const from = tree.at(existing)
    this.#made(name, replaces, (at) =>
      this.#calls.linkAt(from.directory, from.base, at.directory, at.base),
    )
  }
  #made(name: ByteName, replaces: boolean, make: (at: ReturnType<DiskTree['at']>) => void): void {
    if (!replaces) return make(this.tree.at(name))
    const made = this.#temporaryName(name, false)
    make(this.tree.at(made))
    try {
      this.tree.rename(made, name)
    } catch (error) {
      this.tree.remove(made)
      throw error
    }
    // Renaming over another name of the same file does nothing: rename(2).
    if (this.tree.stat(made) !== null) this.tree.remove(made)
  }

  remove(name: ByteName): void {
    this.tree.remove(name)
  }

  // ---- attributes --------------------------------------------------------------------------------

  /** Owner, times, mode: in this order, as each may undo the one before. */
  give(tree: DiskTree, name: ByteName, isLink: boolean, attributes: Attributes): void {
    this.#give(tree.at(name), isLink, attributes)
  }
  #give(at: ReturnType<DiskTree['at']>, isLink: boolean, a: Attributes): void {
    if (a.uid !== null || a.gid !== null)
      this.#calls.chownAt(at.directory, at.base, (a.uid ?? -1) >>> 0, (a.gid ?? -1) >>> 0)
    if (a.mtimeNs !== null || a.atimeNs !== null)
      this.#calls.utimeAt(at.directory, at.base, a.mtimeNs, a.atimeNs)
    if (a.mode !== null && !isLink) this.#calls.chmodAt(at.directory, at.base, a.mode)
  }
  setXattr(tree: DiskTree, name: ByteName, xattr: Xattr): void {
    this.#calls.setXattr(tree.pathFor(name), xattr.name, bytesOf(xattr.value))
  }
  removeXattr(tree: DiskTree, name: ByteName, xattr: string): void {
    this.#calls.removeXattr(tree.pathFor(name), xattr)
  }

  /** `.NAME.XXXXXX` beside NAME; in a directory of its own without the dot. */
  #temporaryName(name: ByteName, isApart: boolean): ByteName {
    const made = this.#temporaryIn(byteName(baseOf(name)))
    const base = isApart ? made.slice(1) : made
    return isApart ? byteName(base) : joinName(directoryOf(name), base)
  }
  #temporaryIn(name: ByteName): ByteName {
    return joinName(directoryOf(name), temporaryBase(baseOf(name)))
  }
}

function isFitting(of: ReadonlyMap<number, Fresh>, ids: Ids | null): boolean {
  const [any] = of.values()
  return any !== undefined && isOf(ids?.uid, any.uid) && isOf(ids?.gid, any.gid)
}
function isOf(wanted: number | null | undefined, id: number): boolean {
  return wanted === null || wanted === id
}
function freshOf(of: Map<number, Fresh>, asked: number, fd: number): Fresh {
  const known = of.get(asked)
  if (known !== undefined) return known
  const { uid, gid, mode } = fstatSync(fd)
  const fresh = { uid, gid, mode: mode & 0o7777 }
  of.set(asked, fresh)
  return fresh
}

function isZero(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (byte !== 0) return false
  return true
}
