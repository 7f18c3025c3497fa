/**
 * The layers of one hash tree that answers to hash requests need, kept so that a hostile request costs little: all from
 * KEPT_LEVEL up (4 bytes a leaf), and what is below made anew from a few leaves each time.
 */
import { type HashRange, heightOf, layerAbove, layerAt, padHash, subtreeRoot } from './merkle.js'
import { ROOT_BYTES } from './root.js'

const KEPT_LEVEL = 4
const H = ROOT_BYTES

export class ProofTree {
  readonly #leaves: Uint8Array
  readonly #height: number
  /** From KEPT_LEVEL upwards; made when first asked. */
  #kept: readonly Uint8Array[] | null = null

  /** @param leaves all packed leaf hashes of a content: kept, not copied */
  constructor(leaves: Uint8Array) {
    this.#leaves = leaves
    this.#height = heightOf(leaves.length / H)
  }

  /**
   * The answer to a hash request: `length` hashes, then uncles from below upwards; null for a range outside of the tree.
   * Uncles below the subtree that the hashes themselves make are left out (BEP 52).
   */
  prove(range: HashRange): Uint8Array | null {
    const { baseLayer, index, length } = range
    const own = heightOf(length)
    if (baseLayer + own > this.#height) return null
    if (index + length > 2 ** (this.#height - baseLayer)) return null
    const out: Uint8Array[] = []
    for (let i = 0; i < length; i++) out.push(this.#node(baseLayer, index + i))
    for (let up = own; up <= range.proofLayers && baseLayer + up < this.#height; up++)
      out.push(this.#node(baseLayer + up, Math.floor(index / 2 ** up) ^ 1))
    return Buffer.concat(out)
  }

  #node(level: number, index: number): Uint8Array {
    if (level >= KEPT_LEVEL) {
      const layer = this.#layer(level)
      const node = layer.subarray(index * H, (index + 1) * H)
      return node.length === H ? node : padHash(level)
    }
    const width = H * 2 ** level
    return subtreeRoot(this.#leaves.subarray(index * width, (index + 1) * width), level, 0)
  }

  #layer(level: number): Uint8Array {
    if (this.#kept === null) {
      const layers = [layerAt(this.#leaves, KEPT_LEVEL)]
      for (let k = KEPT_LEVEL; k < this.#height; k++)
        layers.push(layerAbove(layers[layers.length - 1] ?? this.#leaves, k))
      this.#kept = layers
    }
    return this.#kept[level - KEPT_LEVEL] ?? padHash(level)
  }
}
