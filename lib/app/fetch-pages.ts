/**
 * Brings the pages of a snapshot into the index: level by level, only those that are not there. One that replaces another
 * comes from the centre as a difference; many new ones come from other nodes, where there are any. Everything is checked
 * here, before anything of the tree is touched.
 */
import { type ByteName, joinName, nameFault, ROOT_NAME } from '../base/byte-name.js'
import { PrsyncError, SocketError, TrustError, WireError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { shuffle } from '../base/shuffle.js'
import { type Entry, linkStaysInside } from '../flist/entry.js'
import { type ContentId, type Root, rootHex } from '../hash/root.js'
import type { Random } from '../host.js'
import type { Store } from '../io/store.js'
import { PRIVATE_NAME } from '../io/tree.js'
import type { BatchItem } from '../snapshot/batch.js'
import { decodePage, type PageRange, TOP } from '../snapshot/page.js'
import type { Centre } from './centre.js'

/** Pages that replace others, asked for at once. */
const BATCH_PAGES = 512
/** New pages asked of the centre at once: few at first, for other nodes may be met meanwhile. */
const FIRST_BYTES = 64 * 1024
const MOST_BYTES = 4 * 1024 * 1024
/** New pages below this are not worth asking others: they would cost the centre less than talking about them. */
const SWARM_BYTES = 256 * 1024

/** The depth of the page that a head names, whose one entry is the tree itself. */
const ABOVE_TOP = -1

/** A page to look at, and what stood in its place in the snapshot before. */
type Visit = {
  readonly page: ContentId
  readonly before: ContentId | null
  readonly directory: ByteName
  readonly depth: number
}

/** Who gives pages. */
export type PageSources = {
  readonly centre: Centre
  readonly random: Random
  /** Are there other nodes to ask? */
  readonly hasPeers: () => boolean
  /** Brings pages that are new from them, or else from the centre; resolves when all are in the index. */
  readonly fromPeers: (pages: readonly ContentId[], signal: AbortSignal) => Promise<void>
  /** Pages stand in the index and can be given to others. */
  readonly offer: (roots: readonly Root[]) => void
  /** Runs what comes over HTTP when it may, again where the centre hung up, and counts it. */
  readonly inTurn: (fetch: () => Promise<void>) => Promise<void>
}

/**
 * @param before the top page of a snapshot all of whose pages are in the index; null: none
 * @throws {TrustError} on a page that was altered or that asks for what a tree may not hold
 */
export async function fetchPages(
  top: ContentId | null,
  before: ContentId | null,
  store: Store,
  sources: PageSources,
  signal: AbortSignal,
): Promise<void> {
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
    const changed = items.filter(({ basis }) => basis !== null)
    for (let at = 0; at < changed.length; at += BATCH_PAGES)
      await fetchBatch(changed.slice(at, at + BATCH_PAGES), store, sources, signal)
    await fetchNew(
      items.filter(({ basis }) => basis === null),
      store,
      sources,
      signal,
    )
    level = level.flatMap((visit) => below(visit, store))
  }
}

/** In any order, so that nodes that start together do not all get the same first. */
async function fetchNew(
  items: BatchItem[],
  store: Store,
  sources: PageSources,
  signal: AbortSignal,
): Promise<void> {
  let left = items.reduce((sum, { content }) => sum + content.length, 0)
  if (left >= SWARM_BYTES) shuffle(items, sources.random)
  let room = FIRST_BYTES
  for (let at = 0; at < items.length; room = Math.min(MOST_BYTES, room * 2)) {
    if (left >= SWARM_BYTES && sources.hasPeers()) {
      const rest = items.slice(at).map(({ content }) => content)
      await sources.fromPeers(rest, signal)
      return
    }
    const batch = takeBytes(items, at, room)
    await fetchBatch(batch, store, sources, signal)
    at += batch.length
    left -= batch.reduce((sum, { content }) => sum + content.length, 0)
  }
}

/** At least one, then as many as there is room for. */
function takeBytes(items: readonly BatchItem[], from: number, most: number): BatchItem[] {
  let end = from
  for (let bytes = 0; end < items.length && end - from < LIMITS.batchContents; end++) {
    bytes += items[end]?.content.length ?? 0
    if (bytes > most && end > from) break
  }
  return items.slice(from, end)
}

async function fetchBatch(
  items: readonly BatchItem[],
  store: Store,
  { centre, offer, inTurn }: PageSources,
  signal: AbortSignal,
): Promise<void> {
  const pages: { content: ContentId; bytes: Uint8Array }[] = []
  try {
    await inTurn(async () => {
      pages.length = 0
      for await (const page of centre.contents(items, (root) => store.blob(root), signal))
        pages.push(page)
    })
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
  offer(pages.map(({ content }) => content.root))
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
