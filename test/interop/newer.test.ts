/** Which files -u leaves, by how far the times lie apart and the window. Beside the real rsync. */
import t from 'tap'
import { noRsync } from '../support/real-rsync.js'
import { sideBySide } from '../support/side-by-side.js'

/** Tenths of a second that what stands there is newer; what comes is of half a second. */
const APART = [-26, -24, -20, -16, -14, -10, -6, -4, -1, 0, 1, 4, 6, 10, 14, 16, 20, 24, 26]
/** One of the source's size, one of another. */
const file = (tenths: number): string =>
  ['old', 'older']
    .map((text) => `f=${text}${tenths}; echo ${text} >t/$f; echo new >s/$f; times`)
    .join('; ')
    .replaceAll(
      'times',
      `touch -d @${(16_000_000_005 + tenths) / 10} t/$f; touch -d @1600000000.5 s/$f`,
    )

for (const window of ['', '--modify-window=0', '--modify-window=1', '--modify-window=2', '-@-1'])
  t.test(`-u ${window}`, { skip: noRsync }, async (t) => {
    const script = `mkdir s t; ${APART.map(file).join('; ')}; chmod 600 t/*`
    for (const words of ['s/ t/', '-e {}/here h:{}/s/ t/']) {
      const shell = `printf '#!/bin/sh\nshift\nexec $*\n' >here; chmod +x here; ${script}`
      const args = ['-auii', '-vv', window, '--rsync-path={program}', ...words.split(' ')]
      const { rsync, prsync } = sideBySide(t.testdir({}), shell, args.filter(Boolean), 's t')
      t.same([prsync.status, prsync.stands], [rsync.status, rsync.stands], words)
      const told = (ran: typeof rsync): unknown =>
        ran.out.filter((line) => /^[<>.] ?f|newer|uptodate/.test(line)).sort()
      t.same(told(prsync), told(rsync), words)
    }
  })

t.test('directories whose times lie within the window stay', { skip: noRsync }, async (t) => {
  const names = [20, 25, 30, 37, 40, 50, 63, 70, 75, 80].map(
    (tenths) => `160000000${(tenths / 10).toFixed(1)}`,
  )
  const script = `for i in ${names.join(' ')}; do mkdir -p s/$i t/$i; done`
  // Times are set behind what makes the trees, and looked at behind the program.
  const around = `for d in s/* t/*; do touch -d @1600000005 $d; done
for d in s/*; do touch -d @\${d#s/} $d; done; touch -d @1600000000 s t
"$@" && find t -printf '%p %T@\\n' | sort`
  for (const window of ['1', '2']) {
    const args = ['-aii', `--modify-window=${window}`, 's/', 't/']
    const { rsync, prsync } = sideBySide(t.testdir({}), script, args, 't', [
      'sh',
      '-c',
      around,
      'sh',
    ])
    t.same(prsync.out, rsync.out, window)
    t.equal(rsync.out.length, 2 * names.length + 2)
  }
})
