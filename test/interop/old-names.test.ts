/** Names of --files-from that go over a connection: below protocol 31 without frames, between frames. Beside the real rsync. */
import t from 'tap'
import { noRsync } from '../support/real-rsync.js'
import { sideBySide } from '../support/side-by-side.js'

const TREE = `
mkdir -p s/d d && for i in 1 2 3 4 5 6 7 8 9; do echo $i >s/f$i; done && echo q >s/d/g
printf '#comment\\nf1\\n\\nd/g\\nf3\\nno\\n' >list
for i in $(seq 4000); do echo f9; done >>list
find s -exec touch -h -d 2001-01-01 {} +
printf '#!/bin/sh\\nshift\\nexec sh -c "$*"\\n' >rsh && chmod 700 rsh`

const FORMS: readonly (readonly string[])[] = [
  ['--files-from=list', 's/', 'h:{}/d/'],
  ['--files-from=:{}/list', 's/', 'h:{}/d/'],
  ['--files-from=list', 'h:{}/s/', 'd/'],
  ['--files-from=:{}/list', 'h:{}/s/', 'd/'],
  ['--files-from=list', '--remove-source-files', '--exclude=f3', 'h:{}/s/', 'd/'],
]

/** Drops the program, so that rsync is the client of either server. */
const RSYNC_HERE = ['sh', '-c', 'until [ "$1" = -- ]; do shift; done; shift; exec rsync "$@"', 'sh']
const PAIRS = [
  ['ours and rsync', 'rsync', []],
  ['ours', '{program}', []],
  ['rsync and ours', '{program}', RSYNC_HERE],
] as const

for (const protocol of [28, 29, 30, 31])
  for (const form of FORMS)
    for (const [pair, there, before] of PAIRS)
      t.test(`${protocol}: ${form.join(' ')}, ${pair}`, { skip: noRsync }, async (t) => {
        const over = ['-e', './rsh', `--rsync-path=${there}`, `--protocol=${protocol}`, '-ai']
        const args = [...(before.length > 0 ? ['--'] : []), ...over, ...form]
        const { rsync, prsync } = sideBySide(t.testdir({}), TREE, args, 'd s', before)
        t.equal(prsync.status, rsync.status, prsync.stderr)
        t.same(prsync.stands, rsync.stands)
        t.same(prsync.out, rsync.out)
      })

t.test('-d without -r: what stands in directories is not deleted', { skip: noRsync }, async (t) => {
  const script = `printf '#!/bin/sh\\nshift\\nexec sh -c "$*"\\n' >rsh; chmod +x rsh
mkdir -p s/z d/z/y d/w; echo a >s/a; echo b >s/z/b; echo c >d/z/c; echo q >d/z/y/q; echo x >d/x; echo r >d/w/r`
  const over = ['-e', './rsh', '--rsync-path={program}']
  for (const protocol of [28, 29])
    for (const places of [
      [...over, 'h:s/', 'd'],
      [...over, 's/', 'h:d'],
    ]) {
      const args = ['-dlt', '--delete', `--protocol=${protocol}`, ...places]
      const { rsync, prsync } = sideBySide(t.testdir({}), script, args, 'd')
      t.same([prsync.status, prsync.stands], [rsync.status, rsync.stands], args.join(' '))
      t.ok(prsync.stands.some((line) => line.includes('d/z/c')))
    }
})
