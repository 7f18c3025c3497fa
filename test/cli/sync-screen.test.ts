/** What a copy says, beside the real rsync, byte for byte but for times and what goes over its wire. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, watch, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { COMPRESSORS } from '../../lib/wire/negotiate.js'
import { PROGRAM } from '../support/program.js'
import { noRsync, rsync, type Said } from '../support/real-rsync.js'

function prsync(args: readonly string[], cwd: string, input = ''): Said {
  return spawnSync(process.execPath, [PROGRAM, ...args], {
    cwd,
    input,
    encoding: 'latin1',
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
  })
}

/** Of our own, as tap cannot remove names that are not UTF-8. */
function folder(t: Test): string {
  const home = mkdtempSync(join(tmpdir(), 'prsync-screen-'))
  t.teardown(() => {
    spawnSync('rm', ['-rf', home])
  })
  return home
}

const MAKE = `
rm -rf s o e; mkdir -p s/sub; cd s; echo hi > a; head -c 300000 /dev/zero > big; echo x > sub/y; ln -s a l; mkfifo ff
touch -d '1960-01-01 01:02:03' old; printf x > "$(printf 'n\\tl\\n\\\\#012\\\\#12x\\303\\251\\377')"; ln -s nix dang; chmod 4711 old
find . -exec touch -h -d @1700000000 {} +; touch -d '1960-01-01 01:02:03' old
cd ..; cp -a s o; touch -d 2020-01-01 o/a o/sub/y; rm o/l o/big; mkdir o/ex; touch o/ex/f o/extra; echo longer > o/old
touch -d @1700000000 s s/sub; rm -f LOG`

const LINES = [
  '-av s/ e',
  '-ai s/ e',
  '-aii s/ o',
  '-ai --delete s/ o',
  '-avn --delete s/ o',
  '-a --out-format=%n|%i|%L|%l|%M|%B|%o|%f|%U|%G|%m|%C|%%|%q|%5q|%a|%- s/ o',
  "-a --out-format=%'10l|%-10l|%''l|%'''l|%-20n|%15L|%30M|%012l --cc=xxh64 s/ o",
  '-a --out-format=%o|%n|%C --cc=md5 --delete s/ o',
  '-a --out-format=x --delete s/ o',
  '-aP s/ e',
  '-aPi -hh --no-inc-recursive s/ o',
  '-av --no-i-r s/ e',
  '-a --stats --delete -h s/ o',
  '-an --stats s/ o',
  '-av --stats s/ e',
  '-r -h s/',
  '-rl -8 s/',
  '--list-only -dU s/ff',
  '--list-only -dU s/sub',
  '-r --no-h s/',
  '-rv s/',
  'nope s',
  '-aq s/ e',
  '-av s/a e',
  '-avR s/sub/y s/a e',
  '-v s/a s/sub e',
  '-vd s/sub/ e',
  '-avm --delete-after s/ o',
  '-av nope s/ e',
  '-av --log-file=LOG s/ o',
  '-a --log-file=LOG --delete --stats s/ o',
  '-aq --log-file=LOG --log-file-format=%o|%n|%L|%i|%B --delete s/ o',
]

/** Rates, stamps and figures of the wire are not the same twice; the first of two lines of a small file may be missing. */
function comparable(text: string, home: string): string {
  const lines = withoutFigures(text, home).split('\n')
  // Two processes of rsync tell these and the rest.
  const isDeletion = (line: string): boolean => /^(STAMP )?(\*deleting|deleting|del\.)/.test(line)
  return [...lines.filter(isDeletion), ...lines.filter((line) => !isDeletion(line))].join('\n')
}
function withoutFigures(text: string, home: string): string {
  return text
    .replaceAll(home, '{}')
    .replace(/\r/g, '@')
    .replace(/[ 0-9.]+[kMG]B\/s +\d+:\d\d:\d\d/g, ' RATE')
    .replace(/@ +[\d,.KM]+ +\d+% RATE {2}(?=@)/g, '')
    .replace(/\bsent [\d,.KM]+ bytes .*/g, 'SENT')
    .replace(/(speedup is|Total bytes (sent|received)|generation time).*/g, '$1')
    .replace(/^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d \[\d+\]/gm, 'STAMP')
    .replace(/ at [a-z]+\.c.*$/gm, '')
    .replace(/\brsync( error)?: /g, 'prsync$1: ')
}

t.test('lines, log and status are those of rsync', { skip: noRsync }, async (t) => {
  for (const line of LINES) {
    const [theirs, ours] = [rsync, prsync].map((program) => {
      const home = folder(t)
      spawnSync('sh', ['-c', MAKE], { cwd: home })
      const said = program(line.split(' '), home)
      const log = line.includes('LOG') ? readFileSync(`${home}/LOG`, 'latin1') : ''
      const [out, err, logged] = [said.stdout, said.stderr, log].map((s) => comparable(s, home))
      return { status: said.status, out, err, logged }
    })
    t.same(ours, theirs, line)
  }
})

