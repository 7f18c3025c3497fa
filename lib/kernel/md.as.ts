/**
 * AssemblyScript. MD4 (RFC 1320) and MD5 (RFC 1321) of many blocks, four at a time, one in each lane of a vector:
 * blocks have one length, so they take the same steps. The seed is four bytes before or after the data.
 */

/** The sixteen message words, each of four blocks. */
const WORDS: usize = memory.data(256, 16)
/** The first or last 64 bytes of each block, with seed and padding. */
const CHUNKS: usize = memory.data(256, 16)
/** T[i] = floor(2^32 · |sin(i + 1)|). */
const SINES: usize = memory.data<u32>([
  0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
  0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
  0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
  0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
  0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
  0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
  0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
  0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
])

const SEED_FIRST: i32 = 1
const SEED_LAST: i32 = 2

/** Sums of 16 bytes. `place`: 0 no seed, 1 before the data, 2 after it. `md5`: else MD4. */
export function mdSums(
  data: usize,
  length: usize,
  block: usize,
  seed: i32,
  place: i32,
  md5: bool,
  out: usize,
  stride: usize,
): void {
  const end = data + length
  while (data < end) {
    const n = min(block, end - data)
    const lanes = min<usize>(4, (end - data) / n)
    const b = lanes > 1 ? data + n : data
    const c = lanes > 2 ? data + 2 * n : data
    const d = lanes > 3 ? data + 3 * n : data
    digest(data, b, c, d, n, seed, place, md5)
    for (let i: usize = 0; i < lanes; i++) {
      const lane = i << 2
      store<u32>(out, load<u32>(WORDS + lane))
      store<u32>(out, load<u32>(WORDS + lane, 16), 4)
      store<u32>(out, load<u32>(WORDS + lane, 32), 8)
      store<u32>(out, load<u32>(WORDS + lane, 48), 12)
      out += stride
    }
    data += n * lanes
  }
}

let sa = i32x4.splat(0)
let sb = i32x4.splat(0)
let sc = i32x4.splat(0)
let sd = i32x4.splat(0)

/** Four messages; leaves the four state vectors in WORDS. */
function digest(
  a: usize,
  b: usize,
  c: usize,
  d: usize,
  n: usize,
  seed: i32,
  place: i32,
  md5: bool,
): void {
  sa = i32x4.splat(0x67452301)
  sb = i32x4.splat(<i32>0xefcdab89)
  sc = i32x4.splat(<i32>0x98badcfe)
  sd = i32x4.splat(0x10325476)
  const lead: usize = place === SEED_FIRST ? 4 : 0
  const total = n + (place === 0 ? 0 : 4)
  const chunks = (total + 8) / 64 + 1
  for (let i: usize = 0; i < chunks; i++) {
    const from = i * 64
    if (from >= lead && from + 64 <= lead + n) {
      const at = from - lead
      transpose(a + at, b + at, c + at, d + at)
    } else {
      edge(CHUNKS, a, n, from, seed, place, total)
      edge(CHUNKS + 64, b, n, from, seed, place, total)
      edge(CHUNKS + 128, c, n, from, seed, place, total)
      edge(CHUNKS + 192, d, n, from, seed, place, total)
      transpose(CHUNKS, CHUNKS + 64, CHUNKS + 128, CHUNKS + 192)
    }
    if (md5) compress5()
    else compress4()
  }
  v128.store(WORDS, sa)
  v128.store(WORDS, sb, 16)
  v128.store(WORDS, sc, 32)
  v128.store(WORDS, sd, 48)
}

