/**
 * What is known of the disk, and the metadata of snapshots: one lmdb environment. A crash at any moment leaves the
 * last transaction; losing all of it costs a re-hash, never data.
 */
import { hash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { type ByteName, byteName, joinName, nameBytes } from '../base/byte-name.js'
import { bytesOf, Cursor, latin1Of, Writer } from '../base/bytes.js'
import { messageOf, StartupError } from '../base/errors.js'
import type { Anchor } from '../delta/anchors.js'
import { type Digests, decodeDigests, encodeDigests, SHA256_BYTES } from '../hash/digests.js'
import { type ContentId, ROOT_BYTES, type Root, rootOf } from '../hash/root.js'
import {
  type DirectoryRecord,
  decodeDirectoryRecord,
  encodeDirectoryRecord,
  type Known,
  type NamedRecord,
} from './directory-record.js'
import {
  asBuffer,
  copy,
  type Environment,
  isOfLmdb,
  keyOf,
  openEnvironment,
  openTable,
  PLAIN,
  type Table,
  wrapped,
} from './lmdb-tables.js'

/** Where a content stood, and the stat that tells whether it still does. */
export type Place = Pick<Known, 'hashed' | 'ino' | 'mtimeNs' | 'size'> & { readonly name: ByteName }

/** A content under one of its names. */
export type StandingContent = Pick<Known, 'hashed' | 'size'> & { readonly root: Root }

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

export class Store {
  readonly #env: Environment
  readonly #directories: Table
  readonly #places: Table
  readonly #blobs: Table
  readonly #leaves: Table
  readonly #sums: Table
  readonly #digests: Table
  readonly #anchors: Table
  readonly #recipes: Table
  readonly #wanting: Table
  readonly #values: Table
  readonly path: string

  /** @throws {StartupError} where the directory cannot be used. */
  constructor(path: string) {
    this.path = path
    try {
      mkdirSync(path, { recursive: true, mode: 0o700 })
      this.#env = openEnvironment(path)
      const table = (name: string): Table => openTable(this.#env, name)
      this.#directories = table('directories')
      this.#places = table('places')
      this.#blobs = table('blobs')
      this.#leaves = table('leaves')
      this.#sums = table('sums')
      this.#digests = table('digests')
      this.#anchors = table('anchors')
      this.#recipes = table('recipes')
      this.#wanting = table('wanting')
      this.#values = table('values')
    } catch (cause) {
      throw new StartupError(`cannot use the index in ${path}: ${messageOf(cause)}`, { cause })
    }
  }

  async close(): Promise<void> {
    await this.#env.close()
  }

  /** All or nothing, also when we are killed or the disk is full. Not nested. @throws {FileError} */
  transaction(change: () => void): void {
    try {
      this.#env.transactionSync(change)
    } catch (cause) {
      throw isOfLmdb(cause) ? wrapped(this.path, cause) : cause
    }
  }

  // ---- directories and where contents stand -------------------------------------------------

  directory(name: ByteName): DirectoryRecord | null {
    const bytes = this.#directories.get(keyOf(name))
    return bytes === undefined ? null : decodeDirectoryRecord(bytes)
  }

  /** The same as it is written. A copy. */
  directoryBytes(name: ByteName): Uint8Array | null {
    return this.#directories.get(keyOf(name)) ?? null
  }

  /** Replaces the record of a directory; null forgets it. The places of contents follow. */
  putDirectory(name: ByteName, record: DirectoryRecord | null): void {
    const before = new Map((this.directory(name)?.known ?? []).map((k) => [k.base, k]))
    for (const known of record?.known ?? []) {
      const old = before.get(known.base)
      before.delete(known.base)
      if (old !== undefined && samePlace(old, known)) continue
      this.#putPlace(name, known)
      if (old !== undefined && old.root !== known.root) this.#removePlace(name, old)
    }
    for (const gone of before.values()) this.#removePlace(name, gone)
    if (record === null) this.#directories.removeSync(keyOf(name))
    else this.#directories.putSync(keyOf(name), asBuffer(encodeDirectoryRecord(record)))
  }

  /** Every directory that is known, in key order. */
  *directories(): Iterable<NamedRecord> {
    for (const { key, value } of this.#directories.getRange()) {
      const record = decodeDirectoryRecord(value)
      // A name too long for a key stands in its record's places only; such a directory is read again each time.
      if (record !== null && key[0] === PLAIN)
        yield { name: byteName(latin1Of(key.subarray(1))), record }
    }
  }

  /** Names under which a content stood when last looked at, hashed ones first. */
  places(root: Root): Place[] {
    const start = asBuffer(bytesOf(root))
    const found: Place[] = []
    for (const { value } of this.#places.getRange({ start, end: after(start) })) {
      const from = new Cursor(value)
      const hashed = from.u8() === 1
      const ino = from.u64le()
      const mtimeNs = BigInt.asIntN(64, from.u64le())
      found.push({
        hashed,
        ino,
        mtimeNs,
        size: from.varint(),
        name: byteName(from.latin1(from.left)),
      })
    }
    return found.sort((a, b) => Number(b.hashed) - Number(a.hashed))
  }

  /** Contents that stand somewhere, in the order of their roots, after one; each once for every name that it has. */
  standing(after: Root | null, most: number): StandingContent[] {
    const start = after === null ? Buffer.alloc(0) : afterRoot(after)
    const found: StandingContent[] = []
    for (const { key, value } of this.#places.getRange({ start, limit: most })) {
      const from = new Cursor(value)
      const hashed = from.u8() === 1
      from.u64le()
      from.u64le()
      found.push({ root: rootOf(key.subarray(0, ROOT_BYTES)), hashed, size: from.varint() })
    }
    return found
  }

  #putPlace(directory: ByteName, known: Known): void {
    if (known.root === null || known.directory) return
    const name = joinName(directory, known.base)
    const value = new Writer(32 + name.length)
    value.u8(known.hashed ? 1 : 0)
    value.u64le(known.ino)
    value.u64le(BigInt.asUintN(64, known.mtimeNs))
    value.varint(known.size)
    value.latin1(name)
    this.#places.putSync(placeKey(known.root, name), asBuffer(value.done()))
  }
  /** With its last place go the hashes of a content: else they would outlive it for ever. */
  #removePlace(directory: ByteName, known: Known): void {
    if (known.root === null || known.directory) return
    this.#places.removeSync(placeKey(known.root, joinName(directory, known.base)))
    const start = asBuffer(bytesOf(known.root))
    for (const _ of this.#places.getKeys({ start, end: after(start), limit: 1 })) return
    this.#leaves.removeSync(start)
    this.#digests.removeSync(start)
    this.#anchors.removeSync(start)
    this.#wanting.removeSync(start)
    this.#removeBlobOf(this.#sums, start)
    this.#removeBlobOf(this.#recipes, start)
  }
  #removeBlobOf(table: Table, start: Buffer): void {
    const blob = contentIn(table.get(start))
    if (blob === null) return
    table.removeSync(start)
    this.#blobs.removeSync(asBuffer(bytesOf(blob.root)))
  }

  // ---- pages, sums and leaf hashes, by root ---------------------------------------------------

  /** A metadata content: a page or published sums. A copy. */
  blob(root: Root): Uint8Array | null {
    return copy(this.#blobs.get(asBuffer(bytesOf(root))))
  }
  /** Looks into one where it lies, without a copy: nothing of it may be kept. Null where it is not there. */
  look<T>(root: Root, read: (bytes: Uint8Array) => T): T | null {
    const bytes = this.#blobs.getBinaryFast(rootKey(root))
    return bytes === undefined ? null : read(bytes.subarray(0, bytes.length))
  }
  hasBlob(root: Root): boolean {
    return this.#blobs.doesExist(asBuffer(bytesOf(root)))
  }
  putBlob(content: ContentId, bytes: Uint8Array): void {
    this.#blobs.putSync(asBuffer(bytesOf(content.root)), asBuffer(bytes))
  }
  removeBlob(root: Root): void {
    this.#blobs.removeSync(asBuffer(bytesOf(root)))
  }
  *blobRoots(): Iterable<Root> {
    for (const key of this.#blobs.getKeys()) yield rootOf(key)
  }

  /** All packed leaf hashes of a content above 64 KiB. A copy. */
  leaves(root: Root): Uint8Array | null {
    return copy(this.#leaves.get(asBuffer(bytesOf(root))))
  }
  /** The first content above 64 KiB from this root on, in the order of roots; null: none. */
  firstLarge(from: Root): Root | null {
    for (const key of this.#leaves.getKeys({ start: asBuffer(bytesOf(from)), limit: 1 }))
      return rootOf(key)
    return null
  }
  /**
   * Those of the roots of which a content above 64 KiB has the first `length` bytes. Where they lie close together one walk along the
   * keys finds them, in a third of the time of a look for each.
   */
  largeAmong(roots: readonly Root[], length: number): Root[] {
    const sorted = [...roots].sort()
    const [first] = sorted
    if (first === undefined) return []
    const stats: Readonly<Record<string, unknown>> = this.#leaves.getStats()
    const span = wordOf(sorted.at(-1) ?? first) - wordOf(first)
    const between = (span / 2 ** 32) * Number(stats['entryCount'])
    if (between >= FEW_KEYS * roots.length)
      return sorted.filter(
        (root) => this.firstLarge(root)?.startsWith(root.slice(0, length)) === true,
      )
    const found: Root[] = []
    let next = 0
    for (const key of this.#leaves.getKeys({ start: asBuffer(bytesOf(first)) })) {
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
  putLeaves(root: Root, leaves: Uint8Array): void {
    this.#leaves.putSync(asBuffer(bytesOf(root)), asBuffer(leaves))
  }
  removeLeaves(root: Root): void {
    this.#leaves.removeSync(asBuffer(bytesOf(root)))
  }

  /** The published sums of a content, themselves a content among the blobs. */
  sums(root: Root): ContentId | null {
    return contentIn(this.#sums.get(asBuffer(bytesOf(root))))
  }
  putSums(root: Root, sums: ContentId): void {
    this.#sums.putSync(asBuffer(bytesOf(root)), packedContent(sums))
  }

  /** The recipe of a content, likewise. */
  recipe(root: Root): ContentId | null {
    return contentIn(this.#recipes.get(asBuffer(bytesOf(root))))
  }
  putRecipe(root: Root, recipe: ContentId): void {
    this.#recipes.putSync(asBuffer(bytesOf(root)), packedContent(recipe))
  }

  /** The roots of all published sums and recipes, which stand among the blobs. */
  *hintRoots(): Iterable<Root> {
    for (const table of [this.#sums, this.#recipes])
      for (const { value } of table.getRange()) {
        const content = contentIn(value)
        if (content !== null) yield content.root
      }
  }

  // ---- anchors: how contents are recognised within others -------------------------------------

  putAnchor(root: Root, { offset, low, high }: Anchor): void {
    const out = new Writer(16)
    out.u32le(low)
    out.u32le(high)
    out.varint(offset)
    this.#anchors.putSync(asBuffer(bytesOf(root)), asBuffer(out.done()))
  }
  clearAnchors(): void {
    this.#anchors.clearSync()
  }
  hasAnchor(root: Root): boolean {
    return this.#anchors.doesExist(asBuffer(bytesOf(root)))
  }
  get anchorCount(): number {
    return this.#anchors.getCount()
  }
  /**
   * The next ones in the order of their roots, from the first on where `key` is null; `last` is where to go on, null at the
   * end. `name` is the part of a root that `placesNamed` takes.
   */
  anchorsAfter(
    key: Uint8Array | null,
    limit: number,
  ): { readonly anchors: { anchor: Anchor; name: bigint }[]; readonly last: Uint8Array | null } {
    const anchors: { anchor: Anchor; name: bigint }[] = []
    const range = key === null ? { limit } : { limit, start: after(asBuffer(key)) }
    let last: Uint8Array | null = null
    for (const { key: root, value } of this.#anchors.getRange(range)) {
      const from = new Cursor(value)
      const [low, high] = [from.u32le(), from.u32le()]
      anchors.push({ anchor: { low, high, offset: from.varint() }, name: root.readBigUInt64BE(0) })
      last = Uint8Array.prototype.slice.call(root)
    }
    return { anchors, last }
  }
  /** As `places`, by the first eight bytes of a root: 64 bits tell contents apart that nobody made to be mixed up. */
  placesNamed(name: bigint): readonly (Place & { readonly root: Root })[] {
    const start = Buffer.alloc(8)
    start.writeBigUInt64BE(name)
    const found: (Place & { readonly root: Root })[] = []
    for (const { key } of this.#places.getRange({ start, end: after(start), limit: 1 })) {
      const root = rootOf(key.subarray(0, ROOT_BYTES))
      for (const place of this.places(root)) found.push({ ...place, root })
    }
    return found
  }

  /** Contents that are to be looked through again for others, in the order of their roots. */
  *wanting(): Iterable<Wanting> {
    for (const { key, value } of this.#wanting.getRange()) yield wantingOf(rootOf(key), value)
  }
  wantingOf(root: Root): Wanting | null {
    const value = this.#wanting.get(asBuffer(bytesOf(root)))
    return value === undefined ? null : wantingOf(root, value)
  }
  /** How many they are. */
  get wantingCount(): number {
    return this.#wanting.getCount()
  }
  putWanting({ root, size, told, looks, seen, unnamed }: Wanting): void {
    const out = new Writer(32)
    for (const n of [size, told, looks, seen, unnamed ? 1 : 0]) out.varint(n)
    this.#wanting.putSync(asBuffer(bytesOf(root)), asBuffer(out.done()))
  }
  removeWanting(root: Root): void {
    this.#wanting.removeSync(asBuffer(bytesOf(root)))
  }

  /** The digests of a content that an ordinary client asked for. */
  digests(content: ContentId): Digests | null {
    const value = copy(this.#digests.get(asBuffer(bytesOf(content.root))))
    return value === null ? null : decodeDigests(value, content.length)
  }
  /** The SHA-256 of `digests` alone, in base64. */
  sha256(root: Root): string | null {
    const bytes = this.#digests.getBinaryFast(rootKey(root))
    return bytes === undefined ? null : bytes.toString('base64', 0, SHA256_BYTES)
  }
  putDigests(root: Root, digests: Digests): void {
    this.#digests.putSync(asBuffer(bytesOf(root)), asBuffer(encodeDigests(digests)))
  }

  // ---- small named values: heads, pins, what was done last ------------------------------------

  value(name: string): Uint8Array | null {
    return copy(this.#values.get(Buffer.from(name)))
  }
  putValue(name: string, bytes: Uint8Array): void {
    this.#values.putSync(Buffer.from(name), asBuffer(bytes))
  }
  removeValue(name: string): void {
    this.#values.removeSync(Buffer.from(name))
  }
}

function contentIn(value: Buffer | undefined): ContentId | null {
  if (value === undefined) return null
  const from = new Cursor(value)
  const length = from.varint()
  return { length, root: rootOf(from.view(ROOT_BYTES)) }
}
function packedContent({ length, root }: ContentId): Buffer {
  const out = new Writer(48)
  out.varint(length)
  out.latin1(root)
  return asBuffer(out.done())
}

/** Passed over rather than looked for anew. */
const FEW_KEYS = 6
function wordOf(root: Root): number {
  return Buffer.from(root, 'latin1').readUInt32BE()
}

function samePlace(a: Known, b: Known): boolean {
  return a.root === b.root && a.hashed === b.hashed && a.mtimeNs === b.mtimeNs && a.ino === b.ino
}
const ROOT_KEY = Buffer.alloc(ROOT_BYTES)
/** For one look, which copies it. */
function rootKey(root: Root): Buffer {
  ROOT_KEY.write(root, 'latin1')
  return ROOT_KEY
}
function placeKey(root: Root, name: ByteName): Buffer {
  return Buffer.concat([bytesOf(root), hash('sha256', nameBytes(name), 'buffer').subarray(0, 8)])
}
/** The least key above all that begin with `prefix`. */
function after(prefix: Buffer): Buffer {
  return Buffer.concat([prefix, Buffer.alloc(9, 0xff)])
}
function afterRoot(root: Root): Buffer {
  return after(asBuffer(bytesOf(root)))
}
function wantingOf(root: Root, value: Buffer): Wanting {
  const from = new Cursor(value)
  const [size, told, looks, seen] = [from.varint(), from.varint(), from.varint(), from.varint()]
  // Those of older versions all had names.
  return { root, size, told, looks, seen, unnamed: from.left > 0 && from.varint() === 1 }
}
