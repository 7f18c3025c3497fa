/** A file that may not become so large: the run ends as rsync's does, and nothing half-written stands under its name. */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { onOwnDisk } from '../support/disk.js'
import { PROGRAM } from '../support/program.js'
import { noRsync } from '../support/real-rsync.js'
import { sideBySide } from '../support/side-by-side.js'

/** 100 KiB a file, for the one or for the other end. */
const MADE = `mkdir s d
head -c 300000 /dev/zero | tr '\\0' x >s/big
printf '#!/bin/bash\\nulimit -f 100; exec "$@"\\n' >small
printf '#!/bin/sh\\nshift; eval "exec $*"\\n' >near
printf '#!/bin/bash\\nshift; ulimit -f 100; eval "exec $*"\\n' >far
chmod +x small near far`

const CASES: readonly (readonly [name: string, own: boolean, args: readonly string[]])[] = [
  ['local', true, ['s/', 'd/']],
  ['in place', true, ['--inplace', 's/', 'd/']],
  ['with holes', true, ['-S', 's/', 'd/']],
  ['kept in part', true, ['--partial', 's/', 'd/']],
  ['by a delta', true, ['--no-whole-file', 's/', 'd/']],
  ['pulled', true, ['-e', './near', '--rsync-path={program}', 'h:{}/s/', 'd/']],
  ['pushed', false, ['-e', './far', '--rsync-path={program}', 's/', 'h:{}/d/']],
  [
    'pushed in place',
    false,
    ['-e', './far', '--rsync-path={program}', '--inplace', 's/', 'h:{}/d/'],
  ],
]

for (const [name, own, args] of CASES)
  t.test(name, { skip: noRsync }, async (t) => {
    const words = ['-a', '--no-owner', '--no-group', ...args]
    const { rsync, prsync } = sideBySide(t.testdir({}), MADE, words, 'd', own ? ['./small'] : [])
    t.equal(prsync.status, rsync.status)
    t.equal(rsync.status, 11)
    const why = /write failed on "[^"]*big": File too large \(27\)/
    t.match(rsync.stderr, why)
    t.match(prsync.stderr, why)
    t.same(prsync.stands, rsync.stands)
  })

t.test('a disk that is full behind --temp-dir spoils one file', { skip: noRsync }, async (t) => {
  const options = [[], ['--partial'], ['--partial-dir=part'], ['--delay-updates']]
  for (const words of options)
    for (const program of [['rsync'], [process.execPath, PROGRAM]])
      await onOwnDisk(t, 'size=512k', async (path) => {
        const home = t.testdir({ s: { big: 'x'.repeat(900_000), z: 'z' }, T: {} })
        const call = [...program, '-rt', ...words, `--temp-dir=${home}/T`, `${home}/s/`, `${path}/`]
        const { status, stderr } = spawnSync('env', call, { encoding: 'latin1', timeout: 60_000 })
        t.equal(status, 23, call.join(' '))
        t.match(stderr, /big.*No space left on device \(28\)/)
        if (program.length === 1) return
        // rsync leaves what found place under the file's name.
        t.same(readdirSync(`${home}/T`), [])
        t.notOk(readdirSync(path).some((name) => name.includes('big')))
        t.equal(readFileSync(`${path}/z`, 'latin1'), 'z')
      })
})
