/** Walks a tree and compares it with the index: what has to be hashed, and which directories changed. */
import { setImmediate as breathe } from 'node:timers/promises'
import { type ByteName, directoryOf, joinName, ROOT_NAME } from '../base/byte-name.js'
import { codeOf, messageOf } from '../base/errors.js'
import type { Outcome } from '../base/outcome.js'
import type { Clock, Standing } from '../host.js'
import { type DirectoryRecord, isSame, type Known } from '../io/directory-record.js'
import type { Orderly } from '../io/glance.js'
import { glanceTree, WHOLE } from '../io/glance-tree.js'
import type { Store } from '../io/store.js'
import type { DiskTree } from '../io/tree.js'
import { BatchedWrites } from './batched-writes.js'
import { settledAt } from './settle.js'

/** Directories looked at before others get the thread. */
const BREATH = 200
/** Files that wait to be hashed. */
const SECTION_FILES = 50_000

export type Scan = {
  /** Changed directories and all above them. */
  readonly touched: ReadonlySet<ByteName>
  /** Directories that stand and cannot be read: they stay as they were published. */
  readonly unreadable: ReadonlySet<ByteName>
  /** Names of the index that are gone or are no directories any more. */
  readonly gone: readonly ByteName[]
}

/** Does this name belong to what is looked at? Directories that do not are not entered. */
export type Select = (name: ByteName, isDirectory: boolean) => boolean

export type ScanParts = {
  readonly tree: DiskTree
  readonly store: Store
  readonly select: Select
  /** What a settled directory is settled for; null: all are looked at in full. */
  readonly under: string | null
  readonly clock: Clock
}

/** Files to hash in a directory. */
export type Stale = { readonly directory: ByteName; readonly files: readonly Standing[] }

/** @param hash does what was found so far: a first look at millions of files holds but a section of them in memory */
export async function scanTree(
  { tree, store, select, under, clock }: ScanParts,
  outcome: Outcome,
  hash: (stale: readonly Stale[]) => Promise<void>,
  signal: AbortSignal,
): Promise<Scan> {
  const orderly =
    under === null
      ? new Map<ByteName, Orderly>()
      : await glanceTree(tree, store, { under, tidy: true, hashed: true }, WHOLE, signal)
  const writes = new BatchedWrites(store)
  const touched = new Set<ByteName>()
  let stale: Stale[] = []
  let staleFiles = 0
  const gone: ByteName[] = []
  const unreadable = new Set<ByteName>()
  let looked = 0
  const pending: ByteName[] = [ROOT_NAME]
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    if (++looked % BREATH === 0) {
      await breathe()
      signal.throwIfAborted()
    }
    const inOrder = orderly.get(directory)
    if (inOrder?.page !== undefined) {
      for (const { name } of inOrder.broken) pending.push(name)
      continue
    }
    const self = tree.stat(directory)
    const standing = listSelected(tree, directory, select, outcome)
    if (standing === null) {
      unreadable.add(directory)
      continue
    }
    const record = store.directory(directory)
    const found = compare(standing, record)
    for (const base of found.directories) pending.push(joinName(directory, base))
    for (const base of found.goneDirectories) gone.push(joinName(directory, base))
    if (found.changed) touch(touched, directory)
    else if (record !== null) {
      const settled = settledAt(record.known, standing, self, under, clock.now())
      if (settled !== null)
        writes.later(() => store.putDirectory(directory, { ...record, settled }))
    }
    if (found.stale.length === 0) continue
    stale.push({ directory, files: found.stale })
    staleFiles += found.stale.length
    if (staleFiles < SECTION_FILES) continue
    await hash(stale)
    stale = []
    staleFiles = 0
  }
  writes.flush()
  await hash(stale)
  return { touched, unreadable, gone }
}

/** What stands in a directory and belongs to the selection; null, and a fault, where it cannot be read. */
export function listSelected(
  tree: DiskTree,
  directory: ByteName,
  select: Select,
  outcome: Outcome,
): Standing[] | null {
  try {
    const all = tree.list(directory) ?? []
    return all.filter((s) => select(joinName(directory, s.base), s.kind === 'directory'))
  } catch (error) {
    if (codeOf(error) === undefined) throw error
    outcome.fault(directory, `cannot read the directory: ${messageOf(error)}`)
    return null
  }
}

function compare(standing: readonly Standing[], record: DirectoryRecord | null) {
  const known = new Map<string, Known>((record?.known ?? []).map((k) => [k.base, k]))
  const stale: Standing[] = []
  const directories: string[] = []
  let changed = record === null || !record.built || known.size !== standing.length
  const goneDirectories: string[] = []
  for (const s of standing) {
    const before = known.get(s.base)
    known.delete(s.base)
    if (s.kind === 'directory') directories.push(s.base)
    const same = before !== undefined && isSame(before, s)
    if (!same) changed = true
    if (!same && s.kind !== 'directory' && before !== undefined) goneDirectories.push(s.base)
    if (s.kind !== 'file' || s.size === 0) continue
    if (!same || !before.hashed) {
      stale.push(s)
      changed = true
    }
  }
  goneDirectories.push(...known.keys())
  return { stale, directories, changed: changed || known.size > 0, goneDirectories }
}

/** Marks a directory and all above it. */
export function touch(touched: Set<ByteName>, directory: ByteName): void {
  for (let name = directory; !touched.has(name); name = directoryOf(name)) {
    touched.add(name)
    if (name === ROOT_NAME) return
  }
}

/** Forgets a directory that is gone, and all the index knows below it. */
export function forgetBelow(store: Store, directory: ByteName): void {
  const record = store.directory(directory)
  if (record === null) return
  for (const known of record.known)
    if (known.directory) forgetBelow(store, joinName(directory, known.base))
  store.putDirectory(directory, null)
}
