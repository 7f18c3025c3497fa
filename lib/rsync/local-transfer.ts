/**
 * The bytes of a file when both ends are on this machine: a copy within the kernel, or the sender's search and the receiver's
 * patch in one. The file is built under another name and takes its place whole, unless it is to be written over.
 */
import type { ByteName } from '../base/byte-name.js'
import { codeOf, FileError } from '../base/errors.js'
import type { Steps } from '../base/steps.js'
import type { Trace } from '../base/trace.js'
import type { Source } from '../delta/sums.js'
import { buildsInOrder, type Options } from '../options/options.js'
import { ITEM } from '../plan/iflags.js'
import type { LocalDelta } from './local-delta.js'
import type { Placing } from './placing.js'
import { type Entry, isSent, type Request } from './request.js'
import { pathOf } from './source-node.js'
import type { NewFile, ReceivingTree } from './trees.js'

export type TransferEvents = {
  readonly trace: Trace
  /** Before its bytes: a line with progress needs to know. */
  began(entry: Entry): void
  ended(entry: Entry): void
  /** --append-verify: what stood there was not the beginning of it, and all of it comes again. */
  retried(entry: Entry, name: ByteName): void
  fault(call: string, name: ByteName, error: unknown): void
  /** The source cannot be opened; it may have gone. */
  sourceFault(call: string, entry: Entry, error: unknown): void
}

type Basis = { readonly source: Source; readonly fd: number; readonly close: () => void }

export type TransferParts = {
  readonly options: Options
  readonly to: ReceivingTree
  readonly placing: Placing
  /** Null with --whole-file. */
  readonly delta: LocalDelta | null
  readonly events: TransferEvents
}

export class LocalTransfer {
  readonly #parts: TransferParts
  readonly count = { files: 0, bytes: 0, literal: 0, matched: 0 }
  /** New files that count as created though they could not be opened, and were not named. */
  unnamed = 0

  constructor(parts: TransferParts) {
    this.#parts = parts
  }

