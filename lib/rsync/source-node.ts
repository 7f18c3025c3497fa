/** What the sender's list is made of: entries, and directories whose contents may come from several places. */
import { type ByteName, baseOf, ROOT_NAME } from '../base/byte-name.js'
import type { Filter } from '../flist/filter-match.js'
import { compareSiblings, type ListEntry, type Origin } from '../flist/list-entry.js'
import type { SourceTree } from './trees.js'

export type SourceEntry = ListEntry<SourceTree>

/** `rank`: the number of the source that it comes from; of two that are the same name, the first is sent. */
export type Ranked<T> = T & { readonly rank: number }
/** A place whose contents are sent. `above`: the rules in force where it was found; null: it was named. */
export type Contents = Ranked<Origin<SourceTree>> & { readonly above: Filter | null }
/** A directory of the transfer: where it comes from, which may be several places, and what was named in it. */
export type SourceDirectory = {
  /** Null: it is no entry of the transfer. */
  entry: SourceEntry | null
  readonly name: ByteName
  /** Places whose contents are sent. */
  readonly contents: Contents[]
  /** What was named below it, by its base, as the sources come. */
  readonly named: Map<string, Ranked<{ readonly node: SourceNode }>>
  /** Listed already, where the whole list was needed first. */
  listed: readonly SourceNode[] | null
  /** Last components in it that are in order at the receiver, and are not listed. */
  alike?: ReadonlySet<string>
}
export type SourceNode = SourceEntry | SourceDirectory

export function isListed(node: SourceNode): node is SourceDirectory {
  return 'contents' in node
}

export function isOnlyImplied({ entry }: SourceDirectory): boolean {
  return entry === null || entry.isImplied
}
/**
 * What was named beside what was found in a directory: a directory is both, of others the first stays.
 * @param inParts the list comes so @returns what came twice
 */
export function join(
  found: Map<string, SourceNode>,
  node: SourceNode,
  inParts: boolean,
): SourceEntry | null {
  const base = baseOf(node.name)
  const before = found.get(base)
  if (!isListed(node)) {
    if (before === undefined) found.set(base, node)
    return before === undefined ? null : node
  }
  if (before === undefined || !isListed(before)) {
    found.set(base, { ...node, contents: [...node.contents] })
    return null
  }
  for (const place of node.contents)
    if (!(inParts && endsWith(before, place))) addContents(before, place)
  for (const [inner, one] of node.named) before.named.set(inner, one)
  return isOnlyImplied(node) ? null : node.entry
}
/** Was the same place added just before? In a list that comes in parts it is read once then. */
export function endsWith({ contents }: SourceDirectory, place: Origin<SourceTree>): boolean {
  const last = contents.at(-1)
  return last?.tree === place.tree && last.name === place.name
}
export function addContents(directory: SourceDirectory, place: Contents): void {
  directory.contents.push(place)
  directory.contents.sort((a, b) => a.rank - b.rank)
}

export function compareNodes(a: SourceNode, b: SourceNode): number {
  return compareSiblings(keyOf(a), keyOf(b))
}
function keyOf(node: SourceNode): { base: string; kind: string } {
  return { base: baseOf(node.name), kind: isListed(node) ? 'directory' : 'file' }
}

/** Members of each group of hard links in a directory that was listed. */
export function countLinks({ listed }: SourceDirectory): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const node of listed ?? [])
    if (!isListed(node) && node.link !== null)
      counts.set(node.link, (counts.get(node.link) ?? 0) + 1)
  return counts
}

/** The path a person would look for. */
export function pathOf(origin: Origin<SourceTree>): string {
  const top = origin.tree.path === '/' ? '' : origin.tree.path
  return origin.name === ROOT_NAME ? origin.tree.path : `${top}/${origin.name}`
}
