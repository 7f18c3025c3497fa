/**
 * The sender: sends the list of its files, then for each request what the receiver's file lacks. Reads requests in order and
 * answers in the same order. prsync-protocol(7), transfer phase; phases.
 */
import { type Cursor, EMPTY } from '../base/bytes.js'
import { codeOf, FileError, ProtocolError } from '../base/errors.js'
import type { SumHead } from '../delta/block-size.js'
import { CHECKSUM_BYTES } from '../hash/checksum.js'
import { isDryOnWire, type Options } from '../options/options.js'
import { ITEM } from '../plan/iflags.js'
import {
  type Deleted,
  readDeleted,
  type WireStats,
  writeDeleted,
  writeStats,
} from '../wire/farewell.js'
import { type Item, readItem, readXattrWants, writeItem, writeXattrAnswers } from '../wire/item.js'
import { TAG } from '../wire/mux.js'
import { NDX, NdxReader, type NdxWriter } from '../wire/ndx.js'
import { lengthOf, readSumHead, writeSumHead } from '../wire/sum-head.js'
import { has, type Terms } from '../wire/terms.js'
import { asksXattrs } from './asks-xattrs.js'
import type { ByteSink, Outgoing } from './outgoing.js'
import type { WireReader } from './reader.js'
import { MARK, type SentLists } from './sent-lists.js'
import { pathOf, type SourceEntry } from './source-node.js'
import type { WireWriter } from './writer.js'

/** What one file took on the wire, frames and messages left out. */
export type Moved = {
  /** From its number to its sum. */
  readonly bytes: number
  /** Of the sums of the receiver's blocks, at the sender. */
  readonly sumBytes: number
  /** Of the whole file. */
  readonly digest: Uint8Array
}

export type SenderEvents = {
  /** What the receiver does, or has, as it says. */
  item(entry: SourceEntry, iflags: number, xname: string | null): void
  began(entry: SourceEntry): void
  ended(entry: SourceEntry, number: number, moved: Moved): void
  moved(bytes: number): void
  /** A source that cannot be read. */
  fault(call: string, path: string, error: unknown): void
  /** The receiver asks for nothing more, and has told what stands there. */
  allArrived(): void
  /** The receiver removed so many. */
  deleted(count: Deleted): void
}

/** Reading files of the list. */
export type SourceFiles = {
  size(fd: number): number
  /** Long values of an entry's extended attributes, in the order in which they were sent, from 1. */
  xattrValue(entry: SourceEntry, item: number): string
}

/** What is written down besides. */
export type SenderBatch = {
  stats(stats: WireStats, protocol: number): void
  /** What answers hold goes there alone: --only-write-batch. */
  readonly aside: (ByteSink & { end(): void }) | null
}

export type SenderParts = {
  readonly options: Options
  readonly terms: Terms
  readonly reader: WireReader
  readonly writer: WireWriter
  readonly numbers: NdxWriter
  readonly lists: SentLists
  readonly outgoing: Outgoing
  /** The batch of a client; null: none is written. */
  readonly batch: SenderBatch | null
  readonly files: SourceFiles
  /** Whether a file is named before its bytes go, or after, when more is known of it. */
  readonly tellsFirst: boolean
  readonly isServer: boolean
  readonly events: SenderEvents
  /** Errors of reading so far. */
  readonly ioError: () => number
  /** For the client, at the end. */
  readonly stats: () => {
    readonly size: number
    readonly listBuildMs: number
    readonly listSendMs: number
  }
}

type AskedFor = { readonly number: number; readonly entry: SourceEntry; readonly phase: number }
type XattrAnswers = readonly { readonly item: number; readonly value: string }[]
type FileAsked = Pick<AskedFor, 'number' | 'entry'> & {
  readonly item: Item
  readonly answers: XattrAnswers | null
  /** Where its sum head began. */
  readonly from: number
}

export class Sender {
  readonly #parts: SenderParts
  readonly #asked: NdxReader
  #toldError: number
  readonly count = { files: 0, bytes: 0 }
  /** Entries that the receiver made. */
  readonly created = { file: 0, directory: 0, symlink: 0, device: 0, special: 0 }

  constructor(parts: SenderParts) {
    this.#parts = parts
    this.#asked = new NdxReader(parts.terms.protocol)
    this.#toldError = parts.ioError()
  }

