import t from 'tap'
import { fairness } from '../../lib/mirror/fairness.js'

for (const [values, expected] of [
  [[], null],
  [[0, 0], null],
  [[3, 3, 3], 1],
  [[1, 0, 0, 0], 0.25],
  [[1, 3], 0.8],
] as const)
  t.equal(fairness(values), expected, `[${values.join(' ')}]`)
