/**
 * How a content is recognised within another: by a window of 4 KiB near its beginning, its anchor. Windows are looked for at
 * multiples of 512 bytes alone, where archives, images of discs and of disks put their files, so that a window costs eight
 * sums that were made anyway and none has to be rolled. docs/decisions/0050.
 */
import type { Kernel } from '../kernel/kernel-port.js'

/** What archives and file systems align files to, at least. */
export const BLOCK_BYTES = 512
const WINDOW_BLOCKS = 8
export const WINDOW_BYTES = BLOCK_BYTES * WINDOW_BLOCKS
/** The part of a content that may hold its anchor. */
export const HEAD_BYTES = 64 * 1024

/** A window: where it begins, and a key of 64 bits made of the sums of its blocks. */
export type Anchor = { readonly offset: number; readonly low: number; readonly high: number }

/** Sums of the whole blocks at `offset` of `kernel.data`, to `into` from `at`. @returns how many */
export function blockSums(
  kernel: Kernel,
  offset: number,
  length: number,
  into: Uint32Array,
  at: number,
): number {
  const count = Math.floor(length / BLOCK_BYTES)
  const bytes = new Uint8Array(into.buffer, into.byteOffset, into.byteLength)
  kernel.weakSums(offset, count * BLOCK_BYTES, BLOCK_BYTES, bytes, at * 4, 4)
  return count
}

/**
 * The anchor of a content that begins with these blocks: its first window, but behind the run of equal blocks it may begin
 * with, as zeros are everywhere. Null: it has none.
 */
export function anchorOf(sums: Uint32Array, count: number): Anchor | null {
  let first = 0
  while (first + 1 < count && sums[first] === sums[first + 1]) first++
  if (first > 0) first++
  if (first + WINDOW_BLOCKS > count) return null
  return {
    offset: first * BLOCK_BYTES,
    low: windowLow(sums, first),
    high: windowHigh(sums, first),
  }
}

/** How far apart anchors of a content are by which runs in common with it are found; of so many at most. */
const RUN_STEP = 64 * 1024
const MOST_RUNS = 2 ** 16

/** Where windows of a content stand by which another version of it is recognised anywhere: behind its head. */
export function* runOffsets(length: number): Iterable<number> {
  const step = Math.ceil(length / MOST_RUNS / RUN_STEP) * RUN_STEP
  for (let at = step; at + WINDOW_BYTES <= length; at += step) yield at
}

/** The anchor at `offset` of a content, of one window's sums. Null: its blocks are all equal. */
export function runAnchor(sums: Uint32Array, offset: number): Anchor | null {
  let first = 0
  while (first + 1 < WINDOW_BLOCKS && sums[first] === sums[first + 1]) first++
  if (first + 1 === WINDOW_BLOCKS) return null
  return { offset, low: windowLow(sums, 0), high: windowHigh(sums, 0) }
}

/** Within a run of equal blocks there is no anchor: it would be found at each of them. */
export function isWithinRun(sums: Uint32Array, at: number): boolean {
  const sum = sums[at]
  return sum === sums[at + 1] && at > 0 && sum === sums[at - 1]
}

/** Half of the key of the window that begins with block `at`. */
export function windowLow(sums: Uint32Array, at: number): number {
  let key = 0x811c9dc5
  for (let i = at; i < at + WINDOW_BLOCKS; i++) {
    key = Math.imul(key ^ (sums[i] ?? 0), 0x9e3779b1)
    key ^= key >>> 15
  }
  return key >>> 0
}
/** The other half. */
export function windowHigh(sums: Uint32Array, at: number): number {
  let key = 0x2545f491
  for (let i = at; i < at + WINDOW_BLOCKS; i++) {
    key = Math.imul((key << 13) | (key >>> 19), 0x85ebca6b) + (sums[i] ?? 0)
    key ^= key >>> 16
  }
  return key >>> 0
}

/** Blocks whose sums one window needs. */
export const SUMS_A_WINDOW = WINDOW_BLOCKS
