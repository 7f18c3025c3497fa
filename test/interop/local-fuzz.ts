/**
 * The differential test for longer, with ever new trees: `npm run fuzz:local -- --minutes N [--seed S] [--only TEXT]`.
 * Prints what differs and how to see it again.
 */
import { differ } from '../support/local-differential.js'
import { argumentsOf, isKnown, OPTION_SETS } from '../support/option-sets.js'

function numberAfter(option: string, otherwise: number): number {
  const at = process.argv.indexOf(option)
  return at < 0 ? otherwise : Number(process.argv[at + 1])
}
const only = process.argv[process.argv.indexOf('--only') + 1] ?? ''
const isOnly = process.argv.includes('--only')
const end = Date.now() + numberAfter('--minutes', 1) * 60_000
let differences = 0
let tried = 0

for (let seed = numberAfter('--seed', 1000); Date.now() < end; seed++)
  for (const set of OPTION_SETS) {
    if (Date.now() >= end) break
    if (isOnly && !set.includes(only)) continue
    for (const destination of ['none', 'same', 'disturbed'] as const) {
      if (isKnown(set, destination)) continue
      tried++
      const lines = differ({ seed, args: argumentsOf(set), destination })
      if (lines.length === 0) continue
      differences++
      process.stdout.write(
        `--seed ${seed} ${destination}: ${set}\n${lines
          .slice(0, 6)
          .map((l) => l.slice(0, 200))
          .join('\n')}\n`,
      )
    }
  }
process.stdout.write(`${tried} tried, ${differences} differ\n`)
process.exitCode = differences > 0 ? 1 : 0
