/** What may not be read, at either end: what else there is comes, it is said, and the run ends as rsync's. Beside the real rsync. */
import { spawnSync } from 'node:child_process'
import { chmodSync } from 'node:fs'
import t from 'tap'
import { PROGRAM } from '../support/program.js'
import { NOBODY, noRsyncAsNobody, noRsyncAsRoot } from '../support/real-rsync.js'
import { sideBySide } from '../support/side-by-side.js'

/** Takes from root the right to read everything. */
const BOUND = ['setpriv', '--bounding-set', '-dac_override,-dac_read_search,-fowner', '--']
/** A remote shell that does so. */
const SHELL = '#!/bin/sh\nshift\nexec setpriv --bounding-set -dac_override,-dac_read_search -- $*\n'
const OURS = `${process.execPath} ${PROGRAM}`

for (const protocol of [27, 29, 30, 31, 32])
  for (const sources of ['s/', 's/z', 's/a s/z'])
    t.test(`of ${sources} by protocol ${protocol}`, { skip: noRsyncAsRoot }, (t) => {
      const home = t.testdir({ s: { a: 'a', z: 'z' }, shell: SHELL })
      for (const path of [home, `${home}/s`, `${home}/shell`]) chmodSync(path, 0o755)
      chmodSync(`${home}/s/z`, 0)
      const froms = sources.split(' ').map((one, i) => `${i === 0 ? 'h' : ''}:${home}/${one}`)
      const stands = ([to, from]: readonly [string, string]): unknown => {
        const call = [
          '-ai',
          `--protocol=${protocol}`,
          '-e',
          `${home}/shell`,
          `--rsync-path=${from}`,
        ]
        const [program = '', ...words] = to.split(' ')
        spawnSync('rm', ['-rf', `${home}/d`])
        const options = { encoding: 'latin1', timeout: 30_000 } as const
        const ran = spawnSync(program, [...words, ...call, ...froms, `${home}/d/`], options)
        const tree = spawnSync('find', ['.', '-printf', '%P %s %m\n'], { cwd: `${home}/d` })
        const told = /send_files failed to open .*z/.test(ran.stderr)
        return [ran.status, ran.stdout, told, tree.stdout.toString().split('\n').sort()]
      }
      const theirs = stands(['rsync', 'rsync'])
      t.match(theirs, [23])
      for (const pair of [
        [OURS, 'rsync'],
        ['rsync', OURS],
        [OURS, OURS],
      ] as const)
        t.same(stands(pair), theirs, pair.join(' from '))
      t.end()
    })

