/** What options do together, or with an old protocol, over a connection: prsync at both ends and at one, beside the real rsync. */
import t from 'tap'
import { noRsync } from '../support/real-rsync.js'
import { sideBySide } from '../support/side-by-side.js'

const SHELL = `printf '#!/bin/sh\\nshift\\nexec $*\\n' >shell; chmod 755 shell; mkdir s d`
const OLD = 'find s d -exec touch -d @1500000000 {} +'
/** What stands there is shorter, and not the beginning. */
const GROWN = `seq 9 >s/f; echo x >d/f; ${OLD}; touch -d @1400000000 d/f`
const SAME = `for n in 0 1 3 55 56 64 700 70000; do head -c $n /dev/zero >s/f$n; done; cp s/* d; ln s/f3 s/g; ${OLD}`
const OPTIONS = [
  ['-A', 29],
  ['-X', 29],
  ['-y', 28],
  ['-m', 28],
  ['--link-dest=../a --link-dest=../b', 28],
] as const
const CASES: readonly (readonly [script: string, options: string])[] = [
  [GROWN, '-rti --append-verify -b'],
  [GROWN, '-rti --append-verify --backup --backup-dir=bk'],
  ...[27, 28, 29, 30, 31].map((protocol) => [SAME, `-rtnci --protocol=${protocol}`] as const),
  ...OPTIONS.flatMap(([option, protocol]) =>
    [protocol, protocol + 1].map((n) => [SAME, `-ri ${option} --protocol=${n}`] as const),
  ),
]

for (const server of ['{program}', 'rsync'])
  for (const isPull of [true, false])
    t.test(
      `${isPull ? 'pulled from' : 'pushed to'} ${server === 'rsync' ? 'rsync' : 'prsync'}`,
      { skip: noRsync },
      (t) => {
        for (const [script, options] of CASES) {
          const places = isPull ? ['h:{}/s/', 'd/'] : ['s/', 'h:{}/d/']
          const shell = ['-e', '{}/shell', `--rsync-path=${server}`]
          const args = [...options.split(' '), ...shell, ...places]
          const make = `${SHELL}; ${script}`
          const { rsync, prsync } = sideBySide(t.testdir({}), make, args, '. -path "./[db]*"')
          t.equal(prsync.status, rsync.status, options)
          t.same(prsync.out, rsync.out, options)
          t.same(prsync.stands, rsync.stands, options)
        }
        t.end()
      },
    )

t.test(
  'sums that are the same give files their times, however little they differ',
  { skip: noRsync },
  (t) => {
    const make = `${SHELL}; echo a | tee s/f d/f >s/g; cp s/g d; touch -d @1500000000.5 s/f d/g; touch -d @1500000000 d/f s/g`
    const shell = ['-e', '{}/shell', '--rsync-path={program}', '--protocol=30', 'h:{}/s/', 'd/']
    for (const how of [['s/', 'd/'], ['--size-only', 's/', 'd/'], ['-@', '1', 's/', 'd/'], shell]) {
      const args = ['-rtci', ...how]
      const { rsync, prsync } = sideBySide(t.testdir({}), make, args, `d -type f -printf '%T@ '`)
      t.same(prsync.out, rsync.out, how.join(' '))
      t.same(prsync.stands, rsync.stands, how.join(' '))
    }
    t.end()
  },
)
