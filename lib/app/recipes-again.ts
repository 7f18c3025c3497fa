/**
 * Images whose parts came after them, or that stood before anybody looked, are looked through again while nothing else is to
 * be done: the seldomer the more often it was in vain. docs/decisions/0053.
 */
import { setImmediate as breathe } from 'node:timers/promises'
import { type ByteName, directoryOf, joinName } from '../base/byte-name.js'
import { Cursor, Writer } from '../base/bytes.js'
import { overAll } from '../base/together.js'
import type { AnchorMemory } from '../delta/anchor-table.js'
import type { Hits } from '../delta/image-scan.js'
import type { Root } from '../hash/root.js'
import type { HashedFile, RecipePool } from '../io/recipe-pool.js'
import type { Store, Wanting } from '../io/store.js'
import type { DiskTree } from '../io/tree.js'
import { mayHoldFiles } from '../mirror/file-class.js'
import { pathOf } from './index-tree.js'

/** Looks at one content, the last after 512 times its bytes were hashed since it came. */
const MOST_LOOKS = 12
/** The first after an eighth of its bytes, each next one after twice as many as the one before. */
const FIRST_SHARE = 8
/** What one thread looks through at a time. */
const STRETCH_BYTES = 64 * 2 ** 20
/** Directories gone through before others get the thread. */
const BREATH = 200
const HASHED_BYTES = 'hashed-bytes'

/** Is a recipe good enough that better ones are not looked for? */
export function isSettled(size: number, told: number): boolean {
  return told * 2 >= size
}

/** A content that was just looked through, and whose name says that others may be in it. */
export function want(
  store: Store,
  name: ByteName,
  { root, size }: { readonly root: Root; readonly size: number },
): void {
  if (!mayHoldFiles(name) || store.wantingOf(root) !== null) return
  const seen = hashedBytes(store)
  store.transaction(() => store.putWanting({ root, size, told: 0, looks: 0, seen }))
}

/** Those that stand already and have no recipe: they are due at once. */
export async function wantStanding(
  store: Store,
  least: number | null,
  signal: AbortSignal,
): Promise<void> {
  const wanted: Wanting[] = []
  let passed = 0
  for (const { name, record } of store.directories()) {
    if (++passed % BREATH === 0) {
      await breathe()
      signal.throwIfAborted()
    }
    for (const { base, root, size, hashed } of record.known)
      if (root !== null && hashed && size >= (least ?? Number.POSITIVE_INFINITY))
        if (mayHoldFiles(joinName(name, base)) && store.recipe(root) === null)
          wanted.push({ root, size: 0, told: 0, looks: 0, seen: 0 })
  }
  store.transaction(() => {
    for (const each of wanted) if (store.wantingOf(each.root) === null) store.putWanting(each)
  })
}

/** Bytes that are hashed now: with them images may have come parts. */
export function countHashed(store: Store, bytes: number): void {
  if (bytes === 0) return
  const out = new Writer(8)
  out.varint(hashedBytes(store) + bytes)
  store.transaction(() => store.putValue(HASHED_BYTES, out.done()))
}
function hashedBytes(store: Store): number {
  const value = store.value(HASHED_BYTES)
  return value === null ? 0 : new Cursor(value).varint()
}

/** One that is to be looked through now; null: none is. */
export function nextDue(store: Store): Wanting | null {
  const now = hashedBytes(store)
  for (const wanting of store.wanting()) {
    const { size, looks, seen } = wanting
    if (looks < MOST_LOOKS && now - seen >= (size / FIRST_SHARE) * 2 ** looks) return wanting
  }
  return null
}

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
  const places = store.places(root)
  const place = places.find(({ hashed }) => hashed)
  if (place === undefined) {
    store.transaction(() => store.removeWanting(root))
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
  const seen = hashedBytes(store)
  store.transaction(() => store.putWanting({ ...wanting, size, looks: wanting.looks + 1, seen }))
  const before = store.recipe(root)
  const hits = Float64Array.from(found.flatMap((some) => [...some]))
  await search.confirm({ name, of: { root, file }, hits })
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
