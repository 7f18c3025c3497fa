/**
 * Finds the blocks of a wanted content in a file that stands here: rsync turned round, as in zsync. Published sums of
 * the wanted content in, copies (block of the content ← offset in the file) out. Synchronous and hot: for a worker.
 */
import { openKernel } from '../kernel/kernel.js'
import type { Kernel } from '../kernel/kernel-port.js'
import { NONE, SumTable } from './sum-table.js'
import { PUBLISHED_SUM, type PublishedSums, type Source } from './sums.js'
import { Window } from './window.js'

export type ScanResult = {
  /** Blocks of the content that were found, twins and the short last one included. */
  readonly blocks: number
  /** Bytes of the basis that were looked at. */
  readonly scanned: number
  /** The basis had nothing in its first tenth, or made more work than it can be worth. */
  readonly gaveUp: boolean
}

/** Bytes that a kernel for scanning holds of the basis. */
const SCAN_BYTES = 4 * 2 ** 20
/** Bytes hashed in vain for each byte scanned, before the sums count as made to keep us busy. */
const WASTE = 16

/** A kernel with room for the sums; one scan after another may use it. */
export function scanKernel(sums: PublishedSums): Kernel {
  return openKernel({ dataBytes: SCAN_BYTES, entries: sums.count })
}

/** Each block of the content is given to `sink` at most once, in the order of the basis. */
export function scanBasis(
  sums: PublishedSums,
  basis: Source,
  sink: (targetBlock: number, basisOffset: number) => void,
  kernel: Kernel = scanKernel(sums),
): ScanResult {
  const scan = new BasisScan(sums, basis, sink, kernel)
  scan.run()
  scan.findTail()
  return scan.result()
}

class BasisScan {
  readonly #sums: PublishedSums
  readonly #basis: Source
  readonly #sink: (targetBlock: number, basisOffset: number) => void
  readonly #kernel: Kernel
  readonly #table: SumTable
  readonly #strong = new Uint8Array(8)
  readonly #wholeBlocks: number
  readonly #giveUpAt: number
  readonly #window: Window
  #blocks = 0
  #wasted = 0
  #gaveUp = false
  #scanned = 0
  /** Where in the basis the bytes after the content's last whole block stand. */
  #afterLast: number | null = null

  constructor(
    sums: PublishedSums,
    basis: Source,
    sink: (targetBlock: number, basisOffset: number) => void,
    kernel: Kernel,
  ) {
    this.#sums = sums
    this.#basis = basis
    this.#sink = sink
    this.#kernel = kernel
    this.#table = new SumTable(sums, kernel)
    this.#wholeBlocks = Math.floor(sums.length / sums.blockLength)
    this.#giveUpAt = Math.max(basis.length / 10, sums.blockLength * 16)
    this.#window = new Window(basis, kernel)
  }

  result(): ScanResult {
    return { blocks: this.#blocks, scanned: this.#scanned, gaveUp: this.#gaveUp }
  }

  run(): void {
    const kernel = this.#kernel
    const length = this.#sums.blockLength
    const window = this.#window
    // The window before which everything is done; `fresh`: the scan must be placed there first.
    let at = 0
    let fresh = true
    while (window.advance(Math.min(at, window.filled)) && this.#blocks < this.#wholeBlocks) {
      at = 0
      const last = window.filled - length
      if (last < 0) continue
      while (at <= last && !this.#gaveUp) {
        if (fresh) kernel.place(at, length)
        at = kernel.scan(at, last, length, fresh)
        fresh = at <= last && this.#take(at)
        if (fresh) at += length
        this.#scanned = window.base + at
        this.#gaveUp = this.#isHopeless()
      }
      if (this.#gaveUp) return
      // A scan that found nothing stands at the last window, tested; a match may end behind it.
      if (!fresh) at = last
    }
    this.#scanned = window.base + window.filled
  }

  /** Is the window a block of the content? Gives it out, with its twins. */
  #take(at: number): boolean {
    const { blockLength } = this.#sums
    const table = this.#table
    this.#kernel.strongSums(PUBLISHED_SUM, 8, at, blockLength, blockLength, this.#strong, 0, 8)
    const first = table.find(this.#kernel.windowSum(), this.#strong)
    if (first === NONE) {
      this.#wasted += blockLength
      return false
    }
    table.remove(first)
    const offset = this.#window.base + at
    for (let block = first; block !== NONE; block = table.twinOf(block)) {
      this.#sink(block, offset)
      this.#blocks++
      if (block === this.#wholeBlocks - 1) this.#afterLast = offset + blockLength
    }
    return true
  }

  #isHopeless(): boolean {
    if (this.#blocks === 0 && this.#scanned > this.#giveUpAt) return true
    return this.#wasted > WASTE * (this.#scanned + this.#kernel.data.length)
  }

  /** The short last block: after the block before it, at the end of the basis, or at its own offset. */
  findTail(): void {
    const { length, blockLength, count } = this.#sums
    const size = length % blockLength
    if (size === 0 || this.#gaveUp) return
    const places = [this.#afterLast, this.#basis.length - size, (count - 1) * blockLength]
    for (const offset of places)
      if (offset !== null && offset >= 0 && this.#isTail(offset, size)) {
        this.#sink(count - 1, offset)
        this.#blocks++
        return
      }
  }
  #isTail(offset: number, size: number): boolean {
    const kernel = this.#kernel
    if (this.#basis.read(offset, kernel.data.subarray(0, size)) < size) return false
    if (!this.#table.hasWeak(this.#sums.count - 1, kernel.place(0, size))) return false
    kernel.strongSums(PUBLISHED_SUM, 8, 0, size, size, this.#strong, 0, 8)
    return this.#table.hasStrong(this.#sums.count - 1, this.#strong)
  }
}
