/**
 * XXH64 and XXH3 in plain TypeScript, in bigint: slow and plain.
 * From the algorithm's specification (xxHash, BSD-2-Clause, xxhash_spec.md and XXH3 v0.8).
 */

const MASK = (1n << 64n) - 1n
const P32_1 = 0x9e3779b1n
const P32_2 = 0x85ebca77n
const P32_3 = 0xc2b2ae3dn
const P1 = 0x9e3779b185ebca87n
const P2 = 0xc2b2ae3d27d4eb4fn
const P3 = 0x165667b19e3779f9n
const P4 = 0x85ebca77c2b2ae63n
const P5 = 0x27d4eb2f165667c5n

const u64 = (x: bigint): bigint => x & MASK
const rotl = (x: bigint, n: bigint): bigint => u64((x << n) | (x >> (64n - n)))
const at8 = (b: Uint8Array, i: number): bigint =>
  new DataView(b.buffer, b.byteOffset, b.byteLength).getBigUint64(i, true)
const at4 = (b: Uint8Array, i: number): bigint =>
  BigInt(new DataView(b.buffer, b.byteOffset, b.byteLength).getUint32(i, true))
const swap = (x: bigint, bytes: number): bigint => {
  let out = 0n
  for (let i = 0; i < bytes; i++) out = (out << 8n) | ((x >> BigInt(8 * i)) & 0xffn)
  return out
}

/** The seed may be negative: it is taken modulo 2^64. */
export function xxh64(input: Uint8Array, signedSeed: bigint): bigint {
  const seed = u64(signedSeed)
  const round = (acc: bigint, x: bigint): bigint => u64(rotl(u64(acc + x * P2), 31n) * P1)
  let i = 0
  let h = u64(seed + P5)
  if (input.length >= 32) {
    const acc = [seed + P1 + P2, seed + P2, seed, seed - P1].map(u64)
    for (; i + 32 <= input.length; i += 32)
      for (const [lane, value] of acc.entries()) acc[lane] = round(value, at8(input, i + 8 * lane))
    const [a = 0n, b = 0n, c = 0n, d = 0n] = acc
    h = u64(rotl(a, 1n) + rotl(b, 7n) + rotl(c, 12n) + rotl(d, 18n))
    for (const value of acc) h = u64((h ^ round(0n, value)) * P1 + P4)
  }
  h = u64(h + BigInt(input.length))
  for (; i + 8 <= input.length; i += 8) h = u64(rotl(h ^ round(0n, at8(input, i)), 27n) * P1 + P4)
  if (i + 4 <= input.length) {
    h = u64(rotl(h ^ u64(at4(input, i) * P1), 23n) * P2 + P3)
    i += 4
  }
  for (const byte of input.subarray(i)) h = u64(rotl(h ^ u64(BigInt(byte) * P5), 11n) * P1)
  return avalanche64(h)
}
function avalanche64(x: bigint): bigint {
  let h = u64((x ^ (x >> 33n)) * P2)
  h = u64((h ^ (h >> 29n)) * P3)
  return h ^ (h >> 32n)
}

const SECRET = Buffer.from(
  'b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221' +
    'b8084674f743248ee03590e6813a264c3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8' +
    'a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364eac5ac8334d3ebc3c581a0fffa1363eb' +
    '170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e',
  'hex',
)

