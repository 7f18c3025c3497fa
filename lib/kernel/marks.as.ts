/**
 * AssemblyScript. Marks: places that the bytes there pick themselves, one of 512 where bytes are random, so that they are the
 * same wherever those bytes stand; far behind a mark eight times as many, so that hardly a stretch has none. Thirty-two places
 * a step.
 */
// biome-ignore-all lint/correctness/noPrecisionLoss: AssemblyScript has 64-bit integers

/** By differences of what stands four bytes apart: nothing that repeats after 1, 2 or 4 bytes is ever a mark. */
const NEAR: i16 = 0x6d2b
const FAR: i16 = -0x4b1b
/** 128 of 65 536 values are below it. */
const BELOW: i16 = -32640
/** A faint mark is below this one, as 1024 are, so many bytes or more behind the last mark. */
const FAINT_BELOW: i16 = -31744
const FAINT_AFTER: usize = 2048
/** Of the place of a faint mark. */
const FAINT: u32 = 0x80000000

/**
 * Writes place (within `data`) and key of each mark that stands with its key's 32 bytes in `length`, pairs of u32le.
 * @param since bytes between the last mark and `data`
 * @returns how many, at most `most`, a quarter of them faint: what comes after these is passed over
 */
export function marks(data: usize, length: usize, out: usize, most: u32, since: u32): u32 {
  if (length < 32) return 0
  const near = i16x8.splat(NEAR)
  const far = i16x8.splat(FAR)
  const strict = i16x8.splat(BELOW)
  const loose = i16x8.splat(FAINT_BELOW)
  const end = data + length - 31
  base = data
  next = out
  last = out + ((<usize>most) << 3)
  faintLeft = most >> 2
  // Addresses may wrap below zero: only differences count.
  mark = data - since
  let at = data
  for (; at + 32 <= end; at += 32) {
    const below = at + 31 - mark < FAINT_AFTER ? strict : loose
    const even = values(at, near, far)
    const odd = values(at + 1, near, far)
    const even2 = values(at + 16, near, far)
    const odd2 = values(at + 17, near, far)
    // One test for all: minima cost less than branches.
    const least = i16x8.min_s(i16x8.min_s(even, odd), i16x8.min_s(even2, odd2))
    if (!v128.any_true(i16x8.lt_s(least, below))) continue
    putAll(at, i16x8.bitmask(i16x8.lt_s(even, below)), i16x8.bitmask(i16x8.lt_s(odd, below)))
    putAll(at + 16, i16x8.bitmask(i16x8.lt_s(even2, below)), i16x8.bitmask(i16x8.lt_s(odd2, below)))
  }
  for (; at < end; at++) if (valueAt(at) < FAINT_BELOW) put(at)
  return <u32>((next - out) >> 3)
}

/** What places are written from, and where. */
let base: usize = 0
let next: usize = 0
let last: usize = 0
/** The last mark, and how many faint ones there is room for. */
let mark: usize = 0
let faintLeft: u32 = 0

/** What may be marks at even and at odd places from `at` on, a bit each. */
function putAll(at: usize, even: i32, odd: i32): void {
  for (let some = even | odd; some !== 0; some &= some - 1) {
    const i = ctz(some)
    if ((even >>> i) & 1) put(at + ((<usize>i) << 1))
    if ((odd >>> i) & 1) put(at + ((<usize>i) << 1) + 1)
  }
}

/** Of each second place from `at` on. */
function values(at: usize, near: v128, far: v128): v128 {
  return i16x8.add(i16x8.mul(apart(at), near), i16x8.mul(apart(at + 2), far))
}
function apart(at: usize): v128 {
  return i16x8.sub(v128.load(at), v128.load(at + 4))
}

function valueAt(at: usize): i16 {
  const first = load<i16>(at) - load<i16>(at + 4)
  const second = load<i16>(at + 2) - load<i16>(at + 6)
  return <i16>(first * NEAR + second * FAR)
}

/** Where the value is below one of the bounds. */
function put(at: usize): void {
  let place = <u32>(at - base)
  if (valueAt(at) < BELOW) mark = at
  else {
    if (at - mark < FAINT_AFTER || faintLeft === 0) return
    faintLeft--
    place |= FAINT
  }
  if (next === last) return
  const front = (load<u64>(at) ^ rotl<u64>(load<u64>(at, 8), 23)) * 0x9e3779b185ebca87
  const back = (load<u64>(at, 16) ^ rotl<u64>(load<u64>(at, 24), 41)) * 0xc2b2ae3d27d4eb4f
  const key = front + (back ^ (back >>> 32))
  store<u32>(next, place)
  store<u32>(next, <u32>(key >>> 32), 4)
  next += 8
}
