/**
 * The sender: sends the list of its files, then for each request what the receiver's file lacks. Reads requests in order and
 * answers in the same order. prsync-protocol(7), transfer phase; phases.
 */
import type { Cursor } from '../base/bytes.js'
import { codeOf, FileError, ProtocolError } from '../base/errors.js'
import type { SumHead } from '../delta/block-size.js'
import { Match } from '../delta/match.js'
import type { BlockSums, Source } from '../delta/sums.js'
import { CHECKSUM_BYTES, type Checksum } from '../hash/checksum.js'
import type { BlockSum } from '../kernel/kernel-port.js'
import type { Options } from '../options/options.js'
import { ITEM } from '../plan/iflags.js'
import { type Deleted, readDeleted, writeDeleted, writeStats } from '../wire/farewell.js'
import {
  BASIS,
  type Item,
  readItem,
  readXattrWants,
  writeItem,
  writeXattrAnswers,
} from '../wire/item.js'
import { TAG } from '../wire/mux.js'
import { NDX, NdxReader, type NdxWriter } from '../wire/ndx.js'
import { lengthOf, readSumHead, writeSumHead } from '../wire/sum-head.js'
import { has, type Terms } from '../wire/terms.js'
import type { TokenEncoder } from '../wire/token.js'
import type { KernelStore } from './kernel-store.js'
import type { WireReader } from './reader.js'
import type { SentEntry, SentLists } from './sent-lists.js'
import { pathOf } from './source-list.js'
import type { WireWriter } from './writer.js'

export type SenderEvents = {
  /** What the receiver does, or has, as it says. */
  item(entry: SentEntry, iflags: number, xname: string | null): void
  began(entry: SentEntry): void
  ended(entry: SentEntry): void
  moved(bytes: number): void
  /** A source that cannot be read. @param isGone it has vanished since it was listed */
  fault(call: string, path: string, error: unknown, isGone: boolean): void
  /** The receiver removed so many. */
  deleted(count: Deleted): void
}

/** Reading files of the list. */
export type SourceFiles = {
  size(fd: number): number
  read(fd: number, into: Uint8Array, offset: number): number
  /** Long values of an entry's extended attributes, in the order in which they were sent, from 1. */
  xattrValue(entry: SentEntry, item: number): string
}

export type SenderParts = {
  readonly options: Options
  readonly terms: Terms
  readonly reader: WireReader
  readonly writer: WireWriter
  readonly numbers: NdxWriter
  readonly lists: SentLists
  readonly tokens: TokenEncoder
  readonly checksum: Checksum
  readonly blockSum: BlockSum | null
  readonly kernels: KernelStore
  readonly files: SourceFiles
  readonly isServer: boolean
  readonly events: SenderEvents
  /** Errors of reading so far. */
  readonly ioError: () => number
  /** After each step of a file: --bwlimit, signals. Null: nothing to wait for. */
  readonly pause: (bytes: number) => Promise<void> | null
  /** For the client, at the end. */
  readonly stats: () => {
    readonly size: number
    readonly listBuildMs: number
    readonly listSendMs: number
  }
}

const READ_BYTES = 128 * 1024

export class Sender {
  readonly #parts: SenderParts
  readonly #asked: NdxReader
  readonly #buffer = Buffer.allocUnsafe(READ_BYTES)
  #toldError: number
  readonly count = { files: 0, bytes: 0, literal: 0, matched: 0 }
  /** Entries that the receiver made. */
  readonly created = { file: 0, directory: 0, symlink: 0, device: 0, special: 0 }

  constructor(parts: SenderParts) {
    this.#parts = parts
    this.#asked = new NdxReader(parts.terms.protocol)
    this.#toldError = parts.ioError()
  }

