/** What --stats and --progress tell over a connection, also with old protocols. Beside the real rsync. */
import t from 'tap'
import { noRsync } from '../support/real-rsync.js'
import { sideBySide } from '../support/side-by-side.js'

const MAKE = `printf '#!/bin/sh\\nshift\\nexec $*\\n' >shell; chmod 755 shell; mkdir -p s/e d; seq 9 >s/f; touch s/nothing d/old
find s d -exec touch -d @1500000000 {} +`
const CASES: readonly (readonly [options: string, protocols: readonly number[]])[] = [
  // Protocols that do not tell the sender have no lines for it.
  ['-rt --delete --stats', [28, 29, 30, 31]],
  ['-rtn --delete --stats', [28]],
  // Lists that come whole are counted.
  ['-rt --progress', [29, 30]],
  ['-rtm --progress', [32]],
  ['-rt --no-i-r --info=flist2', [32]],
]

for (const isPull of [true, false])
  t.test(isPull ? 'pulled' : 'pushed', { skip: noRsync }, (t) => {
    for (const [options, protocols] of CASES)
      for (const protocol of protocols) {
        const places = isPull ? ['h:{}/s/', 'd/'] : ['s/', 'h:{}/d/']
        const shell = ['-e', '{}/shell', '--rsync-path={program}', `--protocol=${protocol}`]
        const args = [...options.split(' '), ...shell, ...places]
        const { rsync, prsync } = sideBySide(t.testdir({}), MAKE, args, 'd')
        const told = (lines: readonly string[]): readonly string[] =>
          lines
            .filter((line) => !/^(Total bytes|File list|sent|total size)/.test(line))
            .map((line) => line.replaceAll(/ +[\d.]+[kMG]B\/s +[\d:]+/g, ' RATE'))
        t.same(told(prsync.out), told(rsync.out), `${options} ${protocol}`)
        t.same(prsync.stands, rsync.stands)
      }
    t.end()
  })
