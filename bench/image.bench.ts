/**
 * Installation images out of their packages: what finding them costs when a tree is published, what a node fetches for the
 * image beside jigdo, rsync and zsync, and how fast it is put together beside cp. Real Debian packages in the oldest and the
 * newest version that apt offers here, as pool and as an ISO image made by xorriso.
 * Run: node dist/bench/image.bench.js [--tiny]   (--tiny: made-up packages, no network)
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { randomFillSync } from 'node:crypto'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BesideRsync } from './beside-rsync.js'
import { download, onOffer } from './debian-release.js'

const NAMES = [
  ...['openssl', 'libssl3', 'curl', 'libcurl4', 'tzdata', 'nginx', 'git', 'libc6', 'systemd'],
  ...['python3.11', 'libpython3.11-stdlib', 'openssh-client', 'libxml2', 'ca-certificates'],
  ...['postgresql-15', 'php8.2-cli', 'bind9', 'samba-libs', 'vim', 'base-files', 'ffmpeg'],
  ...['gcc-12', 'cpp-12', 'libperl5.36', 'perl-modules-5.36', 'emacs-common', 'vim-runtime', 'gdb'],
  ...['libllvm14', 'libicu72', 'fonts-noto-core', 'linux-libc-dev', 'locales', 'mariadb-server'],
]
const tiny = process.argv.includes('--tiny')
const RUNS = tiny ? 1 : 7
const MIB = 1 << 20
const ISO = 'cd.iso'
const LARGE_ISO = 'dvd.iso'
/** Of the packages in the large image. */
const COPIES = tiny ? 2 : 12
const ONLY_IMAGE = [`--include=/${ISO}`, '--exclude=*'] as const
const NO_IMAGE = [`--exclude=/${ISO}`] as const
const INDEX_ONCE = fileURLToPath(new URL('./index-once.js', import.meta.url))

const home = mkdtempSync(join(tmpdir(), 'prsync-image-'))
const at = (...parts: readonly string[]): string => join(home, ...parts)
const source = (...parts: readonly string[]): string => at('source', ...parts)
const say = (text: string): void => void process.stdout.write(`${text}\n`)
const sizeOf = (path: string): number => statSync(path).size
const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN
const mb = (bytes: number): string => (bytes / 1e6).toFixed(3)

const beside = new BesideRsync(home, new Map([['m', source()]]))
try {
  if (tiny) makeUp()
  else {
    const packages = onOffer(NAMES)
    for (const which of ['old', 'new'] as const) download(at(which), packages, which)
  }
  release('old')
  cpSync(source(ISO), at('old.iso'))
  await beside.start()
  before()
  release('new')
  const [image, pool] = [sizeOf(source(ISO)), poolBytes()]
  say(`${readdirSync(source('pool')).length} packages, ${mb(pool)} MB; image ${mb(image)} MB`)
  const changed = readdirSync(at('new')).filter((name) => !readdirSync(at('old')).includes(name))
  say(`${changed.length} packages are other ones than in the old image`)
  beside.publish()
  publishing()
  fetched()
  assembling()
} finally {
  beside.close()
  rmSync(home, { recursive: true, force: true })
}

/** Pool and image of one release. */
function release(which: 'old' | 'new'): void {
  rmSync(source(), { recursive: true, force: true })
  mkdirSync(source(), { recursive: true })
  cpSync(at(which), source('pool'), { recursive: true, preserveTimestamps: true })
  master(source('pool'), source(ISO))
}
function master(directory: string, iso: string): void {
  const options = ['-as', 'mkisofs', '-quiet', '-r', '-J', '-V', 'BENCH']
  execFileSync('xorriso', [...options, '-o', iso, directory], { stdio: 'ignore' })
}

