/** What a format tells of paths, owners and old times, and what is told of deletions by words alone. Beside the real rsync. */
import t from 'tap'
import { noRsync, noRsyncAsRoot } from '../support/real-rsync.js'
import { sideBySide } from '../support/side-by-side.js'

const SCRIPT = `printf '#!/bin/sh\\nshift\\nexec sh -c "$*"\\n' >rsh; chmod +x rsh; mkdir -p s/z/y d/q/r d/w
echo hi >s/a; echo b >s/z/y/b; echo c >s/z/c; echo gone >d/f; echo gone >d/q/r/x; printf 'a\\nz/c\\nz/y\\n' >names
find s -exec touch -d @1600000000 {} +; touch -d '@-1.5' s/a; touch -d '@-31535996.000000001' s/z/c`
const OVER = ['-e', './rsh', '--rsync-path={program}']

t.test(
  '%f and %U: copies here, pushes, pulls, lists of names',
  { skip: noRsyncAsRoot },
  async (t) => {
    const script = `${SCRIPT}; chown -R 1:1 s`
    for (const places of [
      ['s/', 'd'],
      ['s/z/y', 's/a', 'd'],
      ['-R', 's/./z/y', 'd'],
      ['--files-from=names', 's', 'd'],
      ['--files-from=names', '--no-R', 's/', 'd'],
      [...OVER, 's/z/y', 's/a', 'h:d'],
      [...OVER, '--files-from=names', 's/', 'h:d'],
      [...OVER, 'h:s/', 'd'],
      [...OVER, 'h:s/z/y', ':s/a', 'd'],
      [...OVER, '--files-from=names', 'h:s/', 'd'],
      ['-o', 's/', 'd'],
    ]) {
      const args = ['-rt', '--out-format=%o %f %n %U %M', ...places]
      const { rsync, prsync } = sideBySide(t.testdir({}), script, args, 'd')
      t.same(prsync.out, rsync.out, args.join(' '))
      t.equal(prsync.status, 0, prsync.stderr)
    }
  },
)

t.test('times before 1970 in a listing', { skip: noRsync }, async (t) => {
  const { rsync, prsync } = sideBySide(t.testdir({}), SCRIPT, ['-r', 's/'], 's')
  t.same(prsync.out, rsync.out)
})

t.test('deletions where names are asked for', { skip: noRsync }, async (t) => {
  for (const words of [
    'name s/ d',
    'name,del0 s/ d',
    'name0,del s/ d',
    'stats s/ d',
    'name -e ./rsh --rsync-path={program} s/ h:d',
    'name -e ./rsh h:s/ d',
  ]) {
    const args = ['-a', '--delete', ...`--info=${words}`.split(' ')]
    const { rsync, prsync } = sideBySide(t.testdir({}), SCRIPT, args, 'd')
    const deletions = (lines: readonly string[]): unknown => lines.filter((l) => /^del/.test(l))
    t.same(deletions(prsync.out), deletions(rsync.out), words)
  }
})

t.test('a server says what --max-delete left', { skip: noRsync }, async (t) => {
  for (const most of [0, 2, 9]) {
    const args = ['-a', '--delete', `--max-delete=${most}`, ...OVER, 's/', 'h:d']
    const { rsync, prsync } = sideBySide(t.testdir({}), SCRIPT, args, 'd')
    const said = ({ stderr }: typeof rsync): unknown =>
      stderr.match(/Deletions stopped due to[^(]*/)?.[0]
    t.equal(said(prsync), said(rsync), args.join(' '))
    t.same([prsync.status, prsync.stands], [rsync.status, rsync.stands])
  }
})
