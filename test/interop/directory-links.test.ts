/** What --keep-dirlinks and --ignore-existing leave in a directory's place. Beside the real rsync. */
import t from 'tap'
import { NOBODY, noRsync, noRsyncAsNobody } from '../support/real-rsync.js'
import { sideBySide } from '../support/side-by-side.js'

const RSH = `printf '#!/bin/sh\\nshift\\nexec sh -c "$*"\\n' >rsh && chmod 755 rsh`
const OVER = ['-e', './rsh', '--rsync-path={program}']
/** With the year of each. */
const WATCHED = `d out -printf '%TY '`

const TREE = `mkdir -p s/in s/out s/gone s/file s/same/t d/t d/u out; touch s/in/f s/same/t/f d/file
ln -s t d/in; ln -s ../out d/out; ln -s gone d/gone; ln -s u d/same
touch -h -d 2001-01-01 s/in/f s/same/t/f; touch -h -d 2003-03-03 d/in d/out d/gone d/same d/file; ${RSH}`

t.test('it has the time of the directory', { skip: noRsync }, (t) => {
  for (const options of [
    '-aiK',
    '-aiKJ',
    '-aiKO',
    '-aiKn',
    '-ai --ignore-existing',
    '-ai --ignore-existing -O',
    '-aiK --ignore-existing',
  ])
    for (const remote of [[], OVER]) {
      const from = remote.length > 0 ? 'h:s/' : 's/'
      const args = [...options.split(' '), ...remote, from, 'd']
      const { rsync, prsync } = sideBySide(t.testdir({}), TREE, args, WATCHED)
      t.same([...prsync.out].sort(), [...rsync.out].sort(), args.join(' '))
      t.same(prsync.stands, rsync.stands, options)
      t.equal(prsync.status, rsync.status, prsync.stderr)
    }
  t.end()
})

t.test('a link out of the destination stays, and nothing goes there', { skip: noRsync }, (t) => {
  const make = 'mkdir -p s/z/y d out; touch s/z/f s/z/y/g; ln -s ../out d/z'
  for (const options of ['-riK', '-riKn', '-riiK --existing']) {
    const args = [...options.split(' '), 's/', 'd']
    const { rsync, prsync } = sideBySide(t.testdir({}), make, args, 'd out')
    t.equal(prsync.status, 23, prsync.stderr)
    t.same([prsync.status, prsync.stands], [rsync.status, rsync.stands], options)
    t.notOk(prsync.out.some((line) => line.includes('z/f')))
  }
  t.end()
})

t.test('a link that cannot be followed makes way', { skip: noRsyncAsNobody }, (t) => {
  const make = `chmod 755 .; mkdir -p s/z s/y d/closed/in; touch s/z/f; ln -s closed/in d/z; ln -s closed d/y
chmod 700 d/closed; chown -h nobody d d/z d/y`
  const { rsync, prsync } = sideBySide(t.testdir({}), make, ['-riK', 's/', 'd'], 'd', NOBODY)
  t.same(prsync, { ...rsync, stderr: '' })
  t.end()
})
