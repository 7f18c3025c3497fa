/**
 * When a directory is settled: all in it is as it should be, and nothing can change in it without its stats saying so.
 * Then the next look at it is a glance (`io/glance.ts`).
 */
import { hash } from 'node:crypto'
import { type ByteName, compareNames } from '../base/byte-name.js'
import { latin1Of, utf8Bytes } from '../base/bytes.js'
import type { Standing } from '../host.js'
import { isPast, isSame, type Known, type Settled } from '../io/directory-record.js'

/** 16 bytes that name what directories are settled for: another wish, and none is. @param wish as JSON */
export function settledUnder(wish: unknown): string {
  return latin1Of(hash('sha256', utf8Bytes(JSON.stringify(wish)), 'buffer').subarray(0, 16))
}

/** A directory at the centre, when its page describes what stands there. @param known in the order of `standing` */
export function settledAt(
  known: readonly Known[],
  standing: readonly Standing[],
  self: Standing | null,
  under: string | null,
  nowMs: number,
): Settled | null {
  if (under === null || self === null || known.length !== standing.length) return null
  for (const [i, s] of standing.entries()) {
    const own = known[i]
    if (own === undefined || own.base !== s.base || !isSame(own, s)) return null
    if (s.kind === 'file' && s.size > 0 && !own.hashed) return null
  }
  if (!isAllPast([self, ...standing], nowMs)) return null
  return {
    under,
    self: statOf(self),
    page: null,
    entries: 0,
    files: 0,
    unhashed: 0,
    extraneous: false,
    links: [],
  }
}

export function isAllPast(standing: readonly Standing[], nowMs: number): boolean {
  const nowNs = BigInt(Math.floor(nowMs)) * 1_000_000n
  return standing.every((s) => isPast(s, nowNs))
}

export function statOf({ ino, size, mtimeNs, ctimeNs }: Standing): Settled['self'] {
  return { ino, size, mtimeNs, ctimeNs }
}

/** Byte order of whole names, a directory before what is in it. */
export function compareDepthFirst(a: ByteName, b: ByteName): number {
  return compareNames(a.replaceAll('/', '\0'), b.replaceAll('/', '\0'))
}
