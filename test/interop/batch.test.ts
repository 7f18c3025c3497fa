/** Batches: what one program wrote down the other applies, and both write the same bytes. */
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { PROGRAM } from '../support/program.js'
import { noRsync } from '../support/real-rsync.js'
import { seededRandom } from '../support/seeded-random.js'
import { differences } from '../support/trees.js'

const OURS = [process.execPath, PROGRAM]
const THEIRS = ['rsync']
const NAMES = new Map([
  [OURS, 'prsync'],
  [THEIRS, 'rsync'],
])

/** A shell that goes nowhere. */
const SHELL = '#!/bin/sh\nshift\nexec sh -c "$*"\n'

function stage(t: Test): string {
  const home = t.testdir({ src: { sub: { deep: {} } }, dst: { sub: {} } })
  const random = seededRandom(4)
  const big = random.bytes(300_000)
  writeFileSync(join(home, 'src/big'), big)
  writeFileSync(join(home, 'dst/big'), Buffer.concat([big.subarray(0, 200_000), random.bytes(900)]))
  const lines = Array.from({ length: 9000 }, (_, i) => `line ${i}\n`)
  writeFileSync(join(home, 'src/sub/text'), lines.join(''))
  writeFileSync(join(home, 'dst/sub/text'), lines.slice(1000).join('').replaceAll('77', '7x'))
  for (let i = 0; i < 20; i++) writeFileSync(join(home, 'src/sub', `f${i}`), `${i}`)
  linkSync(join(home, 'src/sub/f3'), join(home, 'src/sub/deep/hard'))
  symlinkSync('f3', join(home, 'src/sub/link'))
  for (const name of ['big', 'sub/text', 'sub']) utimesSync(join(home, 'dst', name), 1e9, 1e9)
  for (const name of ['sub/deep', 'sub', '']) utimesSync(join(home, 'src', name), 1.5e9, 1.5e9)
  writeFileSync(join(home, 'dst/extra'), 'not in the source')
  writeFileSync(join(home, 'rsh'), SHELL, { mode: 0o755 })
  return home
}
function run(
  home: string,
  [program = '', ...before]: readonly string[],
  ...args: readonly string[]
): { status: number | null; said: string } {
  const ran = spawnSync(program, [...before, ...args], {
    cwd: home,
    encoding: 'latin1',
    timeout: 60_000,
  })
  return { status: ran.status, said: ran.stdout + ran.stderr }
}
function copyOf(home: string, name: string): string {
  spawnSync('cp', ['-a', 'dst', name], { cwd: home })
  return join(home, name)
}
/** But for what only the destination had, and names of one file where they are not asked for. */
function unlike(home: string, from: string, name: string, line: string): string[] {
  return differences(join(home, from), join(home, name)).filter(
    (what) =>
      !what.startsWith('./extra:') &&
      !(what.includes(': linked to') && !line.includes('H')) &&
      // rsync leaves the time of a link that it made within the second.
      !what.startsWith('./sub/link: mtimeNs') &&
      // Before protocol 31 times are whole seconds.
      !(what.includes(': mtimeNs') && line.includes('--protocol=28')),
  )
}

/** Where two batches differ before the figures at their end, which count what went over the connection. */
function firstDifference(a: Buffer, b: Buffer): string | null {
  const length = Math.min(a.length, b.length) - 32
  if (length < 1) return 'nothing in it'
  const at = a.subarray(0, length).findIndex((byte, i) => byte !== b[i])
  const [one, other] = [a, b].map((of) => of.subarray(at, at + 48).toString('hex'))
  return at < 0 ? null : `at ${at} of ${a.length} and ${b.length}: ${one} ${other}`
}

const NONE = Buffer.alloc(0)

const OPTIONS = [
  '-aH --delete',
  '-ac --no-inc-recursive',
  '-rlt --inplace',
  '-a --only-write-batch',
  '-aH --protocol=28',
  '-az',
]

