/**
 * Every file of a tree against the signed snapshot that was last followed: all bytes are read. What is found goes into the
 * index, so that the next pull mends it and nothing wrong is given to others meanwhile.
 */
import { setImmediate as breathe } from 'node:timers/promises'
import { type ByteName, byteName, joinName, ROOT_NAME } from '../base/byte-name.js'
import { codeOf, messageOf } from '../base/errors.js'
import { overAll } from '../base/together.js'
import { type Entry, type FileEntry, sizeOf } from '../flist/entry.js'
import { contentRoot } from '../hash/merkle.js'
import type { ContentId, Root } from '../hash/root.js'
import type { Standing } from '../host.js'
import type { Known } from '../io/directory-record.js'
import type { Hashed, HashPool } from '../io/hash-pool.js'
import type { Owners } from '../io/owners.js'
import type { Store } from '../io/store.js'
import type { DiskTree } from '../io/tree.js'
import { type Changes, type Decision, decide } from '../plan/decide.js'
import type { Head } from '../snapshot/head.js'
import { mergeKnown, pathOf } from './index-tree.js'
import { findEntry, readDirectoryPage, readTop } from './pages.js'
import type { Select } from './scan.js'

/** Files and bytes handed to a thread at once. */
const BATCH_FILES = 256
const BATCH_BYTES = 16 * 1024 * 1024
/** Found out and not yet in the index. */
const TRANSACTION_FILES = 4096

export type Fault = 'missing' | 'kind' | 'bytes' | 'attributes' | 'unreadable'

export type VerifyReport = {
  sequence: number
  /** Looked at: files and their bytes, as the snapshot has them. */
  files: number
  bytes: number
  /** How many names have which fault. */
  faults: Record<Fault, number>
}

export type VerifyParts = {
  readonly tree: DiskTree
  readonly store: Store
  readonly pool: HashPool
  readonly owners: Owners
  /** The directory of the module that the tree mirrors; '' for all of it. */
  readonly subtree: string
  /** What belongs to this mirror. */
  readonly belongs: Select
  /** @param what for a person, of an unreadable file or of wrong attributes; else '' */
  readonly found: (fault: Fault, name: ByteName, what: string) => void
  readonly progress: (report: VerifyReport) => void
}

/** A file that stands there with the size it should have. */
type Suspect = { readonly base: string; readonly entry: FileEntry; readonly standing: Standing }
type Batch = { readonly directory: ByteName; readonly files: readonly Suspect[] }

export class Verification {
  readonly report: VerifyReport
  readonly #parts: VerifyParts
  readonly #head: Head
  #fresh = new Map<ByteName, Map<string, Known>>()
  #freshCount = 0

  constructor(parts: VerifyParts, head: Head) {
    this.#parts = parts
    this.#head = head
    const faults = { missing: 0, kind: 0, bytes: 0, attributes: 0, unreadable: 0 }
    this.report = { sequence: head.sequence, files: 0, bytes: 0, faults }
  }

