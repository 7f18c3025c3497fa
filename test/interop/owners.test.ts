/** Whose files become by maps of numbers and names, and what is told where a new owner takes setuid away. Beside the real rsync. */
import t from 'tap'
import { noRsyncAsRoot } from '../support/real-rsync.js'
import { sideBySide } from '../support/side-by-side.js'

const SHELL = `printf '#!/bin/sh\\nshift\\nexec sh -c "$*"\\n' >rsh; chmod +x rsh`
const OVER = ['-e', './rsh', '--rsync-path={program}']
const HERE = ['s/', 'd']
const THERE = [...OVER, 's/', 'h:d']

t.test('--numeric-ids: no rule finds a name', { skip: noRsyncAsRoot }, async (t) => {
  const script = `${SHELL}; mkdir s; cd s; for i in 0 1 2 33 54321; do echo $i >$i; chown $i:$i $i; done`
  for (const map of ['daemon:bin,2:www-data', 'd*:7,1:5', ':7', 'root:5'])
    for (const places of [
      ['s/', 'd'],
      [...OVER, 's/', 'h:d'],
      [...OVER, 'h:s/', 'd'],
    ]) {
      const args = ['-a', '--numeric-ids', `--usermap=${map}`, `--groupmap=${map}`, ...places]
      const { rsync, prsync } = sideBySide(t.testdir({}), script, args, 'd')
      t.same(prsync.stands, rsync.stands, args.join(' '))
      t.equal(prsync.status, 0, prsync.stderr)
    }
})

t.test('setuid and setgid with another owner: what is told', { skip: noRsyncAsRoot }, async (t) => {
  const script = `${SHELL}; mkdir s d; for m in 644 1644 4644 2644 4755 2755 6755; do
    echo x >s/f$m; mkfifo s/p$m; mkdir s/d$m; cp -a s/*$m d; echo x >s/m$m; cp s/m$m d; echo long >s/t$m; cp s/m$m d/t$m
    chown 1:1 s/*$m; chmod $m s/*$m d/[fpd]$m; chmod 700 d/[mt]$m; done; chmod 6755 d/p1644 d/f644
    find s d ! -type d -exec touch -d @1 {} +`
  const options = ['-aii', '-aiin', '-aiic', '-aii --no-p', '-aii --no-p -E', '-aii --chmod=u-s']
  for (const option of [...options, '-aiiH', '-aii --usermap=1:0', '-aii -M--fake-super'])
    for (const places of option === '-aii' ? [HERE, THERE] : [HERE]) {
      const args = [...option.split(' '), ...places]
      const { rsync, prsync } = sideBySide(t.testdir({}), script, args, 'd')
      t.same(prsync.out, rsync.out, args.join(' '))
      t.same([prsync.status, prsync.stands], [rsync.status, rsync.stands], args.join(' '))
    }
})
