/** A file by what its basis has of it, both on this machine. Loaded only where --no-whole-file asks for it. */
import { FileError } from '../base/errors.js'
import type { Steps } from '../base/steps.js'
import { type Aligned, copyAligned } from '../delta/aligned.js'
import { type SumHead, sumHeadFor } from '../delta/block-size.js'
import { Match } from '../delta/match.js'
import { matchedIn, type PartFound } from '../delta/part.js'
import { Patch } from '../delta/patch.js'
import { basisSumsOf, type Source } from '../delta/sums.js'
import {
  DELTA_STATE,
  type DeltaFiles,
  type DeltaJob,
  type DeltaThreads,
  FOUND_COLUMNS,
} from '../host.js'
import { openKernel } from '../kernel/kernel.js'
import type { BlockSum, Kernel } from '../kernel/kernel-port.js'

/** Sums that need no second look: 128 bits. */
const SUM: BlockSum = { algorithm: 'xxh128', seed: 0x70735f31 }
const SUM_BYTES = 16
const WINDOW_BYTES = 4 * 2 ** 20
/** What is left to search, before threads are worth their start; and what one takes at a time. */
const LARGE_BYTES = 48 * 2 ** 20
const PART_BYTES = 8 * 2 ** 20
/** How long a part of others is waited for, before the clock is looked at. */
const WAIT_MS = 20

export type DeltaRule = {
  readonly blockLength: number | null
  /** The basis is what is written. */
  readonly inPlace: boolean
  /** Open files that threads may read and write, at any place; null: this thread alone. */
  readonly files: DeltaFiles | null
}
type Delta = { readonly literal: number; readonly matched: number }

export class LocalDelta {
  readonly #openThreads: () => DeltaThreads | null
  #threads: DeltaThreads | null | undefined
  #kernel: { readonly kernel: Kernel; readonly entries: number } | null = null

  /** @param openThreads asked once there is enough to do; null: this machine has none */
  constructor(openThreads: () => DeltaThreads | null) {
    this.#openThreads = openThreads
  }
  async close(): Promise<void> {
    await this.#threads?.close()
  }

  #kernelFor(entries: number): Kernel {
    if (this.#kernel === null || this.#kernel.entries < entries)
      this.#kernel = { kernel: openKernel({ dataBytes: WINDOW_BYTES, entries }), entries }
    return this.#kernel.kernel
  }

  /** @param output gets all bytes of the source that threads do not write @throws {FileError} where the basis became shorter */
  *copy(
    source: Source,
    basis: Source,
    rule: DeltaRule,
    output: (bytes: Uint8Array, offset: number) => void,
  ): Steps<Delta> {
    const { blockLength, inPlace } = rule
    const head = sumHeadFor(basis.length, {
      protocol: 32,
      sumBytes: SUM_BYTES,
      blockLength,
      redo: true,
    })
    let at = 0
    const put = (bytes: Uint8Array): void => {
      output(bytes, at)
      at += bytes.length
    }
    const parts = this.#partsOf(source, basis, head, rule.files)
    const aligned =
      inPlace || head.count === 0
        ? NOTHING
        : parts !== null
          ? yield* parts.align()
          : yield* copyAligned(source, basis, head.blockLength, put)
    at = aligned.length
    if (at > 0 && at === source.length) return aligned
    const isLarge = source.length - at >= LARGE_BYTES
    const rest =
      (parts !== null && isLarge ? yield* parts.search(at) : null) ??
      (yield* this.#search(from(source, at), basis, head, inPlace, put))
    return {
      literal: aligned.literal + rest.literal,
      matched: aligned.matched + rest.matched,
    }
  }

  *#search(
    source: Source,
    basis: Source,
    head: SumHead,
    inPlace: boolean,
    put: (bytes: Uint8Array) => void,
  ): Steps<Delta> {
    const kernel = this.#kernelFor(head.count)
    const sums = basisSumsOf(basis, head, SUM, kernel)
    if (sums === null) throw new FileError('the file at the destination became shorter')
    const patch = new Patch(head, basis, put)
    const match = new Match(source, sums, { inPlace }, kernel)
    for (let was = 0; match.step(patch); was = match.consumed) yield match.consumed - was
    patch.finish()
    return { literal: patch.literalBytes, matched: patch.matchedBytes }
  }