/** The 64 bytes from `from` of seed, data, padding and length. */
function edge(
  to: usize,
  data: usize,
  n: usize,
  from: usize,
  seed: i32,
  place: i32,
  total: usize,
): void {
  memory.fill(to, 0, 64)
  const lead: usize = place === SEED_FIRST ? 4 : 0
  if (lead !== 0 && from === 0) store<i32>(to, seed)
  const start = max(from, lead)
  const stop = min(from + 64, lead + n)
  if (start < stop) memory.copy(to + (start - from), data + (start - lead), stop - start)
  if (place === SEED_LAST)
    for (let i: usize = 0; i < 4; i++) {
      const at = n + i - from
      if (n + i >= from && at < 64) store<u8>(to + at, <u8>(seed >> <i32>(i << 3)))
    }
  if (total >= from && total - from < 64) store<u8>(to + (total - from), 0x80)
  if (from + 64 >= total + 9) store<u64>(to, (<u64>total) << 3, 56)
}

function transpose(a: usize, b: usize, c: usize, d: usize): void {
  for (let i: usize = 0; i < 64; i += 16) {
    const va = v128.load(a + i)
    const vb = v128.load(b + i)
    const vc = v128.load(c + i)
    const vd = v128.load(d + i)
    const abLow = i32x4.shuffle(va, vb, 0, 4, 1, 5)
    const abHigh = i32x4.shuffle(va, vb, 2, 6, 3, 7)
    const cdLow = i32x4.shuffle(vc, vd, 0, 4, 1, 5)
    const cdHigh = i32x4.shuffle(vc, vd, 2, 6, 3, 7)
    const to = WORDS + (i << 2)
    v128.store(to, i64x2.shuffle(abLow, cdLow, 0, 2))
    v128.store(to, i64x2.shuffle(abLow, cdLow, 1, 3), 16)
    v128.store(to, i64x2.shuffle(abHigh, cdHigh, 0, 2), 32)
    v128.store(to, i64x2.shuffle(abHigh, cdHigh, 1, 3), 48)
  }
}

function word(k: usize): v128 {
  return v128.load(WORDS + (k << 4))
}
function turn(v: v128, n: i32): v128 {
  return v128.or(i32x4.shl(v, n), i32x4.shr_u(v, 32 - n))
}
/** (x & y) | (~x & z) */
function choose(x: v128, y: v128, z: v128): v128 {
  return v128.xor(z, v128.and(x, v128.xor(y, z)))
}
function odd(x: v128, y: v128, z: v128): v128 {
  return v128.xor(x, v128.xor(y, z))
}

// Steps go four at a time, so that a, b, c and d keep their names.
function compress4(): void {
  let a = sa
  let b = sb
  let c = sc
  let d = sd
  for (let k: usize = 0; k < 16; k += 4) {
    a = turn(i32x4.add(i32x4.add(a, word(k)), choose(b, c, d)), 3)
    d = turn(i32x4.add(i32x4.add(d, word(k + 1)), choose(a, b, c)), 7)
    c = turn(i32x4.add(i32x4.add(c, word(k + 2)), choose(d, a, b)), 11)
    b = turn(i32x4.add(i32x4.add(b, word(k + 3)), choose(c, d, a)), 19)
  }
  const two = i32x4.splat(0x5a827999)
  for (let k: usize = 0; k < 4; k++) {
    a = turn(i32x4.add(i32x4.add(a, i32x4.add(word(k), two)), most(b, c, d)), 3)
    d = turn(i32x4.add(i32x4.add(d, i32x4.add(word(k + 4), two)), most(a, b, c)), 5)
    c = turn(i32x4.add(i32x4.add(c, i32x4.add(word(k + 8), two)), most(d, a, b)), 9)
    b = turn(i32x4.add(i32x4.add(b, i32x4.add(word(k + 12), two)), most(c, d, a)), 13)
  }
  const three = i32x4.splat(0x6ed9eba1)
  for (let i: usize = 0; i < 4; i++) {
    const k = ((i & 1) << 1) | (i >> 1)
    a = turn(i32x4.add(i32x4.add(a, i32x4.add(word(k), three)), odd(b, c, d)), 3)
    d = turn(i32x4.add(i32x4.add(d, i32x4.add(word(k + 8), three)), odd(a, b, c)), 9)
    c = turn(i32x4.add(i32x4.add(c, i32x4.add(word(k + 4), three)), odd(d, a, b)), 11)
    b = turn(i32x4.add(i32x4.add(b, i32x4.add(word(k + 12), three)), odd(c, d, a)), 15)
  }
  keep(a, b, c, d)
}
function most(x: v128, y: v128, z: v128): v128 {
  return v128.or(v128.and(x, y), v128.and(z, v128.or(x, y)))
}
function keep(a: v128, b: v128, c: v128, d: v128): void {
  sa = i32x4.add(sa, a)
  sb = i32x4.add(sb, b)
  sc = i32x4.add(sc, c)
  sd = i32x4.add(sd, d)
}

