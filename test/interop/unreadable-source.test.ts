/** A source that nobody may read all of, as nobody. Beside the real rsync. */
import t from 'tap'
import { noRsyncAsRoot } from '../support/real-rsync.js'
import { sideBySide } from '../support/side-by-side.js'

const NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']
const TREE = `chmod 755 .; mkdir -p s/a s/z/secret d/a d/z/secret; echo 1 | tee s/a/f >s/z/f
chmod 700 s/z/secret; touch d/extra d/a/extra d/z/extra d/z/secret/extra; ln -s f s/a/l; chown -R nobody d
find s d -exec touch -h -d 2001-01-01 {} +`

// Where all of the list comes first it is known before anything is deleted that not all was read.
t.test('what is deleted', { skip: noRsyncAsRoot }, (t) => {
  for (const options of [
    '--delete',
    '--delete-before',
    '--delete-after',
    '--delete-delay',
    '--delete --no-i-r',
    '--delete-delay --no-i-r',
    '--delete --delay-updates',
    '--delete-before --ignore-errors',
    '--delete-before -H -n',
  ]) {
    const args = ['-ai', ...options.split(' '), 's/', 'd']
    const { rsync, prsync } = sideBySide(t.testdir({}), TREE, args, 'd', NOBODY)
    t.same([...prsync.out].sort(), [...rsync.out].sort(), options)
    t.same(prsync.stands, rsync.stands, options)
    t.equal(prsync.status, rsync.status, prsync.stderr)
  }
  t.end()
})

t.test('owners that cannot be given', { skip: noRsyncAsRoot }, (t) => {
  const args = ['-ai', '--super', 's/', 'd/new']
  const { rsync, prsync } = sideBySide(t.testdir({}), TREE, args, 'd', NOBODY)
  t.same([...prsync.out].sort(), [...rsync.out].sort())
  t.equal(prsync.status, rsync.status, prsync.stderr)
  t.end()
})
