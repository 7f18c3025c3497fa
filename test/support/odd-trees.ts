/** Trees with all that file systems hold, from a seed; and what stands in one, as lines to compare. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { seededRandom } from './seeded-random.js'

type Random = { below(n: number): number }
const path = (name: string): Buffer => Buffer.from(name, 'latin1')

const NAMES = [
  'a', 'b', 'c', 'file', 'two words', '-dash', 'new\nline', 'caf\xc3\xa9', 'bad\xff\xfe', 'x.o', 'core', 'a-b', 'a.b',
  '.hidden', 'UPPER', 'tab\there', 'back\\slash', 'star*', 'q?', 'keep.txt', 'foo~', '#foo', 'zz', 'long'.repeat(20),
] // biome-ignore format: a list

/** Seconds: with and without a rest, and after 2038. What is before 1970 Node cannot set: one name gets it from touch(1). */
const TIMES = [1_000_000_000.5, 1_600_000_000, 1_600_000_000.25, 1_700_000_001, 4_000_000_000]

/** @param adorned with extended attributes and ACLs */
export function makeTree(top: string, seed: number, adorned = false): void {
  const random = seededRandom(Math.imul(seed, 0x9e3779b1))
  mkdirSync(top, { recursive: true })
  const files: string[] = []
  fill(top, random, 0, files)
  // One link that leads to a directory, and never round.
  mkdirSync(`${top}/zdir`)
  writeFileSync(`${top}/zdir/in`, 'in')
  symlinkSync('zdir', `${top}/zlink`)
  if (adorned) adorn(top, random)
  stamp(top, random)
}

function fill(directory: string, random: Random, depth: number, files: string[]): void {
  const names = shuffled(NAMES, random).slice(0, (depth === 0 ? 8 : 2) + random.below(7))
  for (const base of names) {
    const full = `${directory}/${base}`
    const kind = random.below(20)
    // Programs take names as text: nodes get plain ones only.
    const mayNode = process.geteuid?.() === 0 && /^[ -~]+$/.test(full)
    if (kind < 6 && depth < 3) {
      mkdirSync(path(full))
      fill(full, random, depth + 1, files)
      chmodSync(path(full), [0o755, 0o700, 0o2775, 0o1777, 0o555][random.below(5)] ?? 0o755)
    } else if (kind < 8)
      symlinkSync(
        ['nowhere', 'gone/away', '/etc/passwd', '../../../up', base, '../gone'][random.below(6)] ??
          'x',
        path(full),
      )
    else if (kind === 8 && mayNode) execFileSync('mkfifo', ['--', full], { stdio: 'ignore' })
    else if (kind === 9 && mayNode)
      execFileSync('mknod', ['--', full, 'c', '1', '3'], { stdio: 'ignore' })
    else if (kind === 10 && files.length > 0)
      linkSync(path(files[random.below(files.length)] ?? ''), path(full))
    else {
      writeFileSync(path(full), bytesOf(random))
      if (random.below(6) === 0) truncateSync(path(full), 20_000 + random.below(50_000))
      chmodSync(path(full), [0o644, 0o600, 0o755, 0o444, 0o4755, 0o666][random.below(6)] ?? 0o644)
      files.push(full)
    }
  }
}

function bytesOf(random: Random): Buffer {
  const length = [0, 1, 10, 700, 5000, 70_000][random.below(6)] ?? 1
  const bytes = Buffer.alloc(length)
  const step = 1 + random.below(250)
  for (let i = 0; i < length; i++) bytes[i] = (i * step + (i >> 8)) & 255
  return bytes
}

/** Goes over a wire only when it is asked for. */
const LONG = 'long'.repeat(30)

/** Extended attributes and ACLs on some plain names, where the tools are there. */
function adorn(top: string, random: Random): void {
  const plain = walk(top).filter(
    (name) => /^[ -~]+$/.test(name) && !lstatSync(name).isSymbolicLink(),
  )
  for (const name of plain.slice(0, 40)) {
    const kind = random.below(8)
    const isDirectory = lstatSync(name).isDirectory()
    if (!isDirectory && !lstatSync(name).isFile()) continue
    if (kind === 0)
      execFileSync('setfattr', ['-n', 'user.note', '-v', `v${random.below(9)}`, '--', name])
    if (kind === 3) execFileSync('setfattr', ['-n', 'user.long', '-v', LONG, '--', name])
    if (kind === 1) execFileSync('setfacl', ['-m', 'u:1:rwx,g:2:r', '--', name])
    if (kind === 2 && isDirectory) execFileSync('setfacl', ['-d', '-m', 'u:3:r', '--', name])
  }
}

/** Times of all that stands, the deepest first. */
function stamp(top: string, random: Random): void {
  for (const name of walk(top).reverse()) {
    const seconds = TIMES[random.below(TIMES.length)] ?? 0
    lutimesSync(path(name), seconds, seconds)
  }
  const plain = walk(top).find((name) => /^[ -~]+$/.test(name))
  if (plain !== undefined) execFileSync('touch', ['-h', '-d', '@-86400.5', '--', plain])
  lutimesSync(path(top), 1_500_000_000, 1_500_000_000)
}

