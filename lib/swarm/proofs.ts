/**
 * Answers to hash requests for contents that are whole here. The trees of the few contents that are asked for now are
 * kept: an answer must not cost the hashing of the whole tree, or asking is an attack.
 */
import { LIMITS } from '../base/limits.js'
import type { HashRange } from '../hash/merkle.js'
import { ProofTree } from '../hash/proof-tree.js'
import { ROOT_BYTES, type Root } from '../hash/root.js'

const KEPT = 16

type Kept = { readonly tree: ProofTree; readonly leaves: number }

export class Proofs {
  /** The least recently asked first. */
  readonly #trees = new Map<Root, Kept>()

  /** @param leaves all packed leaf hashes. @returns null: a range that is not given; prsync nodes ask for leaves alone. */
  answer(root: Root, leaves: () => Uint8Array | null, range: HashRange): Uint8Array | null {
    const { baseLayer, index, length } = range
    const isPower = length >= 2 && length <= LIMITS.hashRun && (length & (length - 1)) === 0
    if (baseLayer !== 0 || !isPower || index % length !== 0) return null
    const kept = this.#tree(root, leaves)
    return kept === null || index >= kept.leaves ? null : kept.tree.prove(range)
  }

  #tree(root: Root, leaves: () => Uint8Array | null): Kept | null {
    let kept = this.#trees.get(root)
    if (kept === undefined) {
      const packed = leaves()
      if (packed === null || packed.length === 0) return null
      kept = { tree: new ProofTree(packed), leaves: packed.length / ROOT_BYTES }
    }
    this.#trees.delete(root)
    this.#trees.set(root, kept)
    const oldest = this.#trees.keys().next()
    if (this.#trees.size > KEPT && oldest.done !== true) this.#trees.delete(oldest.value)
    return kept
  }
}
