/** Looks through again what is due on the list, without hashing. docs/decisions/0053. */
import { type ByteName, directoryOf } from '../base/byte-name.js'
import { overAll } from '../base/together.js'
import type { AnchorMemory } from '../delta/anchor-table.js'
import type { Hits } from '../delta/image-scan.js'
import type { Root } from '../hash/root.js'
import type { HashedFile, RecipePool } from '../io/recipe-pool.js'
import type { Store } from '../io/store.js'
import type { DiskTree } from '../io/tree.js'
import type { Wanting } from '../io/wanting-by-root.js'
import { pathOf } from './index-tree.js'
import { noteLook } from './recipes-wanted.js'

/** What one thread looks through at a time. */
const STRETCH_BYTES = 64 * 2 ** 20

/** A search with nothing of its own to hash. */
type Search = {
  readonly index: { readonly memory: AnchorMemory }
  confirm(found: {
    readonly name: ByteName
    readonly of: { readonly root: Root; readonly file: HashedFile }
    readonly hits: Hits
  }): Promise<void>
}

/** @returns whether it has another recipe now: the directories that it stands in are to be built anew */
export async function lookAgain(
  {
    tree,
    store,
    recipes,
  }: { readonly tree: DiskTree; readonly store: Store; readonly recipes: RecipePool },
  search: Search,
  wanting: Wanting,
  signal: AbortSignal,
): Promise<boolean> {
  const { root } = wanting
  const places = store.places.of(root)
  const place = places.find(({ hashed }) => hashed)
  if (place === undefined) {
    store.transaction(() => store.wanting.remove(root))
    return false
  }
  const { name, size, ino, mtimeNs } = place
  const file: HashedFile = { path: pathOf(tree, name), size, ino, mtimeNs }
  const table = search.index.memory
  const found: Hits[] = []
  await overAll(stretches(size).entries(), recipes.width, signal, async ([at, stretch]) => {
    const result = await recipes.run({ kind: 'hits', file, ...stretch, table })
    if (result.kind === 'hits') found[at] = result.hits
  })
  const before = store.recipe(root)
  const hits = Float64Array.from(found.flatMap((some) => [...some]))
  try {
    await search.confirm({ name, of: { root, file }, hits })
  } finally {
    noteLook(store, { ...wanting, size })
  }
  if (store.recipe(root)?.root === before?.root) return false
  store.transaction(() => {
    for (const { name } of places) unbuild(store, directoryOf(name))
  })
  return true
}

function unbuild(store: Store, directory: ByteName): void {
  const record = store.directory(directory)
  if (record !== null) store.putDirectory(directory, { ...record, built: false, settled: null })
}

function stretches(size: number): { offset: number; length: number }[] {
  return Array.from({ length: Math.ceil(size / STRETCH_BYTES) }, (_, i) => {
    const offset = i * STRETCH_BYTES
    return { offset, length: Math.min(STRETCH_BYTES, size - offset) }
  })
}
