/** torrent-piece 4.0.1 has no types: what `work.ts` uses of it. */
declare module 'torrent-piece' {
  export default class Piece<Source> {
    static readonly BLOCK_LENGTH: number
    constructor(length: number)
    readonly length: number
    /** Bytes not there yet. */
    readonly missing: number
    /** Who gave blocks; null before the first and after `flush`. */
    readonly sources: readonly Source[] | null
    /** The index of a block to ask for, or -1. */
    reserve(): number
    /** A reserved block will not come. */
    cancel(index: number): void
    get(index: number): Uint8Array | null | undefined
    /** Keeps views of `data`, block by block; the first copy of a block stays. @returns is it whole? */
    set(index: number, data: Uint8Array, source: Source): boolean
    /** All bytes, once it is whole; then it is spent. */
    flush(): Uint8Array | null
  }
}
