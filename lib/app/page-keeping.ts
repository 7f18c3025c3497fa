/**
 * Pages that no snapshot needs any more leave the index. Kept are those of the newest snapshots: the older ones serve
 * nodes that are still at them, and as what the next pages are deflated against. All pages of these are marked and the
 * rest goes, once as many new ones were written as make a quarter: so the cost follows the change, and there are no
 * counts that a crash could leave wrong.
 */
import { setImmediate as breathe } from 'node:timers/promises'
import { bytesOf, Cursor, Underflow, Writer } from '../base/bytes.js'
import { WireError } from '../base/errors.js'
import { ROOT_BYTES, type Root, rootOf } from '../hash/root.js'
import type { Store } from '../io/store.js'
import { decodePage } from '../snapshot/page.js'

/** Snapshots whose pages stay: a centre's nodes come at their own times, a node itself needs the last alone. */
export const CENTRE_SNAPSHOTS = 8
export const NODE_SNAPSHOTS = 2

const LEAST_PAGES = 1024
/** Pages decoded, and removed, before others get the thread. */
const BREATH = 200
const TRANSACTION_PAGES = 2000

type Keeping = {
  /** Top pages of snapshots, the newest first. */
  readonly tops: readonly Root[]
  /** Pages written since the last sweep, and pages that it left. */
  readonly written: number
  readonly left: number
}

export type Kept = {
  /** The page of the newest head. */
  readonly top: Root
  /** Pages that came with it. */
  readonly written: number
  /** How many of the newest snapshots stay. */
  readonly snapshots: number
  /** The page of a further head that stays; null: none. */
  readonly also: Root | null
  /** New pages before it is worth looking. */
  readonly least?: number
}

/**
 * To be called when a snapshot is whole in the index and nothing else writes pages.
 * @returns how many went
 */
export async function keepPages(
  store: Store,
  { top, written, snapshots, also, least = LEAST_PAGES }: Kept,
  signal: AbortSignal,
): Promise<number> {
  const before = keepingOf(store)
  const tops = [top, ...before.tops.filter((t) => t !== top)].slice(0, snapshots)
  const now = { tops, written: before.written + written, left: before.left }
  remember(store, now)
  if (now.written < Math.max(least, now.left / 4)) return 0
  const needed = await mark(store, also === null ? tops : [...tops, also], signal)
  const removed = await sweep(store, needed, signal)
  remember(store, { tops, written: 0, left: needed.size })
  return removed
}

/** Every page of these snapshots; what they share is looked at once. */
async function mark(
  store: Store,
  tops: readonly Root[],
  signal: AbortSignal,
): Promise<ReadonlySet<Root>> {
  const needed = new Set<Root>()
  const pending = [...tops]
  for (let root = pending.pop(); root !== undefined; root = pending.pop()) {
    const bytes = needed.has(root) ? null : store.blob(root)
    if (bytes === null) continue
    needed.add(root)
    const page = decodePage(bytes)
    if (page.kind === 'index') for (const range of page.ranges) pending.push(range.page.root)
    else
      for (const entry of page.entries)
        if (entry.kind === 'directory' && entry.page !== null) pending.push(entry.page.root)
    if (needed.size % BREATH !== 0) continue
    await breathe()
    signal.throwIfAborted()
  }
  return needed
}

async function sweep(
  store: Store,
  needed: ReadonlySet<Root>,
  signal: AbortSignal,
): Promise<number> {
  const hints = new Set(store.hintRoots())
  const garbage: Root[] = []
  for (const root of store.blobRoots())
    if (!needed.has(root) && !hints.has(root)) garbage.push(root)
  for (let at = 0; at < garbage.length; at += TRANSACTION_PAGES) {
    const part = garbage.slice(at, at + TRANSACTION_PAGES)
    store.transaction(() => {
      for (const root of part) store.removeBlob(root)
    })
    await breathe()
    signal.throwIfAborted()
  }
  return garbage.length
}

// ---- what is remembered between snapshots ----------------------------------------------------

function keepingOf(store: Store): Keeping {
  const none = { tops: [], written: 0, left: 0 }
  const bytes = store.value('pages')
  if (bytes === null) return none
  const from = new Cursor(bytes)
  try {
    const written = from.varint()
    const left = from.varint()
    const tops: Root[] = []
    while (from.left > 0) tops.push(rootOf(from.view(ROOT_BYTES)))
    return { tops, written, left }
  } catch (error) {
    // A damaged note costs older snapshots their pages, no more.
    if (error instanceof Underflow || error instanceof WireError) return none
    throw error
  }
}

function remember(store: Store, { tops, written, left }: Keeping): void {
  const out = new Writer(32 + tops.length * ROOT_BYTES)
  out.varint(written)
  out.varint(left)
  for (const top of tops) out.put(bytesOf(top))
  store.transaction(() => store.putValue('pages', out.done()))
}
