/** What an entry of a snapshot says beside its bytes, on what stands in a tree. */
import type { ByteName } from '../base/byte-name.js'
import { bytesOf } from '../base/bytes.js'
import type { Entry, Xattr } from '../flist/entry.js'
import { libc } from './libc.js'
import type { Owners } from './owners.js'
import type { DiskTree } from './tree.js'

export type AttributeChoice = {
  /** Sets owner, group and their names' numbers; null: leave them. */
  readonly owners: Owners | null
  readonly xattrs: boolean
}

/** Owner, mode, attributes and time of `entry` on what stands under `name`: in this order, as each may undo the next. */
export function applyAttributes(
  tree: DiskTree,
  name: ByteName,
  entry: Entry,
  choice: AttributeChoice,
): void {
  const calls = libc()
  const { directory, base } = tree.at(name)
  if (choice.owners !== null) {
    const { uid, gid } = choice.owners.wanted(entry)
    if (uid !== -1 || gid !== -1) calls.chownAt(directory, base, uid >>> 0, gid >>> 0)
  }
  if (entry.kind !== 'symlink') calls.chmodAt(directory, base, entry.mode)
  if (choice.xattrs) applyXattrs(tree, name, entry.xattrs)
  calls.utimeAt(directory, base, entry.mtimeNs)
}

function applyXattrs(tree: DiskTree, name: ByteName, wanted: readonly Xattr[]): void {
  const calls = libc()
  const path = tree.pathFor(name)
  const names = new Set(wanted.map((x) => x.name))
  for (const standing of calls.listXattrs(path))
    if (!names.has(standing)) calls.removeXattr(path, standing)
  for (const x of wanted) calls.setXattr(path, x.name, bytesOf(x.value))
}
