/** Where what is left of a file that did not come whole is kept. rsync(1) --partial-dir. */
import { type ByteName, baseOf, byteName, directoryOf, joinName } from '../base/byte-name.js'
import type { ReceivingTree, SourceTree } from './trees.js'

type PartialPlace = { readonly tree: SourceTree; readonly name: ByteName }

/** Where --partial-dir keeps a file. */
export function partialPlace(to: ReceivingTree, directory: string, name: ByteName): PartialPlace {
  if (directory.startsWith('/'))
    return { tree: to.otherMade(directory), name: byteName(baseOf(name)) }
  return { tree: to.tree, name: joinName(joinName(directoryOf(name), directory), baseOf(name)) }
}
/** Its directory is made, where it is in the tree. */
export function makePartialDirectory(to: ReceivingTree, { tree, name }: PartialPlace): void {
  const directory = directoryOf(name)
  if (tree === to.tree && to.tree.stat(directory) === null) to.makeDirectory(directory, 0o700)
}