/** Changes a copy of a tree as users and time do: edits, touches, other kinds, extra files, files gone. */
export function disturb(top: string, seed: number): void {
  const random = seededRandom(Math.imul(seed, 0x9e3779b1))
  for (const name of walk(top)) {
    let stands: ReturnType<typeof lstatSync>
    try {
      stands = lstatSync(path(name))
    } catch {
      continue // gone with its directory
    }
    const fate = random.below(12)
    if (stands.isDirectory() && fate > 8) writeFileSync(path(`${name}/extra${fate}`), 'extra')
    if (stands.isDirectory() && fate === 8) {
      mkdirSync(path(`${name}/more`), { recursive: true })
      writeFileSync(path(`${name}/more/inside`), 'more')
    }
    if (fate === 0) rmSync(path(name), { recursive: true })
    else if (fate === 1 && stands.isFile()) writeFileSync(path(name), 'another')
    else if (fate === 2) lutimesSync(path(name), 1_650_000_000, 1_650_000_000)
    else if (fate === 3 && !stands.isSymbolicLink())
      chmodSync(path(name), stands.isDirectory() ? 0o750 : 0o640)
    else if (fate === 4 && !stands.isDirectory()) {
      rmSync(path(name))
      mkdirSync(path(name))
      if (random.below(2) === 0) writeFileSync(path(`${name}/in`), 'x')
    } else if (fate === 5 && !stands.isDirectory()) {
      rmSync(path(name))
      symlinkSync('elsewhere', path(name))
    } else if (fate === 6 && stands.isDirectory() && random.below(3) === 0) {
      rmSync(path(name), { recursive: true })
      writeFileSync(path(name), 'was a directory')
    } else if (fate === 7 && stands.isFile() && stands.size > 0) {
      const bytes = readFileSync(path(name))
      const at = random.below(bytes.length)
      bytes[at] = (bytes[at] ?? 0) ^ 0x55
      writeFileSync(path(name), bytes)
      lutimesSync(path(name), stands.atimeMs / 1000, stands.mtimeMs / 1000)
    }
  }
  stampNew(top)
}

/** What was written just now gets a time that is not now, so that two runs can be told from it. */
function stampNew(top: string): void {
  for (const name of [...walk(top).reverse(), top])
    if (lstatSync(path(name)).mtimeMs > Date.now() - 600_000)
      lutimesSync(path(name), 1_660_000_000, 1_660_000_000)
}

/** All names below, parents first, in byte order. */
export function walk(top: string): string[] {
  const found: string[] = []
  const into = (directory: string): void => {
    for (const base of readdirSync(path(directory), 'latin1').sort()) {
      const full = `${directory}/${base}`
      found.push(full)
      if (lstatSync(path(full)).isDirectory()) into(full)
    }
  }
  into(top)
  return found
}

/**
 * What stands in a tree, a line a name: kind, mode, owner, size, time to the nanosecond, bytes, link group.
 * Times after `sinceMs` are told as `now`.
 */
export function describeTree(top: string, sinceMs: number): string[] {
  const groups = new Map<bigint, string>()
  return [top, ...walk(top)].map((full) => {
    const s = lstatSync(path(full), { bigint: true })
    const name = full.slice(top.length)
    const kind = s.isDirectory()
      ? 'd'
      : s.isSymbolicLink()
        ? 'l'
        : s.isFile()
          ? 'f'
          : s.isFIFO()
            ? 'p'
            : s.isSocket()
              ? 's'
              : 'n'
    const time =
      s.mtimeMs >= BigInt(Math.floor(sinceMs)) && s.mtimeMs < 3_000_000_000_000n
        ? 'now'
        : `${s.mtimeNs}`
    let what = ''
    if (kind === 'l') what = readlinkSync(path(full), 'latin1')
    if (kind === 'f')
      what = createHash('sha1')
        .update(readFileSync(path(full)))
        .digest('hex')
        .slice(0, 12)
    if (kind === 'n') what = `${s.rdev}`
    let group = ''
    if (kind !== 'd' && s.nlink > 1n) {
      group = groups.get(s.ino) ?? name
      groups.set(s.ino, group)
    }
    const mode = (Number(s.mode) & 0o7777).toString(8)
    return `${JSON.stringify(name)} ${kind} ${mode} ${s.uid}:${s.gid} ${kind === 'd' ? '' : s.size} ${time} ${what} ${group}`
  })
}

function shuffled<T>(list: readonly T[], random: Random): T[] {
  const out = [...list]
  for (let i = out.length - 1; i > 0; i--) {
    const j = random.below(i + 1)
    const [x, y] = [out[i], out[j]]
    if (x !== undefined && y !== undefined) [out[i], out[j]] = [y, x]
  }
  return out
}
