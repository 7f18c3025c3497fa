/** A source that nobody may read all of, as nobody. Beside the real rsync. */
import t from 'tap'
import { NOBODY, noRsyncAsNobody } from '../support/real-rsync.js'
import { sideBySide } from '../support/side-by-side.js'

const TREE = `chmod 755 .; mkdir -p s/a s/z/secret d/a d/z/secret; echo 1 | tee s/a/f >s/z/f
chmod 700 s/z/secret; touch d/extra d/a/extra d/z/extra d/z/secret/extra; ln -s f s/a/l; chown -R nobody d
find s d -exec touch -h -d 2001-01-01 {} +`

// Where all of the list comes first it is known before anything is deleted that not all was read.
t.test('what is deleted', { skip: noRsyncAsNobody }, (t) => {
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

t.test('owners that cannot be given', { skip: noRsyncAsNobody }, (t) => {
  const args = ['-ai', '--super', 's/', 'd/new']
  const { rsync, prsync } = sideBySide(t.testdir({}), TREE, args, 'd', NOBODY)
  t.same([...prsync.out].sort(), [...rsync.out].sort())
  t.equal(prsync.status, rsync.status, prsync.stderr)
  t.end()
})

/** Directories of our own that we may not write to, in the way of a file too. */
const CLOSED = `chmod 755 .; mkdir -p s d/e/in d/t/u; echo x >s/t; touch d/e/a d/e/in/b d/t/u/v
find s d -exec touch -h -d 2001-01-01 {} +; chmod 500 d/e/in d/e d/t/u d/t; chown -R 65534:65534 .`

t.test('directories that go are made writable for it', { skip: noRsyncAsNobody }, (t) => {
  for (const options of [
    '--delete',
    '--delete-after',
    '--delete --backup-dir=bk',
    '--delete --max-delete=2',
    '--delete -n',
    '--force',
  ]) {
    const args = ['-ai', ...options.split(' '), 's/', 'd']
    const { rsync, prsync } = sideBySide(t.testdir({}), CLOSED, args, 'd', NOBODY)
    t.same([...prsync.out].sort(), [...rsync.out].sort(), options)
    t.same(prsync.stands, rsync.stands, options)
    t.equal(prsync.status, rsync.status, prsync.stderr)
  }
  t.end()
})

t.test('a file that cannot be read holds late deletions back', { skip: noRsyncAsNobody }, (t) => {
  const make = 'chmod 755 .; mkdir s d; touch s/a s/b d/old; chmod 0 s/a; chown nobody d d/old'
  for (const options of ['--delete-after', '--delete-after --ignore-errors', '--delete-before']) {
    const args = ['-ri', ...options.split(' '), 's/', 'd']
    const { rsync, prsync } = sideBySide(t.testdir({}), make, args, 'd', NOBODY)
    t.same([...prsync.out].sort(), [...rsync.out].sort(), options)
    t.same(prsync.stands, rsync.stands, options)
    t.equal(prsync.status, rsync.status, prsync.stderr)
  }
  t.end()
})
