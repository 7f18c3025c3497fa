/** What is replaced or deleted is kept: under a suffix beside it, or below another directory. rsync(1) --backup. */
import { type ByteName, directoryOf, ROOT_NAME } from '../base/byte-name.js'
import { codeOf, FileError } from '../base/errors.js'
import type { Xattr } from '../flist/entry.js'
import { isAclName } from '../flist/posix-acl.js'
import type { Attributes, Standing } from '../host.js'
import type { Options } from '../options/options.js'
import type { ReceivingTree, SourceTree } from './trees.js'

export type BackupRule = Pick<Options, 'backupDir' | 'suffix' | 'acls' | 'owner' | 'group'>

export class Backup {
  readonly #to: ReceivingTree
  readonly #rule: BackupRule
  readonly #told: (name: ByteName, to: string) => void

  constructor(to: ReceivingTree, rule: BackupRule, told: (name: ByteName, to: string) => void) {
    this.#to = to
    this.#rule = rule
    this.#told = told
  }

  /** Is it a backup itself, which may be deleted? */
  isOne(name: ByteName): boolean {
    return this.#rule.backupDir === null && name.endsWith(this.#rule.suffix)
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
    this.#told(name, this.#rule.backupDir === null ? kept : `${this.#rule.backupDir}/${kept}`)
  }

  /** Where it is kept; the directories are made. */
  #place(name: ByteName): [SourceTree, ByteName] {
    const kept = `${name}${this.#rule.suffix}` as ByteName
    if (this.#rule.backupDir === null) return [this.#to.tree, kept]
    const tree = this.#to.otherMade(this.#rule.backupDir)
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
    const { acls, owner, group } = this.#rule
    // What the directory above passes on is not theirs.
    if (acls) for (const acl of aclsOf(tree, name)) this.#to.removeXattr(tree, name, acl.name)
    const ids = { uid: owner ? like.uid : null, gid: group ? like.gid : null }
    giveLike(this.#to, tree, name, { ...like, ...ids })
    if (acls) for (const acl of aclsOf(this.#to.tree, name)) this.#to.setXattr(tree, name, acl)
  }
}

type Like = Pick<Attributes, 'uid' | 'gid' | 'mode' | 'mtimeNs'>
/** Who is not root may not give files away: then it stays its maker's. */
export function giveLike(to: ReceivingTree, tree: SourceTree, name: ByteName, like: Like): void {
  const { uid, gid, mode, mtimeNs } = like
  const none = { uid: null, gid: null, atimeNs: null }
  try {
    to.give(tree, name, false, { ...none, uid, gid, mode: null, mtimeNs: null })
  } catch (error) {
    if (codeOf(error) !== 'EPERM') throw error
  }
  to.give(tree, name, false, { ...none, mode, mtimeNs })
}

function aclsOf(tree: SourceTree, name: ByteName): readonly Xattr[] {
  return tree.xattrs(name).filter((xattr) => isAclName(xattr.name))
}
