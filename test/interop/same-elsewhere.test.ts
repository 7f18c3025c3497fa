/** What is told of entries that are the same in a directory of --link-dest and the like: lines, figures, the log. Beside the real rsync. */
import t from 'tap'
import { noRsyncAsRoot } from '../support/real-rsync.js'
import { sideBySide } from '../support/side-by-side.js'

/** In `alt` some of it is the same, some has other contents or rights, some is missing; `part` has a little of it. */
const TREE = `mkdir -p s/sub/deep s/same s/rights s/new/in snap part/sub; cd s
echo 1 >f; echo 22 >sub/g; echo 333 >sub/rights; echo 4444 >sub/content; ln -s f l; ln -s g sub/l2; mkfifo p sub/p2
echo new >sub/new; echo x >new/in/x; echo h >h1; ln h1 h2; echo q >q1; ln q1 q2; find . -exec touch -h -d 2001-01-01 {} +; cd ..
cp -a s alt; rm -r alt/new alt/sub/new alt/q2; chmod 600 alt/sub/rights alt/sub/p2; chmod 700 alt/rights
echo other >alt/sub/content; ln -sf other alt/sub/l2; cp -a alt snap/; cp -a s/f part; echo old >part/sub/g; mkdir part/h1
printf '#!/bin/sh\\nshift\\nexec sh -c "$*"\\n' >rsh && chmod 700 rsh`
const OVER = ['-e', './rsh', '--rsync-path={program}']

/** Sender and receiver of rsync speak side by side; what its wire and its heap were like is its own. */
function told(lines: readonly string[]): readonly string[] {
  return lines
    .filter(
      (line) =>
        !/^(sent |total size|total: |Total bytes|File list|opening |\[sender\] expand)/.test(line),
    )
    .map((line) => line.replace(/ +[\d.]+[kMG]?B\/s +[\d:]+/g, ''))
    .sort()
}

for (const kind of ['link', 'copy', 'compare'])
  t.test(`--${kind}-dest`, { skip: noRsyncAsRoot }, async (t) => {
    for (const options of ['-avv', '-rlvvn', '-aivv', '-a --stats', '-aHvv', '-a --progress'])
      for (const to of ['d/', 'part/']) {
        // rsync waits for ever: hard links and --compare-dest.
        if (kind === 'compare' && options.includes('H')) continue
        const args = [...options.split(' '), `--${kind}-dest=../alt`, 's/', to]
        const { rsync, prsync } = sideBySide(t.testdir({}), TREE, args, to)
        t.same(told(prsync.out), told(rsync.out), args.join(' '))
        t.same(prsync.stands, rsync.stands, args.join(' '))
        t.equal(prsync.status, rsync.status, prsync.stderr)
      }
    const args = ['-avv', `--${kind}-dest=../alt`, ...OVER, 's/', 'h:d/']
    const { rsync, prsync } = sideBySide(t.testdir({}), TREE, args, 'd')
    t.same(told(prsync.out), told(rsync.out), 'to a server')
  })

t.test('the log of a run', { skip: noRsyncAsRoot }, async (t) => {
  for (const options of ['-avv', '-aii', '-aivv', '-aii --log-file-format=%n'])
    for (const alternate of [[], ['--link-dest=../alt']]) {
      const args = [...options.split(' '), '--log-file=log', ...alternate, 's/', 'part']
      const words = ['sh', '-c', '"$@" >out; cut -d" " -f4- log', '-']
      const { rsync, prsync } = sideBySide(t.testdir({}), TREE, args, 'part', words)
      t.same(told(prsync.out), told(rsync.out), args.join(' '))
    }
})

// A dry run makes no directory from which others could be seen.
t.test('a dry run into a directory that is not there', { skip: noRsyncAsRoot }, async (t) => {
  for (const [to, ...directories] of [
    ['d/', '../alt', 'alt', '../nowhere', '{}/alt'],
    ['snap/d', '../alt', '../../alt', '../../snap/alt'],
    ['--mkpath snap/x/d/', '../../alt'],
  ] as const)
    for (const directory of directories)
      for (const remote of to === 'd/' ? [[], OVER] : [[]]) {
        const host = remote.length > 0 ? 'h:' : ''
        const from = [...remote, `${host}s/`]
        const args = ['-ani', `--link-dest=${directory}`, ...from, ...to.split(' ')]
        const { rsync, prsync } = sideBySide(t.testdir({}), TREE, args, 'snap')
        t.same(prsync, rsync, args.join(' '))
      }
  for (const kind of ['link', 'copy']) {
    const args = ['-aHni', '--delete', `--${kind}-dest=../alt`, 's/', 'd']
    const { rsync, prsync } = sideBySide(t.testdir({}), TREE, args, 's')
    t.same(prsync, rsync, args.join(' '))
  }
})
