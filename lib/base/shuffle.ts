/** An even shuffle in place (Fisher and Yates), from the randomness that is passed in. */
export function shuffle<T>(items: T[], random: { below(n: number): number }): void {
  for (let i = items.length - 1; i > 0; i--) {
    const j = random.below(i + 1)
    const a = items[i]
    const b = items[j]
    if (a !== undefined && b !== undefined) {
      items[i] = b
      items[j] = a
    }
  }
}
