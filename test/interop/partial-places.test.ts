/** --partial-dir above the file's directory, or where no directory stands. Beside the real rsync. */
import t from 'tap'
import { noRsync, noRsyncAsRoot } from '../support/real-rsync.js'
import { sideBySide } from '../support/side-by-side.js'

const SHELL = `printf '#!/bin/sh\\nshift\\nexec sh -c "$*"\\n' >rsh; chmod +x rsh`
const OVER = ['-e', './rsh', '--rsync-path={program}']

t.test(
  '--partial-dir with .. in it: nothing is found there, all comes',
  { skip: noRsync },
  async (t) => {
    const script = `${SHELL}; mkdir -p s/z/y d/z/y d/z/T T; for f in a z/b z/y/b; do echo new >s/$f; echo older >d/$f; done
    echo part >T/a; echo part >d/z/T/b`
    for (const option of ['-aI', '-aI --no-W', '-aI --delay-updates'])
      for (const places of [
        ['s/', 'd'],
        [...OVER, 's/', 'h:d'],
        [...OVER, 'h:s/', 'd'],
      ]) {
        const args = [...option.split(' '), '--partial-dir=../T', ...places]
        const { rsync, prsync } = sideBySide(t.testdir({}), script, args, 'd T')
        t.equal(prsync.status, rsync.status, `${args.join(' ')}: ${prsync.stderr}`)
        // rsync makes a directory that it cannot use.
        if (!option.includes('delay')) t.same(prsync.stands, rsync.stands, args.join(' '))
      }
  },
)

t.test(
  '--delay-updates where a link or a file stands at .~tmp~',
  { skip: noRsyncAsRoot },
  async (t) => {
    const script = `${SHELL}; mkdir -p s/z s/y d/q d/y d/z d/real; ln -s real d/.~tmp~; chown -h 1:1 d/.~tmp~
    ln -s ../q d/z/.~tmp~; echo file >d/y/.~tmp~; echo a >s/a; echo b >s/z/b; echo c >s/y/c; echo aa >d/a`
    for (const option of ['-aI', '-aI --no-W', '-aI --delay-updates'])
      for (const places of [
        ['s/', 'd'],
        [...OVER, 's/', 'h:d'],
      ]) {
        const args = [...option.split(' '), '--partial-dir=.~tmp~', ...places]
        const { rsync, prsync } = sideBySide(t.testdir({}), script, args, 'd')
        t.same([prsync.status, prsync.stands], [rsync.status, rsync.stands], args.join(' '))
      }
  },
)
