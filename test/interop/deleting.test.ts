/** What is told and counted where directories cannot go as a whole. Beside the real rsync, line by line. */
import t from 'tap'
import { NOBODY, noRsync, noRsyncAsNobody } from '../support/real-rsync.js'
import { sideBySide } from '../support/side-by-side.js'

const RSH = `printf '#!/bin/sh\\nshift\\nexec sh -c "$*"\\n' >rsh && chmod 755 rsh`
const OVER = ['-e', './rsh', '--rsync-path={program}']

/** Directories within directories that go, with `b` at two depths. */
const DEEP = `mkdir -p s d/x/y d/z; echo a >s/a; touch d/x/b d/x/y/b d/x/y/c d/z/q; ${RSH}`

t.test('directories that hold what stays', { skip: noRsync }, (t) => {
  for (const options of [
    '--delete --exclude=b',
    '--delete-after --exclude=b',
    '--delete-delay --exclude=b',
    '--delete --exclude=b --exclude=y',
    '--delete --exclude=b -n',
    '--delete-excluded --exclude=b',
    '--delete --force -b',
    '--delete --exclude=b -b',
    '--delete --exclude=b --max-delete=1',
  ])
    for (const remote of [[], OVER]) {
      const from = remote.length > 0 ? 'h:s/' : 's/'
      const args = ['-ai', ...options.split(' '), ...remote, from, 'd']
      const { rsync, prsync } = sideBySide(t.testdir({}), DEEP, args, 'd')
      // Lines of two processes come in any order over a connection.
      const lines = (out: readonly string[]) => (remote.length > 0 ? [...out].sort() : out)
      t.same(lines(prsync.out), lines(rsync.out), args.join(' '))
      t.same(prsync.stands, rsync.stands, options)
      t.equal(prsync.status, rsync.status, prsync.stderr)
    }
  t.end()
})

t.test('how many --max-delete left out', { skip: noRsync }, (t) => {
  for (const options of ['', '-n', '-b'])
    for (const most of [0, 1, 2, 3, 4, 5]) {
      const args = ['-ai', '--delete', `--max-delete=${most}`, options, 's/', 'd'].filter(Boolean)
      const { rsync, prsync } = sideBySide(t.testdir({}), DEEP, args, 'd')
      const skipped = (text: string) => /.*skipped\)/.exec(text)?.[0]
      t.same(prsync.out, rsync.out, args.join(' '))
      t.equal(skipped(prsync.stderr), skipped(rsync.stderr), args.join(' '))
      t.same(prsync.stands, rsync.stands)
      t.equal(prsync.status, rsync.status, prsync.stderr)
    }
  t.end()
})

const IN_THE_WAY = `mkdir -p s d/x/y d/e; touch s/x s/e d/x/y/c d/x/y/d d/x/k; touch -d 2001-01-01 s/*`

t.test('directories in the way of a file', { skip: noRsync }, (t) => {
  for (const options of [
    '--force --exclude=c',
    '--delete --exclude=c',
    '--force -n --exclude=c',
    '--force --max-delete=1',
    '--force --max-delete=0',
    '--force -b',
    '--force -bn',
    '-t',
  ]) {
    const args = ['-ai', ...options.split(' '), 's/', 'd']
    const { rsync, prsync } = sideBySide(t.testdir({}), IN_THE_WAY, args, 'd')
    const told = (text: string) => text.split('\n').filter((line) => /way|skipped\)/.test(line))
    t.same([...prsync.out].sort(), [...rsync.out].sort(), options)
    t.same(told(prsync.stderr), told(rsync.stderr), options)
    t.same(prsync.stands, rsync.stands, options)
    t.equal(prsync.status, rsync.status, prsync.stderr)
  }
  t.end()
})

t.test('one in the way that may not be removed is told', { skip: noRsyncAsNobody }, (t) => {
  const make = `chmod 755 .; mkdir -p s d/x; touch s/x; chown nobody d/x`
  const { rsync, prsync } = sideBySide(t.testdir({}), make, ['-ri', 's/', 'd'], 'd', NOBODY)
  const line = 'could not make way for new regular file: x'
  t.match([prsync.stderr, rsync.stderr], [line, line])
  t.same(prsync.out, rsync.out)
  t.equal(prsync.status, rsync.status, prsync.stderr)
  t.end()
})

