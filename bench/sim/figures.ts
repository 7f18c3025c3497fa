/** What a run is judged by. */

/** The value below which `part` of all are; NaN of none. */
export function percentile(values: readonly number[], part: number): number {
  const ascending = Float64Array.from(values).sort()
  return (
    ascending[Math.min(ascending.length - 1, Math.floor(part * ascending.length))] ?? Number.NaN
  )
}

/** Jain's index: 1 where all have the same, 1/n where one has all. Jain, Chiu, Hawe 1984. */
export function jain(values: readonly number[]): number {
  const sum = values.reduce((all, value) => all + value, 0)
  const squares = values.reduce((all, value) => all + value * value, 0)
  return squares === 0 ? 1 : (sum * sum) / (values.length * squares)
}

export function mean(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0) / values.length
}
