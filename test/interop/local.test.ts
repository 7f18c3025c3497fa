/** Local copies beside the real rsync: the same trees, lines and exit status for many sets of options. */
import { spawnSync } from 'node:child_process'
import t from 'tap'
import { differ } from '../support/local-differential.js'
import { argumentsOf, isKnown, OPTION_SETS } from '../support/option-sets.js'

const HAS_RSYNC = spawnSync('rsync', ['--version']).status === 0
const IS_ROOT = process.geteuid?.() === 0
const skip = !HAS_RSYNC
  ? 'needs the Debian package rsync'
  : !IS_ROOT
    ? 'owners and devices need root'
    : false

for (const destination of ['disturbed', 'none'] as const)
  t.test(`what rsync makes of a ${destination} destination`, { skip }, async (t) => {
    for (const [i, set] of OPTION_SETS.entries()) {
      // Each set meets another tree; an empty destination is tried with every third.
      if (destination === 'none' && i % 3 !== 0) continue
      if (isKnown(set, destination)) continue
      const seed = 11 + (i % 5)
      t.same(differ({ seed, args: argumentsOf(set), destination }), [], `${set} (seed ${seed})`)
    }
  })
