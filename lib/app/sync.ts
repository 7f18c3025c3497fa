/**
 * A copy in rsync's place between two directories of this machine: the sender's list, the receiver's decisions and the bytes in
 * one. rsync(1).
 */
import { NONE_FOUND } from '../delta/match.js'
import type { FilterRule } from '../flist/filter.js'
import { operatorPaths } from '../io/operator.js'
import type { Options } from '../options/options.js'
import type { LocalDelta } from '../rsync/local-delta.js'
import type { SourceList } from '../rsync/source-list.js'
import { isListed, type SourceEntry } from '../rsync/source-node.js'
import { becomeCopyUser, checkOneSided } from './copy-as.js'
import { LocalCopy } from './local-copy.js'
import { countOf, forEachEntry, SourceSide } from './source-side.js'
import type { SyncCharsets } from './sync-charsets.js'
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
  #delta: LocalDelta | null = null
  #copy: LocalCopy | null = null

  constructor(config: SyncConfig, events: SyncEvents) {
    this.#config = config
    this.#events = events
    this.#troubles = new Troubles(events)
  }

  async close(): Promise<void> {
    await this.#copy?.close()
    await this.#delta?.close()
    this.#source?.close()
    this.#target?.close()
  }

  async run(signal: AbortSignal): Promise<SyncReport> {
    const { options, destination: named } = this.#config
    checkOneSided(options.remoteOptions)
    const trusted = operatorPaths(options)
    const charsets = await openCharsets(options, this.#events)
    const source = this.#openSource(trusted, charsets)
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
      return this.#report(list)
    }
    // What is written there must not be met again as a source; how many entries come may be told before all else.
    const goes = standsAt(destination)
    const isInside = source.within(places).some((path) => isBelow(goes, path))
    const isTold = (options.progress || options.info.flist > 1) && !options.incRecursive
    const isListedFirst = options.pruneEmptyDirs || isTold || isInside
    if (isListedFirst) list.expand(list.root, keptEmpty(options, filters))
    this.#events.counted(countOf(list), list.count.bytes)
    const target = this.#openTarget(list, filters, trusted, charsets)
    if (target === null) return this.#report(list)
    this.#events.started()
    const [events, troubles] = [this.#events, this.#troubles]
    const copied = { options, filters, source, list, target, delta, troubles, events }
    this.#copy = new LocalCopy({ ...copied, isListed: isListedFirst, signal })
    await this.#copy.run()
    return this.#report(list)
  }

  #openSource(trusted: (path: string) => string, charsets: SyncCharsets | null): SourceSide {
    const { options, sources } = this.#config
    this.#source = new SourceSide({
      options,
      sources,
      trusted,
      troubles: this.#troubles,
      lacking: charsets?.lacking ?? null,
      events: this.#events,
    })
    return this.#source
  }

  /** Null: nothing is written. */
  #openTarget(
    list: SourceList,
    filters: readonly FilterRule[],
    trusted: (path: string) => string,
    charsets: SyncCharsets | null,
  ): TargetSide | null {
    const { options, destination } = this.#config
    const coming = { isEmpty: list.isEmpty, only: () => kindOfOnly(onlyEntry(list)) }
    const place = targetPlace(destination ?? '.', coming, options, (path, directories) =>
      this.#events.madeDestination(path, directories),
    )
    if (place === null) return null
    this.#target = new TargetSide({
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
    return this.#target
  }

  #report(list: SourceList): SyncReport {
    const { transfer, generator, wouldCome } = this.#copy ?? {}
    list.tallyRoot()
    const literal = transfer?.count.literal ?? 0
    // What the threads found is not known by blocks.
    if (this.#config.options.wholeFile !== false) this.#events.searched({ ...NONE_FOUND, literal })
    const created = generator?.created ?? NO_COUNTS
    const refused = this.#target?.deleter.refused ?? 0
    return {
      listed: list.count,
      created: { ...created, file: created.file + (transfer?.unnamed ?? 0) },
      deleted: this.#target?.deleter.count ?? NO_COUNTS,
      transferred: (wouldCome?.files ?? 0) + (transfer?.count.files ?? 0),
      transferredBytes: (wouldCome?.bytes ?? 0) + (transfer?.count.bytes ?? 0),
      totalBytes: list.count.bytes,
      literal,
      matched: transfer?.count.matched ?? 0,
      nameBytes: list.nameBytes,
      refusedDeletions: refused,
      wire: null,
      exit: this.#troubles.exit(refused),
    }
  }
}

/** --iconv; null: names are the same at both ends. */
async function openCharsets(options: Options, events: SyncEvents): Promise<SyncCharsets | null> {
  if (options.iconv === null) return null
  const { openSyncCharsets } = await import('./sync-charsets.js')
  const charsets = openSyncCharsets(options.iconv, process.env)
  charsets.tell(events.trace)
  return charsets
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