export function xxh3(input: Uint8Array, signedSeed: bigint): bigint {
  const seed = u64(signedSeed)
  const n = input.length
  const length = BigInt(n)
  if (n > 240) {
    const secret = seededSecret(seed)
    return merge(accumulate(input, secret), secret, 11, length * P1)
  }
  if (n > 128) {
    let acc = length * P1
    for (let i = 0; i < 128; i += 16) acc += mix16(input, i, i, seed)
    acc = avalanche(u64(acc))
    for (let i = 128; i + 16 <= n; i += 16) acc += mix16(input, i, i - 125, seed)
    return avalanche(u64(acc + mix16(input, n - 16, 119, seed)))
  }
  if (n > 16) {
    let acc = length * P1
    for (let i = 0; i <= (n - 1) >> 5; i++) {
      acc += mix16(input, 16 * i, 32 * i, seed)
      acc += mix16(input, n - 16 - 16 * i, 32 * i + 16, seed)
    }
    return avalanche(u64(acc))
  }
  if (n > 8) {
    const low = at8(input, 0) ^ u64((at8(SECRET, 24) ^ at8(SECRET, 32)) + seed)
    const high = at8(input, n - 8) ^ u64((at8(SECRET, 40) ^ at8(SECRET, 48)) - seed)
    return avalanche(u64(length + swap(low, 8) + high + fold(low, high)))
  }
  if (n >= 4) {
    const s = seed ^ (swap(seed & 0xffffffffn, 4) << 32n)
    const flip = u64((at8(SECRET, 8) ^ at8(SECRET, 16)) - s)
    let x = (at4(input, n - 4) + (at4(input, 0) << 32n)) ^ flip
    x ^= rotl(x, 49n) ^ rotl(x, 24n)
    x = u64(x * 0x9fb21c651e98df25n)
    x = u64((x ^ ((x >> 35n) + length)) * 0x9fb21c651e98df25n)
    return x ^ (x >> 28n)
  }
  if (n === 0) return avalanche64(seed ^ at8(SECRET, 56) ^ at8(SECRET, 64))
  return avalanche64(combined(input) ^ u64((at4(SECRET, 0) ^ at4(SECRET, 4)) + seed))
}

/** Low half, high half. */
export function xxh128(input: Uint8Array, signedSeed: bigint): readonly [bigint, bigint] {
  const seed = u64(signedSeed)
  const n = input.length
  const length = BigInt(n)
  if (n > 240) {
    const secret = seededSecret(seed)
    const acc = accumulate(input, secret)
    return [merge(acc, secret, 11, length * P1), merge(acc, secret, 117, ~(length * P2))]
  }
  if (n > 16) return middle128(input, seed)
  if (n > 8) {
    const flipLow = u64((at8(SECRET, 32) ^ at8(SECRET, 40)) - seed)
    const flipHigh = u64((at8(SECRET, 48) ^ at8(SECRET, 56)) + seed)
    const first = at8(input, 0)
    const last = at8(input, n - 8) ^ flipHigh
    const product = (first ^ at8(input, n - 8) ^ flipLow) * P1
    const high = u64((product >> 64n) + last + (last & 0xffffffffn) * (P32_2 - 1n))
    const low = u64(product + ((length - 1n) << 54n)) ^ swap(high, 8)
    const result = low * P2
    return [avalanche(u64(result)), avalanche(u64((result >> 64n) + high * P2))]
  }
  if (n >= 4) {
    const s = seed ^ (swap(seed & 0xffffffffn, 4) << 32n)
    const flip = u64((at8(SECRET, 16) ^ at8(SECRET, 24)) + s)
    const product = ((at4(input, 0) + (at4(input, n - 4) << 32n)) ^ flip) * (P1 + (length << 2n))
    const high = u64((product >> 64n) + (u64(product) << 1n))
    let low = u64(product) ^ (high >> 3n)
    low = u64((low ^ (low >> 35n)) * 0x9fb21c651e98df25n)
    return [low ^ (low >> 28n), avalanche(high)]
  }
  if (n === 0)
    return [
      avalanche64(seed ^ at8(SECRET, 64) ^ at8(SECRET, 72)),
      avalanche64(seed ^ at8(SECRET, 80) ^ at8(SECRET, 88)),
    ]
  const c = combined(input)
  const swapped = swap(c, 4)
  const turned = ((swapped << 13n) | (swapped >> 19n)) & 0xffffffffn
  return [
    avalanche64(c ^ u64((at4(SECRET, 0) ^ at4(SECRET, 4)) + seed)),
    avalanche64(turned ^ u64((at4(SECRET, 8) ^ at4(SECRET, 12)) - seed)),
  ]
}

