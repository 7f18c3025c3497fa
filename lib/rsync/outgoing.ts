/** One file as it goes out: read, searched for the receiver's blocks, its sum on the way. prsync-protocol(7), answers. */
import type { Writer } from '../base/bytes.js'
import { codeOf } from '../base/errors.js'
import type { SumHead } from '../delta/block-size.js'
import { type Found, Match, NONE_FOUND } from '../delta/match.js'
import type { BlockSums, Source } from '../delta/sums.js'
import type { Checksum } from '../hash/checksum.js'
import type { BlockSum } from '../kernel/kernel-port.js'
import type { Options } from '../options/options.js'
import { BASIS, type Item } from '../wire/item.js'
import { lengthOf } from '../wire/sum-head.js'
import { has, type Terms } from '../wire/terms.js'
import type { TokenEncoder } from '../wire/token.js'
import type { KernelStore } from './kernel-store.js'

/** Where bytes go: the connection, or past it. */
export type ByteSink = {
  readonly data: Writer
  /** Null: there is room. */
  room(): Promise<void> | null
}

export type OutgoingParts = {
  readonly options: Options
  readonly terms: Terms
  readonly writer: ByteSink
  readonly tokens: TokenEncoder
  readonly checksum: Checksum
  /** Null: blocks have no sums, so whole files go. */
  readonly blockSum: BlockSum | null
  readonly kernels: KernelStore
  readonly read: (fd: number, into: Uint8Array, offset: number) => number
  /** After each step: --bwlimit, signals. Null: nothing to wait for. */
  readonly pause: (bytes: number) => Promise<void> | null
}

const READ_BYTES = 128 * 1024

export class Outgoing {
  readonly #parts: OutgoingParts
  readonly #buffer = Buffer.allocUnsafe(READ_BYTES)
  readonly count = { literal: 0, matched: 0 }
  found: Found = NONE_FOUND
  /** The sum of the last file. */
  digest: Uint8Array = new Uint8Array(0)

  constructor(parts: OutgoingParts) {
    this.#parts = parts
  }

  /**
   * Tokens and the sum. @param packed the receiver's block sums; null: only what is behind the head's length is sent
   * @returns could all of it be read? If not, the sum is one that cannot be right. A promise, where something has to be waited for
   */
  send(
    fd: number,
    size: number,
    head: SumHead,
    packed: Uint8Array | null,
    item: Item,
  ): Promise<boolean> | boolean {
    this.#parts.checksum.start()
    this.#parts.tokens.begin()
    return packed !== null && head.count === 0 && size <= READ_BYTES
      ? this.#small(fd, size)
      : this.#steps(fd, size, head, packed, item)
  }

  /** Whole, in one step. */
  #small(fd: number, size: number): Promise<boolean> | boolean {
    const { writer, pause } = this.#parts
    let isWhole: boolean | null = null
    for (let at = 0; isWhole === null; ) {
      const got = at < size ? this.#part(fd, at, size, this.#literal) : 0
      at += got ?? 0
      if (got === null || got === 0) isWhole = got !== null
    }
    this.#end(isWhole)
    const [room, wait] = [writer.room(), pause(size)]
    return room === null && wait === null ? isWhole : Promise.all([room, wait]).then(() => isWhole)
  }

  async #steps(
    fd: number,
    size: number,
    head: SumHead,
    packed: Uint8Array | null,
    item: Item,
  ): Promise<boolean> {
    const { options, writer, terms } = this.#parts
    let isWhole = true
    if (packed === null) {
      const skipped = lengthOf(head)
      const isCounted = options.append === 'verify' || terms.protocol < 30
      if (isCounted) isWhole = await this.#skip(fd, skipped)
      isWhole = (await this.#literals(fd, skipped, size)) && isWhole
    } else if (head.count === 0 || this.#parts.blockSum === null) {
      isWhole = await this.#literals(fd, 0, size)
    } else isWhole = await this.#matches(fd, size, head, packed, item)
    this.#end(isWhole)
    const room = writer.room()
    if (room !== null) await room
    return isWhole
  }
  #end(isWhole: boolean): void {
    const { tokens, checksum, writer } = this.#parts
    tokens.end()
    const digest = Uint8Array.from(checksum.digest())
    if (!isWhole) spoil(digest)
    this.digest = digest
    writer.data.put(digest)
  }

  async #skip(fd: number, length: number): Promise<boolean> {
    return this.#read(fd, 0, length, (bytes) => this.#parts.checksum.update(bytes))
  }
  async #literals(fd: number, from: number, size: number): Promise<boolean> {
    return this.#read(fd, from, size, this.#literal)
  }
  readonly #literal = (bytes: Uint8Array): void => {
    const { tokens, checksum } = this.#parts
    checksum.update(bytes)
    tokens.literal(bytes, 0, bytes.length)
    this.count.literal += bytes.length
  }
  /** @returns false: an error, after which zeros stand for the rest */
  async #read(
    fd: number,
    from: number,
    to: number,
    sink: (bytes: Uint8Array) => void,
  ): Promise<boolean> {
    const { writer, pause } = this.#parts
    for (let at = from; at < to; ) {
      const got = this.#part(fd, at, to, sink)
      if (got === null) return false
      // It became shorter: what is there is all there is.
      if (got === 0) return true
      at += got
      const room = writer.room()
      if (room !== null) await room
      const wait = pause(got)
      if (wait !== null) await wait
    }
    return true
  }
  /** @returns bytes that were read; null: an error, and zeros stand for them */
  #part(fd: number, at: number, to: number, sink: (bytes: Uint8Array) => void): number | null {
    const part = this.#buffer.subarray(0, Math.min(READ_BYTES, to - at))
    let got: number
    try {
      got = this.#parts.read(fd, part, at)
    } catch (error) {
      if (codeOf(error) === undefined) throw error
      part.fill(0)
      sink(part)
      return null
    }
    if (got > 0) sink(part.subarray(0, got))
    return got
  }

  async #matches(
    fd: number,
    size: number,
    head: SumHead,
    packed: Uint8Array,
    item: Item,
  ): Promise<boolean> {
    const { blockSum, kernels, tokens, checksum, read, writer, pause, options, terms } = this.#parts
    if (blockSum === null) return false
    let isWhole = true
    const source: Source = {
      length: size,
      read: (offset, into) => {
        try {
          const got = read(fd, into, offset)
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
    const kernel = kernels.forEntries(head.count, head.blockLength)
    const match = new Match(source, sums, { inPlace }, kernel)
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
    this.found = sumOf(this.found, match.found)
    return isWhole
  }
}

function sumOf(a: Found, b: Found): Found {
  return {
    matches: a.matches + b.matches,
    hashHits: a.hashHits + b.hashHits,
    falseAlarms: a.falseAlarms + b.falseAlarms,
  }
}

/** A sum that cannot be right, so that the receiver asks again. */
function spoil(digest: Uint8Array): void {
  const isZero = digest.every((byte) => byte === 0)
  digest.fill(0)
  if (isZero) digest[digest.length - 1] = 1
}

/** How blocks are told apart in these terms; null: not at all. */
export function blockSumOf(terms: Terms): BlockSum | null {
  const { checksum, seed } = terms
  switch (checksum) {
    case 'none':
      return null
    case 'md4-old':
      return { algorithm: 'md4', seed }
    case 'md5':
      return { algorithm: 'md5', seed, seedLast: !has(terms, 'seedFix') }
    default:
      return { algorithm: checksum, seed }
  }
}
