/** Where contents stand: the names of each in a table of the store, beside the records of directories that they follow. */
import { hash } from 'node:crypto'
import { type ByteName, byteName, joinName, nameBytes } from '../base/byte-name.js'
import { bytesOf, Cursor, Writer } from '../base/bytes.js'
import { ROOT_BYTES, type Root, rootOf } from '../hash/root.js'
import type { Known } from './directory-record.js'
import { above, asBuffer, rootKey, type Table } from './lmdb-tables.js'

/** Where a content stood, and the stat that tells whether it still does. */
export type Place = Pick<Known, 'hashed' | 'ino' | 'mtimeNs' | 'size'> & { readonly name: ByteName }

/** A content under one of its names. */
export type StandingContent = Pick<Known, 'hashed' | 'size'> & { readonly root: Root }

export class PlacesByRoot {
  readonly #table: Table

  constructor(table: Table) {
    this.#table = table
  }

  /** Names under which a content stood when last looked at, hashed ones first. */
  of(root: Root): Place[] {
    const start = rootKey(root)
    const found: Place[] = []
    for (const { value } of this.#table.getRange({ start, end: above(start) }))
      found.push(decodePlace(value))
    return found.sort((a, b) => Number(b.hashed) - Number(a.hashed))
  }

  /** The same by the first eight bytes of a root: 64 bits tell contents apart that nobody made to be mixed up. */
  named(name: bigint): readonly (Place & { readonly root: Root })[] {
    const start = Buffer.alloc(8)
    start.writeBigUInt64BE(name)
    const found: (Place & { readonly root: Root })[] = []
    for (const key of this.#table.getKeys({ start, end: above(start), limit: 1 })) {
      const root = rootOf(key.subarray(0, ROOT_BYTES))
      for (const place of this.of(root)) found.push({ ...place, root })
    }
    return found
  }

  /** Contents that stand somewhere, in the order of their roots, after one; each once for every name that it has. */
  standing(after: Root | null, most: number): StandingContent[] {
    const start = after === null ? Buffer.alloc(0) : above(rootKey(after))
    const found: StandingContent[] = []
    for (const { key, value } of this.#table.getRange({ start, limit: most })) {
      const from = new Cursor(value)
      const hashed = from.u8() === 1
      from.take(STAT_BYTES)
      found.push({ root: rootOf(key.subarray(0, ROOT_BYTES)), hashed, size: from.varint() })
    }
    return found
  }

  put(directory: ByteName, known: Known): void {
    if (known.root === null || known.directory) return
    const name = joinName(directory, known.base)
    this.#table.putSync(placeKey(known.root, name), encodePlace(known, name))
  }
  /** @returns the content that stands nowhere any more */
  remove(directory: ByteName, known: Known): Root | null {
    const { root } = known
    if (root === null || known.directory) return null
    this.#table.removeSync(placeKey(root, joinName(directory, known.base)))
    const start = rootKey(root)
    for (const _ of this.#table.getKeys({ start, end: above(start), limit: 1 })) return null
    return root
  }
}

function placeKey(root: Root, name: ByteName): Buffer {
  return Buffer.concat([bytesOf(root), hash('sha256', nameBytes(name), 'buffer').subarray(0, 8)])
}

/** Inode and mtime. */
const STAT_BYTES = 16

function encodePlace({ hashed, ino, mtimeNs, size }: Known, name: ByteName): Buffer {
  const out = new Writer(32 + name.length)
  out.u8(hashed ? 1 : 0)
  out.u64le(ino)
  out.u64le(BigInt.asUintN(64, mtimeNs))
  out.varint(size)
  out.latin1(name)
  return asBuffer(out.done())
}
function decodePlace(value: Buffer): Place {
  const from = new Cursor(value)
  const hashed = from.u8() === 1
  const ino = from.u64le()
  const mtimeNs = BigInt.asIntN(64, from.u64le())
  const size = from.varint()
  return { hashed, ino, mtimeNs, size, name: byteName(from.latin1(from.left)) }
}