/** Packages of random bytes, of which a third are new. */
function makeUp(): void {
  for (const which of ['old', 'new']) mkdirSync(at(which))
  for (let i = 0; i < 12; i++) {
    const bytes = randomFillSync(Buffer.alloc(60_000 + i * 40_000))
    writeFileSync(at('old', `package${i}_1.0-1_amd64.deb`), bytes)
    if (i % 3 === 0) randomFillSync(bytes)
    const version = i % 3 === 0 ? '1.0-2' : '1.0-1'
    writeFileSync(at('new', `package${i}_${version}_amd64.deb`), bytes)
  }
}
function poolBytes(): number {
  return readdirSync(source('pool')).reduce((sum, base) => sum + sizeOf(source('pool', base)), 0)
}

// ---- publishing ------------------------------------------------------------------------------

/** The whole tree for the first time, and the image beside packages that are known. */
function publishing(): void {
  const once = (state: string, least: number): number => {
    const began = performance.now()
    execFileSync(process.execPath, [INDEX_ONCE, source(), state, `${least}`], { stdio: 'inherit' })
    return (performance.now() - began) / 1000
  }
  const rows: Record<'first' | 'image', [number, number][]> = { first: [], image: [] }
  for (let run = 0; run < RUNS; run++) {
    const pair = { first: [0, 0] as [number, number], image: [0, 0] as [number, number] }
    for (const [which, least] of [0, MIB].entries()) {
      const state = at(`state-${run}-${least}`)
      pair.first[which as 0 | 1] = once(state, least)
      // A byte more: the image is new, its packages are not.
      writeFileSync(source(ISO), '\0', { flag: 'a' })
      pair.image[which as 0 | 1] = once(state, least)
      rmSync(state, { recursive: true })
    }
    rows.first.push(pair.first)
    rows.image.push(pair.image)
  }
  for (const [what, pairs] of Object.entries(rows)) {
    const [plain, ours] = [0, 1].map((i) => median(pairs.map((pair) => pair[i as 0 | 1])))
    const ratio = median(pairs.map(([a, b]) => b / a))
    const name = what === 'first' ? 'all of it for the first time' : 'a new image of known packages'
    say(
      `publish, ${name}: plain ${plain?.toFixed(2)} s, with recipes ${ours?.toFixed(2)} s, ratio ${ratio.toFixed(2)}`,
    )
  }
  release('new')
  beside.publish()
}

// ---- bytes -----------------------------------------------------------------------------------

/** Nodes as they stand before the new release. */
function before(): void {
  beside.pull('m', at('old-image-new-packages'))
  beside.pull('m', at('old-image'), ONLY_IMAGE)
  cpSync(at('old-image'), at('rsync-old'), {
    recursive: true,
    filter: (p) => !p.includes('.~prsync~'),
  })
}

function fetched(): void {
  const template = jigdo()
  const all = [...template.made, ...template.packages].reduce((sum, n) => sum + n, 0)
  const own = template.made.reduce((sum, n) => sum + n, 0)
  beside.pull('m', at('old-image-new-packages'), NO_IMAGE)
  beside.pull('m', at('packages'), NO_IMAGE)
  const debs = readdirSync(source('pool')).map((base) => source('pool', base))
  const cases = [
    ['old-image-new-packages', [], [at('old.iso'), ...debs], own],
    ['old-image', ONLY_IMAGE, [at('old.iso')], own + template.changed],
    ['packages', [], debs, own],
    ['neither', ONLY_IMAGE, [], all],
  ] as const
  say(`jigdo: template ${template.made[0]} bytes, .jigdo ${template.made[1]} bytes`)
  for (const [name, rules, seeds, byJigdo] of cases) {
    const ours = beside.pull('m', at(name), rules)
    if (!readFileSync(at(name, ISO)).equals(readFileSync(source(ISO)))) throw new Error('differs')
    const hasOld = name.startsWith('old-image')
    const theirs = beside.rsyncFile(`m/${ISO}`, hasOld ? at('rsync-old', ISO) : null, at('r'))
    const z = zsync(seeds)
    say(
      `${name}: prsync ${mb(ours.fetched + ours.metadata)} MB (contents ${mb(ours.fetched)}, metadata ` +
        `${mb(ours.metadata)}; assembled ${mb(ours.assembled)}, by delta ${mb(ours.delta)}), ` +
        `rsync ${mb(theirs)}, jigdo ${mb(byJigdo)}, zsync ${z === null ? 'failed' : mb(z)}`,
    )
  }
}

