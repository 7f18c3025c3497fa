/** A snapshot beside what stands at the destination → what is to be done, directory by directory. */
import { type ByteName, joinName, ROOT_NAME } from '../base/byte-name.js'
import { codeOf, messageOf, StartupError } from '../base/errors.js'
import type { Outcome } from '../base/outcome.js'
import type { DirectoryEntry, Entry, FileEntry } from '../flist/entry.js'
import type { ContentId } from '../hash/root.js'
import type { Standing } from '../host.js'
import { type DirectoryRecord, isSame, type Known } from '../io/directory-record.js'
import type { Owners } from '../io/owners.js'
import type { Store } from '../io/store.js'
import { type DiskTree, PRIVATE_NAME } from '../io/tree.js'
import { type Decision, decide } from '../plan/decide.js'
import { mergeKnown } from './index-tree.js'
import { readDirectoryPage } from './pages.js'
import type { Select } from './scan.js'

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
  /** --checksum: only hashed bytes count as right. */
  readonly checksum: boolean
  readonly dryRun: boolean
  readonly outcome: Outcome
}

export class Planner {
  readonly #options: PlannerOptions
  /** Files that are kept on trust of size and time: they cannot be given to others yet. */
  unhashed = 0

  constructor(options: PlannerOptions) {
    this.#options = options
  }

  /** The tree itself. */
  top(entry: DirectoryEntry): Decision {
    return this.#decide(ROOT_NAME, entry, this.#options.tree.stat(ROOT_NAME), null)
  }

  /** One directory; returns the directories below that have to be looked at. */
  plan(
    directory: ByteName,
    page: ContentId | null,
    sink: PlanSink,
  ): { name: ByteName; page: ContentId | null }[] {
    const { tree, store, select } = this.#options
    const entries = readDirectoryPage(page, (root) => store.blob(root))
    // Taken for empty, a directory whose page is lost would be emptied here too.
    if (entries === null)
      throw new StartupError(
        `the index lacks a page of ${directory}: remove ${tree.path}/${PRIVATE_NAME}/index and pull again`,
      )
    const standing = new Map((this.#list(directory) ?? []).map((s) => [s.base, s]))
    const record = store.directory(directory)
    const known = new Map((record?.known ?? []).map((k) => [k.base, k]))
    const believed = new Map<string, Known>()
    const below: { name: ByteName; page: ContentId | null }[] = []
    for (const entry of entries) {
      const name = joinName(directory, entry.base)
      const stands = standing.get(entry.base) ?? null
      if (!select(name, entry.kind === 'directory')) continue
      const decision = this.#decide(name, entry, stands, known.get(entry.base) ?? null)
      if (entry.kind === 'directory') {
        sink.directory(name, entry, decision)
        below.push({ name, page: entry.page })
      } else if (entry.kind === 'file') {
        sink.file({ name, entry, decision })
        if (
          stands !== null &&
          isKept(decision) &&
          !isHashedHere(entry, stands, known.get(entry.base))
        )
          this.unhashed++
        if (stands !== null)
          believe(entry, stands, decision, known.get(entry.base) ?? null, believed)
      } else {
        sink.other(name, entry, decision)
      }
    }
    sink.sweep(directory, new Set(entries.map((e) => e.base)))
    if (!this.#options.dryRun) this.#remember(directory, record, believed, tree)
    return below
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

  /** Files that are kept without having been hashed: a source for clones, once their bytes are checked. */
  #remember(
    directory: ByteName,
    record: DirectoryRecord | null,
    believed: ReadonlyMap<string, Known>,
    tree: DiskTree,
  ): void {
    if (believed.size === 0 || tree.stat(directory) === null) return
    mergeKnown(this.#options.store, directory, believed, record)
  }
}

function isKept(decision: Decision): boolean {
  return decision.kind === 'keep' || decision.kind === 'touch'
}
function isHashedHere(entry: FileEntry, stands: Standing, known: Known | undefined): boolean {
  if (entry.content === null) return true
  return known?.hashed === true && known.root === entry.content.root && isSame(known, stands)
}

function believe(
  entry: FileEntry,
  stands: Standing,
  decision: Decision,
  known: Known | null,
  believed: Map<string, Known>,
): void {
  if (entry.content === null || !isKept(decision)) return
  if (known !== null && isSame(known, stands) && known.root === entry.content.root) return
  const { base, ino, size, mtimeNs, ctimeNs } = stands
  believed.set(base, { base, ino, size, mtimeNs, ctimeNs, root: entry.content.root, hashed: false })
}
