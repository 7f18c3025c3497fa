/** What is replaced or deleted is kept: under a suffix beside it, or below another directory. rsync(1) --backup. */
import { type ByteName, directoryOf, ROOT_NAME } from '../base/byte-name.js'
import { FileError } from '../base/errors.js'
import type { Xattr } from '../flist/entry.js'
import { isAclName } from '../flist/posix-acl.js'
import type { Standing } from '../host.js'
import type { ReceivingTree, SourceTree } from './trees.js'

export class Backup {
  readonly #to: ReceivingTree
  readonly #directory: string | null
  readonly #suffix: string
  readonly #acls: boolean
  readonly #told: (name: ByteName, to: string) => void

  constructor(
    to: ReceivingTree,
    directory: string | null,
    suffix: string,
    acls: boolean,
    told: (name: ByteName, to: string) => void,
  ) {
    this.#to = to
    this.#directory = directory
    this.#suffix = suffix
    this.#acls = acls
    this.#told = told
  }

  /** Is it a backup itself, which may be deleted? */
  isOne(name: ByteName): boolean {
    return this.#directory === null && name.endsWith(this.#suffix)
  }

  /** Moves it away. @returns false: a directory, which is not kept */
  keep(name: ByteName, standing: Standing): boolean {
    if (standing.kind === 'directory') return false
    this.#move(this.#to.tree, name, name)
    return true
  }
  /** Keeps a copy of a file that is written over. */
  keepCopy(copy: ByteName, name: ByteName): void {
    this.#move(this.#to.tree, copy, name)
  }

  #move(from: SourceTree, what: ByteName, name: ByteName): void {
    const [tree, kept] = this.#place(name)
    this.#to.move(from, what, tree, kept)
    this.#told(name, this.#directory === null ? kept : `${this.#directory}/${kept}`)
  }

  /** Where it is kept; the directories are made. */
  #place(name: ByteName): [SourceTree, ByteName] {
    const kept = `${name}${this.#suffix}` as ByteName
    if (this.#directory === null) return [this.#to.tree, kept]
    const tree = this.#to.otherMade(this.#directory)
    this.#mirror(tree, directoryOf(kept))
    const stands = tree.stat(kept)
    if (stands?.kind === 'directory') throw new FileError(`a directory stands at ${kept}`)
    return [tree, kept]
  }

  /** Directories of the backup look like those they stand for. */
  #mirror(tree: SourceTree, name: ByteName): void {
    if (name === ROOT_NAME || tree.stat(name) !== null) return
    this.#mirror(tree, directoryOf(name))
    this.#to.makeDirectories(tree, name)
    const like = this.#to.tree.stat(name)
    if (like === null) return
    // What the directory above passes on is not theirs.
    if (this.#acls) for (const acl of aclsOf(tree, name)) this.#to.removeXattr(tree, name, acl.name)
    const { uid, gid, mode, mtimeNs } = like
    this.#to.give(tree, name, false, { uid, gid, mode, mtimeNs, atimeNs: null })
    if (this.#acls)
      for (const acl of aclsOf(this.#to.tree, name)) this.#to.setXattr(tree, name, acl)
  }
}

function aclsOf(tree: SourceTree, name: ByteName): readonly Xattr[] {
  return tree.xattrs(name).filter((xattr) => isAclName(xattr.name))
}
