/** -c over a connection: sums of whole files, made in parts, so that the other side hears of us meanwhile. rsync(1) --checksum. */
import type { ByteName } from '../base/byte-name.js'
import { codeOf } from '../base/errors.js'
import type { Checksum } from '../hash/checksum.js'
import { fileSum, fileSumInParts } from '../io/file-sum.js'
import type { Entry } from '../rsync/request.js'
import type { SourceEntry } from '../rsync/source-node.js'
import type { SourceTree } from '../rsync/trees.js'

type Pause = () => Promise<void> | null

/** Of files that are about to be listed. */
export class SourceSums {
  readonly #checksum: Checksum
  readonly #none: Uint8Array
  readonly #pause: Pause
  readonly #sums = new Map<SourceEntry, Uint8Array>()

  constructor(checksum: Checksum, bytes: number, pause: Pause) {
    this.#checksum = checksum
    this.#none = new Uint8Array(bytes)
    this.#pause = pause
  }

  async prepare(entries: readonly SourceEntry[]): Promise<void> {
    for (const entry of entries) {
      if (entry.stands.kind !== 'file') continue
      try {
        const sum = await fileSumInParts(entry.origin, this.#checksum, this.#pause)
        this.#sums.set(entry, Uint8Array.from(sum))
      } catch (error) {
        // It is told when its bytes are asked for.
        if (codeOf(error) === undefined) throw error
      }
    }
  }
  take(entry: SourceEntry): Uint8Array {
    const sum = this.#sums.get(entry) ?? this.#none
    this.#sums.delete(entry)
    return sum
  }
}

/** Of the receiver's files, against those that came with the list. */
export class TargetSums {
  readonly #checksum: Checksum
  readonly #tree: SourceTree
  readonly #pause: Pause
  /** Made before it was asked for. */
  #made: { readonly entry: Entry; readonly sum: Uint8Array } | null = null

  constructor(checksum: Checksum, tree: SourceTree, pause: Pause) {
    this.#checksum = checksum
    this.#tree = tree
    this.#pause = pause
  }

  /** That of a large file is made first. Null: there is nothing to wait for. */
  ready(entry: Entry): Promise<void> | null {
    const { kind, size } = entry.stands
    if (kind !== 'file' || size < LARGE_BYTES) return null
    const stands = this.#tree.stat(entry.name)
    return stands?.kind === 'file' && stands.size === size ? this.#make(entry) : null
  }
  async #make(entry: Entry): Promise<void> {
    this.#made = null
    try {
      const file = { tree: this.#tree, name: entry.name }
      const sum = await fileSumInParts(file, this.#checksum, this.#pause)
      this.#made = { entry, sum: Uint8Array.from(sum) }
    } catch (error) {
      if (codeOf(error) === undefined) throw error
    }
  }

  /** Is it the file that the sender has? Two that cannot be read are alike, as their sums are to rsync. */
  equal(entry: Entry, tree: SourceTree, name: ByteName): boolean {
    const { sum } = entry
    if (sum === null || sum === undefined) return false
    try {
      const isMade = this.#made?.entry === entry && tree === this.#tree
      const own = isMade ? this.#made?.sum : fileSum({ tree, name }, this.#checksum)
      return own !== undefined && Buffer.compare(own, sum) === 0
    } catch (error) {
      if (codeOf(error) === undefined) throw error
      return sum.every((byte) => byte === 0)
    }
  }
}

/** Bytes that take longer to sum than others may wait. */
const LARGE_BYTES = 16 * 1024 * 1024
