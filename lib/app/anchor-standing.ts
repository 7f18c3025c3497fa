/**
 * What was hashed by a version that knew no anchors, or others, is read at its beginning once; then images that stand already
 * are looked through. docs/decisions/0053.
 */
import { setImmediate as breathe } from 'node:timers/promises'
import { type ByteName, joinName } from '../base/byte-name.js'
import { overAll } from '../base/together.js'
import { type Anchor, PART_BYTES } from '../delta/anchors.js'
import type { Root } from '../hash/root.js'
import type { RecipePool } from '../io/recipe-pool.js'
import type { Store } from '../io/store.js'
import type { DiskTree } from '../io/tree.js'
import { pathOf } from './index-tree.js'
import { wantStanding } from './recipes-wanted.js'

/** Files whose anchors one thread takes at a time. */
export const ANCHOR_BATCH = 256
/** Directories gone through before others get the thread. */
const BREATH = 200
const ANCHORED = 'anchored'
/** 1 were windows at multiples of 512 bytes: of no use. 2 had no faint marks: some contents have none of these. */
const ANCHOR_KIND = 3
const STILL_GOOD = 2

export type StandingParts = {
  readonly tree: DiskTree
  readonly store: Store
  readonly recipes: RecipePool
  /** Contents of so many bytes are looked through. */
  readonly assembleMin: number | null
}

/** @param isBusy something else has to be done first: the next call goes on */
export async function anchorStanding(
  { tree, store, recipes, assembleMin }: StandingParts,
  signal: AbortSignal,
  isBusy: () => boolean = () => false,
): Promise<void> {
  const [kind, isDone] = store.value(ANCHORED) ?? []
  if (kind === ANCHOR_KIND && isDone === 1) return
  if (kind !== ANCHOR_KIND)
    store.transaction(() => {
      if (kind !== STILL_GOOD) store.anchors.clear()
      store.putValue(ANCHORED, Uint8Array.of(ANCHOR_KIND, 0))
    })
  let isLeft = false
  const batches = function* (): Iterable<readonly Unanchored[]> {
    for (const batch of unanchored(store)) {
      isLeft = isBusy()
      if (isLeft) return
      yield batch
    }
  }
  await overAll(batches(), recipes.width, signal, async (some) => {
    if (some.length === 0) return breathe()
    const paths = some.map(({ name }) => pathOf(tree, name))
    const anchors = await anchorsOf(recipes, paths)
    store.transaction(() => {
      for (const [i, { root }] of some.entries()) {
        const anchor = anchors[i] ?? null
        if (anchor !== null) store.anchors.put(root, anchor)
      }
    })
  })
  if (isLeft) return
  await wantStanding(store, assembleMin, signal)
  allAnchored(store)
}

/** All that is hashed from now on gets its anchor then. */
export function allAnchored(store: Store): void {
  store.transaction(() => store.putValue(ANCHORED, Uint8Array.of(ANCHOR_KIND, 1)))
}

type Unanchored = { readonly name: ByteName; readonly root: Root }

/** In batches, and empty ones where there are none for long. */
function* unanchored(store: Store): Iterable<readonly Unanchored[]> {
  let batch: Unanchored[] = []
  let passed = 0
  for (const { name, record } of store.directories()) {
    for (const { base, root, size, hashed, directory } of record.known) {
      if (root === null || !hashed || directory || size < PART_BYTES || store.anchors.has(root))
        continue
      batch.push({ name: joinName(name, base), root })
      if (batch.length < ANCHOR_BATCH) continue
      yield batch
      batch = []
    }
    if (++passed % BREATH === 0) yield []
  }
  if (batch.length > 0) yield batch
}

/** Null: too short, or nothing to be known by, or not to be read. */
export async function anchorsOf(
  recipes: RecipePool,
  paths: readonly string[],
): Promise<readonly (Anchor | null)[]> {
  const result = await recipes.run({ kind: 'anchors', paths })
  return result.kind === 'anchors' ? result.anchors : []
}