function middle128(input: Uint8Array, seed: bigint): readonly [bigint, bigint] {
  const n = input.length
  const length = BigInt(n)
  let low = u64(length * P1)
  let high = 0n
  const mix = (a: number, b: number, secret: number, s: bigint): void => {
    low = u64(low + mix16(input, a, secret, s)) ^ u64(at8(input, b) + at8(input, b + 8))
    high = u64(high + mix16(input, b, secret + 16, s)) ^ u64(at8(input, a) + at8(input, a + 8))
  }
  if (n > 128) {
    for (let i = 0; i < 128; i += 32) mix(i, i + 16, i, seed)
    low = avalanche(low)
    high = avalanche(high)
    for (let i = 128; i + 32 <= n; i += 32) mix(i, i + 16, i - 125, seed)
    mix(n - 16, n - 32, 103, u64(-seed))
  } else {
    for (let i = (n - 1) >> 5; i >= 0; i--) mix(16 * i, n - 16 - 16 * i, 32 * i, seed)
  }
  const top = u64(low * P1 + high * P4 + (length - seed) * P2)
  return [avalanche(u64(low + high)), u64(-avalanche(top))]
}

function accumulate(input: Uint8Array, secret: Uint8Array): BigUint64Array {
  const acc = BigUint64Array.of(P32_3, P1, P2, P3, P4, P32_2, P5, P32_1)
  const stripe = (at: number, key: number): void => {
    for (let i = 0; i < 8; i++) {
      const value = at8(input, at + 8 * i)
      const keyed = value ^ at8(secret, key + 8 * i)
      acc[i ^ 1] = (acc[i ^ 1] ?? 0n) + value
      acc[i] = (acc[i] ?? 0n) + (keyed & 0xffffffffn) * (keyed >> 32n)
    }
  }
  const stripes = Math.floor((input.length - 1) / 64)
  for (let k = 0; k < stripes; k++) {
    stripe(64 * k, 8 * (k % 16))
    if (k % 16 !== 15) continue
    for (const [i, value] of acc.entries())
      acc[i] = (value ^ (value >> 47n) ^ at8(secret, 128 + 8 * i)) * P32_1
  }
  stripe(input.length - 64, 121)
  return acc
}
function merge(acc: BigUint64Array, secret: Uint8Array, from: number, start: bigint): bigint {
  let sum = start
  for (let i = 0; i < 8; i += 2)
    sum += fold(
      (acc[i] ?? 0n) ^ at8(secret, from + 8 * i),
      (acc[i + 1] ?? 0n) ^ at8(secret, from + 8 * i + 8),
    )
  return avalanche(u64(sum))
}
function seededSecret(seed: bigint): Uint8Array {
  const out = Buffer.alloc(SECRET.length)
  for (let i = 0; i < out.length; i += 16) {
    out.writeBigUInt64LE(u64(at8(SECRET, i) + seed), i)
    out.writeBigUInt64LE(u64(at8(SECRET, i + 8) - seed), i + 8)
  }
  return out
}
function combined(input: Uint8Array): bigint {
  const n = input.length
  const [first = 0] = input
  const bytes = [input[n - 1] ?? 0, n, first, input[n >> 1] ?? 0]
  return at4(Uint8Array.from(bytes), 0)
}
function mix16(input: Uint8Array, at: number, secret: number, seed: bigint): bigint {
  return fold(
    at8(input, at) ^ u64(at8(SECRET, secret) + seed),
    at8(input, at + 8) ^ u64(at8(SECRET, secret + 8) - seed),
  )
}
function fold(a: bigint, b: bigint): bigint {
  const product = a * b
  return u64(product) ^ (product >> 64n)
}
function avalanche(x: bigint): bigint {
  const h = u64((x ^ (x >> 37n)) * 0x165667919e3779f9n)
  return h ^ (h >> 32n)
}