/** The word of message place `k` plus the constant of step `i`. */
function term(k: usize, i: usize): v128 {
  return i32x4.add(word(k & 15), v128.load_splat<u32>(SINES + (i << 2)))
}
function compress5(): void {
  let a = sa
  let b = sb
  let c = sc
  let d = sd
  for (let i: usize = 0; i < 16; i += 4) {
    a = i32x4.add(b, turn(i32x4.add(i32x4.add(a, term(i, i)), choose(b, c, d)), 7))
    d = i32x4.add(a, turn(i32x4.add(i32x4.add(d, term(i + 1, i + 1)), choose(a, b, c)), 12))
    c = i32x4.add(d, turn(i32x4.add(i32x4.add(c, term(i + 2, i + 2)), choose(d, a, b)), 17))
    b = i32x4.add(c, turn(i32x4.add(i32x4.add(b, term(i + 3, i + 3)), choose(c, d, a)), 22))
  }
  for (let i: usize = 16; i < 32; i += 4) {
    const k = 5 * i + 1
    a = i32x4.add(b, turn(i32x4.add(i32x4.add(a, term(k, i)), choose(d, b, c)), 5))
    d = i32x4.add(a, turn(i32x4.add(i32x4.add(d, term(k + 5, i + 1)), choose(c, a, b)), 9))
    c = i32x4.add(d, turn(i32x4.add(i32x4.add(c, term(k + 10, i + 2)), choose(b, d, a)), 14))
    b = i32x4.add(c, turn(i32x4.add(i32x4.add(b, term(k + 15, i + 3)), choose(a, c, d)), 20))
  }
  for (let i: usize = 32; i < 48; i += 4) {
    const k = 3 * i + 5
    a = i32x4.add(b, turn(i32x4.add(i32x4.add(a, term(k, i)), odd(b, c, d)), 4))
    d = i32x4.add(a, turn(i32x4.add(i32x4.add(d, term(k + 3, i + 1)), odd(a, b, c)), 11))
    c = i32x4.add(d, turn(i32x4.add(i32x4.add(c, term(k + 6, i + 2)), odd(d, a, b)), 16))
    b = i32x4.add(c, turn(i32x4.add(i32x4.add(b, term(k + 9, i + 3)), odd(c, d, a)), 23))
  }
  for (let i: usize = 48; i < 64; i += 4) {
    const k = 7 * i
    a = i32x4.add(b, turn(i32x4.add(i32x4.add(a, term(k, i)), against(b, c, d)), 6))
    d = i32x4.add(a, turn(i32x4.add(i32x4.add(d, term(k + 7, i + 1)), against(a, b, c)), 10))
    c = i32x4.add(d, turn(i32x4.add(i32x4.add(c, term(k + 14, i + 2)), against(d, a, b)), 15))
    b = i32x4.add(c, turn(i32x4.add(i32x4.add(b, term(k + 21, i + 3)), against(c, d, a)), 21))
  }
  keep(a, b, c, d)
}
/** y ^ (x | ~z) */
function against(x: v128, y: v128, z: v128): v128 {
  return v128.xor(y, v128.or(x, v128.not(z)))
}
