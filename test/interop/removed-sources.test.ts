/** --remove-source-files where sources are links. Beside the real rsync. */
import t from 'tap'
import { noRsync } from '../support/real-rsync.js'
import { sideBySide } from '../support/side-by-side.js'

const SHELL = `printf '#!/bin/sh\\nshift\\nexec sh -c "$*"\\n' >rsh; chmod +x rsh`
const OVER = ['-e', './rsh', '--rsync-path={program}']

t.test('-L: links go, what they lead to stays', { skip: noRsync }, async (t) => {
  const script = `${SHELL}; mkdir -p s/z d; echo o >o; ln -s ../o s/a; ln s/a s/b; echo hi >s/z/f; ln -s z/f s/c
    find s o ! -type d -exec touch -h -d @1 {} +; touch -d @2 o`
  for (const places of [
    ['s/', 'd'],
    [...OVER, 's/', 'h:d'],
    [...OVER, 'h:s/', 'd'],
  ])
    for (const option of ['-aL', '-aHL', '-aL --copy-unsafe-links', '-ak']) {
      const args = [...option.split(' '), '--remove-source-files', ...places]
      const { rsync, prsync } = sideBySide(t.testdir({}), script, args, 's d o')
      t.same([prsync.status, prsync.stands], [rsync.status, rsync.stands], args.join(' '))
    }
})
