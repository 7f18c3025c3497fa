/** The backups that admins make: all attributes kept, hard links among many entries, what was there moved aside. Beside the real rsync. */
import t from 'tap'
import { NOBODY, noRsyncAsNobody, noRsyncAsRoot } from '../support/real-rsync.js'
import { sideBySide } from '../support/side-by-side.js'

function sorted({ out, status, stands }: ReturnType<typeof sideBySide>['rsync']): object {
  return { out: [...out].sort(), status, stands }
}

// rsync knows of so much of a list before it decides anything: names it has not heard of do not wait.
t.test(
  'which name of a file is brought, in a list that comes in parts',
  { skip: noRsyncAsRoot },
  async (t) => {
    const tree = (before: number, above: number): string => `mkdir -p s/aaa s/default s/z
echo 1 >s/passwd; ln s/passwd s/default/pw; echo 2 >s/z/a; ln s/z/a s/z/b; echo 3 >s/default/q; ln s/default/q s/z/q
(cd s/aaa; seq ${before} | xargs -r touch); (cd s; seq ${above} | xargs -r touch); find s -exec touch -d 2001-01-01 {} +`
    // `.`, three directories, passwd and what is added.
    for (const [before, above] of [
      [494, 0],
      [495, 0],
      [300, 195],
      [0, 494],
      [0, 600],
    ] as const)
      for (const options of above === 195 ? ['-aHi', '-aHi --no-i-r'] : ['-aHi']) {
        const args = [...options.split(' '), 's/', 'd']
        const { rsync, prsync } = sideBySide(t.testdir({}), tree(before, above), args, 'd')
        t.same(sorted(prsync), sorted(rsync), `${options} ${before} ${above}`)
      }
  },
)

t.test(
  'entries are counted once where the destination is beside the source',
  { skip: noRsyncAsRoot },
  (t) => {
    const script =
      'mkdir -p s/a/b; echo 1 >s/a/f; echo 2 >s/a/b/g; find s -exec touch -d 2001-01-01 {} +; mkdir d; cp -a s d/'
    const { rsync, prsync } = sideBySide(t.testdir({}), script, ['-aH', '--stats', 's', 'd'], 'd')
    const files = (lines: readonly string[]): readonly string[] =>
      lines.filter((line) => line.startsWith('Number of'))
    t.same(files(prsync.out), files(rsync.out))
    t.end()
  },
)

const SAME =
  'mkdir -p s d; echo x >s/f; ln s/f s/g; mkdir s/dir; find s -exec touch -h -d 2001-01-01 {} +; cp -a s/. d'
const CHANGES: readonly string[] = [
  'setfacl -m u:nobody:rw d/f',
  'setfacl -m u:nobody:rw s/f s/dir',
  'setfacl -m u:nobody:rw,m:r d/f; setfacl -m u:nobody:rw s/f',
  'setfacl -m u:nobody:rw d/f; chmod 4755 s/f',
  'rm d/g; cp -p d/f d/g; setfacl -m u:nobody:rw s/f; echo yy >s/f',
  'rm d/g; cp -p d/f d/g; setfattr -n user.x -v 1 s/f; echo yy >s/f',
  'rm d/f; setfattr -n user.x -v 1 s/f; setfacl -m u:nobody:rw s/f',
]
t.test('changed ACLs and attributes of files with several names', { skip: noRsyncAsRoot }, (t) => {
  for (const change of CHANGES)
    for (const options of ['-aAXHi', '-aAi', '-aAXHin']) {
      const { rsync, prsync } = sideBySide(
        t.testdir({}),
        `${SAME}; ${change}`,
        [options, 's/', 'd'],
        'd',
      )
      t.same(sorted(prsync), sorted(rsync), `${options} ${change}`)
    }
  t.end()
})

t.test(
  'directories of a backup have the ACLs of those they stand for',
  { skip: noRsyncAsRoot },
  (t) => {
    const script = `mkdir -p s/dir/sub; echo 1 | tee s/dir/f >s/dir/sub/f; setfacl -m u:nobody:rwx s/dir
setfacl -d -m u:daemon:rwx s/dir; setfattr -n user.x -v 1 s/dir; cp -a s d; echo 22 | tee s/dir/f >s/dir/sub/f
find s d -type f -exec touch -d 2001-01-01 {} +`
    for (const options of ['-aAXi', '-aXi', '-ai']) {
      const seen = '"$@"; getfacl -pR old | grep -v "^# owner"; getfattr -R old'
      const args = [options, '-b', '--backup-dir=../old', 's/', 'd']
      const { rsync, prsync } = sideBySide(t.testdir({}), script, args, 'd old', [
        'sh',
        '-c',
        seen,
        '-',
      ])
      t.same(prsync, rsync, options)
    }
    t.end()
  },
)

// A dry run that makes no destination is in the directory above it, where the source may stand under that name.
t.test(
  'a dry run to nowhere does not take its source for what is there',
  { skip: noRsyncAsRoot },
  (t) => {
    const script = 'mkdir s; echo 1 >s/f; ln s/f s/g; touch -d 2001-01-01 s/f'
    const dry = sideBySide(t.testdir({}), script, ['-aHin', 's', 'd'], 's')
    const real = sideBySide(t.testdir({}), script, ['-aHi', 's', 'd'], 's')
    t.same(dry.prsync, real.rsync)
    t.end()
  },
)

t.test('whose directories of a backup are', { skip: noRsyncAsRoot }, (t) => {
  const make = `mkdir -p s/in d/in; seq 5 >s/in/f; seq 4 >d/in/f; touch -d @1500000000 s/in/f d/in/f; chmod 2777 d/in; chown 5:7 d/in`
  for (const options of ['-r', '-rp', '-ro', '-rg', '-rog']) {
    const args = [options, '-b', '--backup-dir=old', 's/', 'd/']
    const { rsync, prsync } = sideBySide(t.testdir({}), make, args, `d/old -printf '%G '`)
    t.same(prsync.stands, rsync.stands, options)
  }
  t.end()
})
t.test('a backup by who may not give files away', { skip: noRsyncAsNobody }, (t) => {
  const make = `mkdir -p s/in d/in; seq 5 >s/in/f; seq 4 >d/in/f; touch -d @1500000000 s/in/f d/in/f; chmod 777 . d d/in; chmod 666 d/in/f`
  for (const how of ['-r', '-r --inplace']) {
    const args = [...how.split(' '), '-b', '--backup-dir=old', 's/', 'd/']
    const home = t.testdir({})
    const { rsync, prsync } = sideBySide(home, make, args, `d -printf '%s '`, NOBODY)
    t.match([prsync.status, rsync.status], [0, 0], `${how} ${prsync.stderr}${rsync.stderr}`)
    t.same(prsync.stands, rsync.stands, how)
  }
  t.end()
})
