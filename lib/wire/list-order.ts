/** The order in which both ends number the entries of a list. prsync-protocol(7), order of a list. */
import { compareNames } from '../base/byte-name.js'
import { isDirectory } from '../flist/list-entry.js'
import type { WireEntry } from './file-entry.js'

export function compareWire(protocol: number): (a: WireEntry, b: WireEntry) => number {
  return protocol < 29 ? compareOld : compareTrees
}

/** The names as bytes. */
function compareOld(a: WireEntry, b: WireEntry): number {
  return compareNames(wireName(a), wireName(b))
}

/** What is no directory before those that are, and each of them before what is in it, as if its name ended in `/`. */
function compareTrees(a: WireEntry, b: WireEntry): number {
  const nameA = wireName(a)
  const nameB = wireName(b)
  if (nameA === '.' || nameB === '.') return nameA === nameB ? 0 : nameA === '.' ? -1 : 1
  const most = Math.min(nameA.length, nameB.length)
  let at = 0
  while (at < most && nameA.charCodeAt(at) === nameB.charCodeAt(at)) at++
  const isPathA = isDirectory(a) || nameA.indexOf('/', at) >= 0
  const isPathB = isDirectory(b) || nameB.indexOf('/', at) >= 0
  if (isPathA !== isPathB) return isPathA ? 1 : -1
  // Where one name ends the other goes on: a directory and what is in it, or a file and a longer name.
  const apart = byteAt(nameA, at, isPathA) - byteAt(nameB, at, isPathB)
  return apart === 0 ? nameA.length - nameB.length : apart
}
/** Of the name with the `/` that a path ends in; -1 behind it. */
function byteAt(name: string, at: number, isPath: boolean): number {
  return at < name.length ? name.charCodeAt(at) : isPath ? SLASH : -1
}
const SLASH = 0x2f

function wireName(entry: WireEntry): string {
  return entry.isRooted === true ? `/${entry.name}` : entry.name
}

/**
 * The list in its order. Of entries with one name the first stays, or the first that is a directory; the place of
 * the others stays empty, so that numbers remain.
 */
export function sortList(entries: readonly WireEntry[], protocol: number): (WireEntry | null)[] {
  const compare = compareWire(protocol)
  const sorted = [...entries].sort(compare)
  const list: (WireEntry | null)[] = [...sorted]
  let kept = -1
  sorted.forEach((entry, i) => {
    const before = list[kept] ?? null
    if (before?.name !== entry.name) kept = i
    else if (isDirectory(before) || !isDirectory(entry)) {
      list[kept] = merged(before, entry)
      list[i] = null
    } else {
      list[kept] = null
      kept = i
    }
  })
  // A file of a directory's name stands apart from it.
  for (const entry of sorted) {
    if (!isDirectory(entry)) continue
    const file: WireEntry = { ...entry, stands: { ...entry.stands, kind: 'file' } }
    for (let i = placeOf(file, sorted, compare); isFileOf(entry.name, sorted[i]); i++)
      list[i] = null
  }
  return list
}
function isFileOf(name: string, entry: WireEntry | undefined): boolean {
  return entry?.name === name && !isDirectory(entry)
}
/** Of the first entry that is not before it. */
function placeOf(
  entry: WireEntry,
  sorted: readonly WireEntry[],
  compare: (a: WireEntry, b: WireEntry) => number,
): number {
  let from = 0
  let to = sorted.length
  while (from < to) {
    const middle = (from + to) >> 1
    const other = sorted[middle]
    if (other !== undefined && compare(other, entry) < 0) from = middle + 1
    else to = middle
  }
  return from
}
/** A directory is what either of the two says. */
function merged(kept: WireEntry, other: WireEntry): WireEntry {
  if (!isDirectory(kept) || !isDirectory(other)) return kept
  const isBare = kept.isBare && other.isBare
  // Bare and at the top: only above what was named.
  const isTop = isBare ? kept.isTop && other.isTop : kept.isTop || other.isTop
  return { ...kept, isTop, isBare }
}
