/**
 * AssemblyScript. XXH64 and XXH3 (64 and 128 bits) of many blocks, seeded.
 * From the algorithm's specification (xxHash, BSD-2-Clause, xxhash_spec.md and XXH3 v0.8).
 */

// biome-ignore-all lint/correctness/noPrecisionLoss: AssemblyScript has 64-bit integers
const P32_1: u64 = 0x9e3779b1
const P32_2: u64 = 0x85ebca77
const P32_3: u64 = 0xc2b2ae3d
const P1: u64 = 0x9e3779b185ebca87
const P2: u64 = 0xc2b2ae3d27d4eb4f
const P3: u64 = 0x165667b19e3779f9
const P4: u64 = 0x85ebca77c2b2ae63
const P5: u64 = 0x27d4eb2f165667c5
const MX1: u64 = 0x165667919e3779f9
const MX2: u64 = 0x9fb21c651e98df25

/** The seed is rsync's 32-bit one, sign-extended. */
export function xxh64Sums(
  data: usize,
  length: usize,
  block: usize,
  seed: i32,
  out: usize,
  stride: usize,
): void {
  const end = data + length
  while (data < end) {
    const n = min(block, end - data)
    store<u64>(out, xxh64(data, n, <u64>(<i64>seed)))
    data += n
    out += stride
  }
}

function xxh64(at: usize, length: usize, seed: u64): u64 {
  const end = at + length
  let h: u64
  if (length >= 32) {
    let a = seed + P1 + P2
    let b = seed + P2
    let c = seed
    let d = seed - P1
    do {
      a = round64(a, load<u64>(at))
      b = round64(b, load<u64>(at, 8))
      c = round64(c, load<u64>(at, 16))
      d = round64(d, load<u64>(at, 24))
      at += 32
    } while (at + 32 <= end)
    h = rotl<u64>(a, 1) + rotl<u64>(b, 7) + rotl<u64>(c, 12) + rotl<u64>(d, 18)
    h = (h ^ round64(0, a)) * P1 + P4
    h = (h ^ round64(0, b)) * P1 + P4
    h = (h ^ round64(0, c)) * P1 + P4
    h = (h ^ round64(0, d)) * P1 + P4
  } else {
    h = seed + P5
  }
  h += <u64>length
  for (; at + 8 <= end; at += 8) h = rotl<u64>(h ^ round64(0, load<u64>(at)), 27) * P1 + P4
  if (at + 4 <= end) {
    h = rotl<u64>(h ^ (<u64>load<u32>(at) * P1), 23) * P2 + P3
    at += 4
  }
  for (; at < end; at++) h = rotl<u64>(h ^ (<u64>load<u8>(at) * P5), 11) * P1
  return avalanche64(h)
}

function round64(acc: u64, input: u64): u64 {
  return rotl<u64>(acc + input * P2, 31) * P1
}
function avalanche64(h: u64): u64 {
  h = (h ^ (h >> 33)) * P2
  h = (h ^ (h >> 29)) * P3
  return h ^ (h >> 32)
}

