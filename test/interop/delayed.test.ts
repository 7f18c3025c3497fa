/** --delay-updates, --partial-dir and what they meet: prsync by itself and at either end, beside the real rsync. */
import t from 'tap'
import { noRsync } from '../support/real-rsync.js'
import { sideBySide } from '../support/side-by-side.js'

const SHELL = `printf '#!/bin/sh\\nshift\\nexec $*\\n' >shell; chmod 755 shell; mkdir -p s/a s/b d`
/** Times that do not hang on when this runs. */
const OLD = 'find s d -depth -exec touch -h -d @1500000000 {} +'
/** Two files of two names each, and one of one. */
const LINKED = `echo 1 >s/a/x; ln s/a/x s/a/y; echo 2 >s/b/x; ln s/b/x s/b/y; echo 3 >s/f; echo gone >d/gone; ${OLD}`
/** The same when one of them stands there as it was, and lacks a name. */
const CHANGED = `${LINKED}; cp -a s/. d; rm d/b/y; echo other >s/a/x; touch -d @1600000000 s/a/x; touch -d @1500000000 s/a s/b d/a d/b`
/** Two of the same name would be one in a directory for all. */
const APART = `echo 1 >s/a/x; ln s/a/x s/a/y; echo 2 >s/b/z; ${OLD}`
/** What earlier tries left: of a file that stands, of one that comes, of one that is not in the list. */
const LEFT = `echo 1 >s/same; echo 2 >s/new; cp s/same d; mkdir d/.p p; for f in same new other; do echo left >d/.p/$f; echo left >p/$f; done; ${OLD}`
const CASES: readonly (readonly [script: string, options: string])[] = [
  ...['', '--remove-source-files', '--delete-delay', '-b', '--partial-dir=.p']
    .flatMap((more) => [LINKED, CHANGED].map((script) => [script, more] as const))
    .map(([script, more]) => [script, `-aHi --delay-updates ${more}`.trim()] as const),
  ...[
    '--partial-dir=.p',
    '--partial-dir={}/p',
    '--partial-dir=.p -n',
    '--partial-dir=.p --delete',
  ].map((options) => [LEFT, `-rti ${options}`] as const),
  [APART, '-aHi --delay-updates --partial-dir={}/p'],
  [`${LEFT}; rm d/same`, '-rti --partial-dir=.p --copy-dest={}/s'],
  // One above the destination is neither looked into nor written to, and in no file's way.
  [LEFT, '-rti --partial-dir=../p'],
  [`${LEFT}; echo new >s/same`, '-rti --no-W --partial-dir=x/../../p'],
  [LEFT, '-rti --delay-updates --partial-dir=x/../.p'],
]
const WAYS: readonly (readonly [name: string, server: string | null, isPull: boolean])[] = [
  ['on one machine', null, false],
  ['pushed to rsync', 'rsync', false],
  ['pulled from rsync', 'rsync', true],
  ['pushed to prsync', '{program}', false],
]

for (const [name, server, isPull] of WAYS)
  t.test(name, { skip: noRsync }, (t) => {
    for (const [script, options] of CASES) {
      const far = server === null ? '' : 'h:{}/'
      const places = isPull ? [`${far}s/`, 'd/'] : ['s/', `${far}d/`]
      const shell = server === null ? [] : ['-e', '{}/shell', `--rsync-path=${server}`]
      const args = [...options.split(' '), ...shell, ...places]
      const { rsync, prsync } = sideBySide(
        t.testdir({}),
        `${SHELL}; ${script}`,
        args,
        '. -path "./[sdp]*"',
      )
      t.equal(prsync.status, rsync.status, options)
      t.same([...prsync.out].sort(), [...rsync.out].sort(), options)
      t.same(prsync.stands, rsync.stands, options)
    }
    t.end()
  })

// rsync makes the directory, though nothing can be kept there.
t.test('--delay-updates in a directory above the destination', { skip: noRsync }, (t) => {
  const args = ['-rti', '--delay-updates', '--partial-dir=../p', 's/', 'd/']
  const { rsync, prsync } = sideBySide(t.testdir({}), `${SHELL}; ${LEFT}`, args, 'p')
  t.equal(prsync.status, 23, prsync.stderr)
  t.same([prsync.status, prsync.stands], [rsync.status, rsync.stands])
  t.end()
})

t.test('a --temp-dir beside the destination', { skip: noRsync }, (t) => {
  const args = ['-rti', '--temp-dir=../p', 's/', 'd/']
  const { rsync, prsync } = sideBySide(t.testdir({}), `${SHELL}; ${LEFT}`, args, 'd p')
  t.same([rsync.status, prsync.status], [23, 0], prsync.stderr)
  t.ok(prsync.stands.some((line) => line.endsWith(' d/new ')))
  t.end()
})
