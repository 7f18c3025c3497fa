import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import t from 'tap'
import {
  contentRoot,
  type HashRange,
  heightOf,
  LEAF_BYTES,
  layerAt,
  leafCount,
  leafHash,
  padHash,
  rootOfLeaves,
  subtreeRoot,
  verifyRange,
} from '../../lib/hash/merkle.js'
import { ROOT_BYTES, rootBytes, rootHex } from '../../lib/hash/root.js'
import { ruled } from '../support/contents.js'
import { projectFile } from '../support/project.js'
import fc from '../support/properties.js'
import { proveRange } from '../support/prove-range.js'

const vectors = readFileSync(projectFile('fixtures/hash/roots.vec'), 'utf8')
  .split('\n')
  .filter((line) => /^\d/.test(line))
  .map((line) => line.split(/\s+/))

t.test("roots are libtorrent's", async (t) => {
  t.equal(vectors.length, 7)
  for (const [length = '', rule, root] of vectors)
    if (rule === 'ruled') t.equal(rootHex(contentRoot(ruled(Number(length)))), root, length)
})

t.test('a sparse file of 5 GiB, leaf by leaf', async (t) => {
  const [length = '', , root] = vectors.find(([, rule]) => rule === 'sparse') ?? []
  const zero = leafHash(new Uint8Array(LEAF_BYTES))
  const marked = new Uint8Array(LEAF_BYTES)
  marked.set(Buffer.from('prsync'))
  const leaves = new Uint8Array(leafCount(Number(length)) * ROOT_BYTES)
  for (let at = 0; at < leaves.length; at += ROOT_BYTES) leaves.set(zero, at)
  leaves.set(leafHash(marked), (2 ** 32 / LEAF_BYTES) * ROOT_BYTES)
  t.equal(rootHex(rootOfLeaves(leaves)), root)
})

t.test('counts, heights and padding', async (t) => {
  t.same([0, 1, LEAF_BYTES, LEAF_BYTES + 1].map(leafCount), [0, 1, 1, 2])
  t.same([0, 1, 2, 3, 4, 5, 2 ** 31].map(heightOf), [0, 0, 1, 2, 2, 3, 31])
  t.same(padHash(0), new Uint8Array(ROOT_BYTES))
  t.same(padHash(2), subtreeRoot(new Uint8Array(0), 2, 0))
})

/** Leaves that are told apart; hashes need not be of bytes. */
const someLeaves = (count: number): Uint8Array => {
  const out = new Uint8Array(count * ROOT_BYTES)
  for (let i = 0; i < count; i++) out.set(leafHash(Uint8Array.of(i, i >> 8)), i * ROOT_BYTES)
  return out
}
/** A tree of 2 to 600 leaves and a range of it that can be asked for. */
const asked: fc.Arbitrary<{ count: number; range: HashRange }> = fc
  .tuple(fc.integer({ min: 2, max: 600 }), fc.nat(), fc.nat(), fc.nat())
  .map(([count, a, b, c]) => {
    const height = heightOf(count)
    const baseLayer = a % height
    const own = 1 + (b % (height - baseLayer))
    const places = 2 ** (height - baseLayer - own)
    const length = 2 ** own
    return {
      count,
      range: { baseLayer, index: (c % places) * length, length, proofLayers: height - baseLayer },
    }
  })

t.test('what is proved verifies, and nothing else does', async () => {
  fc.assert(
    fc.property(asked, fc.nat(), ({ count, range }, flip) => {
      const leaves = someLeaves(count)
      const root = rootOfLeaves(leaves)
      const proof = Uint8Array.from(proveRange(leaves, range))
      assert.ok(verifyRange(root, count, range, proof))
      const layer = layerAt(leaves, range.baseLayer)
      const first = layer.subarray(range.index * ROOT_BYTES, (range.index + 1) * ROOT_BYTES)
      if (first.length > 0) assert.deepEqual(proof.subarray(0, ROOT_BYTES), Uint8Array.from(first))
      const at = flip % proof.length
      proof[at] = (proof[at] ?? 0) ^ 1
      assert.ok(!verifyRange(root, count, range, proof), 'a bit changed')
      proof[at] = (proof[at] ?? 0) ^ 1
      assert.ok(!verifyRange(root, count, range, proof.subarray(ROOT_BYTES)), 'a hash less')
      assert.ok(!verifyRange(root, count, range, proof.subarray(1)), 'not whole hashes')
      const beside = { ...range, index: range.index ^ range.length }
      const inside = beside.index + beside.length <= 2 ** (heightOf(count) - range.baseLayer)
      const twin = Buffer.from(proof).equals(Buffer.from(proveRange(leaves, beside)))
      if (inside && !twin) assert.ok(!verifyRange(root, count, beside, proof), 'another place')
    }),
  )
})

t.test('fewer proof layers give fewer uncles', async (t) => {
  const leaves = someLeaves(16)
  const hashes = (proofLayers: number): number =>
    proveRange(leaves, { baseLayer: 0, index: 4, length: 4, proofLayers }).length / ROOT_BYTES
  t.same([0, 1, 2, 3, 9].map(hashes), [4, 4, 5, 6, 6])
  t.same(rootBytes(rootOfLeaves(someLeaves(1))), someLeaves(1))
})
