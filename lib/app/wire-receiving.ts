/** The receiving half of a connection, at either end: goes through the list that comes, asks, and makes it stand here. */
import { byteName } from '../base/byte-name.js'
import type { Charset } from '../flist/charset.js'
import { parseChmod } from '../flist/chmod.js'
import { openChecksum } from '../hash/checksum.js'
import { ITEM } from '../plan/iflags.js'
import type { AskedNames } from '../rsync/asked-names.js'
import { Asking } from '../rsync/asking.js'
import { forEachReceived } from '../rsync/for-each-received.js'
import type { Generator } from '../rsync/generator.js'
import { KernelStore } from '../rsync/kernel-store.js'
import { Ledger } from '../rsync/ledger.js'
import { blockSumOf } from '../rsync/outgoing.js'
import type { ListRule, ReceivedEntry } from '../rsync/received-entry.js'
import { ReceivedLists } from '../rsync/received-lists.js'
import { Receiver, type Replay } from '../rsync/receiver.js'
import type { Entry } from '../rsync/request.js'
import type { Item } from '../wire/item.js'
import { ListDecoder } from '../wire/list-decoder.js'
import { NdxWriter } from '../wire/ndx.js'
import { has } from '../wire/terms.js'
import { openTokenDecoder } from '../wire/tokens.js'
import { NO_COUNTS, type SyncReport } from './sync-events.js'
import { keptEmpty } from './sync-filters.js'
import type { TargetSide } from './target-side.js'
import { entryFromWire } from './wire-charset.js'
import type { WireConnection } from './wire-connection.js'
import { openWireGenerator } from './wire-generator.js'
import { openWireTarget, type WireTargetParts } from './wire-target.js'
import { listOptions } from './wire-terms.js'

export type ReceivingParts = WireTargetParts & {
  readonly connection: WireConnection
  readonly isServer: boolean
  /** --iconv: names here; null: they are as they come. */
  readonly charset: Charset | null
  /** A batch is read in place of a sender. */
  readonly isReplay: boolean
  /** What may be in the list; null: whatever the sender has. */
  readonly asked: AskedNames | null
}

export async function receiveFiles(parts: ReceivingParts): Promise<SyncReport> {
  const { options, terms } = parts
  // `--delete` without a time means before where the protocol is older.
  const isOld = terms.protocol < 30 && options.said.deleting === 'some time'
  const run = new Receiving(
    isOld ? { ...parts, options: { ...options, deleting: 'before' } } : parts,
  )
  try {
    return await run.run()
  } finally {
    run.close()
  }
}

class Receiving {
  readonly #parts: ReceivingParts
  #target: TargetSide | null = null
  readonly #lists: ReceivedLists
  readonly #ledger: Ledger
  readonly #numbers: NdxWriter
  #generator: Generator | null = null
  /** Of lists that came before anything could be decided. */
  readonly #links: ReadonlyMap<string, number>[] = []
  /** By number, where a batch may name any of them. */
  readonly #entries = new Map<number, ReceivedEntry>()
  #receiver: Receiver | null = null
  /** What a dry run would bring. */
  readonly #wouldCome = { files: 0, bytes: 0 }