t.test('directories that may not be read or emptied', { skip: noRsyncAsNobody }, (t) => {
  const make = `chmod 755 .; mkdir -p s d/x/y/z; touch d/x/y/z/q d/x/a d/a; chown -R nobody d`
  for (const closed of ['chmod 0 d/x/y', 'chmod 500 d/x/y', 'chown root d/x/y'])
    for (const options of [
      '--delete',
      '--delete-after',
      '--delete -n',
      '--delete --max-delete=0',
    ]) {
      const args = ['-ai', ...options.split(' '), 's/', 'd']
      const { rsync, prsync } = sideBySide(t.testdir({}), `${make}; ${closed}`, args, 'd', NOBODY)
      t.same(prsync.out, rsync.out, `${options}, ${closed}`)
      t.same(prsync.stands, rsync.stands, `${options}, ${closed}`)
      t.equal(prsync.status, rsync.status, prsync.stderr)
    }
  t.end()
})

/** Not all of the source can be read: from where it is known, nothing is deleted. */
t.test('deletions that are left out are told once', { skip: noRsyncAsNobody }, (t) => {
  const make = `chmod 755 .; mkdir -p s/a s/z d/x d/s/x; touch s/a/f s/z/f d/x/e d/e d/s/e; chmod 700 s/z
chown -R nobody d; find s d -exec touch -h -d 2001-01-01 {} +`
  for (const options of [
    '--delete',
    '--delete-excluded --exclude=q',
    '--delete --max-delete=1',
    '--delete-after --max-delete=0',
    '--delete-before --delete-excluded',
    '--delete --ignore-errors',
  ]) {
    const args = ['-ai', ...options.split(' '), 's/', 'd']
    const { rsync, prsync } = sideBySide(t.testdir({}), make, args, 'd', NOBODY)
    t.same([...prsync.out].sort(), [...rsync.out].sort(), options)
    t.same(prsync.stands, rsync.stands, options)
    t.equal(prsync.status, rsync.status, prsync.stderr)
  }
  t.end()
})

// That the destination stands beside the source once had all of the source looked through first.
t.test('what is deleted beside the source', { skip: noRsyncAsNobody }, (t) => {
  const make = `chmod 755 .; mkdir -p s/a/z d; touch s/f s/a/f; cp -r s d/; touch d/s/e d/s/a/e; chmod 700 s/a/z
chown -R nobody d; find s d -exec touch -h -d 2001-01-01 {} +`
  for (const sources of ['s', '-R s', '-R s/', '-R s/a', '-R s/./a', 's/f s']) {
    const args = ['-ai', '--delete', ...sources.split(' '), 'd']
    const { rsync, prsync } = sideBySide(t.testdir({}), make, args, 'd', NOBODY)
    t.same([...prsync.out].sort(), [...rsync.out].sort(), sources)
    t.same(prsync.stands, rsync.stands, sources)
    t.equal(prsync.status, rsync.status, prsync.stderr)
  }
  t.end()
})

// How deep rsync gets into it hangs on how fast it lists.
t.test('a destination within the source is not copied into itself', { skip: noRsync }, (t) => {
  const make = `mkdir -p s/a/b s/c; touch s/f s/a/f; ln -s s l`
  for (const args of ['s s/c', 's/ s/c', 'l/ s/c', '-R s s/c', '-R l/a/ s/a/b', 's/a s/ s/c/n']) {
    const words = ['-ai', ...args.split(' ')]
    const { prsync } = sideBySide(t.testdir({}), make, words, '.')
    t.match(prsync.stands.join('\n'), /s\/(c|a\/b)\/.*f\b/, args)
    t.notMatch(prsync.stands.join('\n'), /(c|b)\/.*(c|b)\/./, args)
    t.equal(prsync.status, 0, prsync.stderr)
  }
  t.end()
})
