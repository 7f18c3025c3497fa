/** Empty directories that -m leaves in the list, since a rule protects them. Beside the real rsync. */
import t from 'tap'
import { noRsync } from '../support/real-rsync.js'
import { sideBySide } from '../support/side-by-side.js'

const SCRIPT = `printf '#!/bin/sh\\nshift\\nexec sh -c "$*"\\n' >rsh; chmod +x rsh
mkdir -p s/z s/y/x s/e/f d/z d/y d/w; chmod 775 s/*; chmod 700 d/*; echo x >s/e/g; echo y >d/y/q`
const OVER = ['-e', './rsh', '--rsync-path={program}']
const PLACES = [
  ['s/', 'd'],
  [...OVER, 's/', 'h:d'],
  [...OVER, 'h:s/', 'd'],
]

t.test('-m and rules for the receiver', { skip: noRsync }, async (t) => {
  for (const rule of ['P /y/x', '-pr *', 'P y/x/', '-r z', 'R z', '- z'])
    for (const places of rule.startsWith('P /') ? PLACES : PLACES.slice(0, 1))
      for (const deleting of ['--delete', '-a']) {
        const args = ['-aim', deleting, `--filter=${rule}`, ...places]
        const { rsync, prsync } = sideBySide(t.testdir({}), SCRIPT, args, 'd')
        t.same([prsync.status, prsync.stands], [rsync.status, rsync.stands], args.join(' '))
        t.same([...prsync.out].sort(), [...rsync.out].sort(), args.join(' '))
      }
})
