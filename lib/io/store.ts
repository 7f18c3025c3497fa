/**
 * What is known of the disk, and the metadata of snapshots: one lmdb environment. A crash at any moment leaves the
 * last transaction; losing all of it costs a re-hash, never data.
 */
import { mkdirSync } from 'node:fs'
import { type ByteName, byteName } from '../base/byte-name.js'
import { Cursor, latin1Of, Writer } from '../base/bytes.js'
import { messageOf, StartupError } from '../base/errors.js'
import { type Digests, decodeDigests, encodeDigests, SHA256_BYTES } from '../hash/digests.js'
import { type ContentId, ROOT_BYTES, type Root, rootOf } from '../hash/root.js'
import { AnchorsByRoot } from './anchors-by-root.js'
import {
  type DirectoryRecord,
  decodeDirectoryRecord,
  encodeDirectoryRecord,
  type Known,
  type NamedRecord,
} from './directory-record.js'
import { LeavesByRoot } from './leaves-by-root.js'
import {
  asBuffer,
  copy,
  type Environment,
  isOfLmdb,
  keyOf,
  openEnvironment,
  openTable,
  PLAIN,
  passingKey,
  rootKey,
  type Table,
  wrapped,
} from './lmdb-tables.js'
import { PlacesByRoot } from './places-by-root.js'
import { WantingByRoot } from './wanting-by-root.js'

export class Store {
  readonly #env: Environment
  readonly #directories: Table
  readonly #blobs: Table
  readonly #sums: Table
  readonly #recipes: Table
  readonly #digests: Table
  readonly #values: Table
  /** Follow the records of directories: only `putDirectory` changes them. */
  readonly places: Pick<PlacesByRoot, 'of' | 'named' | 'standing'>
  readonly #places: PlacesByRoot
  readonly leaves: LeavesByRoot
  readonly anchors: AnchorsByRoot
  readonly wanting: WantingByRoot
  readonly path: string

  /** @throws {StartupError} where the directory cannot be used. */
  constructor(path: string) {
    this.path = path
    try {
      mkdirSync(path, { recursive: true, mode: 0o700 })
      this.#env = openEnvironment(path)
      const table = (name: string): Table => openTable(this.#env, name)
      this.#directories = table('directories')
      this.#blobs = table('blobs')
      this.#sums = table('sums')
      this.#recipes = table('recipes')
      this.#digests = table('digests')
      this.#values = table('values')
      this.#places = new PlacesByRoot(table('places'))
      this.places = this.#places
      this.leaves = new LeavesByRoot(table('leaves'))
      this.anchors = new AnchorsByRoot(table('anchors'))
      this.wanting = new WantingByRoot(table('wanting'))
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

  // ---- directories --------------------------------------------------------------------------------

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
      this.#places.put(name, known)
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

  /** With its last place go the hashes of a content: else they would outlive it for ever. */
  #removePlace(directory: ByteName, known: Known): void {
    const root = this.#places.remove(directory, known)
    if (root === null) return
    this.leaves.remove(root)
    this.anchors.remove(root)
    this.wanting.remove(root)
    this.#digests.removeSync(rootKey(root))
    this.#removeBlobOf(this.#sums, root)
    this.#removeBlobOf(this.#recipes, root)
  }
  #removeBlobOf(table: Table, root: Root): void {
    const blob = contentIn(table.get(rootKey(root)))
    if (blob === null) return
    table.removeSync(rootKey(root))
    this.removeBlob(blob.root)
  }

  // ---- pages, and what is known of contents by root -----------------------------------------------

  /** A metadata content: a page or published sums. A copy. */
  blob(root: Root): Uint8Array | null {
    return copy(this.#blobs.get(rootKey(root)))
  }
  /** Looks into one where it lies, without a copy: nothing of it may be kept. Null where it is not there. */
  look<T>(root: Root, read: (bytes: Uint8Array) => T): T | null {
    const bytes = this.#blobs.getBinaryFast(passingKey(root))
    return bytes === undefined ? null : read(bytes.subarray(0, bytes.length))
  }
  hasBlob(root: Root): boolean {
    return this.#blobs.doesExist(rootKey(root))
  }
  putBlob(content: ContentId, bytes: Uint8Array): void {
    this.#blobs.putSync(rootKey(content.root), asBuffer(bytes))
  }
  removeBlob(root: Root): void {
    this.#blobs.removeSync(rootKey(root))
  }
  *blobRoots(): Iterable<Root> {
    for (const key of this.#blobs.getKeys()) yield rootOf(key)
  }

  /** The published sums of a content, themselves a content among the blobs. */
  sums(root: Root): ContentId | null {
    return contentIn(this.#sums.get(rootKey(root)))
  }
  putSums(root: Root, sums: ContentId): void {
    this.#sums.putSync(rootKey(root), packedContent(sums))
  }

  /** The recipe of a content, likewise. */
  recipe(root: Root): ContentId | null {
    return contentIn(this.#recipes.get(rootKey(root)))
  }
  putRecipe(root: Root, recipe: ContentId): void {
    this.#recipes.putSync(rootKey(root), packedContent(recipe))
  }

  /** The roots of all published sums and recipes, which stand among the blobs. */
  *hintRoots(): Iterable<Root> {
    for (const table of [this.#sums, this.#recipes])
      for (const { value } of table.getRange()) {
        const content = contentIn(value)
        if (content !== null) yield content.root
      }
  }

  /** The digests of a content that an ordinary client asked for. */
  digests(content: ContentId): Digests | null {
    const value = copy(this.#digests.get(rootKey(content.root)))
    return value === null ? null : decodeDigests(value, content.length)
  }
  /** The SHA-256 of `digests` alone, in base64. */
  sha256(root: Root): string | null {
    const bytes = this.#digests.getBinaryFast(passingKey(root))
    return bytes === undefined ? null : bytes.toString('base64', 0, SHA256_BYTES)
  }
  putDigests(root: Root, digests: Digests): void {
    this.#digests.putSync(rootKey(root), asBuffer(encodeDigests(digests)))
  }

  // ---- small named values: heads, pins, what was done last ----------------------------------------

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

function samePlace(a: Known, b: Known): boolean {
  return a.root === b.root && a.hashed === b.hashed && a.mtimeNs === b.mtimeNs && a.ino === b.ino
}
