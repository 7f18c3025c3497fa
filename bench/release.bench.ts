/**
 * From one release to the next, beside rsync 3.5.0 over its own daemon: bytes that a node receives. Real Debian packages in
 * the oldest and the newest version that apt offers here, as pool and as one image of them; an image with 200 edits; a renamed
 * file; 17 % duplicates. Each tree is compared with its source.
 * Run: node dist/bench/release.bench.js [--tiny]   (--tiny: made-up packages, no network)
 */
import { randomFillSync } from 'node:crypto'
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BesideRsync, type Pulled, type Synced } from './beside-rsync.js'
import { download, imageOf, layOut, onOffer } from './debian-release.js'

const NAMES = [
  ...['openssl', 'libssl3', 'curl', 'libcurl4', 'tzdata', 'nginx', 'git', 'libc6', 'systemd'],
  ...['python3.11', 'libpython3.11-stdlib', 'openssh-client', 'libxml2', 'ca-certificates'],
  ...['postgresql-15', 'php8.2-cli', 'bind9', 'samba-libs', 'vim', 'base-files', 'ffmpeg'],
]
const tiny = process.argv.includes('--tiny')
const MIB = 1 << 20
const IMAGE_BYTES = tiny ? 16 * MIB : 1024 * MIB
const EDITS = 200
const MODULES = ['pool', 'image', 'edits', 'renamed', 'duplicates'] as const
type Module = (typeof MODULES)[number]

const home = mkdtempSync(join(tmpdir(), 'prsync-release-'))
const at = (...parts: readonly string[]): string => join(home, ...parts)
const source = (module: Module, ...parts: readonly string[]): string =>
  at('source', module, ...parts)
const modules = new Map(MODULES.map((module) => [module, source(module)]))
const beside = new BesideRsync(home, modules)
try {
  for (const path of modules.values()) mkdirSync(path, { recursive: true })
  if (tiny) makeUp()
  else fetchDebs()
  release('old')
  random(source('edits', 'debian.iso'), IMAGE_BYTES)
  random(source('renamed', 'before'), IMAGE_BYTES / 16)
  random(source('duplicates', 'other'), MIB)
  await beside.start()
  for (const module of MODULES) both(module)

  release('new')
  edit(source('edits', 'debian.iso'))
  renameSync(source('renamed', 'before'), source('renamed', 'after'))
  duplicate()
  beside.publish()
  for (const module of MODULES) row(module, ...both(module))
} finally {
  beside.close()
  rmSync(home, { recursive: true, force: true })
}

function both(module: Module): [Pulled, Synced] {
  const [ours, theirs] = [at(`ours-${module}`), at(`theirs-${module}`)]
  const results: [Pulled, Synced] = [beside.pull(module, ours), beside.rsync(module, theirs)]
  beside.compare(module, ours)
  return results
}

function row(module: Module, us: Pulled, them: Synced): void {
  const mib = (bytes: number): string => (bytes / MIB).toFixed(2)
  process.stdout.write(
    `${module}: wanted ${mib(us.wanted)} MiB, cloned ${mib(us.cloned)}, by delta ${mib(us.delta)}; ` +
      `contents over the network: prsync ${mib(us.fetched)}, rsync ${mib(them.literal)} (literal)` +
      `${them.literal === 0 ? '' : `, ratio ${(us.fetched / them.literal).toFixed(3)}`}; ` +
      `all bytes received: prsync ${mib(us.fetched + us.metadata)}, rsync ${mib(them.received)}, ` +
      `ratio ${((us.fetched + us.metadata) / them.received).toFixed(3)}\n`,
  )
}

function fetchDebs(): void {
  const packages = onOffer(NAMES)
  const several = packages.filter(({ versions }) => versions.length > 1)
  process.stdout.write(`${packages.length} packages, ${several.length} of them in two versions\n`)
  if (several.length === 0) throw new Error('apt offers one version of each: run apt-get update')
  for (const which of ['old', 'new'] as const) download(at(which), packages, which)
}

/** Packages of random bytes, of which the new ones share the beginning. */
function makeUp(): void {
  for (const which of ['old', 'new']) mkdirSync(at(which))
  for (let i = 0; i < 8; i++) {
    const bytes = randomFillSync(Buffer.alloc(60_000 + i * 20_000))
    writeFileSync(at('old', `package${i}_1.0-1_amd64.deb`), bytes)
    const version = i % 4 === 0 ? '1.0-1' : '1.0-2'
    if (i % 4 > 0) randomFillSync(bytes, bytes.length >> 1)
    writeFileSync(at('new', `package${i}_${version}_amd64.deb`), bytes)
  }
}

function release(which: 'old' | 'new'): void {
  layOut(at(which), source('pool'))
  imageOf(at(which), source('image', 'debian.img'))
}

function random(path: string, bytes: number): void {
  const file = openSync(path, 'w')
  const chunk = Buffer.alloc(Math.min(MIB, bytes))
  for (let done = 0; done < bytes; done += chunk.length) writeSync(file, randomFillSync(chunk))
  closeSync(file)
}

/** Sectors that were overwritten, one in so many, here and there. */
function edit(path: string): void {
  const file = openSync(path, 'r+')
  const size = statSync(path).size
  for (let i = 0; i < EDITS; i++) {
    const bytes = randomFillSync(Buffer.alloc(100 + ((i * 37) % 1900)))
    writeSync(file, bytes, 0, bytes.length, Math.floor((size / EDITS) * (i + 0.37)))
  }
  closeSync(file)
}

/** New files, of whose bytes 17 % are those of a file that came with them. */
function duplicate(): void {
  const unit = IMAGE_BYTES / 512
  for (let i = 0; i < 83; i++) random(source('duplicates', `new-${i}`), unit)
  for (const [i, base] of readdirSync(source('duplicates'))
    .filter((n) => n !== 'other')
    .entries())
    if (i < 17) copyFileSync(source('duplicates', base), source('duplicates', `copy-${base}`))
}
