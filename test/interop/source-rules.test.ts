/** Which directories' files of rules count for which source, and what absolute rules mean there. Beside the real rsync. */
import t from 'tap'
import { noRsync } from '../support/real-rsync.js'
import { sideBySide } from '../support/side-by-side.js'

const TREE = `mkdir -p s/one/sub s/two/sub s/one/x s/two/y
for d in one two one/sub two/sub one/x two/y; do echo $d >s/$d/a-$(echo $d | tr / _); done
printf 'two/sub\\none\\n' >names`

const SOURCES = [
  's/one/ s/two/',
  's/one s/two/',
  's/one/sub s/two/',
  '-R s/one s/two',
  '-R s/./one s/two/',
  '-R s/one/./sub s/two/./',
  '-R s/one/./ s/two/./sub',
  '-R s/one/x s/one/sub/a-one_sub',
  's/one/ s/one/sub',
  's/nothing/ s/two',
]
/** What stands above a source does not count, but with -R; what stands in one counts for it. */
const FILES = [
  ['- a*', '.rules'],
  ['- a*', 's/.rules'],
  ['- a*', 's/one/.rules'],
  ['- sub', 's/one/.rules'],
  ['- a*', 's/two/.rules'],
] as const

for (const sources of SOURCES)
  t.test(`rules of directories, from ${sources}`, { skip: noRsync }, async (t) => {
    for (const [rule, file] of FILES) {
      const args = ['-r', '--filter=: .rules', ...sources.split(' '), 'd/']
      const script = `${TREE}; echo '${rule}' >${file}`
      const { rsync, prsync } = sideBySide(t.testdir({}), script, args, '. -path "./d/*"')
      t.same(prsync.stands, rsync.stands, `${rule} in ${file}`)
      t.equal(prsync.status, rsync.status)
    }
  })

t.test('each source has its own where lists come whole', { skip: noRsync }, async (t) => {
  for (const sources of ['s/one/ s/two/', 's/two/ s/one', 's/one/ s/two'])
    for (const file of ['s/one/.rules', 's/two/.rules']) {
      const args = ['-r', '--no-i-r', '--filter=: .rules', ...sources.split(' '), 'd/']
      const script = `${TREE}; echo '- a*' >${file}`
      const { rsync, prsync } = sideBySide(t.testdir({}), script, args, 'd')
      t.same(prsync.stands, rsync.stands, `${sources} ${file}`)
    }
})

t.test('of names in a list', { skip: noRsync }, async (t) => {
  for (const how of [['--no-R'], []])
    for (const file of ['s/two/.rules', 's/.rules', 's/two/sub/.rules']) {
      const args = ['-r', ...how, '--files-from=names', '--filter=: .rules', 's/', 'd/']
      const script = `${TREE}; echo '- a*' >${file}`
      const { rsync, prsync } = sideBySide(t.testdir({}), script, args, 'd')
      t.same(prsync.stands, rsync.stands, `${how} ${file}`)
    }
})

t.test('absolute rules', { skip: noRsync }, async (t) => {
  for (const rule of ['-/ {}/s/two/sub', '-/ {}/s/one', '-/! {}/s/one/***'])
    for (const sources of ['s/one/ s/two/', 's/two/ s/one', '-R {}/s/one {}/s/two']) {
      const args = ['-r', `--filter=${rule}`, ...sources.split(' '), 'd/']
      const { rsync, prsync } = sideBySide(t.testdir({}), TREE, args, 'd -name "a-*"')
      const plain = (lines: readonly string[]): readonly string[] =>
        lines.map((line) => line.replace(/\/[rp]\/s\//, '/s/'))
      t.same(plain(prsync.stands), plain(rsync.stands), `${rule} from ${sources}`)
    }
})
