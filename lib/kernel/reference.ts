/**
 * The kernel in plain TypeScript, written to be read: the oracle of its tests, and the fallback where WebAssembly or
 * its SIMD is missing. Weak sums as in rsync; XXH64 and XXH3 in reference-xxhash.ts; MD4 here, MD5 and SHA-1 OpenSSL's.
 */
import { hash } from 'node:crypto'
import {
  type BlockSum,
  CHAIN_CAP,
  FAINT,
  FAINT_AFTER,
  FILTER_WORDS,
  filterSlot,
  headBits,
  headOf,
  type Kernel,
  type KernelSize,
  MARK_BYTES,
  MOST_MARKS,
  type ScanTable,
  SUM_BYTES,
} from './kernel-port.js'
import { md4 } from './reference-md4.js'
import { xxh3, xxh64, xxh128 } from './reference-xxhash.js'

export function openReference(size: KernelSize): Kernel {
  return new Reference(size)
}

class Reference implements Kernel {
  readonly data: Uint8Array
  readonly table: ScanTable
  #s1 = 0
  #s2 = 0

  constructor(size: KernelSize) {
    const bits = headBits(size.entries)
    this.data = new Uint8Array(size.dataBytes)
    this.table = {
      filter: new Uint32Array(FILTER_WORDS),
      heads: new Uint32Array(2 ** bits),
      headShift: 32 - bits,
      weaks: new Uint32Array(size.entries),
      nexts: new Uint32Array(size.entries),
    }
  }

  weakSums(
    offset: number,
    length: number,
    blockLength: number,
    out: Uint8Array,
    at: number,
    stride: number,
  ): void {
    const view = new DataView(out.buffer, out.byteOffset, out.byteLength)
    let to = at
    for (let done = 0; done < length; done += blockLength) {
      view.setUint32(
        to,
        weakSum(this.data, offset + done, Math.min(blockLength, length - done)),
        true,
      )
      to += stride
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
    let to = at
    for (let done = 0; done < length; done += blockLength) {
      const from = offset + done
      const block = this.data.subarray(from, from + Math.min(blockLength, length - done))
      out.set(strongSum(sum, block).subarray(0, width), to)
      to += stride
    }
  }

  place(offset: number, length: number): number {
    const sum = weakSum(this.data, offset, length)
    this.#s1 = sum & 0xffff
    this.#s2 = sum >>> 16
    return sum
  }

  windowSum(): number {
    return (this.#s1 | (this.#s2 << 16)) >>> 0
  }

  scan(offset: number, last: number, length: number, testFirst: boolean): number {
    if (testFirst && this.#held()) return offset
    for (let at = offset; at < last; at++) {
      const out = signed(this.data[at])
      this.#s1 = (this.#s1 - out + signed(this.data[at + length])) & 0xffff
      this.#s2 = (this.#s2 - length * out + this.#s1) & 0xffff
      if (this.#held()) return at + 1
    }
    return last + 1
  }

  marks(offset: number, length: number, out: Uint32Array, since: number): number {
    const view = new DataView(this.data.buffer, offset, length)
    const most = Math.min(MOST_MARKS, out.length >> 1)
    let faintLeft = most >> 2
    let mark = -since
    let count = 0
    for (let at = 0; at + MARK_BYTES <= length && count < most; at++) {
      const value = markValue(view, at)
      const isFaint = value >= MARK_BELOW
      if (isFaint && (value >= FAINT_BELOW || at - mark < FAINT_AFTER || faintLeft === 0)) continue
      if (isFaint) faintLeft--
      else mark = at
      out[count * 2] = isFaint ? at + FAINT : at
      out[count * 2 + 1] = markKey(view, at)
      count++
    }
    return count
  }

  nodeSums(offset: number, count: number, out: Uint8Array): void {
    for (let i = 0; i < count; i++) {
      const at = offset + i * 64
      out.set(hash('sha256', this.data.subarray(at, at + 64), 'buffer'), i * 32)
    }
  }

  /** Does the table hold the window's weak sum? */
  #held(): boolean {
    const { filter, heads, headShift, weaks, nexts } = this.table
    const weak = this.windowSum()
    if ((((filter[filterSlot(weak)] ?? 0) >>> (weak & 31)) & 1) === 0) return false
    let entry = heads[headOf(weak, headShift)] ?? 0
    for (let left = CHAIN_CAP; entry !== 0 && left > 0; left--) {
      if (weaks[entry - 1] === weak) return true
      entry = nexts[entry - 1] ?? 0
    }
    return false
  }
}

function weakSum(data: Uint8Array, offset: number, length: number): number {
  let s1 = 0
  let s2 = 0
  for (let i = offset; i < offset + length; i++) {
    s1 = (s1 + signed(data[i])) & 0xffff
    s2 = (s2 + s1) & 0xffff
  }
  return (s1 | (s2 << 16)) >>> 0
}
function signed(byte = 0): number {
  return (byte << 24) >> 24
}

function strongSum(sum: BlockSum, block: Uint8Array): Uint8Array {
  const { algorithm, seed } = sum
  const salt = Buffer.alloc(seed === 0 ? 0 : 4)
  if (seed !== 0) salt.writeInt32LE(seed)
  const out = Buffer.alloc(SUM_BYTES[algorithm])
  switch (algorithm) {
    case 'xxh64':
      out.writeBigUInt64LE(xxh64(block, BigInt(seed)))
      return out
    case 'xxh3':
      out.writeBigUInt64LE(xxh3(block, BigInt(seed)))
      return out
    case 'xxh128': {
      const [low, high] = xxh128(block, BigInt(seed))
      out.writeBigUInt64LE(low)
      out.writeBigUInt64LE(high, 8)
      return out
    }
    case 'md4':
      return md4(Buffer.concat([block, salt]))
    case 'md5': {
      const parts = sum.seedLast === true ? [block, salt] : [salt, block]
      return hash('md5', Buffer.concat(parts), 'buffer')
    }
    case 'sha1':
      return hash('sha1', Buffer.concat([salt, block]), 'buffer')
  }
}

/** 128 and 1024 of 65 536 values are below these, and none of bytes that repeat after 1, 2 or 4. */
const MARK_BELOW = -32640
const FAINT_BELOW = -31744
function markValue(view: DataView, at: number): number {
  const apart = (from: number): number => view.getInt16(from, true) - view.getInt16(from + 4, true)
  const value = Math.imul(apart(at), 0x6d2b) - Math.imul(apart(at + 2), 0x4b1b)
  return (value << 16) >> 16
}
function markKey(view: DataView, at: number): number {
  const word = (i: number): bigint => view.getBigUint64(at + i, true)
  const turned = (value: bigint, by: bigint): bigint => (value << by) | (value >> (64n - by))
  const front = (word(0) ^ turned(word(8), 23n)) * 0x9e3779b185ebca87n
  const back = BigInt.asUintN(64, (word(16) ^ turned(word(24), 41n)) * 0xc2b2ae3d27d4eb4fn)
  return Number(BigInt.asUintN(64, front + (back ^ (back >> 32n))) >> 32n)
}
