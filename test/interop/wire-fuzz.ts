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
for (const protocol of values.protocol.split(',').map(Number))
  for (const set of OPTION_SETS) {
    if (values.only !== undefined && !set.includes(values.only)) continue
    for (const destination of values.destination.split(',') as ('disturbed' | 'none')[])
      for (const direction of values.dir.split(','))
        for (const ours of values.ours.split(',') as Wire['ours'][]) {
          if (isKnown(set, destination)) continue
          const wire: Wire = { isPush: direction === 'push', ours, protocol }
          const args = [...values.add.split(' ').filter((w) => w !== ''), ...argumentsOf(set)]
          const found = differ({ seed: Number(values.seed), args, destination, wire })
          tried++
          if (found.length === 0) continue
          differing++
          process.stdout.write(`== ${set} | ${direction} ${ours} p${protocol} ${destination}\n`)
          for (const line of found.slice(0, 8)) process.stdout.write(`   ${line.slice(0, 300)}\n`)
        }
  }
process.stdout.write(`${tried} tried, ${differing} differ\n`)
