/** The generator over a connection: goes through the list that comes, asks for bytes, and makes here what takes none. */
import { openChecksum } from '../hash/checksum.js'
import { isDryOnWire, type Options } from '../options/options.js'
import { ITEM } from '../plan/iflags.js'
import type { Asking } from '../rsync/asking.js'
import type { Generator } from '../rsync/generator.js'
import type { Ledger } from '../rsync/ledger.js'
import { LocalTransfer } from '../rsync/local-transfer.js'
import { Pace } from '../rsync/pace.js'
import type { ReceivedLists } from '../rsync/received-lists.js'
import type { ReceivedDirectory } from '../rsync/received-tree.js'
import { Walk } from '../rsync/walk.js'
import { TAG } from '../wire/mux.js'
import type { Terms } from '../wire/terms.js'
import type { SyncEvents } from './sync-events.js'
import type { TargetSide } from './target-side.js'
import type { WireConnection } from './wire-connection.js'
import { TargetSums } from './wire-sums.js'

export type WireGeneratorParts = {
  readonly connection: WireConnection
  readonly terms: Terms
  readonly options: Options
  readonly lists: ReceivedLists
  readonly ledger: Ledger
  readonly target: TargetSide
  readonly asking: Asking
  readonly events: SyncEvents
}

export type WireGenerator = {
  readonly generator: Generator
  readonly walk: Walk<ReceivedDirectory>
}

export async function openWireGenerator(parts: WireGeneratorParts): Promise<WireGenerator> {
  const { connection, terms, options, lists, target, asking } = parts
  const sums = options.checksum
    ? new TargetSums(await openChecksum(terms.listChecksum, terms.seed), target.to.tree, () =>
        connection.pause(),
      )
    : null
  const pace = new Pace({
    bwlimit: 0,
    shared: null,
    stopAtMs: options.stopAtMs,
    signal: connection.signal,
    moved: () => {},
  })
  const generator = generatorOf(parts, sums, pace)
  const { writer } = connection
  // What was asked for must not wait long, nor the answers.
  const pause = (): Promise<void> | null => {
    const isDue = !writer.isEmpty && performance.now() - writer.writtenMs > FLUSH_MS
    return asking.pause() ?? (isDue ? writer.flush() : (writer.room() ?? pace.pause()))
  }
  const walk = new Walk<ReceivedDirectory>({
    options,
    ready: (entry) => sums?.ready(entry) ?? null,
    list: lists,
    generator,
    deleter: target.deleter,
    mayDelete: () => target.mayDelete(),
    isNew: target.isNew,
    pause,
    drain: null,
    skips: null,
  })
  return { generator, walk }
}

/** Milliseconds that a request waits for others to go with. */
const FLUSH_MS = 5

function generatorOf(
  { connection, options, ledger, target, asking, events }: WireGeneratorParts,
  sums: TargetSums | null,
  pace: Pace,
): Generator {
  const local = copier(options, target, events)
  return target.generator({
    transfer: (request, done) => {
      const brought = (ok: boolean): void => target.placing.whenStanding(request, ok, done)
      if ((request.iflags & ITEM.transfer) !== 0) asking.file(request, brought)
      else pace.run(local.bring(request), brought)
    },
    equalSums: (entry, tree, name) => sums?.equal(entry, tree, name) ?? false,
    events: {
      item: (entry, iflags, xname) => {
        if ((iflags & ITEM.transfer) === 0 || isDryOnWire(options))
          asking.item(entry, iflags, xname)
        else events.item(entry, iflags, xname)
      },
      settled: (entry) => {
        if (options.removeSourceFiles && !options.dryRun)
          connection.writer.number(TAG.success, entry.number ?? -1)
      },
      waits: (entry, isWaiting) => {
        if (isWaiting) ledger.begin(entry.number ?? -1)
        else ledger.end(entry.number ?? -1)
      },
    },
  })
}

/** Brings what stands here already: rsync(1) --copy-dest. */
function copier(options: Options, target: TargetSide, { trace }: SyncEvents): LocalTransfer {
  return new LocalTransfer({
    options: { ...options, wholeFile: true },
    to: target.to,
    placing: target.placing,
    delta: null,
    events: {
      trace,
      began: () => {},
      ended: () => {},
      retried: () => {},
      fault: target.fault,
      sourceFault: (call, entry, error) => target.fault(call, entry.name, error),
    },
  })
}
