/** A snapshot beside what stands at the destination → what is to be done, directory by directory. */
import { type ByteName, joinName, ROOT_NAME } from '../base/byte-name.js'
import { codeOf, messageOf, StartupError } from '../base/errors.js'
import type { Outcome } from '../base/outcome.js'
import type { DirectoryEntry, Entry, FileEntry } from '../flist/entry.js'
import type { Root } from '../hash/root.js'
import type { Clock, Standing } from '../host.js'
import { isSame, type Known, knownOf, type Settled } from '../io/directory-record.js'
import type { Owners } from '../io/owners.js'
import type { Store } from '../io/store.js'
import { type DiskTree, PRIVATE_NAME } from '../io/tree.js'
import { type Decision, decide } from '../plan/decide.js'
import { BatchedWrites } from './batched-writes.js'
import { mergeKnown } from './index-tree.js'
import { readDirectoryPage } from './pages.js'
import type { PullSettling } from './pull-settle.js'
import type { Select } from './scan.js'
import { isAllPast, statOf } from './settle.js'

export type Job = {
  readonly name: ByteName
  readonly entry: FileEntry
  readonly decision: Decision
}

/** What the planner finds; calls come in the order of the tree, a directory before what is in it. */
export type PlanSink = {
  directory(name: ByteName, entry: DirectoryEntry, decision: Decision): void
  other(name: ByteName, entry: Entry, decision: Decision): void
  file(job: Job): void
  /** A directory that stays, and what the snapshot has in it: what else stands there may have to go. */
  sweep(directory: ByteName, wanted: ReadonlySet<string>): void
}

export type PlannerOptions = {
  readonly tree: DiskTree
  readonly store: Store
  readonly owners: Owners
  readonly select: Select
  /** What is not selected is not to stand: as if the snapshot did not have it. */
  readonly isSparse: boolean
  /** --checksum: only hashed bytes count as right. */
  readonly checksum: boolean
  readonly dryRun: boolean
  readonly outcome: Outcome
  readonly settling: PullSettling
  readonly clock: Clock
}

/** A directory to look at in full. */
export type ToPlan = { readonly name: ByteName; readonly page: Root | null }

export class Planner {
  readonly #options: PlannerOptions
  readonly #records: BatchedWrites
  /** Files that are kept on trust of size and time: they cannot be given to others yet. */
  unhashed = 0

  constructor(options: PlannerOptions) {
    this.#options = options
    this.#records = new BatchedWrites(options.store, () => options.settling.remember())
  }

  /** The tree itself. */
  top(entry: DirectoryEntry): Decision {
    return this.#decide(ROOT_NAME, entry, this.#options.tree.stat(ROOT_NAME), null)
  }

  /** One directory; returns the directories below that belong to the mirror. */
  plan({ name: directory, page }: ToPlan, sink: PlanSink): ToPlan[] {
    const { tree, store, select, isSparse, dryRun } = this.#options
    const root = page === null ? null : { root: page }
    const all = readDirectoryPage(root, (of) => store.blob(of))
    // Taken for empty, a directory whose page is lost would be emptied here too.
    if (all === null)
      throw new StartupError(
        `the index lacks a page of ${directory}: remove ${tree.path}/${PRIVATE_NAME}/index and pull again`,
      )
    const isWanted = (entry: Entry): boolean =>
      select(joinName(directory, entry.base), entry.kind === 'directory')
    const entries = isSparse ? all.filter(isWanted) : all
    const self = tree.stat(directory)
    const standing = new Map((this.#list(directory) ?? []).map((s) => [s.base, s]))
    const record = store.directory(directory)
    const before = new Map((record?.known ?? []).map((k) => [k.base, k]))
    const kept: Kept[] = []
    const below: ToPlan[] = []
    let isInOrder = self !== null
    for (const entry of entries) {
      const name = joinName(directory, entry.base)
      const stands = standing.get(entry.base) ?? null
      if (!isSparse && !isWanted(entry)) continue
      const known = before.get(entry.base) ?? null
      const decision = this.#decide(name, entry, stands, known)
      if (decision.kind !== 'keep') isInOrder = false
      if (entry.kind === 'directory') {
        sink.directory(name, entry, decision)
        below.push({ name, page: entry.page?.root ?? null })
      } else if (entry.kind === 'file') sink.file({ name, entry, decision })
      else sink.other(name, entry, decision)
      if (stands !== null && isKept(decision)) kept.push(keptOf(entry, stands, known))
    }
    for (const { isUnhashed } of kept) if (isUnhashed) this.unhashed++
    sink.sweep(directory, new Set(entries.map((e) => e.base)))
    if (dryRun) return below
    const settled =
      isInOrder && self !== null ? this.#settled(self, page, entries, kept, standing) : null
    if (settled === null) this.#believe(directory, kept)
    else {
      const known = withStrays(kept, standing, before)
      const links = linksOf(kept, known)
      const fresh = {
        ...(record ?? { page: null, files: 0, bytes: 0 }),
        built: true,
        settled: { ...settled, links },
        known,
      }
      this.#records.later(() => store.putDirectory(directory, fresh))
    }
    return below
  }

  /** Writes to the index what was found out so far. */
  flush(): void {
    this.#records.flush()
  }

  /** Null while a change could still hide behind the time something has. */
  #settled(
    self: Standing,
    page: Root | null,
    entries: readonly Entry[],
    kept: readonly Kept[],
    standing: ReadonlyMap<string, Standing>,
  ): Settled | null {
    const { settling, clock } = this.#options
    if (!isAllPast([self, ...standing.values()], clock.now())) return null
    return {
      under: settling.under,
      self: statOf(self),
      page,
      entries: entries.length,
      files: kept.filter(({ entry }) => entry.kind === 'file').length,
      unhashed: kept.filter(({ isUnhashed }) => isUnhashed).length,
      extraneous: standing.size > kept.length,
      links: [],
    }
  }

  /** Files that are kept without having been hashed: a source for clones, once their bytes are checked. */
  #believe(directory: ByteName, kept: readonly Kept[]): void {
    const { store } = this.#options
    const fresh = new Map<string, Known>()
    for (const { known, isNews } of kept) if (isNews) fresh.set(known.base, known)
    if (fresh.size > 0) this.#records.later(() => mergeKnown(store, directory, fresh))
  }

