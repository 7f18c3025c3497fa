/** Copies over a remote shell beside the real rsync at both ends: the same trees, lines and exit status, with prsync at either end. */
import t from 'tap'
import { differ, type Wire } from '../support/local-differential.js'
import { argumentsOf } from '../support/option-sets.js'
import { noRsyncAsRoot } from '../support/real-rsync.js'

const SETS = [
  '-aiH --delete',
  '-ai --no-whole-file -B700',
  '-aiz --no-i-r',
  '-ai -s --zc=lz4 --cc=md5 --delete-after',
  '-aci --numeric-ids',
  '-ai --files-from={}/names {}/s {}/d',
  '-ai --files-from={}/names --delete {}/s {}/d',
  '-ai --remove-source-files --partial-dir=.p',
  '-ai --link-dest=../alt --delay-updates',
  '-ai --delay-updates --delete',
  '-ai -y --delete-after',
  '-aiAX',
  '-ain --delete',
  '-ai -C --delete-excluded',
  '-ai -M--exclude=*a* --delete',
  '-aiH --min-size=1k',
]

function tries(sets: readonly string[], protocols: readonly number[]): (readonly [string, Wire])[] {
  return protocols.flatMap((protocol) =>
    sets.flatMap((set) =>
      [true, false].flatMap((isPush) =>
        (['client', 'server'] as const).map((ours) => [set, { isPush, ours, protocol }] as const),
      ),
    ),
  )
}

for (const [what, all, destination] of [
  ['many sets of options', tries(SETS, [32]), 'disturbed'],
  ['attributes of what is new', tries(['-aiX'], [32]), 'none'],
  ['old protocols', tries(['-aH', '-az'], [31, 30, 29, 28, 27]), 'none'],
  ['lines of protocol 29', tries(['-aiH', '-vvai'], [29]), 'disturbed'],
  // Both ends speak there, side by side: -vv has lines compared in any order.
  ['lines before protocol 29', tries(['-vvai'], [28, 27]), 'disturbed'],
] as const)
  t.test(`what rsync makes over a wire: ${what}`, { skip: noRsyncAsRoot }, async (t) => {
    for (const [set, wire] of all) {
      const { isPush, ours, protocol } = wire
      const name = `${set}, ${isPush ? 'push' : 'pull'}, ${ours} is prsync, protocol ${protocol}`
      t.same(differ({ seed: 11, args: argumentsOf(set), destination, wire }), [], name)
    }
  })
