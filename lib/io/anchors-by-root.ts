/** Anchors, by which contents are recognised within others, in a table of the store. */
import { Cursor, Writer } from '../base/bytes.js'
import type { Anchor } from '../delta/anchors.js'
import type { Root } from '../hash/root.js'
import { above, asBuffer, copy, rootKey, type Table } from './lmdb-tables.js'

/** `name` is the part of a root that `PlacesByRoot.named` takes. */
export type NamedAnchor = { readonly anchor: Anchor; readonly name: bigint }

export class AnchorsByRoot {
  readonly #table: Table

  constructor(table: Table) {
    this.#table = table
  }

  has(root: Root): boolean {
    return this.#table.doesExist(rootKey(root))
  }
  get count(): number {
    return this.#table.getCount()
  }
  put(root: Root, { offset, low, high }: Anchor): void {
    const out = new Writer(16)
    out.u32le(low)
    out.u32le(high)
    out.varint(offset)
    this.#table.putSync(rootKey(root), asBuffer(out.done()))
  }
  remove(root: Root): void {
    this.#table.removeSync(rootKey(root))
  }
  clear(): void {
    this.#table.clearSync()
  }

  /** The next ones in the order of their roots, from the first on where `key` is null; `last` is where to go on, null at the end. */
  after(
    key: Uint8Array | null,
    limit: number,
  ): { readonly anchors: readonly NamedAnchor[]; readonly last: Uint8Array | null } {
    const anchors: NamedAnchor[] = []
    const range = key === null ? { limit } : { limit, start: above(asBuffer(key)) }
    let last: Uint8Array | null = null
    for (const { key: root, value } of this.#table.getRange(range)) {
      const from = new Cursor(value)
      const [low, high] = [from.u32le(), from.u32le()]
      anchors.push({ anchor: { low, high, offset: from.varint() }, name: root.readBigUInt64BE(0) })
      last = copy(root)
    }
    return { anchors, last }
  }
}
