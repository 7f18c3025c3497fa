/** Contents that are to be looked through again for others, in a table of the store. */
import { Cursor, Writer } from '../base/bytes.js'
import { type Root, rootOf } from '../hash/root.js'
import { asBuffer, rootKey, type Table } from './lmdb-tables.js'

/** A content whose recipe, where it has one, leaves open more than half of it. */
export type Wanting = {
  readonly root: Root
  readonly size: number
  /** What its recipe tells. */
  readonly told: number
  /** How often it was looked through again, and what had been hashed in all when it last was; bytes. */
  readonly looks: number
  readonly seen: number
  /** Its name says nothing of what it is: what is spent on those is limited. */
  readonly unnamed: boolean
}

export class WantingByRoot {
  readonly #table: Table

  constructor(table: Table) {
    this.#table = table
  }

  get count(): number {
    return this.#table.getCount()
  }
  of(root: Root): Wanting | null {
    const value = this.#table.get(rootKey(root))
    return value === undefined ? null : decodeWanting(root, value)
  }
  /** In the order of their roots. */
  *all(): Iterable<Wanting> {
    for (const { key, value } of this.#table.getRange()) yield decodeWanting(rootOf(key), value)
  }
  put(wanting: Wanting): void {
    this.#table.putSync(rootKey(wanting.root), encodeWanting(wanting))
  }
  remove(root: Root): void {
    this.#table.removeSync(rootKey(root))
  }
}

function encodeWanting({ size, told, looks, seen, unnamed }: Wanting): Buffer {
  const out = new Writer(32)
  for (const n of [size, told, looks, seen, unnamed ? 1 : 0]) out.varint(n)
  return asBuffer(out.done())
}
function decodeWanting(root: Root, value: Buffer): Wanting {
  const from = new Cursor(value)
  const [size, told, looks, seen] = [from.varint(), from.varint(), from.varint(), from.varint()]
  // Those of older versions all had names.
  return { root, size, told, looks, seen, unnamed: from.left > 0 && from.varint() === 1 }
}