  /** From the first request to the receiver's last word. */
  async run(): Promise<void> {
    const { terms, reader, writer, lists, events } = this.#parts
    const phases = terms.protocol >= 29 ? 3 : 2
    const numberOf = (c: Cursor): number => this.#asked.read(c)
    for (let phase = 0; phase < phases; ) {
      const more = has(terms, 'incremental') ? lists.sendMore(writer.data) : null
      if (more !== null) await more
      const room = writer.room()
      if (room !== null) await room
      const number = reader.decodeNow(numberOf) ?? (await reader.decode(numberOf))
      if (number !== NDX.done) {
        const wait = this.#isCount(number) ? this.#deleted() : this.#answer(number, phase)
        if (wait !== null) await wait
        continue
      }
      const isListDone = has(terms, 'incremental') && lists.close() && lists.hasOpen
      if (!isListDone) phase++
      if (phase === phases) {
        events.allArrived()
        this.#tellErrors()
      }
      this.#number(NDX.done)
    }
    await this.#farewell()
  }

  /** A word of the receiver about an entry: it stands there. @returns the entry, once; null: none that could */
  finished(number: number): SourceEntry | null {
    const entry = this.#parts.lists.at(number)
    if (entry === null || entry.stands.kind === 'directory') return null
    return this.#parts.lists.mark(number, MARK.finished) ? entry : null
  }

