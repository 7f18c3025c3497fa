/** Reading the pages of a snapshot out of the index. */
import { WireError } from '../base/errors.js'
import type { Entry } from '../flist/entry.js'
import type { ContentId, Root } from '../hash/root.js'
import { decodePage } from '../snapshot/page.js'

/** All entries of a directory, in order, or null where a page is not there. */
export function readDirectoryPage(
  page: ContentId | null,
  blob: (root: Root) => Uint8Array | null,
): Entry[] | null {
  if (page === null) return []
  const entries: Entry[] = []
  const pending: ContentId[] = [page]
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
