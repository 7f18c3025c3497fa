/**
 * One pull once its snapshot is here. Plans a section of the tree, takes each content from the cheapest source there is,
 * makes it stand; then the indices, then what has to go, then the directories' own times.
 */
import { setImmediate as breathe } from 'node:timers/promises'
import { type ByteName, baseOf, ROOT_NAME } from '../base/byte-name.js'
import { FileError } from '../base/errors.js'
import type { Outcome } from '../base/outcome.js'
import { type DirectoryEntry, type Entry, sizeOf } from '../flist/entry.js'
import type { Filter } from '../flist/filter-match.js'
import type { Root } from '../hash/root.js'
import type { Clock } from '../host.js'
import type { Orderly } from '../io/glance.js'
import type { Owners } from '../io/owners.js'
import type { Store } from '../io/store.js'
import type { DiskTree } from '../io/tree.js'
import type { Decision } from '../plan/decide.js'
import { capDeletions, type Deletion, deletionsAllowed, planDeletions } from '../plan/deletions.js'
import { DELETING, itemize, type Way } from '../plan/itemize.js'
import { isRepositoryIndex } from '../plan/stages.js'
import type { Materializer } from './materialize.js'
import { belongs, type Only } from './only.js'
import { readDirectoryPage } from './pages.js'
import { type Job, Planner, type PlanSink, type ToPlan } from './pull-plan.js'
import type { PullConfig, PullEvents, PullReport } from './pull-report.js'
import type { PullSettling } from './pull-settle.js'
import { compareDepthFirst } from './settle.js'

/** Files planned before their contents are fetched: what memory holds of a tree of millions. */
const SECTION_FILES = 100_000

/** Brings contents and hands each to the jobs that want it. */
export type Sources = {
  /** Jobs by content; resolves when each job is done or its file is a fault. */
  bring(jobs: ReadonlyMap<Root, readonly Job[]>, signal: AbortSignal): Promise<void>
}

export type PullParts = {
  readonly config: PullConfig
  readonly filter: Filter
  readonly only: Only | null
  readonly tree: DiskTree
  readonly store: Store
  readonly owners: Owners
  readonly outcome: Outcome
  readonly report: PullReport
  readonly events: PullEvents
  readonly materializer: Materializer
  readonly sources: Sources
  /** What need not be looked at in full. */
  readonly orderly: ReadonlyMap<ByteName, Orderly>
  readonly settling: PullSettling
  readonly clock: Clock
  /** --no-scan: the tree as the last pull left it; what has not changed since is not looked at. Null: all is. */
  readonly believed: DirectoryEntry | null
  /** The entry of a name in the snapshot that is pulled. */
  readonly entryOf: (name: ByteName) => Entry | null
}

/** As far as there is room; what ended the run is told, not this. */
function keepIndex(materializer: Materializer): void {
  try {
    materializer.flushIndex()
  } catch (error) {
    if (!(error instanceof FileError)) throw error
  }
}

/** A directory to look at, and its page when the last pull left it. */
type Visit = ToPlan & { readonly before: Root | null }
const NOTHING: ReadonlyMap<string, Root | null> = new Map()

/** The pages of the directories in a directory. */
function directoriesOf(
  page: Root | null,
  blob: (root: Root) => Uint8Array | null,
): ReadonlyMap<string, Root | null> {
  const found = new Map<string, Root | null>()
  for (const entry of readDirectoryPage(page === null ? null : { root: page }, blob) ?? [])
    if (entry.kind === 'directory') found.set(entry.base, entry.page?.root ?? null)
  return found
}

export class PullRun {
  readonly #parts: PullParts
  readonly #indices: Job[] = []
  /** What may be put together of other contents: after these. */
  readonly #images: Job[] = []
  readonly #extraneous: Deletion[] = []
  #standing = 0
  readonly #leaders = new Map<number, ByteName>()
  #section: Job[] = []
  #filesTotal = 0
  #bytesTotal = 0
  #filesDone = 0
  /** Every file that is here was hashed here: all of it can be given to others. */
  isHashed = true

  constructor(parts: PullParts) {
    this.#parts = parts
  }

  get state(): { filesTotal: number; filesDone: number; bytesTotal: number } {
    return {
      filesTotal: this.#filesTotal,
      filesDone: this.#filesDone,
      bytesTotal: this.#bytesTotal,
    }
  }

