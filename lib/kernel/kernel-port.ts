/**
 * What a delta kernel does: sums of many blocks and the rolling scan, in one call each over memory of a fixed size.
 * kernel.ts opens the WebAssembly one, reference.ts is the same in plain TypeScript.
 */

/** How blocks are told apart for sure. Seeds stand where rsync puts them; prsync-protocol(7), checksums. */
export type BlockSum = {
  readonly algorithm: 'xxh64' | 'xxh3' | 'xxh128' | 'md5' | 'md4' | 'sha1'
  /** The session's seed, a signed 32-bit number. 0: md4, md5 and sha1 take none. */
  readonly seed: number
  /** MD5 of peers without the fixed seed order: the seed after the data, not before it. */
  readonly seedLast?: boolean
}

/** Bytes of a whole strong sum. */
export const SUM_BYTES = { xxh64: 8, xxh3: 8, xxh128: 16, md5: 16, md4: 16, sha1: 20 } as const

/** Where the scan looks weak sums up: chains of entries by hash, behind a filter that answers most windows. */
export type ScanTable = {
  /** FILTER_WORDS words; see filterSlot. */
  readonly filter: Uint32Array
  /** By `headOf(weak, headShift)`: entry + 1, or 0. A power of two, at least twice the entries. */
  readonly heads: Uint32Array
  readonly headShift: number
  /** By entry: its weak sum, and the next entry + 1 of the same chain, or 0. */
  readonly weaks: Uint32Array
  readonly nexts: Uint32Array
}

export const FILTER_WORDS = 65536
/** Entries looked at in one chain. Longer ones are made on purpose, or worth nothing. */
export const CHAIN_CAP = 128

/** The filter's word for a weak sum; its bit is the sum's low five bits. */
export function filterSlot(weak: number): number {
  return ((weak >>> 16) + (weak & 0xffff) * 0x6d2b) & 0xffff
}
export function headOf(weak: number, headShift: number): number {
  return Math.imul(weak, 0x9e3779b1) >>> headShift
}
/** Bits of `heads` for so many entries. */
export function headBits(entries: number): number {
  return Math.max(4, 33 - Math.clz32(Math.max(1, entries - 1)))
}

export type KernelSize = {
  /** Bytes of `data`. */
  readonly dataBytes: number
  /** Entries the table can hold. */
  readonly entries: number
}

/** One caller at a time: the calls share `data`, the table and the scan's place. Offsets are within `data`. */
export type Kernel = {
  readonly data: Uint8Array
  readonly table: ScanTable
  /** The weak sums of all blocks (the last may be short), u32le, to `out` from `at`, each `stride` after the other. */
  weakSums(
    offset: number,
    length: number,
    blockLength: number,
    out: Uint8Array,
    at: number,
    stride: number,
  ): void
  /** The first `width` bytes of their strong sums. */
  strongSums(
    sum: BlockSum,
    width: number,
    offset: number,
    length: number,
    blockLength: number,
    out: Uint8Array,
    at: number,
    stride: number,
  ): void
  /** Puts the scan at a window; returns its weak sum. */
  place(offset: number, length: number): number
  /** The weak sum of the window where the scan stands. */
  windowSum(): number
  /**
   * Rolls from the window at `offset`, where the scan stands, to the one at `last`. Returns the first window that the
   * table may hold, standing there, else `last + 1`, standing at `last`. `testFirst`: also test the one at `offset`.
   */
  scan(offset: number, last: number, length: number, testFirst: boolean): number
  /**
   * The marks that stand with their MARK_BYTES in these bytes, in rising order: place after `offset` and key of each to
   * `out`. FAINT_AFTER or more behind a mark there are faint ones too, whose places say so by FAINT: `since` bytes lie between
   * the last mark and `offset`. Returns how many; what comes after as many as `out` holds, or MOST_MARKS, is passed over, and
   * after a quarter of that what is faint.
   */
  marks(offset: number, length: number, out: Uint32Array, since: number): number
  /** SHA-256 of each 64 bytes of `count`, nodes of a hash tree, packed to the start of `out`. */
  nodeSums(offset: number, count: number, out: Uint8Array): void
}

/** What the key of a mark is made of. */
export const MARK_BYTES = 32
/** Marks that one call finds at most: four times those of a MiB of random bytes. */
export const MOST_MARKS = 8192
/** How far behind a mark faint ones begin, and the bit that their places have. */
export const FAINT_AFTER = 2048
export const FAINT = 2 ** 31
