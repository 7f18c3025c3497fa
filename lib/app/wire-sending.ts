/** The sending half of a connection, at either end: a list of what the sources name, and the bytes that are asked for. */
import { byteName } from '../base/byte-name.js'
import { CHECKSUM_BYTES, openChecksum } from '../hash/checksum.js'
import { readAt, sizeOf } from '../io/open-file.js'
import type { SharedPace } from '../io/shared-pace.js'
import { KernelStore } from '../rsync/kernel-store.js'
import { blockSumOf, Outgoing } from '../rsync/outgoing.js'
import { Pace } from '../rsync/pace.js'
import { Sender } from '../rsync/sender.js'
import { SentLists } from '../rsync/sent-lists.js'
import type { SourceList } from '../rsync/source-list.js'
import type { Deleted } from '../wire/farewell.js'
import { ListEncoder } from '../wire/list-encoder.js'
import { NdxWriter } from '../wire/ndx.js'
import { has } from '../wire/terms.js'
import { openTokenEncoder } from '../wire/tokens.js'
import type { Aside, BatchRecording } from './batch-recording.js'
import {
  type DescriberParts,
  describer,
  type OwnerNames,
  ownerNames,
  xattrValue,
} from './described-entry.js'
import { countOf, type SourceSide } from './source-side.js'
import { NO_COUNTS, type SyncEvents, type SyncReport, type Troubles } from './sync-events.js'
import type { Accounts } from './target-side.js'
import { fromWire } from './wire-charset.js'
import type { WireConnection } from './wire-connection.js'
import { SourceSums } from './wire-sums.js'
import { listOptions } from './wire-terms.js'

export type SendingParts = DescriberParts & {
  readonly connection: WireConnection
  readonly source: SourceSide
  readonly list: SourceList
  readonly troubles: Troubles
  readonly accounts: Accounts
  readonly isServer: boolean
  /** What it may send together with others; null: nothing is shared. */
  readonly uplink: SharedPace | null
  /** The batch that is written. */
  readonly recording: BatchRecording | null
  readonly events: SyncEvents
}

export async function sendFiles(parts: SendingParts): Promise<SyncReport> {
  const { connection, terms, options, list, source, troubles, isServer, events } = parts
  const { charset, recording } = parts
  const { writer } = connection
  if (recording !== null) {
    await writer.flush()
    writer.record = recording.take
  }
  const began = performance.now()
  const names = ownerNames(options, parts.accounts)
  const encoder = new ListEncoder(terms, listOptions(options), names)
  const numbers = new NdxWriter(terms.protocol)
  const describe = { names, sums: await openSums(parts) }
  // What has to be known first is looked at first.
  if (!has(terms, 'incremental')) list.expand(list.root, null)
  const lists = openLists(parts, encoder, numbers, describe)
  const listBytes = await sendFirst(parts, lists, encoder, names)
  const listMs = performance.now() - began
  events.counted(countOf(list), list.count.bytes)
  let deleted: Deleted = NO_COUNTS
  // --only-write-batch: what answers hold goes there alone.
  const aside = options.batch?.kind === 'only-write' ? (recording?.openAside() ?? null) : null
  const outgoing = await openOutgoing(parts, aside)
  const sender = openSender(parts, { lists, numbers, outgoing, aside }, listMs, (count) => {
    deleted = count
  })
  connection.handlers = {
    ...connection.handlers,
    success: (number) => {
      const entry = sender.finished(number)
      if (entry !== null && options.removeSourceFiles && !options.dryRun) source.arrived(entry)
    },
    deleted: (name, isDirectory) => events.deleting(byteName(fromWire(charset, name)), isDirectory),
    ioError: (given) => troubles.add(given),
  }
  // Without anything in the list a client has left.
  if (!isServer || lists.entries > 0) await sender.run()
  else {
    tellSearched(parts, outgoing)
    await connection.leave()
  }
  list.tallyRoot()
  return reportOf(parts, sender, outgoing, deleted, { listBytes, listBuildMs: listMs })
}

/** --checksum; null: sums are not told. */
async function openSums({ options, terms, connection }: SendingParts): Promise<SourceSums | null> {
  if (!options.checksum) return null
  const checksum = await openChecksum(terms.listChecksum, terms.seed)
  return new SourceSums(checksum, CHECKSUM_BYTES[terms.listChecksum], () => connection.pause())
}

/** Errors of reading so far, as the receiver is told of them. */
function ioErrorOf({ options, troubles }: SendingParts): number {
  return options.ignoreErrors ? 0 : troubles.bits
}

