/** How many entries are left of how many, as --progress tells it where much of the tree is the same. Beside the real rsync. */
import t from 'tap'
import { noRsync } from '../support/real-rsync.js'
import { sideBySide } from '../support/side-by-side.js'

const TREE = `for d in s s/a s/a/x s/a/y s/b s/b/z s/c s/c/w s/c/w/v s/d s/e; do
  mkdir $d; for f in 1 2 3; do echo $f >$d/f$f; touch -d @1500000000 $d/f$f; done
  ln -s q $d/l; touch -hd @1500000000 $d/l
done
cp -a s t
for f in a/y/f1 b/z/f3 c/f1 c/w/v/f2 e/f1; do echo changed >s/$f; touch -d @1500000000 s/$f; done`

const RUNS = [
  '-aP s/ t/',
  '-aP --delete s/ t/',
  '-aP --delete-before s/ t/',
  '-aPH s/ t/',
  '-aPm s/ t/',
  '-aP --no-i-r s/ t/',
  '-aP --exclude=w s/ t/',
  '-aP s/a s/b s/c t/',
  '-aP s/ new/',
]
for (const run of RUNS)
  t.test(run, { skip: noRsync }, async (t) => {
    const { rsync, prsync } = sideBySide(t.testdir({}), TREE, run.split(' '), '.')
    const left = ({ out }: typeof rsync): readonly string[] =>
      [...out.join('\n').matchAll(/\(xfr.*\)/g)].map(String)
    t.ok(left(rsync).length > 1)
    t.same(left(prsync), left(rsync))
    t.same([prsync.status, prsync.stands], [rsync.status, rsync.stands])
  })
