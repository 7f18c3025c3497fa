import assert from 'node:assert/strict'
import t from 'tap'
import { sumHeadFor } from '../../lib/delta/block-size.js'
import { Match } from '../../lib/delta/match.js'
import { matchedIn, type PartFound, searchPart } from '../../lib/delta/part.js'
import { type BlockSums, basisSumsOf } from '../../lib/delta/sums.js'
import type { BlockSum, Kernel } from '../../lib/kernel/kernel-port.js'
import { openReference } from '../../lib/kernel/reference.js'
import fc from '../support/properties.js'
import { noise, relatives, sourceOf } from './support.js'

const SUM: BlockSum = { algorithm: 'xxh128', seed: 7 }
const BLOCK = 64

function sumsOf(basis: Uint8Array, kernel: Kernel): BlockSums {
  const head = sumHeadFor(basis.length, {
    protocol: 32,
    sumBytes: 16,
    blockLength: BLOCK,
    redo: true,
  })
  const sums = basisSumsOf(sourceOf(basis), head, SUM, kernel)
  assert(sums !== null)
  return sums
}

/** In parts of so many bytes. */
function inParts(source: Uint8Array, sums: BlockSums, kernel: Kernel, partBytes: number) {
  const out = new Uint8Array(source.length)
  const parts: PartFound[] = []
  for (let from = 0; from < source.length; from += partBytes) {
    const to = Math.min(source.length, from + partBytes)
    const found = searchPart(sourceOf(source), [from, to], sums, kernel, (bytes, at) => {
      assert(at >= from && at + bytes.length <= to)
      out.set(bytes, at)
    })
    assert(found.isWhole)
    parts.push(found)
  }
  return { out, matched: matchedIn(parts, BLOCK) }
}
function atOnce(source: Uint8Array, sums: BlockSums, kernel: Kernel): number {
  let matched = 0
  const match = new Match(sourceOf(source), sums, { inPlace: false }, kernel)
  const sink = {
    literal: () => {},
    match: (_block: number, _bytes: Uint8Array, start: number, end: number) => {
      matched += end - start
    },
  }
  while (match.step(sink));
  return matched
}

t.test('all bytes come, once, and no more counts as matched than there is', async () => {
  fc.assert(
    fc.property(
      relatives,
      fc.integer({ min: 1, max: 5 }),
      fc.constantFrom(256, 4096),
      ([basis, source], blocks, memory) => {
        if (basis.length === 0) return
        const kernel = openReference({
          dataBytes: memory,
          entries: Math.ceil(basis.length / BLOCK),
        })
        const sums = sumsOf(basis, kernel)
        const { out, matched } = inParts(source, sums, kernel, blocks * BLOCK)
        assert.equal(Buffer.compare(out, source), 0)
        assert(matched >= 0 && matched <= source.length)
      },
    ),
  )
})

t.test('what moved is found across parts as it is at once', async (t) => {
  const basis = noise(9, 64 * BLOCK + 10)
  const kernel = openReference({ dataBytes: 1024, entries: 65 })
  const sums = sumsOf(basis, kernel)
  for (const shift of [0, 1, 63, 64, 100]) {
    const source = Buffer.concat([noise(3, shift), basis, noise(4, shift)])
    for (const blocks of [1, 2, 7, 100]) {
      const { matched } = inParts(source, sums, kernel, blocks * BLOCK)
      t.equal(matched, atOnce(source, sums, kernel), `${shift} bytes, parts of ${blocks} blocks`)
    }
  }
})

t.test('a source that became shorter is told', async (t) => {
  const basis = noise(9, 1000)
  const kernel = openReference({ dataBytes: 1024, entries: 16 })
  const short = { ...sourceOf(basis), length: 1200 }
  t.equal(searchPart(short, [640, 1200], sumsOf(basis, kernel), kernel, () => {}).isWhole, false)
})