  /** Step by step. @returns is it there now? */
  *bring(request: Request): Steps<boolean> {
    const { entry, name } = request
    const { events } = this.#parts
    const { tree, name: from, isFollowed } = entry.origin
    const isOver = isSent(request)
    if (isOver) this.#asked(entry)
    let source: number
    try {
      source = tree.openFile(from, isFollowed)
    } catch (error) {
      if ((request.iflags & ITEM.isNew) !== 0) this.unnamed++
      events.sourceFault('send_files failed to open', entry, error)
      return false
    }
    request.announce()
    if (isOver) events.began(entry)
    try {
      const isInPlace = this.#parts.options.inplace
      const isThere = yield* isInPlace
        ? this.#inPlace(source, request)
        : this.#beside(source, request)
      if (isThere && isOver) {
        events.trace.sent?.(pathOf(entry.origin))
        events.ended(entry)
      }
      return isThere
    } catch (error) {
      if (codeOf(error) === undefined && !(error instanceof FileError)) throw error
      events.fault('write failed on', name, error)
      return false
    } finally {
      tree.closeFile(source)
    }
  }
  /** Counted by who sends, though the bytes may not be had or find no place. */
  #asked({ stands, origin }: Entry): void {
    this.count.files++
    this.count.bytes += stands.size
    this.#parts.events.trace.sending?.(pathOf(origin))
  }
  /** What does not go over is no part of what was sent. */
  #counted(request: Request, literal: number): void {
    if (isSent(request)) this.count.literal += literal
  }

  *#beside(source: number, request: Request): Steps<boolean> {
    const { to, placing } = this.#parts
    const made = placing.open(request)
    if (made === null) return false
    let isOpen = true
    try {
      yield* this.#fill(source, made, request)
      to.closeFile(made)
      isOpen = false
      placing.done(made, request)
      return true
    } catch (error) {
      if (isOpen) to.closeFile(made)
      placing.giveUp(made, request)
      throw error
    }
  }

  // ---- the bytes ---------------------------------------------------------------------------------

  *#fill(source: number, made: NewFile, request: Request): Steps<void> {
    const { options, to } = this.#parts
    const basis = this.#parts.delta === null ? null : this.#openBasis(request)
    if (basis === null) {
      const { sparse, preallocate, fsync } = options
      const rule = { sparse, preallocate, fsync, stepBytes: this.#stepBytes }
      this.#counted(request, yield* to.copy(source, made.fd, rule))
      return
    }
    try {
      yield* this.#delta(source, basis, made.fd, false)
    } finally {
      basis.close()
    }
  }

  #openBasis(request: Request): Basis | null {
    const { to } = this.#parts
    const { basis } = request
    if (basis === null) return null
    const fd = basis.tree.openFile(basis.name)
    const length = to.size(fd)
    if (length === 0) {
      basis.tree.closeFile(fd)
      return null
    }
    return { source: this.#sourceOf(fd, length), fd, close: () => basis.tree.closeFile(fd) }
  }
  #sourceOf(fd: number, length: number): Source {
    return { length, read: (offset, into) => this.#parts.to.read(fd, into, offset) }
  }

  /** @param inPlace the basis is what is written */
  *#delta(
    source: number,
    basis: Pick<Basis, 'source' | 'fd'>,
    fd: number,
    inPlace: boolean,
  ): Steps<void> {
    const { options, to, delta } = this.#parts
    if (delta === null) return
    const mayShare = buildsInOrder(options) && options.bwlimit === 0
    const files = mayShare ? { source, basis: basis.fd, into: fd } : null
    const rule = { blockLength: options.blockSize, inPlace, files }
    const from = this.#sourceOf(source, to.size(source))
    const done = yield* delta.copy(from, basis.source, rule, (bytes, at) =>
      to.write(fd, bytes, at, options.sparse && !inPlace),
    )
    // Where threads gave up, more may stand there than came.
    const isExact = files === null && buildsInOrder(options)
    to.finish(fd, done.literal + done.matched, isExact, options.fsync)
    this.count.literal += done.literal
    this.count.matched += done.matched
  }

  // ---- written over ------------------------------------------------------------------------------

  *#inPlace(source: number, request: Request): Steps<boolean> {
    const { options, to, placing } = this.#parts
    const { seen } = request
    const file = placing.open(request)
    if (file === null) return false
    try {
      const length = seen === null ? 0 : to.size(file.fd)
      if (request.basis === null || length === 0) yield* this.#pour(source, file.fd, 0, request)
      else if (options.append !== 'no') yield* this.#append(source, file.fd, length, request)
      else {
        const basis = { source: this.#sourceOf(file.fd, length), fd: file.fd }
        yield* this.#delta(source, basis, file.fd, true)
      }
    } finally {
      to.closeFile(file)
    }
    placing.done(file, request)
    return true
  }
  *#append(source: number, fd: number, from: number, request: Request): Steps<void> {
    const { options, events } = this.#parts
    if (options.append === 'trust' || this.#isPrefix(source, fd, from))
      return yield* this.#pour(source, fd, from, request)
    events.retried(request.entry, request.name)
    yield* this.#pour(source, fd, 0, request)
  }
  #isPrefix(source: number, fd: number, length: number): boolean {
    const { to } = this.#parts
    const a = Buffer.alloc(65_536)
    const b = Buffer.alloc(65_536)
    for (let at = 0; at < length; at += a.length) {
      const n = Math.min(a.length, length - at)
      if (to.read(source, a.subarray(0, n), at) < n || to.read(fd, b.subarray(0, n), at) < n)
        return false
      if (a.compare(b, 0, n, 0, n) !== 0) return false
    }
    return true
  }
  *#pour(source: number, fd: number, from: number, request: Request): Steps<void> {
    const { options, to } = this.#parts
    const buffer = Buffer.allocUnsafe(this.#stepBytes ?? 262_144)
    let at = from
    for (let got = to.read(source, buffer, at); got > 0; got = to.read(source, buffer, at)) {
      to.write(fd, buffer.subarray(0, got), at, false)
      at += got
      yield got
    }
    this.#counted(request, at - from)
    to.finish(fd, at, false, options.fsync)
  }
  /** Small steps under --bwlimit, so that waits are short. */
  get #stepBytes(): number | null {
    const { bwlimit } = this.#parts.options
    return bwlimit === 0 ? null : Math.min(262_144, Math.max(4096, Math.floor(bwlimit / 8)))
  }
}
