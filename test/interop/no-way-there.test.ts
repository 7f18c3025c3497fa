/** Destinations that cannot be, that --mkpath makes, or that nothing comes to. Beside the real rsync. */
import t from 'tap'
import { noRsync } from '../support/real-rsync.js'
import { sideBySide } from '../support/side-by-side.js'

const TREE = 'mkdir -p s/in w/d; echo f >s/f; echo x >w/plain'

const WAYS: readonly (readonly [options: string, ...destinations: string[]])[] = [
  ['--mkpath s/', 'w/plain/new', 'w/plain/new/', 'w/plain', 'w/no/new', 'w/new/'],
  ['--mkpath s/f', 'w/plain/new', 'w/plain/new/f', 'w/no/new', 'w/no/new/'],
  ['--mkpath s/f s/in', 'w/no/new', 'w/d/new'],
  ['--exclude=* s/f', 'w/new', 'w/new/', 'w/no/new', 'w/no/new/', 'w/plain/new'],
  ['--exclude=* --mkpath s/f', 'w/new', 'w/no/new', 'w/no/new/', 'w/plain/new/'],
  ['s/', 'w/plain', 'w/plain/new', 'w/no/new'],
  ['s/f', 'w/plain/', 'w/plain/new', 'w/no/new', 'w/no/new/'],
  ['nowhere', 'w/new', 'w/no/new', 'w/no/new/'],
]

for (const [options, ...destinations] of WAYS)
  t.test(options, { skip: noRsync }, async (t) => {
    for (const flags of ['-ai', '-ain'])
      for (const to of destinations) {
        const args = [flags, ...options.split(' '), to]
        const { rsync, prsync } = sideBySide(t.testdir({}), TREE, args, 'w')
        t.same({ ...prsync, stderr: '' }, { ...rsync, stderr: '' }, args.join(' '))
        // The number of the reason: what is barred by a file may exist for rsync already.
        const reason = /\((2|17|20|40)\)/
        const [theirs, ours] = [reason.exec(rsync.stderr)?.[1], reason.exec(prsync.stderr)?.[1]]
        t.ok(
          theirs === ours || (ours === '20' && theirs === '17'),
          `${prsync.stderr}${rsync.stderr}`,
        )
      }
  })

/** What may stand where the source has a directory, when it is to stay. */
const BARS = ['echo f >w/d', 'ln -s real w/d', 'ln -s ../away w/d', 'ln -s nowhere w/d']
t.test(
  '--ignore-existing where something else stands for a directory',
  { skip: noRsync },
  async (t) => {
    const tree =
      'mkdir -p s/d/in w/real away; echo f >s/d/f; echo g >s/d/in/g; find s -depth -exec touch -d @1500000000 {} +'
    // A file of a size that is not wanted is not missed.
    for (const bar of BARS)
      for (const options of ['-ai', '-ain', '-ai --min-size=3', '-ai --max-size=1']) {
        const args = [...options.split(' '), '--ignore-existing', 's/', 'w/']
        const { rsync, prsync } = sideBySide(t.testdir({}), `${tree}; ${bar}`, args, 'w away')
        const name = `${bar} ${options}`
        // In a dry run rsync takes a link that leads nowhere for nothing.
        if (!(bar.includes('nowhere') && options === '-ain'))
          t.equal(prsync.status, rsync.status, name)
        t.same(prsync.stands, rsync.stands, name)
      }
  },
)
