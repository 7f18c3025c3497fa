/**
 * The receiving side of a connection: the generator goes through the list and asks, the receiver takes the answers, and the
 * phases between them. prsync-protocol(7), phases; statistics; goodbye.
 */
import type { Cursor } from '../base/bytes.js'
import { ProtocolError } from '../base/errors.js'
import type { SumHead } from '../delta/block-size.js'
import type { TokenSink } from '../delta/match.js'
import { CHECKSUM_BYTES } from '../hash/checksum.js'
import { isDryOnWire, type Options } from '../options/options.js'
import { ITEM } from '../plan/iflags.js'
import {
  type Deleted,
  readDeleted,
  readStats,
  type WireStats,
  writeDeleted,
} from '../wire/farewell.js'
import type { WireEntry } from '../wire/file-entry.js'
import { type Item, readItem, readXattrAnswers } from '../wire/item.js'
import type { ListDecoder } from '../wire/list-decoder.js'
import { directoryOfNdx, NDX, NdxReader, type NdxWriter } from '../wire/ndx.js'
import { isSameHead, readSumHead } from '../wire/sum-head.js'
import { has, type Terms } from '../wire/terms.js'
import type { TokenDecoder } from '../wire/token.js'
import { type Asked, type Asking, ownXattrs } from './asking.js'
import { asksXattrs } from './asks-xattrs.js'
import { Incoming, type IncomingParts } from './incoming.js'
import type { WireReader } from './reader.js'
import type { ReceivedLists } from './received-lists.js'
import type { Entry, Request } from './request.js'
import type { Moved } from './sender.js'
import type { WireWriter } from './writer.js'

export type ReceiverEvents = {
  /** The sender has seen it; what it says is not believed. */
  item(entry: Entry, item: Item): void
  began(entry: Entry): void
  /** @param moved null: it is not what it should be */
  ended(entry: Entry, moved: Moved | null): void
  /** It was not what it should be. @param isLast it will not be asked for again */
  mismatch(entry: Entry, isLast: boolean): void
  /** An answer is complete, whatever came of it. */
  settled(number: number): void
  /** Values of extended attributes came. */
  xattrs(entry: Entry): void
  /** Bits of the sender's errors of reading. */
  ioError(bits: number): void
}

/** A batch in place of a sender: what it holds comes whether or not it was asked for, and nothing else does. */
export type Replay = {
  /** It goes no further before more of the list is gone through. */
  held(): void
  /** Did the generator go through the list of this entry? */
  isPassed(number: number): boolean
  entryAt(number: number): Entry | null
  /** Nobody wants it. */
  skipped(entry: Entry): void
  /** It is wanted, and is not there. */
  lacking(entry: Entry): void
}

export type ReceiverParts = {
  readonly options: Options
  readonly terms: Terms
  readonly reader: WireReader
  readonly writer: WireWriter
  readonly numbers: NdxWriter
  readonly decoder: ListDecoder
  readonly tokens: TokenDecoder
  readonly lists: ReceivedLists
  readonly isServer: boolean
  /** Null: a sender is there. */
  readonly replay: Replay | null
  readonly events: ReceiverEvents
}

const NOWHERE: TokenSink = { literal: () => {}, match: () => {} }

export class Receiver {
  readonly #parts: ReceiverParts
  readonly #answers: NdxReader
  /** Ends of phases that the sender has echoed, lists not counted. */
  #phase = 0
  #listsEchoed = 0
  readonly #again: Asked[] = []
  #wake: (() => void) | null = null
  /** What may be asked for, once it is known where it goes; null: nothing is. */
  #work: { readonly asking: Asking; readonly incoming: IncomingParts } | null = null
  #isBroken = false
  /** A batch is held until more of the list is gone through. */
  isHeld = false
  /** The generator went through the whole list. */
  #isWalked = false
  readonly count = { files: 0, bytes: 0, literal: 0, matched: 0 }
  /** New files that count as created though they could not be written, and were not named. */
  unnamed = 0
  stats: WireStats | null = null

  constructor(parts: ReceiverParts) {
    this.#parts = parts
    this.#answers = new NdxReader(parts.terms.protocol)
  }

  // ---- lists -------------------------------------------------------------------------------------

