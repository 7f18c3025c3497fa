/**
 * A tree → a signed snapshot. Hashes what is new, builds pages for the directories that changed, and flips the head last:
 * a reader sees the old snapshot or the new one, never a mixture.
 */
import { type ByteName, joinName, ROOT_NAME } from '../base/byte-name.js'
import { codeOf, FileError, messageOf } from '../base/errors.js'
import { Outcome } from '../base/outcome.js'
import type { Entry, FileEntry } from '../flist/entry.js'
import { linkStaysInside } from '../flist/entry.js'
import type { ContentId, Root } from '../hash/root.js'
import type { Clock, Standing } from '../host.js'
import { type DirectoryRecord, isSame, type Known, knownOf } from '../io/directory-record.js'
import type { HashPool } from '../io/hash-pool.js'
import { Owners } from '../io/owners.js'
import type { Store } from '../io/store.js'
import type { DiskTree } from '../io/tree.js'
import { buildDirectory } from '../snapshot/build.js'
import { encodeHead, type Head, headDigest, type KeyPair } from '../snapshot/head.js'
import { TOP } from '../snapshot/page.js'
import { type HashProgress, indexStale } from './index-tree.js'
import { readDirectoryPage } from './pages.js'
import { forgetBelow, listSelected, type Scan, type Select, scanTree } from './scan.js'
import { settledAt } from './settle.js'

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
  readonly keys: KeyPair
  readonly select: Select
  /** What a settled directory is settled for; null: names are left out, so that none is. */
  readonly under: string | null
  readonly xattrs: boolean
  readonly clock: Clock
  readonly progress: HashProgress
}

export class Publisher {
  readonly #options: PublisherOptions
  readonly #owners = new Owners()

  constructor(options: PublisherOptions) {
    this.#options = options
  }

  /** Looks at the whole tree; a new snapshot only where something changed or the head grows old. */
  async publish(previous: Snapshot | null, signal: AbortSignal): Promise<Publication> {
    const { tree, store, pool, clock } = this.#options
    const outcome = new Outcome()
    const scan = await scanTree(this.#options, outcome, signal)
    const changing = await indexStale(
      tree,
      store,
      pool,
      scan,
      outcome,
      this.#options.progress,
      signal,
    )
    const now = Math.floor(clock.now() / 1000)
    const sequence = (previous?.head.sequence ?? 0) + 1
    const build = new Build(this.#options, this.#owners, scan, changing, sequence, outcome)
    let top: Top = { page: null, files: 0, bytes: 0 }
    store.transaction(() => {
      for (const directory of scan.gone) forgetBelow(store, directory)
      top = build.top()
    })
    const { page, files, bytes } = top
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
    return { snapshot: { head, signed }, changed: true, outcome }
  }
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

/** One bottom-up pass over the directories that changed. */
class Build {
  readonly #options: PublisherOptions
  readonly #owners: Owners
  readonly #scan: Scan
  readonly #changing: ReadonlySet<ByteName>
  readonly #sequence: number
  readonly #outcome: Outcome
  #device: bigint | null = null

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
  }

  /** The page of the head: one entry, the tree itself. */
  top(): Top {
    const { page, files, bytes } = this.directory(ROOT_NAME, 0)
    const stands = this.#options.tree.stat(ROOT_NAME)
    if (stands === null) throw new FileError(`${this.#options.tree.path} is gone`)
    const entry: Entry = { ...this.#common(ROOT_NAME, stands), base: TOP, kind: 'directory', page }
    const built = buildDirectory([entry])
    for (const { id, bytes: own } of built.pages) this.#options.store.putBlob(id, own)
    return { page: built.page, files, bytes }
  }

  directory(name: ByteName, depth: number): DirectoryRecord {
    const { tree, store, select } = this.#options
    const record = store.directory(name)
    if (record !== null && !this.#scan.touched.has(name)) return record
    const self = tree.stat(name)
    // What cannot be read now is not what was deleted: nodes would delete it too.
    const standing = this.#scan.unreadable.has(name)
      ? null
      : listSelected(tree, name, select, this.#outcome)
    if (standing === null)
      return record ?? UNKNOWN
    const before = previousEntries(store, record)
    const known = new Map((record?.known ?? []).map((k) => [k.base, k]))
    const entries: Entry[] = []
    const kept: Known[] = []
    let files = 0
    let bytes = 0
    for (const s of standing) {
      const child = joinName(name, s.base)
      const below = s.kind === 'directory' ? this.directory(child, depth + 1) : null
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
    for (const page of built.pages) store.putBlob(page.id, page.bytes)
    const { under } = this.#options
    const settled = settledAt(kept, standing, self, under, this.#options.clock.now())
    const { page } = built
    const fresh: DirectoryRecord = { page, built: true, files, bytes, settled, known: kept }
    store.putDirectory(name, fresh)
    return fresh
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
    const since =
      before?.kind === 'file' && sameContent(before.content, content)
        ? before.since
        : this.#sequence
    return {
      ...common,
      kind: 'file',
      content,
      since,
      linkGroup: this.#linkGroup(s),
      sums: content === null ? null : this.#options.store.sums(content.root),
      recipe: null,
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
