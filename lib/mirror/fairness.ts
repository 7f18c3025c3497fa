/** How evenly work is spread. Jain, Chiu, Hawe 1984: 1 where all have the same, 1/n where one has all; null: nobody has any. */
export function fairness(values: readonly number[]): number | null {
  const sum = values.reduce((total, each) => total + each, 0)
  const squares = values.reduce((total, each) => total + each * each, 0)
  return squares === 0 ? null : (sum * sum) / (values.length * squares)
}
