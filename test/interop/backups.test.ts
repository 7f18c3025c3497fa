/** Backups, also of files that are written over, and owners, modes and times that may not be given. Beside the real rsync. */
import t, { type Test } from 'tap'
import { NOBODY, noRsync, noRsyncAsNobody } from '../support/real-rsync.js'
import { sideBySide } from '../support/side-by-side.js'

const OLD = 'find s d -exec touch -h -d @1500000000 {} +'
const SHELL = `printf '#!/bin/sh\\nshift\\nexec $*\\n' >shell; chmod 755 shell; mkdir s d bk`

function alike(
  t: Test,
  cases: readonly (readonly [script: string, options: string])[],
  before: readonly string[],
): void {
  for (const [script, options] of cases)
    for (const places of ['s/ d/', '-e {}/shell --rsync-path={program} h:{}/s/ d/']) {
      const name = `${options} ${places}: ${script}`
      const args = [...options.split(' '), ...places.split(' ')]
      const make = `${SHELL}; ${script}`
      const { rsync, prsync } = sideBySide(t.testdir({}), make, args, 'd bk', before)
      t.equal(prsync.status, rsync.status, name)
      t.same([...prsync.out].sort(), [...rsync.out].sort(), name)
      t.same(prsync.stands, rsync.stands, name)
      t.same(refused(prsync.stderr), refused(rsync.stderr), name)
    }
  t.end()
}
/** What the system did not do, of which file. */
function refused(stderr: string): readonly string[] {
  const calls = /(chgrp|set times on|set permissions on) "([^"]*)"/g
  return [...stderr.matchAll(calls)].map(([, call, name]) => `${call} ${name}`).sort()
}

const IN_TWO = 'mkdir s/a d/a; seq 9 >s/a/x; touch d/a/x d/a/y d/z'
t.test('where backups go, and what stands there', { skip: noRsync }, (t) => {
  const changed = `seq 9 >s/a; touch d/a`
  alike(
    t,
    [
      [`${changed}; mkdir d/a~; ${OLD}`, '-ai -b'],
      [`${changed}; mkdir -p d/a~/x; touch d/a~/f d/a~/x/g; ${OLD}`, '-ai -b'],
      [`${changed}; mkdir -p d/a~/x; ${OLD}`, '-ai -b --delete'],
      [`${changed}; mkdir -p d/a~/x; ${OLD}`, '-ai -b --inplace'],
      [`${changed}; mkdir bk/a; touch bk/a/x; ${OLD}`, '-ai -b --backup-dir={}/bk'],
      [`mkdir bk/a; touch bk/a/x d/a; ${OLD}`, '-ai -b --delete --backup-dir={}/bk --max-delete=1'],
      [`${changed}; ${OLD}`, '-a --info=backup,name --backup-dir=bk/'],
      [`${changed}; ${OLD}`, '-a --info=backup,name --backup-dir={}/bk/new'],
      [`${changed}; touch bk/file; ${OLD}`, '-ai --backup-dir={}/bk/file'],
      [`mkdir d/x; touch d/x/q bk/x; ${OLD}`, '-ai -b --delete --backup-dir={}/bk'],
      // Deleted itself, as it is extraneous, and made again.
      [`${IN_TWO}; ${OLD}`, '-aiO -b --delete-after --backup-dir=bk'],
      [`mkdir d/x bk/t; touch d/x/q; ln -s t bk/x; ${OLD}`, '-ai -b --delete --backup-dir={}/bk'],
    ],
    [],
  )
})

const MINE = 'chown -R 65534:65534 s d'
const DIRECTORIES = `mkdir -p d/a/b s/a; touch d/a/b/f d/a/g; echo >s/a/g; ${OLD}; chmod 777 bk d/a; ${MINE}; chown :0 d/a d/a/b`
const THEIRS = `seq 9 >s/g; seq 8 >d/g; ${OLD}; chmod 666 d/g; ${MINE}; chown root:root d/g`
t.test('groups that may not be given, times and modes', { skip: noRsyncAsNobody }, (t) => {
  alike(
    t,
    [
      [DIRECTORIES, '-ai --delete -b --backup-dir={}/bk'],
      [DIRECTORIES, '-rlpti --delete -b --backup-dir={}/bk'],
      ...['-rli', '-rlti', '-rlpi', '-rlgi', '-ai'].map(
        (options) => [THEIRS, `${options} --inplace -b`] as const,
      ),
      ...['600', '644', '602'].map(
        (mode) => [`${THEIRS}; chmod ${mode} d/g`, '-ai --inplace -b'] as const,
      ),
    ],
    NOBODY,
  )
})

t.test('what is not theirs', { skip: noRsyncAsNobody }, (t) => {
  const make = `mkdir s/x d/x; seq 9 >s/a; cp s/a d/a; touch s/x/f; ln -s q s/l; ln -s q d/l; ${OLD}`
  const modes = 'chmod 755 s/a; chmod 777 d/x; chown -h 65534:65534 s d s/a s/l'
  alike(
    t,
    [
      [`${make}; ${modes}`, '-ai'],
      [`${make}; touch -d @1400000000 d/x; ${modes}`, '-ai'],
      [`${make}; touch -d @1400000000 d/x; ${modes}`, '-rpi'],
    ],
    NOBODY,
  )
})