t.test('statuses that only a run can find', { skip: noRsync }, async (t) => {
  const home = t.testdir({ s: { a: 'a', b: 'b' } })
  for (const line of [
    '-a --exclude-from=nope s/ d',
    '-a --files-from=nope s/ d',
    '-a --filter=bad s/ d',
    '-a --temp-dir=nope s/ d',
    '-a --usermap=1 s/ d',
    '-a --chmod=q s/ d',
    '-a s/a s/b x/y',
    '-a s/a s/b s/a',
    '-aR s/../s/a d',
    '--ignore-missing-args nope d',
    '-a --files-from=- s/ s/ d',
    '',
  ]) {
    const words = line.split(' ').filter((word) => word !== '')
    t.equal(prsync(words, home).status, rsync(words, home).status, line)
  }
})

t.test('names of arguments need not be UTF-8', async (t) => {
  const home = folder(t)
  mkdirSync(Buffer.from(`${home}/\xff`, 'latin1'))
  writeFileSync(Buffer.from(`${home}/\xff/\xe9`, 'latin1'), 'x')
  const { status } = spawnSync(
    'sh',
    [
      '-c',
      `exec "$0" "$1" -a "$(printf '\\377/')" "$(printf 'd\\376')"`,
      process.execPath,
      PROGRAM,
    ],
    { cwd: home },
  )
  t.equal(status, 0)
  t.same(readdirSync(Buffer.from(`${home}/d\xfe`, 'latin1'), 'latin1' as BufferEncoding), ['\xe9'])
})

t.test('a signal leaves nothing half made; --partial keeps it', async (t) => {
  for (const [options, left] of [
    [[], []],
    [['--partial'], ['big']],
    [['--partial-dir=.part'], ['.part']],
  ] as const) {
    const home = t.testdir({ s: { big: Buffer.alloc(4_000_000) }, d: {} })
    const watching = watch(`${home}/d`)
    const child = spawn(process.execPath, [PROGRAM, '-a', '--bwlimit=200', ...options, 's/', 'd'], {
      cwd: home,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    child.once('close', () => watching.close())
    // Until bytes of it stand there.
    for await (const _ of eventsOf(watching)) {
      const [made] = readdirSync(`${home}/d`)
      if (made !== undefined && readFileSync(`${home}/d/${made}`).length > 0) break
    }
    watching.close()
    child.kill('SIGTERM')
    const [status] = (await once(child, 'close')) as [number]
    t.equal(status, 20)
    t.equal(said, 'prsync error: received SIGINT, SIGTERM, or SIGHUP (code 20)\n')
    t.same(readdirSync(`${home}/d`), left)
  }
})

async function* eventsOf(watching: ReturnType<typeof watch>): AsyncGenerator<void> {
  let isOpen = true
  watching.once('close', () => (isOpen = false))
  while (isOpen) {
    await Promise.race([once(watching, 'change'), once(watching, 'close')])
    yield
  }
}

t.test('--version, -VV, words and help', async (t) => {
  const home = t.testdir({})
  const json = JSON.parse(prsync(['-VV'], home).stdout) as Record<string, unknown>
  t.equal(json['program'], 'prsync')
  t.match(prsync(['-a', '--version'], home).stdout, /^prsync {2}version .*\nCapabilities:\n.*ACLs/s)
  t.match(prsync(['--info=help'], home), { status: 0, stdout: /^PROGRESS /m })
  t.equal(prsync(['-h'], home).stdout, prsync(['--help'], home).stdout)
  if (noRsync === false) {
    const theirs = JSON.parse(rsync(['-VV'], home).stdout) as Record<string, object>
    t.same(Object.keys(json), Object.keys(theirs))
    t.same(Object.keys(json['capabilities'] as object), Object.keys(theirs['capabilities'] ?? {}))
    for (const key of ['protocol', 'checksum_list', 'daemon_auth_list'])
      t.same(json[key], theirs[key], key)
    const zstd = COMPRESSORS.includes('zstd') ? [] : ['zstd']
    t.same([...zstd, ...(json['compress_list'] as string[])], theirs['compress_list'])
    const [head = '', ...lists] = prsync(['--version'], home).stdout.split(/(?=^\w.*:$)/m)
    const [theirHead = '', ...theirLists] = rsync(['--version'], home).stdout.split(/(?=^\w.*:$)/m)
    t.equal(head.split('  ')[2]?.trim(), theirHead.split('\n')[0]?.split('  ')[2])
    t.same(
      lists.map((list) => list.split('\n')[0]),
      theirLists.map((list) => list.split('\n')[0]),
    )
  }
})
