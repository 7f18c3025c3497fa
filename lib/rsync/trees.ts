/** What the roles need of trees; `lib/io` gives it. Names are relative to the tree, calls are synchronous. */

import type { ByteName } from '../base/byte-name.js'
import type { Steps } from '../base/steps.js'
import type { Xattr } from '../flist/entry.js'
import type { Attributes, Named, Standing, Tree, TreeHandle } from '../host.js'
import type { Ids } from '../plan/compare.js'

/** What can be looked at: a sender's tree, or a further one of the receiver. */
export type SourceTree = Tree & {
  /** Where it stands, without a slash at its end. */
  readonly path: string
  readonly forThreads: TreeHandle
  /** As `list`, where kinds are enough: nothing is looked at. */
  kinds(directory: ByteName, known?: ReadonlySet<string>): readonly Named[] | null
  /** What a link leads to; null: nothing. */
  statFollowing(name: ByteName): Standing | null
  readlink(name: ByteName): string
  atimeNs(name: ByteName): bigint
  xattrs(name: ByteName): readonly Xattr[]
  /** A file descriptor for reading. @param follows a link is what it leads to, else an error */
  openFile(name: ByteName, follows?: boolean): number
  closeFile(fd: number): void
  remove(name: ByteName): void
  removeDirectory(name: ByteName): void
}

/** Owner and mode that a file got when it was made; null: unknown. */
export type Fresh = Pick<Standing, 'uid' | 'gid' | 'mode'>

/** A file that is being built. */
export type NewFile = {
  readonly fd: number
  readonly tree: SourceTree
  readonly name: ByteName
  readonly fresh: Fresh | null
}

/** How a whole file is copied. */
export type CopyRule = {
  readonly sparse: boolean
  readonly preallocate: boolean
  readonly fsync: boolean
  /** The most that one step copies; null: as is best. */
  readonly stepBytes: number | null
}

/** The tree a receiver writes. Decides nothing; errors are the system's, with their code. */
export type ReceivingTree = {
  readonly tree: SourceTree
  /** Another directory that an option names, relative to this one; null: it is not there. */
  other(path: string): SourceTree | null
  otherMade(path: string, mode?: number): SourceTree
  /**
   * @param directory null: beside the one that it will replace @param ids whose it will be: if files made here are theirs it
   * has its mode from the start, else it is its owner's alone until it is given away; null: unknown
   */
  create(name: ByteName, mode: number, directory: SourceTree | null, ids: Ids | null): NewFile
  openInPlace(name: ByteName, mode: number): NewFile
  /** @returns bytes in all */
  copy(from: number, to: number, rule: CopyRule): Steps<number>
  write(fd: number, bytes: Uint8Array, offset: number, sparse: boolean): void
  /** Written by another thread, one piece behind the other: they and the file are to be left alone until it settles. */
  writeLater(fd: number, pieces: readonly Uint8Array[], offset: number): Promise<void>
  read(fd: number, into: Uint8Array, offset: number): number
  /** Cuts, or lengthens by a hole; then what was written is on the disk, if asked for. */
  finish(fd: number, length: number, isExact: boolean, fsync: boolean): void
  size(fd: number): number
  commit(made: NewFile, name: ByteName): void
  discard(made: NewFile): void
  closeFile(made: NewFile): void
  /** Renames, or copies where that leads to another file system. */
  move(fromTree: SourceTree, from: ByteName, toTree: SourceTree, to: ByteName): void
  makeDirectory(name: ByteName, mode: number): void
  /** The directory and those above it, in any tree. */
  makeDirectories(tree: SourceTree, name: ByteName): void
  symlink(target: string, name: ByteName, replaces: boolean): void
  makeNode(like: Standing, name: ByteName, replaces: boolean): void
  link(tree: SourceTree, existing: ByteName, name: ByteName, replaces: boolean): void
  remove(name: ByteName): void
  give(tree: SourceTree, name: ByteName, isLink: boolean, attributes: Attributes): void
  setXattr(tree: SourceTree, name: ByteName, xattr: Xattr): void
  removeXattr(tree: SourceTree, name: ByteName, xattr: string): void
}
