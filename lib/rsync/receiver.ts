/**
 * The receiver: takes the lists and the sender's answers in the order in which they come, and believes of them only what was
 * asked for. prsync-protocol(7), answers; statistics; goodbye.
 */
import type { Cursor } from '../base/bytes.js'
import { ProtocolError } from '../base/errors.js'
import type { SumHead } from '../delta/block-size.js'
import type { TokenSink } from '../delta/match.js'
import { CHECKSUM_BYTES } from '../hash/checksum.js'
import { isDryOnWire, type Options } from '../options/options.js'
import { ITEM } from '../plan/iflags.js'
import { readDeleted, readStats, type WireStats } from '../wire/farewell.js'
import { type Item, readItem, readXattrAnswers } from '../wire/item.js'
import type { ListDecoder } from '../wire/list-decoder.js'
import { NDX, NdxReader, type NdxWriter } from '../wire/ndx.js'
import { isSameHead, readSumHead } from '../wire/sum-head.js'
import { has, type Terms } from '../wire/terms.js'
import type { TokenDecoder } from '../wire/token.js'
import { type Asked, type Asking, ownXattrs } from './asking.js'
import { asksXattrs } from './asks-xattrs.js'
import { Incoming, type IncomingParts } from './incoming.js'
import { ListIntake } from './list-intake.js'
import type { WireReader } from './reader.js'
import type { ReceivedLists } from './received-lists.js'
import { ReceiverPhases } from './receiver-phases.js'
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
  readonly #numbers: NdxReader
  readonly #lists: ListIntake
  readonly phases: ReceiverPhases
  readonly #again: Asked[] = []
  /** What may be asked for, once it is known where it goes; null: nothing is. */
  #work: { readonly asking: Asking; readonly incoming: IncomingParts } | null = null
  readonly count = { files: 0, bytes: 0, literal: 0, matched: 0 }
  /** New files that count as created though they could not be written, and were not named. */
  unnamed = 0
  stats: WireStats | null = null

  constructor(parts: ReceiverParts) {
    this.#parts = parts
    const { terms, reader, writer, numbers, decoder, lists, events } = parts
    this.#numbers = new NdxReader(terms.protocol)
    this.#lists = new ListIntake({
      terms,
      reader,
      numbers: this.#numbers,
      decoder,
      lists,
      ioError: (bits) => events.ioError(bits),
    })
    this.phases = new ReceiverPhases({
      terms,
      writer,
      numbers,
      signal: reader.signal,
      askAgain: () => {
        for (const asked of this.#again.splice(0)) this.#ask(asked)
      },
    })
  }

  /** Before anything is decided. @returns is there anything in it? */
  firstList(): Promise<boolean> {
    return this.#lists.first()
  }

  /** From here on files are asked for. */
  begin(asking: Asking, incoming: IncomingParts): void {
    this.#work = { asking, incoming }
  }

  // ---- answers -----------------------------------------------------------------------------------

  /** Takes answers until the sender has echoed the last phase. */
  async answers(): Promise<void> {
    const { reader, terms, isServer, replay } = this.#parts
    const { phases } = this
    while (phases.echoed < phases.count) {
      const number = reader.decodeNow(this.#numberOf) ?? (await reader.decode(this.#numberOf))
      if (number === NDX.done) await this.#echo()
      // A batch has it where whoever wrote it put files in their places late.
      else if (number === NDX.deleteStats && replay !== null) await reader.decode(readDeleted)
      else if (this.#lists.isList(number)) await this.#lists.take(number)
      else await this.#answer(number)
    }
    if (!isServer) this.stats = await reader.decode((c) => readStats(c, terms.protocol))
    if (terms.protocol < 31) return
    for (;;) {
      const number = await reader.decode(this.#numberOf)
      if (number === NDX.done) break
      if (number !== NDX.deleteStats) throw new ProtocolError(`entry ${number} after the end`)
      await reader.decode(readDeleted)
    }
    phases.echo()
  }
  readonly #numberOf = (c: Cursor): number => this.#numbers.read(c)

  async #echo(): Promise<void> {
    const { replay } = this.#parts
    if (this.#lists.echo()) return
    if (replay !== null) await this.#untilWalked(null, replay)
    // What failed once may come again in the second phase of a batch.
    if (this.phases.echoed === (replay === null ? 0 : 1)) this.#dropUnanswered()
    this.phases.echo()
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
  /** @param number null: all of the list */
  #untilWalked(number: number | null, replay: Replay): Promise<void> {
    return this.phases.untilWalked(
      () => number !== null && replay.isPassed(number),
      () => replay.held(),
    )
  }

  async #answer(number: number): Promise<void> {
    const { reader, options, isServer, replay, events } = this.#parts
    if (replay !== null) await this.#untilWalked(number, replay)
    const asked = this.#work?.asking.take(number) ?? null
    if (asked === null && replay === null)
      throw new ProtocolError(`an answer for entry ${number}, which was not asked for`)
    const item = reader.decodeNow(this.#itemOf) ?? (await reader.decode(this.#itemOf))
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

  readonly #itemOf = (c: Cursor): Item => readItem(c, this.#parts.terms.protocol)

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
    const { reader, tokens, replay, events } = this.#parts
    const { request, entry } = asked
    if (request === null || this.#work === null) return
    const from = reader.position
    const head = reader.decodeNow(this.#headOf) ?? (await reader.decode(this.#headOf))
    if (replay === null && !isSameHead(head, asked.head))
      throw new ProtocolError(
        `the answer for entry ${asked.number} has other blocks than were asked for`,
      )
    const incoming = new Incoming(this.#work.incoming, asked, request, head)
    // Of what cannot be written nothing is told but why.
    if (incoming.isOpen) request.announce()
    else if ((request.iflags & ITEM.isNew) !== 0) this.unnamed++
    events.began(entry)
    let digest: Uint8Array | null = null
    try {
      tokens.begin((block) => incoming.block(block))
      reader.beforeRead = (position) => incoming.beforeRead(position)
      while (!tokens.read(reader.cursor, incoming)) await reader.more()
      const sum = reader.decodeNow(this.#digestOf) ?? (await reader.decode(this.#digestOf))
      const wait = incoming.drain()
      if (wait !== null) await wait
      digest = sum
    } finally {
      reader.beforeRead = null
      // The connection broke: what came of it is kept if wanted.
      if (digest === null) await this.#abort(incoming)
    }
    this.#finish(asked, incoming, digest, reader.position - from)
  }
  readonly #headOf = (c: Cursor): SumHead => {
    const { protocol, checksum } = this.#parts.terms
    return readSumHead(c, protocol, CHECKSUM_BYTES[checksum])
  }
  readonly #digestOf = (c: Cursor): Uint8Array =>
    Uint8Array.from(c.view(CHECKSUM_BYTES[this.#parts.terms.checksum]))

  /** @param bytes that its answer took */
  #finish(asked: Asked, incoming: Incoming, digest: Uint8Array, bytes: number): void {
    const result = incoming.finish(digest)
    this.count.literal += incoming.literalBytes
    this.count.matched += incoming.matchedBytes
    const moved = result === true ? { bytes, sumBytes: 0, digest } : null
    this.#parts.events.ended(asked.entry, moved)
    if (result === null) return this.#mismatch(asked)
    this.count.files++
    this.count.bytes += asked.entry.stands.size
    this.#settle(asked, result)
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
    const { reader, tokens } = this.#parts
    const { count, blockLength, remainder } = await reader.decode(this.#headOf)
    // Of the right length, a compressor takes any bytes for those of a block.
    tokens.begin(
      (block) => new Uint8Array(block === count - 1 && remainder > 0 ? remainder : blockLength),
    )
    while (!tokens.read(reader.cursor, NOWHERE)) await reader.more()
    await reader.decode(this.#digestOf)
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
}
