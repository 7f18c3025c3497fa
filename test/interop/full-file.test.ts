/** A file that may not become so large: the run ends as rsync's does, and nothing half-written stands under its name. */
import t from 'tap'
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
