/** Where paths that options name may lead to: --confine-root, links of other users, names that climb. Beside the real rsync. */
import t from 'tap'
import { noRsync, noRsyncAsRoot } from '../support/real-rsync.js'
import { sideBySide } from '../support/side-by-side.js'

/** `root` is what all is confined to, `other` is beside it; `root/out` leads there, `root/inner` does not. */
const TREE = `
mkdir -p s/d root/dst root/s root/in other d
echo new >s/a && echo b >s/d/b && cp -a s/. root/s && cp -a s/. other && echo x >root/in/a
ln -s ../other root/out && ln -s in root/inner && ln -s "$PWD/other/rules" root/s/.led
echo '- a' >other/rules && cp other/rules root/rules && cp other/rules root/s/.own
echo a >other/list && echo a >root/list && echo old >root/dst/a && touch -d 2001-01-01 root/dst/a
printf '#!/bin/sh\\nshift\\nexec sh -c "$*"\\n' >rsh && chmod 700 rsh`

const OVER = ['-ai', '-e', './rsh', '--rsync-path={program} --confine-root={}/root']

/** The same by both. */
const ALIKE: readonly (readonly [name: string, args: readonly string[]])[] = [
  ['a rule file that is named by its path', [...OVER, '-f: {}/other/rules', 'h:{}/root/s/', 'd']],
  ['a rule file outside whose lines are patterns', [...OVER, '-f:- {}/other/rules', 'h:{}/root/s/', 'd']],
  ['a rule file within', [...OVER, '-f: {}/root/rules', 'h:{}/root/s/', 'd']],
  ['a link to rules outside', [...OVER, '-f: .led', 'h:{}/root/s/', 'd']],
  ['rules in the tree', [...OVER, '-f: .own', 'h:{}/root/s/', 'd']],
  ['rules in the tree above', [...OVER, '-f: /rules', 'h:{}/root/s/', 'd']],
  ['rules while it deletes', [...OVER, '--delete', '-f: {}/other/rules', 's/', 'h:{}/root/dst/']],
  ['a list of names within', [...OVER, '--files-from=:{}/root/list', 'h:{}/root/s/', 'd']],
  ['a source outside', [...OVER, 'h:{}/other/', 'd']],
  ['a destination outside', [...OVER, 's/', 'h:{}/d/']],
  ['links among sources', [...OVER, '-L', 'h:{}/root/out', 'd']],
  ['--link-dest within', [...OVER, '--link-dest={}/root/s', 's/', 'h:{}/root/dst/']],
  ['--backup-dir within', [...OVER, '-b', '--backup-dir=../kept', 's/', 'h:{}/root/dst/']],
  ['--temp-dir within', [...OVER, '--temp-dir={}/root/in', 's/', 'h:{}/root/dst/']],
  ['nothing is outside of /', ['-ai', '--confine-root=/', '--link-dest={}/other', 's/', 'd']],
  ['not absolute', ['-ai', '--confine-root=root', 's/', 'd']],
  ['--insecure-links', ['-ai', '--confine-root={}/root', '--insecure-links', 's/', 'd']],
] // biome-ignore format: a table

for (const [name, args] of ALIKE)
  t.test(`--confine-root: ${name}`, { skip: noRsync }, async (t) => {
    const { rsync, prsync } = sideBySide(t.testdir({}), TREE, args, 'root d other')
    t.same(prsync.stands, rsync.stands)
    t.same([...prsync.out].sort(), [...rsync.out].sort())
    t.equal(prsync.status, rsync.status, prsync.stderr + rsync.stderr)
  })

/** rsync finds out file by file; here it is said once, and nothing outside is written or read. */
const REFUSED: readonly (readonly [name: string, args: readonly string[], status: number])[] = [
  ['--link-dest', ['--link-dest={}/other', 's/', 'h:{}/root/dst/'], 23],
  ['--copy-dest by a link', ['--copy-dest=../out', 's/', 'h:{}/root/dst/'], 23],
  ['--backup-dir', ['-b', '--backup-dir={}/other/kept', 's/', 'h:{}/root/dst/'], 11],
  ['--backup-dir by what is not there', ['-b', '--backup-dir=../no/../../../other/kept', 's/', 'h:{}/root/dst/'], 11],
  ['--temp-dir', ['--temp-dir={}/other', 's/', 'h:{}/root/dst/'], 11],
  ['--partial-dir', ['--partial-dir={}/other', '--delay-updates', 's/', 'h:{}/root/dst/'], 11],
  ['a list of names', ['--files-from=:{}/root/out/list', 'h:{}/root/s/', 'd'], 1],
] // biome-ignore format: a table

