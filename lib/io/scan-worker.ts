/** A thread of the scan pool: the delta engine over two open files. */
import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
import { codeOf, messageOf } from '../base/errors.js'
import { scanBasis } from '../delta/scan-basis.js'
import { decodeSums, type PublishedSums } from '../delta/sums.js'
import type { ByteRange, ScanJob, Scanned } from './scan-pool.js'

/** Copied at once. */
const COPY = 1 << 20
const copyBuffer = Buffer.allocUnsafeSlow(COPY)

parentPort?.on('message', ({ id, job }: { id: number; job: ScanJob }) => {
  parentPort?.postMessage({ id, result: scanned(job) })
})

function scanned(job: ScanJob): Scanned {
  try {
    const sums = decodeSums(job.sums, job.length)
    const basis = openSync(
      Buffer.from(job.basis, 'latin1'),
      constants.O_RDONLY | constants.O_NOFOLLOW,
    )
    const target = openSync(
      Buffer.from(job.target, 'latin1'),
      constants.O_RDWR | constants.O_NOFOLLOW,
    )
    try {
      return { kind: 'scanned', missing: fill(sums, basis, target) }
    } finally {
      closeSync(basis)
      closeSync(target)
    }
  } catch (error) {
    return { kind: 'failed', code: codeOf(error) ?? '', message: messageOf(error) }
  }
}

function fill(sums: PublishedSums, basis: number, target: number): ByteRange[] {
  const { blockLength, length } = sums
  const found = new Uint8Array(sums.count)
  const basisLength = fstatSync(basis).size
  const source = {
    length: basisLength,
    read: (offset: number, into: Uint8Array) => readFully(basis, into, offset),
  }
  // Neighbouring blocks are copied together.
  let run = { block: 0, count: 0, from: 0 }
  const flush = (): void => {
    const start = run.block * blockLength
    const bytes = Math.min(run.count * blockLength, length - start)
    if (run.count > 0 && copy(basis, run.from, target, start, bytes))
      found.fill(1, run.block, run.block + run.count)
  }
  scanBasis(sums, source, (block, offset) => {
    const isNext = block === run.block + run.count && offset === run.from + run.count * blockLength
    if (isNext) {
      run.count++
      return
    }
    flush()
    run = { block, count: 1, from: offset }
  })
  flush()
  return gaps(found, blockLength, length)
}

/** False where the basis became shorter. */
function copy(basis: number, from: number, target: number, to: number, length: number): boolean {
  for (let done = 0; done < length; ) {
    const part = copyBuffer.subarray(0, Math.min(COPY, length - done))
    if (readFully(basis, part, from + done) < part.length) return false
    for (let written = 0; written < part.length; )
      written += writeSync(target, part, written, part.length - written, to + done + written)
    done += part.length
  }
  return true
}

function readFully(fd: number, into: Uint8Array, offset: number): number {
  let got = 0
  while (got < into.length) {
    const n = readSync(fd, into, got, into.length - got, offset + got)
    if (n === 0) break
    got += n
  }
  return got
}

function gaps(found: Uint8Array, blockLength: number, length: number): ByteRange[] {
  const missing: ByteRange[] = []
  for (let block = 0; block < found.length; block++) {
    if (found[block] === 1) continue
    const first = block
    while (block + 1 < found.length && found[block + 1] === 0) block++
    const offset = first * blockLength
    missing.push({ offset, length: Math.min((block + 1) * blockLength, length) - offset })
  }
  return missing
}
