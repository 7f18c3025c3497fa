/** What is replaced or deleted is kept: under a suffix beside it, or below another directory. rsync(1) --backup. */
import { type ByteName, directoryOf, ROOT_NAME } from '../base/byte-name.js'
import { atOnce } from '../base/steps.js'
import type { Xattr } from '../flist/entry.js'
import { isAclName } from '../flist/posix-acl.js'
import type { Named, Standing } from '../host.js'
import { planDeletions } from '../plan/deletions.js'
import type { AttributeWork } from './attributes.js'
import type { ReceivingTree, SourceTree } from './trees.js'

export type BackupParts = {
  readonly to: ReceivingTree
  /** Null: beside what is kept. */
  readonly directory: string | null
  readonly suffix: string
  readonly acls: boolean
  readonly attributes: AttributeWork
  readonly backedUp: (name: ByteName, to: string) => void
  /** Of a directory that stood at a backup's name. */
  readonly deleting: (name: ByteName, isDirectory: boolean) => void
}

export class Backup {
  readonly #parts: BackupParts

  constructor(parts: BackupParts) {
    this.#parts = parts
  }

  /** Is it a backup itself, which may be deleted? */
  isOne(name: ByteName): boolean {
    return this.#parts.directory === null && name.endsWith(this.#parts.suffix)
  }

  /** Moves it away. @returns false: a directory, which is not kept */
  keep(name: ByteName, standing: Named): boolean {
    if (standing.kind === 'directory') return false
    const { to } = this.#parts
    const [tree, kept] = this.#place(name)
    if (tree.stat(kept)?.kind === 'directory') this.#clear(tree, kept)
    to.move(to.tree, name, tree, kept)
    this.#parts.backedUp(name, this.#shown(kept))
    return true
  }
  /** Keeps a copy of a file that will be written over. */
  keepCopy(name: ByteName, standing: Standing): void {
    const { to, attributes } = this.#parts
    const from = to.tree.openFile(name)
    try {
      const made = to.create(name, 0o600, null, null)
      try {
        const rule = { sparse: false, preallocate: false, fsync: false, stepBytes: null }
        atOnce(to.copy(from, made.fd, rule))
        const [tree, kept] = this.#place(name)
        to.move(made.tree, made.name, tree, kept)
        attributes.giveLike(tree, kept, standing)
        this.#parts.backedUp(name, this.#shown(kept))
      } catch (error) {
        to.discard(made)
        throw error
      } finally {
        to.closeFile(made)
      }
    } finally {
      to.tree.closeFile(from)
    }
  }

  /** Where it is kept; the directories are made. */
  #place(name: ByteName): [SourceTree, ByteName] {
    const { to, directory, suffix } = this.#parts
    const kept = `${name}${suffix}` as ByteName
    if (directory === null) return [to.tree, kept]
    const tree = to.otherMade(directory)
    this.#mirror(tree, directoryOf(kept))
    return [tree, kept]
  }
  #shown(kept: ByteName): ByteName {
    const { directory } = this.#parts
    return directory === null ? kept : (`${directory}/${kept}` as ByteName)
  }

  /** Directories of the backup look like those they stand for. */
  #mirror(tree: SourceTree, name: ByteName): void {
    if (name === ROOT_NAME) return
    const stands = tree.stat(name)
    if (stands?.kind === 'directory') return
    this.#mirror(tree, directoryOf(name))
    if (stands !== null) tree.remove(name)
    const { to, acls, attributes } = this.#parts
    to.makeDirectories(tree, name)
    const like = to.tree.stat(name)
    if (like === null) return
    // What the directory above passes on is not theirs.
    if (acls) for (const acl of aclsOf(tree, name)) to.removeXattr(tree, name, acl.name)
    attributes.giveLike(tree, name, like)
    if (acls) for (const acl of aclsOf(to.tree, name)) to.setXattr(tree, name, acl)
  }

  /** A directory goes with all in it, whatever rules say. */
  #clear(tree: SourceTree, directory: ByteName): void {
    const { remove } = planDeletions(directory, new Set(), NO_RULES, (name) => tree.list(name))
    for (const { name, standing } of remove) {
      const isDirectory = standing.kind === 'directory'
      if (isDirectory) tree.removeDirectory(name)
      else tree.remove(name)
      this.#parts.deleting(this.#shown(name), isDirectory)
    }
    tree.removeDirectory(directory)
  }
}

const NO_RULES = { excludes: () => false, enter: () => {}, leave: () => {} }

function aclsOf(tree: SourceTree, name: ByteName): readonly Xattr[] {
  return tree.xattrs(name).filter((xattr) => isAclName(xattr.name))
}
