/** The identity of a content: its BEP 52 pieces root. With the length it names bytes, never a path. */

import type { Brand } from '../base/brand.js'
import { bytesOf, latin1Of } from '../base/bytes.js'

/** 32 bytes, one char each: a Map key that is also comparable and half the size of hex. */
export type Root = Brand<string, 'Root'>

export type ContentId = {
  readonly root: Root
  /** Bytes; at least 1, an empty file has no content. */
  readonly length: number
}

export const ROOT_BYTES = 32

export function rootOf(bytes: Uint8Array): Root {
  if (bytes.length !== ROOT_BYTES) throw new RangeError(`a root has 32 bytes, not ${bytes.length}`)
  return latin1Of(bytes) as Root
}
/** Of which only the beginning is told: zeros in place of the rest. */
export function rootFrom(beginning: string): Root {
  return beginning.padEnd(ROOT_BYTES, '\0') as Root
}
export function rootBytes(root: Root): Uint8Array {
  return bytesOf(root)
}
export function rootHex(root: Root): string {
  return Buffer.from(root, 'latin1').toString('hex')
}
/** 64 hex digits, or null. */
export function parseRootHex(hex: string): Root | null {
  return /^[0-9a-f]{64}$/.test(hex) ? (Buffer.from(hex, 'hex').toString('latin1') as Root) : null
}
