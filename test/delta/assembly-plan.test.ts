import assert from 'node:assert/strict'
import t from 'tap'
import {
  cutParts,
  lengthOf,
  openBetween,
  openInBoth,
  type Span,
  wavesOf,
} from '../../lib/delta/assembly-plan.js'
import fc from '../support/properties.js'

const LENGTH = 400
/** In rising order, apart from one another or touching. */
const spans = fc
  .array(fc.tuple(fc.nat(20), fc.integer({ min: 1, max: 30 })), { maxLength: 15 })
  .map((rows) => {
    const out: Span[] = []
    let end = 0
    for (const [gap, length] of rows) {
      if (end + gap + length > LENGTH) break
      out.push({ offset: end + gap, length })
      end += gap + length
    }
    return out
  })
function bits(some: readonly Span[]): Uint8Array {
  const out = new Uint8Array(LENGTH)
  for (const { offset, length } of some) out.fill(1, offset, offset + length)
  return out
}

t.test('what is open is what no span covers, and in both what neither does', async () => {
  fc.assert(
    fc.property(spans, spans, (a, b) => {
      const [openA, openB] = [openBetween(a, LENGTH), openBetween(b, LENGTH)]
      assert.deepEqual(
        bits(openA),
        bits(a).map((bit) => 1 - bit),
      )
      const either = bits([...a, ...b])
      const open = openInBoth(openA, openB)
      assert.deepEqual(
        bits(open),
        either.map((bit) => 1 - bit),
      )
      assert.equal(lengthOf(open), either.filter((bit) => bit === 0).length)
      assert.ok(open.every((span, i) => i === 0 || span.offset > (open[i - 1]?.offset ?? 0)))
    }),
  )
})

t.test('stretches have all of their parts, each from where it goes on', async () => {
  const part = (span: Span): Span & { readonly from: number } => ({
    ...span,
    from: span.offset * 7,
  })
  const shift = <P extends { readonly from: number }>(p: P, by: number): P => ({
    ...p,
    from: p.from + by,
  })
  fc.assert(
    fc.property(spans, fc.integer({ min: 1, max: 90 }), (all, size) => {
      const parts = all.map(part)
      const cut: (Span & { readonly from: number })[] = []
      for (let at = 0; at < LENGTH; at += size) {
        const stretch = { offset: at, length: Math.min(size, LENGTH - at) }
        for (const p of cutParts(parts, stretch, shift)) {
          assert.ok(p.offset >= at && p.offset + p.length <= at + stretch.length)
          cut.push(p)
        }
      }
      assert.deepEqual(bits(cut), bits(all))
      for (const p of cut) {
        const whole = parts.find((w) => w.offset <= p.offset && p.offset < w.offset + w.length)
        assert.equal(p.from, (whole?.from ?? -1) + p.offset - (whole?.offset ?? 0))
      }
    }),
  )
})

t.test('those first that need none of the others', async (t) => {
  const needs: Record<string, string[]> = { a: ['b', 'x'], b: ['c'], c: [], d: ['x'] }
  const waves = (names: string[]): string[][] =>
    [
      ...wavesOf(
        names,
        (n) => n,
        (n) => needs[n] ?? [],
      ),
    ].map((wave) => [...wave])
  t.same(waves(['a', 'b', 'c', 'd']), [['c', 'd'], ['b'], ['a']])
  t.same(waves([]), [])
  needs['c'] = ['a']
  t.same(waves(['a', 'b', 'c', 'd']), [['d'], ['a', 'b'], ['c']], 'a ring begins somewhere')
})
