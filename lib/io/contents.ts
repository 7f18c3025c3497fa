/** What can be given to others from this machine: files that were hashed, pages, sums, and partial contents on their way. */
import { close, closeSync, fstatSync, read, readSync } from 'node:fs'
import { promisify } from 'node:util'
import { codeOf, FileError } from '../base/errors.js'
import { leavesOf } from '../hash/merkle.js'
import type { Root } from '../hash/root.js'
import type { ContentStore, Holding } from '../host.js'
import { SMALL_BYTES } from './hash-pool.js'
import type { Place, Store } from './store.js'
import type { DiskTree } from './tree.js'

const readAt = promisify(read)

/** Open files kept for contents that are being given. */
const OPEN_FILES = 256

export class TreeContents implements ContentStore {
  readonly #tree: DiskTree
  readonly #store: Store
  readonly #partial: ContentStore | null
  readonly #open = new Map<Root, FileHolding>()

  /** @param partial contents on their way, at a node */
  constructor(tree: DiskTree, store: Store, partial: ContentStore | null = null) {
    this.#tree = tree
    this.#store = store
    this.#partial = partial
  }

  find(root: Root): Holding | null {
    const open = this.#open.get(root)
    if (open !== undefined) return open
    const blob = this.#store.blob(root)
    if (blob !== null) return new BytesHolding(blob)
    return this.#file(root) ?? this.#partial?.find(root) ?? null
  }

  /** The bytes of a small content, or null: for many of them in a row, without a promise each. */
  small(root: Root): Uint8Array | null {
    const blob = this.#store.blob(root)
    if (blob !== null) return blob
    for (const place of this.#store.places(root)) {
      const fd = this.#openSame(place)
      if (fd === null) continue
      try {
        const size = fstatSync(fd).size
        if (size > SMALL_BYTES) return null
        const bytes = new Uint8Array(size)
        if (readSync(fd, bytes, 0, size, 0) === size) return bytes
      } finally {
        closeSync(fd)
      }
    }
    return null
  }

  close(): void {
    for (const holding of this.#open.values()) holding.close()
    this.#open.clear()
  }

  #file(root: Root): FileHolding | null {
    for (const place of this.#store.places(root)) {
      const fd = this.#openSame(place)
      if (fd === null) continue
      const holding = new FileHolding(fd, fstatSync(fd).size, () => this.#store.leaves(root))
      if (this.#open.size >= OPEN_FILES) this.#closeOldest()
      this.#open.set(root, holding)
      return holding
    }
    return null
  }

  /** Opens what stands under a name if it is still the file that was hashed. */
  #openSame(place: Place): number | null {
    if (!place.hashed) return null
    let fd: number
    try {
      fd = this.#tree.openFile(place.name)
    } catch (error) {
      if (codeOf(error) === undefined && !(error instanceof FileError)) throw error
      return null
    }
    const now = fstatSync(fd, { bigint: true })
    if (now.mtimeNs === place.mtimeNs && Number(now.size) === place.size && now.ino === place.ino)
      return fd
    closeSync(fd)
    return null
  }

  #closeOldest(): void {
    for (const [root, holding] of this.#open) {
      if (holding.reading > 0) continue
      holding.close()
      this.#open.delete(root)
      return
    }
  }
}

class FileHolding implements Holding {
  readonly length: number
  readonly #fd: number
  readonly #leaves: () => Uint8Array | null
  reading = 0
  #closed = false

  constructor(fd: number, length: number, leaves: () => Uint8Array | null) {
    this.#fd = fd
    this.length = length
    this.#leaves = leaves
  }

  has(offset: number, length: number): boolean {
    return offset + length <= this.length
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(Math.max(0, Math.min(length, this.length - offset)))
    if (this.length <= SMALL_BYTES) {
      readSync(this.#fd, bytes, 0, bytes.length, offset)
      return bytes
    }
    this.reading++
    try {
      const { bytesRead } = await readAt(this.#fd, bytes, 0, bytes.length, offset)
      if (bytesRead < bytes.length)
        throw new FileError('the file became shorter while it was given')
      return bytes
    } finally {
      this.reading--
    }
  }

  leaves(): Uint8Array | null {
    return this.#leaves()
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    close(this.#fd)
  }
}

class BytesHolding implements Holding {
  readonly #bytes: Uint8Array
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }
  get length(): number {
    return this.#bytes.length
  }
  has(offset: number, length: number): boolean {
    return offset + length <= this.#bytes.length
  }
  read(offset: number, length: number): Promise<Uint8Array> {
    return Promise.resolve(this.#bytes.subarray(offset, offset + length))
  }
  leaves(): Uint8Array {
    return leavesOf(this.#bytes)
  }
}
