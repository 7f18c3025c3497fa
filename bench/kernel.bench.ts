/**
 * The kernel against node:crypto and hash-wasm, and the delta against the real rsync, as ratios in one run.
 * Run: node dist/bench/kernel.bench.js [--tiny]. `--tiny` only shows that it runs.
 */
import { spawnSync } from 'node:child_process'
import { createHash, hash } from 'node:crypto'
import {
  closeSync,
  copyFileSync,
  fstatSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMD4, createXXHash3, createXXHash64, createXXHash128, type IHasher } from 'hash-wasm'
import { sumHeadFor } from '../lib/delta/block-size.js'
import { Match } from '../lib/delta/match.js'
import { Patch } from '../lib/delta/patch.js'
import { scanBasis, scanKernel } from '../lib/delta/scan-basis.js'
import { basisSumsOf, publishedSumsOf, type Source } from '../lib/delta/sums.js'
import { openChecksum } from '../lib/hash/checksum.js'
import { openKernel } from '../lib/kernel/kernel.js'
import type { BlockSum } from '../lib/kernel/kernel-port.js'

const tiny = process.argv.includes('--tiny')
const MIB = 2 ** 20
const HASHED = tiny ? 64 * 1024 : 8 * MIB
const FILE = tiny ? 1 * MIB : 256 * MIB
const RUNS = tiny ? 1 : 5

