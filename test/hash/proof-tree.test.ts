import assert from 'node:assert/strict'
import t from 'tap'
import { heightOf, leafHash } from '../../lib/hash/merkle.js'
import { ProofTree } from '../../lib/hash/proof-tree.js'
import { ROOT_BYTES } from '../../lib/hash/root.js'
import fc from '../support/properties.js'
import { proveRange } from '../support/prove-range.js'

const someLeaves = (count: number): Uint8Array => {
  const out = new Uint8Array(count * ROOT_BYTES)
  for (let i = 0; i < count; i++) out.set(leafHash(Uint8Array.of(i, i >> 8)), i * ROOT_BYTES)
  return out
}

t.test('proves as proveRange does, and nothing outside of the tree', async () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 700 }),
      fc.nat(12),
      fc.integer({ min: 1, max: 9 }),
      fc.nat(800),
      fc.nat(12),
      (count, baseLayer, own, place, proofLayers) => {
        const leaves = someLeaves(count)
        const length = 2 ** own
        const range = { baseLayer, index: place * length, length, proofLayers }
        const isInside =
          baseLayer + own <= heightOf(count) &&
          range.index + length <= 2 ** (heightOf(count) - baseLayer)
        const proof = new ProofTree(leaves).prove(range)
        if (isInside) assert.deepEqual(proof, proveRange(leaves, range))
        else assert.equal(proof, null)
      },
    ),
  )
})

t.test('a second question is answered from what is kept', async (t) => {
  const leaves = someLeaves(300)
  const tree = new ProofTree(leaves)
  for (const index of [0, 128, 256]) {
    const range = { baseLayer: 0, index, length: 128, proofLayers: 9 }
    t.same(tree.prove(range), proveRange(leaves, range))
  }
})
