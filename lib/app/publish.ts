/**
 * A tree → a signed snapshot. Hashes what is new, builds pages for the directories that changed, and flips the head last:
 * a reader sees the old snapshot or the new one, never a mixture.
 */
import { setImmediate as breathe } from 'node:timers/promises'
import { type ByteName, joinName, ROOT_NAME } from '../base/byte-name.js'
import { codeOf, FileError, messageOf } from '../base/errors.js'
import { Outcome } from '../base/outcome.js'
import { NO_ROW } from '../delta/anchor-table.js'
import type { Entry, FileEntry } from '../flist/entry.js'
import { linkStaysInside } from '../flist/entry.js'
import type { KeyPair } from '../hash/ed25519.js'
import type { ContentId, Root } from '../hash/root.js'
import type { Clock, Log, Standing } from '../host.js'
import { type DirectoryRecord, isSame, type Known, knownOf } from '../io/directory-record.js'
import type { HashPool } from '../io/hash-pool.js'
import { Owners } from '../io/owners.js'
import type { RecipePool } from '../io/recipe-pool.js'
import type { Store } from '../io/store.js'
import type { DiskTree } from '../io/tree.js'
import { type BuiltPage, buildDirectory } from '../snapshot/build.js'
import { encodeHead, type Head, headDigest } from '../snapshot/head.js'
import { TOP } from '../snapshot/page.js'
import type { AnchorIndex } from './anchor-index.js'
import { allAnchored, anchorStanding } from './anchor-standing.js'
import { BatchedWrites } from './batched-writes.js'
import { RecipeSearch } from './find-recipes.js'
import { type HashProgress, type IndexLook, indexStale } from './index-tree.js'
import { CENTRE_SNAPSHOTS, keepPages } from './page-keeping.js'
import { readDirectoryPage } from './pages.js'
import { lookAgain } from './recipes-again.js'
import { countHashed, nextDue } from './recipes-wanted.js'
import { forgetBelow, listSelected, type Scan, type Select, type Stale, scanTree } from './scan.js'
import { settledAt } from './settle.js'

/** Directories built before others get the thread. */
const BREATH = 100

/** A head is good for so long: nodes that hear nothing for two weeks should say so. */
const HEAD_SECONDS = 14 * 24 * 3600

export type Snapshot = { readonly head: Head; readonly signed: Uint8Array }
export type Publication = {
  readonly snapshot: Snapshot
  readonly changed: boolean
  readonly outcome: Outcome
}

type Top = Pick<DirectoryRecord, 'page' | 'files' | 'bytes'>

export type PublisherOptions = {
  readonly module: string
  readonly tree: DiskTree
  readonly store: Store
  readonly pool: HashPool
  readonly recipes: RecipePool
  /** Contents of so many bytes are looked through for others; null: none are. */
  readonly assembleMin: number | null
  readonly keys: KeyPair
  readonly select: Select
  /** What a settled directory is settled for; null: names are left out, so that none is. */
  readonly under: string | null
  readonly xattrs: boolean
  readonly clock: Clock
  readonly log: Log
  readonly progress: HashProgress
}

export class Publisher {
  readonly #options: PublisherOptions
  readonly #owners = new Owners()
  /** Once a look needed it. */
  #anchors: AnchorIndex | null = null

  constructor(options: PublisherOptions) {
    this.#options = options
  }