t.test('each applies what the other wrote', { skip: noRsync }, async (t) => {
  for (const [row, line] of OPTIONS.entries())
    await t.test(line, async (t) => {
      const home = stage(t)
      const isOnly = line.includes('--only-write-batch')
      const options = [...line.replace(' --only-write-batch', '').split(' '), '--checksum-seed=7']
      const write = isOnly ? '--only-write-batch' : '--write-batch'
      const writers: [string, string[], string[]][] = [
        ['theirs', THEIRS, ['src/', 'W-theirs/']],
        ['local', OURS, ['src/', 'W-local/']],
        ['push', OURS, ['-e', './rsh', 'src/', `x:${home}/W-push/`]],
        ['pull', OURS, ['-e', './rsh', `x:${home}/src/`, 'W-pull/']],
      ]
      for (const [name, program, places] of writers) {
        copyOf(home, `W-${name}`)
        t.match(run(home, program, ...options, `${write}=B-${name}`, ...places), {
          status: 0,
          said: '',
        })
        t.same(unlike(home, isOnly ? 'dst' : 'src', `W-${name}`, line), [], `${name} did it`)
      }
      // With rsync as the sender, since each lists a directory in its own order; of one list, since the end of one comes when it does.
      const [first, other] = ['theirs', 'pull'].map((name) => readFileSync(join(home, `B-${name}`)))
      if (/--no-inc-recursive|--protocol=28/.test(line))
        t.equal(firstDifference(first ?? NONE, other ?? NONE), null, 'byte for byte')
      for (const [name, program] of writers) {
        const reader = program === THEIRS ? OURS : row % 2 === 0 ? THEIRS : OURS
        copyOf(home, `R-${name}`)
        const ran = run(home, reader, ...options, `--read-batch=B-${name}`, `R-${name}/`)
        t.match(ran, { status: 0, said: '' }, `${NAMES.get(reader)} reads ${name}`)
        t.same(unlike(home, 'src', `R-${name}`, line), [])
      }
    })
})

t.test('the script beside it applies it elsewhere, with the filters of the run', async (t) => {
  const home = stage(t)
  copyOf(home, 'other')
  const args = ['-a', '--delete', '--exclude=f1*', '--filter=P extra', "--write-batch=it's"]
  t.match(run(home, OURS, ...args, 'src/', 'dst/'), { status: 0, said: '' })
  t.equal(statSync(join(home, "it's")).mode & 0o777, 0o600, 'for its owner alone')
  t.match(run(home, ['sh'], "./it's.sh", 'other/'), { status: 0, said: '' })
  t.same(differences(join(home, 'dst'), join(home, 'other')), [])
  t.ok(existsSync(join(home, 'other/extra')))
  t.notOk(existsSync(join(home, 'other/sub/f12')))
})

t.test('a reader is as the batch needs it, and says so', { skip: noRsync }, (t) => {
  const home = stage(t)
  run(home, OURS, '-rlc', '--write-batch=B', 'src/', 'dst/')
  const said = [THEIRS, OURS].map((program, i) => {
    copyOf(home, `r${i}`)
    const ran = run(home, program, '-avi', '--info=stats0', '--read-batch=B', `r${i}/`)
    t.equal(ran.status, 0)
    return ran.said
  })
  t.match(said[1], /Clearing the --owner \(-o\) option.*\n(.*\n)*receiving incremental file list/)
  t.equal(said[1], said[0])
  t.end()
})

t.test('where it stands already, nothing of it is wanted', { skip: noRsync }, (t) => {
  const home = stage(t)
  run(home, OURS, '-a', '--write-batch=B', 'src/', 'W/')
  const [theirs, ours] = [THEIRS, OURS].map((program) =>
    run(home, program, '-ai', '--read-batch=B', 'W/'),
  )
  t.match(ours, { status: 0, said: /^\(Skipping batched update for "big"\)$/m })
  t.same(ours, theirs)
  t.end()
})

t.test('what is wanted and is not in it is told, and the rest is done', (t) => {
  const home = stage(t)
  spawnSync('cp', ['-a', 'src/sub/f5', 'dst/sub/'], { cwd: home })
  copyOf(home, 'W')
  run(home, OURS, '-a', '--write-batch=B', 'src/', 'W/')
  mkdirSync(join(home, 'R'))
  cpSync(join(home, 'dst/big'), join(home, 'R/big'), { preserveTimestamps: true })
  mkdirSync(join(home, 'R/sub'))
  cpSync(join(home, 'dst/sub/text'), join(home, 'R/sub/text'), { preserveTimestamps: true })
  const ran = run(home, OURS, '-a', '--read-batch=B', 'R/')
  t.match(ran, { status: 23, said: /^\(No batched update for "sub\/f5"\)$/m })
  const left = differences(join(home, 'src'), join(home, 'R'))
  t.ok(
    left.length > 0 && left.every((what) => what.includes('f5') || what.includes('sub')),
    `${left}`,
  )
  t.end()
})