  /** The first list, and what has to be known before anything is decided. @returns is there anything in it? */
  async firstList(): Promise<boolean> {
    const { lists, terms, reader, decoder, events } = this.#parts
    const entries = await this.#entries()
    if (!has(terms, 'incremental')) {
      await reader.decode((c) => decoder.readIdLists(c))
      if (decoder.ioError !== 0) events.ioError(decoder.ioError)
      lists.acceptFirst(entries)
      return !lists.isEmpty
    }
    lists.acceptFirst(entries)
    // What comes alone may be given another name. Whether it is alone the next list says, which is not waited for.
    if (entries.length < 2) await this.#listOrEnd()
    return !lists.isEmpty
  }

  async #listOrEnd(): Promise<void> {
    const number = await this.#parts.reader.decode((c) => this.#answers.read(c))
    if (!(await this.#isList(number)))
      throw new ProtocolError(`entry ${number} before any was asked for`)
  }
  #mayBeList(number: number): boolean {
    return number === NDX.listEnd || directoryOfNdx(number) !== null
  }
  /** A list, or the end of lists. */
  async #isList(number: number): Promise<boolean> {
    const { lists, terms } = this.#parts
    if (number === NDX.listEnd && has(terms, 'incremental')) {
      lists.end()
      return true
    }
    const directory = directoryOfNdx(number)
    if (directory === null || !has(terms, 'incremental')) return false
    lists.accept(directory, await this.#entries())
    return true
  }