  /** From the first request to the receiver's last word. */
  async run(): Promise<void> {
    const { terms, reader, writer, lists } = this.#parts
    const phases = terms.protocol >= 29 ? 3 : 2
    for (let phase = 0; phase < phases; ) {
      if (has(terms, 'incremental')) lists.sendMore(writer.data)
      const room = writer.room()
      if (room !== null) await room
      const number = await reader.decode((c) => this.#asked.read(c))
      if (number !== NDX.done) {
        await this.#answer(number, phase)
        continue
      }
      const isListDone = has(terms, 'incremental') && lists.close() && lists.hasOpen
      if (!isListDone) phase++
      if (phase === phases) this.#tellErrors()
      this.#number(NDX.done)
    }
    await this.#farewell()
  }

  /** A word of the receiver about an entry: it stands there. @returns the entry, once; null: none that could */
  finished(number: number): SentEntry | null {
    const entry = this.#parts.lists.at(number)
    if (entry === null || entry.isFinished || entry.stands.kind === 'directory') return null
    entry.isFinished = true
    return entry
  }

  async #farewell(): Promise<void> {
    const { terms, reader, writer, isServer, stats, events } = this.#parts
    const { protocol } = terms
    if (isServer) {
      const { size, listBuildMs, listSendMs } = stats()
      writeStats(
        writer.data,
        {
          read: reader.bytesRead,
          written: writer.bytesWritten + writer.data.length,
          size,
          listBuildMs,
          listSendMs,
        },
        protocol,
      )
    }
    await writer.flush()
    for (let left = protocol >= 31 ? 2 : 1; left > 0; ) {
      const number = await reader.decode((c) => this.#asked.read(c))
      if (number === NDX.deleteStats && protocol >= 31) {
        const count = await reader.decode(readDeleted)
        events.deleted(count)
        if (!isServer) continue
        this.#number(NDX.deleteStats)
        writeDeleted(writer.data, count)
      } else if (number === NDX.done) {
        left--
        if (left > 0) {
          this.#number(NDX.done)
          await writer.flush()
        }
      } else throw new ProtocolError(`entry ${number} was asked for after the end`)
    }
    await writer.drain()
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

  async #answer(number: number, phase: number): Promise<void> {
    const { terms, reader, lists, options, events } = this.#parts
    const { protocol } = terms
    const entry = lists.at(number)
    if (entry === null)
      throw new ProtocolError(`entry ${number} was asked for, which is not in the list`)
    const item = await reader.decode((c) => readItem(c, protocol))
    const { iflags, xname } = item
    const isTransfer = (iflags & ITEM.transfer) !== 0
    const answers = this.#asksXattrs(iflags) ? await this.#xattrs(entry) : null
    if (isTransfer && entry.stands.kind !== 'file')
      throw new ProtocolError(`the bytes of entry ${number} were asked for, which is no file`)
    if (isTransfer && phase >= 2) throw new ProtocolError('a file was asked for in the last phase')
    if (!isTransfer || options.dryRun) {
      this.#prefix(number, item, answers)
      this.#told(entry, iflags)
      events.item(entry, iflags, xname)
      return
    }
    await this.#send(number, entry, item, answers)
  }

  #told(entry: SentEntry, iflags: number): void {
    if ((iflags & ITEM.isNew) === 0) return
    const { kind } = entry.stands
    if (kind === 'character' || kind === 'block') this.created.device++
    else if (kind === 'fifo' || kind === 'socket') this.created.special++
    else this.created[kind]++
  }

