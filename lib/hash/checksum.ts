/**
 * Whole-file sums by the name that two rsyncs agreed on, as streams. prsync-protocol(7), checksums: none of them is
 * seeded but the MD4 of protocols 27 to 29. xxHash digests go least byte first, which is the reverse of what libraries print.
 */
import { createHash, type Hash } from 'node:crypto'
import { createMD4, createXXHash3, createXXHash64, createXXHash128, type IHasher } from 'hash-wasm'
import { hexOf } from '../base/bytes.js'

/** Names as negotiated, best first, and `md4-old`, which is never negotiated. */
export type ChecksumName = 'xxh128' | 'xxh3' | 'xxh64' | 'md5' | 'md4' | 'sha1' | 'none' | 'md4-old'

export const CHECKSUM_BYTES: Readonly<Record<ChecksumName, number>> = {
  xxh128: 16,
  xxh3: 8,
  xxh64: 8,
  md5: 16,
  md4: 16,
  sha1: 20,
  none: 1,
  'md4-old': 16,
}

/** One sum at a time: `start`, any number of `update`, `digest`, and again. */
export type Checksum = {
  start(): void
  update(bytes: Uint8Array): void
  /** CHECKSUM_BYTES of it, as they go over the wire. */
  digest(): Uint8Array
}

/** Opens a sum; `seed` is the session's, used by `md4-old` alone. Costs a millisecond: open it once, start it often. */
export function openChecksum(name: ChecksumName, seed: number): Promise<Checksum> {
  switch (name) {
    case 'xxh128':
      return createXXHash128().then((hasher) => new WasmSum(hasher, true, null))
    case 'xxh3':
      return createXXHash3().then((hasher) => new WasmSum(hasher, true, null))
    case 'xxh64':
      return createXXHash64().then((hasher) => new WasmSum(hasher, true, null))
    case 'md4':
      return createMD4().then((hasher) => new WasmSum(hasher, false, null))
    case 'md4-old': {
      const salt = Buffer.alloc(4)
      salt.writeInt32LE(seed)
      return createMD4().then((hasher) => new WasmSum(hasher, false, salt))
    }
    case 'md5':
    case 'sha1':
      return Promise.resolve(new OpensslSum(name))
    case 'none':
      return Promise.resolve({
        start: () => undefined,
        update: () => undefined,
        digest: () => new Uint8Array(1),
      })
  }
}

class WasmSum implements Checksum {
  readonly #hasher: IHasher
  readonly #reversed: boolean
  readonly #lead: Uint8Array | null

  constructor(hasher: IHasher, reversed: boolean, lead: Uint8Array | null) {
    this.#hasher = hasher
    this.#reversed = reversed
    this.#lead = lead
  }
  start(): void {
    this.#hasher.init()
    if (this.#lead !== null) this.#hasher.update(this.#lead)
  }
  update(bytes: Uint8Array): void {
    this.#hasher.update(bytes)
  }
  digest(): Uint8Array {
    const digest = this.#hasher.digest('binary')
    return this.#reversed ? digest.reverse() : digest
  }
}

class OpensslSum implements Checksum {
  readonly #name: string
  #hash: Hash

  constructor(name: string) {
    this.#name = name
    this.#hash = createHash(name)
  }
  start(): void {
    this.#hash = createHash(this.#name)
  }
  update(bytes: Uint8Array): void {
    this.#hash.update(bytes)
  }
  digest(): Uint8Array {
    return this.#hash.digest()
  }
}

/** As people read it, in hex: on the wire the last byte of some comes first. */
export function shownSum(name: ChecksumName, digest: Uint8Array): string {
  return hexOf(name.startsWith('xxh') ? digest.toReversed() : digest)
}
/** What stands where it is not known. */
export function noSum(name: ChecksumName): string {
  return ' '.repeat(CHECKSUM_BYTES[name] * 2)
}
