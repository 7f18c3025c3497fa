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

/** Where a file is to be kept, in a directory that is made if it is not there. @throws {FileError} above the file's own */
export function makePartialPlace(
  to: ReceivingTree,
  directory: string,
  name: ByteName,
): PartialPlace {
  if (directory.startsWith('/')) return placeIn(to.otherMade(directory, MODE), directory, name)
  if (leadsUp(directory))
    throw new FileError(`--partial-dir=${directory} leads out of where it may`)
  const place = placeIn(to.tree, directory, name)
  const above = directoryOf(place.name)
  const stands = to.tree.stat(above)
  if (stands?.kind === 'directory') return place
  // A file, or a link that leads who knows where.
  if (stands !== null) to.remove(above)
  to.makeDirectory(above, MODE)
  return place
}

function placeIn(tree: SourceTree, directory: string, name: ByteName): PartialPlace {
  if (directory.startsWith('/')) return { tree, name: byteName(baseOf(name)) }
  const beside = byteName(collapsed(directory).join('/') || '.')
  return { tree, name: joinName(joinName(directoryOf(name), beside), baseOf(name)) }
}

/** As with rsync nothing is looked for there, and nothing kept: above the destination it may be anybody's. */
function leadsUp(directory: string): boolean {
  return !directory.startsWith('/') && collapsed(directory)[0] === '..'
}
function collapsed(directory: string): readonly string[] {
  const parts: string[] = []
  for (const part of directory.split('/'))
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  return parts
}
