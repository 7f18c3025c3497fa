/** A file that may not become so large, or not be made: the run ends as rsync's does, and nothing half-written stands under its name. */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { onOwnDisk } from '../support/disk.js'
import { PROGRAM } from '../support/program.js'
import { noRsync, noRsyncAsRoot } from '../support/real-rsync.js'
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
    const words = ['-a', '--progress', '--no-owner', '--no-group', ...args]
    const { rsync, prsync } = sideBySide(t.testdir({}), MADE, words, 'd', own ? ['./small'] : [])
    t.equal(prsync.status, rsync.status)
    t.equal(rsync.status, 11)
    const why = /write failed on "[^"]*big": File too large \(27\)/
    t.match(rsync.stderr, why)
    t.match(prsync.stderr, why)
    if (own) t.notMatch(prsync.out.join(), /100%/, 'nor is it drawn as whole')
    t.same(prsync.stands, rsync.stands)
  })

t.test('a disk that takes no more files', { skip: noRsyncAsRoot }, async (t) => {
  const home = t.testdir({ s: { a: 'a', b: 'b', c: 'c', d: { e: 'e' }, f: { g: 'g' } } })
  // One is for the disk itself; others are there to be written over.
  await onOwnDisk(t, 'size=1m,nr_inodes=3', async (disk) => {
    spawnSync('sh', ['-c', `umask 022; mkdir ${disk}/d; echo >${disk}/a`])
    const [theirs, ours] = [['rsync'], [process.execPath, PROGRAM]].map(
      ([program = '', ...words]) => {
        const args = [...words, '-ri', `${home}/s/`, disk]
        const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' })
        return [status, stdout.split('\n').sort(), stderr.match(/mkstemp|mkdir/g)?.sort()]
      },
    )
    t.match(theirs, [23])
    t.same(ours, theirs)
  })
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
