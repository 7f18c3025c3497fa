/** The first look of a pull at its tree: what is in order of it, by glances alone. */
import type { ByteName } from '../base/byte-name.js'
import { ROOT_NAME } from '../base/byte-name.js'
import type { DirectoryEntry } from '../flist/entry.js'
import type { FilterRule } from '../flist/filter.js'
import type { Orderly } from '../io/glance.js'
import { glanceTree } from '../io/glance-tree.js'
import { Owners } from '../io/owners.js'
import type { Store } from '../io/store.js'
import type { DiskTree } from '../io/tree.js'
import { decide } from '../plan/decide.js'
import type { PullConfig } from './pull-report.js'
import { type PullSettling, pullSettling } from './pull-settle.js'

export type FirstLook = {
  readonly owners: Owners
  readonly settling: PullSettling
  readonly orderly: ReadonlyMap<ByteName, Orderly>
}

export async function lookFirst(
  {
    tree,
    store,
    config,
    rules,
  }: {
    readonly tree: DiskTree
    readonly store: Store
    readonly config: PullConfig
    readonly rules: readonly FilterRule[]
  },
  signal: AbortSignal,
): Promise<FirstLook> {
  const owners = new Owners(config.numericIds)
  const settling = pullSettling(store, owners, config, rules)
  const wish = { under: settling.under, tidy: config.delete, hashed: config.checksum }
  // With --no-scan nobody looks.
  const orderly = config.noScan
    ? new Map<ByteName, Orderly>()
    : await glanceTree(tree, store, wish, signal)
  return { owners, settling, orderly }
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
