/**
 * The bytes of files that are open: copied from one into another, written where they belong, with holes for zeros or by another
 * thread, and read back. Knows no names. Errors are the system's, with their code.
 */
import { fstatSync, fsyncSync, ftruncateSync, readSync, writeSync, writev } from 'node:fs'
import { codeOf, FileError, messageOf } from '../base/errors.js'
import type { Steps } from '../base/steps.js'
import { libc } from './libc.js'

/** How a whole file is copied. */
export type CopyRule = {
  readonly sparse: boolean
  readonly preallocate: boolean
  readonly fsync: boolean
  /** The most that one step copies; null: as is best. */
  readonly stepBytes: number | null
}

const COPY_BYTES = 256 * 1024
/** The kernel copies at most so much before somebody may look at the clock. */
const KERNEL_STEP_BYTES = 32 * 2 ** 20
/** Above it the kernel copies, or shares blocks: below it one read and one write are cheaper. */
const KERNEL_COPY_BYTES = 64 * 1024
const SPARSE_BYTES = 4096

/** Has a buffer of its own, which is in use until a copy has come to its next step. */
export class FileBytes {
  readonly #calls = libc()
  readonly #buffer = Buffer.allocUnsafe(COPY_BYTES)

  /** Bytes at an offset; `sparse`: zeros are left out, and the length has to be set at the end. */
  write(fd: number, bytes: Uint8Array, offset: number, sparse: boolean): void {
    if (!sparse) {
      for (let done = 0; done < bytes.length; )
        done += writeSync(fd, bytes, done, bytes.length - done, offset + done)
      return
    }
    for (let at = 0; at < bytes.length; ) {
      const end = Math.min(bytes.length, at + SPARSE_BYTES - ((offset + at) % SPARSE_BYTES))
      const part = bytes.subarray(at, end)
      if (!isZero(part)) this.write(fd, part, offset + at, false)
      at = end
    }
  }

  /** The same by another thread, one piece behind the other. They and the file are to be left alone until it settles. */
  writeLater(fd: number, pieces: readonly Uint8Array[], offset: number): Promise<void> {
    return new Promise((resolve, reject) => {
      writev(fd, pieces, offset, (cause, written) => {
        if (cause !== null) return reject(cause)
        try {
          this.#writeRest(fd, pieces, offset, written)
          resolve()
        } catch (error) {
          reject(error instanceof Error ? error : new FileError(messageOf(error)))
        }
      })
    })
  }
  /** @param done bytes that are written already: most often all of them */
  #writeRest(fd: number, pieces: readonly Uint8Array[], offset: number, done: number): void {
    let [at, skipped] = [offset, done]
    for (const piece of pieces) {
      const left = piece.subarray(Math.min(skipped, piece.length))
      if (left.length > 0) this.write(fd, left, at + piece.length - left.length, false)
      skipped -= piece.length - left.length
      at += piece.length
    }
  }

  read(fd: number, into: Uint8Array, offset: number): number {
    return readSync(fd, into, 0, into.length, offset)
  }
  /**
   * Cuts, or lengthens by a hole, what is no device; then what was written is on the disk, if asked for. @param isExact it was
   * new, and all of it was written
   */
  finish(fd: number, length: number, isExact: boolean, fsync: boolean): void {
    if (!isExact && fstatSync(fd).isFile()) ftruncateSync(fd, length)
    if (fsync) fsyncSync(fd)
  }
  size(fd: number): number {
    return fstatSync(fd).size
  }

  /**
   * All bytes of an open file into a new one, step by step: each yields how many it wrote. @returns how many in all
   * @throws what reading or writing throws
   */
  *copy(from: number, to: number, rule: CopyRule): Steps<number> {
    const { size } = fstatSync(from)
    if (rule.preallocate && size > 0) this.#calls.reserve(to, size)
    const copied =
      size > KERNEL_COPY_BYTES && !rule.sparse
        ? yield* this.#kernelCopy(from, to, size, rule)
        : yield* this.#readAndWrite(from, to, rule)
    if (rule.fsync) fsyncSync(to)
    return copied
  }
  *#kernelCopy(from: number, to: number, size: number, rule: CopyRule): Steps<number> {
    if (!rule.preallocate && this.#calls.reflink(from, to)) return size
    const step = Math.min(KERNEL_STEP_BYTES, rule.stepBytes ?? KERNEL_STEP_BYTES)
    let done = 0
    for (;;) {
      let copied: number
      try {
        copied = this.#calls.copyRange(from, done, to, done, step)
      } catch (error) {
        const code = codeOf(error)
        // Across some file systems the kernel will not.
        if (done > 0 || !(code === 'EXDEV' || code === 'EOPNOTSUPP' || code === 'EINVAL'))
          throw error
        return yield* this.#readAndWrite(from, to, { ...rule, sparse: false })
      }
      if (copied === 0) return done
      done += copied
      yield copied
    }
  }
  *#readAndWrite(from: number, to: number, rule: CopyRule): Steps<number> {
    const buffer = this.#buffer.subarray(0, rule.stepBytes ?? COPY_BYTES)
    let at = 0
    for (;;) {
      const got = readSync(from, buffer, 0, buffer.length, at)
      if (got === 0) break
      this.write(to, buffer.subarray(0, got), at, rule.sparse)
      at += got
      if (got < buffer.length && at >= fstatSync(from).size) break
      yield got
    }
    if (rule.sparse) ftruncateSync(to, at)
    return at
  }
}

function isZero(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (byte !== 0) return false
  return true
}
