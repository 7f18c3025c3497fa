/** Files in memory that resemble each other, for tests of the delta. */

import type { Source } from '../../lib/delta/sums.js'
import fc from '../support/properties.js'

export function sourceOf(bytes: Uint8Array): Source {
  return {
    length: bytes.length,
    read(offset, into) {
      const part = bytes.subarray(offset, offset + into.length)
      into.set(part)
      return part.length
    },
  }
}

/** Repeatable noise. */
export function noise(length: number, seed: number): Uint8Array {
  const out = new Uint8Array(length)
  let x = seed | 1
  for (let i = 0; i < length; i++) {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    out[i] = x
  }
  return out
}

/** Two files made of the same few pieces: noise, zeros, and bytes of one's own. */
export const relatives: fc.Arbitrary<readonly [Uint8Array, Uint8Array]> = fc
  .tuple(fc.nat(1000), fc.array(piece(), { maxLength: 12 }), fc.array(piece(), { maxLength: 12 }))
  .map(([seed, a, b]) => {
    const stock = [noise(700, seed), new Uint8Array(700), noise(300, seed + 1)]
    const build = (pieces: readonly Piece[]): Uint8Array =>
      Buffer.concat(
        pieces.map((p) =>
          p.own !== null ? p.own : (stock[p.from] ?? p.from0).subarray(p.start, p.start + p.length),
        ),
      )
    return [build(a), build(b)]
  })

type Piece = {
  readonly own: Uint8Array | null
  readonly from: number
  readonly from0: Uint8Array
  readonly start: number
  readonly length: number
}
function piece(): fc.Arbitrary<Piece> {
  return fc.record({
    own: fc.option(fc.uint8Array({ maxLength: 5 }), { freq: 3 }),
    from: fc.nat(2),
    from0: fc.constant(new Uint8Array(0)),
    start: fc.oneof(
      { weight: 3, arbitrary: fc.constant(0) },
      { weight: 1, arbitrary: fc.nat(200) },
    ),
    length: fc.oneof(fc.constant(700), fc.nat(700)),
  })
}
