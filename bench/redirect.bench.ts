/**
 * Redirects under load: wrk asks a centre that knows 2.2 million files and forty volunteers, and nginx's `return 302` beside it, turn by
 * turn in one run, each one process. Only ratios count. Run: node dist/bench/redirect.bench.js [--tiny] [--files N] [--runs 5] [--hot] [--profile DIRECTORY]
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort, listening } from '../test/support/ports.js'

const CENTRE = fileURLToPath(new URL('redirect-centre.js', import.meta.url))
const tiny = process.argv.includes('--tiny')
/** Of each thousand requests most go to few files, as in life; else all files are asked for alike. */
const hot = process.argv.includes('--hot')
const RUNS = Number(given('--runs') ?? (tiny ? 1 : 5))
const FILES = Number(given('--files') ?? (tiny ? 1000 : 2_200_000))
const SECONDS = Number(given('--seconds') ?? (tiny ? 1 : 5))
const CONNECTIONS = 32

function given(option: string): string | undefined {
  const at = process.argv.indexOf(option)
  return at < 0 ? undefined : process.argv[at + 1]
}

/** Each request another file; half a load by waiting in between. */
function wrkScript(delayMs: number, run: number): string {
  const next = hot
    ? `local i = math.random() < 0.9 and math.random(0, ${Math.min(FILES, 1000) - 1}) or math.random(0, ${FILES - 1})`
    : `local i = math.random(0, ${FILES - 1})`
  return `
local n = 0
function init() math.randomseed(${run}) end
function request()
  ${next}
  n = n + 1
  local path = string.format('/m/pool/d%06d/package-%07d_1.2.3-4_amd64.deb', math.floor(i / 100), i)
  return wrk.format('GET', path, { ['User-Agent'] = 'client/${run}.' .. n })
end
${delayMs > 0 ? `function delay() return math.random(0, ${2 * delayMs}) end` : ''}
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format('RESULT %d %d %d %d\\n', summary.requests, summary.duration, latency:percentile(99), errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end
`
}

type Figures = { readonly rate: number; readonly p99Ms: number; readonly cpuUs: number }
type Server = { readonly port: number; readonly child: ChildProcess }

/** Processor time of a process so far, its own and the system's for it, in µs: proc(5), in hundredths of a second. */
function cpuUs({ pid }: ChildProcess): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10_000
}

let loads = 0
function load({ port, child }: Server, home: string, delayMs: number): Figures {
  const script = join(home, `${delayMs}.lua`)
  writeFileSync(script, wrkScript(delayMs, ++loads))
  const before = cpuUs(child)
  const args = ['-t', '1', '-c', `${CONNECTIONS}`, '-d', `${SECONDS}`, '-s', script]
  const { stdout, stderr } = spawnSync('wrk', [...args, `http://127.0.0.1:${port}/`], {
    encoding: 'utf8',
  })
  const [, requests, us, p99, errors] = /RESULT (\d+) (\d+) (\d+) (\d+)/.exec(stdout) ?? []
  if (requests === undefined || errors !== '0') throw new Error(`wrk: ${stdout}${stderr}`)
  return {
    rate: (Number(requests) * 1e6) / Number(us),
    p99Ms: Number(p99) / 1000,
    cpuUs: (cpuUs(child) - before) / Number(requests),
  }
}

async function startNginx(home: string): Promise<Server> {
  const port = await freePort()
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (each) => `${each}_temp_path ${home}/nginx-${each};`,
  )
  writeFileSync(
    join(home, 'nginx.conf'),
    `daemon off; master_process off; pid ${home}/nginx.pid; error_log /dev/null;
events { worker_connections 1024; }
http { access_log off; keepalive_requests 1000000000; ${temporary.join(' ')}
  server { listen 127.0.0.1:${port}; return 302 http://mirror-1.example.org/debian$request_uri; } }`,
  )
  const child = spawn('/usr/sbin/nginx', ['-c', join(home, 'nginx.conf')], { stdio: 'ignore' })
  await listening(port, child)
  return { port, child }
}

async function startOurs(home: string): Promise<Server> {
  const child = spawn(process.execPath, [...PROFILE, CENTRE, home, `${FILES}`, '40'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [port] = (await once(child.stdout, 'data')) as [Buffer]
  return { port: Number(port.toString()), child }
}
const at = given('--profile')
const PROFILE = at === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${at}`]

/** What both say: a 302 to a volunteer. */
async function check(port: number): Promise<void> {
  const path = '/m/pool/d000001/package-0000123_1.2.3-4_amd64.deb'
  const { status, headers } = await fetch(`http://127.0.0.1:${port}${path}`, {
    redirect: 'manual',
  })
  const location = headers.get('location') ?? ''
  if (status !== 302 || !location.startsWith('http://mirror-') || !location.endsWith(path))
    throw new Error(`port ${port} says ${status} ${location}`)
}

function shown({ rate, cpuUs }: Figures): string {
  return `${rate.toFixed(0)}/s, ${cpuUs.toFixed(1)} µs each`
}

function median(figures: readonly number[]): number {
  return [...figures].sort((a, b) => a - b)[Math.floor(figures.length / 2)] ?? 0
}

const home = mkdtempSync(join(tmpdir(), 'prsync-redirect-bench-'))
const servers: ChildProcess[] = []
try {
  const nginx = await startNginx(home)
  servers.push(nginx.child)
  const ours = await startOurs(home)
  servers.push(ours.child)
  await check(nginx.port)
  await check(ours.port)
  const pairs: { theirs: Figures; own: Figures }[] = []
  for (let run = 0; run < RUNS; run++) {
    const pair = { theirs: load(nginx, home, 0), own: load(ours, home, 0) }
    pairs.push(pair)
    console.log(`run ${run + 1}: nginx ${shown(pair.theirs)}; prsync ${shown(pair.own)}`)
  }
  const rate = median(pairs.map(({ own }) => own.rate))
  const rates = median(pairs.map(({ own, theirs }) => own.rate / theirs.rate))
  const costs = median(pairs.map(({ own, theirs }) => own.cpuUs / theirs.cpuUs))
  const half = load(ours, home, Math.max(1, Math.round((CONNECTIONS * 2000) / rate)))
  console.log(
    `${FILES} files, 40 volunteers: ${rates.toFixed(3)} of nginx, ${costs.toFixed(1)} times its processor time; at ${(half.rate / rate).toFixed(2)} of that load p99 ${half.p99Ms.toFixed(1)} ms`,
  )
} finally {
  for (const child of servers) child.kill('SIGTERM')
  await Promise.all(servers.map((child) => (child.exitCode === null ? once(child, 'close') : null)))
  rmSync(home, { recursive: true, force: true })
}
