/**
 * The main job in small, for real: a centre serves a tree (this package's own node_modules), three edge nodes, each a
 * process of its own, pull it through the swarm; then a changed release is published and they pull again. Prints who gave
 * what, compares every tree with the source, and fails on any difference. Run: npm run demo.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  copyFileSync,
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const PRSYNC = fileURLToPath(new URL('../bin/prsync.cjs', import.meta.url))
const SOURCE = fileURLToPath(new URL('../../node_modules', import.meta.url))
const NODES = ['alpha', 'beta', 'gamma']
const LINGER = '60s'

type Report = {
  readonly bytes: Readonly<Record<string, number>>
  readonly files: Readonly<Record<string, number>>
  readonly seconds: number
  readonly exit: number
}

const started = performance.now()
const home = mkdtempSync(join(tmpdir(), 'prsync-demo-'))
const release = join(home, 'release')
let centre: ChildProcess | null = null as ChildProcess | null
try {
  say(`a copy of node_modules is the release (${home})`)
  cpSync(SOURCE, release, {
    recursive: true,
    verbatimSymlinks: true,
    preserveTimestamps: true,
    // Links that lead out of a tree are not published; a test runner leaves some in node_modules.
    filter: (path) => !lstatSync(path).isSymbolicLink() || staysInside(path),
  })
  say('the centre hashes and publishes it')
  const url = await startCentre()
  const first = await pullAll(url, 'first pull, into empty trees')
  const firstWrong = compareAll()
  say('a new release: edits, renames, duplicates, deletions')
  const edits = changeRelease()
  centre?.kill('SIGHUP')
  await lineOf(centre, /sequence 2\b/)
  const second = await pullAll(url, `second pull, after ${edits}`)
  const secondWrong = compareAll()
  const failed = [...first, ...second].some((r) => r.exit !== 0)
  say(`${((performance.now() - started) / 1000).toFixed(0)} s in all`)
  if (firstWrong + secondWrong > 0 || failed) process.exitCode = 1
  say(
    process.exitCode === 1
      ? 'FAILED: the trees are not equal'
      : 'every tree equals the source, twice',
  )
} finally {
  centre?.kill()
  rmSync(home, { recursive: true, force: true })
}

/** A link that points to somewhere below the source. */
function staysInside(link: string): boolean {
  const target = readlinkSync(link)
  return !isAbsolute(target) && resolve(dirname(link), target).startsWith(SOURCE)
}

async function startCentre(): Promise<string> {
  const args = ['serve', '--tracker', `release=${release}`, '--state', join(home, 'state'), '-v']
  centre = spawn(
    process.execPath,
    [PRSYNC, ...args, '--listen', '127.0.0.1:0', '--peer-listen', '127.0.0.1:0'],
    {
      stdio: ['ignore', 'inherit', 'pipe'],
    },
  )
  const line = await lineOf(centre, /serving release .* at (http:\S+)/)
  say(line)
  return /at (http:\S+)/.exec(line)?.[1] ?? ''
}

/** The next line on stderr that matches. */
function lineOf(child: ChildProcess | null, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const read = (chunk: Buffer): void => {
      text += chunk.toString('utf8')
      const line = text.split('\n').find((l) => pattern.test(l))
      if (line === undefined) return
      child?.stderr?.off('data', read)
      resolve(line)
    }
    child?.stderr?.on('data', read)
    child?.once('exit', (code) => reject(new Error(`the centre ended with ${code}: ${text}`)))
  })
}

async function pullAll(url: string, title: string): Promise<Report[]> {
  say(title)
  const reports = await Promise.all(NODES.map((name) => pullOne(url, name)))
  process.stderr.write('\n')
  table(title, reports)
  return reports
}

const latest = new Map<string, string>()

async function pullOne(url: string, name: string): Promise<Report> {
  const args = [
    'pull',
    url,
    join(home, name),
    '--delete',
    '--json',
    '--linger',
    LINGER,
    '--progress',
  ]
  const child = spawn(process.execPath, [PRSYNC, ...args, '--peer-listen', '127.0.0.1:0'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  let faults = ''
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString('utf8')
  })
  child.stderr.on('data', (chunk: Buffer) => {
    const lines = chunk
      .toString('utf8')
      .split(/[\r\n]/)
      .filter((l) => l.trim() !== '')
    faults += lines.filter((l) => /^(prsync:| +at )/.test(l)).join('\n')
    showLive(name, lines[lines.length - 1] ?? '')
  })
  const [code] = (await once(child, 'close')) as [number]
  if (faults !== '') process.stderr.write(`\n${name}: ${faults}\n`)
  const last = out.trim().split('\n').pop() ?? ''
  if (last === '') throw new Error(`${name} ended with ${code} and no report: ${faults}`)
  return JSON.parse(last) as Report
}

