/** `-M--log-file`: what the other side keeps of a run, over a remote shell and where a copy is local. Beside the real rsync. */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { noRsync } from '../support/real-rsync.js'
import { sideBySide } from '../support/side-by-side.js'

const TREE = `
mkdir -p s/sub d/x && echo a >s/a && echo bb >s/sub/b && ln -s a "s/$(printf 'l\\nnk')" && echo q >d/x/y && echo ab >d/a
find s -exec touch -h -d 2001-01-01 {} +
printf '#!/bin/sh\\nshift\\nexec sh -c "$*"\\n' >rsh && chmod 700 rsh`

const FORMAT = '-M--log-file-format=%o|%f|%l|%b|%c|%m|%u|%n|%i'
const RUNS: readonly (readonly string[])[] = [
  ['-a', 's/', 'h:{}/d'],
  ['-a', '--delete', FORMAT, 's/', 'h:{}/d'],
  ['-a', '--delete', FORMAT, 'h:{}/s/', 'd'],
  ['-a', '-M--log-file-format=', 's/', 'h:{}/d'],
  ['-an', 's/', 'h:{}/d'],
  ['-aii', 's/', 's/sub/', 'h:{}/new'],
  ['-a', 'h:{}/s/nothing', 'h:{}/s/', 'd'],
  ['-a', 's/', 's/nothing', 'd'],
  ['-a', '--delete', FORMAT, 's/', 'd'],
  ['-avvn', 's/', 'd'],
  ['-ai', '--log-file=client', 's/', 'd'],
] // biome-ignore format: a table

/** Without times, processes, and how much went to and fro. */
function kept(file: string): string[] {
  return readFileSync(file, 'latin1')
    .replace(/^\S+ \S+ \[\d+\] /gm, '')
    .replace(/^sent \d+ bytes {2}received \d+ bytes/gm, 'sent')
    .replaceAll('prsync: ', 'rsync: ')
    .split('\n')
}

for (const run of RUNS)
  t.test(run.join(' '), { skip: noRsync }, async (t) => {
    const home = t.testdir({})
    const over = run.join().includes('h:') ? ['-e', './rsh', '--rsync-path={program}'] : []
    const args = [...over, '-M--log-file={}/log', ...run]
    const { rsync, prsync } = sideBySide(home, TREE, args, 'd')
    t.same(prsync.stands, rsync.stands)
    t.equal(prsync.status, rsync.status, prsync.stderr)
    const there = (by: string): string => readFileSync(`${home}/${by}/log`, 'latin1')
    t.match(there('r'), /sent \d+/)
    const plain = (by: string): string[] =>
      kept(`${home}/${by}/log`).map((line) =>
        line.replaceAll(`${home}/${by}`.slice(1), '{}').replaceAll(`${home}/${by}`, '{}'),
      )
    t.same(plain('p'), plain('r'))
  })

t.test('a log that cannot be had', { skip: noRsync }, async (t) => {
  const over = ['-e', './rsh', '--rsync-path={program}']
  const args = [...over, '-a', '-M--log-file={}/no/log', 's/', 'h:{}/d']
  const { rsync, prsync } = sideBySide(t.testdir({}), TREE, args, 'd')
  t.same(prsync, { ...rsync, stderr: rsync.stderr.replace('rsync: ', 'prsync: ') })
})
