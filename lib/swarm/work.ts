/**
 * One unit in flight: which ranges of it are still to be asked for, which came, and from whom. `WholeWork` fetches all of
 * it in 16 KiB blocks (torrent-piece); `PatchWork` only the ranges that a delta left open in bytes that stand here.
 * Offsets count from the unit's start. Nothing is verified here.
 */
import Piece from 'torrent-piece'
import { LEAF_BYTES } from '../hash/merkle.js'

export type Range = { readonly offset: number; readonly length: number }

export type Work<Sender> = {
  /** The next range nobody was asked for, at most `most` bytes (≥ 16 KiB); null: none is left. */
  next(most: number): Range | null
  /** It was asked for and will not come. */
  release(range: Range): void
  /** Ranges that have not come, asked for or not, each at most `most` bytes. */
  missing(most: number): Range[]
  /** Bytes that came; the work keeps them. @returns are any of them new? */
  put(offset: number, bytes: Uint8Array, sender: Sender): boolean
  readonly isWhole: boolean
  /** All bytes of the unit; call it once. */
  flush(): Uint8Array
  /** Who gave all of this leaf alone; null: nobody did. */
  senderOf(leaf: number): Sender | null
}

export class WholeWork<Sender> implements Work<Sender> {
  readonly #length: number
  readonly #piece: Piece<Sender>
  readonly #senders: (Sender | null)[]
  #left: number
  /** A block that was reserved and did not fit the range before it. */
  #spare = -1

  constructor(length: number) {
    this.#length = length
    this.#piece = new Piece<Sender>(length)
    this.#left = Math.ceil(length / LEAF_BYTES)
    this.#senders = new Array<Sender | null>(this.#left).fill(null)
  }

  get isWhole(): boolean {
    return this.#left === 0
  }

  next(most: number): Range | null {
    const first = this.#reserve()
    if (first < 0) return null
    let end = first + 1
    while ((end - first + 1) * LEAF_BYTES <= most) {
      const block = this.#reserve()
      if (block === end) end++
      else {
        this.#spare = block
        break
      }
    }
    return this.#range(first, end)
  }

  release(range: Range): void {
    for (let i = range.offset / LEAF_BYTES; i * LEAF_BYTES < range.offset + range.length; i++)
      if (!this.#piece.get(i)) this.#piece.cancel(i)
  }

  missing(most: number): Range[] {
    const out: Range[] = []
    for (let i = 0; i < this.#senders.length; i++) {
      if (this.#piece.get(i)) continue
      const first = i
      while (
        i + 1 < this.#senders.length &&
        !this.#piece.get(i + 1) &&
        (i + 2 - first) * LEAF_BYTES <= most
      )
        i++
      out.push(this.#range(first, i + 1))
    }
    return out
  }

  put(offset: number, bytes: Uint8Array, sender: Sender): boolean {
    let isNew = false
    const first = offset / LEAF_BYTES
    for (let i = first; i * LEAF_BYTES < offset + bytes.length; i++) {
      if (this.#piece.get(i)) continue
      this.#senders[i] = sender
      this.#left--
      isNew = true
    }
    this.#piece.set(first, bytes, sender)
    return isNew
  }

  flush(): Uint8Array {
    const bytes = this.#piece.flush()
    if (bytes === null) throw new RangeError('a unit that is not whole')
    return bytes
  }

  senderOf(leaf: number): Sender | null {
    return this.#senders[leaf] ?? null
  }

  /** A reserved block that has not come meanwhile: at the end others are asked for reserved ones too. */
  #reserve(): number {
    const spare = this.#spare
    this.#spare = -1
    if (spare >= 0 && !this.#piece.get(spare)) return spare
    for (;;) {
      const block = this.#piece.reserve()
      if (block < 0 || !this.#piece.get(block)) return block
    }
  }
  #range(first: number, end: number): Range {
    const offset = first * LEAF_BYTES
    return { offset, length: Math.min(end * LEAF_BYTES, this.#length) - offset }
  }
}

/** Gaps below this are fetched over: a request and its answer cost 30 bytes, a turn-around much more. */
const GAP_BYTES = 2048

export class PatchWork<Sender> implements Work<Sender> {
  readonly #bytes: Uint8Array
  /** Not asked for, asked for, in rising order of offset. */
  #todo: Range[]
  readonly #asked: Range[] = []
  readonly #senders = new Map<number, Sender>()

  /**
   * @param standing the unit as it stands here; kept and written to
   * @param missing what to fetch of it, in rising order
   */
  constructor(standing: Uint8Array, missing: readonly Range[]) {
    this.#bytes = standing
    this.#todo = coalesced(missing)
  }

  get isWhole(): boolean {
    return this.#todo.length === 0 && this.#asked.length === 0
  }

  next(most: number): Range | null {
    const first = this.#todo.shift()
    if (first === undefined) return null
    const [range, ...rest] = cut(first, most)
    this.#todo.unshift(...rest)
    if (range === undefined) return null
    this.#asked.push(range)
    return range
  }

  release(range: Range): void {
    const at = this.#asked.findIndex((r) => r.offset === range.offset)
    if (at < 0) return
    this.#asked.splice(at, 1)
    this.#todo.unshift(range)
  }

  /** In the pieces they were asked for, so that the first answer ends the others. */
  missing(most: number): Range[] {
    for (;;) if (this.next(most) === null) break
    return this.#asked.filter((r) => r.length <= most)
  }

  put(offset: number, bytes: Uint8Array, sender: Sender): boolean {
    const at = this.#asked.findIndex((r) => r.offset === offset && r.length === bytes.length)
    if (at < 0) return false
    this.#asked.splice(at, 1)
    this.#bytes.set(bytes, offset)
    const end = offset + bytes.length
    for (let leaf = Math.ceil(offset / LEAF_BYTES); ; leaf++) {
      const leafEnd = Math.min((leaf + 1) * LEAF_BYTES, this.#bytes.length)
      if (leaf * LEAF_BYTES >= leafEnd || leafEnd > end) break
      this.#senders.set(leaf, sender)
    }
    return true
  }

  flush(): Uint8Array {
    return this.#bytes
  }
  senderOf(leaf: number): Sender | null {
    return this.#senders.get(leaf) ?? null
  }
}

function coalesced(ranges: readonly Range[]): Range[] {
  const out: Range[] = []
  for (const range of ranges) {
    const last = out[out.length - 1]
    if (last !== undefined && range.offset - (last.offset + last.length) < GAP_BYTES)
      out[out.length - 1] = {
        offset: last.offset,
        length: Math.max(last.length, range.offset + range.length - last.offset),
      }
    else out.push(range)
  }
  return out
}

/** Cut at leaf borders where that can be, so that a leaf comes from one sender. */
function cut(range: Range, most: number): Range[] {
  if (range.length <= most) return [range]
  const border = Math.floor((range.offset + most) / LEAF_BYTES) * LEAF_BYTES
  const length = border > range.offset ? border - range.offset : most
  return [
    { offset: range.offset, length },
    { offset: range.offset + length, length: range.length - length },
  ]
}
