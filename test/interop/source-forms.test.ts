/** Several sources in the forms a user gives them, which have names in common: from here, from a server. Beside the real rsync. */
import { spawnSync } from 'node:child_process'
import { chmodSync, readdirSync } from 'node:fs'
import t from 'tap'
import { PROGRAM, prsync } from '../support/program.js'
import { noRsync } from '../support/real-rsync.js'
import { sideBySide } from '../support/side-by-side.js'

/** `deep` is in two, with other contents and rights; in a third it is a file. */
const TREE = `
mkdir -p s/only/deep s/only/z s/one/deep/sub s/two/deep/sub s/three && chmod 700 s/one/deep && cd s
echo 8 >only/deep/f && echo 9 >only/z/f && echo 1 >one/a && echo 12 >one/deep/c && echo x >one/deep/x && echo 5 >one/deep/sub/f
echo 2 >two/b && echo 3 >two/deep/c && echo 6 >two/deep/sub/g && echo 123 >three/a && echo no >three/deep && ln -s one to
cd .. && find s -exec touch -d 2001-01-01 {} +
printf '#!/bin/sh\\nshift\\nexec sh -c "$*"\\n' >rsh && chmod 700 rsh`

const FORMS: readonly (readonly [options: string, sources: string])[] = [
  ['-a', 'one/ two/'],
  ['-a', 'two/ one/'],
  ['-a', 'one two/'],
  ['-a', './ two/'],
  ['-a', 'one/a two/'],
  ['-a', 'one/ one/'],
  ['-a', 'one/ two/deep three/'],
  ['-a', 'two/deep three/ one/'],
  ['-a', 'three/ one/ two/deep/sub'],
  ['-a', 'one/. two/deep/..'],
  ['-a', 'only/ three/deep'],
  ['-a --no-i-r', 'two/deep one/'],
  ['-aR', './one/deep/c ./one/ two/'],
  ['-aR --delete', './one/deep/c ./two/deep'],
  ['-ad --no-r', 'one/ two/deep'],
  ['-aR', './one/deep/c'],
  ['-aHR', 'to/ three/a/ to'],
  ['-aR --no-implied-dirs', './one/deep/c ./one/deep'],
  ['-aR --no-implied-dirs --existing', './one/deep/c'],
  ['-aR --no-implied-dirs --no-i-r --delete', './two/deep/sub ./one'],
  ['-adR --no-r --no-implied-dirs', './one/deep/c ./one'],
]

for (const [options, sources] of FORMS)
  t.test(`${options} ${sources}`, { skip: noRsync }, async (t) => {
    for (const from of [[], ['rsync'], ['{program}']]) {
      const remote = from.flatMap((path) => ['-e', './rsh', `--rsync-path=${path}`])
      const host = remote.length > 0 ? 'h:' : ''
      const names = sources.split(' ').map((name) => `${host}s/${name}`)
      const args = [...options.split(' '), '--out-format=%i %n %l', ...remote, ...names, 'd/']
      const { rsync, prsync } = sideBySide(t.testdir({}), TREE, args, 'd')
      t.same(prsync, { ...rsync, stderr: '' }, from.join())
    }
  })

t.test('to a server', { skip: noRsync }, async (t) => {
  for (const options of ['-ai', '-aiR', '-rtv --list-only', '-avn --stats', '-av --progress'])
    for (const path of ['rsync', '{program}']) {
      const remote = ['-e', './rsh', `--rsync-path=${path}`]
      const args = [...options.split(' '), ...remote, 's/one', 's/two/deep', 'h:d']
      const { rsync, prsync } = sideBySide(t.testdir({}), TREE, args, '. ! -path "./s*"')
      const out = (lines: readonly string[]): readonly string[] =>
        lines.flatMap((line) => {
          if (/^(sent|total size|Total bytes|File list) /.test(line)) return []
          // How fast it was.
          return line.replace(/ +[\d.]+[kMG]?B\/s +[\d:]+ */g, '')
        })
      t.same(prsync.stands, rsync.stands, `${options} ${path}`)
      t.same(out(prsync.out), out(rsync.out), `${options} ${path}`)
      t.equal(prsync.status, rsync.status, prsync.stderr)
    }
})