  constructor(parts: ReceivingParts) {
    this.#parts = parts
    const { terms, connection } = parts
    const isIncremental = has(terms, 'incremental')
    connection.maySign = false
    this.#numbers = new NdxWriter(terms.protocol)
    this.#ledger = new Ledger(() => this.#numbers.write(connection.writer.data, -1))
    this.#lists = new ReceivedLists(terms.protocol, isIncremental, ruleOf(parts), {
      came: (start, count, entries, of) => {
        if (parts.isReplay)
          for (const entry of of === null ? entries : [...entries, of])
            this.#entries.set(entry.number, entry)
        if (isIncremental) this.#ledger.add(start, count)
        parts.events.grew(this.#lists.entries, this.#lists.count.bytes)
        const links = countLinks(entries)
        if (this.#generator === null) this.#links.push(links)
        else this.#generator.expectLinks(links)
      },
      passed: (start) => {
        this.#ledger.passed(start)
        if (parts.isReplay) this.#receiver?.phases.progressed()
      },
      lost: (what, entry) => {
        parts.troubles.faults++
        parts.troubles.isUnsafe = true
        parts.events.skipped(what, entry.name, 'receiver')
      },
      waits: () => {
        if (this.#receiver?.phases.isHeld === true) this.#lists.hurry()
        return connection.writer.flush()
      },
    })
  }

  close(): void {
    this.#target?.close()
  }

  async run(): Promise<SyncReport> {
    const { connection, terms, options, troubles, events, isServer } = this.#parts
    const { reader } = connection
    const began = performance.now()
    const decoder = new ListDecoder(terms, listOptions(options))
    const listedFrom = reader.bytesRead
    const receiver = this.#openReceiver(decoder)
    this.#receiver = receiver
    connection.handlers = {
      ...connection.handlers,
      ioError: (bits) => troubles.add(bits),
      notSent: (number) => receiver.notSent(number),
    }
    const hasAny = await receiver.firstList()
    connection.maySign = true
    const listMs = performance.now() - began
    const listBytes = reader.bytesRead - listedFrom
    events.counted(this.#lists.entries, this.#lists.count.bytes)
    const report = (): SyncReport => this.#report(receiver, listMs, listBytes)
    // Without anything in the list the sender has left already.
    if (!hasAny && !isServer) return report()
    const target = openWireTarget(this.#parts, this.#lists, decoder.ids)
    this.#target = target
    if (target === null) {
      await this.#listOnly(receiver)
      return report()
    }
    events.started()
    const asking = this.#asking(target)
    receiver.begin(asking, {
      options,
      protocol: terms.protocol,
      to: target.to,
      placing: options.dryRun ? null : target.placing,
      checksum: await openChecksum(terms.checksum, terms.seed),
      fault: (call, request, error) => target.fault(call, request.name, error),
      moved: (bytes) => events.moved(bytes),
      lends: terms.compressor === null,
    })
    await this.#exchange(receiver, asking, target)
    return report()
  }

  #openReceiver(decoder: ListDecoder): Receiver {
    const { connection, terms, options, troubles, events, isServer, isReplay } = this.#parts
    return new Receiver({
      options,
      terms,
      reader: connection.reader,
      writer: connection.writer,
      numbers: this.#numbers,
      decoder,
      tokens: openTokenDecoder(terms),
      lists: this.#lists,
      isServer,
      replay: isReplay ? this.#replay() : null,
      events: {
        item: (entry, item) => this.#echoed(entry, item),
        began: (entry) => events.began(entry),
        ended: (entry, moved) =>
          events.ended(
            entry,
            {
              passed: this.#lists.passedAt(entry.number ?? 0),
              listed: this.#lists.entries,
              isGrowing: !this.#lists.isWhole,
            },
            moved,
          ),
        mismatch: (entry, isLast) => {
          if (isLast) troubles.faults++
          events.mismatch(entry, isLast)
        },
        settled: (number) => this.#ledger.end(number),
        xattrs: (entry) =>
          this.#target?.attributes.giveXattrs(entry, this.#target.to.tree, entry.name),
        ioError: (bits) => troubles.add(bits),
      },
    })
  }

  #replay(): Replay {
    const { terms, troubles, events } = this.#parts
    return {
      held: () => this.#lists.hurry(),
      isPassed: (number) => has(terms, 'incremental') && this.#ledger.isPassed(number),
      entryAt: (number) => this.#entries.get(number) ?? null,
      skipped: (entry) => events.remark('batched', entry, entry.name),
      lacking: (entry) => {
        troubles.faults++
        events.remark('not-batched', entry, entry.name)
      },
    }
  }

  // ---- who goes through the list, and who takes what comes ----------------------------------------

  async #exchange(receiver: Receiver, asking: Asking, target: TargetSide): Promise<void> {
    const { connection, terms, options, events } = this.#parts
    const lists = this.#lists
    const ledger = this.#ledger
    const opened = { connection, terms, options, lists, ledger, target, asking, events }
    const { generator, walk } = await openWireGenerator(opened)
    this.#generator = generator
    for (const links of this.#links.splice(0)) generator.expectLinks(links)
    const deletes = options.deleting !== null || options.force
    await connection.together(
      async () => {
        await walk.run()
        await receiver.phases.run({
          isLate: options.deleting === 'after' || options.deleting === 'delay',
          isDelayed: options.delayUpdates,
          place: () => target.placing.finish(),
          deleteLate: () => walk.deleteAtEnd(),
          deleted: () => (deletes ? target.deleter.count : null),
          finish: () => walk.finishDirectories(),
        })
      },
      () => this.#answers(receiver),
    )
  }

  async #answers(receiver: Receiver): Promise<void> {
    try {
      await receiver.answers()
    } catch (error) {
      // Whoever waits for a list, or for the end of a phase, waits no longer.
      this.#lists.giveUp()
      receiver.phases.giveUp()
      throw error
    }
  }

