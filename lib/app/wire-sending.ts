/** The sending half of a connection, at either end: a list of what the sources name, and the bytes that are asked for. */
import { byteName } from '../base/byte-name.js'
import type { Charset } from '../flist/charset.js'
import { isAclName } from '../flist/posix-acl.js'
import { CHECKSUM_BYTES, openChecksum } from '../hash/checksum.js'
import { readAt, sizeOf } from '../io/open-file.js'
import type { SharedPace } from '../io/shared-pace.js'
import type { Options } from '../options/options.js'
import { KernelStore } from '../rsync/kernel-store.js'
import { blockSumOf, Outgoing } from '../rsync/outgoing.js'
import { Pace } from '../rsync/pace.js'
import { Sender } from '../rsync/sender.js'
import { SentLists } from '../rsync/sent-lists.js'
import type { SourceList } from '../rsync/source-list.js'
import type { SourceEntry } from '../rsync/source-node.js'
import type { Deleted } from '../wire/farewell.js'
import type { WireEntry, WireXattr } from '../wire/file-entry.js'
import { ListEncoder } from '../wire/list-encoder.js'
import { NdxWriter } from '../wire/ndx.js'
import { has, type Terms } from '../wire/terms.js'
import { openTokenEncoder } from '../wire/tokens.js'
import type { BatchRecording } from './batch-recording.js'
import { countOf, type SourceSide } from './source-side.js'
import { NO_COUNTS, type SyncEvents, type SyncReport, type Troubles } from './sync-events.js'
import type { Accounts } from './target-side.js'
import { entryToWire, fromWire } from './wire-charset.js'
import type { WireConnection } from './wire-connection.js'
import { SourceSums } from './wire-sums.js'
import { listOptions } from './wire-terms.js'

export type SendingParts = {
  readonly connection: WireConnection
  readonly terms: Terms
  readonly options: Options
  readonly source: SourceSide
  readonly list: SourceList
  readonly troubles: Troubles
  readonly accounts: Accounts
  readonly isServer: boolean
  /** What it may send together with others; null: nothing is shared. */
  readonly uplink: SharedPace | null
  /** --iconv: names here; null: they go as they are. */
  readonly charset: Charset | null
  /** The batch that is written. */
  readonly recording: BatchRecording | null
  readonly events: SyncEvents
}

export async function sendFiles(parts: SendingParts): Promise<SyncReport> {
  const { connection, terms, options, list, source, troubles, isServer, events } = parts
  const { charset, recording, uplink } = parts
  const { writer, reader } = connection
  const { data } = writer
  if (recording !== null) {
    await writer.flush()
    writer.record = recording.take
  }
  const aside = options.batch?.kind === 'only-write' ? (recording?.aside ?? null) : null
  const isIncremental = has(terms, 'incremental')
  const began = performance.now()
  const numbers = new NdxWriter(terms.protocol)
  const shaped = listOptions(options)
  const names = namesOf(options, parts.accounts)
  const encoder = new ListEncoder(terms, shaped, names)
  const sums = options.checksum
    ? new SourceSums(
        await openChecksum(terms.listChecksum, terms.seed),
        CHECKSUM_BYTES[terms.listChecksum],
        () => connection.pause(),
      )
    : null
  const describe = describer(parts, names, sums)
  // What has to be known first is looked at first.
  if (!isIncremental) list.expand(list.root, null)
  const bits = (): number => (options.ignoreErrors ? 0 : troubles.bits)
  const lists = new SentLists({
    list,
    encoder,
    numbers,
    protocol: terms.protocol,
    incremental: isIncremental,
    impliedDirs: options.impliedDirs,
    describe,
    prepare: sums === null ? null : (entries) => sums.prepare(entries),
    ioError: bits,
    grew: () => events.grew(countOf(list), list.count.bytes),
  })
  const written = (): number => writer.bytesWritten + data.length
  const before = written()
  await lists.sendFirst(data)
  if (!isIncremental) encoder.idLists(data, names)
  const listBytes = written() - before
  await writer.flush()
  const listMs = performance.now() - began
  events.counted(countOf(list), list.count.bytes)
  let deleted: Deleted = NO_COUNTS
  const pace = new Pace({
    bwlimit: options.bwlimit,
    shared: uplink === null ? null : (bytes) => uplink.spend(bytes),
    stopAtMs: options.stopAtMs,
    signal: connection.signal,
    moved: (bytes) => events.moved(bytes),
  })
  const outgoing = new Outgoing({
    options,
    terms,
    writer: aside ?? writer,
    tokens: openTokenEncoder(terms, (aside ?? writer).data, options.compressLevel),
    checksum: await openChecksum(terms.checksum, terms.seed),
    blockSum: blockSumOf(terms),
    kernels: new KernelStore(),
    read: readAt,
    pause: (bytes) => pace.spent(bytes),
  })
  const sender = new Sender({
    options,
    terms,
    reader,
    writer,
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
    ioError: bits,
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
      allArrived: () => source.finish(),
      deleted: (count) => {
        deleted = count
      },
    },
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
  else await connection.leave()
  list.tallyRoot()
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
      sent: writer.bytesWritten,
      received: reader.bytesRead,
      listBytes,
      listBuildMs: listMs,
      listSendMs: 0,
    },
    exit: troubles.exit(0),
  }
}