/** What stands where it goes, and the path that is given; `d` leads to `real` where it is a link. */
const PLACES: readonly (readonly [before: string, destination: string])[] = [
  [':', 'd'],
  [':', 'd/'],
  [':', './d//'],
  [':', 'd/.'],
  [':', 'd/new'],
  ['echo f >d', 'd'],
  ['echo f >d', 'd/.'],
  ['echo f >d', 'd/new'],
  ['mkdir d', 'd/new'],
  ['mkdir real; ln -s real d', 'd/new/'],
  ['ln -s nowhere d', 'd'],
  ['ln -s nowhere d', 'd/'],
  ['echo f >real; ln -s real d', 'd'],
]
const OVER = ['-e', './rsh', '--rsync-path=rsync']
for (const source of ['top', 'empty', 'empty/', 'top link', 'top top'])
  t.test(`${source}, wherever it goes`, { skip: noRsync }, async (t) => {
    for (const [before, destination] of PLACES)
      for (const remote of source === 'empty' ? [[], OVER] : [[]]) {
        const host = remote.length > 0 ? 'h:' : ''
        const names = source.split(' ').map((name) => `${host}s/${name}`)
        const script = `${TREE}\nmkdir s/empty && echo 1 >s/top && ln -s top s/link && touch -h -d 2001-01-01 s/*\n${before}`
        const args = ['-ai', ...remote, ...names, destination]
        const { rsync, prsync } = sideBySide(t.testdir({}), script, args, '. ! -path "./s*"')
        const where = `${before} ${destination} ${host}`
        t.same(prsync.stands, rsync.stands, where)
        t.same(prsync.out, rsync.out, where)
        t.equal(prsync.status, rsync.status, `${where} ${prsync.stderr}`)
      }
  })

// It is the only entry, so the directory that is open is the one it goes into: what else stands there stays.
t.test('an empty directory that comes alone deletes nothing beside it', { skip: noRsync }, (t) => {
  const script = `${TREE}\nmkdir -p s/empty d/other d/empty && echo important | tee d/other/f >d/empty/f`
  for (const source of ['empty/', 'empty'])
    for (const how of ['', '-before', '-during', '-delay', '-after', '-excluded'])
      for (const remote of [[], OVER, ['-e', './rsh', '--rsync-path={program}']]) {
        const from = `${remote.length > 0 ? 'h:' : ''}s/${source}`
        const args = ['-ai', `--delete${how}`, ...remote, from, 'd/new']
        const { rsync, prsync } = sideBySide(t.testdir({}), script, args, 'd')
        t.match(rsync.stands.join(' '), 'd/other/f')
        t.same(prsync, { ...rsync, stderr: '' }, args.join(' '))
      }
  t.end()
})

// Deletions go by what was in the list, also where the source is gone by then.
t.test(
  'deletions take the source away, or a link of it leads to nothing',
  { skip: noRsync },
  (t) => {
    const script = `${TREE}\nln -s nowhere s/one/dangling; mkdir -p d/deep && echo e | tee d/extra >d/deep/extra`
    for (const [options, sources, to, watched] of [
      ['-a --delete-after', 's/one/ s/two/', '.', '. ! -name rsh'],
      ['-aL --delete', 's/one/', 'd', 'd'],
      ['-aL --delete-before', 's/one/', 'd', 'd'],
      ['-aL --delete-after', 's/one/', 'd', 'd'],
      ['-aL --delete-after --ignore-errors', 's/one/', 'd', 'd'],
      ['-a --copy-unsafe-links --delete', 's/one/', 'd', 'd'],
    ] as const)
      for (const remote of [[], OVER, ['-e', './rsh', '--rsync-path={program}']]) {
        const host = remote.length > 0 ? 'h:' : ''
        const names = sources.split(' ').map((name) => host + name)
        const args = [...options.split(' '), '-i', ...remote, ...names, to]
        const { rsync, prsync } = sideBySide(t.testdir({}), script, args, watched)
        const where = args.join(' ')
        t.same(prsync.stands, rsync.stands, where)
        // Whether the sender or the receiver speaks first is chance.
        t.same([...prsync.out].sort(), [...rsync.out].sort(), where)
        t.equal(prsync.status, rsync.status, `${where}: ${prsync.stderr}`)
      }
    t.end()
  },
)

