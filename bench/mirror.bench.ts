/**
 * A large mirror on an ordinary day, beside rsync 3.5.0 over its own daemon: nothing changed, and 1.5 % changed in whole
 * directories, as releases change them. Time and bytes as ratios of one run; and the first index beside `openssl dgst`.
 * The peak of memory is that of the program alone, `VmHWM` of the centre and what `time` tells of a pull.
 * Run: node dist/bench/mirror.bench.js [--files N] [--home DIR] [--tiny]
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '../test/support/ports.js'

const PRSYNC = fileURLToPath(new URL('../bin/prsync.cjs', import.meta.url))
const tiny = process.argv.includes('--tiny')
const option = (name: string): string | undefined => {
  const at = process.argv.indexOf(name)
  return at > 0 ? process.argv[at + 1] : undefined
}
const FILES = Number(option('--files') ?? (tiny ? 2000 : 200_000))
const INDEX = fileURLToPath(new URL('./index-once.js', import.meta.url))
const A_DIRECTORY = 100
const RUNS = tiny ? 1 : 3
const RSYNC_PORT = await freePort()
const RSYNC = ['-a', '--stats', '--delete', '--exclude=/.~prsync~']

const given = option('--home')
/** What is made there by name stays for the next run. */
const home = given ?? mkdtempSync(join(tmpdir(), 'prsync-mirror-'))
const source = join(home, 'source')
/** One tree for both: each leaves it as it should be. */
const mirror = join(home, 'mirror')
const daemons: ChildProcess[] = []
try {
  if (!existsSync(source)) makeTree()
  say(`${FILES} files stand`)
  const centre = await startCentre()
  say(`the centre has its first snapshot: ${peakOf(centre.child)} MiB at most`)
  startRsyncDaemon()
  rsync()
  const adopted = pull(centre.url)
  say(`what rsync made is adopted: ${adopted.seconds.toFixed(1)} s, ${adopted.peak} MiB at most`)
  const list = report('nothing changed', centre.url)
  changeTree()
  centre.child.kill('SIGHUP')
  const began = performance.now()
  await centre.line(new RegExp(`m: sequence ${centre.sequence + 1}\\b`))
  say(`published again after ${((performance.now() - began) / 1000).toFixed(1)} s`)
  const us = pull(centre.url)
  undoTree()
  const them = rsync()
  row('1.5 % changed, seconds', us.seconds, them.seconds)
  // rsync sends its whole list each time: what it received when nothing had changed.
  row('1.5 % changed, bytes of metadata', us.metadata, list)
  say(`1.5 % changed: ${us.peak} MiB at most, the centre ${peakOf(centre.child)} MiB`)
  index()
} finally {
  for (const daemon of daemons) daemon.kill()
  if (given === undefined) rmSync(home, { recursive: true, force: true })
}

type Cost = { seconds: number; bytes: number }

/** @returns the bytes rsync received: its list. */
function report(what: string, url: string): number {
  const us: number[] = []
  const them: number[] = []
  let [ourBytes, theirBytes, peak] = [0, 0, 0]
  for (let run = 0; run < RUNS; run++) {
    const pulled = pull(url)
    us.push(pulled.seconds)
    ourBytes = pulled.metadata
    peak = Math.max(peak, pulled.peak)
    const synced = rsync()
    them.push(synced.seconds)
    theirBytes = synced.bytes
  }
  row(`${what}, seconds with the start of the program`, median(us), median(them))
  say(`${what}: ${peak} MiB at most`)
  row(`${what}, bytes received`, ourBytes, theirBytes)
  return theirBytes
}

function say(what: string): void {
  process.stdout.write(`${what}\n`)
}

/** MiB that a running program had at most. */
function peakOf({ pid }: ChildProcess): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Math.round(Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024)
}

function row(what: string, us: number, them: number): void {
  const figure = (n: number): string =>
    Number.isInteger(n) ? n.toLocaleString('en-US') : n.toFixed(2)
  process.stdout.write(
    `${what}: prsync ${figure(us)}, rsync ${figure(them)}, ratio ${(us / them).toFixed(3)}\n`,
  )
}

/** Sparse files of some thousand sizes: what counts here is their number. */
function makeTree(): void {
  for (let i = 0; i < FILES; i++) {
    const directory = join(
      source,
      `d${Math.floor(i / A_DIRECTORY / 100)}`,
      `p${Math.floor(i / A_DIRECTORY)}`,
    )
    if (i % A_DIRECTORY === 0) mkdirSync(directory, { recursive: true })
    const path = join(directory, `package-${i}_1.${i % 7}-1_amd64.deb`)
    writeFileSync(path, '')
    truncateSync(path, 1 + (i % 4000))
  }
}

/** One directory in sixty-six gets other versions of its packages. */
function changeTree(): void {
  const more = Math.floor(Date.now() / 1000) % 3000
  eachChanged((path, i) => truncateSync(path, 5000 + more + (i % 500)))
}

