import { differ } from '../support/local-differential.js'

const [first = '1', count = '3', filter = ''] = process.argv.slice(2)
const SETS = (process.env['SETS'] ?? '').split('\n').filter((l) => l !== '')
let bad = 0
for (const set of SETS) {
  if (!set.includes(filter)) continue
  for (const destination of ['none', 'same', 'disturbed'] as const)
    for (let seed = Number(first); seed < Number(first) + Number(count); seed++) {
      const args = set.split(' ')
      const lines = differ({
        seed,
        args: args.some((a) => a.includes('{}')) ? args : [...args, 's/', 'd'],
        destination,
      })
      if (lines.length === 0) continue
      bad++
      console.log(
        `== seed ${seed} ${destination} ${set}\n${lines
          .slice(0, 5)
          .map((l) => l.replace(/(long)+/g, 'long').slice(0, 150))
          .join('\n')}`,
      )
    }
}
console.log(bad, 'bad')
