/** Copies over the wire beside the real rsync: `npm run fuzz:wire -- [--only TEXT] [--seed N] [--protocol N] [--ours X] [--dir push|pull] [--sets A,B]`. */
import { parseArgs } from 'node:util'
import { differ, type Wire } from '../support/local-differential.js'
import { argumentsOf, isKnown, OPTION_SETS } from '../support/option-sets.js'

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    seed: { type: 'string', default: '11' },
    protocol: { type: 'string', default: '32' },
    ours: { type: 'string', default: 'client,server,both' },
    dir: { type: 'string', default: 'push,pull' },
    destination: { type: 'string', default: 'disturbed' },
    add: { type: 'string', default: '' },
  },
})
let tried = 0
let differing = 0
const destinations = values.destination.split(',') as ('disturbed' | 'none')[]

function tryOne(set: string, destination: 'disturbed' | 'none', wire: Wire): void {
  if (isKnown(set, destination)) return
  const args = [...values.add.split(' ').filter((w) => w !== ''), ...argumentsOf(set)]
  const found = differ({ seed: Number(values.seed), args, destination, wire })
  tried++
  if (found.length === 0) return
  differing++
  const { isPush, ours, protocol } = wire
  process.stdout.write(
    `== ${set} | ${isPush ? 'push' : 'pull'} ${ours} p${protocol} ${destination}\n`,
  )
  for (const line of found.slice(0, 8)) process.stdout.write(`   ${line.slice(0, 300)}\n`)
}

const ways: Wire[] = values.protocol.split(',').flatMap((protocol) =>
  values.dir.split(',').flatMap((dir) =>
    (values.ours.split(',') as Wire['ours'][]).map((ours) => ({
      isPush: dir === 'push',
      ours,
      protocol: Number(protocol),
    })),
  ),
)
for (const set of OPTION_SETS)
  if (values.only === undefined || set.includes(values.only))
    for (const destination of destinations) for (const wire of ways) tryOne(set, destination, wire)
process.stdout.write(`${tried} tried, ${differing} differ\n`)