function openLists(
  parts: SendingParts,
  encoder: ListEncoder,
  numbers: NdxWriter,
  { names, sums }: { readonly names: OwnerNames; readonly sums: SourceSums | null },
): SentLists {
  const { terms, options, list, events } = parts
  return new SentLists({
    list,
    encoder,
    numbers,
    protocol: terms.protocol,
    incremental: has(terms, 'incremental'),
    impliedDirs: options.impliedDirs,
    describe: describer(parts, names, sums),
    prepare: sums === null ? null : (entries) => sums.prepare(entries),
    ioError: () => ioErrorOf(parts),
    grew: () => events.grew(countOf(list), list.count.bytes),
  })
}

/** The first list, and what goes with it. @returns bytes that it took */
async function sendFirst(
  { connection, terms }: SendingParts,
  lists: SentLists,
  encoder: ListEncoder,
  names: OwnerNames,
): Promise<number> {
  const { writer } = connection
  const { data } = writer
  const written = (): number => writer.bytesWritten + data.length
  const before = written()
  await lists.sendFirst(data)
  if (!has(terms, 'incremental')) encoder.idLists(data, names)
  const bytes = written() - before
  await writer.flush()
  return bytes
}

/** @param aside where answers go alone; null: to the receiver */
async function openOutgoing(
  { connection, terms, options, uplink, events }: SendingParts,
  aside: Aside | null,
): Promise<Outgoing> {
  const pace = new Pace({
    bwlimit: options.bwlimit,
    shared: uplink === null ? null : (bytes) => uplink.spend(bytes),
    stopAtMs: options.stopAtMs,
    signal: connection.signal,
    moved: (bytes) => events.moved(bytes),
  })
  const writer = aside ?? connection.writer
  return new Outgoing({
    options,
    terms,
    writer,
    tokens: openTokenEncoder(terms, writer.data, options.compressLevel),
    checksum: await openChecksum(terms.checksum, terms.seed),
    blockSum: blockSumOf(terms),
    kernels: new KernelStore(),
    read: readAt,
    pause: (bytes) => pace.spent(bytes),
  })
}

function tellSearched({ events }: SendingParts, { found, count }: Outgoing): void {
  events.searched({ ...found, literal: count.literal })
}

type SentParts = {
  readonly lists: SentLists
  readonly numbers: NdxWriter
  readonly outgoing: Outgoing
  readonly aside: Aside | null
}

function openSender(
  parts: SendingParts,
  { lists, numbers, outgoing, aside }: SentParts,
  listMs: number,
  deleted: (count: Deleted) => void,
): Sender {
  const { connection, terms, options, list, source, troubles, isServer, recording, events } = parts
  return new Sender({
    options,
    terms,
    reader: connection.reader,
    writer: connection.writer,
    numbers,
    lists,
    outgoing,
    batch:
      recording === null
        ? null
        : { stats: (stats, protocol) => recording.stats(stats, protocol), aside },
    files: { size: sizeOf, xattrValue },
    isServer,
    // rsync(1) %b and %c: known afterwards.
    tellsFirst:
      !isServer && !/%[-\d']*[bc]/.test(`${options.outFormat ?? ''} ${options.logFileFormat}`),
    ioError: () => ioErrorOf(parts),
    stats: () => ({ size: list.count.bytes, listBuildMs: Math.round(listMs), listSendMs: 0 }),
    events: {
      item: (entry, iflags, xname) =>
        events.item(entry, iflags, xname === null ? null : byteName(xname)),
      began: (entry) => events.began(entry),
      ended: (entry, number, moved) =>
        events.ended(
          entry,
          {
            passed: lists.passedAt(number),
            listed: lists.entries,
            isGrowing: !lists.isWhole,
          },
          moved,
        ),
      moved: (bytes) => events.moved(bytes),
      fault: (call, path, error) => troubles.sender(call, path, error),
      allArrived: () => {
        source.finish()
        tellSearched(parts, outgoing)
      },
      deleted,
    },
  })
}

function reportOf(
  { connection, terms, list, troubles }: SendingParts,
  sender: Sender,
  outgoing: Outgoing,
  deleted: Deleted,
  listing: { readonly listBytes: number; readonly listBuildMs: number },
): SyncReport {
  return {
    listed: list.count,
    created: sender.created,
    deleted,
    transferred: sender.count.files,
    transferredBytes: sender.count.bytes,
    totalBytes: list.count.bytes,
    literal: outgoing.count.literal,
    matched: outgoing.count.matched,
    nameBytes: list.nameBytes,
    refusedDeletions: 0,
    wire: {
      protocol: terms.protocol,
      sent: connection.writer.bytesWritten,
      received: connection.reader.bytesRead,
      ...listing,
      listSendMs: 0,
    },
    exit: troubles.exit(0),
  }
}
