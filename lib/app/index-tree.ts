/** Hashes what a scan found stale and writes it to the index, in transactions small enough that a crash costs seconds. */
import { type ByteName, joinName, ROOT_NAME } from '../base/byte-name.js'
import type { Outcome } from '../base/outcome.js'
import { overAll } from '../base/together.js'
import { stemOf } from '../flist/similar.js'
import { SMALL_BYTES } from '../hash/unit.js'
import type { Standing } from '../host.js'
import type { Known } from '../io/directory-record.js'
import type { Hashed, HashJob, HashPool } from '../io/hash-pool.js'
import type { Store } from '../io/store.js'
import type { DiskTree } from '../io/tree.js'
import type { Stale } from './scan.js'

/** Files and bytes handed to a thread at once. */
const BATCH_FILES = 256
const BATCH_BYTES = 16 * 1024 * 1024
/** Hashed files that are written to the index together. */
const TRANSACTION_FILES = 4096

export type HashProgress = (files: number, bytes: number) => void

type Batch = { readonly directory: ByteName; readonly files: readonly Standing[] }
type Result = { readonly directory: ByteName; readonly base: string; readonly hashed: Hashed }

export type IndexParts = {
  readonly tree: DiskTree
  readonly store: Store
  readonly pool: HashPool
  readonly progress: HashProgress
}

/** Who looks for other contents in these. */
export type IndexLook = {
  scanOf(name: ByteName): HashJob['scan']
  /** What came of it; the next files wait for it. */
  hashed(name: ByteName, hashed: HashedContent): Promise<void>
}
export type HashedContent = Extract<Hashed, { kind: 'hashed' }>

/** @returns names that went on changing while they were read */
export async function indexStale(
  { tree, store, pool, progress }: IndexParts,
  stale: readonly Stale[],
  outcome: Outcome,
  look: IndexLook | null,
  signal: AbortSignal,
): Promise<ReadonlySet<ByteName>> {
  const changing = new Set<ByteName>()
  let done: Result[] = []
  const flush = (): void => {
    writeResults(store, done)
    done = []
  }
  try {
    await overAll(batches(stale), pool.width * 2, signal, async ({ directory, files }) => {
      const resembles = resemblance(store, directory)
      const jobs = files.map((f): HashJob => {
        const name = joinName(directory, f.base)
        const scan = look?.scanOf(name)
        const job = { path: pathOf(tree, name), sums: resembles(f.base), anchor: true }
        return scan === undefined ? job : { ...job, scan }
      })
      const results = await pool.hash(jobs)
      let bytes = 0
      for (const [i, file] of files.entries()) {
        const hashed = results[i]
        if (hashed === undefined) continue
        const name = joinName(directory, file.base)
        bytes += file.size
        if (hashed.kind === 'hashed') {
          done.push({ directory, base: file.base, hashed })
          await look?.hashed(name, hashed)
        } else if (hashed.kind === 'changing') changing.add(name)
        else outcome.fault(name, `cannot read: ${hashed.message}`, hashed.code === 'ENOENT')
      }
      progress(files.length, bytes)
      if (done.length >= TRANSACTION_FILES) flush()
    })
  } finally {
    flush()
  }
  return changing
}

/** The path of a name for a thread or another program, one char per byte. */
export function pathOf(tree: DiskTree, name: ByteName): string {
  const top = Buffer.from(tree.path, 'utf8').toString('latin1')
  return name === ROOT_NAME ? top : `${top}/${name}`
}

/** Does a name stand in for one that was there, or for a version of it? Then nodes have something to scan. */
function resemblance(store: Store, directory: ByteName): (base: string) => boolean {
  const stems = new Set((store.directory(directory)?.known ?? []).map((k) => stemOf(k.base)))
  return (base) => stems.has(stemOf(base))
}

function* batches(stale: readonly Stale[]): Iterable<Batch> {
  for (const { directory, files } of stale) {
    let batch: Standing[] = []
    let bytes = 0
    for (const file of files) {
      batch.push(file)
      bytes += file.size
      if (batch.length < BATCH_FILES && bytes < BATCH_BYTES) continue
      yield { directory, files: batch }
      batch = []
      bytes = 0
    }
    if (batch.length > 0) yield { directory, files: batch }
  }
}

function writeResults(store: Store, results: readonly Result[]): void {
  const byDirectory = new Map<ByteName, Map<string, Known>>()
  for (const { directory, base, hashed } of results) {
    if (hashed.kind !== 'hashed') continue
    const { ino, size, mtimeNs, ctimeNs, root } = hashed
    const stat = { ino, size, mtimeNs, ctimeNs }
    const known: Known = { base, directory: false, ...stat, root, hashed: true }
    const fresh = byDirectory.get(directory) ?? new Map<string, Known>()
    fresh.set(base, known)
    byDirectory.set(directory, fresh)
  }
  store.transaction(() => {
    for (const { hashed } of results)
      if (
        hashed.kind === 'hashed' &&
        hashed.root !== null &&
        hashed.leaves !== null &&
        hashed.size > SMALL_BYTES
      )
        store.leaves.put(hashed.root, hashed.leaves)
    for (const { hashed } of results)
      if (hashed.kind === 'hashed' && hashed.root !== null && hashed.anchor !== null)
        store.anchors.put(hashed.root, hashed.anchor)
    for (const { hashed } of results)
      if (hashed.kind === 'hashed' && hashed.root !== null && hashed.sums !== null) {
        store.putBlob(hashed.sums.id, hashed.sums.bytes)
        store.putSums(hashed.root, hashed.sums.id)
      }
    for (const [directory, fresh] of byDirectory) mergeKnown(store, directory, fresh)
  })
}

/** Puts what is newly known of some names into their directory's record; the rest stays. */
export function mergeKnown(
  store: Store,
  directory: ByteName,
  fresh: ReadonlyMap<string, Known>,
): void {
  const record = store.directory(directory)
  const merged = new Map((record?.known ?? []).map((k) => [k.base, k]))
  for (const [base, known] of fresh) merged.set(base, known)
  const known = [...merged.values()].sort((a, b) => (a.base < b.base ? -1 : 1))
  const { page = null, files = 0, bytes = 0 } = record ?? {}
  store.putDirectory(directory, { page, built: false, files, bytes, settled: null, known })
}
