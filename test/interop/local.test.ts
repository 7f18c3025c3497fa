/** Local copies beside the real rsync: the same trees, lines and exit status for many sets of options. */
import t from 'tap'
import { differ } from '../support/local-differential.js'
import { argumentsOf, isKnown, OPTION_SETS } from '../support/option-sets.js'
import { noRsyncAsRoot } from '../support/real-rsync.js'

for (const destination of ['disturbed', 'none'] as const)
  t.test(`what rsync makes of a ${destination} destination`, { skip: noRsyncAsRoot }, async (t) => {
    for (const [i, set] of OPTION_SETS.entries()) {
      // Each set meets another tree; an empty destination is tried with every third.
      if (destination === 'none' && i % 3 !== 0) continue
      if (isKnown(set, destination)) continue
      const seed = 11 + (i % 5)
      t.same(differ({ seed, args: argumentsOf(set), destination }), [], `${set} (seed ${seed})`)
    }
  })