t.test('another file than the batch was made for is not made into nonsense', (t) => {
  const home = stage(t)
  copyOf(home, 'R')
  run(home, OURS, '-a', '--write-batch=B', 'src/', 'dst/')
  const other = seededRandom(9).bytes(200_900)
  writeFileSync(join(home, 'R/big'), other)
  const ran = run(home, OURS, '-a', '--read-batch=B', 'R/')
  t.match(ran, { status: 23, said: /big failed verification -- update discarded/ })
  t.ok(readFileSync(join(home, 'R/big')).equals(other))
  t.ok(existsSync(join(home, 'R/sub/f5')), 'the rest is there')
  t.end()
})

t.test('what is no batch, or half of one', (t) => {
  const home = stage(t)
  run(home, OURS, '-a', '--write-batch=B', 'src/', 'W/')
  const batch = readFileSync(join(home, 'B'))
  const half = batch.subarray(0, batch.length / 2)
  const CASES: [string, Uint8Array | null, number][] = [
    ['missing', null, 11],
    ['text', Buffer.from('#!/bin/sh\nexit 0\n'), 2],
    ['empty', Buffer.alloc(0), 12],
    ['half', half, 12],
  ]
  for (const [name, bytes, status] of CASES) {
    if (bytes !== null) writeFileSync(join(home, name), bytes)
    mkdirSync(join(home, `to-${name}`))
    const ran = run(home, OURS, '-a', `--read-batch=${name}`, `to-${name}/`)
    t.match(ran, { status, said: /^prsync: .*/m }, name)
    t.notMatch(ran.said, /^ +at /m, 'no stack')
    t.same(
      readdirSync(join(home, `to-${name}`)).filter((n) => n.startsWith('.')),
      [],
    )
  }
  const refusals: [string, number][] = [
    ['--read-batch=B x:d', 1],
    ['--read-batch=B src d', 1],
    ['--read-batch=B', 1],
    ['--read-batch=B --write-batch=C d', 1],
    ['--read-batch=B --files-from=l d', 1],
    ['--write-batch=none/B src/ d', 3],
    ['--write-batch=C --checksum-choice=xxh64 src/ d', 4],
    ['-z --write-batch=C --compress-choice=lz4 src/ d', 4],
  ]
  for (const [line, status] of refusals)
    t.equal(run(home, OURS, '-a', ...line.split(' ')).status, status, line)
  t.end()
})

t.test('from a pipe', (t) => {
  const home = stage(t)
  copyOf(home, 'R')
  run(home, OURS, '-a', '--write-batch=B', 'src/', 'dst/')
  const piped = spawnSync('sh', ['-c', `cat B | '${OURS.join("' '")}' -a --read-batch=- R/`], {
    cwd: home,
  })
  t.equal(piped.status, 0)
  t.same(differences(join(home, 'dst'), join(home, 'R')), [])
  t.end()
})

t.test('a dry run writes nothing down', (t) => {
  const home = stage(t)
  for (const option of ['--write-batch=B', '--only-write-batch=B']) {
    t.match(run(home, OURS, '-an', option, 'src/', 'dst/'), { status: 0 })
    t.notOk(existsSync(join(home, 'B')))
  }
  t.match(run(home, OURS, '-av', '--only-write-batch=B', 'src/', 'dst/').said, /\(BATCH ONLY\)/)
  t.end()
})

/** Any bytes end it with one of our errors, within the destination. */
t.test('a batch that was tampered with', (t) => {
  const home = stage(t)
  run(home, OURS, '-aH', '--write-batch=B', 'src/', 'W/')
  const batch = readFileSync(join(home, 'B'))
  const random = seededRandom(11)
  const before = readdirSync(home).sort().concat('R', 'M').sort()
  for (let i = 0; i < 8; i++) {
    const bad = Buffer.from(batch)
    for (let n = 0; n < 4; n++)
      bad[14 + random.below(Math.min(900, bad.length - 14))] = random.below(256)
    writeFileSync(join(home, 'M'), bad)
    mkdirSync(join(home, 'R'), { recursive: true })
    const ran = run(home, OURS, '-aH', '--read-batch=M', 'R/')
    t.ok([0, 2, 11, 12, 23].includes(ran.status ?? -1), `${i}: ${ran.status}`)
    t.notMatch(ran.said, /^ +at |TypeError|RangeError/m)
    t.same(readdirSync(home).sort(), before, 'nothing beside the destination')
  }
  t.end()
})

t.test('a batch has no sources to remove', { skip: noRsync }, (t) => {
  const home = stage(t)
  for (const program of [OURS, THEIRS])
    t.match(run(home, program, '-a', '--remove-source-files', '--read-batch=B', 'R/'), {
      status: 1,
      said: /--read-batch cannot be used with --remove-source-files/,
    })
  t.end()
})
