import { mkdirSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { PrsyncError } from '../../lib/base/errors.js'
import { resolveOptions } from '../../lib/options/resolve.js'
import { parseRsyncLine } from '../../lib/options/rsync-line.js'
import { noRsync, rsync } from '../support/real-rsync.js'

const shown = (argv: readonly string[], endsAtPath = false): string => {
  const { flags, paths } = parseRsyncLine(argv, endsAtPath)
  const words = flags.map(
    (f) => `${f.on ? '' : '!'}${f.name}${f.value === null ? '' : `=${f.value}`}`,
  )
  return [...words, '|', ...paths].join(' ')
}

t.test('flags in their order, and paths', async (t) => {
  const cases: readonly (readonly [readonly string[], string])[] = [
    [['-avzP', 'a', 'b'], 'archive verbose compress P | a b'],
    [['-e', 'ssh -p 2', '-essh', '--rsh=ssh', 'a'], 'rsh=ssh -p 2 rsh=ssh rsh=ssh | a'],
    [['-B1000', '-B=1000', '-B', '-1'], 'block-size=1000 block-size=1000 block-size=-1 |'],
    [['-f- x', '-f=- y', '--filter', '--z'], 'filter=- x filter=- y filter=--z |'],
    [
      ['-avB', '7', '-hhvvv'],
      'archive verbose block-size=7 human-readable human-readable verbose verbose verbose |',
    ],
    [['a', '-r', '--', '-b', '--c'], 'recursive | a -b --c'],
    [['-', '-r', ''], 'recursive | - '],
    [
      ['--max-size', '1=2', '--max-size=', '--out-format=a=b'],
      'max-size=1=2 max-size= out-format=a=b |',
    ],
    [
      ['--no-p', '--no-perms', '--del', '--ignore-non-existing', '--cc=md5', '--time-limit=3'],
      '!perms !perms delete-during existing checksum-choice=md5 stop-after=3 |',
    ],
  ]
  for (const [argv, wanted] of cases) t.equal(shown(argv), wanted)
  t.equal(shown(['-r', 'a', '-v'], true), 'recursive | a -v')
})

t.test('what is no option, or has no value', async (t) => {
  const cases: readonly (readonly [readonly string[], string])[] = [
    [['-aj'], '-aj: unknown option'],
    [['--max-del=3'], '--max-del=3: unknown option'],
    [['--D'], '--D: unknown option'],
    [['--delete=5'], '--delete=5: option does not take an argument'],
    [['--no-p=5'], '--no-p=5: option does not take an argument'],
    [['-T'], '-T: missing argument'],
    [['-aT'], '-aT: missing argument'],
    [['--temp-dir'], '--temp-dir: missing argument'],
  ]
  for (const [argv, message] of cases)
    t.throws(() => parseRsyncLine(argv), { message, exitCode: 1 })
})

/** Lines that both refuse, or both take. */
const LINES = `
--delete s/ d
-d --delete s/ d
-a --append -W s/ d
-a --append --no-W s/ d
-a --inplace --delay-updates s/ d
-a --append --delay-updates s/ d
-a --write-devices --delay-updates s/ d
-a --inplace --partial-dir=x s/ d
-a --suffix=a/b s/ d
-ab --suffix= s/ d
-a --backup-dir= s/ d
-ab --backup-dir=. s/ d
-ab --backup-dir=x s/ d
-a --delete-before --delete-after s/ d
-a --delete-during --delete-delay s/ d
-a --delete --delete-after s/ d
-a --max-size=x s/ d
-a --max-size=1kb s/ d
-a --min-size=1K+2 s/ d
-a --bwlimit=0.1 s/ d
-a --bwlimit= s/ d
-a --max-alloc=1 s/ d
-a --max-alloc=1M s/ d
-a --block-size=131073 s/ d
-a -B=1000 s/ d
-a --modify-window=-5 s/ d
-a --timeout=-1 s/ d
-a --timeout=0x10 s/ d
-a --max-delete=08 s/ d
-a --max-delete=99999999999 s/ d
-a --checksum-choice=foo s/ d
-a --checksum-choice=md5,md5,md5 s/ d
-ac --checksum-choice=none s/ d
-a --compress-choice=foo s/ d
-a --compress-level=x s/ d
-a --outbuf=x s/ d
-a --stderr=x s/ d
-a --stderr=cl s/ d
-a --info=foo s/ d
-a --info=name2,, s/ d
-a --debug=foo s/ d
-a --compare-dest=x --link-dest=y s/ d
-a --chown=0:0 --usermap=*:0 s/ d
-a --usermap=*:0 --chown=:0 s/ d
-a --chown=0 --chown=0 s/ d
-a --usermap=*:0 --usermap=*:1 s/ d
-a --stop-at=nonsense s/ d
-a --stop-at=2020-01-01 s/ d
-a --stop-after=0 s/ d
-a --stop-after=1 --stop-at=23:59 s/ d
-a --remote-option=x s/ d
-a --password-file=x s/ d
-a --contimeout=5 s/ d
-a --port=x s/ d
-a --old-args --secluded-args s/ d
-a --sender s/ d
-aN s/ d`
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => line.split(' '))

t.test(
  'the real rsync refuses the same lines with the same status',
  { skip: noRsync },
  async (t) => {
    const home = t.testdir({})
    mkdirSync(`${home}/s`)
    writeFileSync(`${home}/s/a`, 'a')
    for (const argv of LINES) {
      let ours = 0
      try {
        resolveOptions(parseRsyncLine(argv).flags, {}, new Date())
      } catch (error) {
        if (!(error instanceof PrsyncError)) throw error
        ours = error.exitCode
      }
      const real = rsync(['-n', ...argv], home)
      t.equal(ours, real.status, `${argv.join(' ')}: ${real.stderr}`)
    }
  },
)
