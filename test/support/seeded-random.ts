/** Random numbers that are the same each time: xorshift128 from a seed. */
import type { Random } from '../../lib/host.js'

export function seededRandom(seed: number): Random {
  let [a, b, c, d] = [seed | 1, 0x9e3779b9, 0x243f6a88, 0xb7e15162]
  const next = (): number => {
    let t = d
    const s = a
    d = c
    c = b
    b = s
    t ^= t << 11
    t ^= t >>> 8
    a = t ^ s ^ (s >>> 19)
    return a >>> 0
  }
  for (let i = 0; i < 32; i++) next()
  return {
    bytes: (n) => Uint8Array.from({ length: n }, () => next() & 255),
    below: (n) => Math.floor((next() / 2 ** 32) * n),
  }
}