  #asking(target: TargetSide): Asking {
    const { connection, terms, options, events } = this.#parts
    return new Asking({
      options,
      terms,
      to: target.to,
      writer: connection.writer,
      numbers: this.#numbers,
      kernels: new KernelStore(),
      // A batch has what somebody else asked for.
      blockSum: this.#parts.isReplay ? null : blockSumOf(terms),
      wantedXattrs: (entry) => target.attributes.missingXattrs(entry, target.to.tree, entry.name),
      told: (entry, iflags, xname) =>
        events.item(entry, iflags, xname === null ? null : byteName(xname)),
      fault: (call, entry, error) => target.fault(call, entry.name, error),
      begun: (number) => this.#ledger.begin(number),
      pause: () => connection.pause(),
    })
  }

  /** What the sender echoed was said to it by the generator. */
  #echoed(entry: Entry, { iflags, xname }: Item): void {
    if (this.#parts.options.dryRun && (iflags & ITEM.transfer) !== 0) {
      this.#wouldCome.files++
      this.#wouldCome.bytes += entry.stands.size
    }
    this.#parts.events.item(entry, iflags, xname === null ? null : byteName(xname))
  }

  /** Entries as they come, and nothing is asked for. */
  async #listOnly(receiver: Receiver): Promise<void> {
    const { events, connection } = this.#parts
    const lists = this.#lists
    await connection.together(
      async () => {
        await forEachReceived(lists, (entry) => events.listed(entry))
        await receiver.phases.run({
          isLate: false,
          isDelayed: false,
          place: () => {},
          deleteLate: () => {},
          deleted: () => null,
          finish: () => {},
        })
      },
      () => this.#answers(receiver),
    )
  }

  #report(receiver: Receiver, listMs: number, listBytes: number): SyncReport {
    const { connection, troubles, isReplay, terms } = this.#parts
    const { stats } = receiver
    const created = this.#generator?.created ?? NO_COUNTS
    const refused = this.#target?.deleter.refused ?? 0
    const lists = this.#lists
    return {
      listed: lists.count,
      created: { ...created, file: created.file + receiver.unnamed },
      deleted: this.#target?.deleter.count ?? NO_COUNTS,
      transferred: this.#wouldCome.files + receiver.count.files,
      transferredBytes: this.#wouldCome.bytes + receiver.count.bytes,
      totalBytes: lists.count.bytes,
      literal: receiver.count.literal,
      matched: receiver.count.matched,
      nameBytes: lists.nameBytes,
      refusedDeletions: refused,
      wire: {
        protocol: terms.protocol,
        // A client tells what the server counted; a batch, what was counted when it was written.
        sent: stats?.read ?? (isReplay ? 0 : connection.writer.bytesWritten),
        received: stats?.written ?? (isReplay ? 0 : connection.reader.bytesRead),
        listBytes,
        listBuildMs: stats?.listBuildMs ?? listMs,
        listSendMs: stats?.listSendMs ?? 0,
      },
      exit: troubles.exit(refused),
    }
  }
}

function ruleOf({ terms, options, filters, charset, asked }: ReceivingParts): ListRule {
  const targets = has(terms, 'symlinkIconv')
  return {
    chmod: parseChmod(options.chmod, process.umask()),
    mungeLinks: options.mungeLinks,
    keepsEmpty: keptEmpty(options, filters),
    convert: charset === null ? null : (entry) => entryFromWire(charset, entry, targets),
    asked,
  }
}

/** Members of each group of hard links. */
function countLinks(
  entries: readonly { readonly link: string | null }[],
): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { link } of entries) if (link !== null) counts.set(link, (counts.get(link) ?? 0) + 1)
  return counts
}
