/** Packed leaf hashes of contents above 64 KiB, in a table of the store; and which of many such contents are here. */
import { latin1Of } from '../base/bytes.js'
import { type Root, rootOf } from '../hash/root.js'
import { asBuffer, copy, rootKey, type Table } from './lmdb-tables.js'

export class LeavesByRoot {
  readonly #table: Table

  constructor(table: Table) {
    this.#table = table
  }

  /** All of a content. A copy. */
  of(root: Root): Uint8Array | null {
    return copy(this.#table.get(rootKey(root)))
  }
  put(root: Root, leaves: Uint8Array): void {
    this.#table.putSync(rootKey(root), asBuffer(leaves))
  }
  remove(root: Root): void {
    this.#table.removeSync(rootKey(root))
  }

  /** The first content from this root on, in the order of roots; null: none. */
  firstFrom(root: Root): Root | null {
    for (const key of this.#table.getKeys({ start: rootKey(root), limit: 1 })) return rootOf(key)
    return null
  }

  /**
   * Those of the roots of which a content has the first `length` bytes. Where they lie close together one walk along the keys
   * finds them, in a third of the time of a look for each.
   */
  among(roots: readonly Root[], length: number): Root[] {
    const sorted = [...roots].sort()
    const [first] = sorted
    if (first === undefined) return []
    if (this.#keysBetween(first, sorted.at(-1) ?? first) >= FEW_KEYS * roots.length)
      return sorted.filter((root) => this.firstFrom(root)?.startsWith(root.slice(0, length)))
    const found: Root[] = []
    let next = 0
    for (const key of this.#table.getKeys({ start: rootKey(first) })) {
      const beginning = latin1Of(key.subarray(0, length))
      for (; next < sorted.length; next++) {
        const root = sorted[next] ?? first
        if (root.slice(0, length) > beginning) break
        if (root.startsWith(beginning)) found.push(root)
      }
      if (next === sorted.length) break
    }
    return found
  }
  /** About how many: roots are spread evenly. */
  #keysBetween(first: Root, last: Root): number {
    const stats: Readonly<Record<string, unknown>> = this.#table.getStats()
    return ((wordOf(last) - wordOf(first)) / 2 ** 32) * Number(stats['entryCount'])
  }
}

/** Passed over rather than looked for anew. */
const FEW_KEYS = 6
function wordOf(root: Root): number {
  return Buffer.from(root, 'latin1').readUInt32BE()
}
