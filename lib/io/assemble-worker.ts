/**
 * A thread of the assemble pool. Blocks are shared where the file system can and a range stands at whole blocks in both
 * files; what else there is goes through memory once: read, hashed, written. docs/decisions/0051.
 */
import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
import { codeOf, messageOf } from '../base/errors.js'
import { LEAF_BYTES, leafCount, leafHash } from '../hash/merkle.js'
import { ROOT_BYTES } from '../hash/root.js'
import type { Assembled, AssembleJob, AssemblyPart, StandingFile } from './assemble-pool.js'
import { libc } from './libc.js'

/** In memory at once: whole leaves, and few enough that they are in the cache when they are hashed and written. */
const CHUNK = 256 * 1024
/** Files held open: a content takes from most of them once. */
const OPEN = 16
/** Blocks of file systems that share them. */
const BLOCK = 4096
/** What is shorter is written as fast. */
const LEAST_SHARED = 4 * BLOCK

const chunk = Buffer.allocUnsafeSlow(CHUNK)

parentPort?.on('message', ({ id, job }: { id: number; job: AssembleJob }) => {
  parentPort?.postMessage({ id, result: assembled(job) })
})

function assembled(job: AssembleJob): Assembled {
  try {
    const path = Buffer.from(job.target, 'latin1')
    const target = openSync(path, constants.O_RDWR | constants.O_NOFOLLOW)
    const files = new OpenFiles(job.files)
    try {
      return new Assembling(job, target, files).run()
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

type Range = { readonly start: number; readonly end: number }
const NOTHING: Range = { start: 0, end: 0 }

class Assembling {
  readonly #job: AssembleJob
  readonly #target: number
  readonly #files: OpenFiles
  readonly #failed = new Set<number>()
  /** Of the part that is being brought: what shares its blocks already. */
  #shared = NOTHING
  #canShare = true
  /** What of the chunk is to be written together; both are offsets of the content. */
  #pending = NOTHING

  constructor(job: AssembleJob, target: number, files: OpenFiles) {
    this.#job = job
    this.#target = target
    this.#files = files
  }

  run(): Assembled {
    const { offset, length, parts } = this.#job
    const leaves = new Uint8Array(leafCount(length) * ROOT_BYTES)
    const isWhole = wholeLeaves(offset, length, parts, this.#failed)
    let first = 0
    for (let at = offset; at < offset + length; at += CHUNK) {
      const end = Math.min(at + CHUNK, offset + length)
      for (let i = first; i < parts.length; i++) {
        const part = parts[i]
        if (part === undefined || part.offset >= end) break
        if (part.offset + part.length <= end) first = i + 1
        if (!this.#failed.has(i) && !this.#bring(part, at, end)) this.#failed.add(i)
      }
      this.#write(at)
      for (let leaf = (at - offset) / LEAF_BYTES; leaf * LEAF_BYTES < end - offset; leaf++) {
        if (isWhole[leaf] === 0) continue
        const start = leaf * LEAF_BYTES + offset - at
        const bytes = chunk.subarray(start, Math.min(start + LEAF_BYTES, end - at))
        leaves.set(leafHash(bytes), leaf * ROOT_BYTES)
      }
    }
    if (this.#failed.size > 0) {
      const left = wholeLeaves(offset, length, parts, this.#failed)
      for (const [leaf, is] of left.entries())
        if (is === 0) leaves.fill(0, leaf * ROOT_BYTES, (leaf + 1) * ROOT_BYTES)
    }
    return { kind: 'assembled', failed: [...this.#failed], leaves }
  }

  /** What a part has of the chunk from `at` to `end`. @returns false where its file does not have it */
  #bring(part: AssemblyPart, at: number, end: number): boolean {
    const start = Math.max(part.offset, at)
    const stop = Math.min(part.offset + part.length, end)
    const into = chunk.subarray(start - at, stop - at)
    if (part.kind === 'zeros') {
      into.fill(0)
      if (!this.#job.isFresh) this.#later(at, start, stop)
      return true
    }
    if (part.kind === 'literal') {
      const from = part.from + start - part.offset
      into.set(this.#job.literals.subarray(from, from + into.length))
      this.#later(at, start, stop)
      return true
    }
    const fd = this.#files.open(part.file)
    if (fd === null) return false
    if (start === part.offset) this.#shared = this.#share(part, fd)
    const head = Math.min(stop, Math.max(start, this.#shared.start))
    const tail = Math.max(head, Math.min(stop, this.#shared.end))
    const by = part.from - part.offset
    // What is shared is hashed as it stands there: the file could be written to meanwhile.
    const isRead =
      readWhole(fd, chunk.subarray(start - at, head - at), start + by) &&
      readWhole(this.#target, chunk.subarray(head - at, tail - at), head) &&
      readWhole(fd, chunk.subarray(tail - at, stop - at), tail + by)
    if (!isRead) return false
    this.#later(at, start, head)
    this.#later(at, tail, stop)
    return true
  }

  /** The blocks in the middle of a part, all at once. */
  #share(part: AssemblyPart & { readonly kind: 'copy' }, fd: number): Range {
    const { offset, length, from } = part
    const nothing = { start: offset, end: offset }
    const start = Math.ceil(offset / BLOCK) * BLOCK
    const end = Math.floor((offset + length) / BLOCK) * BLOCK
    const isAligned = (offset - from) % BLOCK === 0
    if (!this.#canShare || !isAligned || end - start < LEAST_SHARED) return nothing
    this.#canShare = libc().reflinkRange(
      fd,
      from + start - offset,
      this.#target,
      start,
      end - start,
    )
    return this.#canShare ? { start, end } : nothing
  }

  #later(at: number, start: number, stop: number): void {
    if (stop <= start) return
    if (this.#pending.end !== start) this.#write(at)
    const from = this.#pending.end === start ? this.#pending.start : start
    this.#pending = { start: from, end: stop }
  }
  #write(at: number): void {
    const { start, end } = this.#pending
    for (let done = start; done < end; )
      done += writeSync(this.#target, chunk, done - at, end - done, done)
    this.#pending = NOTHING
  }
}

/** False where it ends before, or cannot be read. */
function readWhole(fd: number, into: Uint8Array, offset: number): boolean {
  try {
    for (let got = 0; got < into.length; ) {
      const n = readSync(fd, into, got, into.length - got, offset + got)
      if (n === 0) return false
      got += n
    }
    return true
  } catch (error) {
    if (codeOf(error) === undefined) throw error
    return false
  }
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