  async #entries(): Promise<WireEntry[]> {
    const { decoder, reader, lists, events } = this.#parts
    decoder.begin(lists.next)
    const entries: WireEntry[] = []
    for (;;) {
      const now = reader.decodeNow((c) => decoder.read(c))
      const entry = now === undefined ? await reader.decode((c) => decoder.read(c)) : now
      if (entry === null) break
      entries.push(entry)
    }
    if (decoder.ioError !== 0) events.ioError(decoder.ioError)
    return entries
  }

  /** From here on files are asked for. */
  begin(asking: Asking, incoming: IncomingParts): void {
    this.#work = { asking, incoming }
  }

  // ---- answers -----------------------------------------------------------------------------------

  /** Takes answers until the sender has echoed the last phase. */
  async answers(): Promise<void> {
    const { reader, terms, isServer, replay } = this.#parts
    const phases = terms.protocol >= 29 ? 3 : 2
    const numberOf = (c: Cursor): number => this.#answers.read(c)
    while (this.#phase < phases) {
      const number = reader.decodeNow(numberOf) ?? (await reader.decode(numberOf))
      if (number === NDX.done) await this.#echo()
      // A batch has it where whoever wrote it put files in their places late.
      else if (number === NDX.deleteStats && replay !== null) await reader.decode(readDeleted)
      else if (!this.#mayBeList(number) || !(await this.#isList(number))) await this.#answer(number)
    }
    if (!isServer) this.stats = await reader.decode((c) => readStats(c, terms.protocol))
    if (terms.protocol < 31) return
    for (;;) {
      const number = await reader.decode((c) => this.#answers.read(c))
      if (number === NDX.done) break
      if (number !== NDX.deleteStats) throw new ProtocolError(`entry ${number} after the end`)
      await reader.decode(readDeleted)
    }
    this.#advance(phases + 1)
  }

  async #echo(): Promise<void> {
    const { lists, terms, replay } = this.#parts
    if (has(terms, 'incremental') && this.#listsEchoed < lists.lists) {
      this.#listsEchoed++
      if (this.#listsEchoed < lists.lists || !lists.isWhole) return
    }
    if (replay !== null) await this.#untilWalked(null)
    // What failed once may come again in the second phase of a batch.
    if (this.#phase === (replay === null ? 0 : 1)) this.#dropUnanswered()
    this.#advance(this.#phase + 1)
  }
  #dropUnanswered(): void {
    const { replay, events } = this.#parts
    for (;;) {
      const left = this.#work?.asking.takeFiles() ?? []
      for (const asked of left) {
        if (asked.isAgain) events.mismatch(asked.entry, true)
        else replay?.lacking(asked.entry)
        this.#settle(asked, false)
      }
      // With one of several names gone the next one is wanted.
      if (replay === null || left.length === 0) return
    }
  }
  /** A batch is ahead of those who ask. @param number null: all of the list */
  async #untilWalked(number: number | null): Promise<void> {
    const { replay } = this.#parts
    const isPassed = (): boolean => number !== null && replay?.isPassed(number) === true
    while (!this.#isWalked && !this.#isBroken && !isPassed()) {
      this.isHeld = true
      replay?.held()
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    this.isHeld = false
    this.#parts.reader.signal.throwIfAborted()
  }
  /** More of the list was gone through. */
  progressed(): void {
    this.#wake?.()
  }
  #advance(phase: number): void {
    this.#phase = phase
    this.#wake?.()
  }

  async #answer(number: number): Promise<void> {
    const { reader, terms, options, isServer, replay, events } = this.#parts
    if (replay !== null) await this.#untilWalked(number)
    const asked = this.#work?.asking.take(number) ?? null
    if (asked === null && replay === null)
      throw new ProtocolError(`an answer for entry ${number}, which was not asked for`)
    const itemOf = (c: Cursor): Item => readItem(c, terms.protocol)
    const item = reader.decodeNow(itemOf) ?? (await reader.decode(itemOf))
    if (replay !== null) return this.#replayed(number, asked, item, replay)
    if (asked === null) return
    if (asked.wants !== null) await this.#takeXattrs(asked.entry, asked.wants, asked.request)
    if (asked.request === null || isDryOnWire(options)) events.item(asked.entry, asked.item)
    else if (options.dryRun && isServer) {
      // The client keeps the bytes, for its batch.
      asked.request.announce()
      this.#settle(asked, true)
    } else await this.#file(asked)
  }

  /** What a batch says is what is told; what it brings is taken where it is wanted. */
  async #replayed(number: number, asked: Asked | null, item: Item, replay: Replay): Promise<void> {
    const { options, terms, events } = this.#parts
    const entry = replay.entryAt(number)
    if (entry === null) throw new ProtocolError(`entry ${number} of the batch is not in its list`)
    const isTransfer = (item.iflags & ITEM.transfer) !== 0
    if (asksXattrs(options, terms, item.iflags))
      await this.#takeXattrs(entry, null, asked?.request ?? null)
    if (!isTransfer) {
      // Its bytes may come yet.
      if (asked !== null && asked.request !== null) this.#work?.asking.keep(asked)
      return events.item(entry, item)
    }
    if (asked !== null && asked.request !== null) return this.#file(asked)
    if (options.dryRun) events.item(entry, item)
    else replay.skipped(entry)
    await this.#skip()
  }

  /** @param wants null: whatever there is */
  async #takeXattrs(
    entry: Entry,
    wants: readonly number[] | null,
    request: Request | null,
  ): Promise<void> {
    const answers = await this.#parts.reader.decode(readXattrAnswers)
    const wanted = new Set(wants)
    const own = ownXattrs(entry)
    for (const { item, value } of answers) {
      const xattr = wants === null || wanted.has(item) ? own[item - 1] : undefined
      if (xattr === undefined) throw new ProtocolError(`attribute ${item}, which was not asked for`)
      xattr.value = value
    }
    // A file gets them with its bytes.
    if (request === null) this.#parts.events.xattrs(entry)
  }

  async #file(asked: Asked): Promise<void> {
    const { reader, terms, tokens, replay, events } = this.#parts
    const { request, entry } = asked
    if (request === null || this.#work === null) return
    const sumBytes = CHECKSUM_BYTES[terms.checksum]
    const from = reader.position
    const headOf = (c: Cursor): SumHead => readSumHead(c, terms.protocol, sumBytes)
    const head = reader.decodeNow(headOf) ?? (await reader.decode(headOf))
    if (replay === null && !isSameHead(head, asked.head))
      throw new ProtocolError(
        `the answer for entry ${asked.number} has other blocks than were asked for`,
      )
    const incoming = new Incoming(this.#work.incoming, asked, request, head)
    // Of what cannot be written nothing is told but why.
    if (incoming.isOpen) request.announce()
    else if ((request.iflags & ITEM.isNew) !== 0) this.unnamed++
    events.began(entry)
    let isOver = false
    try {
      tokens.begin((block) => incoming.block(block))
      reader.beforeRead = (position) => incoming.beforeRead(position)
      while (!tokens.read(reader.cursor, incoming)) await reader.more()
      const digestOf = (c: Cursor): Uint8Array => Uint8Array.from(c.view(sumBytes))
      const digest = reader.decodeNow(digestOf) ?? (await reader.decode(digestOf))
      const wait = incoming.drain()
      if (wait !== null) await wait
      isOver = true
      const result = incoming.finish(digest)
      this.count.literal += incoming.literalBytes
      this.count.matched += incoming.matchedBytes
      const bytes = reader.position - from
      events.ended(entry, result === true ? { bytes, sumBytes: 0, digest } : null)
      if (result === null) return this.#mismatch(asked)
      this.count.files++
      this.count.bytes += entry.stands.size
      this.#settle(asked, result)
    } finally {
      reader.beforeRead = null
      // The connection broke: what came of it is kept if wanted.
      if (!isOver) await this.#abort(incoming)
    }
  }

  async #abort(incoming: Incoming): Promise<void> {
    try {
      await incoming.drain()
    } finally {
      incoming.abort(true)
    }
  }

  /** Bytes that nobody wants. */
  async #skip(): Promise<void> {
    const { reader, terms, tokens } = this.#parts
    const sumBytes = CHECKSUM_BYTES[terms.checksum]
    const { count, blockLength, remainder } = await reader.decode((c) =>
      readSumHead(c, terms.protocol, sumBytes),
    )
    // Of the right length, a compressor takes any bytes for those of a block.
    tokens.begin(
      (block) => new Uint8Array(block === count - 1 && remainder > 0 ? remainder : blockLength),
    )
    while (!tokens.read(reader.cursor, NOWHERE)) await reader.more()
    await reader.decode((c) => c.view(sumBytes))
  }

  #mismatch(asked: Asked): void {
    const { events, terms, replay } = this.#parts
    events.mismatch(asked.entry, asked.isAgain)
    if (asked.isAgain) return this.#settle(asked, false)
    if (replay !== null) return this.#work?.asking.keep({ ...asked, isAgain: true })
    if (has(terms, 'incremental')) this.#ask(asked)
    else this.#again.push(asked)
  }
  #ask({ request, done, number }: Asked): void {
    if (request !== null) this.#work?.asking.file(this.#onceMore(request), done, true)
    this.#parts.events.settled(number)
  }

  /** What was written in its place has its size now. */
  #onceMore(request: Request): Request {
    if (!this.#parts.options.inplace) return request
    const iflags = request.iflags & ~ITEM.size
    return { ...request, iflags, announce: () => request.announce(iflags) }
  }

  #settle({ number, done }: Asked, ok: boolean): void {
    done(ok)
    this.#parts.events.settled(number)
  }
  /** The sender cannot send it. Of what is no file, or was not asked for, it has nothing to say. */
  notSent(number: number): void {
    const asked = this.#work?.asking.take(number) ?? null
    if (asked === null) return
    if (asked.request === null) this.#work?.asking.keep(asked)
    else this.#settle(asked, false)
  }

  // ---- phases ------------------------------------------------------------------------------------

  /** The list is gone through. @param deletes what is left to be deleted @param finish all that is to be done at the end */
  async phases(work: {
    readonly isLate: boolean
    readonly isDelayed: boolean
    readonly place: () => void
    readonly deleteLate: () => void
    readonly deleted: () => Deleted | null
    readonly finish: () => void
  }): Promise<void> {
    const { terms, writer } = this.#parts
    const { protocol } = terms
    this.#isWalked = true
    this.#wake?.()
    // With lists apart the last of them ends the first phase.
    if (!has(terms, 'incremental')) this.done()
    await writer.flush()
    await this.#reached(1)
    for (const asked of this.#again.splice(0)) this.#ask(asked)
    this.done()
    if (work.isDelayed) {
      await writer.flush()
      await this.#reached(2)
      work.place()
    }
    if (protocol >= 29) this.done()
    const last = protocol >= 29 ? 3 : 2
    if (work.isLate || protocol < 31) {
      await writer.flush()
      await this.#reached(last)
    }
    if (work.isLate) work.deleteLate()
    if (protocol >= 31) {
      const count = work.deleted()
      if (count !== null) {
        this.#parts.numbers.write(writer.data, NDX.deleteStats)
        writeDeleted(writer.data, count)
      }
      this.done()
      await writer.flush()
      await this.#reached(last + 1)
    }
    if (!work.isDelayed) work.place()
    work.finish()
    this.done()
    await writer.drain()
  }
  /** The end of a list, or of a phase. */
  done(): void {
    this.#parts.numbers.write(this.#parts.writer.data, NDX.done)
  }
  /** Nothing more will come. */
  giveUp(): void {
    this.#isBroken = true
    this.#wake?.()
  }
  async #reached(phase: number): Promise<void> {
    while (this.#phase < phase && !this.#isBroken)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    this.#wake = null
    this.#parts.reader.signal.throwIfAborted()
  }
}