type Names = { user(id: number): string | null; group(id: number): string | null }

/** Names of this machine, each looked up once. */
function namesOf({ numericIds }: Options, { users, groups }: Accounts): Names {
  const once = (find: (id: number) => string | null): ((id: number) => string | null) => {
    const known = new Map<number, string | null>()
    return (id) => {
      const before = known.get(id)
      if (before !== undefined) return before
      const name = numericIds ? null : find(id)
      known.set(id, name)
      return name
    }
  }
  return { user: once(users.name), group: once(groups.name) }
}

/** What is told of an entry besides what the list of this machine has. */
function describer(
  { options, terms, charset }: SendingParts,
  names: Names,
  sums: SourceSums | null,
): (entry: SourceEntry, isTop: boolean) => WireEntry {
  const targets = has(terms, 'symlinkIconv')
  const wantsXattrs = options.xattrs > 0 || options.acls
  return (entry, isTop) => {
    const { stands } = entry
    // Field by field: a copy of all of them costs as much as looking at the file.
    const told = {
      name: entry.name,
      stands,
      mode: entry.mode,
      target: entry.target,
      atimeNs: entry.atimeNs,
      link: entry.link,
      isBare: entry.isBare,
      isMissing: entry.isMissing,
      isTop,
      userName: names.user(stands.uid),
      groupName: names.group(stands.gid),
      sum: stands.kind === 'file' ? (sums?.take(entry) ?? null) : null,
      xattrs: wantsXattrs ? xattrsOf(entry) : NO_XATTRS,
    }
    return charset === null ? told : entryToWire(charset, told, targets)
  }
}
const NO_XATTRS: readonly WireXattr[] = []

function xattrsOf({ origin }: SourceEntry): readonly WireXattr[] {
  const isRoot = process.geteuid?.() === 0
  const found = origin.tree.xattrs(origin.name)
  const isSent = (name: string): boolean =>
    !name.startsWith('user.rsync.%') &&
    (isRoot ? !name.startsWith('system.') : name.startsWith('user.'))
  const plain = found.filter(({ name }) => isSent(name))
  const acls = found.filter(({ name }) => isAclName(name))
  return [...plain, ...acls].map(({ name, value }) => ({
    name,
    value,
    length: value.length,
    digest: '',
  }))
}
/** A long value that is asked for; empty where it is gone. */
function xattrValue(entry: SourceEntry, item: number): string {
  return xattrsOf(entry).filter(({ name }) => !name.startsWith('system.'))[item - 1]?.value ?? ''
}
