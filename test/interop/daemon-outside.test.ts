/**
 * What a daemon's client tries to reach outside of its module: by links that others may have made there, by paths of options, by
 * names that climb. Nothing outside is read or written, with chroot and without. CVE-2026-53784, 53786, 53793, 53795, 70460.
 */
import t from 'tap'
import { askDaemon } from '../support/daemon-pair.js'
import { noRsyncAsRoot } from '../support/real-rsync.js'

const CONF = `
uid = root
gid = root
log file = HOME/log
munge symlinks = no
[plain]
path = HOME/mod
read only = no
use chroot = no
[root]
path = HOME/mod
read only = no
use chroot = yes
[inner]
path = HOME/mod/./away
read only = no
use chroot = yes
[led]
path = HOME/led
read only = no
use chroot = no
[ruled]
path = HOME/mod
use chroot = no
exclude = hidden
`
/** Links of somebody else's lead out of the module; one that leads to the module is no less his. */
const STAGE = `
mkdir -p $H/mod/d $H/mod/sub $H/mod/hidden $H/out/d
echo inside > $H/mod/d/f; echo secret > $H/out/f; echo secret > $H/out/d/f; echo '- secretrule' > $H/out/rules
echo '- f' > $H/mod/hidden/rules; echo hush > $H/mod/hidden/f
ln -s ../out $H/mod/away; ln -s $H/out $H/mod/whole; ln -s ../out/f $H/mod/file; ln -s ../../out/d $H/mod/sub/away; ln -s mod $H/led
chown -hR nobody $H/mod $H/led
mkdir -p give/d && echo given > give/f && echo given > give/d/f && touch -d 2001-01-01 $H/out/f $H/out/d/f`

const UNTOUCHED = `find $H/out -type f -newermt 2002-01-01 ! -name rules; find $H/out | wc -l; cat $H/out/f`

/** M stands for the module. */
const PUSHES = [
  '-a give/ M/away/',
  '-a give/f M/away/f',
  '-a give/f M/file',
  '-a give/f M/whole/new',
  '-aK give/ M/sub/away/',
  '-a --delete give/ M/away',
  '-aR ./give/d/f M/away/',
  '-a --mkpath give/f M/away/new/f',
  '-ab --backup-dir=away give/d/ M/d/',
  '-ab --backup-dir=/away give/d/ M/d/',
  '-ab --backup-dir=../../out give/d/ M/d/',
  '-ab --backup-dir=$H/out give/d/ M/d/',
  '-aI --partial-dir=away give/d/ M/d/',
  '-aI --partial-dir=/away give/d/ M/d/',
  '-aI --partial-dir=../away --delay-updates give/d/ M/d/',
  '-aI --temp-dir=away give/d/ M/d/',
  '-aI --temp-dir=$H/out give/d/ M/d/',
  '-aI --temp-dir=../../out give/d/ M/d/',
  '-a --inplace give/f M/file',
  '-ai --link-dest=/away give/ M/new1/',
  '-ai --copy-dest=../away give/ M/new2/',
  '-ai --link-dest=$H/out give/ M/new3/',
  '-a -M--log-file=$H/out/log give/ M/new4/',
  '-a -M--only-write-batch=$H/out/batch give/ M/new5/',
]
const PULLS = [
  '-a M/away/ got/',
  '-a M/away/f got/',
  '-aL M/ got/',
  '-ak M/ got/',
  '-a --copy-unsafe-links M/ got/',
  '-a M/file got/',
  '-aL M/file got/',
  '-aR M/sub/./away/f got/',
  '-aR M/sub/away/ got/',
  '-a M/../out/f got/',
  '-a M/d/../../out/ got/',
  '-a --files-from=:away/f M/ got/',
  '-a --files-from=:/file M/ got/',
  '-a --files-from=:../out/f M/ got/',
  `-a -M--filter='merge away/rules' M/ got/`,
  `-a -M--exclude-from=$H/out/rules M/ got/`,
  `-a -M--files-from=$H/out/f M/ got/`,
  '-a --compare-dest=/away M/ got/',
]
const SEEN = 'grep -rl secret got 2>/dev/null; rm -rf got'

/** With another root nothing leads out: a few are enough to see that. */
const CASES: Readonly<Record<string, readonly string[]>> = {
  plain: [...PUSHES, ...PULLS],
  root: [
    ...PUSHES.slice(0, 3),
    ...PUSHES.slice(8, 15),
    ...PULLS.slice(0, 4),
    ...PULLS.slice(11, 15),
  ],
}
for (const [module, cases] of Object.entries(CASES))
  t.test(`${module}: nothing outside is written or read`, { skip: noRsyncAsRoot }, async (t) => {
    const line = (args: string): string =>
      `timeout 20 rsync ${args.replaceAll('M/', `$AT/${module}/`)} >out 2>&1; grep -c secret out; ${SEEN}; ${UNTOUCHED}`
    const all = await askDaemon('prsync', CONF, [
      STAGE,
      ...cases.map(line),
      // What the module itself is for still works.
      `rsync -a $AT/${module}/d/ got/ && cat got/f; rsync -a give/f $AT/${module}/sub/ && cat $H/mod/sub/f`,
    ])
    for (const { command, said } of all.slice(1, -1))
      t.equal(said.trim(), ['0', '5', 'secret'].join('\n'), command.split(' >out', 1).join())
    t.match(all.at(-1), { status: 0, said: /given\ngiven|inside\ngiven/ })
  })

t.test('a module behind a link of somebody else', { skip: noRsyncAsRoot }, async (t) => {
  for (const who of ['rsync', 'prsync'] as const) {
    const [, pull] = await askDaemon(who, CONF, [STAGE, 'rsync -a $AT/led/ got/; ls -d got'])
    t.match(pull, { status: 2, said: /@ERROR: chdir failed/ }, who)
  }
})

t.test(
  'the inner directory of a chroot is no link of others',
  { skip: noRsyncAsRoot },
  async (t) => {
    for (const who of ['rsync', 'prsync'] as const) {
      const [, pull, push] = await askDaemon(who, CONF, [
        STAGE,
        `rsync -a $AT/inner/ got/; ${SEEN}; ${UNTOUCHED}`,
        `rsync -a give/ $AT/inner/; ${UNTOUCHED}`,
      ])
      for (const told of [pull, push]) {
        t.notMatch(told?.said, /^got/m, who)
        t.match(told?.said, /\n5\nsecret\n$/, who)
      }
    }
  },
)

t.test(
  "a client's rules are read past those of the module by nobody",
  { skip: noRsyncAsRoot },
  async (t) => {
    const [, merged, pulled] = await askDaemon('prsync', CONF, [
      STAGE,
      `rsync -r -M--filter='merge hidden/rules' $AT/ruled/ got/; ls got | sort | tr '\\n' ' '`,
      'rm -rf got; rsync -r --filter="dir-merge /hidden/rules" $AT/ruled/ got/; rsync -r $AT/ruled/hidden/f got/; grep -rl hush got',
    ])
    t.notMatch(merged?.said, /- f|hush/)
    t.notMatch(pulled?.said, /hush|hidden\/f$/)
  },
)
