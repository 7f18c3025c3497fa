/**
 * rsync's wire on loopback: pulls from a daemon, rsync and prsync at either end, turn by turn in one run. Only ratios count.
 * Run: node dist/bench/daemon.bench.js [--tiny] [--runs 5] [--in DIRECTORY]
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort, listening } from '../test/support/ports.js'

const PRSYNC = [process.execPath, fileURLToPath(new URL('../bin/prsync.cjs', import.meta.url))]
const MIB = 2 ** 20
const tiny = process.argv.includes('--tiny')
const RUNS = Number(given('--runs') ?? (tiny ? 1 : 5))
const LARGE = tiny ? MIB : 1024 * MIB
const FILES = tiny ? 200 : 20_000
const PER_DIRECTORY = 100

function given(option: string): string | undefined {
  const at = process.argv.indexOf(option)
  return at < 0 ? undefined : process.argv[at + 1]
}

function makeSources(home: string): void {
  mkdirSync(join(home, 'large'))
  const fd = openSync(join(home, 'large/file'), 'w')
  const part = Buffer.alloc(MIB)
  for (let i = 0; i < LARGE / MIB; i++) {
    for (let at = 0; at < MIB; at += 4) part.writeUInt32LE((i * 2654435761 + at * 40503) >>> 0, at)
    writeSync(fd, part)
  }
  closeSync(fd)
  for (let i = 0; i < FILES; i++) {
    const directory = join(home, 'small', String(Math.floor(i / PER_DIRECTORY)))
    if (i % PER_DIRECTORY === 0) mkdirSync(directory, { recursive: true })
    writeFileSync(join(directory, String(i)), Buffer.alloc(500 + ((i * 7919) % 20_000), i & 0xff))
  }
}

type Server = { readonly port: number; readonly child: ChildProcess }

async function startDaemon(words: readonly string[], home: string): Promise<Server> {
  const port = await freePort()
  const [program = '', ...args] = words
  const options = ['--daemon', '--no-detach', `--config=${home}/conf`, `--port=${port}`]
  const child = spawn(program, [...args, ...options, '--address=127.0.0.1'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  await listening(port, child)
  return { port, child }
}

function pull(words: readonly string[], port: number, what: string, home: string): number {
  const to = join(home, 'to')
  rmSync(to, { recursive: true, force: true })
  const [program = '', ...args] = words
  const began = performance.now()
  const { status, stderr } = spawnSync(
    program,
    [...args, '-a', `rsync://127.0.0.1:${port}/${what}/`, `${to}/`],
    { encoding: 'utf8' },
  )
  const seconds = (performance.now() - began) / 1000
  if (status !== 0) throw new Error(`${words.join(' ')}: ${status} ${stderr}`)
  const differs = spawnSync('rsync', ['-an', '-i', `${home}/${what}/`, `${to}/`], {
    encoding: 'utf8',
  })
  if (differs.stdout !== '') throw new Error(`not the same: ${differs.stdout.slice(0, 200)}`)
  return seconds
}

function median(figures: readonly number[]): number {
  const sorted = [...figures].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}

const home = mkdtempSync(join(given('--in') ?? tmpdir(), 'prsync-daemon-bench-'))
const servers: Server[] = []
try {
  makeSources(home)
  const modules = ['large', 'small'].map((name) => `[${name}]\npath = ${home}/${name}\n`)
  writeFileSync(`${home}/conf`, `uid = root\ngid = root\nuse chroot = no\n${modules.join('')}`)
  const theirs = await startDaemon(['rsync'], home)
  servers.push(theirs)
  const ours = await startDaemon(PRSYNC, home)
  servers.push(ours)
  const pairs = [
    ['rsync at both ends', ['rsync'], theirs.port],
    ['prsync pulls from rsync', PRSYNC, theirs.port],
    ['rsync pulls from prsync', ['rsync'], ours.port],
    ['prsync at both ends', PRSYNC, ours.port],
  ] as const
  for (const what of ['large', 'small']) {
    const taken = pairs.map((): number[] => [])
    for (let run = 0; run < RUNS; run++)
      for (const [i, [, words, port]] of pairs.entries())
        taken[i]?.push(pull(words, port, what, home))
    const base = median(taken[0] ?? [])
    for (const [i, [name]] of pairs.entries()) {
      const seconds = median(taken[i] ?? [])
      const size = what === 'large' ? `${LARGE / MIB} MiB` : `${FILES} files`
      process.stdout.write(
        `${size.padEnd(12)} ${name.padEnd(24)} ${seconds.toFixed(2)} s  ${(seconds / base).toFixed(2)}\n`,
      )
    }
  }
} finally {
  for (const { child } of servers) child.kill('SIGTERM')
  rmSync(home, { recursive: true, force: true })
}
