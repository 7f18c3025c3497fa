/**
 * `prsync SRC DEST` beside the rsync of this machine: turn by turn in one run, medians, so that only ratios count.
 * Run: node dist/bench/local.bench.js [--tiny] [--files 100000] [--mean 24000] [--runs 5] [--in DIRECTORY] [--only WORD]
 */
import { spawnSync } from 'node:child_process'
import {
  copyFileSync,
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

const PRSYNC = fileURLToPath(new URL('../bin/prsync.cjs', import.meta.url))
const MIB = 2 ** 20
const PER_DIRECTORY = 100

const tiny = process.argv.includes('--tiny')
const FILES = Number(given('--files') ?? (tiny ? 200 : 100_000))
const RUNS = Number(given('--runs') ?? (tiny ? 1 : 5))
const ONLY = given('--only') ?? ''
const LARGE = tiny ? MIB : 1024 * MIB
const DELTA = tiny ? MIB : 256 * MIB
/** Of the small files, as in a tree of sources and packages. */
const MEAN_BYTES = Number(given('--mean') ?? (tiny ? 1000 : 24_000))

function given(option: string): string | undefined {
  const at = process.argv.indexOf(option)
  return at < 0 ? undefined : process.argv[at + 1]
}

type Side = 'prsync' | 'rsync'
type Ran = { readonly seconds: number; readonly output: string; readonly kilobytes: number }

/** Tells the most memory it had, on the last line of its errors. */
const TELL = `process.on('exit', () => process._rawDebug(process.resourceUsage().maxRSS))`

function run(side: Side, args: readonly string[]): Ran {
  const [program, before] =
    side === 'rsync' ? ['rsync', []] : [process.execPath, ['--require', tell, PRSYNC]]
  const began = performance.now()
  const { status, stdout, stderr } = spawnSync(program, [...before, ...args], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  const seconds = (performance.now() - began) / 1000
  if (status !== 0) throw new Error(`${side} ${args.join(' ')}: ${status} ${stderr}`)
  return { seconds, output: stdout, kilobytes: Number(stderr.trim().split('\n').at(-1)) }
}

type Case = {
  readonly name: string
  /** Made anew before each run. */
  readonly prepare: (destination: string) => void
  readonly args: (destination: string) => readonly string[]
  readonly source: string
}

function race({ name, prepare, args, source }: Case, home: string): void {
  if (!name.includes(ONLY)) return
  const times: Record<Side, number[]> = { prsync: [], rsync: [] }
  const literal: Record<Side, number> = { prsync: 0, rsync: 0 }
  let kilobytes = 0
  for (let i = 0; i < RUNS; i++)
    for (const side of i % 2 === 0
      ? (['prsync', 'rsync'] as const)
      : (['rsync', 'prsync'] as const)) {
      const destination = join(home, `to-${side}`)
      prepare(destination)
      const ran = run(side, [...args(destination), '--stats'])
      times[side].push(ran.seconds)
      literal[side] = Number(/Literal data: ([\d,]+)/.exec(ran.output)?.[1]?.replaceAll(',', ''))
      if (side === 'prsync') kilobytes = Math.max(kilobytes, ran.kilobytes)
    }
  compare(source, join(home, 'to-prsync'))
  const [mine, other] = [median(times.prsync), median(times.rsync)]
  console.log(
    `${name.padEnd(38)} prsync ${mine.toFixed(3)} s  rsync ${other.toFixed(3)} s  ` +
      `prsync / rsync ${(mine / other).toFixed(2)}  literal ${literal.prsync} / ${literal.rsync}  ` +
      `${(kilobytes / 1024).toFixed(0)} MiB`,
  )
}

function median(all: readonly number[]): number {
  return [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0
}

/** @throws where the copy is not what was copied */
function compare(source: string, destination: string): void {
  const { status, stdout } = spawnSync(
    'rsync',
    ['-ani', '--delete', ...(tiny ? ['-c'] : []), source, destination],
    { encoding: 'utf8' },
  )
  if (status !== 0 || stdout !== '') throw new Error(`${destination} is not ${source}:\n${stdout}`)
}

/** Bytes that nothing shares with those of another seed. */
function noise(bytes: Uint8Array, seed: number): void {
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2)
  let x = seed | 1
  for (let i = 0; i < words.length; i++) {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    words[i] = x
  }
}

function smallFiles(top: string): void {
  const bytes = new Uint8Array(2 * MEAN_BYTES + 4)
  noise(bytes, 7)
  for (let i = 0; i < FILES; i++) {
    const directory = join(
      top,
      `d${Math.floor(i / PER_DIRECTORY / 50)}`,
      `e${Math.floor(i / PER_DIRECTORY)}`,
    )
    if (i % PER_DIRECTORY === 0) mkdirSync(directory, { recursive: true })
    writeFileSync(
      join(directory, `file-${i}.txt`),
      bytes.subarray(0, (i * 7919) % (2 * MEAN_BYTES)),
    )
  }
}

function largeFile(path: string, length: number, seed: number, edits: number): void {
  const part = new Uint8Array(Math.min(length, 64 * MIB))
  const fd = openSync(path, 'w')
  for (let at = 0; at < length; at += part.length) {
    noise(part, seed + at)
    const step = length / Math.max(1, edits)
    for (let i = 0; i < edits; i++) {
      const place = Math.floor((i + 0.5) * step) - at
      if (place >= 0 && place < part.length) part[place] = (part[place] ?? 0) ^ 0xff
    }
    writeSync(fd, part)
  }
}

const home = mkdtempSync(join(given('--in') ?? tmpdir(), 'prsync-local-bench-'))
const tell = join(home, 'tell.cjs')
writeFileSync(tell, TELL)
try {
  if (spawnSync('rsync', ['--version']).status !== 0)
    throw new Error('needs the Debian package rsync')
  const from = (name: string): string => join(home, name)
  const clear = (path: string): void => rmSync(path, { recursive: true, force: true })
  const needs = (word: string): boolean => word.includes(ONLY) || ONLY.includes(word)
  if (needs('small')) {
    mkdirSync(from('few'))
    writeFileSync(from('few/a'), 'a')
    race(
      {
        name: 'small: one file, cold start',
        source: `${from('few')}/`,
        prepare: clear,
        args: (to) => ['-a', `${from('few')}/`, `${to}/`],
      },
      home,
    )
    smallFiles(from('small'))
    const args = (to: string): string[] => ['-a', `${from('small')}/`, `${to}/`]
    const source = `${from('small')}/`
    race({ name: `small: ${FILES} files, nothing there`, source, prepare: clear, args }, home)
    const again = (to: string): void => void spawnSync('rsync', args(to))
    race({ name: `small: ${FILES} files, nothing changed`, source, prepare: again, args }, home)
    clear(from('small'))
    clear(from('to-rsync'))
    clear(from('to-prsync'))
  }
  if (needs('large')) {
    mkdirSync(from('large'))
    largeFile(from('large/file'), LARGE, 3, 0)
    const source = `${from('large')}/`
    race(
      {
        name: `large: one file of ${LARGE / MIB} MiB`,
        source,
        prepare: clear,
        args: (to) => ['-a', source, `${to}/`],
      },
      home,
    )
    clear(from('large'))
    clear(from('to-rsync'))
    clear(from('to-prsync'))
  }
  if (needs('delta')) {
    mkdirSync(from('delta'))
    largeFile(from('delta/file'), DELTA, 1, 0)
    const source = `${from('delta')}/`
    for (const [title, seed, edits] of [
      ['nothing in common', 2, 0],
      ['200 edits', 1, 200],
    ] as const) {
      const basis = from(`basis-${edits}`)
      largeFile(basis, DELTA, seed, edits)
      const prepare = (to: string): void => {
        clear(to)
        mkdirSync(to)
        copyFileSync(basis, join(to, 'file'))
      }
      race(
        {
          name: `delta: ${DELTA / MIB} MiB, ${title}`,
          source,
          prepare,
          args: (to) => ['-aI', '--no-whole-file', source, `${to}/`],
        },
        home,
      )
    }
  }
} finally {
  rmSync(home, { recursive: true, force: true })
}
