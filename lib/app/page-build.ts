/**
 * The pages of a snapshot: what stands in the tree, and what the index knows of its contents → entries → pages, from the
 * bottom up, for the directories that changed and those above them.
 */
import { setImmediate as breathe } from 'node:timers/promises'
import { type ByteName, joinName, ROOT_NAME } from '../base/byte-name.js'
import { codeOf, FileError, messageOf } from '../base/errors.js'
import type { Outcome } from '../base/outcome.js'
import type { Entry, FileEntry } from '../flist/entry.js'
import { linkStaysInside } from '../flist/entry.js'
import type { ContentId, Root } from '../hash/root.js'
import type { Clock, Standing } from '../host.js'
import { type DirectoryRecord, isSame, type Known, knownOf } from '../io/directory-record.js'
import type { Owners } from '../io/owners.js'
import type { Store } from '../io/store.js'
import type { DiskTree } from '../io/tree.js'
import { type BuiltPage, buildDirectory } from '../snapshot/build.js'
import { TOP } from '../snapshot/page.js'
import { BatchedWrites } from './batched-writes.js'
import { readDirectoryPage } from './pages.js'
import { forgetBelow, listSelected, type Scan, type Select } from './scan.js'
import { settledAt } from './settle.js'

/** Directories built before others get the thread. */
const BREATH = 100

export type BuildParts = {
  readonly tree: DiskTree
  readonly store: Store
  readonly select: Select
  /** What a settled directory is settled for; null: names are left out, so that none is. */
  readonly under: string | null
  readonly xattrs: boolean
  readonly clock: Clock
}

type Top = Pick<DirectoryRecord, 'page' | 'files' | 'bytes'>

/** A directory that was never read. */
const UNKNOWN: DirectoryRecord = {
  page: null,
  built: true,
  files: 0,
  bytes: 0,
  settled: null,
  known: [],
}

function sameContent(a: ContentId | null, b: ContentId | null): boolean {
  return a?.root === b?.root
}

/** One pass; a directory's pages are written before its record. */
export class PageBuild {
  readonly #parts: BuildParts
  readonly #owners: Owners
  readonly #scan: Scan
  readonly #changing: ReadonlySet<ByteName>
  readonly #sequence: number
  readonly #outcome: Outcome
  #device: bigint | null = null
  readonly #writes: BatchedWrites
  #built = 0
  /** Pages that are new in the index. */
  written = 0

  constructor(
    parts: BuildParts,
    owners: Owners,
    scan: Scan,
    changing: ReadonlySet<ByteName>,
    sequence: number,
    outcome: Outcome,
  ) {
    this.#parts = parts
    this.#owners = owners
    this.#scan = scan
    this.#changing = changing
    this.#sequence = sequence
    this.#outcome = outcome
    this.#writes = new BatchedWrites(parts.store)
  }

  /** In steps that each are whole: what a crash leaves unbuilt says so, and is built by the next look. */
  async everything(signal: AbortSignal): Promise<Top> {
    const { store } = this.#parts
    for (const name of this.#scan.touched) {
      const record = store.directory(name)
      if (record?.built === true)
        this.#writes.later(() =>
          store.putDirectory(name, { ...record, built: false, settled: null }),
        )
    }
    for (const name of this.#scan.gone) this.#writes.later(() => forgetBelow(store, name))
    this.#writes.flush()
    const top = await this.#top(signal)
    this.#writes.flush()
    return top
  }

  /** The page of the head: one entry, the tree itself. */
  async #top(signal: AbortSignal): Promise<Top> {
    const { page, files, bytes } = await this.#directory(ROOT_NAME, 0, signal)
    const stands = this.#parts.tree.stat(ROOT_NAME)
    if (stands === null) throw new FileError(`${this.#parts.tree.path} is gone`)
    const entry: Entry = { ...this.#common(ROOT_NAME, stands), base: TOP, kind: 'directory', page }
    const built = buildDirectory([entry])
    this.#put(built.pages)
    return { page: built.page, files, bytes }
  }

