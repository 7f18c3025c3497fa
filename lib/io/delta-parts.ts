/**
 * One large file by what its basis has of it, in parts: whoever has a processor takes the next one. What they share is in
 * shared memory; a thread that comes late finds nothing left and touches no file, which may be closed by then.
 */
import { readSync, writeSync } from 'node:fs'
import { atOnce } from '../base/steps.js'
import { copyAligned } from '../delta/aligned.js'
import { searchPart } from '../delta/part.js'
import { type BlockSums, basisSumsOf, type Source } from '../delta/sums.js'
import { DELTA_STATE, type DeltaJob, FOUND_COLUMNS } from '../host.js'
import { openKernel } from '../kernel/kernel.js'
import type { Kernel } from '../kernel/kernel-port.js'

const WINDOW_BYTES = 4 * 2 ** 20

export class DeltaParts {
  #kernel: { readonly kernel: Kernel; readonly entries: number } | null = null

  /** Does the next part. False: none is left. What fails is marked, and said by whoever does it again. */
  next(job: DeltaJob): boolean {
    const { state } = job
    // Who waits for all to be done sees this thread before it may touch a file.
    Atomics.add(state, DELTA_STATE.busy, 1)
    try {
      if (Atomics.load(state, DELTA_STATE.stop) !== 0) return false
      const part = Atomics.add(state, DELTA_STATE.next, 1)
      if (part >= job.parts) return false
      if (!this.#do(job, part)) Atomics.store(state, DELTA_STATE.failed, 1)
      Atomics.add(state, DELTA_STATE.done, 1)
      return true
    } catch {
      Atomics.store(state, DELTA_STATE.failed, 1)
      return false
    } finally {
      Atomics.sub(state, DELTA_STATE.busy, 1)
      Atomics.notify(state, DELTA_STATE.busy)
    }
  }

  #do(job: DeltaJob, part: number): boolean {
    const { start, length, partBytes } = job
    const from = start + part * partBytes
    const range = [from, Math.min(length, from + partBytes)] as const
    switch (job.phase) {
      case 'align':
        return alignPart(job, range, part)
      case 'sums':
        return sumPart(job, range, this.#kernelFor(job.head.count))
      case 'search':
        return searchOne(job, range, part, this.#kernelFor(job.head.count))
    }
  }

  #kernelFor(entries: number): Kernel {
    if (this.#kernel === null || this.#kernel.entries < entries)
      this.#kernel = { kernel: openKernel({ dataBytes: WINDOW_BYTES, entries }), entries }
    return this.#kernel.kernel
  }
}

type Range = readonly [from: number, to: number]

/** Where it is not as the basis is in the same place, those behind it need not go on. */
function alignPart(job: DeltaJob, [from, to]: Range, part: number): boolean {
  const { files, basisLength, head, length } = job
  const source = sliceOf(files.source, [from, to])
  const basis = sliceOf(files.basis, [
    from,
    to === length ? basisLength : Math.min(to, basisLength),
  ])
  let at = from
  const put = (bytes: Uint8Array): void => {
    write(files.into, bytes, at)
    at += bytes.length
  }
  const aligned = atOnce(copyAligned(source, basis, head.blockLength, put))
  job.found.set([aligned.length, aligned.literal, 0], part * FOUND_COLUMNS)
  return aligned.length === to - from
}

/** The sums of whole blocks of the basis, where they belong among all of them. */
function sumPart(
  { files, head, sum, packed }: DeltaJob,
  [from, to]: Range,
  kernel: Kernel,
): boolean {
  const { blockLength, sumLength } = head
  const count = Math.ceil((to - from) / blockLength)
  const part = { blockLength, sumLength, count, remainder: (to - from) % blockLength }
  const sums = basisSumsOf(sliceOf(files.basis, [from, to]), part, sum, kernel)
  if (sums === null) return false
  packed.set(sums.packed, (from / blockLength) * (4 + sumLength))
  return true
}

function searchOne(job: DeltaJob, range: Range, part: number, kernel: Kernel): boolean {
  const { files, head, sum, packed, basisLength, length } = job
  const sums: BlockSums = { ...head, length: basisLength, sum, packed }
  const source = sliceOf(files.source, [0, length])
  const put = (bytes: Uint8Array, at: number): void => write(files.into, bytes, at)
  const found = searchPart(source, range, sums, kernel, put)
  job.found.set([found.matched, found.first, found.last], part * FOUND_COLUMNS)
  return found.isWhole
}

function write(fd: number, bytes: Uint8Array, at: number): void {
  for (let done = 0; done < bytes.length; )
    done += writeSync(fd, bytes, done, bytes.length - done, at + done)
}

function sliceOf(fd: number, [from, to]: Range): Source {
  const length = Math.max(0, to - from)
  return {
    length,
    read: (offset, into) => {
      const most = Math.min(into.length, length - offset)
      let got = 0
      while (got < most) {
        const more = readSync(fd, into, got, most - got, from + offset + got)
        if (more === 0) break
        got += more
      }
      return got
    },
  }
}