  /** Does a request for values of extended attributes follow? */
  #asksXattrs(iflags: number): boolean {
    const { options, terms } = this.#parts
    if (options.xattrs === 0 || options.dryRun || (iflags & ITEM.xattr) === 0) return false
    return !(isXattrOptimized(terms) && (iflags & ITEM.xname) !== 0 && (iflags & ITEM.local) !== 0)
  }
  async #xattrs(entry: SentEntry): Promise<readonly { item: number; value: string }[]> {
    const wants = await this.#parts.reader.decode(readXattrWants)
    return wants.map((item) => ({ item, value: this.#parts.files.xattrValue(entry, item) }))
  }

  #prefix(
    number: number,
    item: Item,
    answers: readonly { item: number; value: string }[] | null,
  ): void {
    const { data } = this.#parts.writer
    this.#number(number)
    writeItem(data, item, this.#parts.terms.protocol)
    if (answers !== null) writeXattrAnswers(data, answers)
  }

  async #send(
    number: number,
    entry: SentEntry,
    item: Item,
    answers: readonly { item: number; value: string }[] | null,
  ): Promise<void> {
    const { terms, reader, writer, events, files, options } = this.#parts
    const sumBytes = CHECKSUM_BYTES[terms.checksum]
    const head = await reader.decode((c) => readSumHead(c, terms.protocol, sumBytes))
    const isAppended = options.append !== 'no' && !entry.wasSent
    const packed = isAppended ? null : await this.#sums(head)
    entry.wasSent = true
    const { tree, name, isFollowed } = entry.origin
    let fd: number
    try {
      fd = tree.openFile(name, isFollowed)
    } catch (error) {
      if (codeOf(error) === undefined && !(error instanceof FileError)) throw error
      events.fault(
        'send_files failed to open',
        pathOf(entry.origin),
        error,
        codeOf(error) === 'ENOENT',
      )
      if (terms.protocol >= 30) writer.number(TAG.noSend, number)
      return
    }
    try {
      const size = files.size(fd)
      if (isAppended && size < lengthOf(head)) {
        events.fault(
          'skipped diminished file:',
          pathOf(entry.origin),
          new FileError('it became shorter'),
          false,
        )
        if (terms.protocol >= 30) writer.number(TAG.noSend, number)
        return
      }
      events.began(entry)
      this.#prefix(number, item, answers)
      writeSumHead(writer.data, head)
      await this.#bytes(fd, size, entry, head, packed, item)
    } finally {
      tree.closeFile(fd)
    }
    this.count.files++
    this.count.bytes += entry.stands.size
    this.#told(entry, item.iflags)
    events.ended(entry)
    events.item(entry, item.iflags, item.xname)
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

  /** @param packed null: only what is behind the head's length is sent */
  async #bytes(
    fd: number,
    size: number,
    entry: SentEntry,
    head: SumHead,
    packed: Uint8Array | null,
    item: Item,
  ): Promise<void> {
    const { checksum, tokens, options, writer, terms } = this.#parts
    checksum.start()
    tokens.begin()
    let isWhole = true
    if (packed === null) {
      const skipped = lengthOf(head)
      const isCounted = options.append === 'verify' || terms.protocol < 30
      if (isCounted) isWhole = await this.#skip(fd, skipped)
      isWhole = (await this.#literals(fd, skipped, size)) && isWhole
    } else if (head.count === 0 || this.#parts.blockSum === null) {
      isWhole = await this.#literals(fd, 0, size)
    } else isWhole = await this.#matches(fd, size, head, packed, item)
    tokens.end()
    const digest = Uint8Array.from(checksum.digest())
    if (!isWhole) spoil(digest)
    writer.data.put(digest)
    const room = writer.room()
    if (room !== null) await room
    if (!isWhole)
      this.#parts.events.fault(
        'read errors mapping',
        pathOf(entry.origin),
        new FileError('No data available'),
        false,
      )
  }

  async #skip(fd: number, length: number): Promise<boolean> {
    return this.#read(fd, 0, length, (bytes) => this.#parts.checksum.update(bytes))
  }
  async #literals(fd: number, from: number, size: number): Promise<boolean> {
    const { tokens, checksum } = this.#parts
    return this.#read(fd, from, size, (bytes) => {
      checksum.update(bytes)
      tokens.literal(bytes, 0, bytes.length)
      this.count.literal += bytes.length
    })
  }
  /** @returns false: an error, after which zeros stand for the rest */
  async #read(
    fd: number,
    from: number,
    to: number,
    sink: (bytes: Uint8Array) => void,
  ): Promise<boolean> {
    const { files, writer, pause } = this.#parts
    for (let at = from; at < to; ) {
      const part = this.#buffer.subarray(0, Math.min(READ_BYTES, to - at))
      let got: number
      try {
        got = files.read(fd, part, at)
      } catch (error) {
        if (codeOf(error) === undefined) throw error
        got = 0
        part.fill(0)
        sink(part)
        return false
      }
      // It became shorter: what is there is all there is.
      if (got === 0) return true
      sink(part.subarray(0, got))
      at += got
      const room = writer.room()
      if (room !== null) await room
      const wait = pause(got)
      if (wait !== null) await wait
    }
    return true
  }

  async #matches(
    fd: number,
    size: number,
    head: SumHead,
    packed: Uint8Array,
    item: Item,
  ): Promise<boolean> {
    const { blockSum, kernels, tokens, checksum, files, writer, pause, options, terms } =
      this.#parts
    if (blockSum === null) return false
    let isWhole = true
    const source: Source = {
      length: size,
      read: (offset, into) => {
        try {
          const got = files.read(fd, into, offset)
          checksum.update(into.subarray(0, got))
          return got
        } catch (error) {
          if (codeOf(error) === undefined) throw error
          isWhole = false
          return 0
        }
      },
    }
    const sums: BlockSums = {
      length: lengthOf(head),
      blockLength: head.blockLength,
      count: head.count,
      sumLength: head.sumLength,
      sum: blockSum,
      packed,
    }
    const inPlace =
      (options.inplace && item.basis === BASIS.file) ||
      (has(terms, 'inplacePartial') && item.basis === BASIS.partial)
    const match = new Match(
      source,
      sums,
      { inPlace },
      kernels.forEntries(head.count, head.blockLength),
    )
    const counting = {
      literal: (bytes: Uint8Array, start: number, end: number) => {
        this.count.literal += end - start
        tokens.literal(bytes, start, end)
      },
      match: (block: number, bytes: Uint8Array, start: number, end: number) => {
        this.count.matched += end - start
        tokens.match(block, bytes, start, end)
      },
    }
    for (let was = 0, goesOn = true; goesOn; was = match.consumed) {
      goesOn = match.step(counting)
      const room = writer.room()
      if (room !== null) await room
      const wait = pause(match.consumed - was)
      if (wait !== null) await wait
    }
    return isWhole
  }
}

/** A sum that cannot be right, so that the receiver asks again. */
function spoil(digest: Uint8Array): void {
  const isZero = digest.every((byte) => byte === 0)
  digest.fill(0)
  if (isZero) digest[digest.length - 1] = 1
}

/** Peers that do not ask for attributes of what becomes a link. */
export function isXattrOptimized(terms: Terms): boolean {
  return terms.protocol >= 31 && !has(terms, 'avoidXattrOptimization')
}

/** How blocks are told apart in these terms; null: not at all. */
export function blockSumOf({ checksum, seed, protocol, ...terms }: Terms): BlockSum | null {
  switch (checksum) {
    case 'none':
      return null
    case 'md4-old':
      return { algorithm: 'md4', seed }
    case 'md5':
      return {
        algorithm: 'md5',
        seed,
        seedLast: !has({ checksum, seed, protocol, ...terms }, 'seedFix'),
      }
    default:
      return { algorithm: checksum, seed }
  }
}
