/**
 * AssemblyScript. SHA-256 (FIPS 180-4) of many messages of 64 bytes, which is what nodes of a hash tree are: four at a
 * time, one in each lane of a vector. The second chunk of each is padding alone, the same for all.
 */

/** The last sixteen words of the schedule, each of four messages. */
const WORDS: usize = memory.data(256, 16)
/** The state while its successor is worked out. */
const STATE: usize = memory.data(128, 16)
/** K: of the cube roots of the first 64 primes, 32 bits of what follows the point. */
const ROUNDS: usize = memory.data<u32>([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
])
/** The state before the first chunk: of the square roots of the first eight primes. */
const INITIAL: usize = memory.data<u32>([
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
])

/** 32 bytes each, packed. */
export function nodeSums(data: usize, count: usize, out: usize): void {
  for (let done: usize = 0; done < count; done += 4) {
    const at = data + (done << 6)
    const lanes = min<usize>(4, count - done)
    const b = lanes > 1 ? at + 64 : at
    const c = lanes > 2 ? at + 128 : at
    const d = lanes > 3 ? at + 192 : at
    for (let i: usize = 0; i < 8; i++)
      v128.store(STATE + (i << 4), i32x4.splat(load<i32>(INITIAL + (i << 2))))
    for (let i: usize = 0; i < 64; i += 16) fourWords(at + i, b + i, c + i, d + i, WORDS + (i << 2))
    chunk()
    pad()
    chunk()
    for (let lane: usize = 0; lane < lanes; lane++)
      for (let i: usize = 0; i < 8; i++)
        store<u32>(
          out + ((done + lane) << 5) + (i << 2),
          bswap<u32>(load<u32>(STATE + (i << 4) + (lane << 2))),
        )
  }
}

/** Four words of four messages, big-endian there, to `to`: word by word. */
function fourWords(a: usize, b: usize, c: usize, d: usize, to: usize): void {
  const va = swapped(v128.load(a))
  const vb = swapped(v128.load(b))
  const vc = swapped(v128.load(c))
  const vd = swapped(v128.load(d))
  const abLow = v128.shuffle<i32>(va, vb, 0, 4, 1, 5)
  const abHigh = v128.shuffle<i32>(va, vb, 2, 6, 3, 7)
  const cdLow = v128.shuffle<i32>(vc, vd, 0, 4, 1, 5)
  const cdHigh = v128.shuffle<i32>(vc, vd, 2, 6, 3, 7)
  v128.store(to, v128.shuffle<i64>(abLow, cdLow, 0, 2))
  v128.store(to, v128.shuffle<i64>(abLow, cdLow, 1, 3), 16)
  v128.store(to, v128.shuffle<i64>(abHigh, cdHigh, 0, 2), 32)
  v128.store(to, v128.shuffle<i64>(abHigh, cdHigh, 1, 3), 48)
}
function swapped(words: v128): v128 {
  return i8x16.swizzle(words, i8x16(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12))
}

/** What follows 64 bytes: a bit, zeros, and that they are 512 bits. */
function pad(): void {
  memory.fill(WORDS, 0, 256)
  v128.store(WORDS, i32x4.splat(<i32>0x80000000))
  v128.store(WORDS, i32x4.splat(512), 240)
}

/** The chunk in WORDS, into the state. */
function chunk(): void {
  let a = v128.load(STATE)
  let b = v128.load(STATE, 16)
  let c = v128.load(STATE, 32)
  let d = v128.load(STATE, 48)
  let e = v128.load(STATE, 64)
  let f = v128.load(STATE, 80)
  let g = v128.load(STATE, 96)
  let h = v128.load(STATE, 112)
  for (let i: usize = 0; i < 64; i++) {
    const slot = WORDS + ((i & 15) << 4)
    let word = v128.load(slot)
    if (i >= 16) {
      const w1 = v128.load(WORDS + (((i + 1) & 15) << 4))
      const w14 = v128.load(WORDS + (((i + 14) & 15) << 4))
      const small0 = v128.xor(v128.xor(turned(w1, 7), turned(w1, 18)), i32x4.shr_u(w1, 3))
      const small1 = v128.xor(v128.xor(turned(w14, 17), turned(w14, 19)), i32x4.shr_u(w14, 10))
      const w9 = v128.load(WORDS + (((i + 9) & 15) << 4))
      word = i32x4.add(i32x4.add(word, small0), i32x4.add(w9, small1))
      v128.store(slot, word)
    }
    const key = i32x4.splat(load<i32>(ROUNDS + (i << 2)))
    const big1 = v128.xor(v128.xor(turned(e, 6), turned(e, 11)), turned(e, 25))
    const chosen = v128.bitselect(f, g, e)
    const first = i32x4.add(i32x4.add(h, big1), i32x4.add(chosen, i32x4.add(key, word)))
    const big0 = v128.xor(v128.xor(turned(a, 2), turned(a, 13)), turned(a, 22))
    const most = v128.bitselect(c, b, v128.xor(a, b))
    h = g
    g = f
    f = e
    e = i32x4.add(d, first)
    d = c
    c = b
    b = a
    a = i32x4.add(first, i32x4.add(big0, most))
  }
  add(0, a)
  add(16, b)
  add(32, c)
  add(48, d)
  add(64, e)
  add(80, f)
  add(96, g)
  add(112, h)
}

function turned(words: v128, right: i32): v128 {
  return v128.or(i32x4.shr_u(words, right), i32x4.shl(words, 32 - right))
}
function add(at: usize, value: v128): void {
  v128.store(STATE + at, i32x4.add(v128.load(STATE + at), value))
}
