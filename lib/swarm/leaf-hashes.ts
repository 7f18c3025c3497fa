/**
 * The leaf hashes of one large content as they come: runs of 512 leaves (8 MiB of data) with the uncles that prove them
 * (BEP 52), kept as they came so that they can be passed on as they are.
 */
import { LIMITS } from '../base/limits.js'
import { type HashRange, heightOf, LEAF_BYTES, leafCount, verifyRange } from '../hash/merkle.js'
import { type ContentId, ROOT_BYTES } from '../hash/root.js'

export const RUN_BYTES = LIMITS.hashRun * LEAF_BYTES

export class LeafHashes {
  readonly #content: ContentId
  readonly #leaves: number
  readonly #runs: (Uint8Array | undefined)[]
  #missing: number

  constructor(content: ContentId) {
    this.#content = content
    this.#leaves = leafCount(content.length)
    this.#missing = Math.ceil(this.#leaves / LIMITS.hashRun)
    this.#runs = new Array<Uint8Array | undefined>(this.#missing)
  }

  get runCount(): number {
    return this.#runs.length
  }
  has(run: number): boolean {
    return this.#runs[run] !== undefined
  }

  /** What to ask for to get a run. */
  rangeOf(run: number): HashRange {
    return runRange(this.#leaves, run)
  }
  /** The run this range is exactly, or -1. */
  runOf(range: HashRange): number {
    const run = range.index / LIMITS.hashRun
    if (!Number.isInteger(run) || run >= this.#runs.length) return -1
    const own = this.rangeOf(run)
    const isSame = range.baseLayer === 0 && range.length === own.length
    return isSame && range.proofLayers >= own.proofLayers ? run : -1
  }

  /** An answer, copied if it is right. @returns does it lead to the root? */
  put(run: number, packed: Uint8Array): boolean {
    if (!verifyRange(this.#content.root, this.#leaves, this.rangeOf(run), packed)) return false
    if (this.#runs[run] === undefined) this.#missing--
    this.#runs[run] = Uint8Array.from(packed)
    return true
  }

  /** A run as it came, with its uncles. */
  packed(run: number): Uint8Array | null {
    return this.#runs[run] ?? null
  }

  /** The hash of a leaf whose run is there. */
  leaf(index: number): Uint8Array {
    const run = this.#runs[Math.floor(index / LIMITS.hashRun)]
    const at = (index % LIMITS.hashRun) * ROOT_BYTES
    return run?.subarray(at, at + ROOT_BYTES) ?? new Uint8Array(0)
  }

  /** All of them packed, when all are there. */
  all(): Uint8Array | null {
    if (this.#missing > 0) return null
    const out = new Uint8Array(this.#leaves * ROOT_BYTES)
    for (let i = 0; i < this.#runs.length; i++) {
      const at = i * LIMITS.hashRun * ROOT_BYTES
      const run = this.#runs[i]?.subarray(0, Math.min(LIMITS.hashRun * ROOT_BYTES, out.length - at))
      if (run !== undefined) out.set(run, at)
    }
    return out
  }
}

/** An aligned run of leaves with all uncles; a tree below 512 leaves is one run. */
export function runRange(leaves: number, run: number): HashRange {
  const height = heightOf(leaves)
  const length = Math.max(2, Math.min(LIMITS.hashRun, 2 ** height))
  return {
    baseLayer: 0,
    index: run * LIMITS.hashRun,
    length,
    proofLayers: Math.max(0, height - 1),
  }
}