  /** Null: it is not for threads. */
  #partsOf(
    source: Source,
    basis: Source,
    head: SumHead,
    files: DeltaFiles | null,
  ): SharedDelta | null {
    if (files === null || source.length < LARGE_BYTES || head.count === 0) return null
    if (this.#threads === undefined) this.#threads = this.#openThreads()
    if (this.#threads === null) return null
    return new SharedDelta(this.#threads, files, source.length, basis.length, head)
  }
}

const NOTHING: Aligned = { length: 0, literal: 0, matched: 0 }

/** A large file that several threads share. */
class SharedDelta {
  readonly #threads: DeltaThreads
  readonly #common: Omit<DeltaJob, 'phase' | 'start' | 'length' | 'parts' | 'state' | 'found'>
  readonly #length: number
  /** Bytes of the file that somebody is through with. */
  #reached = 0

  constructor(
    threads: DeltaThreads,
    files: DeltaFiles,
    length: number,
    basisLength: number,
    head: SumHead,
  ) {
    this.#threads = threads
    this.#length = length
    const { blockLength } = head
    this.#common = {
      files,
      head,
      sum: SUM,
      basisLength,
      packed: new Uint8Array(new SharedArrayBuffer(head.count * (4 + head.sumLength))),
      // Blocks belong to one part.
      partBytes: Math.ceil(PART_BYTES / blockLength) * blockLength,
    }
  }

  /** How far the file is as its basis in the same place. */
  *align(): Steps<Aligned> {
    const job = this.#job('align', 0, this.#length)
    yield* this.#allParts(job)
    let length = 0
    let literal = 0
    for (let part = 0; part < job.parts && length === part * job.partBytes; part++) {
      const [good = 0, differing = 0] = job.found.subarray(part * FOUND_COLUMNS)
      length += good
      literal += differing
    }
    return { length, literal, matched: length - literal }
  }

  /** The rest. @returns null: it could not be done so, and nothing counts */
  *search(start: number): Steps<Delta | null> {
    const { basisLength, head } = this.#common
    const summed = this.#job('sums', 0, basisLength)
    if (!(yield* this.#allParts(summed))) return null
    const searched = this.#job('search', start, this.#length)
    if (!(yield* this.#allParts(searched))) return null
    const matched = matchedIn(foundIn(searched.found), head.blockLength)
    return { literal: this.#length - start - matched, matched }
  }

  #job(phase: DeltaJob['phase'], start: number, length: number): DeltaJob {
    const parts = Math.ceil((length - start) / this.#common.partBytes)
    const state = new Int32Array(new SharedArrayBuffer(4 * Object.keys(DELTA_STATE).length))
    const found = new Float64Array(new SharedArrayBuffer(8 * FOUND_COLUMNS * parts))
    return { ...this.#common, phase, start, length, parts, state, found }
  }

  /** Does parts with the others until all are done, and lets go of the files only then. @returns did all go well? */
  *#allParts(job: DeltaJob): Steps<boolean> {
    const { state, start, length, partBytes, phase } = job
    const news = (): number => {
      if (phase === 'sums') return 0
      const reached = Math.min(length, start + Atomics.load(state, DELTA_STATE.done) * partBytes)
      const before = this.#reached
      this.#reached = Math.max(before, reached)
      return this.#reached - before
    }
    const threads = this.#threads
    threads.help(job)
    try {
      while (Atomics.load(state, DELTA_STATE.failed) === 0 && threads.next(job)) yield news()
    } finally {
      Atomics.store(state, DELTA_STATE.stop, 1)
      for (;;) {
        const busy = Atomics.load(state, DELTA_STATE.busy)
        if (busy === 0) break
        Atomics.wait(state, DELTA_STATE.busy, busy, WAIT_MS)
      }
    }
    yield news()
    return Atomics.load(state, DELTA_STATE.failed) === 0
  }
}

function* foundIn(found: Float64Array): Iterable<PartFound> {
  for (let at = 0; at < found.length; at += FOUND_COLUMNS) {
    const [matched = 0, first = 0, last = 0] = found.subarray(at, at + FOUND_COLUMNS)
    yield { matched, first, last, isWhole: true }
  }
}

function from({ length, read }: Source, start: number): Source {
  return {
    length: Math.max(0, length - start),
    read: (offset, into) => read(start + offset, into),
  }
}
