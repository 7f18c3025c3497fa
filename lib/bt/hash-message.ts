/**
 * The three messages of BEP 52 about hash trees, each way: hash request (21), hashes (22), hash reject (23).
 * pieces root[32], base layer, index, length, proof layers (u32 big-endian each), and for `hashes` the packed hashes.
 */
import type { Cursor, Writer } from '../base/bytes.js'
import { WireError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import type { HashRange } from '../hash/merkle.js'
import { ROOT_BYTES, type Root, rootBytes, rootOf } from '../hash/root.js'

export const HASH_REQUEST = 21
export const HASHES = 22
export const HASH_REJECT = 23

/** Root and four numbers. */
export const HASH_HEAD_BYTES = ROOT_BYTES + 16

export type HashMessage = { readonly root: Root; readonly range: HashRange }

export function encodeHashMessage(out: Writer, message: HashMessage): void {
  out.put(rootBytes(message.root))
  out.u32be(message.range.baseLayer)
  out.u32be(message.range.index)
  out.u32be(message.range.length)
  out.u32be(message.range.proofLayers)
}

/** The numbers as they came: see isServable. */
export function decodeHashMessage(from: Cursor): HashMessage {
  const root = rootOf(from.view(ROOT_BYTES))
  const range: HashRange = {
    baseLayer: from.u32be(),
    index: from.u32be(),
    length: from.u32be(),
    proofLayers: from.u32be(),
  }
  return { root, range }
}

/** The rest of a `hashes` message: a view. @throws {WireError} unless it is whole hashes and no more than a run with its uncles. */
export function decodePackedHashes(from: Cursor): Uint8Array {
  const packed = from.view(from.left)
  if (packed.length % ROOT_BYTES !== 0)
    throw new WireError(`${packed.length} bytes are no whole hashes`, { at: 'hashes' })
  if (packed.length > (LIMITS.hashRun + LIMITS.hashLayers) * ROOT_BYTES)
    throw new WireError(`${packed.length / ROOT_BYTES} hashes at once`, { at: 'hashes' })
  return packed
}

/** May this range be asked for at all: a power of two from 2 to hashRun, aligned, in layers that a tree can have? */
export function isServable(range: HashRange): boolean {
  const { baseLayer, index, length, proofLayers } = range
  return (
    length >= 2 &&
    length <= LIMITS.hashRun &&
    (length & (length - 1)) === 0 &&
    index % length === 0 &&
    baseLayer <= LIMITS.hashLayers &&
    proofLayers <= LIMITS.hashLayers
  )
}
