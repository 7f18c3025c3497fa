/**
 * What copies on this machine: the walk through the list, the generator, and who brings bytes: this thread, several where files
 * are many. Where nothing is to be done is found out in bulk.
 */
import { atOnce } from '../base/steps.js'
import type { FilterRule } from '../flist/filter.js'
import { openCopyPool } from '../io/copy-pool.js'
import { equalFiles } from '../io/equal-files.js'
import { openLook, openLookPool } from '../io/look-pool.js'
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
import { pathOf, type SourceDirectory } from '../rsync/source-node.js'
import { Unchanged } from '../rsync/unchanged.js'
import { Walk, type WalkedList } from '../rsync/walk.js'
import { countOf, type SourceSide } from './source-side.js'
import type { SyncEvents, Troubles } from './sync-events.js'
import type { TargetSide } from './target-side.js'

export type LocalCopyParts = {
  readonly options: Options
  readonly filters: readonly FilterRule[]
  readonly source: SourceSide
  readonly list: SourceList
  /** All of it is listed. */
  readonly isListed: boolean
  readonly target: TargetSide
  /** Null: whole files are copied. */
  readonly delta: LocalDelta | null
  readonly troubles: Troubles
  readonly events: SyncEvents
  readonly signal: AbortSignal
}

export class LocalCopy {
  readonly #parts: LocalCopyParts
  readonly #pace: Pace
  readonly transfer: LocalTransfer
  readonly #crew: CopyCrew
  readonly #unchanged: Unchanged
  readonly generator: Generator
  #walk: Walk<SourceDirectory> | null = null
  /** Files that came a second time: told at the end, as rsync does it then. */
  readonly #again: Entry[] = []
  /** What a dry run would bring. */
  readonly wouldCome = { files: 0, bytes: 0 }

  constructor(parts: LocalCopyParts) {
    this.#parts = parts
    const { options, filters, target, events, signal } = parts
    const { to, attributes } = target
    this.#pace = new Pace({
      bwlimit: options.bwlimit,
      shared: null,
      stopAtMs: options.stopAtMs,
      signal,
      moved: (bytes) => events.moved(bytes),
    })
    const transfer = this.#openTransfer()
    this.transfer = transfer
    this.#crew = new CopyCrew({
      options,
      to: to.tree,
      attributes,
      open: openCopyPool,
      bring: (request) => atOnce(transfer.bring(request)),
      count: transfer.count,
      uid: process.geteuid?.() ?? -1,
      signal,
    })
    this.#unchanged = new Unchanged({
      options,
      keeping: attributes.keeping,
      filters,
      to: to.tree,
      open: openLook,
      threads: openLookPool,
      signal,
    })
    this.generator = this.#openGenerator()
  }

  async close(): Promise<void> {
    await this.#crew.close()
    await this.#unchanged.close()
  }

  async run(): Promise<void> {
    const { options, list, isListed, events, troubles, source } = this.#parts
    const isListedAhead = !isListed && asksForWholeList(options)
    if (isListedAhead) await this.#listAhead()
    const walk = this.#openWalk()
    this.#walk = walk
    await walk.run()
    if (!isListedAhead) list.countUnlisted(this.#unchanged.tally())
    for (const entry of this.#again) events.item(entry, ITEM.transfer | ITEM.time, null)
    troubles.sourceDone()
    walk.deleteAtEnd()
    walk.finishDirectories()
    source.finish()
  }

  /** All of the list but what need not be gone through. */
  async #listAhead(): Promise<void> {
    const { list, events } = this.#parts
    const unchanged = this.#unchanged
    await unchanged.searchAhead(list.root)
    list.expand(list.root, null, (directory) => !unchanged.visits(directory))
    list.countUnlisted(unchanged.tally())
    events.grew(countOf(list), list.count.bytes)
  }

  #openTransfer(): LocalTransfer {
    const { options, list, target, delta, troubles, events } = this.#parts
    return new LocalTransfer({
      options,
      to: target.to,
      placing: target.placing,
      delta,
      events: {
        trace: events.trace,
        began: (entry) => events.began(entry),
        ended: (entry) =>
          events.ended(entry, { passed: this.#walk?.passed ?? 0, listed: countOf(list) }),
        retried: (entry, name) => {
          events.retried(entry, name)
          this.#again.push(entry)
        },
        fault: target.fault,
        sourceFault: (call, entry, error) => troubles.sender(call, pathOf(entry.origin), error),
      },
    })
  }

  #openGenerator(): Generator {
    const { options, source, target, events } = this.#parts
    const { transfer, wouldCome } = this
    const crew = this.#crew
    const pace = this.#pace
    return target.generator({
      transfer: (request, done) => {
        if (crew.takes(request, done)) return
        pace.run(transfer.bring(request), (ok) => target.placing.whenStanding(request, ok, done))
      },
      equalSums: (entry, tree, name) => equalFiles(entry.origin, { tree, name }),
      events: {
        item: (entry, iflags, xname) => {
          if (options.dryRun && (iflags & ITEM.transfer) !== 0) {
            wouldCome.files++
            wouldCome.bytes += entry.stands.size
          }
          events.item(entry, iflags, xname)
        },
        settled: (entry) => {
          if (options.removeSourceFiles && !options.dryRun) source.arrived(entry)
        },
      },
    })
  }

  #openWalk(): Walk<SourceDirectory> {
    const { options, target } = this.#parts
    const pace = this.#pace
    const crew = this.#crew
    return new Walk<SourceDirectory>({
      options,
      list: this.#walked(),
      generator: this.generator,
      deleter: target.deleter,
      mayDelete: () => target.mayDelete(),
      isNew: target.isNew,
      pause: () => pace.pause() ?? crew.pause(),
      drain: async () => {
        await crew.drain()
        target.placing.finish()
      },
      skips: this.#unchanged,
    })
  }
  /** The list, as it is gone through: names of one file are told of ahead. */
  #walked(): WalkedList<SourceDirectory> {
    const { options, list } = this.#parts
    if (!options.hardLinks) return list
    const links = new LinksAhead(list.root, !options.incRecursive, (counts) =>
      this.generator.expectLinks(counts),
    )
    return { root: list.root, list: (at) => list.list(at), enter: (at) => links.enter(at) }
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
