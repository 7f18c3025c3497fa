/** Names that are not there: below what is not there, below a file, by way of links that lead round. Beside the real rsync. */
import t from 'tap'
import { noRsync } from '../support/real-rsync.js'
import { sideBySide } from '../support/side-by-side.js'

const TREE = `
mkdir -p s/dir d/gone/deep d/dir && echo 1 >s/f && echo 2 >s/dir/g && ln -s nowhere s/l && ln -s round s/round
echo 3 >d/gone/deep/x && echo 4 >d/gone/y && touch d/f d/dir/old && printf %s "$1" >list`

const CASES: readonly (readonly [options: string, names: readonly string[]])[] = [
  ['-ri --delete', ['dir/', 'f/x']],
  ['-ri --delete', ['dir/', 'round/x']],
  ...[
    '-iR --delete-missing-args',
    '-riR --delete-missing-args',
    '-riR --ignore-missing-args',
  ].flatMap((options) =>
    [['f/x'], ['gone/deep/x', 'dir/'], ['dir/', 'dir/g/x'], ['gone/y', 'f']].map(
      (names) => [options, names] as const,
    ),
  ),
]
const LISTED = [
  '-i',
  '-ri --delete',
  '-i --delete-missing-args',
  '-ri --delete-missing-args',
  '-i --ignore-missing-args',
  '-i --no-R',
  '-i --no-R --delete-missing-args',
  '-ri --no-implied-dirs --delete-missing-args',
]
const LISTS = ['f/x f', './none', 'gone/deep/x dir/g', 'round/x']

for (const [options, names] of CASES)
  t.test(`${options} ${names.join(' ')}`, { skip: noRsync }, async (t) => {
    const sources = names.map((name) => `s/${options.includes('R') ? './' : ''}${name}`)
    alike(t, '', [...options.split(' '), ...sources, 'd/'])
  })

for (const options of LISTED)
  for (const list of LISTS)
    t.test(`${options}, of a list: ${list}`, { skip: noRsync }, async (t) => {
      alike(t, list, [...options.split(' '), '--files-from=list', 's', 'd/'])
    })

type Test = Pick<typeof t, 'same'> & { testdir(tree: Record<string, never>): string }
function alike(t: Test, list: string, args: readonly string[]): void {
  const script = TREE.replace('"$1"', `'${list.replaceAll(' ', '\n')}'`)
  const { rsync, prsync } = sideBySide(t.testdir({}), script, args, 'd')
  const told = (stderr: string): readonly string[] => [
    ...new Set(stderr.split('\n').filter((line) => /failed:|vanished:/.test(line))),
  ]
  t.same(
    {
      ...prsync,
      out: prsync.out.toSorted(),
      stderr: told(prsync.stderr).map((line) => line.replace(/^p/, '')),
    },
    { ...rsync, out: rsync.out.toSorted(), stderr: told(rsync.stderr) },
  )
}

t.test('files of rules and names that are not there', { skip: noRsync }, async (t) => {
  for (const option of ['--exclude-from=none', '--include-from=none', '--files-from=none']) {
    const { rsync, prsync } = sideBySide(t.testdir({}), 'mkdir s d', ['-r', option, 's', 'd/'], 'd')
    t.equal(prsync.status, rsync.status)
    const [words = ''] = /failed to open .*directory/.exec(rsync.stderr) ?? []
    t.ok(prsync.stderr.includes(words), words)
  }
})
