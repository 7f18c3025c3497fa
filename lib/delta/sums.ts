/**
 * Block sums of a file: rsync's, as they follow a sum head, and the published sums of a content, a blob that the centre
 * gives out like any content and that is not trusted to be well-formed.
 *
 * Blob: 'pss' 0x01, length u64le, block length u32le, then for each block the weak sum u32le and XXH64 (seed 0) le.
 */
import { Cursor, Writer } from '../base/bytes.js'
import { WireError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { atOnce, type Steps } from '../base/steps.js'
import type { BlockSum, Kernel } from '../kernel/kernel-port.js'
import { contentBlockLength, type SumHead } from './block-size.js'

/** A file to read from, at any place. */
export type Source = {
  readonly length: number
  /** Fills `into` from `offset`; returns the bytes read, fewer only at the end. */
  read(offset: number, into: Uint8Array): number
}

/** Sums as they stand in memory: weak u32le and `sumLength` bytes of strong sum for each block, packed. */
export type BlockSums = {
  readonly length: number
  readonly blockLength: number
  readonly count: number
  readonly sumLength: number
  readonly sum: BlockSum
  readonly packed: Uint8Array
}

/** Sums of a content, for others to find its blocks in their files: XXH64, 12 bytes a block. */
export type PublishedSums = BlockSums & { readonly sumLength: 8 }

export const PUBLISHED_SUM: BlockSum = { algorithm: 'xxh64', seed: 0 }
const MAGIC = 0x70737301
const HEADER_BYTES = 16
const ENTRY_BYTES = 12

/** Collects the published sums of a content while it is read through the kernel's memory. */
export class SumsBuilder {
  readonly #length: number
  readonly #blockLength: number
  readonly #packed: Uint8Array
  #at = 0

  /** @throws {RangeError} on a length that has no published sums: see contentBlockLength. */
  constructor(length: number) {
    const blockLength = contentBlockLength(length)
    if (blockLength === null) throw new RangeError(`no published sums for ${length} bytes`)
    this.#length = length
    this.#blockLength = blockLength
    this.#packed = new Uint8Array(Math.ceil(length / blockLength) * ENTRY_BYTES)
  }
  /** The next bytes, at `offset` of `kernel.data`: a multiple of 1 MiB, or all that is left. */
  add(kernel: Kernel, offset: number, length: number): void {
    const block = this.#blockLength
    kernel.weakSums(offset, length, block, this.#packed, this.#at, ENTRY_BYTES)
    kernel.strongSums(
      PUBLISHED_SUM,
      8,
      offset,
      length,
      block,
      this.#packed,
      this.#at + 4,
      ENTRY_BYTES,
    )
    this.#at += Math.ceil(length / block) * ENTRY_BYTES
  }
  /** The sums, or null when the bytes were fewer or more than the length. */
  done(): PublishedSums | null {
    if (this.#at !== this.#packed.length) return null
    return publishedSums(this.#length, this.#blockLength, this.#packed)
  }
}

/** The published sums of a file, or null where it is shorter than it says. */
export function publishedSumsOf(source: Source, kernel: Kernel): PublishedSums | null {
  const builder = new SumsBuilder(source.length)
  const step = wholeBlocks(kernel, LIMITS.deltaBlockBytes)
  for (let offset = 0; offset < source.length; offset += step) {
    const n = Math.min(step, source.length - offset)
    if (source.read(offset, kernel.data.subarray(0, n)) < n) return null
    builder.add(kernel, 0, n)
  }
  return builder.done()
}

/** rsync's sums of a basis file, as the head says; null where the file is shorter than the head says. */
export function basisSumsOf(
  source: Source,
  head: SumHead,
  sum: BlockSum,
  kernel: Kernel,
): BlockSums | null {
  return atOnce(basisSums(source, head, sum, kernel))
}

/** The same in steps, between which others may use the kernel. */
export function* basisSums(
  source: Source,
  head: SumHead,
  sum: BlockSum,
  kernel: Kernel,
): Steps<BlockSums | null> {
  const { blockLength, count, sumLength } = head
  const length = count * blockLength - (head.remainder === 0 ? 0 : blockLength - head.remainder)
  const stride = 4 + sumLength
  const packed = new Uint8Array(count * stride)
  const step = wholeBlocks(kernel, blockLength)
  let at = 0
  for (let offset = 0; offset < length; offset += step) {
    const n = Math.min(step, length - offset)
    if (source.read(offset, kernel.data.subarray(0, n)) < n) return null
    kernel.weakSums(0, n, blockLength, packed, at, stride)
    kernel.strongSums(sum, sumLength, 0, n, blockLength, packed, at + 4, stride)
    at += Math.ceil(n / blockLength) * stride
    yield n
  }
  return { length, blockLength, count, sumLength, sum, packed }
}

/** What the kernel's memory takes at once, in whole blocks. */
function wholeBlocks(kernel: Kernel, blockLength: number): number {
  const step = Math.floor(kernel.data.length / blockLength) * blockLength
  if (step === 0) throw new RangeError(`blocks of ${blockLength} bytes in a kernel too small`)
  return step
}

export function encodeSums(sums: PublishedSums): Uint8Array {
  const out = new Writer(HEADER_BYTES + sums.packed.length)
  out.u32be(MAGIC)
  out.u64le(BigInt(sums.length))
  out.u32le(sums.blockLength)
  out.put(sums.packed)
  return out.done()
}

/** Keeps a view of the bytes. @throws {WireError} on sums that no content of `length` bytes could have. */
export function decodeSums(bytes: Uint8Array, length: number): PublishedSums {
  if (bytes.length < HEADER_BYTES) throw new WireError(`${bytes.length} bytes`, { at: 'sums' })
  const from = new Cursor(bytes)
  if (from.u32be() !== MAGIC) throw new WireError('not published sums', { at: 'sums' })
  if (from.u64le() !== BigInt(length)) throw new WireError('for another length', { at: 'sums' })
  const blockLength = from.u32le()
  if (blockLength !== contentBlockLength(length))
    throw new WireError(`block length ${blockLength}`, { at: 'sums' })
  const packed = from.view(from.left)
  if (packed.length !== Math.ceil(length / blockLength) * ENTRY_BYTES)
    throw new WireError(`${packed.length} bytes of sums`, { at: 'sums' })
  return publishedSums(length, blockLength, packed)
}

function publishedSums(length: number, blockLength: number, packed: Uint8Array): PublishedSums {
  const count = packed.length / ENTRY_BYTES
  return { length, blockLength, count, sumLength: 8, sum: PUBLISHED_SUM, packed }
}
