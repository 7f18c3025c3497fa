/**
 * BEP 52 hash trees: SHA-256 over 16 KiB leaves, a binary tree padded with zero leaves to a power of two.
 * Hashes stand packed, 32 bytes each, so that a layer is one array and a 5 GiB content costs 10 MiB, not objects.
 */
import { createHash, hash as oneShot } from 'node:crypto'
import { openKernel } from '../kernel/kernel.js'
import type { Kernel } from '../kernel/kernel-port.js'
import { ROOT_BYTES, type Root, rootOf } from './root.js'

export const LEAF_BYTES = 16384
const H = ROOT_BYTES

/** SHA-256 of at most 16 KiB; the last leaf is hashed as long as it is, without padding. */
export function leafHash(bytes: Uint8Array): Uint8Array {
  return sha256(bytes)
}

/** Leaves of a content of `length` bytes. */
export function leafCount(length: number): number {
  return Math.ceil(length / LEAF_BYTES)
}

/** The smallest h with 2^h ≥ n: the height of a tree over n leaves. */
export function heightOf(n: number): number {
  return n <= 1 ? 0 : 32 - Math.clz32(n - 1)
}

/** The packed leaf hashes of bytes in memory. */
export function leavesOf(bytes: Uint8Array): Uint8Array {
  const count = leafCount(bytes.length)
  const out = new Uint8Array(count * H)
  for (let i = 0; i < count; i++)
    out.set(leafHash(bytes.subarray(i * LEAF_BYTES, (i + 1) * LEAF_BYTES)), i * H)
  return out
}

/** The root of a tree over packed leaves, at least one. */
export function rootOfLeaves(leaves: Uint8Array): Root {
  return rootOf(subtreeRoot(leaves, heightOf(leaves.length / H), 0))
}

/** The pieces root of bytes in memory, at least one. */
export function contentRoot(bytes: Uint8Array): Root {
  if (bytes.length <= LEAF_BYTES) return rootOf(leafHash(bytes))
  return rootOfLeaves(leavesOf(bytes))
}

/** The packed layer above `layer`, whose own level is `level` (0: leaves). */
export function layerAbove(layer: Uint8Array, level: number): Uint8Array {
  const count = layer.length / H
  const out = new Uint8Array(Math.ceil(count / 2) * H)
  const pairs = count >> 1
  if (pairs >= MANY) hashPairs(layer, pairs, out)
  else
    for (let i = 0; i < pairs; i++)
      out.set(sha256(layer.subarray(i * 2 * H, (i + 1) * 2 * H)), i * H)
  if (count % 2 === 1) out.set(hashPair(layer.subarray(pairs * 2 * H), padHash(level)), pairs * H)
  return out
}

/** From here on the kernel is worth opening: a call of OpenSSL for 64 bytes is mostly the call. */
const MANY = 32
const AT_ONCE = 2048
let kernel: Kernel | undefined

function hashPairs(layer: Uint8Array, pairs: number, out: Uint8Array): void {
  kernel ??= openKernel({ dataBytes: AT_ONCE * 2 * H, entries: 1 })
  for (let done = 0; done < pairs; done += AT_ONCE) {
    const n = Math.min(AT_ONCE, pairs - done)
    kernel.data.set(layer.subarray(done * 2 * H, (done + n) * 2 * H))
    kernel.nodeSums(0, n, out.subarray(done * H, (done + n) * H))
  }
}

/** The packed layer `level` of a tree over packed leaves, as far as it is not padding. */
export function layerAt(leaves: Uint8Array, level: number): Uint8Array {
  let layer = leaves
  for (let k = 0; k < level; k++) layer = layerAbove(layer, k)
  return layer
}

/** The root of a full subtree of `height` above a packed layer of `level`, padded at its right. */
export function subtreeRoot(layer: Uint8Array, height: number, level: number): Uint8Array {
  let current = layer
  for (let k = 0; k < height; k++) current = layerAbove(current, level + k)
  return current.length === 0 ? padHash(level + height) : current.subarray(0, H)
}

const pads: Uint8Array[] = [new Uint8Array(H)]
/** The root of a subtree of `height` whose leaves are all padding. */
export function padHash(height: number): Uint8Array {
  let last = pads[pads.length - 1] ?? new Uint8Array(H)
  while (pads.length <= height) {
    last = hashPair(last, last)
    pads.push(last)
  }
  return pads[height] ?? last
}

/** A range of one layer, and how many layers of uncles prove it: the fields of BEP 52's hash request. */
export type HashRange = {
  /** The layer the hashes are from; 0: leaves. */
  readonly baseLayer: number
  /** The first hash's place in that layer; a multiple of `length`. */
  readonly index: number
  /** How many hashes; a power of two, at least 2. */
  readonly length: number
  /** How many ancestor layers, counted from the base layer, the uncle hashes go up. */
  readonly proofLayers: number
}

/**
 * Does the answer to a hash request lead to `root`? The uncles must reach the top.
 * @param hashes as `ProofTree.prove` gives them
 */
export function verifyRange(
  root: Root,
  leafTotal: number,
  range: HashRange,
  hashes: Uint8Array,
): boolean {
  const height = heightOf(leafTotal)
  const own = heightOf(range.length)
  const uncles = hashes.length / H - range.length
  if (!Number.isInteger(uncles) || uncles !== Math.max(0, height - range.baseLayer - own))
    return false
  let node = subtreeRoot(hashes.subarray(0, range.length * H), own, range.baseLayer)
  let at = range.index >> own
  for (let i = 0; i < uncles; i++) {
    const from = (range.length + i) * H
    const uncle = hashes.subarray(from, from + H)
    node = at & 1 ? hashPair(uncle, node) : hashPair(node, uncle)
    at >>= 1
  }
  return at === 0 && rootOf(node) === root
}

function hashPair(left: Uint8Array, right: Uint8Array): Uint8Array {
  return createHash('sha256').update(left).update(right).digest()
}
function sha256(bytes: Uint8Array): Uint8Array {
  return oneShot('sha256', bytes, 'buffer')
}
