/** One file as its bytes come: basis and tokens → the new file, its sum on the way, then its place. prsync-protocol(7), answers. */
import { codeOf, FileError } from '../base/errors.js'
import type { SumHead } from '../delta/block-size.js'
import type { TokenSink } from '../delta/match.js'
import { Patch } from '../delta/patch.js'
import type { Source } from '../delta/sums.js'
import type { Checksum } from '../hash/checksum.js'
import { buildsInOrder, type Options } from '../options/options.js'
import { lengthOf } from '../wire/sum-head.js'
import type { Asked } from './asking.js'
import { LateWrites } from './late-writes.js'
import type { Placing } from './placing.js'
import type { Request } from './request.js'
import type { NewFile, ReceivingTree } from './trees.js'

export type IncomingParts = {
  readonly options: Options
  readonly protocol: number
  readonly to: ReceivingTree
  /** Null: what comes is looked at and dropped, as by --only-write-batch. */
  readonly placing: Placing | null
  readonly checksum: Checksum
  readonly fault: (call: string, request: Request, error: unknown) => void
  readonly moved: (bytes: number) => void
  /** Literals stand as long as what was read of the link, so they may be written meanwhile. */
  readonly lends: boolean
}

/** From here on a file is written by another thread. */
const LARGE_BYTES = 2 ** 20
type Basis = { readonly source: Source; readonly close: () => void }

export class Incoming implements TokenSink {
  readonly #parts: IncomingParts
  readonly #request: Request
  readonly #head: SumHead
  #made: NewFile | null = null
  #isOpen = false
  #basis: Basis | null = null
  #patch: Patch
  #at = 0
  #hasFailed = false
  /** Null: all is written at once. */
  #late: LateWrites | null = null

  constructor(parts: IncomingParts, asked: Asked, request: Request, head: SumHead) {
    this.#parts = parts
    this.#request = request
    this.#head = head
    parts.checksum.start()
    this.#attempt(() => this.#open(asked))
    const source = asked.isAppended ? null : (this.#basis?.source ?? null)
    this.#patch = new Patch(head, source, (bytes) => this.#write(bytes))
  }

  #open({ isAppended }: Asked): void {
    const { to, placing, options, protocol, checksum } = this.#parts
    if (this.#head.count > 0 && !isAppended) this.#basis = this.#openBasis()
    if (placing === null) return
    const made = placing.open(this.#request)
    this.#made = made
    this.#isOpen = made !== null
    this.#hasFailed = made === null
    if (made === null) return
    if (this.#isLate) this.#late = new LateWrites(to, made.fd, (error) => this.#failed(error))
    if (!isAppended) return
    this.#at = lengthOf(this.#head)
    if (options.append === 'trust' && protocol >= 30) return
    const part = Buffer.allocUnsafe(262_144)
    for (let at = 0; at < this.#at; ) {
      const got = to.read(made.fd, part.subarray(0, Math.min(part.length, this.#at - at)), at)
      if (got === 0) return
      checksum.update(part.subarray(0, got))
      at += got
    }
  }
  /** A whole large file, of whose bytes none is in memory that is used again too soon. */
  get #isLate(): boolean {
    const { options, lends } = this.#parts
    const { size } = this.#request.entry.stands
    const { sparse, inplace } = options
    return lends && this.#head.count === 0 && size >= LARGE_BYTES && !sparse && !inplace
  }
  #openBasis(): Basis | null {
    const { to } = this.#parts
    const { basis } = this.#request
    if (basis === null) return null
    const fd = basis.tree.openFile(basis.name)
    return {
      source: { length: to.size(fd), read: (offset, into) => to.read(fd, into, offset) },
      close: () => basis.tree.closeFile(fd),
    }
  }

  literal(bytes: Uint8Array, start: number, end: number): void {
    this.#patch.literal(bytes, start, end)
  }
  match(block: number): void {
    // Where the basis could not be opened nothing is written either.
    if (this.#hasFailed && this.#basis === null) return
    this.#patch.match(block)
  }
  /** The bytes of a block, for a compressor that saw them too. */
  block(block: number): Uint8Array | null {
    const { blockLength, count, remainder } = this.#head
    if (this.#basis === null || block >= count) return null
    const bytes = new Uint8Array(block === count - 1 && remainder > 0 ? remainder : blockLength)
    this.#basis.source.read(block * blockLength, bytes)
    return bytes
  }

  get literalBytes(): number {
    return this.#patch.literalBytes
  }
  get matchedBytes(): number {
    return this.#patch.matchedBytes
  }

  #write(bytes: Uint8Array): void {
    const { to, options, checksum, moved } = this.#parts
    checksum.update(bytes)
    moved(bytes.length)
    if (this.#hasFailed || this.#made === null) return
    const { fd } = this.#made
    if (this.#late === null)
      this.#attempt(() => to.write(fd, bytes, this.#at, options.sparse && !options.inplace))
    else this.#late.put(bytes)
    this.#at += bytes.length
  }

  /** It can be written, as far as is known. */
  get isOpen(): boolean {
    return !this.#hasFailed
  }
  /** To be called before the link is read, and awaited. Parameter as of LateWrites. */
  beforeRead(position: number): Promise<void> | null {
    return this.#late?.beforeRead(position) ?? null
  }
  /** To be awaited before `finish` or `abort`. Null: there is nothing to wait for. */
  drain(): Promise<void> | null {
    return this.#late?.drain() ?? null
  }

  /**
   * All tokens came. @param digest the sender's sum of the whole file
   * @returns does it stand there now? null: it is not what it should be
   */
  finish(digest: Uint8Array): boolean | null {
    const { checksum, to, options, placing } = this.#parts
    this.#patch.finish()
    const isRight = Buffer.compare(checksum.digest(), digest) === 0
    const made = this.#made
    if (placing === null) {
      this.#close()
      return isRight ? true : null
    }
    if (this.#hasFailed || made === null) {
      this.abort(true)
      return false
    }
    if (!isRight) {
      if (options.inplace) this.#attempt(() => to.finish(made.fd, this.#at, false, false))
      this.abort(true)
      return null
    }
    this.#attempt(() => {
      to.finish(made.fd, this.#at, buildsInOrder(options), options.fsync)
      this.#close()
      placing.done(made, this.#request)
    })
    if (!this.#hasFailed) return true
    this.abort(true)
    return false
  }

  /** It will not come whole. @param keeps what is there may be of use */
  abort(keeps: boolean): void {
    const { placing } = this.#parts
    this.#close()
    const made = this.#made
    this.#made = null
    if (made !== null && placing !== null)
      this.#attempt(() => placing.giveUp(made, this.#request, keeps))
  }

  #close(): void {
    if (this.#isOpen && this.#made !== null) this.#parts.to.closeFile(this.#made)
    this.#isOpen = false
    this.#basis?.close()
    this.#basis = null
  }
  /** What the system refuses is told once, and the rest of the bytes goes nowhere. */
  #attempt(act: () => void): void {
    try {
      act()
    } catch (error) {
      this.#failed(error)
    }
  }
  #failed(error: unknown): void {
    if (codeOf(error) === undefined && !(error instanceof FileError)) throw error
    if (!this.#hasFailed) this.#parts.fault('write failed on', this.#request, error)
    this.#hasFailed = true
  }
}
