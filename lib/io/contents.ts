/** What can be given to others from this machine: files that were hashed, pages, sums, and partial contents on their way. */
import { close, closeSync, fstatSync, read, readSync } from 'node:fs'
import { promisify } from 'node:util'
import { codeOf, FileError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { leavesOf } from '../hash/merkle.js'
import type { Root } from '../hash/root.js'
import { SMALL_BYTES } from '../hash/unit.js'
import type { ContentStore, Holding } from '../host.js'
import { libc } from './libc.js'
import type { Place } from './places-by-root.js'
import type { Store } from './store.js'
import type { DiskTree } from './tree.js'

const readAt = promisify(read)

/** Places of a content that are tried for one read. */
const LOOKS = 4
/** Open files kept for contents that are being given. */
const OPEN_FILES = 256

export class TreeContents implements ContentStore {
  readonly #tree: DiskTree
  readonly #store: Store
  /** What `readNow` reads into. */
  readonly #now = new Uint8Array(LIMITS.requestBytes)
  readonly #files = new Map<Root, OpenFile>()
  /** Files that are not what they were, until nobody reads them. */
  #stale: OpenFile[] = []

  constructor(tree: DiskTree, store: Store) {
    this.#tree = tree
    this.#store = store
  }

  find(root: Root): Holding | null {
    const blob = this.#store.blob(root)
    if (blob !== null) return new BytesHolding(blob)
    const file = this.#file(root)
    if (file === null) return null
    const { length } = file
    return {
      length,
      has: (offset, n) => offset + n <= length,
      read: (offset, n) => this.#read(root, offset, Math.max(0, Math.min(n, length - offset))),
      readNow: (offset, n) => (offset + n <= length ? this.#readNow(root, offset, n) : null),
      leaves: () => this.#store.leaves.of(root),
    }
  }

  close(): void {
    for (const { fd } of [...this.#files.values(), ...this.#stale]) close(fd)
    this.#files.clear()
    this.#stale = []
  }

  /** The file may have been closed to make room, or changed, since it was found: each read takes it anew, where it stands. */
  async #read(root: Root, offset: number, length: number): Promise<Uint8Array> {
    for (let look = 0; look < LOOKS; look++) {
      const file = this.#file(root)
      if (file === null) break
      const bytes = await this.#readFrom(file, offset, length)
      if (bytes !== null) return bytes
      this.#forget(root, file)
    }
    throw new FileError('the file is no longer what it was')
  }

  /** Null where it is the same file with other bytes: nobody may be given these. */
  async #readFrom(file: OpenFile, offset: number, length: number): Promise<Uint8Array | null> {
    const bytes = new Uint8Array(length)
    file.readers++
    try {
      const got =
        file.length <= SMALL_BYTES
          ? readSync(file.fd, bytes, 0, length, offset)
          : (await readAt(file.fd, bytes, 0, length, offset)).bytesRead
      return got === length && isSame(file.fd, file.place) ? bytes : null
    } finally {
      file.readers--
      this.#closeStale()
    }
  }

  /** Only what is in memory, and only of a file that is what it was: `#read` says what is wrong with others. */
  #readNow(root: Root, offset: number, length: number): Uint8Array | null {
    const file = this.#file(root)
    if (file === null || length > this.#now.length) return null
    const got = libc().readCached(file.fd, this.#now, length, offset)
    return got === length && isSame(file.fd, file.place) ? this.#now.subarray(0, length) : null
  }

  #file(root: Root): OpenFile | null {
    const open = this.#files.get(root)
    if (open !== undefined) return open
    for (const place of this.#store.places.of(root)) {
      const fd = this.#openSame(place)
      if (fd === null) continue
      const file = { fd, place, length: place.size, readers: 0 }
      this.#makeRoom()
      this.#files.set(root, file)
      return file
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
    if (isSame(fd, place)) return fd
    closeSync(fd)
    return null
  }

  /** Another reader may still be at it: that one's read fails alone. */
  #forget(root: Root, file: OpenFile): void {
    if (this.#files.get(root) !== file) return
    this.#files.delete(root)
    this.#stale.push(file)
    this.#closeStale()
  }
  #closeStale(): void {
    if (this.#stale.length === 0) return
    const idle = this.#stale.filter((file) => file.readers === 0)
    this.#stale = this.#stale.filter((file) => file.readers > 0)
    for (const { fd } of idle) closeSync(fd)
  }

  /** The oldest goes that nobody is reading. */
  #makeRoom(): void {
    if (this.#files.size < OPEN_FILES) return
    for (const [root, file] of this.#files) {
      if (file.readers > 0) continue
      closeSync(file.fd)
      this.#files.delete(root)
      return
    }
  }
}

type OpenFile = {
  readonly fd: number
  readonly place: Place
  readonly length: number
  readers: number
}

function isSame(fd: number, place: Place): boolean {
  const now = fstatSync(fd, { bigint: true })
  return now.mtimeNs === place.mtimeNs && Number(now.size) === place.size && now.ino === place.ino
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
    return Promise.resolve(this.readNow(offset, length))
  }
  readNow(offset: number, length: number): Uint8Array {
    return this.#bytes.subarray(offset, offset + length)
  }
  leaves(): Uint8Array {
    return leavesOf(this.#bytes)
  }
}
