/** How many entries --stats tells, where some came twice or were left out as empty. Beside the real rsync. */
import t from 'tap'
import { noRsync, noRsyncAsRoot } from '../support/real-rsync.js'
import { sideBySide } from '../support/side-by-side.js'

const TREE = `mkdir -p s/one/deep/sub s/one/empty/e s/two/deep s/four/deep; cd s
echo 1 >one/a; echo 12 | tee one/deep/c >two/deep/c; echo 5 >one/deep/sub/f; echo 66 >two/b; ln -s a one/l; echo z >four/deep/z
cd ..; find s -exec touch -h -d 2001-01-01 {} +`

t.test('files that may not be read, or not be written', { skip: noRsyncAsRoot }, (t) => {
  const make = `mkdir -p s/x d/x; echo 1 >s/a; ln s/a s/c; echo 22 >s/b; echo 333 >s/x/d; chmod 0 s/a; chmod 500 d/x
printf '#!/bin/sh\nshift\nexec $*\n' >shell; chmod 755 shell`
  const bound = ['setpriv', '--bounding-set', '-dac_override,-dac_read_search', '--']
  const shell = '-e {}/shell --rsync-path={program}'
  for (const places of ['s/ d/', `${shell} h:{}/s/ d/`, `${shell} s/ h:{}/d/`]) {
    const args = ['-rHt', '--stats', ...places.split(' ')]
    const { rsync, prsync } = sideBySide(t.testdir({}), make, args, 'd', bound)
    t.equal(prsync.status, rsync.status, places)
    t.same(counts(prsync.out), counts(rsync.out), places)
  }
  t.end()
})

t.test('files to consider', { skip: noRsync }, (t) => {
  for (const options of [
    '-a --delete-before --info=flist2',
    '-aH --no-i-r --info=flist2',
    '-a --no-i-r --info=flist2',
  ])
    for (const before of ['', 'cp -a s/one d/']) {
      const args = [...options.split(' '), 's/', 'd/']
      const { rsync, prsync } = sideBySide(t.testdir({}), `${TREE}; mkdir d; ${before}`, args, 'd')
      const told = (out: readonly string[]): string | undefined =>
        out.find((line) => line.endsWith('to consider'))
      t.type(told(rsync.out), 'string')
      t.equal(told(prsync.out), told(rsync.out), `${options} ${before}`)
    }
  t.end()
})

const FORMS: readonly (readonly [options: string, sources: readonly string[]])[] = [
  // Of a place that is named twice in a row what is below is read once, but all of it where the list does not come in parts.
  ['-a', ['one/ one/', 'one one', './ ./', 'one/deep one', 'four/ four/ four']],
  ['-a --no-i-r', ['one/ one/', 'one one', './ ./ one', 'one/ one/deep']],
  // Also where it is named once and found once, if what is named stands in what is said in the same words.
  ['-a', ['one/ one/deep', 'one/deep one/', 'one/. one/deep', 'one/ ./one/deep', 'one//deep one/']],
  ['-aR', ['./ ./', './one ./one', './one/deep ./one', './one/a ./one', './two/deep ./one ./two']],
  ['-am', ['one', './', 'one/empty', 'one/empty/ two']],
  ['-aR --no-i-r', ['./one/deep ./one', './one/deep/sub/f ./one/deep']],
  ['-amR --no-i-r', ['one', 'one/empty']],
]

for (const [options, sources] of FORMS)
  t.test(options, { skip: noRsync }, (t) => {
    for (const source of sources) {
      const names = source.split(' ').map((name) => `s/${name}`)
      const args = [...options.split(' '), '--stats', ...names, 'd/']
      const { rsync, prsync } = sideBySide(t.testdir({}), TREE, args, 'd')
      t.same(counts(prsync.out), counts(rsync.out), `${options} ${source}`)
      t.same(prsync.stands, rsync.stands, `${options} ${source}`)
    }
    t.end()
  })

// Directories above a name are sent again where another name came between.
for (const names of [
  'one/a two/b one/l',
  'one/a one/deep/c one/l',
  'one/deep/c one/a one/deep/sub/f',
  'one/deep/sub/f two/deep/c one/deep/c two/b one/a',
  'one/deep/c one/empty/e one/deep/sub',
])
  t.test(`of files named: ${names}`, { skip: noRsync }, (t) => {
    for (const options of ['-a', '-ar', '-a --no-implied-dirs', '-am']) {
      const make = `${TREE}; printf '%s\\n' ${names} >names`
      const args = [...options.split(' '), '--files-from=names', '--stats', 's/', 'd/']
      const { rsync, prsync } = sideBySide(t.testdir({}), make, args, 'd')
      t.same(prsync.out[0], rsync.out[0], options)
      t.same(prsync.stands, rsync.stands, options)
    }
    t.end()
  })

function counts(lines: readonly string[]): readonly string[] {
  return lines.filter((line) => /^(Number|Total (transferred )?file size)/.test(line))
}