/** The same number of files change once more, for rsync: in the mirror, so that the centre has nothing new. */
function undoTree(): void {
  eachChanged((path) => truncateSync(path.replace(source, mirror), 0))
}

function eachChanged(change: (path: string, i: number) => void): void {
  for (let i = 0; i < FILES; i += A_DIRECTORY * 66) {
    const directory = join(
      source,
      `d${Math.floor(i / A_DIRECTORY / 100)}`,
      `p${Math.floor(i / A_DIRECTORY)}`,
    )
    for (let j = i; j < Math.min(i + A_DIRECTORY, FILES); j++)
      change(join(directory, `package-${j}_1.${j % 7}-1_amd64.deb`), j)
  }
}

type Centre = {
  child: ChildProcess
  url: string
  sequence: number
  line(pattern: RegExp): Promise<string>
}

async function startCentre(): Promise<Centre> {
  const args = [
    'serve',
    '--tracker',
    `m=${source}`,
    '--state',
    join(home, 'state'),
    '-v',
    '--listen',
    '127.0.0.1:0',
    '--peer-listen',
    '127.0.0.1:0',
  ]
  const child = spawn(process.execPath, [PRSYNC, ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
  daemons.push(child)
  let text = ''
  const waiting = new Set<() => void>()
  child.stderr?.on('data', (chunk: Buffer) => {
    text += chunk.toString()
    for (const look of waiting) look()
  })
  const line = (pattern: RegExp): Promise<string> =>
    new Promise((resolve) => {
      const look = (): void => {
        const found = text.split('\n').find((l) => pattern.test(l))
        if (found === undefined) return
        waiting.delete(look)
        resolve(found)
      }
      waiting.add(look)
      look()
    })
  const ready = await line(/serving m .* at (http:\S+)/)
  const [, sequence, url = ''] = /sequence (\d+).* at (http:\S+)/.exec(ready) ?? []
  return { child, url, sequence: Number(sequence), line }
}

type Pulled = { seconds: number; metadata: number; peak: number }

function pull(url: string): Pulled {
  const args = ['pull', url, mirror, '--json', '--linger', '0', '--peer-listen', '127.0.0.1:0']
  const timed = ['-f', 'peak %M', process.execPath, PRSYNC, ...args, '--delete']
  const began = performance.now()
  const { stdout, stderr } = spawnSync('time', timed, { encoding: 'utf8', maxBuffer: 1 << 26 })
  const seconds = (performance.now() - began) / 1000
  const parsed = JSON.parse(stdout.trim() || '{}') as {
    exit: number
    bytes: { metadata: number }
  }
  if (parsed.exit !== 0) throw new Error(`pull failed: ${stderr}`)
  const peak = Math.round(Number(/peak (\d+)/.exec(stderr)?.[1]) / 1024)
  return { seconds, metadata: parsed.bytes.metadata, peak }
}

function startRsyncDaemon(): void {
  const conf = join(home, 'rsyncd.conf')
  writeFileSync(
    conf,
    `use chroot = no\nport = ${RSYNC_PORT}\naddress = 127.0.0.1\n[m]\npath = ${source}\nuid = 0\ngid = 0\n`,
  )
  daemons.push(spawn('rsync', ['--daemon', '--no-detach', `--config=${conf}`], { stdio: 'ignore' }))
}

function rsync(): Cost {
  const started = performance.now()
  for (let tries = 0; ; tries++) {
    const { status, stdout } = spawnSync(
      'rsync',
      [...RSYNC, `rsync://127.0.0.1:${RSYNC_PORT}/m/`, `${mirror}/`],
      { encoding: 'utf8' },
    )
    const bytes = Number(/Total bytes received: ([\d,]+)/.exec(stdout)?.[1]?.replaceAll(',', ''))
    if (status === 0) return { seconds: (performance.now() - started) / 1000, bytes }
    if (tries > 50) throw new Error(`rsync failed with ${status}`)
  }
}

/** Hashing of new bytes, beside one OpenSSL over the same. */
function index(): void {
  const data = join(home, 'data')
  mkdirSync(data, { recursive: true })
  const chunk = Buffer.alloc(tiny ? 1 << 20 : 256 << 20)
  for (let i = 0; i < 8; i++) {
    chunk.fill(i + 1)
    writeFileSync(join(data, `f${i}`), chunk)
  }
  const us: number[] = []
  const them: number[] = []
  for (let run = 0; run < RUNS; run++) {
    const state = mkdtempSync(join(home, 'index-'))
    const began = performance.now()
    const child = spawnSync(process.execPath, [INDEX, data, state], { encoding: 'utf8' })
    us.push((performance.now() - began) / 1000)
    if (child.status !== 0) throw new Error(child.stderr)
    const other = performance.now()
    execFileSync('sh', ['-c', `openssl dgst -sha256 ${data}/* > /dev/null`])
    them.push((performance.now() - other) / 1000)
  }
  row('first index of 8 files, seconds, against openssl dgst -sha256', median(us), median(them))
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0
}
