/**
 * AssemblyScript. Marks: places that the bytes there pick themselves, one of 512 where bytes are random, so that they are the
 * same wherever those bytes stand. Sixteen places a step.
 */

/** By differences of what stands four bytes apart: nothing that repeats after 1, 2 or 4 bytes is ever a mark. */
const NEAR: i16 = 0x6d2b
const FAR: i16 = -0x4b1b
/** 128 of 65 536 values are below it. */
const BELOW: i16 = -32640

/**
 * Writes place (within `data`) and key of each mark that stands with its key's 32 bytes in `length`, pairs of u32le.
 * @returns how many, at most `most`: what comes after these is passed over
 */
export function marks(data: usize, length: usize, out: usize, most: u32): u32 {
  if (length < 32) return 0
  const near = i16x8.splat(NEAR)
  const far = i16x8.splat(FAR)
  const below = i16x8.splat(BELOW)
  const end = data + length - 31
  let count: u32 = 0
  let at = data
  for (; at + 16 <= end; at += 16) {
    const even = i16x8.add(i16x8.mul(apart(at), near), i16x8.mul(apart(at + 2), far))
    const odd = i16x8.add(i16x8.mul(apart(at + 1), near), i16x8.mul(apart(at + 3), far))
    // One test for both: a minimum costs less than two branches.
    if (!v128.any_true(i16x8.lt_s(i16x8.min_s(even, odd), below))) continue
    for (let i: usize = 0; i < 16; i++) {
      if (!isMark(at + i)) continue
      if (count === most) return count
      put(data, at + i, out + ((<usize>count) << 3))
      count++
    }
  }
  for (; at < end; at++) {
    if (!isMark(at)) continue
    if (count === most) return count
    put(data, at, out + ((<usize>count) << 3))
    count++
  }
  return count
}

function apart(at: usize): v128 {
  return i16x8.sub(v128.load(at), v128.load(at + 4))
}

function isMark(at: usize): bool {
  const first = load<i16>(at) - load<i16>(at + 4)
  const second = load<i16>(at + 2) - load<i16>(at + 6)
  return <i16>(first * NEAR + second * FAR) < BELOW
}

function put(data: usize, at: usize, out: usize): void {
  let key: u32 = 0x811c9dc5
  for (let i: usize = 0; i < 32; i += 4) {
    key = (key ^ load<u32>(at + i)) * 0x9e3779b1
    key ^= key >>> 15
  }
  store<u32>(out, <u32>(at - data))
  store<u32>(out, key, 4)
}
