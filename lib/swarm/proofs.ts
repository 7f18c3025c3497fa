/**
 * Answers to hash requests for contents that are whole here. The upper layers of a tree are computed once and kept for the
 * few contents that are asked for now: an answer must not cost the hashing of the whole tree, or asking is an attack.
 */
import { joined } from '../base/bytes.js'
import { LIMITS } from '../base/limits.js'
import { type HashRange, heightOf, layerAbove, padHash, proveRange } from '../hash/merkle.js'
import { ROOT_BYTES, type Root } from '../hash/root.js'

const RUN_HEIGHT = heightOf(LIMITS.hashRun)
const KEPT = 16

type Tree = { readonly leaves: Uint8Array; readonly upper: readonly Uint8Array[] }

export class Proofs {
  /** The least recently asked first. */
  readonly #trees = new Map<Root, Tree>()

  /** @param leaves all packed leaf hashes. @returns null: a range that is not given. */
  answer(root: Root, leaves: () => Uint8Array | null, range: HashRange): Uint8Array | null {
    const own = heightOf(range.length)
    const isAligned = 2 ** own === range.length && range.index % range.length === 0
    if (range.baseLayer !== 0 || !isAligned || own < 1 || own > RUN_HEIGHT) return null
    const tree = this.#tree(root, leaves)
    if (tree === null || range.index * ROOT_BYTES >= tree.leaves.length) return null
    return proof(tree, range)
  }

  #tree(root: Root, leaves: () => Uint8Array | null): Tree | null {
    let tree = this.#trees.get(root)
    if (tree === undefined) {
      const packed = leaves()
      if (packed === null || packed.length === 0) return null
      tree = { leaves: packed, upper: upperLayers(packed) }
    }
    this.#trees.delete(root)
    this.#trees.set(root, tree)
    const oldest = this.#trees.keys().next()
    if (this.#trees.size > KEPT && oldest.done !== true) this.#trees.delete(oldest.value)
    return tree
  }
}

/** Layers from the roots of runs upwards. */
function upperLayers(leaves: Uint8Array): Uint8Array[] {
  const out: Uint8Array[] = []
  let layer = leaves
  for (let level = 0; level < heightOf(leaves.length / ROOT_BYTES); level++) {
    layer = layerAbove(layer, level)
    if (level + 1 >= RUN_HEIGHT) out.push(layer)
  }
  return out
}

/** As `proveRange`, from the range's own run and the kept layers. */
function proof(tree: Tree, range: HashRange): Uint8Array {
  const height = heightOf(tree.leaves.length / ROOT_BYTES)
  const run = Math.floor(range.index / LIMITS.hashRun)
  const start = run * LIMITS.hashRun * ROOT_BYTES
  const within = tree.leaves.subarray(start, start + LIMITS.hashRun * ROOT_BYTES)
  if (height <= RUN_HEIGHT) return proveRange(tree.leaves, range)
  const padded = new Uint8Array(LIMITS.hashRun * ROOT_BYTES)
  padded.set(within)
  const low = proveRange(padded, {
    ...range,
    index: range.index % LIMITS.hashRun,
    proofLayers: Math.min(range.proofLayers, RUN_HEIGHT - 1),
  })
  const uncles: Uint8Array[] = [low]
  for (let level = RUN_HEIGHT, at = run; level < height && level <= range.proofLayers; level++) {
    const layer = tree.upper[level - RUN_HEIGHT]
    const from = (at ^ 1) * ROOT_BYTES
    const uncle = layer?.subarray(from, from + ROOT_BYTES)
    uncles.push(uncle?.length === ROOT_BYTES ? uncle : padHash(level))
    at >>= 1
  }
  return joined(uncles)
}
