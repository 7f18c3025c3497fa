/** The answer to a hash request in the plainest way, every layer made anew: the oracle of ProofTree. */
import { type HashRange, heightOf, layerAbove, layerAt, padHash } from '../../lib/hash/merkle.js'
import { ROOT_BYTES } from '../../lib/hash/root.js'

/** @param leaves all packed leaf hashes of the content */
export function proveRange(leaves: Uint8Array, range: HashRange): Uint8Array {
  const height = heightOf(leaves.length / ROOT_BYTES)
  const own = heightOf(range.length)
  const out: Uint8Array[] = []
  let layer = layerAt(leaves, range.baseLayer)
  for (let i = 0; i < range.length; i++) out.push(nodeAt(layer, range.index + i, range.baseLayer))
  let at = range.index
  for (let k = range.baseLayer, up = 0; k < height; k++, up++) {
    // layer k is `up` above the base; its uncle is wanted from the hashes' own subtree root upwards
    if (up >= own && up <= range.proofLayers) out.push(nodeAt(layer, at ^ 1, k))
    layer = layerAbove(layer, k)
    at >>= 1
  }
  return Buffer.concat(out)
}

function nodeAt(layer: Uint8Array, index: number, level: number): Uint8Array {
  const start = index * ROOT_BYTES
  return start < layer.length ? layer.subarray(start, start + ROOT_BYTES) : padHash(level)
}
