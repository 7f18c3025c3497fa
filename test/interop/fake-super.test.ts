/** --fake-super: trees that rsync or prsync keep, as root or as nobody, and the other one takes back. */
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs'
import t from 'tap'
import { describeTree, makeTree } from '../support/odd-trees.js'
import { PROGRAM } from '../support/program.js'
import { noRsyncAsRoot } from '../support/real-rsync.js'

const NOBODY = 65534
const NO_TIME_IS_NOW = 4e12

const PROGRAMS = { rsync: ['rsync'], prsync: [process.execPath, PROGRAM] } as const

function run(by: keyof typeof PROGRAMS, args: readonly string[], cwd: string, uid = 0): string {
  // What a test runner has its children load writes where nobody may.
  const clean = ['-i', `PATH=${process.env['PATH'] ?? ''}`]
  const words = [...clean, ...PROGRAMS[by], ...args]
  const ran = spawnSync('env', words, { cwd, uid, gid: uid, encoding: 'latin1' })
  return `${ran.status} ${ran.stderr}`
}
function described(top: string): readonly string[] {
  const attributes = spawnSync('getfattr', ['-R', '-P', '-h', '-d', '-m', '-', '.'], {
    cwd: top,
    encoding: 'latin1',
  })
  // Files come in the order of the file system, which two trees with the same names need not share.
  return [...describeTree(top, NO_TIME_IS_NOW), ...attributes.stdout.split('\n\n').sort()]
}

for (const [keeps, takes] of [['rsync', 'prsync'], ['prsync', 'rsync']] as const) // biome-ignore format: a table
  t.test(`${takes} takes back what ${keeps} kept`, { skip: noRsyncAsRoot }, async (t) => {
    const home = t.testdir({})
    makeTree(`${home}/s`, keeps.length, true)
    t.equal(run(keeps, ['-aHAX', '-M--fake-super', 's/', 'f'], home), '0 ')
    t.equal(run(takes, ['-aHAX', '--fake-super', '-M--super', 'f/', 'back'], home), '0 ')
    t.same(described(`${home}/back`), described(`${home}/s`))
  })

t.test('somebody who is not root keeps all of it too', { skip: noRsyncAsRoot }, async (t) => {
  const home = t.testdir({})
  makeTree(`${home}/s`, 3, true)
  // All can be reached by anybody, or nothing could be kept.
  t.equal(run('rsync', ['-aHAX', '-M--fake-super', 's/', 'f'], home), '0 ')
  spawnSync('chown', ['-R', `${NOBODY}:${NOBODY}`, `${home}/f`])
  for (const by of ['rsync', 'prsync'] as const) {
    mkdirSync(`${home}/${by}`)
    chownSync(`${home}/${by}`, NOBODY, NOBODY)
    chmodSync(home, 0o755)
    t.equal(run(by, ['-aHAX', '--fake-super', '../f/', 'g'], `${home}/${by}`, NOBODY), '0 ')
  }
  t.same(described(`${home}/prsync/g`), described(`${home}/rsync/g`))
})

t.test('all attributes and --fake-super do not go together', { skip: noRsyncAsRoot }, async (t) => {
  const home = t.testdir({ s: { f: 'f' } })
  const why = /--fake-super conflicts with -XX/
  // The last two end as what the other side of a local copy says: rsync's has one, ours is one.
  for (const [options, status] of [
    [['-a', '--fake-super', '-XX'], 1],
    [['-aXX', '--fake-super', '-M--super'], 1],
    [['-aXX', '-M--fake-super'], 12],
  ] as const) {
    const said = (['rsync', 'prsync'] as const).map((by) => run(by, [...options, 's/', 'd'], home))
    for (const each of said) t.match(each, why, options.join(' '))
    t.match(said[0], new RegExp(`^${status} `))
    t.match(said[1], /^1 /)
    t.notOk(existsSync(`${home}/d`))
  }
  for (const by of ['rsync', 'prsync'] as const)
    t.equal(run(by, ['-aXX', '--fake-super', '--super', 's/', 'd'], home), '0 ', 'the last counts')
})

t.test('a top that is kept as a file', { skip: noRsyncAsRoot }, async (t) => {
  const home = t.testdir({ s: { f: 'bytes' }, rsh: '#!/bin/sh\nshift\nexec sh -c "$*"\n' })
  const kept = `chmod 700 rsh && setfattr -n user.rsync.%stat -v '100644 0,0 0:0' s`
  spawnSync('sh', ['-ec', kept], { cwd: home })
  const words = ['-a', '-e', './rsh', '--rsync-path=rsync --fake-super', `h:${home}/s/`]
  for (const by of ['rsync', 'prsync'] as const) {
    t.match(run(by, [...words, `d-${by}`], home), /^2 .*(non-directory|no directory)/s, by)
    t.notOk(existsSync(`${home}/d-${by}/f`))
  }
  // Where rsync refuses its own list, prsync gives what stands there: a directory stands for nothing else.
  t.equal(run('rsync', ['-a', '--fake-super', 's/', 'd'], home).slice(0, 2), '2 ')
  t.equal(run('prsync', ['-a', '--fake-super', 's/', 'd'], home), '0 ')
  t.equal(readFileSync(`${home}/d/f`, 'utf8'), 'bytes')
})

/** A file there is moved by copying it. */
const OTHER = '/dev/shm'
const noOther: string | false =
  noRsyncAsRoot ||
  (existsSync(OTHER) && statSync(OTHER).dev !== statSync('.').dev ? false : 'one file system only')

t.test('what comes from another file system keeps all of it', { skip: noOther }, async (t) => {
  const home = t.testdir({})
  const other = mkdtempSync(`${OTHER}/prsync-`)
  t.teardown(() => rmSync(other, { recursive: true }))
  const made = `mkdir s d && echo new >s/f && chown daemon:users s/f && chmod 4755 s/f && setfattr -n user.k -v v s/f && setfacl -m u:daemon:r s/f`
  spawnSync('sh', ['-ec', made], { cwd: home })
  for (const options of [['-aAX'], ['-aX'], ['-aAX', '-M--fake-super']]) {
    const seen = (['rsync', 'prsync'] as const).map((by) => {
      for (const name of ['t', 'kept']) rmSync(`${other}/${name}`, { recursive: true, force: true })
      mkdirSync(`${other}/t`)
      spawnSync('sh', ['-ec', 'rm -rf d && mkdir d'], { cwd: home })
      const words = [...options, '-I', '-b', `--backup-dir=${other}/kept`, `--temp-dir=${other}/t`]
      t.equal(run(by, [...words, 's/', 'd/'], home), '0 ')
      t.equal(run(by, [...words, 's/', 'd/'], home), '0 ')
      // A backup by --fake-super loses its ACL with rsync.
      const isFake = options.includes('-M--fake-super')
      const all = [`${home}/d`, ...(isFake ? [] : [`${other}/kept`])].flatMap(described)
      // Times within one second are one to rsync where they are a directory's.
      // Of a file that came from another file system rsync loses the kept ACL too.
      return all
        .filter((line) => !/ d 755 /.test(line))
        .map((line) => (isFake ? line.replace(/^ *user\.rsync\.%aacl=.*\n/m, '') : line))
    })
    t.same(seen[1], seen[0], options.join(' '))
  }
})
