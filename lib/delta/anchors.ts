/**
 * How a content is recognised within another: by its anchor, the first KiB behind a mark near its beginning. Marks are places
 * that the bytes pick themselves, so that an anchor is found at whatever offset its content stands, and no window has to be
 * rolled over all the others. docs/decisions/0053.
 */
import { FAINT, type Kernel, MARK_BYTES } from '../kernel/kernel-port.js'

/** What a key tells apart, from its mark on. */
export const WINDOW_BYTES = 1024
/** What is shorter has no anchor, and what two contents have in common counts from here on. */
export const PART_BYTES = 4096
/** The part of a content that may hold its anchor. */
export const HEAD_BYTES = 64 * 1024

/** Equal marks so far apart are a run: what repeats has one in each period. */
export const PERIOD_BYTES = 512

/** A window: where its mark is, and a key of 64 bits: that of the mark, and of the window. */
export type Anchor = { readonly offset: number; readonly low: number; readonly high: number }

/** Numbers that marks of so many bytes fit in; more than four times as many marks as random bytes have are passed over. */
export function marksOf(bytes: number): Uint32Array {
  return new Uint32Array(Math.ceil(bytes / 64))
}

/** Marks with whole windows among the bytes at `offset` of `kernel.data`: as `Kernel.marks` gives them, pair by pair. */
export function marksIn(
  kernel: Kernel,
  offset: number,
  length: number,
  into: Uint32Array,
  since: number,
): Uint32Array {
  if (length < WINDOW_BYTES) return into.subarray(0, 0)
  const count = kernel.marks(offset, length - WINDOW_BYTES + MARK_BYTES, into, since)
  return into.subarray(0, count * 2)
}

/** Where the mark of a pair stands, whether it is faint or not. */
export function placeOf(word: number): number {
  return word >= FAINT ? word - FAINT : word
}

/**
 * The anchor of a content, or of a part of it, that begins with these bytes: at its first mark, but behind the run of equal
 * ones it may begin with, as fills are everywhere. At a faint mark where it has no other: wherever it stands, that mark is as far
 * behind others as here, or further. Null: it has none.
 */
export function anchorIn(
  kernel: Kernel,
  offset: number,
  length: number,
  into: Uint32Array,
): Anchor | null {
  if (length < PART_BYTES) return null
  const all = marksIn(kernel, offset, length, into, 0)
  const at = behindRun(all, false) ?? behindRun(all, true)
  if (at === null) return null
  const place = placeOf(all[at] ?? 0)
  return { offset: place, low: all[at + 1] ?? 0, high: windowKey(kernel, offset + place) }
}

/** The first of the marks, or of the faint ones, but behind the run that these may begin with. */
function behindRun(marks: Uint32Array, faint: boolean): number | null {
  let before: number | null = null
  let isRun = false
  for (let at = 0; at < marks.length; at += 2) {
    if ((marks[at] ?? 0) >= FAINT !== faint) continue
    if (before !== null) {
      if (!goesOn(marks, before, at)) return isRun ? at : before
      isRun = true
    }
    before = at
  }
  return isRun ? null : before
}

function goesOn(marks: Uint32Array, before: number, at: number): boolean {
  const apart = (marks[at] ?? 0) - (marks[before] ?? 0)
  return marks[at + 1] === marks[before + 1] && apart <= PERIOD_BYTES
}

const key = new Uint8Array(4)
/** The other half of the key of the window at `offset` of `kernel.data`. */
export function windowKey(kernel: Kernel, offset: number): number {
  const sum = { algorithm: 'xxh64', seed: 0 } as const
  kernel.strongSums(sum, key.length, offset, WINDOW_BYTES, WINDOW_BYTES, key, 0, key.length)
  return new DataView(key.buffer).getUint32(0, true)
}

/** How far apart anchors of a content are by which runs in common with it are found; of so many at most. */
const RUN_STEP = 64 * 1024
const MOST_RUNS = 2 ** 16
/** Read for one of them: random bytes have fourteen marks there. */
export const RUN_BYTES = 8192

/** Where it is looked for anchors by which another version of a content is recognised anywhere: behind its head. */
export function* runOffsets(length: number): Iterable<number> {
  const step = Math.ceil(length / MOST_RUNS / RUN_STEP) * RUN_STEP
  for (let at = step; at + PART_BYTES <= length; at += step) yield at
}