// XXH3. The default secret, and after it room for the one that a seed makes of it.
const SECRET: usize = memory.data<u8>([
  0xb8, 0xfe, 0x6c, 0x39, 0x23, 0xa4, 0x4b, 0xbe, 0x7c, 0x01, 0x81, 0x2c, 0xf7, 0x21, 0xad, 0x1c,
  0xde, 0xd4, 0x6d, 0xe9, 0x83, 0x90, 0x97, 0xdb, 0x72, 0x40, 0xa4, 0xa4, 0xb7, 0xb3, 0x67, 0x1f,
  0xcb, 0x79, 0xe6, 0x4e, 0xcc, 0xc0, 0xe5, 0x78, 0x82, 0x5a, 0xd0, 0x7d, 0xcc, 0xff, 0x72, 0x21,
  0xb8, 0x08, 0x46, 0x74, 0xf7, 0x43, 0x24, 0x8e, 0xe0, 0x35, 0x90, 0xe6, 0x81, 0x3a, 0x26, 0x4c,
  0x3c, 0x28, 0x52, 0xbb, 0x91, 0xc3, 0x00, 0xcb, 0x88, 0xd0, 0x65, 0x8b, 0x1b, 0x53, 0x2e, 0xa3,
  0x71, 0x64, 0x48, 0x97, 0xa2, 0x0d, 0xf9, 0x4e, 0x38, 0x19, 0xef, 0x46, 0xa9, 0xde, 0xac, 0xd8,
  0xa8, 0xfa, 0x76, 0x3f, 0xe3, 0x9c, 0x34, 0x3f, 0xf9, 0xdc, 0xbb, 0xc7, 0xc7, 0x0b, 0x4f, 0x1d,
  0x8a, 0x51, 0xe0, 0x4b, 0xcd, 0xb4, 0x59, 0x31, 0xc8, 0x9f, 0x7e, 0xc9, 0xd9, 0x78, 0x73, 0x64,
  0xea, 0xc5, 0xac, 0x83, 0x34, 0xd3, 0xeb, 0xc3, 0xc5, 0x81, 0xa0, 0xff, 0xfa, 0x13, 0x63, 0xeb,
  0x17, 0x0d, 0xdd, 0x51, 0xb7, 0xf0, 0xda, 0x49, 0xd3, 0x16, 0x55, 0x26, 0x29, 0xd4, 0x68, 0x9e,
  0x2b, 0x16, 0xbe, 0x58, 0x7d, 0x47, 0xa1, 0xfc, 0x8f, 0xf8, 0xb8, 0xd1, 0x7a, 0xd0, 0x31, 0xce,
  0x45, 0xcb, 0x3a, 0x8f, 0x95, 0x16, 0x04, 0x28, 0xaf, 0xd7, 0xfb, 0xca, 0xbb, 0x4b, 0x40, 0x7e,
])
const SEEDED: usize = memory.data(192)
const ACC: usize = memory.data(64)

/** The second half of a 128-bit result. */
let high: u64 = 0

/** XXH3 of each block: 8 bytes, or 16 (low half first) when `wide`. */
export function xxh3Sums(
  data: usize,
  length: usize,
  block: usize,
  seed32: i32,
  wide: bool,
  out: usize,
  stride: usize,
): void {
  const seed = <u64>(<i64>seed32)
  for (let i: usize = 0; i < 192; i += 16) {
    store<u64>(SEEDED + i, load<u64>(SECRET + i) + seed)
    store<u64>(SEEDED + i, load<u64>(SECRET + i, 8) - seed, 8)
  }
  const end = data + length
  while (data < end) {
    const n = min(block, end - data)
    if (wide) {
      store<u64>(out, n > 240 ? long128(data, n) : short128(data, n, seed))
      store<u64>(out, high, 8)
    } else {
      store<u64>(out, n > 240 ? long64(data, n) : short64(data, n, seed))
    }
    data += n
    out += stride
  }
}

function long64(at: usize, length: usize): u64 {
  accumulate(at, length)
  return merge(SEEDED + 11, <u64>length * P1)
}
function long128(at: usize, length: usize): u64 {
  accumulate(at, length)
  const low = merge(SEEDED + 11, <u64>length * P1)
  high = merge(SEEDED + 192 - 64 - 11, ~(<u64>length * P2))
  return low
}

