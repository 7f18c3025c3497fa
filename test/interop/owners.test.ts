/** Whose files become by maps of numbers and names, in ACLs too, and what is told where a new owner takes setuid away. Beside the real rsync. */
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

t.test('ids in ACLs are mapped, owners kept or not', { skip: noRsyncAsRoot }, async (t) => {
  const script = `${SHELL}; mkdir -p s/z d; echo x >s/f; setfacl -m u:2:rwx,g:1:r s/f; chown 2:2 s/f; setfacl -m d:u:2:rwx s/z`
  // What ACLs are like is told behind the program.
  const around = ['sh', '-c', '"$@" && getfacl -cn d/f d/z', 'sh']
  for (const maps of ['--usermap=2:44 --groupmap=1:33', '--usermap=bin:44 -og', '--chown=5:6'])
    for (const ids of ['-A', '--numeric-ids'])
      for (const places of ids === '-A' ? [HERE] : [HERE, [...OVER, 'h:s/', 'd']]) {
        const args = ['-rtA', ids, ...maps.split(' '), ...places]
        const { rsync, prsync } = sideBySide(t.testdir({}), script, args, 'd', around)
        t.same(prsync.out, rsync.out, args.join(' '))
        t.same(prsync.stands, rsync.stands, args.join(' '))
      }
})

t.test('owners may be given, modes may not', { skip: noRsyncAsRoot }, async (t) => {
  const script = 'mkdir s d; echo x >s/f; cp -a s/f d; chown 33:33 s/f; chown 1:1 d/f'
  const without = ['setpriv', '--bounding-set', '-fowner', '--inh-caps', '-fowner', '--']
  const { rsync, prsync } = sideBySide(t.testdir({}), script, ['-a', ...HERE], 'd', without)
  t.same([prsync.status, prsync.stands], [rsync.status, rsync.stands], prsync.stderr)
  t.equal(prsync.status, 0)
})

t.test("root's name where protocols do not send it", { skip: noRsyncAsRoot }, async (t) => {
  const script = `${SHELL}; mkdir s; for i in 0 2 54321; do echo $i >s/$i; chown $i:$i s/$i; done`
  for (const map of [':7', 'root:5'])
    for (const protocol of [29, 30]) {
      const given = [`--usermap=${map}`, `--groupmap=${map}`, `--protocol=${protocol}`]
      const args = ['-a', ...given, ...OVER, 'h:s/', 'd']
      const { rsync, prsync } = sideBySide(t.testdir({}), script, args, 'd')
      t.same([prsync.status, prsync.stands], [rsync.status, rsync.stands], args.join(' '))
    }
})

t.test('the last that is said of owners decides', { skip: noRsyncAsRoot }, async (t) => {
  const script = 'mkdir s d; echo x >s/f; chown 1:1 s/f'
  for (const words of [
    '-a --groupmap=1:5 --no-g',
    '-a --no-g --groupmap=1:5',
    '-a --usermap=1:5 --no-o',
    '--usermap=1:5 --no-o -a',
    '-a --chown=5:5 --no-o',
    '-a --chown=:5 --no-o',
  ]) {
    const { rsync, prsync } = sideBySide(t.testdir({}), script, [...words.split(' '), ...HERE], 'd')
    t.same([prsync.status, prsync.stands], [rsync.status, rsync.stands], words)
  }
})
