/**
 * A thread of the assemble pool. Ranges go from file to file within the kernel: copy_file_range(2), which shares blocks
 * where the file system can and both ends are aligned. Then the bytes are read and hashed, as they stand.
 */
import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
import { codeOf, messageOf } from '../base/errors.js'
import { LEAF_BYTES, leafCount, leafHash } from '../hash/merkle.js'
import { ROOT_BYTES } from '../hash/root.js'
import type { Assembled, AssembleJob, AssemblyPart, StandingFile } from './assemble-pool.js'
import { libc } from './libc.js'

/** Read back at once. */
const CHUNK = 1 << 20
/** Files held open: a content takes from most of them once. */
const OPEN = 16

const chunk = Buffer.allocUnsafeSlow(CHUNK)
const zeros = Buffer.alloc(256 * 1024)

parentPort?.on('message', ({ id, job }: { id: number; job: AssembleJob }) => {
  parentPort?.postMessage({ id, result: assembled(job) })
})

function assembled(job: AssembleJob): Assembled {
  try {
    const path = Buffer.from(job.target, 'latin1')
    const target = openSync(path, constants.O_RDWR | constants.O_NOFOLLOW)
    const files = new OpenFiles(job.files)
    try {
      const failed: number[] = []
      for (const [i, part] of job.parts.entries())
        if (!bring(part, job, target, files)) failed.push(i)
      return { kind: 'assembled', failed, leaves: leavesOf(job, target, failed) }
    } finally {
      files.close()
      closeSync(target)
    }
  } catch (error) {
    const code = codeOf(error)
    if (code === undefined) throw error
    return { kind: 'failed', code, message: messageOf(error) }
  }
}

/** @returns false where its file does not have it */
function bring(part: AssemblyPart, job: AssembleJob, target: number, files: OpenFiles): boolean {
  const { offset, length } = part
  if (part.kind === 'literal') {
    write(target, job.literals.subarray(part.from, part.from + length), offset)
    return true
  }
  if (part.kind === 'zeros') {
    for (let done = 0; !job.isFresh && done < length; done += zeros.length)
      write(target, zeros.subarray(0, Math.min(zeros.length, length - done)), offset + done)
    return true
  }
  const from = files.open(part.file)
  return from !== null && copy(from, part.from, target, offset, length)
}

/** What cannot be read is a part that failed; that nothing can be written is told. */
function copy(from: number, start: number, to: number, offset: number, length: number): boolean {
  for (let done = 0; done < length; ) {
    let copied: number
    try {
      copied = libc().copyRange(from, start + done, to, offset + done, length - done)
    } catch (error) {
      if (codeOf(error) === 'EIO') return false
      throw error
    }
    if (copied === 0) return false
    done += copied
  }
  return true
}

function write(fd: number, bytes: Uint8Array, offset: number): void {
  for (let done = 0; done < bytes.length; )
    done += writeSync(fd, bytes, done, bytes.length - done, offset + done)
}

/** Of the leaves that no gap and no failed part touches. */
function leavesOf(
  { offset, length, parts }: AssembleJob,
  fd: number,
  failed: number[],
): Uint8Array {
  const leaves = new Uint8Array(leafCount(length) * ROOT_BYTES)
  const isWhole = wholeLeaves(offset, length, parts, new Set(failed))
  for (let at = 0; at < length; at += CHUNK) {
    const size = Math.min(CHUNK, length - at)
    const [first, end] = [at / LEAF_BYTES, Math.ceil((at + size) / LEAF_BYTES)]
    if (!isWhole.subarray(first, end).includes(1)) continue
    // A hole at its end is zeros, but beyond the file's size they are not read.
    chunk.fill(0, read(fd, size, offset + at), size)
    for (let leaf = first; leaf < end; leaf++) {
      if (isWhole[leaf] === 0) continue
      const start = leaf * LEAF_BYTES - at
      const hash = leafHash(chunk.subarray(start, Math.min(start + LEAF_BYTES, size)))
      leaves.set(hash, leaf * ROOT_BYTES)
    }
  }
  return leaves
}

function wholeLeaves(
  offset: number,
  length: number,
  parts: readonly AssemblyPart[],
  failed: ReadonlySet<number>,
): Uint8Array {
  const isWhole = new Uint8Array(leafCount(length))
  let end = offset
  let start = offset
  const run = (): void => {
    const first = Math.ceil((start - offset) / LEAF_BYTES)
    const last = end === offset + length ? isWhole.length : Math.floor((end - offset) / LEAF_BYTES)
    if (last > first) isWhole.fill(1, first, last)
  }
  for (const [i, part] of parts.entries()) {
    if (failed.has(i)) continue
    if (part.offset !== end) {
      run()
      start = part.offset
    }
    end = part.offset + part.length
  }
  run()
  return isWhole
}

function read(fd: number, length: number, offset: number): number {
  let got = 0
  while (got < length) {
    const n = readSync(fd, chunk, got, length - got, offset + got)
    if (n === 0) break
    got += n
  }
  return got
}

/** The files of a job, opened when first needed. */
class OpenFiles {
  readonly #files: readonly StandingFile[]
  readonly #open = new Map<number, number | null>()

  constructor(files: readonly StandingFile[]) {
    this.#files = files
  }

  /** Null where it is not there any more, or not the file that the index knows. */
  open(index: number): number | null {
    const known = this.#open.get(index)
    if (known !== undefined) return known
    if (this.#open.size >= OPEN) {
      const [oldest] = this.#open
      if (oldest !== undefined) this.#close(oldest)
    }
    const file = this.#files[index]
    const fd = file === undefined ? null : opened(file)
    this.#open.set(index, fd)
    return fd
  }

  close(): void {
    for (const each of [...this.#open]) this.#close(each)
  }
  #close([index, fd]: readonly [number, number | null]): void {
    if (fd !== null) closeSync(fd)
    this.#open.delete(index)
  }
}

function opened(file: StandingFile): number | null {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  let fd: number
  try {
    fd = openSync(Buffer.from(file.path, 'latin1'), flags)
  } catch (error) {
    if (codeOf(error) === undefined) throw error
    return null
  }
  const now = fstatSync(fd, { bigint: true })
  const isSame =
    now.isFile() &&
    Number(now.size) === file.size &&
    now.ino === file.ino &&
    now.mtimeNs === file.mtimeNs
  if (isSame) return fd
  closeSync(fd)
  return null
}
