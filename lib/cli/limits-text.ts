/** Said once, where koffi has no binary for the machine. */
export function limitsText(lacks: readonly string[]): string {
  return `prsync: koffi has no binary for this machine; without it ${lacks.join('; ')}\n`
}
