/** Where what is left of a file that did not come whole is kept. rsync(1) --partial-dir. */
import { type ByteName, baseOf, byteName, directoryOf, joinName } from '../base/byte-name.js'
import { FileError } from '../base/errors.js'
import type { ReceivingTree, SourceTree } from './trees.js'

/** What is in it is nobody's business. */
const MODE = 0o700

export type PartialPlace = { readonly tree: SourceTree; readonly name: ByteName }

/** What is kept of an earlier try; null: nothing. */
export function partialOf(
  to: ReceivingTree,
  directory: string,
  name: ByteName,
): PartialPlace | null {
  const tree = directory.startsWith('/') ? to.other(directory) : to.tree
  if (tree === null || leadsUp(directory)) return null
  const place = placeIn(tree, directory, name)
  return tree.stat(place.name)?.kind === 'file' ? place : null
}

/** Where a file is to be kept, in a directory that is made if it is not there. */
export function makePartialPlace(
  to: ReceivingTree,
  directory: string,
  name: ByteName,
): PartialPlace {
  if (directory.startsWith('/')) return placeIn(to.otherMade(directory, MODE), directory, name)
  if (leadsUp(directory)) throw new FileError(`${directory} leads out of the directory of the file`)
  const place = placeIn(to.tree, directory, name)
  const above = directoryOf(place.name)
  const stands = to.tree.stat(above)
  if (stands?.kind === 'directory') return place
  // A file, or a link that leads who knows where.
  if (stands !== null) to.remove(above)
  to.makeDirectory(above, MODE)
  return place
}

/** Out of the tree perhaps: rsync neither finds nor puts anything there. */
function leadsUp(directory: string): boolean {
  return !directory.startsWith('/') && directory.split('/').includes('..')
}

function placeIn(tree: SourceTree, directory: string, name: ByteName): PartialPlace {
  if (directory.startsWith('/')) return { tree, name: byteName(baseOf(name)) }
  return { tree, name: joinName(joinName(directoryOf(name), directory), baseOf(name)) }
}
