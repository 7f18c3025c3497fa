/** A set of connections as 64 bits in two numbers: connections have slots 0 … 62, the last stands for the fallback. */
import { LIMITS } from '../base/limits.js'

export const SLOTS = 64
/** Not a connection: the centre over HTTP, which has everything and counts for no rarity. */
export const FALLBACK_SLOT = 63

if (LIMITS.connections > FALLBACK_SLOT) throw new RangeError('more connections than slots')

export type PeerMask = { lo: number; hi: number }

export function lowBit(slot: number): number {
  return slot < 32 ? (1 << slot) >>> 0 : 0
}
export function highBit(slot: number): number {
  return slot < 32 ? 0 : (1 << (slot - 32)) >>> 0
}
export function setSlot(mask: PeerMask, slot: number): void {
  mask.lo = (mask.lo | lowBit(slot)) >>> 0
  mask.hi = (mask.hi | highBit(slot)) >>> 0
}
export function clearSlot(mask: PeerMask, slot: number): void {
  mask.lo = (mask.lo & ~lowBit(slot)) >>> 0
  mask.hi = (mask.hi & ~highBit(slot)) >>> 0
}

/** How many of 32 bits are set. */
export function bitCount(word: number): number {
  let n = word - ((word >>> 1) & 0x55555555)
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333)
  return Math.imul((n + (n >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}
