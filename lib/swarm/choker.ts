/**
 * Whom to give to for the next ten seconds. docs/architecture.md, the swarm §5: by need, rotated; the nodes have one
 * owner, so there is no tit-for-tat. Pure.
 */
import { shuffle } from '../base/shuffle.js'
import type { Random } from '../host.js'

export const CHOKE_ROUND_MS = 10_000
export const FEWEST_SLOTS = 4
export const MOST_SLOTS = 10
export const USUAL_SLOTS = 8
/** Served this long by need, it queues again: need is what a peer says, and it may never say otherwise. */
const LONGEST_SERVED_MS = 3 * CHOKE_ROUND_MS

export type Candidate = {
  readonly slot: number
  readonly isInterested: boolean
  readonly isServed: boolean
  /** When it was served or stopped being, monotonic ms. */
  readonly sinceMs: number
  /** What it said it has: the fewest first. */
  readonly held: number
  /** Bytes we got from it lately: the most useful first among equals. */
  readonly gave: number
}

/** Half of the slots to the neediest, the rest to who waited longest. */
export function chooseServed(
  candidates: readonly Candidate[],
  slots: number,
  now: number,
  random: Random,
): ReadonlySet<number> {
  const asking = candidates.filter((c) => c.isInterested)
  shuffle(asking, random)
  if (asking.length <= slots) return new Set(asking.map((c) => c.slot))
  const chosen = new Set<number>()
  const fresh = asking.filter((c) => !c.isServed || now - c.sinceMs < LONGEST_SERVED_MS)
  fresh.sort((a, b) => a.held - b.held || b.gave - a.gave)
  for (const c of fresh.slice(0, Math.ceil(slots / 2))) chosen.add(c.slot)
  const waiting = asking.filter((c) => !chosen.has(c.slot))
  waiting.sort((a, b) => Number(a.isServed) - Number(b.isServed) || a.sinceMs - b.sinceMs)
  for (const c of waiting) {
    if (chosen.size >= slots) break
    chosen.add(c.slot)
  }
  return chosen
}
