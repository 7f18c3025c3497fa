/**
 * A copy in rsync's place between two directories of this machine: the sender's list, the receiver's decisions and the bytes in
 * one. rsync(1).
 */
import { atOnce } from '../base/steps.js'
import { openCopyPool } from '../io/copy-pool.js'
import { equalFiles } from '../io/equal-files.js'
import { openLook, openLookPool } from '../io/look-pool.js'
import { operatorPaths } from '../io/operator.js'
import type { Options } from '../options/options.js'
import { ITEM } from '../plan/iflags.js'
import { CopyCrew } from '../rsync/copy-crew.js'
import type { Generator } from '../rsync/generator.js'
import { LinksAhead } from '../rsync/links-ahead.js'
import type { LocalDelta } from '../rsync/local-delta.js'
import { LocalTransfer } from '../rsync/local-transfer.js'
import { Pace } from '../rsync/pace.js'
import type { Entry } from '../rsync/request.js'
import type { SourceList } from '../rsync/source-list.js'
import { isListed, pathOf, type SourceDirectory, type SourceEntry } from '../rsync/source-node.js'
import { Unchanged } from '../rsync/unchanged.js'
import { Walk, type WalkedList } from '../rsync/walk.js'
import { becomeCopyUser, checkOneSided } from './copy-as.js'
import { countOf, forEachEntry, SourceSide } from './source-side.js'
import { NO_COUNTS, type SyncEvents, type SyncReport, Troubles } from './sync-events.js'
import { keptEmpty, readFilters } from './sync-filters.js'
import { isBelow, kindOfOnly, standsAt, targetPlace, trustedTarget } from './target-place.js'
import { LOCAL_ACCOUNTS, TargetSide } from './target-side.js'

export type SyncConfig = {
  readonly options: Options
  /** Paths as given, one char per byte. */
  readonly sources: readonly string[]
  /** Null: the sources are listed. */
  readonly destination: string | null
}

/** @throws {PrsyncError} on what ends a run before it began */
export async function sync(
  config: SyncConfig,
  events: SyncEvents,
  signal: AbortSignal,
): Promise<SyncReport> {
  const run = new SyncRun(config, events)
  try {
    return await run.run(signal)
  } finally {
    await run.close()
  }
}

class SyncRun {
  readonly #config: SyncConfig
  readonly #events: SyncEvents
  readonly #troubles: Troubles
  #source: SourceSide | null = null
  #target: TargetSide | null = null
  #crew: CopyCrew | null = null
  #unchanged: Unchanged | null = null
  #delta: LocalDelta | null = null
  /** Files that came a second time: told at the end, as rsync does it then. */
  readonly #again: Entry[] = []
  /** What a dry run would bring. */
  readonly #wouldCome = { files: 0, bytes: 0 }

  constructor(config: SyncConfig, events: SyncEvents) {
    this.#config = config
    this.#events = events
    this.#troubles = new Troubles(events)
  }

  async close(): Promise<void> {
    await this.#crew?.close()
    await this.#unchanged?.close()
    await this.#delta?.close()
    this.#source?.close()
    this.#target?.close()
  }

