/**
 * AssemblyScript. The weak sums of whole buffers, and the rolling scan for windows whose weak sum a table holds.
 * Sum as in rsync: bytes are signed, s1 = Σ b[i], s2 = Σ (n - i)·b[i], each modulo 2^16, packed s1 | s2 << 16.
 */

/** Weak sums of the blocks of `length` bytes at `data`, each written as u32le `stride` bytes after the one before. */
export function weakSums(
  data: usize,
  length: usize,
  block: usize,
  out: usize,
  stride: usize,
): void {
  const end = data + length
  while (data < end) {
    const n = min(block, end - data)
    store<u32>(out, weakSum(data, n))
    data += n
    out += stride
  }
}

export function weakSum(data: usize, length: usize): u32 {
  const high = i16x8(16, 15, 14, 13, 12, 11, 10, 9)
  const low = i16x8(8, 7, 6, 5, 4, 3, 2, 1)
  const ones = i16x8.splat(1)
  let sum = i32x4.splat(0)
  let weighted = i32x4.splat(0)
  // Sixteen bytes a step: every byte before them counts sixteen times more.
  let before = i32x4.splat(0)
  const end = data + length
  while (data + 16 <= end) {
    const bytes = v128.load(data)
    const first = i16x8.extend_low_i8x16_s(bytes)
    const second = i16x8.extend_high_i8x16_s(bytes)
    before = i32x4.add(before, sum)
    sum = i32x4.add(sum, i32x4.dot_i16x8_s(i16x8.add(first, second), ones))
    weighted = i32x4.add(
      weighted,
      i32x4.add(i32x4.dot_i16x8_s(first, high), i32x4.dot_i16x8_s(second, low)),
    )
    data += 16
  }
  let s1 = <u32>across(sum)
  let s2 = <u32>(across(weighted) + (across(before) << 4))
  while (data < end) {
    s1 += <u32>(<i32>load<i8>(data))
    s2 += s1
    data++
  }
  return (s1 & 0xffff) | (s2 << 16)
}

function across(v: v128): i32 {
  return (
    i32x4.extract_lane(v, 0) +
    i32x4.extract_lane(v, 1) +
    i32x4.extract_lane(v, 2) +
    i32x4.extract_lane(v, 3)
  )
}

/** Where the table stands: see ScanTable in kernel.ts. */
let filter: usize = 0
let heads: usize = 0
let headShift: u32 = 0
let weaks: usize = 0
let nexts: usize = 0
let chainCap: u32 = 0

export function bindTable(f: usize, h: usize, shift: u32, w: usize, n: usize, cap: u32): void {
  filter = f
  heads = h
  headShift = shift
  weaks = w
  nexts = n
  chainCap = cap
}

/** The sums of the window at which the scan stands; modulo 2^16, kept in 32 bits. */
let s1: u32 = 0
let s2: u32 = 0

/** Puts the scan at a window and returns its weak sum. */
export function placeScan(at: usize, length: usize): u32 {
  const sum = weakSum(at, length)
  s1 = sum & 0xffff
  s2 = sum >>> 16
  return sum
}

/** The weak sum of the window at which the scan stands. */
export function scanSum(): u32 {
  return (s1 & 0xffff) | (s2 << 16)
}

/**
 * Rolls from the window at `at`, where the scan stands, up to the one at `last`.
 * Returns where the first window starts that the table may hold and stands there; else `last` + 1, standing at `last`.
 * `testFirst`: the window at `at` was not tested yet.
 */
export function scan(at: usize, last: usize, length: usize, testFirst: bool): usize {
  if (testFirst && held()) return at
  const size = i16x8.splat(<i16>length)
  const spread = i16x8.splat(0x6d2b)
  const zero = i16x8.splat(0)
  const words = filter
  let all1 = i16x8.splat(<i16>s1)
  let all2 = i16x8.splat(<i16>s2)
  while (at + 8 <= last) {
    // Eight windows at once: prefix sums of what comes in and what goes out.
    const out = v128.load_ext<i8>(at)
    const enter = v128.load_ext<i8>(at + length)
    const sum1 = i16x8.add(all1, prefix(i16x8.sub(enter, out), zero))
    const sum2 = i16x8.add(all2, prefix(i16x8.sub(sum1, i16x8.mul(out, size)), zero))
    const slot = i16x8.add(sum2, i16x8.mul(sum1, spread))
    const hit =
      bit(words, i16x8.extract_lane_u(slot, 0), i16x8.extract_lane_u(sum1, 0)) |
      bit(words, i16x8.extract_lane_u(slot, 1), i16x8.extract_lane_u(sum1, 1)) |
      bit(words, i16x8.extract_lane_u(slot, 2), i16x8.extract_lane_u(sum1, 2)) |
      bit(words, i16x8.extract_lane_u(slot, 3), i16x8.extract_lane_u(sum1, 3)) |
      bit(words, i16x8.extract_lane_u(slot, 4), i16x8.extract_lane_u(sum1, 4)) |
      bit(words, i16x8.extract_lane_u(slot, 5), i16x8.extract_lane_u(sum1, 5)) |
      bit(words, i16x8.extract_lane_u(slot, 6), i16x8.extract_lane_u(sum1, 6)) |
      bit(words, i16x8.extract_lane_u(slot, 7), i16x8.extract_lane_u(sum1, 7))
    if (hit & 1) {
      s1 = i16x8.extract_lane_u(all1, 0)
      s2 = i16x8.extract_lane_u(all2, 0)
      for (let i: usize = 0; i < 8; i++) {
        roll(at + i, length)
        if (held()) return at + i + 1
      }
    }
    all1 = i16x8.shuffle(sum1, sum1, 7, 7, 7, 7, 7, 7, 7, 7)
    all2 = i16x8.shuffle(sum2, sum2, 7, 7, 7, 7, 7, 7, 7, 7)
    at += 8
  }
  s1 = i16x8.extract_lane_u(all1, 0)
  s2 = i16x8.extract_lane_u(all2, 0)
  while (at < last) {
    roll(at, length)
    at++
    if (held()) return at
  }
  return last + 1
}

function prefix(v: v128, zero: v128): v128 {
  v = i16x8.add(v, i16x8.shuffle(zero, v, 7, 8, 9, 10, 11, 12, 13, 14))
  v = i16x8.add(v, i16x8.shuffle(zero, v, 6, 7, 8, 9, 10, 11, 12, 13))
  return i16x8.add(v, i16x8.shuffle(zero, v, 4, 5, 6, 7, 8, 9, 10, 11))
}

/** Bit 0: does the filter know the sum? Wasm shifts by the low five bits of `sum1`. */
function bit(words: usize, slot: u32, sum1: u32): u32 {
  return load<u32>(words + ((<usize>slot) << 2)) >>> sum1
}

function roll(at: usize, length: usize): void {
  const out = <u32>(<i32>load<i8>(at))
  s1 += <u32>(<i32>load<i8>(at + length)) - out
  s2 += s1 - <u32>length * out
}

/** Does the table hold the window's weak sum? */
function held(): bool {
  const slot = (s2 + s1 * 0x6d2b) & 0xffff
  if ((bit(filter, slot, s1) & 1) === 0) return false
  const sum = scanSum()
  let entry = load<u32>(heads + ((<usize>((sum * 0x9e3779b1) >>> headShift)) << 2))
  let left = chainCap
  while (entry !== 0 && left-- !== 0) {
    const at = (<usize>(entry - 1)) << 2
    if (load<u32>(weaks + at) === sum) return true
    entry = load<u32>(nexts + at)
  }
  return false
}