  async #farewell(): Promise<void> {
    const { terms, reader, writer, isServer, batch, stats } = this.#parts
    const { protocol } = terms
    const figures = {
      ...stats(),
      read: reader.bytesRead,
      written: writer.bytesWritten + writer.data.length,
    }
    if (isServer) writeStats(writer.data, figures, protocol)
    await writer.flush()
    batch?.stats(figures, protocol)
    for (let left = protocol >= 31 ? 2 : 1; left > 0; ) {
      const number = await reader.decode((c) => this.#asked.read(c))
      if (this.#isCount(number)) await this.#deleted()
      else if (number === NDX.done) {
        left--
        if (left > 0) {
          this.#number(NDX.done)
          await writer.flush()
        }
      } else throw new ProtocolError(`entry ${number} was asked for after the end`)
    }
    await writer.drain()
  }

  /** What was deleted comes at the end; before it where files are put in their places late. */
  #isCount(number: number): boolean {
    return number === NDX.deleteStats && this.#parts.terms.protocol >= 31
  }
  async #deleted(): Promise<void> {
    const { reader, writer, isServer, events } = this.#parts
    const count = await reader.decode(readDeleted)
    events.deleted(count)
    if (!isServer) return
    this.#number(NDX.deleteStats)
    writeDeleted(writer.data, count)
  }

  #number(ndx: number): void {
    this.#parts.numbers.write(this.#parts.writer.data, ndx)
  }
  #tellErrors(): void {
    const { ioError, writer, terms } = this.#parts
    if (ioError() === this.#toldError || terms.protocol < 30) return
    this.#toldError = ioError()
    writer.number(TAG.ioError, this.#toldError)
  }

  // ---- one request -------------------------------------------------------------------------------

  /** Null: it is done with, without a wait. */
  #answer(number: number, phase: number): Promise<void> | null {
    const entry = this.#parts.lists.at(number)
    if (entry === null)
      throw new ProtocolError(`entry ${number} was asked for, which is not in the list`)
    const item = this.#parts.reader.decodeNow(this.#itemOf)
    return item === undefined || asksXattrs(this.#parts.options, this.#parts.terms, item.iflags)
      ? this.#answerLater({ number, entry, phase }, item)
      : this.#answerNow({ number, entry, phase }, item, null)
  }
  readonly #itemOf = (c: Cursor): Item => readItem(c, this.#parts.terms.protocol)

  async #answerLater(asked: AskedFor, known: Item | undefined): Promise<void> {
    const { reader, options, terms } = this.#parts
    const item = known ?? (await reader.decode(this.#itemOf))
    const isAsking = asksXattrs(options, terms, item.iflags)
    const answers = isAsking ? await this.#xattrs(asked.entry) : null
    await this.#answerNow(asked, item, answers)
  }

  #answerNow(
    { number, entry, phase }: AskedFor,
    item: Item,
    answers: XattrAnswers | null,
  ): Promise<void> | null {
    const { options, events } = this.#parts
    const { iflags, xname } = item
    const isTransfer = (iflags & ITEM.transfer) !== 0
    if (isTransfer && entry.stands.kind !== 'file')
      throw new ProtocolError(`the bytes of entry ${number} were asked for, which is no file`)
    if (isTransfer && phase >= 2) throw new ProtocolError('a file was asked for in the last phase')
    if (!isTransfer || isDryOnWire(options)) {
      this.#prefix(number, item, answers)
      this.#told(entry, iflags)
      if (isTransfer) this.#counted(entry)
      events.item(entry, iflags, xname)
      return null
    }
    const file = { number, entry, item, answers, from: this.#parts.reader.position }
    const head = this.#parts.reader.decodeNow(this.#headOf)
    return head === undefined || head.count > 0
      ? this.#sendLater(file, head)
      : this.#send(file, head, EMPTY)
  }
  readonly #headOf = (c: Cursor): SumHead => {
    const { protocol, checksum } = this.#parts.terms
    return readSumHead(c, protocol, CHECKSUM_BYTES[checksum])
  }

  async #sendLater(file: FileAsked, known: SumHead | undefined): Promise<void> {
    const head = known ?? (await this.#parts.reader.decode(this.#headOf))
    const isAppended = this.#isAppended(file.number)
    const sums = isAppended || head.count === 0 ? EMPTY : await this.#sums(head)
    await this.#send(file, head, sums)
  }
  /** The first time. */
  #isAppended(number: number): boolean {
    const { options, lists } = this.#parts
    return options.append !== 'no' && !lists.isMarked(number, MARK.sent)
  }

  #told(entry: SourceEntry, iflags: number): void {
    if ((iflags & ITEM.isNew) === 0) return
    const { kind } = entry.stands
    if (kind === 'character' || kind === 'block') this.created.device++
    else if (kind === 'fifo' || kind === 'socket') this.created.special++
    else this.created[kind]++
  }

  async #xattrs(entry: SourceEntry): Promise<XattrAnswers> {
    const wants = await this.#parts.reader.decode(readXattrWants)
    return wants.map((item) => ({ item, value: this.#parts.files.xattrValue(entry, item) }))
  }

  #prefix(number: number, item: Item, answers: XattrAnswers | null): void {
    const { data } = this.#parts.writer
    this.#number(number)
    writeItem(data, item, this.#parts.terms.protocol)
    if (answers !== null) writeXattrAnswers(data, answers)
  }

  /** @param sums of the receiver's blocks @returns null: all of it is out, without a wait */
  #send(file: FileAsked, head: SumHead, sums: Uint8Array): Promise<void> | null {
    const { terms, reader, writer, events, files, lists, batch, outgoing, tellsFirst } = this.#parts
    const { number, entry, item, answers } = file
    const aside = batch?.aside ?? null
    const isAppended = this.#isAppended(number)
    const sumBytes = reader.position - file.from
    lists.mark(number, MARK.sent)
    // Though its bytes may not be had.
    this.#counted(entry)
    this.#told(entry, item.iflags)
    const { tree, name, isFollowed } = entry.origin
    const sentFrom = writer.position
    let fd: number
    try {
      fd = tree.openFile(name, isFollowed)
    } catch (error) {
      if (codeOf(error) === undefined && !(error instanceof FileError)) throw error
      events.fault('send_files failed to open', pathOf(entry.origin), error)
      if (terms.protocol >= 30) writer.number(TAG.noSend, number)
      return null
    }
    const close = (): void => {
      tree.closeFile(fd)
      aside?.end()
    }
    let sent: Promise<boolean> | boolean = false
    try {
      const size = files.size(fd)
      if (isAppended && size < lengthOf(head)) {
        const why = new FileError('it became shorter')
        events.fault('skipped diminished file:', pathOf(entry.origin), why)
        if (terms.protocol >= 30) writer.number(TAG.noSend, number)
        return null
      }
      if (tellsFirst) events.item(entry, item.iflags, null)
      events.began(entry)
      this.#prefix(number, item, answers)
      const begin = (): Promise<boolean> | boolean => {
        writeSumHead((aside ?? writer).data, head)
        return outgoing.send(fd, size, head, isAppended ? null : sums, item)
      }
      sent = aside === null ? begin() : writer.flush().then(begin)
    } finally {
      if (typeof sent === 'boolean') close()
    }
    const over = (isWhole: boolean): void => {
      if (!isWhole)
        events.fault(
          'read errors mapping',
          pathOf(entry.origin),
          new FileError('No data available'),
        )
      const bytes = writer.position - sentFrom
      events.ended(entry, number, { bytes, sumBytes, digest: outgoing.digest })
      if (!tellsFirst) events.item(entry, item.iflags, null)
    }
    if (typeof sent !== 'boolean') return sent.finally(close).then(over)
    over(sent)
    return null
  }
  #counted(entry: SourceEntry): void {
    this.count.files++
    this.count.bytes += entry.stands.size
  }

  /** Block sums, as they come. */
  async #sums(head: SumHead): Promise<Uint8Array> {
    const { reader } = this.#parts
    const packed = new Uint8Array(head.count * (4 + head.sumLength))
    for (let at = 0; at < packed.length; ) {
      const c: Cursor = reader.cursor
      const n = Math.min(c.left, packed.length - at)
      packed.set(c.view(n), at)
      at += n
      if (at < packed.length) await reader.more()
    }
    return packed
  }
}