  async run(signal: AbortSignal): Promise<SyncReport> {
    const { options, sources, destination: named } = this.#config
    checkOneSided(options.remoteOptions)
    const trusted = operatorPaths(options)
    const charsets =
      options.iconv === null
        ? null
        : (await import('./sync-charsets.js')).openSyncCharsets(options.iconv, process.env)
    charsets?.tell(this.#events.trace)
    const source = new SourceSide({
      options,
      sources,
      trusted,
      troubles: this.#troubles,
      lacking: charsets?.lacking ?? null,
      events: this.#events,
    })
    this.#source = source
    const places = source.places()
    const filters = readFilters(options, trusted)
    const delta = options.wholeFile !== false ? null : await openDelta()
    this.#delta = delta
    becomeCopyUser(options.copyAs)
    const destination = named === null ? null : trustedTarget(named, options)
    const list = source.list(places, filters)
    if (destination === null) {
      forEachEntry(list, (entry) => {
        if (options.impliedDirs || !entry.isImplied) this.#events.listed(entry)
      })
      return this.#report(list, null, null)
    }
    // What is written there must not be met again as a source; how many entries come may be told before all else.
    const goes = standsAt(destination)
    const isInside = source.within(places).some((path) => isBelow(goes, path))
    const isTold = (options.progress || options.info.flist > 1) && !options.incRecursive
    const isListedFirst = options.pruneEmptyDirs || isTold || isInside
    if (isListedFirst) list.expand(list.root, keptEmpty(options, filters))
    this.#events.counted(countOf(list), list.count.bytes)
    const coming = { isEmpty: list.isEmpty, only: () => kindOfOnly(onlyEntry(list)) }
    const place = targetPlace(named ?? '.', coming, options, (path, directories) =>
      this.#events.madeDestination(path, directories),
    )
    if (place === null) return this.#report(list, null, null)
    const target = new TargetSide({
      options,
      place,
      filters,
      trusted,
      troubles: this.#troubles,
      names: null,
      accounts: LOCAL_ACCOUNTS,
      wholeSeconds: false,
      isFake: options.fakeSuperThere,
      charsets,
      events: this.#events,
    })
    this.#target = target
    this.#events.started()
    const { to, attributes, deleter, placing } = target
    const pace = new Pace({
      bwlimit: options.bwlimit,
      shared: null,
      stopAtMs: options.stopAtMs,
      signal,
      moved: (bytes) => this.#events.moved(bytes),
    })
    const transfer = new LocalTransfer({
      options,
      to,
      placing,
      delta,
      events: {
        trace: this.#events.trace,
        began: (entry) => this.#events.began(entry),
        ended: (entry) => this.#events.ended(entry, { passed: walk.passed, listed: countOf(list) }),
        retried: (entry, name) => {
          this.#events.retried(entry, name)
          this.#again.push(entry)
        },
        fault: target.fault,
        sourceFault: (call, entry, error) =>
          this.#troubles.sender(call, pathOf(entry.origin), error),
      },
    })
    const crew = new CopyCrew({
      options,
      to: to.tree,
      attributes,
      open: openCopyPool,
      bring: (request) => atOnce(transfer.bring(request)),
      count: transfer.count,
      uid: process.geteuid?.() ?? -1,
      signal,
    })
    this.#crew = crew
    const { keeping } = attributes
    const unchanged = new Unchanged({
      options,
      keeping,
      filters,
      to: to.tree,
      open: openLook,
      threads: openLookPool,
      signal,
    })
    this.#unchanged = unchanged
    const generator = target.generator({
      transfer: (request, done) => {
        if (crew.takes(request, done)) return
        pace.run(transfer.bring(request), (ok) => placing.whenStanding(request, ok, done))
      },
      equalSums: (entry, tree, name) => equalFiles(entry.origin, { tree, name }),
      events: {
        item: (entry, iflags, xname) => {
          if (options.dryRun && (iflags & ITEM.transfer) !== 0) {
            this.#wouldCome.files++
            this.#wouldCome.bytes += entry.stands.size
          }
          this.#events.item(entry, iflags, xname)
        },
        settled: (entry) => {
          if (options.removeSourceFiles && !options.dryRun) source.arrived(entry)
        },
      },
    })
    const isListedAhead = !isListedFirst && asksForWholeList(options)
    if (isListedAhead) {
      await unchanged.searchAhead(list.root)
      list.expand(list.root, null, (directory) => !unchanged.visits(directory))
      list.countUnlisted(unchanged.tally())
      this.#events.grew(countOf(list), list.count.bytes)
    }
    let walked: WalkedList<SourceDirectory> = list
    if (options.hardLinks) {
      const links = new LinksAhead(list.root, !options.incRecursive, (counts) =>
        generator.expectLinks(counts),
      )
      walked = { root: list.root, list: (at) => list.list(at), enter: (at) => links.enter(at) }
    }
    const walk = new Walk({
      options,
      list: walked,
      generator,
      deleter,
      mayDelete: () => target.mayDelete(),
      isNew: place.isNew,
      pause: () => pace.pause() ?? crew.pause(),
      drain: async () => {
        await crew.drain()
        placing.finish()
      },
      skips: unchanged,
    })
    await walk.run()
    if (!isListedAhead) list.countUnlisted(unchanged.tally())
    for (const entry of this.#again) this.#events.item(entry, ITEM.transfer | ITEM.time, null)
    this.#troubles.sourceDone()
    walk.deleteAtEnd()
    walk.finishDirectories()
    source.finish()
    return this.#report(list, generator, transfer)
  }

  #report(
    list: SourceList,
    generator: Generator | null,
    transfer: LocalTransfer | null,
  ): SyncReport {
    list.tallyRoot()
    const created = generator?.created ?? NO_COUNTS
    const refused = this.#target?.deleter.refused ?? 0
    return {
      listed: list.count,
      created: { ...created, file: created.file + (transfer?.unnamed ?? 0) },
      deleted: this.#target?.deleter.count ?? NO_COUNTS,
      transferred: this.#wouldCome.files + (transfer?.count.files ?? 0),
      transferredBytes: this.#wouldCome.bytes + (transfer?.count.bytes ?? 0),
      totalBytes: list.count.bytes,
      literal: transfer?.count.literal ?? 0,
      matched: transfer?.count.matched ?? 0,
      nameBytes: list.nameBytes,
      refusedDeletions: refused,
      wire: null,
      exit: this.#troubles.exit(refused),
    }
  }
}

/**
 * Progress tells how much is left, and how many names a file has is known when all are listed that are gone through; so is
 * whether all could be read: by that it goes whether anything is deleted at all, but in parts as far as the list came.
 */
function asksForWholeList(options: Options): boolean {
  const { progress, hardLinks, deleting, incRecursive, ignoreErrors } = options
  const isDeletingByIt = deleting !== null && deleting !== 'after' && !incRecursive
  return progress || hardLinks || (isDeletingByIt && !ignoreErrors)
}

/** Loaded when needed: the kernel is large. */
async function openDelta(): Promise<LocalDelta> {
  const [{ LocalDelta }, { openDeltaPool }] = await Promise.all([
    import('../rsync/local-delta.js'),
    import('../io/delta-pool.js'),
  ])
  return new LocalDelta(openDeltaPool)
}

/** The only entry of a list; null: there are more. */
function onlyEntry(list: SourceList): SourceEntry | null {
  const { root } = list
  if (list.hasDoubles) return null
  const [first, second] = list.look(root)
  if (root.entry !== null) return first === undefined ? root.entry : null
  if (first === undefined || second !== undefined) return null
  if (!isListed(first)) return first
  const [inner] = list.look(first)
  return inner === undefined ? first.entry : null
}