  /** @param top the directory that the destination mirrors */
  async everything(top: DirectoryEntry | null, signal: AbortSignal): Promise<void> {
    const { config, materializer, events } = this.#parts
    if (!config.dryRun) materializer.prepare()
    try {
      events.phase('compare')
      await this.#planAndFetch(top, signal)
      if (this.#images.length > 0) events.phase('fetch')
      await this.#fetch(this.#images.splice(0), signal)
      events.phase('indices')
      await this.#fetch(this.#indices.splice(0), signal)
      this.#delete()
      if (!config.dryRun) materializer.finishDirectories(this.#parts.entryOf)
    } catch (error) {
      // What stands was hashed, however this ends: the next run need not believe it.
      if (!config.dryRun) keepIndex(materializer)
      throw error
    }
    if (!config.dryRun) materializer.flushIndex()
  }

  async #planAndFetch(top: DirectoryEntry | null, signal: AbortSignal): Promise<void> {
    const { config, filter, only, tree, store, owners, outcome, settling, clock } = this.#parts
    const planner = new Planner({
      settling,
      clock,
      tree,
      store,
      owners,
      outcome,
      select: belongs(filter, only),
      isSparse: only !== null,
      checksum: config.checksum,
      dryRun: config.dryRun,
    })
    const sink = this.#sink()
    if (top !== null) sink.directory(ROOT_NAME, top, planner.top(top))
    const before = this.#parts.believed
    const { orderly } = this.#parts
    const pending: Visit[] = [
      { name: ROOT_NAME, page: top?.page?.root ?? null, before: before?.page?.root ?? null },
    ]
    let looked = 0
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      if (before !== null && next.page === next.before) continue
      const inOrder = orderly.get(next.name)
      if (inOrder !== undefined && inOrder.page === next.page) {
        planner.unhashed += inOrder.unhashed
        for (const broken of this.#pass(inOrder)) pending.push({ ...broken, before: null })
        continue
      }
      const below = planner.plan(next, sink)
      const stood =
        before === null ? NOTHING : directoriesOf(next.before, (root) => store.blob(root))
      for (const { name, page } of below.reverse())
        pending.push({ name, page, before: stood.get(baseOf(name)) ?? null })
      if (++looked % 200 === 0) {
        await breathe()
        signal.throwIfAborted()
      }
      if (this.#section.length < SECTION_FILES) continue
      planner.flush()
      await this.#fetchSection(signal)
      this.#parts.events.phase('compare')
    }
    planner.flush()
    await this.#fetchSection(signal)
    this.isHashed = planner.unhashed === 0
  }

  async #fetchSection(signal: AbortSignal): Promise<void> {
    if (this.#section.length > 0) this.#parts.events.phase('fetch')
    await this.#fetch(this.#section.splice(0), signal)
  }

  /** Directories in order; returns those below that are not, the last first. */
  #pass({ files, entries, links, broken }: Orderly): ToPlan[] {
    this.#parts.report.files.kept += files
    this.#standing += entries
    for (const { group, name } of links)
      if (!this.#leaders.has(group)) this.#leaders.set(group, name)
    return broken.sort((a, b) => compareDepthFirst(b.name, a.name))
  }

  #sink(): PlanSink {
    const { config, materializer, report } = this.#parts
    return {
      directory: (name, entry, decision) => {
        materializer.expect(name, entry)
        this.#say(name, entry, decision, 'local')
        if (config.dryRun || decision.kind === 'keep') return
        if (decision.kind === 'touch') materializer.touchDirectory(name)
        else materializer.attempt(name, () => materializer.makeDirectory(name))
      },
      other: (name, entry, decision) => {
        this.#say(name, entry, decision, 'local')
        if (config.dryRun || decision.kind === 'keep') return
        if (decision.kind === 'touch')
          materializer.attempt(name, () => materializer.touch(name, entry))
        else materializer.attempt(name, () => materializer.other(name, entry))
      },
      file: (job) => {
        const { kind } = job.decision
        if (kind === 'keep' || kind === 'touch') {
          report.files.kept++
          if (job.entry.linkGroup > 0 && !this.#leaders.has(job.entry.linkGroup))
            this.#leaders.set(job.entry.linkGroup, job.name)
          if (kind === 'keep') return
          this.#say(job.name, job.entry, job.decision, 'local')
          if (!config.dryRun)
            materializer.attempt(job.name, () => materializer.touch(job.name, job.entry))
          return
        }
        this.#filesTotal++
        this.#bytesTotal += sizeOf(job.entry)
        if (isRepositoryIndex(job.name)) this.#indices.push(job)
        else if (job.entry.recipe !== null) this.#images.push(job)
        else this.#section.push(job)
      },
      sweep: (directory, wanted) => {
        this.#standing += wanted.size
        if (!config.delete) return
        const plan = planDeletions(directory, wanted, this.#parts.filter, (name) =>
          this.#parts.tree.list(name),
        )
        this.#extraneous.push(...plan.remove)
        for (const name of plan.nonEmpty)
          this.#parts.outcome.fault(
            name,
            'cannot delete the directory: a filter protects what is in it',
          )
      },
    }
  }

  /** Empty files and further names at once, the rest by content. */
  async #fetch(jobs: readonly Job[], signal: AbortSignal): Promise<void> {
    const { config, materializer, sources, report } = this.#parts
    const followers: Job[] = []
    const byRoot = new Map<Root, Job[]>()
    const leading = new Set<number>()
    for (const job of jobs) {
      const { content, linkGroup } = job.entry
      if (linkGroup > 0) this.#findLeader(job)
      if (linkGroup > 0 && (this.#leaders.has(linkGroup) || leading.has(linkGroup))) {
        followers.push(job)
        continue
      }
      if (linkGroup > 0) leading.add(linkGroup)
      if (content === null) {
        if (
          config.dryRun ||
          materializer.attempt(job.name, () => materializer.bytes(job, new Uint8Array(0)))
        )
          this.done(job, 'received')
        continue
      }
      report.bytes.wanted += content.length
      const same = byRoot.get(content.root)
      if (same === undefined) byRoot.set(content.root, [job])
      else same.push(job)
    }
    if (config.dryRun)
      for (const same of byRoot.values()) for (const job of same) this.done(job, 'received')
    else if (byRoot.size > 0) await sources.bring(byRoot, signal)
    for (const job of followers) this.#follow(job)
    if (!config.dryRun) materializer.flushIndex()
  }

  /** With --no-scan a name of the same file may stand where nobody looks: the index knows where its content does. */
  #findLeader({ entry }: Job): void {
    const { believed, store, entryOf } = this.#parts
    if (believed === null || entry.content === null || this.#leaders.has(entry.linkGroup)) return
    for (const { name } of store.places.of(entry.content.root)) {
      const other = entryOf(name)
      if (other?.kind !== 'file' || other.linkGroup !== entry.linkGroup) continue
      this.#leaders.set(entry.linkGroup, name)
      return
    }
  }

  #follow(job: Job): void {
    const { config, materializer, outcome } = this.#parts
    const leader = this.#leaders.get(job.entry.linkGroup)
    if (leader === undefined)
      outcome.fault(job.name, 'the file it is a further name of is not there')
    else if (
      config.dryRun ||
      materializer.attempt(job.name, () => materializer.hardLink(job, leader))
    )
      this.done(job, 'linked')
  }

