/** What is asked of the program a hundred times an hour, by scripts and by completion, starts as fast as Node does. */
import { spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { load } from '../../bin/load.js'
import { projectFile } from '../support/project.js'

const manifest = JSON.parse(readFileSync(projectFile('package.json'), 'utf8')) as {
  version: string
  dependencies: Record<string, string>
}
const PRSYNC = fileURLToPath(projectFile('dist/bin/prsync.cjs'))

const COMMANDS = [
  ...[
    'pull',
    'serve',
    'status',
    'publish',
    'verify',
    'torrent',
    'volunteer',
    'keygen',
    'completion',
  ],
]

function run(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const options = { encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '', ...env } } as const
  return spawnSync(process.execPath, [PRSYNC, ...args], options)
}

t.test('--version loads the bundle, and nothing of anybody else', async (t) => {
  const { stdout, stderr, status } = run(['--version'], { NODE_DEBUG: 'esm,module' })
  t.equal(status, 0)
  t.ok(stdout.startsWith(`prsync  version ${manifest.version}  protocol version 32\n`))
  const loaded = new Set(stderr.match(/\/dist\/(bin|lib)\/[\w/-]+\.c?js/g) ?? [])
  t.strictSame([...loaded].sort(), ['/dist/bin/prsync.cjs', '/dist/lib/bundle/program.cjs'])
  // tap's own hooks are loaded into every process under it.
  for (const name of Object.keys(manifest.dependencies))
    t.notOk(stderr.includes(`/node_modules/${name}/`), name)
})

t.test('V8 takes the code that the build kept', (t) => {
  t.equal(load().script.cachedDataRejected, false)
  t.end()
})

t.test('a V8 that is set otherwise does without that code', (t) => {
  const { stdout, status } = spawnSync(process.execPath, ['--max-lazy', PRSYNC, '--version'], {
    encoding: 'utf8',
  })
  t.equal(status, 0)
  t.ok(stdout.startsWith('prsync  version'))
  t.end()
})

t.test('each command has its help', async (t) => {
  const overview = run(['--help'])
  t.equal(overview.status, 0)
  for (const command of COMMANDS) {
    t.match(overview.stdout, new RegExp(`^ +${command} `, 'm'))
    const help = run([command, '--help'])
    t.equal(help.status, 0, command)
    t.match(help.stdout, /Example/, command)
  }
})

t.test('what is wrong or not built is said on stderr, with its status', async (t) => {
  const cases: ReadonlyArray<[args: string[], status: number, says: RegExp]> = [
    [['bogus'], 23, /link_stat ".*bogus" failed/],
    [['pull', '--bogus', 'http://x/y', 'z'], 1, /--bogus/],
    [['pull'], 1, /missing required argument/],
    [['pull', 'ftp://x/y', 'z'], 1, /http or https/],
    [['serve'], 1, /--tracker/],
    [['h:a', 'host:b'], 1, /cannot both be remote/],
    [['--iconv=no-such-set', 'a', 'host:b'], 4, /iconv_open\("UTF-8", "no-such-set"\) failed/],
    [['-a', '--read-batch=no-such-file', 'b'], 11, /cannot open batch no-such-file/],
    [['--bogus', 'a', 'b'], 1, /--bogus: unknown option\n.*\(code 1\)/],
    [['volunteer'], 1, /missing required argument/],
  ]
  for (const [args, status, says] of cases) {
    const ended = run(args)
    t.equal(ended.status, status, args.join(' '))
    t.match(ended.stderr, says)
    t.notMatch(ended.stderr, /internal error|^ +at /m)
    t.equal(ended.stdout, '')
  }
})

t.test('a reader that leaves early is no error', async (t) => {
  const child = spawn(process.execPath, [PRSYNC, 'pull', '--help'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  child.stdout.destroy()
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const status = await new Promise((resolve) => child.once('close', resolve))
  t.equal(said, '')
  t.equal(status, 0)
})