/** Stripes of 64 bytes into eight lanes, stirred after each 1024 bytes; the lanes stay in four registers. */
function accumulate(at: usize, length: usize): void {
  let a = i64x2(<i64>P32_3, <i64>P1)
  let b = i64x2(<i64>P2, <i64>P3)
  let c = i64x2(<i64>P4, <i64>P32_2)
  let d = i64x2(<i64>P5, <i64>P32_1)
  const end = at + length
  // The last stripe always ends with the input, so whole stripes stop one byte short of it.
  const lastStripe = end - 64
  let secret = SEEDED
  while (at < end - 1 - 63) {
    a = stripe(a, at, secret)
    b = stripe(b, at + 16, secret + 16)
    c = stripe(c, at + 32, secret + 32)
    d = stripe(d, at + 48, secret + 48)
    at += 64
    secret += 8
    if (secret === SEEDED + 128) {
      a = stir(a, SEEDED + 128)
      b = stir(b, SEEDED + 144)
      c = stir(c, SEEDED + 160)
      d = stir(d, SEEDED + 176)
      secret = SEEDED
    }
  }
  secret = SEEDED + 192 - 64 - 7
  v128.store(ACC, stripe(a, lastStripe, secret))
  v128.store(ACC, stripe(b, lastStripe + 16, secret + 16), 16)
  v128.store(ACC, stripe(c, lastStripe + 32, secret + 32), 32)
  v128.store(ACC, stripe(d, lastStripe + 48, secret + 48), 48)
}
function stripe(acc: v128, at: usize, secret: usize): v128 {
  const bytes = v128.load(at)
  const keyed = v128.xor(bytes, v128.load(secret))
  const product = i64x2.extmul_low_i32x4_u(
    i32x4.shuffle(keyed, keyed, 0, 2, 0, 2),
    i32x4.shuffle(keyed, keyed, 1, 3, 1, 3),
  )
  return i64x2.add(i64x2.add(acc, i64x2.shuffle(bytes, bytes, 1, 0)), product)
}
function stir(acc: v128, secret: usize): v128 {
  const mixed = v128.xor(v128.xor(acc, i64x2.shr_u(acc, 47)), v128.load(secret))
  return i64x2.mul(mixed, i64x2.splat(<i64>P32_1))
}
function merge(secret: usize, start: u64): u64 {
  for (let i: usize = 0; i < 64; i += 16)
    start += fold(
      load<u64>(ACC + i) ^ load<u64>(secret + i),
      load<u64>(ACC + i, 8) ^ load<u64>(secret + i, 8),
    )
  return avalanche(start)
}

function short64(at: usize, n: usize, seed: u64): u64 {
  const length = <u64>n
  const end = at + n
  if (n > 128) {
    let acc = length * P1
    for (let i: usize = 0; i < 128; i += 16) acc += mix16(at + i, SECRET + i, seed)
    acc = avalanche(acc)
    for (let i: usize = 128; i + 16 <= n; i += 16) acc += mix16(at + i, SECRET + i - 125, seed)
    return avalanche(acc + mix16(end - 16, SECRET + 119, seed))
  }
  if (n > 16) {
    let acc = length * P1
    const rounds = (n - 1) >> 5
    for (let i: usize = 0; i <= rounds; i++) {
      acc += mix16(at + (i << 4), SECRET + (i << 5), seed)
      acc += mix16(end - 16 - (i << 4), SECRET + (i << 5) + 16, seed)
    }
    return avalanche(acc)
  }
  if (n > 8) {
    const low = load<u64>(at) ^ ((key(24) ^ key(32)) + seed)
    const hi = load<u64>(end - 8) ^ ((key(40) ^ key(48)) - seed)
    return avalanche(length + bswap<u64>(low) + hi + fold(low, hi))
  }
  if (n >= 4) {
    const s = seed ^ ((<u64>bswap<u32>(<u32>seed)) << 32)
    let x = (<u64>load<u32>(end - 4) + ((<u64>load<u32>(at)) << 32)) ^ ((key(8) ^ key(16)) - s)
    x ^= rotl<u64>(x, 49) ^ rotl<u64>(x, 24)
    x *= MX2
    x = (x ^ ((x >> 35) + length)) * MX2
    return x ^ (x >> 28)
  }
  return avalanche64(
    n === 0
      ? seed ^ key(56) ^ key(64)
      : <u64>combined(at, n) ^ (<u64>(load<u32>(SECRET) ^ load<u32>(SECRET, 4)) + seed),
  )
}

