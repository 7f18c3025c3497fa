/**
 * Entries of a directory → its pages, bottom up. Where a page ends depends on names alone, not on places, so that
 * an entry added or removed changes one page and its index, whatever the size of the directory.
 */
import { LIMITS } from '../base/limits.js'
import type { Entry } from '../flist/entry.js'
import { contentRoot } from '../hash/merkle.js'
import type { ContentId } from '../hash/root.js'
import { encodePage, type Page, type PageRange } from './page.js'

export type BuiltPage = { readonly id: ContentId; readonly bytes: Uint8Array }
export type BuiltDirectory = {
  readonly page: ContentId | null
  readonly pages: readonly BuiltPage[]
}

/** A page ends after a name whose hash says so, about each 16 KiB, never before 4 KiB and always at 32 KiB. */
const LEAST = 4 * 1024
const MOST = 32 * 1024
const MEAN_ENTRIES = 128
const RANGES_A_PAGE = 512

/** @param entries in byte order of their names */
export function buildDirectory(entries: readonly Entry[]): BuiltDirectory {
  if (entries.length === 0) return { page: null, pages: [] }
  const pages: BuiltPage[] = []
  const add = (page: Page): ContentId => {
    const bytes = encodePage(page)
    if (bytes.length > LIMITS.pageBytes) throw new RangeError(`page of ${bytes.length} bytes`)
    const id = { root: contentRoot(bytes), length: bytes.length }
    pages.push({ id, bytes })
    return id
  }
  let level: PageRange[] = ranges(entries).map((part) => ({
    first: part[0]?.base ?? '',
    page: add({ kind: 'entries', entries: part }),
  }))
  while (level.length > 1) level = indexed(level, add)
  return { page: level[0]?.page ?? null, pages }
}

/** One level of indexes above a level of pages; a single range left over joins the index before it. */
function indexed(level: readonly PageRange[], add: (page: Page) => ContentId): PageRange[] {
  const above: PageRange[] = []
  for (let i = 0; i < level.length; ) {
    let end = i + 2
    while (end < level.length && end - i < RANGES_A_PAGE && !endsIndex(level[end - 1]?.first ?? ''))
      end++
    if (level.length - end === 1) end++
    const part = level.slice(i, end)
    above.push({ first: part[0]?.first ?? '', page: add({ kind: 'index', ranges: part }) })
    i = end
  }
  return above
}

function ranges(entries: readonly Entry[]): Entry[][] {
  const parts: Entry[][] = []
  let part: Entry[] = []
  let size = 0
  for (const entry of entries) {
    const own = roughSize(entry)
    if (part.length > 0 && size + own > MOST) {
      parts.push(part)
      part = []
      size = 0
    }
    part.push(entry)
    size += own
    if (size < LEAST || nameHash(entry.base) % MEAN_ENTRIES !== 0) continue
    parts.push(part)
    part = []
    size = 0
  }
  if (part.length > 0) parts.push(part)
  return parts
}

/** Enough to bound a page: the parts whose length varies, and 64 for the rest. */
function roughSize(entry: Entry): number {
  let size = 64 + entry.base.length
  if (entry.kind === 'symlink') size += entry.target.length
  if (entry.kind === 'file' && entry.sums !== null) size += 36
  if (entry.kind === 'file' && entry.recipe !== null) size += 36
  for (const { name, value } of entry.xattrs) size += name.length + value.length + 4
  return size
}

function endsIndex(first: string): boolean {
  return nameHash(first) % MEAN_ENTRIES === 1
}

/** FNV-1a over the bytes of a name, folded: where pages end must not depend on what is next to it. */
function nameHash(name: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193)
  return (hash ^ (hash >>> 15)) >>> 0
}
