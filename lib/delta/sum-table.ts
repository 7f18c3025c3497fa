/**
 * Block sums made findable: the kernel's scan table by weak sum, and behind it the strong sums. Of blocks with the same
 * sums the first stands in the table and leads to the others. Only whole blocks: the short last one is looked at apart.
 */
import {
  CHAIN_CAP,
  filterSlot,
  headOf,
  type Kernel,
  type ScanTable,
} from '../kernel/kernel-port.js'
import type { BlockSums } from './sums.js'

/** No block. */
export const NONE = -1

export class SumTable {
  readonly #table: ScanTable
  readonly #packed: Uint8Array
  readonly #stride: number
  /** By block: the next block with the same sums + 1, or 0. */
  readonly #twins: Uint32Array

  /** Fills the kernel's table, which must have room for the blocks. */
  constructor(sums: BlockSums, kernel: Kernel) {
    this.#table = kernel.table
    this.#packed = sums.packed
    this.#stride = 4 + sums.sumLength
    const whole = Math.floor(sums.length / sums.blockLength)
    if (whole > kernel.table.weaks.length)
      throw new RangeError(`${whole} blocks in a smaller table`)
    this.#twins = new Uint32Array(whole)
    this.#table.filter.fill(0)
    this.#table.heads.fill(0)
    // From the end, so that of blocks with the same sums the first leads.
    for (let block = whole - 1; block >= 0; block--) this.#insert(block)
  }

  /** The first block with these sums, or NONE. `strong` holds the strong sum from its start. */
  find(weak: number, strong: Uint8Array): number {
    const { heads, headShift, weaks, nexts } = this.#table
    let entry = heads[headOf(weak, headShift)] ?? 0
    for (let left = CHAIN_CAP; entry !== 0 && left > 0; left--) {
      if (weaks[entry - 1] === weak && this.hasStrong(entry - 1, strong)) return entry - 1
      entry = nexts[entry - 1] ?? 0
    }
    return NONE
  }

  /** The next block with the same sums as this one, or NONE. */
  twinOf(block: number): number {
    return (this.#twins[block] ?? 0) - 1
  }

  /** Is this the block's weak sum? */
  hasWeak(block: number, weak: number): boolean {
    return this.#weak(block) === weak
  }
  /** Is this the block's strong sum? */
  hasStrong(block: number, strong: Uint8Array): boolean {
    const packed = this.#packed
    const at = block * this.#stride + 4
    for (let i = 0; i < this.#stride - 4; i++) if (packed[at + i] !== strong[i]) return false
    return true
  }

  /** Takes a block that `find` gave, and so all its twins, out of the table. */
  remove(block: number): void {
    const { heads, headShift, nexts } = this.#table
    const head = headOf(this.#weak(block), headShift)
    const next = nexts[block] ?? 0
    let entry = heads[head] ?? 0
    if (entry === block + 1) {
      heads[head] = next
      return
    }
    while (entry !== 0) {
      const after = nexts[entry - 1] ?? 0
      if (after === block + 1) {
        nexts[entry - 1] = next
        return
      }
      entry = after
    }
  }

  #insert(block: number): void {
    const { filter, heads, headShift, weaks, nexts } = this.#table
    const weak = this.#weak(block)
    const head = headOf(weak, headShift)
    const first = heads[head] ?? 0
    weaks[block] = weak
    const strong = this.#packed.subarray(block * this.#stride + 4, (block + 1) * this.#stride)
    let before = 0
    let entry = first
    let length = 0
    for (; entry !== 0 && length < CHAIN_CAP; length++) {
      const next = nexts[entry - 1] ?? 0
      if (weaks[entry - 1] === weak && this.hasStrong(entry - 1, strong)) {
        // This block takes its twin's place.
        this.#twins[block] = entry
        nexts[block] = next
        if (before === 0) heads[head] = block + 1
        else nexts[before - 1] = block + 1
        return
      }
      before = entry
      entry = next
    }
    if (length === CHAIN_CAP) return // made on purpose, or worth nothing: the block is not found here
    const slot = filterSlot(weak)
    filter[slot] = (filter[slot] ?? 0) | (1 << (weak & 31))
    nexts[block] = first
    heads[head] = block + 1
  }

  #weak(block: number): number {
    const packed = this.#packed
    const at = block * this.#stride
    return (
      ((packed[at] ?? 0) |
        ((packed[at + 1] ?? 0) << 8) |
        ((packed[at + 2] ?? 0) << 16) |
        ((packed[at + 3] ?? 0) << 24)) >>>
      0
    )
  }
}