/** One line for the three of them; a line each second where stderr is no terminal would be noise. */
function showLive(name: string, line: string): void {
  const percent = /(\d+)%/.exec(line)?.[1]
  if (percent === undefined) return
  latest.set(name, `${name} ${percent}%`)
  if (process.stderr.isTTY) process.stderr.write(`\r  ${[...latest.values()].join('   ')}   `)
  else if (Number(percent) % 25 === 0 && shown.get(name) !== percent) {
    shown.set(name, percent)
    process.stderr.write(`  ${name} ${percent}%\n`)
  }
}
const shown = new Map<string, string>()

function table(title: string, reports: readonly Report[]): void {
  const columns = [
    ...['wanted', 'cloned', 'assembled', 'delta', 'peers', 'centre', 'metadata', 'wasted'],
  ]
  const rows = [['node', ...columns, 'seconds', 'exit']]
  for (const [i, name] of NODES.entries()) {
    const report = reports[i]
    if (report === undefined) continue
    const bytes = columns.map((c) => (report.bytes[c] ?? 0).toLocaleString('en-US'))
    rows.push([name, ...bytes, report.seconds.toFixed(1), `${report.exit}`])
  }
  const widths = (rows[0] ?? []).map((_, c) => Math.max(...rows.map((r) => r[c]?.length ?? 0)))
  process.stdout.write(`\n${title} (bytes)\n`)
  for (const row of rows)
    process.stdout.write(
      `  ${row.map((cell, c) => (c === 0 ? cell.padEnd(widths[c] ?? 0) : cell.padStart(widths[c] ?? 0))).join('  ')}\n`,
    )
  process.stdout.write('\n')
}

/** Edits, renames, duplicates, deletions, spread over the tree. */
function changeRelease(): string {
  const files: string[] = []
  const walk = (directory: string): void => {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      const path = join(directory, entry.name)
      if (entry.isDirectory()) walk(path)
      else if (entry.isFile()) files.push(path)
    }
  }
  walk(release)
  const counts = { edited: 0, renamed: 0, duplicated: 0, deleted: 0 }
  mkdirSync(join(release, 'copies'))
  for (const [i, path] of files.entries()) {
    if (i % 97 === 1) {
      renameSync(path, `${path}.renamed`)
      counts.renamed++
    } else if (i % 97 === 2) {
      copyFileSync(path, join(release, 'copies', `${i}`))
      counts.duplicated++
    } else if (i % 97 === 3) {
      rmSync(path)
      counts.deleted++
    } else if (i % 97 === 4) {
      editFile(path, i)
      counts.edited++
    }
  }
  for (const path of files
    .filter((p) => lstatSync(p, { throwIfNoEntry: false })?.size ?? 0 > 4_000_000)
    .slice(0, 1))
    editFile(path, 0)
  return Object.entries(counts)
    .map(([what, n]) => `${n} ${what}`)
    .join(', ')
}

/** A few bytes in the middle and some more at the end, as a rebuild would change them. */
function editFile(path: string, salt: number): void {
  const bytes = readFileSync(path)
  if (bytes.length > 2) bytes.write(`#${salt}#`, bytes.length >> 1)
  rmSync(path)
  writeFileSync(path, bytes)
  appendFileSync(path, `// ${salt}\n`)
}

function compareAll(): number {
  let wrong = 0
  for (const name of NODES) {
    const differences = compare(release, join(home, name), '')
    wrong += differences.length
    say(
      `${name}: ${differences.length === 0 ? 'equal to the source' : `${differences.length} DIFFERENCES`}`,
    )
    for (const difference of differences.slice(0, 5)) say(`  ${difference}`)
  }
  return wrong
}

/** Names, kinds, modes, times to the nanosecond, targets, bytes. */
function compare(a: string, b: string, name: string): string[] {
  const left = lstatSync(join(a, name), { bigint: true })
  const right = lstatSync(join(b, name), { bigint: true, throwIfNoEntry: false })
  if (right === undefined) return [`${name} is missing`]
  const wrong: string[] = []
  if (left.mode !== right.mode) wrong.push(`${name}: mode`)
  if (left.mtimeNs !== right.mtimeNs) wrong.push(`${name}: time ${left.mtimeNs} ${right.mtimeNs}`)
  if (left.isSymbolicLink()) {
    if (readlinkSync(join(a, name)) !== readlinkSync(join(b, name))) wrong.push(`${name}: target`)
  } else if (left.isDirectory()) {
    const names = readdirSync(join(a, name))
    const others = readdirSync(join(b, name)).filter((n) => name !== '' || n !== '.~prsync~')
    for (const extra of others.filter((n) => !names.includes(n)))
      wrong.push(`${join(name, extra)} is too much`)
    for (const child of names) wrong.push(...compare(a, b, join(name, child)))
  } else if (
    left.size !== right.size ||
    !readFileSync(join(a, name)).equals(readFileSync(join(b, name)))
  ) {
    wrong.push(`${name}: bytes`)
  }
  return wrong
}

function say(text: string): void {
  process.stderr.write(`demo: ${text}\n`)
}
