/** Distributions over one stream of random numbers: the same seed, the same numbers. */
import { seededRandom } from '../../test/support/seeded-random.js'

export type Chance = {
  /** From 0 to 1, never either. */
  readonly part: () => number
  readonly below: (n: number) => number
  readonly exponential: (mean: number) => number
  readonly logNormal: (median: number, sigma: number) => number
  /** An index, with chances as the weights are. */
  readonly weighted: (weights: readonly number[]) => number
}

export function chanceOf(seed: number): Chance {
  const random = seededRandom(seed)
  const part = (): number => (random.below(2 ** 31) + 0.5) / 2 ** 31
  const normal = (): number => Math.sqrt(-2 * Math.log(part())) * Math.cos(2 * Math.PI * part())
  return {
    part,
    below: (n) => random.below(n),
    exponential: (mean) => -mean * Math.log(part()),
    logNormal: (median, sigma) => median * Math.exp(sigma * normal()),
    weighted: (weights) => {
      let left = part() * weights.reduce((sum, weight) => sum + weight, 0)
      for (const [index, weight] of weights.entries()) {
        left -= weight
        if (left < 0) return index
      }
      return 0
    },
  }
}
