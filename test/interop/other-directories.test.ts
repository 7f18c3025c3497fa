/** --link-dest, --copy-dest, --compare-dest and --fuzzy with what else has a say about a file. Beside the real rsync. */
import t from 'tap'
import { NOBODY, noRsyncAsNobody, noRsyncAsRoot } from '../support/real-rsync.js'
import { sideBySide } from '../support/side-by-side.js'

const OVER = ['-e', './rsh', '--rsync-path={program}']
const RSH = `printf '#!/bin/sh\\nshift\\nexec sh -c "$*"\\n' >rsh && chmod 700 rsh`

/** In `alt` all but `g` is the same; `f` stands at the destination too. */
const TREE = `mkdir -p s alt d; echo 1 >s/f; ln -s f s/l; mkfifo s/p; echo d >s/g; echo h >s/h; ln s/h s/i
touch -h -d 2001-01-01 s/*; cp -a s/. alt/; echo other >alt/g; cp -a s/f d/; ${RSH}`

// --copy-dest once took the file away that it had copied.
t.test('what --remove-source-files takes away', { skip: noRsyncAsRoot }, async (t) => {
  for (const kind of ['link', 'copy', 'compare'])
    for (const links of ['-a', '-aH'])
      for (const remote of links === '-a' ? [[], OVER] : [[]]) {
        const from = remote.length > 0 ? 'h:s/' : 's/'
        const args = [
          links,
          '--remove-source-files',
          `--${kind}-dest=../alt`,
          ...remote,
          from,
          'd/',
        ]
        const { rsync, prsync } = sideBySide(t.testdir({}), TREE, args, 'alt d s')
        t.same(prsync.stands, rsync.stands, args.join(' '))
        t.equal(prsync.stands.filter((line) => line.includes(' alt/')).length, 6, 'alt is whole')
        t.equal(prsync.status, rsync.status, prsync.stderr)
      }
})

/** Groups of three names each, not all of which are the same in `alt`. */
const GROUPS = `mkdir -p s alt d; for f in a b c e; do echo $f$f >s/$f; ln s/$f s/$f-2; ln s/$f s/$f-3; done
touch -d 2001-01-01 s/*; cp -a s/. alt/; rm alt/b-2; echo other >new; mv new alt/c-2; ln -f alt/b alt/c-3; chmod 600 alt/e; touch -d 2002-01-01 alt/e`

t.test('lines about hard links', { skip: noRsyncAsRoot }, async (t) => {
  for (const kind of ['link', 'copy'])
    for (const options of ['-aH', '-aiiH', '-aHn', '-aiiHn']) {
      const args = [options, '--out-format=%i %n%L', `--${kind}-dest=../alt`, 's/', 'd/']
      const { rsync, prsync } = sideBySide(t.testdir({}), GROUPS, args, 'd')
      t.same([...prsync.out].sort(), [...rsync.out].sort(), `${options} ${kind}`)
      t.same(prsync.stands, rsync.stands)
    }
  for (const options of ['-aHi', '-aHin', '-aHiin']) {
    const script = GROUPS.replaceAll('alt', 'd').replace('mkdir -p s d d', 'mkdir -p s d')
    const { rsync, prsync } = sideBySide(t.testdir({}), script, [options, 's/', 'd/'], 'd')
    t.same([...prsync.out].sort(), [...rsync.out].sort(), `${options} over them`)
  }
})

// rsync looks for a similar file also where it will not use its bytes.
t.test(
  'without -p a new file has the mode of the one like it',
  { skip: noRsyncAsRoot },
  async (t) => {
    const tree = `mkdir s d; seq 1000 >s/report.txt; seq 900 >d/report.tx; chmod 640 d/report.tx
chmod 755 s/report.txt; touch -d 2001-01-01 d/report.tx; ${RSH}`
    for (const options of [
      '-rt',
      '-r --no-W',
      '-rtE',
      '-rt --chmod=F600',
      '-rtc',
      '-rp',
      '-rt --inplace',
    ])
      for (const remote of [[], OVER]) {
        const from = remote.length > 0 ? 'h:s/' : 's/'
        const args = [...options.split(' '), '-y', '-i', ...remote, from, 'd/']
        const { rsync, prsync } = sideBySide(t.testdir({}), tree, args, 'd')
        t.same(prsync, { ...rsync, stderr: '' }, args.join(' '))
      }
  },
)