const needsRoot = process.geteuid?.() === 0 ? noRsync : 'needs root, to be somebody else'
t.test('what may not be read does not keep the rest', { skip: needsRoot }, async (t) => {
  const lines = [
    '-a --delete closed/ open/ out/a',
    '-a closed/x open/ out/b',
    '-aR closed/x/ open/ out/c',
    '-a --delete-missing-args closed/y/x open/ out/d',
    '-a closed/ out/e',
    '-a open/ closed',
    '-a open/f closed/new',
  ]
  for (const line of lines) {
    const [theirs, ours] = [['rsync'], [process.execPath, PROGRAM]].map((program) => {
      const home = t.testdir({ closed: { x: '1' }, open: { f: 'f' }, out: {} })
      // As nobody, to whom what a test runner has its children load is closed too.
      chmodSync(`${home}/closed`, 0o700)
      chmodSync(`${home}/out`, 0o777)
      const words = ['-i', `PATH=${process.env['PATH'] ?? ''}`, ...program, ...line.split(' ')]
      const ran = spawnSync('env', words, { cwd: home, encoding: 'utf8', uid: 65_534, gid: 65_534 })
      const said = ran.stderr.split('\n').filter((text) => /Permission denied/.test(text))
      return {
        status: ran.status,
        said: said.length,
        stands: readdirSync(`${home}/out`, { recursive: true }),
      }
    })
    t.equal(theirs?.said, 1, line)
    t.same({ ...ours, said: 1 }, theirs, line)
  }
})

// One of the names stands for all; where it is left as it is, the others must not wait for it, as they do in rsync.
t.test('hard links of which one cannot be made', { skip: noRsync }, async (t) => {
  const script = `${TREE}\nfor n in b c z; do ln s/one/a s/one/$n; done; mkdir -p d/one/z/full d/one/c/full`
  for (const [option, status, stand] of [
    ['--partial', 23, ['a', 'b']],
    ['--max-size=1', 0, []],
    ['--existing', 23, []],
    ['--ignore-existing', 0, ['a', 'b']],
  ] as const) {
    const home = t.testdir({})
    spawnSync('sh', ['-ec', script], { cwd: home })
    const over = ['-e', `${home}/rsh`, '--rsync-path=rsync']
    const ran = await prsync(['-aH', option, ...over, `h:${home}/s/one`, `${home}/d`])
    t.equal(ran.status, status, `${option}: ${ran.stderr}`)
    const files = readdirSync(`${home}/d/one`, { withFileTypes: true }).filter((e) => e.isFile())
    t.same(files.map((e) => e.name).sort(), stand, option)
  }
})

// The sender waits after some entries for what the receiver makes of them, who must not wait for the end of the lists.
t.test('a directory of thousands of files, named without a slash', { skip: noRsync }, async (t) => {
  const script = `mkdir s && cd s && for d in 1 2 3; do mkdir $d; (cd $d && seq 1500 | xargs touch); done; cd ..
printf '#!/bin/sh\\nshift\\nexec sh -c "$*"\\n' >rsh && chmod 700 rsh`
  const args = ['-a', ...OVER, 'h:s', 'd']
  const { rsync, prsync } = sideBySide(t.testdir({}), script, args, 'd')
  t.same(prsync.stands, rsync.stands)
  t.equal(prsync.status, 0, prsync.stderr)
})

t.test('--remove-source-files of what two sources lead to', { skip: noRsync }, async (t) => {
  for (const remote of [[], ['-e', './rsh', '--rsync-path={program}']]) {
    const host = remote.length > 0 ? 'h:' : ''
    const sources = ['s/one', 's/one/deep/sub', 's/'].map((path) => host + path)
    const args = ['-a', '--remove-source-files', ...remote, ...sources, 'd/']
    const { prsync } = sideBySide(t.testdir({}), TREE, args, 'd s -type f')
    const { prsync: whole } = sideBySide(
      t.testdir({}),
      TREE,
      ['-a', ...sources.map((path) => path.replace('h:', '')), 'd/'],
      'd -type f',
    )
    t.equal(prsync.status, 0, prsync.stderr)
    t.same(prsync.stands, whole.stands, 'all at the destination, nothing at the source')
    if (host === '') t.match(prsync.out, ['sender file already removed: sub/f'])
  }
})

