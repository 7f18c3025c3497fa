/** What -H tells of further names of files, links and FIFOs: which is the first, and what is told without -t. Beside the real rsync. */
import t from 'tap'
import { noRsyncAsRoot } from '../support/real-rsync.js'
import { sideBySide } from '../support/side-by-side.js'

const KINDS = { file: 'echo t >s/a', link: 'ln -s t s/a', fifo: 'mkfifo s/a' }
/** What stands there, by what was done before: nothing, the first, the last, all with another owner, each by itself. */
const STANDING = [
  ':',
  'cp -a s/a d/a; ln d/a d/b',
  'cp -a s/c d/c',
  'cp -a s/. d/; chown -h 7:8 d/a',
  'for f in a b c; do cp -a s/a d/$f; done',
]
const OPTIONS = ['-rlHDi', '-rlHDii', '-aHi', '-aHni', '-rlHDii --copy-dest=../alt']

for (const [kind, make] of Object.entries(KINDS))
  t.test(kind, { skip: noRsyncAsRoot }, async (t) => {
    for (const standing of STANDING)
      for (const options of OPTIONS) {
        const script = `mkdir s d alt; ${make}; ln s/a s/b; ln s/a s/c; chown -h 5:6 s/a
touch -h -d 2001-01-01 s/a; cp -a s/. alt/; ${standing}`
        const args = [...options.split(' '), 's/', 'd/']
        const { rsync, prsync } = sideBySide(t.testdir({}), script, args, 'd')
        t.same(prsync, { ...rsync, stderr: '' }, `${options}: ${standing}`)
      }
  })

/** What stands there besides, where all is as it should be: what is done to it. */
const OTHERS = [
  ':',
  'test -h s/a || chmod 600 s/a',
  'rm d/a && mkdir d/a',
  'rm d/c && touch d/c',
  'rm d/c && mkdir d/c',
]
t.test(
  'names that are linked there already, and other kinds in their way',
  { skip: noRsyncAsRoot },
  async (t) => {
    for (const make of Object.values(KINDS))
      for (const other of OTHERS)
        for (const options of ['-aHvv', '-aHvvn', '-aHni', '-aHi --existing']) {
          const script = `mkdir s d; ${make}; ln s/a s/b; ln s/a s/c; touch -h -d 2001-01-01 s/a; cp -a s/. d/; ${other}`
          const { rsync, prsync } = sideBySide(
            t.testdir({}),
            script,
            [...options.split(' '), 's/', 'd/'],
            'd',
          )
          const told = (out: readonly string[]): readonly string[] =>
            out.filter((line) => !/^(sent|total) /.test(line)).toSorted()
          t.same(
            { ...prsync, out: told(prsync.out) },
            { ...rsync, out: told(rsync.out), stderr: '' },
            `${options}: ${make}; ${other}`,
          )
        }
  },
)
