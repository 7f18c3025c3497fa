/**
 * Opens the delta kernel: the WebAssembly module of *.as.ts over memory whose map stands here.
 * File reads land in `data`; nothing is copied on the way to the sums. The oracle is reference.ts.
 */
import { hash } from 'node:crypto'
import { KERNEL_BASE64 } from './kernel-bytes.js'
import {
  type BlockSum,
  CHAIN_CAP,
  FILTER_WORDS,
  headBits,
  type Kernel,
  type KernelSize,
  MOST_MARKS,
  type ScanTable,
  SUM_BYTES,
} from './kernel-port.js'
import { openReference } from './reference.js'

/** A kernel of that size: WebAssembly where the machine has it with SIMD, else plain TypeScript. */
export function openKernel(size: KernelSize): Kernel {
  const module = loadModule()
  return module === null ? openReference(size) : openWasm(module, size)
}

let loaded: WebAssembly.Module | null | undefined
function loadModule(): WebAssembly.Module | null {
  if (loaded === undefined) {
    try {
      loaded = new WebAssembly.Module(Buffer.from(KERNEL_BASE64, 'base64'))
    } catch (error) {
      // No WebAssembly at all (--jitless), or none with SIMD.
      if (!(error instanceof Error)) throw error
      loaded = null
    }
  }
  return loaded
}

type Exports = {
  weakSums(data: number, length: number, block: number, out: number, stride: number): void
  xxh64Sums(
    data: number,
    length: number,
    block: number,
    seed: number,
    out: number,
    stride: number,
  ): void
  xxh3Sums(
    data: number,
    length: number,
    block: number,
    seed: number,
    wide: number,
    out: number,
    stride: number,
  ): void
  mdSums(
    data: number,
    length: number,
    block: number,
    seed: number,
    place: number,
    md5: number,
    out: number,
    stride: number,
  ): void
  bindTable(
    filter: number,
    heads: number,
    shift: number,
    weaks: number,
    nexts: number,
    cap: number,
  ): void
  placeScan(at: number, length: number): number
  scanSum(): number
  scan(at: number, last: number, length: number, testFirst: number): number
  marks(data: number, length: number, out: number, most: number, since: number): number
  nodeSums(data: number, count: number, out: number): void
}

const PAGE = 65536
// The memory map: constants and scratch of the module, sums on their way out, the table, the data.
const SUMS = PAGE
const SUMS_BYTES = PAGE
const FILTER = SUMS + SUMS_BYTES
const HEADS = FILTER + FILTER_WORDS * 4

function openWasm(module: WebAssembly.Module, size: KernelSize): Kernel {
  const bits = headBits(size.entries)
  const weaksAt = HEADS + 4 * 2 ** bits
  const nextsAt = weaksAt + 4 * size.entries
  const dataAt = Math.ceil((nextsAt + 4 * size.entries) / PAGE) * PAGE
  const pages = Math.ceil((dataAt + size.dataBytes) / PAGE)
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages })
  const wasm = new WebAssembly.Instance(module, {
    env: { memory, abort: () => undefined },
  }).exports as Exports
  const { buffer } = memory
  const table: ScanTable = {
    filter: new Uint32Array(buffer, FILTER, FILTER_WORDS),
    heads: new Uint32Array(buffer, HEADS, 2 ** bits),
    headShift: 32 - bits,
    weaks: new Uint32Array(buffer, weaksAt, size.entries),
    nexts: new Uint32Array(buffer, nextsAt, size.entries),
  }
  wasm.bindTable(FILTER, HEADS, table.headShift, weaksAt, nextsAt, CHAIN_CAP)
  return new WasmKernel(wasm, new Uint8Array(buffer, dataAt, size.dataBytes), table)
}

class WasmKernel implements Kernel {
  readonly data: Uint8Array
  readonly table: ScanTable
  readonly #wasm: Exports
  readonly #dataAt: number
  readonly #sums: Uint8Array
  readonly #marks: Uint32Array

  constructor(wasm: Exports, data: Uint8Array, table: ScanTable) {
    this.#wasm = wasm
    this.data = data
    this.table = table
    this.#dataAt = data.byteOffset
    this.#sums = new Uint8Array(data.buffer, SUMS, SUMS_BYTES)
    this.#marks = new Uint32Array(data.buffer, SUMS, SUMS_BYTES / 4)
  }

