/** A file that may be an earlier version of a new one: same size and time, else the name that is most like it. rsync(1) --fuzzy. */
import type { Standing } from '../host.js'

/** Names that differ in more than this share of their letters have nothing to do with each other. */
const MOST_APART = 0.5
/** Longer names are compared by what they begin with. */
const NAME_LETTERS = 128

/** @param standing what stands in the directory the file goes to @returns null: none is like it */
export function chooseFuzzy(
  base: string,
  size: number,
  mtimeNs: bigint,
  standing: readonly Standing[],
): Standing | null {
  let best: Standing | null = null
  let least = Math.ceil(base.length * MOST_APART)
  for (const one of standing) {
    if (one.kind !== 'file' || one.size === 0) continue
    if (one.size === size && one.mtimeNs === mtimeNs) return one
    const apart = distance(base.slice(0, NAME_LETTERS), one.base.slice(0, NAME_LETTERS), least)
    if (apart >= least) continue
    least = apart
    best = one
  }
  return best
}

/** Letters to put in, take out or change; `limit` or more is all the same. */
function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a.charCodeAt(i - 1) === b.charCodeAt(j - 1) ? 0 : 1)
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? limit
}
