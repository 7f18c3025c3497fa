/**
 * One pair over loopback: a node fetches one large content from one that has it, each a process, verified and written.
 * prsync against libtorrent (v2, as Debian's python3-libtorrent has it), turn by turn, so that a busy machine is busy for
 * both. Counted from the moment the fetching side knows where to go. `--tiny` only shows that it runs.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { projectFile } from '../test/support/project.js'
import { seededRandom } from '../test/support/seeded-random.js'

const { values } = parseArgs({
  options: {
    tiny: { type: 'boolean', default: false },
    mib: { type: 'string', default: '256' },
    runs: { type: 'string', default: '5' },
  },
})
const PYTHON = '/usr/bin/python3'
const SCRIPT = fileURLToPath(projectFile('bench/libtorrent-pair.py'))
const PRSYNC = fileURLToPath(new URL('../bin/prsync.cjs', import.meta.url))
const MIB = values.tiny ? 4 : Number(values.mib)
const RUNS = values.tiny ? 1 : Number(values.runs)

const children = new Set<ChildProcess>()
const home = mkdtempSync(join(tmpdir(), 'prsync-pair-bench-'))
const tree = join(home, 'tree')
const file = join(tree, 'large')
try {
  mkdirSync(tree)
  writeFileSync(file, seededRandom(3).bytes(MIB * 2 ** 20))
  const hasLibtorrent = spawnSync(PYTHON, ['-c', 'import libtorrent']).status === 0
  if (!hasLibtorrent) console.log('no python3-libtorrent here: prsync alone')
  const prsync = await prsyncSide()
  const libtorrent = hasLibtorrent ? await libtorrentSide() : null
  const times: { ours: number[]; theirs: number[] } = { ours: [], theirs: [] }
  for (let run = 0; run < RUNS; run++) {
    times.ours.push(await prsync(join(home, `prsync-${run}`)))
    if (libtorrent !== null) times.theirs.push(await libtorrent(join(home, `libtorrent-${run}`)))
  }
  print('prsync', times.ours)
  if (libtorrent !== null) {
    print('libtorrent', times.theirs)
    console.log(`prsync takes ${(median(times.ours) / median(times.theirs)).toFixed(2)} × as long`)
  }
} finally {
  for (const child of children) child.kill()
  rmSync(home, { recursive: true, force: true })
}

type Fetch = (into: string) => Promise<number>

async function prsyncSide(): Promise<Fetch> {
  const listen = ['--listen', '127.0.0.1:0', '--peer-listen', '127.0.0.1:0']
  const state = ['--state', join(home, 'state'), '-v']
  const centre = start([
    ...[process.execPath, PRSYNC, 'serve', '--tracker', `tree=${tree}`],
    ...[...state, ...listen],
  ])
  const [, url = ''] = await heard(centre, /at (http:\S+)/)
  return async (into) => {
    const args = ['pull', url, into, '--json', '--linger', '0s', '--peer-listen', '127.0.0.1:0']
    const child = start([process.execPath, PRSYNC, ...args])
    const [, seconds] = await heard(child, /"seconds":([\d.]+)/)
    await check(child, join(into, 'large'))
    return Number(seconds)
  }
}

async function libtorrentSide(): Promise<Fetch> {
  const torrent = join(home, 'large.torrent')
  const made = spawnSync(PYTHON, [SCRIPT, 'make', file, torrent], { stdio: 'inherit' })
  if (made.status !== 0) throw new Error('libtorrent cannot make a torrent')
  const seed = start([PYTHON, SCRIPT, 'seed', torrent, tree])
  const [, port = ''] = await heard(seed, /port (\d+)/)
  return async (into) => {
    mkdirSync(into)
    const child = start([PYTHON, SCRIPT, 'leech', torrent, into, port])
    const [, seconds] = await heard(child, /seconds ([\d.]+)/)
    await check(child, join(into, 'large'))
    return Number(seconds)
  }
}

async function check(child: ChildProcess, got: string): Promise<void> {
  if (child.exitCode === null) await new Promise((resolve) => child.once('exit', resolve))
  if (!readFileSync(got).equals(readFileSync(file)))
    throw new Error(`${got} is not what it should be`)
  rmSync(got)
}

function start([command = '', ...args]: readonly string[]): ChildProcess {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  children.add(child)
  child.once('exit', () => children.delete(child))
  return child
}

/** The first thing a child says that matches. */
function heard(child: ChildProcess, pattern: RegExp): Promise<RegExpExecArray> {
  return new Promise((resolve, reject) => {
    let said = ''
    const hear = (chunk: Buffer): void => {
      said += chunk.toString('utf8')
      const match = pattern.exec(said)
      if (match !== null) resolve(match)
    }
    child.stdout?.on('data', hear)
    child.stderr?.on('data', hear)
    child.once('exit', () => reject(new Error(`it ended: ${said}`)))
  })
}

function median(times: readonly number[]): number {
  return [...times].sort((a, b) => a - b)[times.length >> 1] ?? 0
}

function print(name: string, times: readonly number[]): void {
  const rate = Math.round((MIB * 2 ** 20) / median(times) / 1e6)
  const all = times.map((time) => time.toFixed(2)).join(' ')
  console.log(`${name}: ${MIB} MiB in ${all} s, median ${rate} MB/s`)
}
