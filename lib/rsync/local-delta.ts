/** A file by what its basis has of it, both on this machine. Loaded only where --no-whole-file asks for it. */
import { FileError } from '../base/errors.js'
import type { Steps } from '../base/steps.js'
import { copyAligned } from '../delta/aligned.js'
import { sumHeadFor } from '../delta/block-size.js'
import { Match } from '../delta/match.js'
import { Patch } from '../delta/patch.js'
import { basisSumsOf, type Source } from '../delta/sums.js'
import { openKernel } from '../kernel/kernel.js'
import type { BlockSum, Kernel } from '../kernel/kernel-port.js'

/** Sums that need no second look: 128 bits. */
const SUM: BlockSum = { algorithm: 'xxh128', seed: 0x70735f31 }
const SUM_BYTES = 16
const WINDOW_BYTES = 4 * 2 ** 20

export type DeltaRule = {
  readonly blockLength: number | null
  /** The basis is what is written. */
  readonly inPlace: boolean
}

export class LocalDelta {
  #kernel: { readonly kernel: Kernel; readonly entries: number } | null = null

  #kernelFor(entries: number): Kernel {
    if (this.#kernel === null || this.#kernel.entries < entries)
      this.#kernel = { kernel: openKernel({ dataBytes: WINDOW_BYTES, entries }), entries }
    return this.#kernel.kernel
  }

  /** @param output gets all bytes of the source, in order @throws {FileError} where the basis became shorter */
  *copy(
    source: Source,
    basis: Source,
    rule: DeltaRule,
    output: (bytes: Uint8Array) => void,
  ): Steps<{ readonly literal: number; readonly matched: number }> {
    const { blockLength, inPlace } = rule
    const head = sumHeadFor(basis.length, {
      protocol: 32,
      sumBytes: SUM_BYTES,
      blockLength,
      redo: true,
    })
    const aligned =
      inPlace || head.count === 0
        ? { length: 0, literal: 0, matched: 0 }
        : yield* copyAligned(source, basis, head.blockLength, output)
    if (aligned.length > 0 && aligned.length === source.length) return aligned
    const kernel = this.#kernelFor(head.count)
    const sums = basisSumsOf(basis, head, SUM, kernel)
    if (sums === null) throw new FileError('the file at the destination became shorter')
    const patch = new Patch(head, basis, output)
    const match = new Match(from(source, aligned.length), sums, { inPlace }, kernel)
    for (let was = 0; match.step(patch); was = match.consumed) yield match.consumed - was
    patch.finish()
    return {
      literal: aligned.literal + patch.literalBytes,
      matched: aligned.matched + patch.matchedBytes,
    }
  }
}

function from({ length, read }: Source, start: number): Source {
  return {
    length: Math.max(0, length - start),
    read: (offset, into) => read(start + offset, into),
  }
}