/** The median time of some runs in ms, each of all candidates in turn. */
function race(candidates: ReadonlyMap<string, () => void>): Map<string, number> {
  const times = new Map<string, number[]>()
  for (let run = 0; run < RUNS; run++)
    for (const [name, act] of candidates) {
      const start = performance.now()
      act()
      times.set(name, [...(times.get(name) ?? []), performance.now() - start])
    }
  const median = (all: readonly number[]): number =>
    [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0
  return new Map([...times].map(([name, all]) => [name, median(all)]))
}
function report(title: string, times: ReadonlyMap<string, number>, bytes: number): void {
  const [[, first] = ['', 1]] = times
  console.log(title)
  for (const [name, ms] of times) {
    const speed = `${(bytes / 1000 / ms).toFixed(0)} MB/s`.padStart(11)
    console.log(`  ${name.padEnd(22)} ${speed}   kernel / other ${(first / ms).toFixed(2)}`)
  }
}

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

async function blockSums(): Promise<void> {
  const kernel = openKernel({ dataBytes: HASHED, entries: 1 })
  noise(kernel.data, 1)
  const out = new Uint8Array(Math.ceil(HASHED / 700) * 20)
  const wasm: ReadonlyMap<string, IHasher> = new Map([
    ['xxh64', await createXXHash64()],
    ['xxh3', await createXXHash3()],
    ['xxh128', await createXXHash128()],
    ['md4', await createMD4()],
  ])
  const eachBlock = (block: number, act: (bytes: Uint8Array) => void): (() => void) => {
    return () => {
      for (let i = 0; i < HASHED; i += block) act(kernel.data.subarray(i, i + block))
    }
  }
  for (const block of [700, 16_384]) {
    for (const algorithm of ['xxh64', 'xxh3', 'xxh128', 'md4', 'md5'] as const) {
      const sum: BlockSum = { algorithm, seed: 1 }
      const candidates = new Map([
        ['kernel', () => kernel.strongSums(sum, 8, 0, HASHED, block, out, 0, 8)],
      ])
      const hasher = wasm.get(algorithm)
      if (hasher !== undefined)
        candidates.set(
          'hash-wasm',
          eachBlock(block, (bytes) => hasher.init().update(bytes).digest('binary')),
        )
      if (algorithm === 'md5') {
        candidates.set(
          'node:crypto hash',
          eachBlock(block, (bytes) => hash('md5', bytes, 'buffer')),
        )
        candidates.set(
          'node:crypto createHash',
          eachBlock(block, (bytes) => createHash('md5').update(bytes).digest()),
        )
      }
      report(`${algorithm} of blocks of ${block}`, race(candidates), HASHED)
    }
    const weak = race(new Map([['kernel', () => kernel.weakSums(0, HASHED, block, out, 0, 4)]]))
    report(`weak sums of blocks of ${block}`, weak, HASHED)
  }
  const sums = new Uint8Array(HASHED / 2)
  const nodes = new Map([
    ['kernel', () => kernel.nodeSums(0, HASHED / 64, sums)],
    ['node:crypto hash', eachBlock(64, (bytes) => hash('sha256', bytes, 'buffer'))],
  ])
  report('sha256 of nodes of a hash tree', race(nodes), HASHED)
}

function fileSource(path: string): Source & { close(): void } {
  const file = openSync(path, 'r')
  return {
    length: fstatSync(file).size,
    read: (offset, into) => readSync(file, into, 0, into.length, offset),
    close: () => closeSync(file),
  }
}

/** What the two ends of an rsync do to one file, in one thread: sums of the basis, search, patch, whole-file sum. */
async function deltas(folder: string): Promise<void> {
  const checksum = await openChecksum('xxh128', 0)
  const bytes = new Uint8Array(FILE)
  const write = (name: string, seed: number, edits: number): string => {
    const path = join(folder, name)
    noise(bytes, seed)
    for (let i = 0; i < edits; i++) {
      const at = Math.floor((i + 0.5) * (FILE / edits))
      bytes[at] = (bytes[at] ?? 0) ^ 0xff
    }
    writeFileSync(path, bytes)
    return path
  }
  const source = write('source', 1, 0)
  for (const [title, basis] of [
    ['nothing in common', write('other', 2, 0)],
    ['200 edits', write('edited', 1, 200)],
  ] as const) {
    let literal = 0
    const prsync = (): void => {
      literal = delta(source, basis, join(folder, 'out'), checksum)
    }
    const rsync = (): void => {
      copyFileSync(basis, join(folder, 'copy'))
      const run = spawnSync('rsync', ['--no-whole-file', '-I', source, join(folder, 'copy')])
      if (run.status !== 0) throw new Error(`rsync: ${run.stderr.toString()}`)
    }
    const copy = (): void => copyFileSync(basis, join(folder, 'copy'))
    const pull = (): void => {
      const target = fileSource(source)
      const here = fileSource(basis)
      const sums = publishedSumsOf(target, openKernel({ dataBytes: 4 * MIB, entries: 1 }))
      if (sums === null) throw new Error('no sums')
      const result = scanBasis(sums, here, () => undefined, scanKernel(sums))
      literal = (sums.count - result.blocks) * sums.blockLength
      target.close()
      here.close()
    }
    const times = race(
      new Map([
        ['prsync', prsync],
        ['rsync + copy', rsync],
        ['copy', copy],
        ['published + scanned', pull],
      ]),
    )
    // rsync changes a fresh copy of the basis each time: the copying is not its work.
    const own = (times.get('rsync + copy') ?? 0) - (times.get('copy') ?? 0)
    const mine = times.get('prsync') ?? 0
    console.log(`delta of ${FILE / MIB} MiB, ${title}`)
    for (const [name, ms] of times) console.log(`  ${name.padEnd(22)} ${ms.toFixed(0)} ms`)
    console.log(`  prsync / rsync ${(mine / own).toFixed(2)}, bytes to fetch ${literal}`)
  }
}

function delta(
  sourcePath: string,
  basisPath: string,
  outPath: string,
  checksum: Awaited<ReturnType<typeof openChecksum>>,
): number {
  const source = fileSource(sourcePath)
  const basis = fileSource(basisPath)
  const out = openSync(outPath, 'w')
  const head = sumHeadFor(basis.length, {
    protocol: 32,
    sumBytes: 16,
    blockLength: null,
    redo: false,
  })
  const kernel = openKernel({ dataBytes: 4 * MIB, entries: head.count })
  const sums = basisSumsOf(basis, head, { algorithm: 'xxh128', seed: 12_345 }, kernel)
  if (sums === null) throw new Error('no sums')
  checksum.start()
  const patch = new Patch(head, basis, (bytes) => {
    checksum.update(bytes)
    writeSync(out, bytes)
  })
  const match = new Match(source, sums, { inPlace: false }, kernel)
  while (match.step(patch));
  patch.finish()
  checksum.digest()
  source.close()
  basis.close()
  closeSync(out)
  return patch.literalBytes
}

const folder = mkdtempSync(join(tmpdir(), 'prsync-bench-'))
try {
  await blockSums()
  if (spawnSync('rsync', ['--version']).status === 0) await deltas(folder)
  else console.log('delta: needs the Debian package rsync')
} finally {
  rmSync(folder, { recursive: true })
}
