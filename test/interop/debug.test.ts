/** --debug beside the real rsync: the lines that both have, without what only its two processes have. */
import t from 'tap'
import { noRsyncAsRoot } from '../support/real-rsync.js'
import { sideBySide } from '../support/side-by-side.js'

const TREE = `
mkdir -p s/d/f s/e d/x d/d && echo 1 >s/a && echo 22 >s/d/b && ln -s a s/l && echo x >d/x/y && echo old >d/a && mkdir long && yes 1 | head -c 2000 >long/y && (cat long/y; echo 2) >d/y && touch s/z.o d/q d/p.keep s/d/f/g
touch -d 2001-01-01 d/a s/d && echo '- *.o' >s/.rules && printf -- '- b\\nP q\\n' >rules && chown nobody s/a && chown :daemon s/e
printf '#!/bin/sh\\nshift\\nexec sh -c "$*"\\n' >rsh && chmod 700 rsh`

/** Indexes, flags, ways to do it and names of files under way differ. */
function plain(line: string): string {
  return line
    .replace(/ flags=\d+$/, '')
    .replace(/^(touch_up_dirs: .*|removing duplicate .*) \(\d+\)$/, '$1')
    .replace(/^make_backup: (RENAME|HLINK|COPY) /, 'make_backup: ')
    .replace(/^send_files\(\d+, /, 'send_files(')
    .replace(/^recv_generator\((.*),\d+\)$/, 'recv_generator($1)')
    .replace(/parse_filter_file\((.*),[0-9a-f]+,\d+\)/, 'parse_filter_file($1)')
    .replace(/make_file\((.*),\*,\d\)/, 'make_file($1)')
    .replace(/\.([^/ ]+)\.\w{6}(?= )/, '$1')
    .replace(/hash_hits=\d+/, 'hash_hits')
}

const CASES: readonly (readonly [words: string, args: readonly string[], only?: RegExp])[] = [
  ['CHDIR', []],
  ['BACKUP', ['-b', '--delete']],
  ['BACKUP', ['-b', '--backup-dir=../kept', '--delete']],
  ['DEL2', ['--delete'], /^delete_item|\((\.|d)\)/],
  ['DEL2', ['--delete-after', '--exclude=q'], /^delete_item/],
  ['DEL', ['--delete-before', 's', 's/d', 'd/']],
  ['DEL', ['--delete-after', '-R', 's/./d', 'd/']],
  ['DUP', ['s/a', 's/a', 's/d', 's/d', 'd/']],
  ['FILTER', ['--delete', '--include=*.o', '--exclude=b', '-fP *.keep', '-fR q', '-fH e/', '--exclude=/x/']],
  ['FILTER', ['--delete', '--exclude-from=rules']],
  ['FILTER', ['--delete', '-f. rules']],
  ['FILTER', ['-C']],
  ['FILTER', ['-f-/ {}/s/a', '-f-! *', 's', 'd/']],
  ['FILTER', ['--delete', '-f: .rules']],
  ['FILTER2', ['-f: .rules'], /^\[sender\] (pushing local|popping local|parse_filter_file|hiding)/],
  ['FLIST', ['--no-whole-file']],
  ['FLIST2', [], /make_file|delta-transmission/],
  ['GENR', [], /^recv_generator\([^.]/],
  ['ICONV', ['--iconv=latin1,utf8'], /sender/],
  ['OWN2', ['--chown=daemon:users']],
  ['OWN2', ['--usermap=nobody:daemon,root:nobody']],
  ['RECV', [], /^renaming/],
  ['SEND', [], /^(send_files\(.*(\/a|\/b|\/g|z\.o)\)|sender finished)/],
  ['TIME2', []],
  ['DELTASUM', []],
  ['DELTASUM', ['-e', './rsh', '--rsync-path={program}', 's/', 'h:{}/d/'], /^total/],
  ['DELTASUM', ['-vv', '-e', './rsh', '--rsync-path={program}', 'h:{}/s/', 'd/'], /^total/],
  ['DELTASUM', ['-I', '-W', '-e', './rsh', '--rsync-path={program}', 's/', 'h:{}/d/'], /^total/],
  ['DELTASUM', ['-e', './rsh', '--rsync-path={program}', 'long/', 'h:{}/d/'], /^total/],
  ['PROTO', ['-e', './rsh', 's/', 'h:{}/d/']],
  ['PROTO', ['--protocol=29', '-e', './rsh', 'h:{}/s/', 'd/']],
  ['NSTR', ['-e', './rsh', 's/', 'h:{}/d/']],
  ['NSTR', ['-e', './rsh', '--protocol=29', 's/', 'h:{}/d/']],
  ['NSTR', ['-z', '--zc=lz4', '--cc=md5', '-e', './rsh', 'h:{}/s/', 'd/']],
  ['NSTR', ['-z', '--zc=zlib', '--zl=3', '-e', './rsh', 's/', 'h:{}/d/']],
  ['CMD', ['-e', './rsh -x', 's/', 'h:{}/d/'], /^opening connection/],
] // biome-ignore format: a table

for (const [words, args, only] of CASES)
  t.test(`--debug=${words} ${args.join(' ')}`, { skip: noRsyncAsRoot }, async (t) => {
    const isWhole = args.some((arg) => /^d\/|h:/.test(arg))
    const line = ['-a', `--debug=${words}`, ...args, ...(isWhole ? [] : ['s/', 'd/'])]
    const { rsync, prsync } = sideBySide(t.testdir({}), TREE, line, 'd')
    const lines = (out: readonly string[]): readonly string[] =>
      [...new Set(out.map(plain).filter((one) => only?.test(one) ?? true))].sort()
    t.not(rsync.out.length, 0, 'there is something to compare')
    t.same(lines(prsync.out), lines(rsync.out))
    t.same(prsync.stands, rsync.stands)
  })
