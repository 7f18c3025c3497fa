/** All rules that are compared, by the names that tables and plots show. */
import { ours } from './ours.js'
import {
  byCapacity,
  geographic,
  leastLoaded,
  type Policy,
  perfect,
  random,
  roundRobin,
  twoChoices,
} from './policy.js'
import type { Run } from './run.js'

export type NamedPolicy = { readonly name: string; readonly make: (run: Run) => Policy }

export const POLICIES: readonly NamedPolicy[] = [
  { name: 'random', make: random },
  { name: 'round robin', make: roundRobin },
  { name: 'random by capacity', make: byCapacity },
  { name: 'geographic', make: geographic },
  { name: 'least loaded on reports', make: leastLoaded },
  { name: 'two choices on reports', make: twoChoices },
  { name: 'prsync', make: ours() },
  { name: 'perfect information', make: perfect },
]
