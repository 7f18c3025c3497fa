import t from 'tap'
import { atOnce } from '../../lib/base/steps.js'
import { type Aligned, copyAligned } from '../../lib/delta/aligned.js'
import fc from '../support/properties.js'
import { noise, sourceOf } from './support.js'

const BLOCK = 700

function run(source: Uint8Array, basis: Uint8Array): Aligned & { readonly bytes: Buffer } {
  const parts: Buffer[] = []
  const done = atOnce(
    copyAligned(sourceOf(source), sourceOf(basis), BLOCK, (bytes) => {
      parts.push(Buffer.from(bytes))
    }),
  )
  return { ...done, bytes: Buffer.concat(parts) }
}
function edited(bytes: Uint8Array, ...places: number[]): Uint8Array {
  const copy = Uint8Array.from(bytes)
  for (const at of places) copy[at] = (copy[at] ?? 0) ^ 0xff
  return copy
}

t.test('the same: all of it, without a literal byte', async (t) => {
  for (const length of [BLOCK, BLOCK * 3 + 1, 300_000, 262_150, 374 * BLOCK * 2]) {
    const bytes = noise(length, 1)
    t.match(run(bytes, bytes), { length, literal: 0, matched: length }, `${length} bytes`)
  }
})

t.test('blocks that differ here and there are literal', async (t) => {
  const basis = noise(BLOCK * 1000 + 5, 2)
  const source = edited(basis, BLOCK * 10 + 3, BLOCK * 500, BLOCK * 501, BLOCK * 999)
  const { length, literal, bytes } = run(source, basis)
  t.equal(length, source.length)
  t.equal(literal, 4 * BLOCK)
  t.ok(bytes.equals(source))
})

t.test('from where bytes have moved, it is for the search', async (t) => {
  const basis = noise(BLOCK * 600, 3)
  const at = BLOCK * 400
  const source = Buffer.concat([basis.subarray(0, at), Buffer.from('more'), basis.subarray(at)])
  t.match(run(source, basis), { length: at, literal: 0 })
})

t.test('nothing in common, and nothing at all', async (t) => {
  t.match(run(noise(9000, 7), noise(9000, 5)), { length: 0, literal: 0, matched: 0 })
  t.match(run(new Uint8Array(), noise(9000, 9)), { length: 0 })
})

t.test('whatever the two are: what is given out is how the source begins', async () => {
  fc.assert(
    fc.property(
      fc.nat(600_000),
      fc.nat(600_000),
      fc.array(fc.nat(600_000), { maxLength: 6 }),
      (a, b, places) => {
        const basis = noise(b, 6)
        const source = edited(noise(a, 6), ...places.filter((at) => at < a))
        const { length, literal, matched, bytes } = run(source, basis)
        return (
          bytes.length === length &&
          literal + matched === length &&
          bytes.equals(source.subarray(0, length)) &&
          (length % BLOCK === 0 || length === source.length)
        )
      },
    ),
    { numRuns: 60 },
  )
})