  #list(directory: ByteName): Standing[] | null {
    try {
      return this.#options.tree.list(directory)
    } catch (error) {
      if (codeOf(error) === undefined) throw error
      this.#options.outcome.fault(directory, `cannot read the directory: ${messageOf(error)}`)
      return null
    }
  }

  #decide(name: ByteName, entry: Entry, stands: Standing | null, known: Known | null): Decision {
    const { tree, owners, checksum } = this.#options
    if (stands === null) return { kind: 'create' }
    const target = stands.kind === 'symlink' ? tree.readlink(name) : null
    const root = known?.hashed === true && isSame(known, stands) ? known.root : null
    const wanted = { entry, ...owners.wanted(entry) }
    return decide(wanted, { standing: stands, target, root }, checksum, tree.timeStepNs)
  }
}

function isKept(decision: Decision): boolean {
  return decision.kind === 'keep' || decision.kind === 'touch'
}

/** An entry that stands as it should, attributes apart. */
type Kept = {
  readonly entry: Entry
  readonly known: Known
  /** A file that is believed to be right because of its size and time. */
  readonly isUnhashed: boolean
  /** A file of which the index does not say so yet. */
  readonly isNews: boolean
}

function keptOf(entry: Entry, stands: Standing, before: Known | null): Kept {
  const plain = { entry, isUnhashed: false, isNews: false }
  if (entry.kind === 'directory')
    return { ...plain, known: knownOf(stands, entry.page?.root ?? null) }
  if (entry.kind !== 'file' || entry.content === null) return { ...plain, known: knownOf(stands) }
  const { root } = entry.content
  const isKnown = before !== null && before.root === root && isSame(before, stands)
  const isHashed = isKnown && before.hashed
  const known = isKnown ? before : knownOf(stands, root)
  return { entry, known, isUnhashed: !isHashed, isNews: !isKnown }
}

/** What is kept, and of the files beside it those that are known and still so: their contents may serve as sources. */
function withStrays(
  kept: readonly Kept[],
  standing: ReadonlyMap<string, Standing>,
  before: ReadonlyMap<string, Known>,
): Known[] {
  const known = kept.map((k) => k.known)
  const own = new Set(known.map((k) => k.base))
  for (const [base, k] of before) {
    const stands = standing.get(base)
    if (stands?.kind === 'file' && !own.has(base) && isSame(k, stands)) known.push(k)
  }
  return known.sort((a, b) => (a.base < b.base ? -1 : 1))
}

function linksOf(kept: readonly Kept[], known: readonly Known[]): Settled['links'] {
  const groups = new Map<string, number>()
  for (const { entry } of kept)
    if (entry.kind === 'file' && entry.linkGroup > 0) groups.set(entry.base, entry.linkGroup)
  const links: { group: number; index: number }[] = []
  if (groups.size === 0) return links
  for (const [index, { base }] of known.entries()) {
    const group = groups.get(base)
    if (group !== undefined) links.push({ group, index })
  }
  return links
}
