/** Local copies beside the real rsync: the same trees, lines and exit status for many sets of options. */
import { spawnSync } from 'node:child_process'
import t from 'tap'
import { differ } from '../support/local-differential.js'
import { argumentsOf, OPTION_SETS } from '../support/option-sets.js'

const HAS_RSYNC = spawnSync('rsync', ['--version']).status === 0
const IS_ROOT = process.geteuid?.() === 0
const skip = !HAS_RSYNC
  ? 'needs the Debian package rsync'
  : !IS_ROOT
    ? 'owners and devices need root'
    : false

/** What the real rsync does otherwise each time, or wrongly. */
const KNOWN: ReadonlyMap<string, string> = new Map([
  // It goes on as if the file were the directory, fails below it, and gives the file the directory's time.
  ['-ai --ignore-existing disturbed', 'a file in place of a directory'],
  // Files that are one file at the destination are written over under one name while the other is looked at.
  ['-ai --inplace disturbed', 'hard links at the destination'],
  ['-ai --inplace --no-whole-file disturbed', 'hard links at the destination'],
])

for (const destination of ['disturbed', 'none'] as const)
  t.test(`what rsync makes of a ${destination} destination`, { skip }, async (t) => {
    for (const [i, set] of OPTION_SETS.entries()) {
      // Each set meets another tree; an empty destination is tried with every third.
      if (destination === 'none' && i % 3 !== 0) continue
      if (KNOWN.has(`${set} ${destination}`)) continue
      const seed = 11 + (i % 5)
      t.same(differ({ seed, args: argumentsOf(set), destination }), [], `${set} (seed ${seed})`)
    }
  })
