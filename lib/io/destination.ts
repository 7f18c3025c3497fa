/**
 * The tree that a receiver writes: every way in which something comes to stand there, is given its attributes, is kept aside
 * or goes. Decides nothing. Errors are the system's, with their code.
 */
import { closeSync, constants, fstatSync, mkdirSync } from 'node:fs'
import {
  type ByteName,
  baseOf,
  byteName,
  directoryOf,
  joinName,
  ROOT_NAME,
} from '../base/byte-name.js'
import { bytesOf } from '../base/bytes.js'
import { codeOf, FileError } from '../base/errors.js'
import type { Xattr } from '../flist/entry.js'
import type { Attributes, Standing } from '../host.js'
import { isInside } from './boundary.js'
import { FileBytes } from './file-bytes.js'
import { libc } from './libc.js'
import { moveAcross } from './move-across.js'
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

const NO_ATTRIBUTES: Attributes = { uid: null, gid: null, mode: null, mtimeNs: null, atimeNs: null }

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

export class Destination extends FileBytes {
  readonly tree: DiskTree
  readonly #calls = libc()
  readonly #rule: DestinationRule
  readonly #others = new Map<string, DiskTree>()
  /** What files get that are made in one directory, by the mode that was asked for: it is looked up once. */
  #fresh: { readonly tree: DiskTree; readonly directory: ByteName; readonly of: Map<number, Fresh> }

  constructor(path: string, rule: DestinationRule) {
    super()
    const { root, followsLinks, staysWithin, keepsAtime } = rule
    this.#rule = rule
    // A destination out there is the caller's own choice: links may lead on within it.
    const isConfined = root !== null && isInside(path, root)
    const within = isConfined ? root : root !== null || (followsLinks && staysWithin) ? path : null
    this.tree = this.open(path, { followsLinks, isPlain: true, within, keepsAtime })
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
    const made = mkdirSync(Buffer.from(full, 'latin1'), { recursive: true, mode })
    // It was there when it was opened, and was deleted since: a directory for backups may be extraneous itself.
    if (made !== undefined) this.#others.get(this.#full(path))?.followPath()
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
      moveAcross(this, { tree: fromTree, name: from }, { tree: toTree, name: to })
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
    const base = temporaryBase(baseOf(name))
    return isApart ? byteName(base.slice(1)) : joinName(directoryOf(name), base)
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