/** Sizes of template and .jigdo, of all packages of the image, and of those that the old one has not. */
function jigdo(): { made: number[]; packages: number[]; changed: number } {
  const names = readdirSync(source('pool'))
  const list = names.map((base) => `${source('pool')}//${base}`).join('\n')
  const [template, jigdo_] = [at('template'), at('jigdo')]
  execFileSync(
    'jigdo-file',
    [
      'make-template',
      `--image=${source(ISO)}`,
      `--template=${template}`,
      `--jigdo=${jigdo_}`,
    ].concat(['--force', '--report=quiet', '--files-from=-']),
    { input: list, stdio: ['pipe', 'ignore', 'inherit'] },
  )
  const old = new Set(readdirSync(at('old')))
  const changed = names.filter((name) => !old.has(name))
  return {
    made: [sizeOf(template), sizeOf(jigdo_)],
    packages: names.map((base) => sizeOf(source('pool', base))),
    changed: changed.reduce((sum, base) => sum + sizeOf(source('pool', base)), 0),
  }
}

/** Bytes that zsync fetches, with its control file; null: it failed. */
function zsync(seeds: readonly string[]): number | null {
  const [control, made] = [at('cd.zsync'), at('z.iso')]
  execFileSync('zsyncmake', ['-u', `${beside.url}/m/${ISO}`, '-o', control, source(ISO)])
  rmSync(made, { force: true })
  const from = seeds.flatMap((seed) => ['-i', seed])
  const options = { encoding: 'utf8', cwd: home } as const
  const { status, stdout } = spawnSync('zsync', [...from, '-o', made, control], options)
  const came = /fetched (\d+)/.exec(stdout)?.[1]
  if (status !== 0 || came === undefined) return null
  if (!readFileSync(made).equals(readFileSync(source(ISO)))) return null
  return Number(came) + sizeOf(control)
}

// ---- speed -----------------------------------------------------------------------------------

/**
 * The pull from its first look to the image in its place, beside cp; nothing is shared between files here. A larger image of
 * the same packages tells the rate itself from what any pull takes, however little there is to do.
 */
function assembling(): void {
  for (let i = 0; i < COPIES; i++) cpSync(source('pool'), at('large', `${i}`), { recursive: true })
  master(at('large'), source(LARGE_ISO))
  beside.publish()
  beside.pull('m', at('packages'))
  const rows = [ISO, LARGE_ISO].map((iso) => Array.from({ length: RUNS }, () => turn(iso)))
  const [small, large] = rows.map((turns) => {
    const [copied, pulled] = [0, 1].map((i) => median(turns.map((each) => each[i as 0 | 1])))
    return { copied: copied ?? 0, pulled: pulled ?? 0, bytes: turns[0]?.[2] ?? 0 }
  })
  if (small === undefined || large === undefined) return
  for (const { bytes, copied, pulled } of [small, large])
    say(
      `assembling ${mb(bytes)} MB: cp ${copied.toFixed(2)} s, a pull with all it does ` +
        `${pulled.toFixed(2)} s, rate ${(copied / pulled).toFixed(2)} of cp's`,
    )
  const more = (large.copied - small.copied) / (large.pulled - small.pulled)
  say(`each further byte: rate ${more.toFixed(2)} of cp's`)
}

/**
 * Seconds of cp and of a pull that lacks this image alone, and what it put together. Each writes into memory that its own last
 * turn gave back just now: a virtual machine pays for what was free for a second.
 */
function turn(iso: string): [copied: number, pulled: number, bytes: number] {
  rmSync(at('copy.iso'), { force: true })
  const began = performance.now()
  execFileSync('cp', ['--reflink=never', source(iso), at('copy.iso')])
  const copied = (performance.now() - began) / 1000
  rmSync(at('packages', iso), { force: true })
  const { seconds, assembled } = beside.pull('m', at('packages'))
  if (assembled !== sizeOf(source(iso))) throw new Error(`${iso}: ${assembled} bytes assembled`)
  return [copied, seconds, assembled]
}