  /** A file stands under its name now. */
  done(job: Job, way: Way): void {
    const { report } = this.#parts
    this.#filesDone++
    if (way === 'received') report.files.fetched++
    else report.files.cloned++
    if (job.entry.linkGroup > 0) this.#leaders.set(job.entry.linkGroup, job.name)
    this.#say(job.name, job.entry, job.decision, way)
  }

  #say(name: ByteName, entry: Entry, decision: Decision, way: Way): void {
    const line = itemize(entry.kind, decision, way)
    if (line === null) return
    const shown =
      entry.kind === 'directory'
        ? `${name}/`
        : entry.kind === 'symlink'
          ? `${name} -> ${entry.target}`
          : name
    this.#parts.events.item(line, shown)
  }

  /** What the snapshot does not have, last of all. */
  #delete(): void {
    const { config, materializer, outcome, report, events } = this.#parts
    if (this.#extraneous.length === 0) return
    events.phase('delete')
    const allowed = deletionsAllowed(config.maxDelete, this.#standing + this.#extraneous.length)
    const { remove, refused } = capDeletions(this.#extraneous, allowed)
    outcome.deletesRefused(refused.length)
    for (const { name, standing } of remove) {
      const isDirectory = standing.kind === 'directory'
      if (
        !config.dryRun &&
        !materializer.attempt(name, () => materializer.remove(name, isDirectory))
      )
        continue
      report.files.deleted++
      events.item(DELETING, isDirectory ? `${name}/` : name)
    }
  }
}