const OLD = 'find s d -exec touch -h -d @1500000000 {} +'
const MODES = [
  ['one', 0, 0],
  ['two', 0, 0],
  ['two', 0, 0o644],
  ['two', 0o644, 0],
  ['one', 0o644, 0],
  ['one', 0, 0o644],
] as const
/** What stands, in the shell; what is copied. */
const CASES: readonly (readonly [script: string, line: string])[] = [
  ...MODES.map(([text, from, to]) => {
    const modes = `chmod ${from.toString(8)} s/a; chmod ${to.toString(8)} d/a`
    return [`echo one >s/a; echo ${text} >d/a; ${OLD}; ${modes}`, '-aic s/ d/'] as const
  }),
  ...['', '-b', '--delay-updates', '-y'].map((how) => {
    const script = `seq 900 >s/a; seq 800 >d/a; ${OLD}; chmod 0 d/a`
    return [script, `-ai --no-W ${how} s/ d/`.replace('  ', ' ')] as const
  }),
  // What may not be written either is written over all the same; the mode of what cannot be read does not stay.
  ...['-rti', '-rti --inplace', '-ai --inplace --no-W', '-ai --append'].flatMap((how) =>
    ['0', '200', '400'].map((mode) => {
      const script = `seq 900 >s/a; seq 800 >d/a; ${OLD}; chmod 754 s/a; chmod ${mode} d/a`
      return [script, `${how} s/ d/`] as const
    }),
  ),
  // A directory that is in the way, and what is in it cannot be seen.
  [`echo a >s/x; mkdir -p d/x/y; ${OLD}; chmod 0 d/x`, '-ai s/ d/'],
  [`echo a >s/x; mkdir -p d/x/y; ${OLD}; chmod 0 d/x`, '-ai --delete s/ d/'],
  [`echo a >s/x; mkdir -p d/x/y/z d/x/w; ${OLD}; chmod 0 d/x/y`, '-ai --force s/ d/'],
  // Where something of the source cannot be listed nothing is extraneous; what goes meanwhile hangs on who is quicker.
  ...['before', 'after'].map((when) => {
    const script = `mkdir s/a s/b d/a d/b; touch d/a/old d/b/old d/old; ${OLD}; chmod 0 s/b`
    return [script, `-ai --delete-${when} s/ d/`] as const
  }),
  // That nothing is deleted is told where all is new, too.
  [`mkdir s/x s/y; touch s/a; ${OLD}; chmod 0 s/x`, '-ai --delete s/ d/'],
  // Nothing can be made there.
  [`mkdir -p s/a/b d/a; touch s/a/b/c s/a/f; ${OLD}; chmod 555 d/a`, '-rli s/ d/'],
  [`mkdir -p s/a/b d/a; touch s/a/b/c; ${OLD}; chmod 0 d/a`, '-rlti --existing s/ d/'],
  [`mkdir -p s/a d/a; touch s/a/c d/a/c; ${OLD}; chmod 0 d/a`, '-rli -n s/ d/'],
  // Who owns a file may write to it in the end.
  ...['--inplace', '--inplace --no-W', '--append', '--inplace -p', '--inplace -b'].map((how) => {
    const script = `seq 900 >s/a; seq 800 >d/a; ${OLD}; chmod 444 d/a`
    return [script, `-rlti ${how} s/ d/`] as const
  }),
]

for (const way of ['local', 'pulled'])
  t.test(`what may not be read or written, ${way}`, { skip: noRsyncAsRoot }, (t) => {
    for (const [script, line] of CASES) {
      const words = line.split(' ')
      const from = ['-e', '{}/shell', '--rsync-path={program}', 'h:{}/s/']
      const args = way === 'local' ? words : words.flatMap((word) => (word === 's/' ? from : word))
      const make = `mkdir s d; printf '#!/bin/sh\nshift\nexec $*\n' >shell; chmod 755 shell; ${script}`
      const { rsync, prsync } = sideBySide(t.testdir({}), make, args, 'd', BOUND)
      const name = `${line}: ${script}`
      t.equal(prsync.status, rsync.status, name)
      t.same([...prsync.out].sort(), [...rsync.out].sort(), name)
      t.same(prsync.stands, rsync.stands, name)
      const told = (text: string): boolean => text.includes('continuing: Permission denied')
      t.equal(told(prsync.stderr), told(rsync.stderr), name)
    }
    t.end()
  })

const SEARCHED =
  'mkdir -p s/x/k d/x && echo 1 >s/x/f && echo 2 >s/x/k/g && echo old >d/x/f && chmod 777 .'
t.test('below a directory that may only be searched', { skip: noRsyncAsNobody }, (t) => {
  const script = `${SEARCHED} && chown -R nobody d s && chmod 111 s/x && chmod 311 d/x`
  for (const line of ['-ai s/x/f d/', '-aiR s/x/f d/', '-ai s/x/k/ d/', '-aiR s/./x/k d/x/']) {
    const { rsync, prsync } = sideBySide(t.testdir({}), script, line.split(' '), 'd', NOBODY)
    t.same({ ...prsync, stderr: '' }, { ...rsync, stderr: '' }, line)
    t.equal(prsync.status, 0)
  }
  t.end()
})

t.test('a destination that a new mode closes', { skip: noRsyncAsNobody }, (t) => {
  const script = 'mkdir s d && echo 1 >s/f && chown -R nobody d s && chmod 777 .'
  for (const mode of ['', 'r', 'x', 'rx']) {
    const args = ['-ai', `--chmod=D=${mode}`, 's/', 'd/']
    const { rsync, prsync } = sideBySide(t.testdir({}), script, args, 'd', NOBODY)
    const { stderr: _, out: theirs, ...wanted } = rsync
    t.match(prsync, wanted, mode)
    t.same(prsync.out.length, theirs.length)
  }
  t.end()
})