  async everything(signal: AbortSignal): Promise<void> {
    const { pool } = this.#parts
    let looked = 0
    try {
      await overAll(this.#batches(), pool.width * 2, signal, async (batch) => {
        if (batch.files.length > 0) await this.#check(batch)
        else if (++looked % 100 === 0) await breathe()
        this.#parts.progress(this.report)
      })
    } finally {
      this.#flush()
    }
  }

  /** Walks the pages; what can be told from lstat is told on the way. A directory ends with a batch that may be empty. */
  *#batches(): Iterable<Batch> {
    const top = this.#top()
    if (top?.kind !== 'directory') return
    this.#compare(ROOT_NAME, top, this.#parts.tree.stat(ROOT_NAME))
    const pending: { name: ByteName; page: ContentId | null }[] = [
      { name: ROOT_NAME, page: top.page },
    ]
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const standing = new Map(this.#list(next.name).map((s) => [s.base, s]))
      const suspects: Suspect[] = []
      for (const entry of this.#entries(next.name, next.page)) {
        const name = joinName(next.name, entry.base)
        if (!this.#parts.belongs(name, entry.kind === 'directory')) continue
        const stands = standing.get(entry.base) ?? null
        this.#count(entry)
        if (entry.kind === 'directory') pending.push({ name, page: entry.page })
        const suspect = suspectOf(entry, stands)
        if (suspect !== null) suspects.push(suspect)
        else this.#compare(name, entry, stands)
      }
      yield* batchesOf(next.name, suspects)
    }
  }

  async #check({ directory, files }: Batch): Promise<void> {
    const { tree, pool } = this.#parts
    const jobs = files.map((f) => ({
      path: pathOf(tree, joinName(directory, f.base)),
      sums: false,
    }))
    const results = await pool.hash(jobs)
    for (const [i, file] of files.entries()) {
      const hashed = results[i]
      const name = joinName(directory, file.base)
      if (hashed?.kind !== 'hashed') {
        const what = hashed?.kind === 'failed' ? hashed.message : 'it changes while it is read'
        this.#found('unreadable', name, what)
        continue
      }
      this.#note(directory, file.base, hashed)
      const { size, mtimeNs } = hashed
      this.#judge(name, file.entry, { ...file.standing, size, mtimeNs }, hashed.root)
    }
  }

  #compare(name: ByteName, entry: Entry, stands: Standing | null): void {
    if (stands === null) this.#found('missing', name, '')
    else this.#judge(name, entry, stands, null)
  }

  #judge(name: ByteName, entry: Entry, standing: Standing, root: Root | null): void {
    const { tree, owners } = this.#parts
    const target = standing.kind === 'symlink' ? tree.readlink(name) : null
    const wanted = { entry, ...owners.wanted(entry) }
    this.#tell(name, entry, decide(wanted, { standing, target, root }, true, tree.timeStepNs))
  }

  #tell(name: ByteName, entry: Entry, decision: Decision): void {
    if (decision.kind === 'create') this.#found('missing', name, '')
    else if (decision.kind === 'replace')
      this.#found('kind', name, `a ${decision.standing.kind} stands there`)
    else if (decision.kind === 'update')
      this.#found('bytes', name, entry.kind === 'file' ? '' : `another ${entry.kind}`)
    else if (decision.kind === 'touch') this.#found('attributes', name, wordsOf(decision.changes))
  }

  #found(fault: Fault, name: ByteName, what: string): void {
    this.report.faults[fault]++
    this.#parts.found(fault, name, what)
  }

  #count(entry: Entry): void {
    if (entry.kind !== 'file') return
    this.report.files++
    this.report.bytes += sizeOf(entry)
  }

  #list(directory: ByteName): Standing[] {
    try {
      return this.#parts.tree.list(directory) ?? []
    } catch (error) {
      if (codeOf(error) === undefined) throw error
      this.#found('unreadable', directory, messageOf(error))
      return []
    }
  }

  #top(): Entry | null {
    const { subtree } = this.#parts
    const blob = (root: Root): Uint8Array | null => this.#page(root)
    const { page } = this.#head
    const top = subtree === '' ? readTop(page, blob) : findEntry(page, byteName(subtree), blob)
    if (top === null && page !== null) this.#found('unreadable', ROOT_NAME, LOST)
    return top
  }

  #entries(directory: ByteName, page: ContentId | null): Entry[] {
    const entries = readDirectoryPage(page, (root) => this.#page(root))
    if (entries === null) this.#found('unreadable', directory, LOST)
    return entries ?? []
  }

  /** A page whose bytes are still those that were signed; one that is not is forgotten, and with it that all were here. */
  #page(root: Root): Uint8Array | null {
    const { store } = this.#parts
    const bytes = store.blob(root)
    if (bytes !== null && contentRoot(bytes) === root) return bytes
    store.transaction(() => {
      store.removeBlob(root)
      store.removeValue('head')
    })
    return null
  }

  // ---- what was found out about the disk ------------------------------------------------------

  #note(directory: ByteName, base: string, hashed: Hashed & { kind: 'hashed' }): void {
    const { ino, size, mtimeNs, ctimeNs, root } = hashed
    const stat = { ino, size, mtimeNs, ctimeNs }
    const known: Known = { base, directory: false, ...stat, root, hashed: true }
    const fresh = this.#fresh.get(directory) ?? new Map<string, Known>()
    this.#fresh.set(directory, fresh.set(base, known))
    if (++this.#freshCount >= TRANSACTION_FILES) this.#flush()
  }

  #flush(): void {
    const { store } = this.#parts
    store.transaction(() => {
      for (const [directory, fresh] of this.#fresh) {
        const record = store.directory(directory)
        const before = new Map((record?.known ?? []).map((k) => [k.base, k]))
        const isNews = (k: Known): boolean => !isKnown(before.get(k.base), k)
        const news = [...fresh].filter(([, known]) => isNews(known))
        if (news.length > 0) mergeKnown(store, directory, new Map(news))
      }
    })
    this.#fresh = new Map()
    this.#freshCount = 0
  }
}

const LOST =
  'its page is damaged in the index; the next pull brings it again, then verify once more'

/** A file that only reading it can tell to be right; null for what lstat tells. */
function suspectOf(entry: Entry, standing: Standing | null): Suspect | null {
  if (entry.kind !== 'file' || entry.content === null || standing?.kind !== 'file') return null
  return standing.size === entry.content.length ? { base: entry.base, entry, standing } : null
}

function* batchesOf(directory: ByteName, suspects: readonly Suspect[]): Iterable<Batch> {
  let files: Suspect[] = []
  let bytes = 0
  for (const suspect of suspects) {
    files.push(suspect)
    bytes += suspect.standing.size
    if (files.length < BATCH_FILES && bytes < BATCH_BYTES) continue
    yield { directory, files }
    files = []
    bytes = 0
  }
  yield { directory, files }
}

function isKnown(before: Known | undefined, now: Known): boolean {
  return (
    before?.hashed === true &&
    before.root === now.root &&
    before.ino === now.ino &&
    before.size === now.size &&
    before.mtimeNs === now.mtimeNs &&
    before.ctimeNs === now.ctimeNs
  )
}

function wordsOf(changes: Changes): string {
  const words = (['mode', 'owner', 'group', 'time'] as const).filter((word) => changes[word])
  return words.join(', ')
}
