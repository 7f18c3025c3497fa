/** The first look of a pull at its tree: what is in order of it, by glances alone. */
import { type ByteName, joinName, ROOT_NAME } from '../base/byte-name.js'
import type { DirectoryEntry } from '../flist/entry.js'
import type { FilterRule } from '../flist/filter.js'
import type { Filter } from '../flist/filter-match.js'
import type { Glimpse, Orderly } from '../io/glance.js'
import { glanceTree } from '../io/glance-tree.js'
import { Owners } from '../io/owners.js'
import type { Store } from '../io/store.js'
import type { DiskTree } from '../io/tree.js'
import { decide } from '../plan/decide.js'
import { readDirectoryPage } from './pages.js'
import type { PullConfig } from './pull-report.js'
import { type PullSettling, pullSettling } from './pull-settle.js'

export type FirstLook = {
  readonly owners: Owners
  readonly settling: PullSettling
  readonly orderly: ReadonlyMap<ByteName, Orderly>
}

type LookParts = {
  readonly tree: DiskTree
  readonly store: Store
  readonly config: PullConfig
  readonly filter: Filter
  readonly rules: readonly FilterRule[]
}

/** @param top the directory that the destination mirrors */
export async function lookFirst(
  { tree, store, config, filter, rules }: LookParts,
  top: DirectoryEntry | null,
  signal: AbortSignal,
): Promise<FirstLook> {
  const owners = new Owners(config.numericIds)
  const settled = config.only === null ? rules : { rules, only: config.only }
  const settling = pullSettling(store, owners, config, tree.timeStepNs, settled)
  const look = { owners, settling, orderly: new Map<ByteName, Orderly>() }
  // With --no-scan nobody looks.
  if (config.noScan || top === null) return look
  const wish = { under: settling.under, tidy: config.delete, hashed: config.checksum }
  const heads = unchanged(store, top, (name) => !filter.excludes(name, true))
  return { ...look, orderly: await glanceTree(tree, store, wish, heads, signal) }
}

/**
 * The topmost directories whose pages are those they were settled by: along what the snapshot changed down to what it did
 * not. Below a directory that is not known nothing is.
 */
function unchanged(
  store: Store,
  top: DirectoryEntry,
  select: (directory: ByteName) => boolean,
): Glimpse[] {
  const heads: Glimpse[] = []
  const pending = [{ name: ROOT_NAME, page: top.page }]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { name, page } = next
    const record = store.directory(name)
    if (record === null) continue
    const root = page?.root ?? null
    if (record.settled !== null && record.settled.page === root) {
      heads.push({ name, page: root, head: null })
      continue
    }
    for (const entry of readDirectoryPage(page, (of) => store.blob(of)) ?? []) {
      const child = joinName(name, entry.base)
      if (entry.kind === 'directory' && select(child))
        pending.push({ name: child, page: entry.page })
    }
  }
  return heads
}

/** All of the tree, where nothing at all is to be done; else null. */
export function allInOrder(
  { owners, orderly }: FirstLook,
  tree: DiskTree,
  top: DirectoryEntry | null,
): Orderly | null {
  const found = orderly.get(ROOT_NAME)
  const standing = tree.stat(ROOT_NAME)
  if (top === null || standing === null || found === undefined) return null
  if (found.broken.length > 0 || found.page !== (top.page?.root ?? null)) return null
  const decision = decide(
    { entry: top, ...owners.wanted(top) },
    { standing, target: null, root: null },
  )
  return decision.kind === 'keep' ? found : null
}