t.test(
  'a file whose directory --mkpath makes, also by a name that leads back to it',
  { skip: noRsync },
  async (t) => {
    for (const source of ['s/one/a', 's/to'])
      for (const to of ['d/.', 'd/x/.', 'd/x/..', 'd/n', 'd/x/n'])
        for (const flags of ['-a', '-an']) {
          const args = [flags, '--mkpath', '--out-format=%i %n', source, to]
          const { rsync, prsync } = sideBySide(t.testdir({}), TREE, args, 'd')
          t.same(prsync, { ...rsync, stderr: '' }, `${source} ${to}`)
        }
  },
)

t.test('--stats counts what came twice', { skip: noRsync }, async (t) => {
  const figures = (lines: readonly string[]): readonly string[] =>
    lines.filter((line) => /^(Number of (created )?files|Total file size)/.test(line))
  for (const sources of [
    'one/ two/',
    'one/a one/a',
    'one one',
    'one/ one/a ./',
    'two/deep one/deep',
  ])
    for (const options of ['-a', '-rt --no-i-r']) {
      if (sources === 'one one' && options !== '-a') continue // rsync lists that twice
      const names = sources.split(' ').map((name) => `s/${name}`)
      const args = [...options.split(' '), '--stats', ...names, 'd/']
      const { rsync, prsync } = sideBySide(t.testdir({}), TREE, args, 'd')
      t.equal(figures(rsync.out).length, 3)
      t.same(figures(prsync.out), figures(rsync.out), `${options} ${sources}`)
    }
})

t.test(
  'without -p a new file has the mode of another one under its name',
  { skip: noRsync },
  async (t) => {
    const tree = `mkdir s alt d && echo new >s/f && echo same >s/g && cp -p s/g alt/g && echo oldold >alt/f
chmod 600 alt/f && chmod 640 alt/g && chmod 644 s/f s/g && touch -d @1500000000 alt/f`
    for (const options of ['-rt', '-rpi', '-ri', '-rti --no-W', '-rlpti'])
      for (const kind of ['link', 'copy', 'compare']) {
        const args = [
          ...options.split(' '),
          `--${kind}-dest=../alt`,
          '--out-format=%i %n',
          's/',
          'd/',
        ]
        const { rsync, prsync } = sideBySide(t.testdir({}), tree, args, 'd')
        t.same(prsync, { ...rsync, stderr: '' }, `${options} --${kind}-dest`)
      }
  },
)

t.test('--no-implied-dirs lists none either', { skip: noRsync }, (t) => {
  for (const how of ['--no-implied-dirs', '--implied-dirs']) {
    const args = ['-rR', '--list-only', how, 's/one/deep/c', 's/two/deep']
    const { rsync, prsync } = sideBySide(t.testdir({}), TREE, args, 's')
    const names = (lines: readonly string[]): readonly string[] =>
      lines.map((line) => line.replace(/^.* /, ''))
    t.same(names(prsync.out), names(rsync.out), how)
  }
  t.end()
})