  /** Looks at the whole tree; a new snapshot only where something changed or the head grows old. */
  async publish(previous: Snapshot | null, signal: AbortSignal): Promise<Publication> {
    const { store, clock } = this.#options
    const outcome = new Outcome()
    const { scan, changing } = await this.#look(outcome, signal)
    const now = Math.floor(clock.now() / 1000)
    const sequence = (previous?.head.sequence ?? 0) + 1
    const build = new Build(this.#options, this.#owners, scan, changing, sequence, outcome)
    const { page, files, bytes } = await build.everything(signal)
    if (
      previous !== null &&
      sameContent(previous.head.page, page) &&
      previous.head.expires - now > HEAD_SECONDS / 2
    )
      return { snapshot: previous, changed: false, outcome }
    const { module, keys } = this.#options
    const head: Head = {
      module,
      key: keys.publicKey,
      sequence,
      previous: previous === null ? null : headDigest(previous.signed),
      page,
      // A clock that went back must not make the new head look older than the last.
      time: Math.max(now, previous?.head.time ?? 0),
      expires: now + HEAD_SECONDS,
      files,
      bytes,
    }
    const signed = encodeHead(head, keys)
    store.transaction(() => store.putValue('head', signed))
    if (page !== null) {
      const kept = {
        top: page.root,
        written: build.written,
        snapshots: CENTRE_SNAPSHOTS,
        also: null,
      }
      await keepPages(store, kept, signal)
    }
    return { snapshot: { head, signed }, changed: true, outcome }
  }

  /** The tree beside the index, and what is new in it hashed. */
  async #look(
    outcome: Outcome,
    signal: AbortSignal,
  ): Promise<{ scan: Scan; changing: ReadonlySet<ByteName> }> {
    const { store, assembleMin } = this.#options
    const changing = new Set<ByteName>()
    const hash = async (stale: readonly Stale[], look: IndexLook | null): Promise<void> => {
      countHashed(store, bytesOf(stale))
      const found = await indexStale(this.#options, stale, outcome, look, signal)
      for (const name of found) changing.add(name)
    }
    if (store.directory(ROOT_NAME) === null) allAnchored(store)
    // What others may be part of is hashed once these are known.
    const large: Stale[] = []
    const scan = await scanTree(
      this.#options,
      outcome,
      async (stale) => {
        if (assembleMin === null) return hash(stale, null)
        large.push(...only(stale, (size) => size >= assembleMin))
        return hash(
          only(stale, (size) => size < assembleMin),
          this.#anchoring(),
        )
      },
      signal,
    )
    if (large.length > 0) {
      const search = await RecipeSearch.begin(this.#options, this.#anchors, large, signal)
      this.#anchors = search.index
      await hash(
        only(large, (size) => size < IMAGE_BYTES),
        search,
      )
      await hash(
        only(large, (size) => size >= IMAGE_BYTES),
        search,
      )
      await search.finish(signal)
    }
    return { scan, changing }
  }

  /**
   * Looks once more through an image whose parts may have come since, or that stood before anybody looked.
   * @param isBusy somebody wants the tree looked at
   * @returns null: none is due; true: it has another recipe, which the next snapshot names
   */
  async again(signal: AbortSignal, isBusy: () => boolean): Promise<boolean | null> {
    const { store, assembleMin } = this.#options
    if (assembleMin === null) return null
    await anchorStanding(this.#options, signal, isBusy)
    const due = nextDue(store)
    if (due === null) return null
    const search = await RecipeSearch.begin(this.#options, this.#anchors, [], signal)
    this.#anchors = search.index
    return lookAgain(this.#options, search, due, signal)
  }

  /** What is hashed on the way can be found in what comes after it. */
  #anchoring(): IndexLook | null {
    const anchors = this.#anchors
    if (anchors === null) return null
    const { store } = this.#options
    return {
      scanOf: () => undefined,
      hashed: async (_name, { root, anchor }) => {
        if (root === null || anchor === null || store.hasAnchor(root)) return
        // Without room it is read anew when it is needed next.
        if (anchors.add(anchor, root) === NO_ROW) this.#anchors = null
      },
    }
  }
}

/** Files from here on come last: what they may be made of is hashed by then. */
const IMAGE_BYTES = 64 * 2 ** 20

function bytesOf(stale: readonly Stale[]): number {
  return stale.reduce((sum, { files }) => files.reduce((all, { size }) => all + size, sum), 0)
}

function only(stale: readonly Stale[], isWanted: (size: number) => boolean): Stale[] {
  return stale.flatMap(({ directory, files }) => {
    const some = files.filter(({ size }) => isWanted(size))
    return some.length === 0 ? [] : [{ directory, files: some }]
  })
}

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

/** One bottom-up pass over the directories that changed; a directory's pages are written before its record. */
class Build {
  readonly #options: PublisherOptions
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
    options: PublisherOptions,
    owners: Owners,
    scan: Scan,
    changing: ReadonlySet<ByteName>,
    sequence: number,
    outcome: Outcome,
  ) {
    this.#options = options
    this.#owners = owners
    this.#scan = scan
    this.#changing = changing
    this.#sequence = sequence
    this.#outcome = outcome
    this.#writes = new BatchedWrites(options.store)
  }

  /** In steps that each are whole: what a crash leaves unbuilt says so, and is built by the next look. */
  async everything(signal: AbortSignal): Promise<Top> {
    const { store } = this.#options
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
    const stands = this.#options.tree.stat(ROOT_NAME)
    if (stands === null) throw new FileError(`${this.#options.tree.path} is gone`)
    const entry: Entry = { ...this.#common(ROOT_NAME, stands), base: TOP, kind: 'directory', page }
    const built = buildDirectory([entry])
    this.#put(built.pages)
    return { page: built.page, files, bytes }
  }

  async #directory(name: ByteName, depth: number, signal: AbortSignal): Promise<DirectoryRecord> {
    const { tree, store, select } = this.#options
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
    const { under } = this.#options
    const settled = settledAt(kept, standing, self, under, this.#options.clock.now())
    const { page } = built
    const fresh: DirectoryRecord = { page, built: true, files, bytes, settled, known: kept }
    this.#writes.later(() => store.putDirectory(name, fresh))
    return fresh
  }

  #put(pages: readonly BuiltPage[]): void {
    const { store } = this.#options
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
      xattrs: this.#options.xattrs ? this.#options.tree.xattrs(name) : [],
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
      sums: content === null ? null : this.#options.store.sums(content.root),
      recipe: content === null ? null : this.#options.store.recipe(content.root),
    } satisfies FileEntry
  }

  /** Names of one file share its inode's number; inodes of other file systems could collide, so their links are not kept. */
  #linkGroup(s: Standing): number {
    this.#device ??= this.#options.tree.stat(ROOT_NAME)?.dev ?? s.dev
    return s.nlink > 1 && s.dev === this.#device && s.ino <= Number.MAX_SAFE_INTEGER
      ? Number(s.ino)
      : 0
  }

  #target(name: ByteName): string | null {
    try {
      return this.#options.tree.readlink(name)
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
