/** Reading the pages of a snapshot out of the index. */
import { type ByteName, ROOT_NAME } from '../base/byte-name.js'
import { WireError } from '../base/errors.js'
import type { DirectoryEntry, Entry } from '../flist/entry.js'
import type { ContentId, Root } from '../hash/root.js'
import { decodePage, type Page, TOP } from '../snapshot/page.js'

/** All entries of a directory, in order, or null where a page is not there. */
export function readDirectoryPage(
  page: Pick<ContentId, 'root'> | null,
  blob: (root: Root) => Uint8Array | null,
): Entry[] | null {
  if (page === null) return []
  const entries: Entry[] = []
  const pending: Pick<ContentId, 'root'>[] = [page]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const bytes = blob(next.root)
    if (bytes === null) return null
    const decoded = decodePage(bytes)
    if (decoded.kind === 'entries') {
      // In order within a page is the page's own affair; across pages it is checked here.
      const last = entries[entries.length - 1]
      if (last !== undefined && (decoded.entries[0]?.base ?? '') <= last.base)
        throw new WireError('pages of a directory out of order')
      for (const entry of decoded.entries) entries.push(entry)
    } else pending.push(...decoded.ranges.map((r) => r.page).reverse())
  }
  return entries
}

/** The tree itself, as the page of a head has it; null for an empty head or a page that is not there. */
export function readTop(
  page: ContentId | null,
  blob: (root: Root) => Uint8Array | null,
): DirectoryEntry | null {
  const bytes = page === null ? null : blob(page.root)
  if (bytes === null) return null
  const decoded = decodePage(bytes)
  const [top] = decoded.kind === 'entries' ? decoded.entries : []
  if (top?.kind !== 'directory' || top.base !== TOP)
    throw new WireError('head: its page is not that of a tree')
  return top
}

type PageOf = (root: Root) => Page | null

/** The entry of a name, from the page of a head down. */
export function findEntry(
  head: ContentId | null,
  name: ByteName,
  blob: (root: Root) => Uint8Array | null,
): Entry | null {
  return findBelow(readTop(head, blob), name, blob)
}

/** The entry of a name below a directory. */
export function findBelow(
  top: Entry | null,
  name: ByteName,
  blob: (root: Root) => Uint8Array | null,
): Entry | null {
  const pageOf: PageOf = (root) => {
    const bytes = blob(root)
    return bytes === null ? null : decodePage(bytes)
  }
  return findIn(top, name, (root, base) => entryIn(root, base, pageOf))
}

/** The same with another way to look into a directory; only those on the way to the name are looked at. */
export function findIn(
  top: Entry | null,
  name: ByteName,
  entryOf: (directoryPage: Root, base: string) => Entry | null,
): Entry | null {
  let found = top
  if (name === ROOT_NAME) return found
  for (const part of name.split('/')) {
    if (found?.kind !== 'directory') return null
    found = found.page === null ? null : entryOf(found.page.root, part)
  }
  return found
}

/** From the page of a directory down. One that is no page of it ends the search: an index leads to smaller ranges only. */
export function entryIn(root: Root, base: string, pageOf: PageOf): Entry | null {
  for (let page = pageOf(root); page !== null; ) {
    if (page.kind === 'entries') {
      const { entries } = page
      const entry = entries[lastWhere(entries.length, (i) => (entries[i]?.base ?? '') <= base)]
      return entry?.base === base ? entry : null
    }
    const { ranges } = page
    const range = ranges[lastWhere(ranges.length, (i) => (ranges[i]?.first ?? '') <= base)]
    page = range === undefined ? null : pageOf(range.page.root)
  }
  return null
}

/** The last of so many in order for which it is true, as for all before it; -1: none. */
function lastWhere(count: number, isSo: (i: number) => boolean): number {
  let [from, to] = [0, count]
  while (from < to) {
    const middle = (from + to) >>> 1
    if (isSo(middle)) from = middle + 1
    else to = middle
  }
  return from - 1
}