for (const [name, args, status] of REFUSED)
  t.test(`--confine-root refuses: ${name}`, { skip: noRsync }, async (t) => {
    const { rsync, prsync } = sideBySide(t.testdir({}), TREE, [...OVER, ...args], 'other')
    t.equal(prsync.status, status, prsync.stderr)
    t.match(prsync.stderr, 'leads out of {}/root (--confine-root)')
    t.same(prsync.stands, rsync.stands, 'nothing is written there')
  })

t.test('--confine-root: names of a list', { skip: noRsync }, async (t) => {
  const script = `${TREE}\nprintf '%s\\n' out/a inner/a in/a out ../other/a /s/a >names`
  const args = [...OVER, '--files-from=names', 'h:{}/root/', 'd']
  const { rsync, prsync } = sideBySide(t.testdir({}), script, args, 'd')
  t.same(prsync.stands, rsync.stands)
  t.equal(prsync.status, 23)
  t.equal(rsync.status, 23)
})

t.test('--confine-root: a link that -K would go through', { skip: noRsync }, async (t) => {
  const script = `${TREE}\nrm -rf other/d && mkdir other/d && ln -s ../../other/d root/dst/d`
  const args = [...OVER, '-K', 's/', 'h:{}/root/dst/']
  const { rsync, prsync } = sideBySide(t.testdir({}), script, args, 'root/dst other')
  t.same(prsync.stands, rsync.stands)
  t.equal(prsync.status, 23)
})

t.test('-K goes through links that lead nowhere else', { skip: noRsync }, async (t) => {
  const script = `mkdir -p s/d/e d/in out && echo 1 >s/d/f && echo 2 >s/d/e/g && find s d -depth -exec touch -d @1500000000 {} +`
  for (const [to, options] of [['in', '-aKi'], ['../out', '-aKi'], ['../out', '-aKi --insecure-links'], ['nowhere', '-aKi']] as const) {
    const made = `${script} && ln -s ${to} d/d && touch -h -d @1500000000 d/d d`
    const { rsync, prsync } = sideBySide(t.testdir({}), made, [...options.split(' '), 's/', 'd/'], 'd out')
    t.equal(prsync.status, rsync.status, `${to} ${options}`)
    t.same(prsync.stands, rsync.stands, `${to} ${options}`)
  }
}) // biome-ignore format: short

t.test('rules that a link of another user leads to are not read', { skip: noRsyncAsRoot }, async (t) => {
  const script = `${TREE}\nln -s "$PWD/root/rules" s/.rules && cp -P s/.rules rules && chown -h nobody rules s/.rules`
  for (const args of [['-f: .rules'], ['-f: .rules', '--insecure-links'], ['-f. rules'], ['--exclude-from=rules'], ['--log-file=rules']]) {
    const home = t.testdir({})
    const { rsync, prsync } = sideBySide(home, script, ['-ai', ...args, 's/', 'd'], 'd root')
    t.same(prsync.stands, rsync.stands, args.join(' '))
    t.equal(prsync.status, rsync.status, prsync.stderr)
  }
}) // biome-ignore format: short

t.test('names of --files-from stay below their directory', { skip: noRsync }, async (t) => {
  const script = `mkdir -p s/d/e s/x d && echo 1 >s/d/e/f && echo 2 >s/x/g && echo 3 >top && echo 4 >s/a`
  const names = ['d/./e/f', './d/./e', 'd/../x/g', '../top', 'd/e/..', 'x/', './x/./', '//x//g', 'd/e/../../..', '.', '..', 'd/e/./../e/f', 'a/../x', 'nope/../x/g', 'd/./e/./f'] // biome-ignore format: a table
  for (const name of names) {
    const made = `${script} && echo '${name}' >names`
    const args = ['-ai', '--files-from=names', 's', 'd']
    const { rsync, prsync } = sideBySide(t.testdir({}), made, args, 'd')
    t.same(prsync.out, rsync.out, name)
    t.same(prsync.stands, rsync.stands, name)
    t.equal(prsync.status, rsync.status, name)
  }
})

t.test('directories of --link-dest and the like that are none are named', { skip: noRsync }, async (t) => {
  for (const args of [['--link-dest=../no', '--link-dest=../s/a'], ['--compare-dest={}/no'], ['--copy-dest=no']]) {
    const { rsync, prsync } = sideBySide(t.testdir({}), TREE, ['-a', ...args, 's/', 'd'], 'd')
    t.equal(prsync.stderr, rsync.stderr)
    t.equal(prsync.status, 0)
  }
}) // biome-ignore format: short