function short128(at: usize, n: usize, seed: u64): u64 {
  const length = <u64>n
  const end = at + n
  if (n > 16) {
    let low = length * P1
    let top: u64 = 0
    if (n > 128) {
      for (let i: usize = 0; i + 32 <= n; i += 32) {
        if (i === 128) {
          low = avalanche(low)
          top = avalanche(top)
        }
        const secret = i < 128 ? SECRET + i : SECRET + i - 125
        low = (low + mix16(at + i, secret, seed)) ^ sum16(at + i + 16)
        top = (top + mix16(at + i + 16, secret + 16, seed)) ^ sum16(at + i)
      }
      if (n < 160) {
        low = avalanche(low)
        top = avalanche(top)
      }
      low = (low + mix16(end - 16, SECRET + 103, 0 - seed)) ^ sum16(end - 32)
      top = (top + mix16(end - 32, SECRET + 119, 0 - seed)) ^ sum16(end - 16)
    } else {
      for (let i = <isize>((n - 1) >> 5); i >= 0; i--) {
        const a = at + (i << 4)
        const b = end - 16 - (i << 4)
        const secret = SECRET + (i << 5)
        low = (low + mix16(a, secret, seed)) ^ sum16(b)
        top = (top + mix16(b, secret + 16, seed)) ^ sum16(a)
      }
    }
    high = 0 - avalanche(low * P1 + top * P4 + (length - seed) * P2)
    return avalanche(low + top)
  }
  if (n > 8) {
    const first = load<u64>(at)
    let last = load<u64>(end - 8)
    let low = multiply(first ^ last ^ ((key(32) ^ key(40)) - seed), P1)
    let top = high
    low += (length - 1) << 54
    last ^= (key(48) ^ key(56)) + seed
    top += last + (last & 0xffffffff) * (P32_2 - 1)
    low ^= bswap<u64>(top)
    low = multiply(low, P2)
    high = avalanche(high + top * P2)
    return avalanche(low)
  }
  if (n >= 4) {
    const s = seed ^ ((<u64>bswap<u32>(<u32>seed)) << 32)
    const x = (<u64>load<u32>(at) + ((<u64>load<u32>(end - 4)) << 32)) ^ ((key(16) ^ key(24)) + s)
    let low = multiply(x, P1 + (length << 2))
    const top = high + (low << 1)
    low ^= top >> 3
    low = (low ^ (low >> 35)) * MX2
    high = avalanche(top)
    return low ^ (low >> 28)
  }
  if (n === 0) {
    high = avalanche64(seed ^ key(80) ^ key(88))
    return avalanche64(seed ^ key(64) ^ key(72))
  }
  const c = combined(at, n)
  high = avalanche64(
    <u64>rotl<u32>(bswap<u32>(c), 13) ^
      (<u64>(load<u32>(SECRET, 8) ^ load<u32>(SECRET, 12)) - seed),
  )
  return avalanche64(<u64>c ^ (<u64>(load<u32>(SECRET) ^ load<u32>(SECRET, 4)) + seed))
}

function combined(at: usize, n: usize): u32 {
  return (
    ((<u32>load<u8>(at)) << 16) |
    ((<u32>load<u8>(at + (n >> 1))) << 24) |
    <u32>load<u8>(at + n - 1) |
    ((<u32>n) << 8)
  )
}
function key(at: usize): u64 {
  return load<u64>(SECRET + at)
}
function sum16(at: usize): u64 {
  return load<u64>(at) + load<u64>(at, 8)
}
function mix16(at: usize, secret: usize, seed: u64): u64 {
  return fold(
    load<u64>(at) ^ (load<u64>(secret) + seed),
    load<u64>(at, 8) ^ (load<u64>(secret, 8) - seed),
  )
}
function avalanche(h: u64): u64 {
  h = (h ^ (h >> 37)) * MX1
  return h ^ (h >> 32)
}
function fold(a: u64, b: u64): u64 {
  return multiply(a, b) ^ high
}
/** The low half of a 128-bit product; the other in `high`. */
function multiply(a: u64, b: u64): u64 {
  const al = a & 0xffffffff
  const ah = a >> 32
  const bl = b & 0xffffffff
  const bh = b >> 32
  const ll = al * bl
  const middle = ah * bl + (ll >> 32)
  const cross = al * bh + (middle & 0xffffffff)
  high = ah * bh + (middle >> 32) + (cross >> 32)
  return a * b
}