/** `k` leads to `dd`, `l` to `a`, `o` to a file outside. */
const LINKED = `mkdir -p s/dd alt/dd d; for f in a b dd/x; do echo $f >s/$f; done; ln -s dd s/k; cp -a s/. alt/; echo other >alt/b
echo o >o; ln -s a s/l; ln -s ../o s/o; touch -h -d 2001-01-01 s/* s/dd/x alt/* alt/dd/x o; ${RSH}`

t.test(
  'what is listed twice by way of links comes twice, and goes once',
  { skip: noRsyncAsRoot },
  async (t) => {
    for (const options of [
      '-ak',
      '-akii',
      '-ak --compare-dest=../alt',
      '-ak --link-dest=../alt',
      '-aL',
    ])
      for (const remote of [[], OVER]) {
        const from = remote.length > 0 ? 'h:s/' : 's/'
        const args = [...options.split(' '), '--remove-source-files', '-i', ...remote, from, 'd/']
        const { rsync, prsync } = sideBySide(t.testdir({}), LINKED, args, 'alt d s o')
        t.same([...prsync.out].sort(), [...rsync.out].sort(), args.join(' '))
        t.same(prsync.stands, rsync.stands, args.join(' '))
        t.equal(prsync.status, rsync.status, prsync.stderr)
      }
  },
)

// rsync takes `a` away, as it is there, while `l` has still to come, and says that it vanished (24).
t.test('with -L what a link leads to comes before it goes', { skip: noRsyncAsRoot }, async (t) => {
  const args = ['-aL', '--remove-source-files', '--copy-dest=../alt', 's/', 'd/']
  const { rsync, prsync } = sideBySide(t.testdir({}), LINKED, args, 'd s')
  t.same([rsync.status, prsync.status], [24, 0], prsync.stderr)
  t.ok(prsync.stands.some((line) => line.includes(' d/l ')))
})

t.test(
  'without -p a copy from such a directory has the mode of the source',
  { skip: noRsyncAsRoot },
  async (t) => {
    for (const [there, mode] of [
      ['2750', '644'],
      ['600', '755'],
      ['755', '644'],
    ])
      for (const options of [
        '-rt --copy-dest=../alt',
        '-rtE --copy-dest=../alt',
        '-rtE --link-dest=../alt',
        '-rtg --copy-dest=../group',
        '-rtgE -y --compare-dest=../group',
        '-rtc --copy-dest=../old',
        '-rtcE --compare-dest=../old',
      ]) {
        const tree = `mkdir s d alt group old; seq 9 | tee s/f alt/f group/f >old/f; chmod ${mode} s/f
chmod ${there} alt/f group/f old/f; touch -d 2001-01-01 s/f alt/f group/f; chgrp 1 group/f; chmod ${there} group/f`
        const args = [...options.split(' '), '-i', 's/', 'd/']
        const { rsync, prsync } = sideBySide(t.testdir({}), tree, args, 'd')
        t.same(prsync, { ...rsync, stderr: '' }, `${args.join(' ')} ${there} ${mode}`)
      }
  },
)
t.test('what may not be looked at there is no help', { skip: noRsyncAsNobody }, async (t) => {
  const tree = `mkdir -p s/sub alt/sub d; echo a >s/sub/f; echo b >s/g; cp -a s/. alt; chmod 600 alt/sub; chmod 777 . d; ${RSH}; chmod 755 rsh`
  for (const kind of ['link', 'copy', 'compare'])
    for (const to of [['d'], [...OVER, 'h:d']]) {
      const args = ['-rt', `--${kind}-dest=../alt`, ...to.slice(0, -1), 's/', ...to.slice(-1)]
      const { rsync, prsync } = sideBySide(t.testdir({}), tree, args, 'd', NOBODY)
      t.same([prsync.status, prsync.stands], [rsync.status, rsync.stands], args.join(' '))
    }
})

t.test('--link-dest where no link can be made: all comes', { skip: noRsyncAsNobody }, async (t) => {
  // Of another user; rsync says it with -v.
  const tree = `mkdir -p s/sub d; echo a >s/sub/f; echo b >s/g; ln s/g s/h; ln -s x s/l; mkfifo s/p; cp -a s alt; chmod 777 . d; ${RSH}; chmod 755 rsh`
  for (const options of ['-rltDi', '-rltDiH', '-rltiI'])
    for (const to of [['d'], [...OVER, 'h:d']]) {
      const args = [options, '--link-dest=../alt', ...to.slice(0, -1), 's/', ...to.slice(-1)]
      const { rsync, prsync } = sideBySide(t.testdir({}), tree, args, 'd', NOBODY)
      t.same([prsync.status, prsync.stands], [rsync.status, rsync.stands], args.join(' '))
      t.equal(prsync.status, 0, prsync.stderr)
    }
})
