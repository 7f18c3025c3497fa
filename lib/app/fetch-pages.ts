/**
 * Brings the pages of a snapshot into the index: level by level, only those that are not there, each asked for together
 * with the page it replaces. Everything is checked here, before anything of the tree is touched.
 */
import { type ByteName, joinName, nameFault, ROOT_NAME } from '../base/byte-name.js'
import { PrsyncError, SocketError, TrustError, WireError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { type Entry, linkStaysInside } from '../flist/entry.js'
import { type ContentId, rootHex } from '../hash/root.js'
import type { Store } from '../io/store.js'
import { PRIVATE_NAME } from '../io/tree.js'
import type { BatchItem } from '../snapshot/batch.js'
import { decodePage, type PageRange, TOP } from '../snapshot/page.js'
import type { Centre } from './centre.js'

/** Pages asked for at once: a few megabytes. */
const BATCH_PAGES = 512

/** The depth of the page that a head names, whose one entry is the tree itself. */
const ABOVE_TOP = -1

/** A page to look at, and what stood in its place in the snapshot before. */
type Visit = {
  readonly page: ContentId
  readonly before: ContentId | null
  readonly directory: ByteName
  readonly depth: number
}

/**
 * @param before the top page of a snapshot all of whose pages are in the index; null: none
 * @returns how many pages had to come
 * @throws {TrustError} on a page that was altered or that asks for what a tree may not hold
 */
export async function fetchPages(
  top: ContentId | null,
  before: ContentId | null,
  store: Store,
  centre: Centre,
  signal: AbortSignal,
): Promise<number> {
  let fetched = 0
  let level: Visit[] =
    top === null || top.root === before?.root
      ? []
      : [{ page: top, before, directory: ROOT_NAME, depth: ABOVE_TOP }]
  while (level.length > 0) {
    signal.throwIfAborted()
    const missing = new Map<string, BatchItem>()
    for (const { page, before: old } of level)
      if (!store.hasBlob(page.root))
        missing.set(page.root, { content: page, basis: basisFor(store, old) })
    const items = [...missing.values()]
    for (let at = 0; at < items.length; at += BATCH_PAGES)
      fetched += await fetchBatch(items.slice(at, at + BATCH_PAGES), store, centre, signal)
    level = level.flatMap((visit) => below(visit, store))
  }
  return fetched
}

async function fetchBatch(
  items: readonly BatchItem[],
  store: Store,
  centre: Centre,
  signal: AbortSignal,
): Promise<number> {
  const pages: { content: ContentId; bytes: Uint8Array }[] = []
  try {
    for await (const page of centre.contents(items, (root) => store.blob(root), signal))
      pages.push(page)
  } catch (error) {
    if (error instanceof WireError)
      throw new TrustError(`a page of the snapshot: ${error.message}`, { cause: error })
    throw error
  }
  if (pages.length < items.length)
    throw new SocketError(
      `the centre lacks ${items.length - pages.length} pages of its own snapshot; try again`,
    )
  store.transaction(() => {
    for (const { content, bytes } of pages) store.putBlob(content, bytes)
  })
  return pages.length
}

function basisFor(store: Store, before: ContentId | null): BatchItem['basis'] {
  return before !== null && store.hasBlob(before.root) ? before.root : null
}

/** The pages below a page, each with what stood in its place before; unchanged ones are not looked at again. */
function below(visit: Visit, store: Store): Visit[] {
  const page = decoded(store, visit.page)
  if (visit.depth > LIMITS.treeDepth) throw new TrustError('a snapshot of directories without end')
  const old = visit.before === null ? null : flattened(store, visit.before)
  if (page.kind === 'index') {
    return page.ranges
      .map((range) => ({
        ...visit,
        page: range.page,
        before: old === null ? null : rangeAt(old, range.first),
      }))
      .filter((next) => next.page.root !== next.before?.root)
  }
  const oldEntries = new Map<string, Entry>()
  for (const range of old ?? []) {
    const entries = decoded(store, range.page)
    if (entries.kind === 'entries') for (const e of entries.entries) oldEntries.set(e.base, e)
  }
  const visits: Visit[] = []
  for (const entry of page.entries) {
    if (visit.depth > ABOVE_TOP) checkEntry(entry, visit.directory, visit.depth)
    else if (entry.base !== TOP)
      throw new TrustError('the head names a page that is not that of a tree')
    if (entry.kind !== 'directory' || entry.page === null) continue
    const stood = oldEntries.get(entry.base)
    const before = stood?.kind === 'directory' ? stood.page : null
    if (entry.page.root === before?.root) continue
    visits.push({
      page: entry.page,
      before,
      directory: joinName(visit.directory, entry.base),
      depth: visit.depth + 1,
    })
  }
  return visits
}

function checkEntry(entry: Entry, directory: ByteName, depth: number): void {
  const name = joinName(directory, entry.base)
  const fault = nameFault(name)
  if (fault !== null) throw new TrustError(`the snapshot holds a ${fault}`)
  if (name === PRIVATE_NAME)
    throw new TrustError(`the snapshot holds ${PRIVATE_NAME}, which is ours`)
  if (entry.kind === 'symlink' && !linkStaysInside(entry.target, depth))
    throw new TrustError(`the snapshot holds a link that leads out of the tree: ${name}`)
}

function decoded(store: Store, page: ContentId): ReturnType<typeof decodePage> {
  const bytes = store.blob(page.root)
  if (bytes === null)
    throw new SocketError(`page ${rootHex(page.root)} is not in the index; try again`)
  try {
    return decodePage(bytes)
  } catch (error) {
    if (error instanceof PrsyncError)
      throw new TrustError(`the snapshot is malformed: ${error.message}`, { cause: error })
    throw error
  }
}

/** The pages of entries of one directory with the first name of each, in order. */
function flattened(store: Store, page: ContentId): PageRange[] {
  if (!store.hasBlob(page.root)) return []
  const one = decoded(store, page)
  if (one.kind === 'entries') return [{ first: one.entries[0]?.base ?? '', page }]
  return one.ranges.flatMap((range) => flattened(store, range.page))
}

/** The page that held a name. */
function rangeAt(ranges: readonly PageRange[], name: string): ContentId | null {
  let found: ContentId | null = ranges[0]?.page ?? null
  for (const range of ranges) {
    if (range.first > name) break
    found = range.page
  }
  return found
}
