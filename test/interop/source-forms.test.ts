/** Several sources in the forms a user gives them, which have names in common: from here, from a server. Beside the real rsync. */
import t from 'tap'
import { noRsync } from '../support/real-rsync.js'
import { sideBySide } from '../support/side-by-side.js'

/** `deep` is in two, with other contents and rights; in a third it is a file. */
const TREE = `
mkdir -p s/one/deep/sub s/two/deep/sub s/three && chmod 700 s/one/deep && cd s
echo 1 >one/a && echo 12 >one/deep/c && echo x >one/deep/x && echo 5 >one/deep/sub/f
echo 2 >two/b && echo 3 >two/deep/c && echo 6 >two/deep/sub/g && echo 123 >three/a && echo no >three/deep
cd .. && find s -exec touch -d 2001-01-01 {} +
printf '#!/bin/sh\\nshift\\nexec sh -c "$*"\\n' >rsh && chmod 700 rsh`

const FORMS: readonly (readonly [options: string, sources: string])[] = [
  ['-a', 'one/ two/'],
  ['-a', 'two/ one/'],
  ['-a', 'one two/'],
  ['-a', './ two/'],
  ['-a', 'one/a two/'],
  ['-a', 'one/ one/'],
  ['-a', 'one/ two/deep three/'],
  ['-a', 'two/deep three/ one/'],
  ['-a', 'three/ one/ two/deep/sub'],
  ['-a', 'one/. two/deep/..'],
  ['-a --no-i-r', 'two/deep one/'],
  ['-aR', './one/deep/c ./one/ two/'],
  ['-aR --delete', './one/deep/c ./two/deep'],
  ['-ad --no-r', 'one/ two/deep'],
]

for (const [options, sources] of FORMS)
  t.test(`${options} ${sources}`, { skip: noRsync }, async (t) => {
    for (const from of [[], ['rsync'], ['{program}']]) {
      const remote = from.flatMap((path) => ['-e', './rsh', `--rsync-path=${path}`])
      const host = remote.length > 0 ? 'h:' : ''
      const names = sources.split(' ').map((name) => `${host}s/${name}`)
      const args = [...options.split(' '), '--out-format=%i %n %l', ...remote, ...names, 'd/']
      const { rsync, prsync } = sideBySide(t.testdir({}), TREE, args, 'd')
      t.same(prsync, { ...rsync, stderr: '' }, from.join())
    }
  })