// It may be a file system that is not mounted.
t.test('a directory of sources that is not there holds deletions back', { skip: noRsync }, (t) => {
  const script = `${TREE}; ln -s nowhere s/dangling; echo f >s/file; mkdir -p d/old`
  for (const missing of [
    'nothing/',
    'nothing/.',
    'nothing/x',
    'file/',
    'file/x',
    'dangling/',
    'nothing',
  ])
    for (const how of ['', '--delete-missing-args'])
      for (const remote of how === '' ? [[], ['-e', './rsh', '--rsync-path={program}']] : [[]]) {
        const host = remote.length > 0 ? 'h:' : ''
        const sources = [`${host}s/${missing}`, `${host}s/one/`]
        const options = ['-ai', '--delete', ...(how === '' ? [] : [how]), ...remote]
        const { rsync, prsync } = sideBySide(
          t.testdir({}),
          script,
          [...options, ...sources, 'd/'],
          'd',
        )
        const where = `${how} ${sources.join(' ')}`
        t.same(prsync.stands, rsync.stands, where)
        t.same([...prsync.out].sort(), [...rsync.out].sort(), where)
        t.equal(prsync.status, rsync.status, `${where}: ${prsync.stderr}`)
      }
  for (const base of ['nothing', 'file', 'nothing/x/']) {
    const args = ['-a', '--files-from=names', `s/${base}`, 'd/new']
    const { rsync, prsync } = sideBySide(t.testdir({}), `${script}; echo one >names`, args, 'd')
    t.equal(rsync.status, 3)
    t.same([prsync.status, prsync.stands], [rsync.status, rsync.stands], base)
  }
  t.end()
})

t.test(
  'a link that leads round in circles is no directory that went away',
  { skip: noRsync },
  (t) => {
    const script = `${TREE}; ln -s . s/one/deep/round`
    for (const how of ['-aL', '-ak', '-aLK']) {
      const { rsync, prsync } = sideBySide(t.testdir({}), script, [how, 's/one/', 'd/'], 'd')
      t.equal(rsync.status, 23)
      t.same([prsync.status, prsync.stands], [rsync.status, rsync.stands], how)
    }
    t.end()
  },
)

t.test('a slash behind a link that leads to no directory', { skip: noRsync }, (t) => {
  const script = `${TREE}; ln -s nowhere s/dangling; ln -s one/a s/file
printf 'dangling/\\nfile/\\nto/\\none/a\\0lost\\n' >names`
  for (const options of ['-r', '-rl', '-rk', '-d']) {
    for (const source of ['dangling/', 'file/', 'file/.', 'to/'])
      same(['-R', `s/${source}`, 'd/'], options)
    same(['--files-from=names', 's', 'd/'], options)
    same(['--files-from=names', '--no-R', 's', 'd/'], options)
  }
  t.end()
  function same(rest: readonly string[], options: string): void {
    const { rsync, prsync } = sideBySide(t.testdir({}), script, [options, ...rest], 'd')
    const where = `${options} ${rest.join(' ')}`
    t.same([prsync.status, prsync.stands], [rsync.status, rsync.stands], where)
  }
})

/** Where the names are, where from, where to. */
const NAMED: readonly (readonly [names: string, from: string, to: string])[] = [
  ['h:', 'h:{}/', 'd/'],
  [':', 'h:{}/', 'd/'],
  ['h::', 'h:{}/', 'd/'],
  ['[h]:', 'h:{}/', 'd/'],
  ['h:', '', 'h:{}/d/'],
  ['h:', 'k:{}/', 'd/'],
  ['h:', 'u@h:{}/', 'd/'],
  ['u@h:', 'h:{}/', 'd/'],
  ['k:', 'h::m/', 'd/'],
  ['h:', '', 'k:{}/d/'],
  ['H:', '', 'h:{}/d/'],
  ['h:', '', 'd/'],
  [':', '', 'd/'],
]
for (const [names, from, to] of NAMED)
  t.test(`names from ${names}, ${from}s to ${to}`, { skip: noRsync }, async (t) => {
    const remote = ['-e', './rsh', '--rsync-path={program}', `--files-from=${names}{}/names`]
    const made = `${TREE}\nmkdir d\nprintf 'one/a\\ntwo/deep\\n' >names`
    const args = ['-ai', ...remote, `${from}s/`, to]
    const { rsync, prsync } = sideBySide(t.testdir({}), made, args, 'd')
    t.same({ ...prsync, stderr: '' }, { ...rsync, stderr: '' })
    const why = /^--files-from .*$/m.exec(rsync.stderr)?.[0] ?? ''
    t.equal(rsync.status, why === '' ? 0 : 1)
    t.equal(prsync.stderr.split('\n', 1)[0]?.replace('prsync: ', ''), why)
  })