  weakSums(
    offset: number,
    length: number,
    blockLength: number,
    out: Uint8Array,
    at: number,
    stride: number,
  ): void {
    const step = blockLength * (SUMS_BYTES / 4)
    let to = at
    for (let done = 0; done < length; done += step) {
      const n = Math.min(step, length - done)
      this.#wasm.weakSums(this.#dataAt + offset + done, n, blockLength, SUMS, 4)
      to = this.#spread(Math.ceil(n / blockLength), 4, 4, out, to, stride)
    }
  }

  strongSums(
    sum: BlockSum,
    width: number,
    offset: number,
    length: number,
    blockLength: number,
    out: Uint8Array,
    at: number,
    stride: number,
  ): void {
    const whole = SUM_BYTES[sum.algorithm]
    const step = blockLength * Math.floor(SUMS_BYTES / whole)
    let to = at
    for (let done = 0; done < length; done += step) {
      const n = Math.min(step, length - done)
      this.#strong(sum, offset + done, n, blockLength)
      to = this.#spread(Math.ceil(n / blockLength), whole, width, out, to, stride)
    }
  }

  /** To the start of the sums' own memory, packed. */
  #strong(sum: BlockSum, offset: number, length: number, block: number): void {
    const wasm = this.#wasm
    const data = this.#dataAt + offset
    switch (sum.algorithm) {
      case 'xxh64':
        wasm.xxh64Sums(data, length, block, sum.seed, SUMS, 8)
        break
      case 'xxh3':
        wasm.xxh3Sums(data, length, block, sum.seed, 0, SUMS, 8)
        break
      case 'xxh128':
        wasm.xxh3Sums(data, length, block, sum.seed, 1, SUMS, 16)
        break
      case 'md4':
        wasm.mdSums(data, length, block, sum.seed, sum.seed === 0 ? 0 : 2, 0, SUMS, 16)
        break
      case 'md5':
        wasm.mdSums(data, length, block, sum.seed, md5Place(sum), 1, SUMS, 16)
        break
      case 'sha1':
        sha1Sums(this.data.subarray(offset, offset + length), sum.seed, block, this.#sums)
    }
  }

  /** The first `width` of each packed `whole` bytes go out with a stride; returns where the next would go. */
  #spread(
    count: number,
    whole: number,
    width: number,
    out: Uint8Array,
    at: number,
    stride: number,
  ): number {
    const sums = this.#sums
    if (stride === whole && width === whole) {
      out.set(sums.subarray(0, count * whole), at)
    } else {
      let to = at
      for (let from = 0; from < count * whole; from += whole) {
        for (let i = 0; i < width; i++) out[to + i] = sums[from + i] ?? 0
        to += stride
      }
    }
    return at + count * stride
  }

  place(offset: number, length: number): number {
    return this.#wasm.placeScan(this.#dataAt + offset, length) >>> 0
  }

  windowSum(): number {
    return this.#wasm.scanSum() >>> 0
  }

  scan(offset: number, last: number, length: number, testFirst: boolean): number {
    const base = this.#dataAt
    return this.#wasm.scan(base + offset, base + last, length, testFirst ? 1 : 0) - base
  }

  marks(offset: number, length: number, out: Uint32Array, since: number): number {
    const most = Math.min(MOST_MARKS, out.length >> 1)
    const count = this.#wasm.marks(this.#dataAt + offset, length, SUMS, most, since)
    out.set(this.#marks.subarray(0, count * 2))
    return count
  }

  nodeSums(offset: number, count: number, out: Uint8Array): void {
    const most = SUMS_BYTES / 32
    for (let done = 0; done < count; done += most) {
      const n = Math.min(most, count - done)
      this.#wasm.nodeSums(this.#dataAt + offset + done * 64, n, SUMS)
      out.set(this.#sums.subarray(0, n * 32), done * 32)
    }
  }
}

function md5Place(sum: BlockSum): number {
  if (sum.seed === 0) return 0
  return sum.seedLast === true ? 2 : 1
}

/** SHA-1 comes from OpenSSL: rsync offers it last, and nothing of ours is faster. */
function sha1Sums(data: Uint8Array, seed: number, blockLength: number, out: Uint8Array): void {
  const lead = seed === 0 ? 0 : 4
  const message = Buffer.alloc(lead + blockLength)
  if (lead > 0) message.writeInt32LE(seed)
  let to = 0
  for (let from = 0; from < data.length; from += blockLength) {
    const block = data.subarray(from, from + blockLength)
    message.set(block, lead)
    out.set(hash('sha1', message.subarray(0, lead + block.length), 'buffer'), to)
    to += SUM_BYTES.sha1
  }
}