  async #directory(name: ByteName, depth: number, signal: AbortSignal): Promise<DirectoryRecord> {
    const { tree, store, select } = this.#parts
    const record = store.directory(name)
    if (record !== null && !this.#scan.touched.has(name)) return record
    if (++this.#built % BREATH === 0) {
      await breathe()
      signal.throwIfAborted()
    }
    const self = tree.stat(name)
    // What cannot be read now is not what was deleted: nodes would delete it too.
    const standing = this.#scan.unreadable.has(name)
      ? null
      : listSelected(tree, name, select, this.#outcome)
    if (standing === null) return record ?? UNKNOWN
    const before = previousEntries(store, record)
    const known = new Map((record?.known ?? []).map((k) => [k.base, k]))
    const entries: Entry[] = []
    const kept: Known[] = []
    let files = 0
    let bytes = 0
    for (const s of standing) {
      const child = joinName(name, s.base)
      const below = s.kind === 'directory' ? await this.#directory(child, depth + 1, signal) : null
      const own = known.get(s.base)
      const entry = this.#entry(child, s, own, below, before.get(s.base) ?? null, depth)
      // Remembered even when it cannot be published, so that it alone does not make the directory look changed.
      kept.push(s.kind === 'file' && s.size > 0 && own !== undefined ? own : knownOf(s))
      if (entry === null) continue
      entries.push(entry)
      files += below?.files ?? (s.kind === 'file' ? 1 : 0)
      bytes += below?.bytes ?? (entry.kind === 'file' ? (entry.content?.length ?? 0) : 0)
    }
    const built = buildDirectory(entries)
    this.#put(built.pages)
    const { under } = this.#parts
    const settled = settledAt(kept, standing, self, under, this.#parts.clock.now())
    const { page } = built
    const fresh: DirectoryRecord = { page, built: true, files, bytes, settled, known: kept }
    this.#writes.later(() => store.putDirectory(name, fresh))
    return fresh
  }

  #put(pages: readonly BuiltPage[]): void {
    const { store } = this.#parts
    for (const { id, bytes } of pages) {
      if (!store.hasBlob(id.root)) this.written++
      this.#writes.later(() => store.putBlob(id, bytes))
    }
  }

  #entry(
    name: ByteName,
    s: Standing,
    known: Known | undefined,
    below: DirectoryRecord | null,
    before: Entry | null,
    depth: number,
  ): Entry | null {
    const common = this.#common(name, s)
    switch (s.kind) {
      case 'directory':
        return { ...common, kind: 'directory', page: below?.page ?? null }
      case 'file':
        return this.#file(name, s, known, before, common)
      case 'symlink': {
        const target = this.#target(name)
        if (target !== null && linkStaysInside(target, depth))
          return { ...common, mode: 0o777, kind: 'symlink', target }
        if (target !== null)
          this.#outcome.fault(name, 'not published: the link leads out of the tree')
        return null
      }
      case 'character':
      case 'block':
        return { ...common, kind: s.kind, major: s.major, minor: s.minor }
      default:
        return { ...common, kind: s.kind }
    }
  }

  #common(name: ByteName, s: Standing): Omit<Entry, 'kind'> {
    return {
      base: s.base,
      mode: s.mode,
      mtimeNs: s.mtimeNs,
      user: this.#owners.user(s.uid),
      group: this.#owners.group(s.gid),
      xattrs: this.#parts.xattrs ? this.#parts.tree.xattrs(name) : [],
    }
  }

  #file(
    name: ByteName,
    s: Standing,
    known: Known | undefined,
    before: Entry | null,
    common: Omit<Entry, 'kind'>,
  ): Entry | null {
    const content = contentOf(s, known)
    if (content === undefined) {
      // Changed after it was hashed, or cannot be read: as it was in the snapshot before, where it was in one.
      if (this.#changing.has(name))
        this.#outcome.fault(name, 'left to the next snapshot: it changes while it is read')
      return before?.kind === 'file' ? before : null
    }
    // with another time it is another file to HTTP clients: a volunteer that is behind would give it the old one
    const isSame =
      before?.kind === 'file' &&
      sameContent(before.content, content) &&
      before.mtimeNs === common.mtimeNs
    const since = isSame ? before.since : this.#sequence
    return {
      ...common,
      kind: 'file',
      content,
      since,
      linkGroup: this.#linkGroup(s),
      sums: content === null ? null : this.#parts.store.sums(content.root),
      recipe: content === null ? null : this.#parts.store.recipe(content.root),
    } satisfies FileEntry
  }

  /** Names of one file share its inode's number; inodes of other file systems could collide, so their links are not kept. */
  #linkGroup(s: Standing): number {
    this.#device ??= this.#parts.tree.stat(ROOT_NAME)?.dev ?? s.dev
    return s.nlink > 1 && s.dev === this.#device && s.ino <= Number.MAX_SAFE_INTEGER
      ? Number(s.ino)
      : 0
  }

  #target(name: ByteName): string | null {
    try {
      return this.#parts.tree.readlink(name)
    } catch (error) {
      if (codeOf(error) === undefined) throw error
      this.#outcome.fault(name, messageOf(error), codeOf(error) === 'ENOENT')
      return null
    }
  }
}

/** Undefined where the bytes that stand there now have not been hashed. */
function contentOf(
  s: Standing,
  known: Known | undefined,
): { root: Root; length: number } | null | undefined {
  if (s.size === 0) return null
  if (known === undefined || known.root === null || !known.hashed || !isSame(known, s))
    return undefined
  return { root: known.root, length: s.size }
}

function previousEntries(store: Store, record: DirectoryRecord | null): ReadonlyMap<string, Entry> {
  if (record?.page === undefined || record.page === null) return new Map()
  const entries = readDirectoryPage(record.page, (root) => store.blob(root)) ?? []
  return new Map(entries.map((e) => [e.base, e]))
}
