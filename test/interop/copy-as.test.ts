/** --copy-as beside the real rsync: what is read as who calls, and what as somebody else. */
import { chmodSync, mkdirSync } from 'node:fs'
import t from 'tap'
import { noRsyncAsRoot } from '../support/real-rsync.js'
import { sideBySide } from '../support/side-by-side.js'

/** Somebody else may reach the folder and write to `d`; some of the source is for root alone. */
const TREE = `
chmod 755 . && mkdir s d && chmod 777 d
echo public >s/public && echo private >s/private && chmod 600 s/private
echo public >names && echo '- nothing' >rules && chmod 600 names rules
printf '#!/bin/sh\\nshift\\nexec sh -c "$*"\\n' >rsh && chmod 700 rsh`

/** Lines of errors have each program's own words. */
const CASES: readonly (readonly [name: string, args: readonly string[]])[] = [
  ['a user with the groups that are his', ['-ai', '--copy-as=nobody', 's/', 'd/new']],
  ['a user and a group', ['-ai', '--copy-as=daemon:users', 's/', 'd/new']],
  ['numbers', ['-ai', '--copy-as=1234:56', 's/public', 'd/']],
  ['what is read before', ['-ai', '--copy-as=nobody', '--files-from=names', '--exclude-from=rules', 's/', 'd/new']],
  ['a log of root', ['-ai', '--copy-as=nobody', '--log-file={}/log', 's/public', 'd/']],
  ['deltas', ['-ai', '--copy-as=nobody', '--no-whole-file', 's/public', 'd/']],
  ['no such user', ['-ai', '--copy-as=no-such-user', 's/public', 'd/']],
  ['no such group', ['-ai', '--copy-as=nobody:no-such-group', 's/public', 'd/']],
  ['an empty group', ['-ai', '--copy-as=nobody:', 's/public', 'd/']],
  ['a number without groups', ['-ai', '--copy-as=1234', 's/public', 'd/']],
  ['a directory that may not be made', ['-ai', '--copy-as=nobody', 's/', 'new']],
  ['the sending end of a push', ['-ai', '-e', './rsh', '--rsync-path={program}', '--copy-as=nobody', 's/', 'h:{}/d/new']],
  ['the receiving end of a push', ['-ai', '-e', './rsh', '--rsync-path={program}', '-M--copy-as=nobody', 's/', 'h:{}/d/new']],
  ['the receiving end of a pull', ['-ai', '-e', './rsh', '--rsync-path={program}', '--copy-as=nobody', 'h:{}/s/', 'd/new']],
  ['the sending end of a pull', ['-ai', '-e', './rsh', '--rsync-path={program} --copy-as=nobody', 'h:{}/s/', 'd/new']],
] // biome-ignore format: a table

for (const [name, args] of CASES)
  t.test(`--copy-as: ${name}`, { skip: noRsyncAsRoot }, async (t) => {
    const home = t.testdir({})
    // Under one's own folder nobody else comes in.
    for (let at = home; at !== '/' && at.length > 1; at = at.slice(0, at.lastIndexOf('/')))
      if (at.includes('.tap')) chmodSync(at, 0o755)
    const { rsync, prsync } = sideBySide(home, TREE, args, 'd')
    t.same(prsync.stands, rsync.stands)
    t.same([...prsync.out].sort(), rsync.out.filter((line) => !/^rsync/.test(line)).sort())
    t.equal(prsync.status, rsync.status, prsync.stderr + rsync.stderr)
  })

t.test('--copy-as for one end of a local copy', { skip: noRsyncAsRoot }, async (t) => {
  const home = t.testdir({})
  mkdirSync(`${home}/x`)
  const { prsync } = sideBySide(`${home}/x`, TREE, ['-a', '-M--copy-as=nobody', 's/', 'd'], 'd')
  t.equal(prsync.status, 4)
  t.match(prsync.stderr, /--copy-as=nobody for one side of a local copy/)
})
