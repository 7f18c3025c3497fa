import t from 'tap'
import { leafCount, leavesOf, rootOfLeaves, verifyRange } from '../../lib/hash/merkle.js'
import { LeafHashes, runRange } from '../../lib/swarm/leaf-hashes.js'
import { Proofs } from '../../lib/swarm/proofs.js'
import { proveRange } from '../support/prove-range.js'
import { seededRandom } from '../support/seeded-random.js'

const random = seededRandom(9)

for (const count of [2, 3, 511, 512, 513, 1024, 1300, 4097])
  t.test(`runs of ${count} leaves: as proveRange gives them, and they verify`, async (t) => {
    const leaves = random.bytes(count * 32)
    const root = rootOfLeaves(leaves)
    const proofs = new Proofs()
    const content = { root, length: count * 16384 }
    const hashes = new LeafHashes(content)
    t.equal(hashes.runCount, Math.ceil(count / 512))
    for (let run = 0; run < hashes.runCount; run++) {
      const range = runRange(count, run)
      const packed = proofs.answer(root, () => leaves, range)
      if (packed === null) throw new Error('no answer')
      t.strictSame(Buffer.from(packed), Buffer.from(proveRange(leaves, range)))
      t.ok(verifyRange(root, count, range, packed))
      t.equal(hashes.runOf(range), run)
      const wrong = Uint8Array.from(packed)
      wrong[40] = (wrong[40] ?? 0) ^ 1
      t.notOk(hashes.put(run, wrong))
      t.notOk(hashes.has(run))
      t.ok(hashes.put(run, packed))
    }
    t.strictSame(Buffer.from(hashes.all() ?? []), Buffer.from(leaves))
    const small = { baseLayer: 0, index: 0, length: 2, proofLayers: 20 }
    t.strictSame(
      Buffer.from(proofs.answer(root, () => leaves, small) ?? []),
      Buffer.from(proveRange(leaves, small)),
    )
  })

t.test('ranges that would cost the whole tree are not answered', async (t) => {
  const leaves = leavesOf(random.bytes(100_000))
  const root = rootOfLeaves(leaves)
  t.equal(leafCount(100_000), 7)
  for (const range of [
    { baseLayer: 1, index: 0, length: 2, proofLayers: 3 },
    { baseLayer: 0, index: 1, length: 2, proofLayers: 3 },
    { baseLayer: 0, index: 0, length: 3, proofLayers: 3 },
    { baseLayer: 0, index: 0, length: 1024, proofLayers: 3 },
    { baseLayer: 0, index: 512, length: 512, proofLayers: 3 },
  ])
    t.equal(
      new Proofs().answer(root, () => leaves, range),
      null,
      JSON.stringify(range),
    )
  t.equal(
    new Proofs().answer(root, () => null, { baseLayer: 0, index: 0, length: 2, proofLayers: 3 }),
    null,
  )
})
