/**
 * A flash crowd over real sockets: a centre and N nodes, each a process in a network namespace of its own, every uplink
 * alike, all wanting the same from the start. Prints how long it took over the least it could take (Kumar & Ross 2006)
 * and how many copies the centre sent. `--tiny`: two nodes, little data, loopback if namespaces cannot be made.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { seededRandom } from '../test/support/seeded-random.js'
import { loopback, type Network, namespaces, type Place } from './network.js'

const { values } = parseArgs({
  options: {
    tiny: { type: 'boolean', default: false },
    nodes: { type: 'string', default: '8' },
    /** Mbit/s out of each. */
    large: { type: 'string', default: '20' },
    small: { type: 'string', default: '5' },
    mib: { type: 'string', default: '128' },
    files: { type: 'string', default: '20000' },
  },
})
const PRSYNC = fileURLToPath(new URL('../bin/prsync.cjs', import.meta.url))
const NODES = values.tiny ? 2 : Number(values.nodes)
const PORT = 18750
const random = seededRandom(5)

type Report = {
  readonly exit: number
  readonly seconds: number
  readonly bytes: Readonly<Record<'peers' | 'centre' | 'metadata' | 'wasted', number>>
}

const children = new Set<ChildProcess>()
const home = mkdtempSync(join(tmpdir(), 'prsync-swarm-bench-'))
try {
  const mib = values.tiny ? 4 : Number(values.mib)
  await crowd(`one content of ${mib} MiB`, Number(values.large) * 1e6, (folder) => {
    writeFileSync(join(folder, 'large'), random.bytes(mib * 2 ** 20))
    return mib * 2 ** 20
  })
  const files = values.tiny ? 500 : Number(values.files)
  await crowd(`${files} small contents`, Number(values.small) * 1e6, (folder) => {
    let total = 0
    for (let i = 0; i < files; i++) {
      const bytes = random.bytes(200 + random.below(2600))
      const directory = join(folder, `${i % 100}`)
      mkdirSync(directory, { recursive: true })
      writeFileSync(join(directory, `${i}`), bytes)
      total += bytes.length
    }
    return total
  })
} finally {
  for (const child of children) child.kill()
  rmSync(home, { recursive: true, force: true })
}

/** @param make fills the tree and says how many bytes of content it has. @param rate bits per second */
async function crowd(title: string, rate: number, make: (folder: string) => number): Promise<void> {
  const work = mkdtempSync(join(home, 'crowd-'))
  mkdirSync(join(work, 'tree'))
  const total = make(join(work, 'tree'))
  const network = networkFor(NODES + 1, rate)
  const [at, ...places] = network.places
  if (at === undefined) throw new Error('no place for the centre')
  try {
    const centre = await serve(work, at)
    const reports = await Promise.all(
      places.map((place, i) =>
        pull(place, `http://${at.address}:${PORT}/tree`, join(work, `${i}`)),
      ),
    )
    centre.kill()
    print(title, rate, total, reports)
  } finally {
    network.close()
    rmSync(work, { recursive: true, force: true })
  }
}

function networkFor(count: number, rate: number): Network {
  const network = namespaces(count, rate)
  if (network !== null) return network
  if (!values.tiny) throw new Error('cannot make network namespaces: needs root and iproute2')
  console.log('no namespaces here: over loopback')
  return loopback(count, rate)
}

function print(title: string, rate: number, total: number, reports: readonly Report[]): void {
  const uplink = rate / 8
  const n = reports.length
  // downlinks are not limited: what is left of the bound is the centre's line and all lines together
  const bound = Math.max(total / uplink, (n * total) / ((n + 1) * uplink))
  const took = Math.max(...reports.map((r) => r.seconds))
  const sum = (of: (r: Report) => number): number => reports.reduce((all, r) => all + of(r), 0)
  const copies = sum((r) => r.bytes.centre) / total
  const wasted = sum((r) => r.bytes.wasted) / total / n
  // pages go to each node from the centre, over the same line
  const metadata = sum((r) => r.bytes.metadata) / total
  const failed = reports.filter((r) => r.exit !== 0).length
  console.log(
    `${title}, ${n} nodes, ${rate / 1e6} Mbit/s: ${took.toFixed(1)} s, ` +
      `${(took / bound).toFixed(3)} × the bound of ${bound.toFixed(1)} s, ` +
      `${copies.toFixed(3)} copies from the centre and ${metadata.toFixed(3)} in pages, ${(wasted * 100).toFixed(2)} % wasted` +
      (failed > 0 ? `, ${failed} FAILED` : ''),
  )
  if (failed > 0) process.exitCode = 1
}

/** Settles when the centre serves. */
function serve(work: string, { prefix, address, limits }: Place): Promise<ChildProcess> {
  const args = ['serve', '--tracker', `tree=${join(work, 'tree')}`, '--state', join(work, 'state')]
  const listen = ['--listen', `${address}:${PORT}`, '--peer-listen', `${address}:${PORT + 1}`]
  const child = start([...prefix, process.execPath, PRSYNC, ...args, ...listen, ...limits])
  return new Promise((resolve, reject) => {
    let said = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      said += chunk.toString('utf8')
      if (said.includes('serving')) resolve(child)
    })
    child.once('exit', () => reject(new Error(`the centre ended: ${said}`)))
  })
}

/** Settles when it has all, not when it has given all: it goes on giving until it is stopped at the end. */
function pull({ prefix, address, limits }: Place, url: string, into: string): Promise<Report> {
  const args = ['pull', url, into, '--json', '--linger', '5m', '--peer-listen', `${address}:0`]
  const child = start([...prefix, process.execPath, PRSYNC, ...args, ...limits])
  return new Promise((resolve, reject) => {
    let out = ''
    let said = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      out += chunk.toString('utf8')
    })
    child.stderr?.on('data', (chunk: Buffer) => {
      said += chunk.toString('utf8')
    })
    child.once('close', () => {
      if (out === '') reject(new Error(`a node ended without a report: ${said}`))
      else resolve(JSON.parse(out) as Report)
    })
  })
}

function start([command = '', ...args]: readonly string[]): ChildProcess {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  children.add(child)
  child.once('exit', () => children.delete(child))
  return child
}
