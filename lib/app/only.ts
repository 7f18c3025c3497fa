/** What a volunteer with a quota holds of a tree: releases that the centre named, found in its pages. */
import { setImmediate as breathe } from 'node:timers/promises'
import { type ByteName, joinName, ROOT_NAME } from '../base/byte-name.js'
import { type DirectoryEntry, sizeOf } from '../flist/entry.js'
import type { Filter } from '../flist/filter-match.js'
import type { Root } from '../hash/root.js'
import { isOfRelease, mayLieBelow, type ReleaseRef } from '../mirror/release.js'
import { readDirectoryPage } from './pages.js'
import type { Select } from './scan.js'

export type Only = {
  readonly names: ReadonlySet<ByteName>
  /** Those that have some of them. */
  readonly directories: ReadonlySet<ByteName>
}

/** Does a name belong to a mirror with such rules? @param only null: no quota */
export function belongs(filter: Filter, only: Only | null): Select {
  return (name, isDirectory) =>
    !filter.excludes(name, isDirectory) &&
    (only === null || (isDirectory ? only.directories : only.names).has(name))
}

/** Directories between two breaths. */
const SLICE = 200

/** @param quota bytes: files above it are left out, the last release's first */
export async function onlyOf(
  top: DirectoryEntry | null,
  releases: readonly ReleaseRef[],
  quota: number,
  blob: (root: Root) => Uint8Array | null,
  signal: AbortSignal,
): Promise<Only> {
  const found = releases.map((): { name: ByteName; bytes: number }[] => [])
  let looked = 0
  const pending: { name: ByteName; page: Root | null }[] = [
    { name: ROOT_NAME, page: top?.page?.root ?? null },
  ]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { name: directory, page } = next
    for (const entry of readDirectoryPage(page === null ? null : { root: page }, blob) ?? []) {
      const name = joinName(directory, entry.base)
      if (entry.kind === 'directory') {
        if (releases.some((ref) => mayLieBelow(ref, name)))
          pending.push({ name, page: entry.page?.root ?? null })
      } else if (entry.kind === 'file') {
        const file = { name, bytes: sizeOf(entry), since: entry.since }
        const at = releases.findIndex((ref) => isOfRelease(ref, file))
        found[at]?.push(file)
      }
    }
    if (++looked % SLICE === 0) await breathe()
    signal.throwIfAborted()
  }
  let left = quota
  const names = new Set<ByteName>()
  for (const { name, bytes } of found.flat()) {
    left -= bytes
    if (left < 0) break
    names.add(name)
  }
  return { names, directories: directoriesOf(names) }
}

function directoriesOf(names: ReadonlySet<ByteName>): Set<ByteName> {
  const directories = new Set<ByteName>()
  for (const name of names)
    for (let at = name.lastIndexOf('/'); at > 0; at = name.lastIndexOf('/', at - 1)) {
      const directory = name.slice(0, at) as ByteName
      if (directories.has(directory)) break
      directories.add(directory)
    }
  return directories
}
