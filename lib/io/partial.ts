/**
 * Large contents on their way: `.~prsync~/partial/<root>` holds the bytes, `<root>.units` a bit for each unit that is
 * verified. Killed at any moment, the next run goes on from the marks. Marks made before the machine was last started are
 * not believed: a crash of the kernel may have kept the mark and lost the bytes.
 */
import { closeSync, ftruncateSync, readFileSync, readSync, writeSync } from 'node:fs'
import { joinName } from '../base/byte-name.js'
import { FileError } from '../base/errors.js'
import { type ContentId, rootHex } from '../hash/root.js'
import { unitBytesOf } from '../hash/unit.js'
import type { PartialContent } from '../host.js'
import { createPrivate } from './private-corner.js'
import { type DiskTree, PRIVATE_NAME } from './tree.js'

/** Bytes before the marks: which boot they were made in. */
const HEADER = 36

/** The two files of a partial content while they are open. */
type Files = { readonly fd: number; readonly journal: number }

export class PartialFile implements PartialContent {
  readonly content: ContentId
  readonly length: number
  readonly unitBytes: number
  readonly #tree: DiskTree
  readonly #partials: Partials
  readonly #marks: Uint8Array
  #files: Files | null = null

  constructor(tree: DiskTree, partials: Partials, content: ContentId) {
    this.#tree = tree
    this.#partials = partials
    this.content = content
    this.length = content.length
    this.unitBytes = unitBytesOf(content.length)
    this.#marks = new Uint8Array(Math.ceil(this.units / 8))
    if (this.#stands(`${this.name}.units`)) this.#resume()
  }

  get units(): number {
    return Math.ceil(this.length / this.unitBytes)
  }
  /** Below our corner. */
  get name(): string {
    return `partial/${rootHex(this.content.root)}`
  }
  /** Makes its files, for those who fill them by their names. */
  create(): void {
    this.#open()
  }

  /** Makes them too, as long as the content is: holes where nothing was written. */
  extend(): void {
    ftruncateSync(this.#open().fd, this.length)
  }

  isMarked(unit: number): boolean {
    return ((this.#marks[unit >> 3] ?? 0) & (1 << (unit & 7))) !== 0
  }

  write(offset: number, bytes: Uint8Array): void {
    const { fd } = this.#open()
    for (let done = 0; done < bytes.length; )
      done += writeSync(fd, bytes, done, bytes.length - done, offset + done)
  }

  read(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    // Past what was written so far there are zeros, as in any hole.
    readSync(this.#open().fd, bytes, 0, length, offset)
    return bytes
  }

  mark(unit: number): void {
    const at = unit >> 3
    const byte = (this.#marks[at] ?? 0) | (1 << (unit & 7))
    this.#marks[at] = byte
    writeSync(this.#open().journal, Uint8Array.of(byte), 0, 1, HEADER + at)
  }

  /** @throws {FileError} while a unit is missing. */
  finish(): void {
    for (let unit = 0; unit < this.units; unit++)
      if (!this.isMarked(unit)) throw new FileError(`unit ${unit} of ${this.name} is missing`)
  }

  /** Closes its files; they are opened again when needed. */
  close(): void {
    if (this.#files === null) return
    closeSync(this.#files.fd)
    closeSync(this.#files.journal)
    this.#files = null
    this.#partials.closed(this)
  }

  /** The bytes have become a file: the marks go. */
  forget(): void {
    this.close()
    this.#tree.remove(joinName(PRIVATE_NAME, `${this.name}.units`))
  }

  #open(): Files {
    if (this.#files !== null) return this.#files
    const isNew = !this.#stands(`${this.name}.units`)
    this.#partials.opening(this)
    const fd = createPrivate(this.#tree, this.name)
    const journal = createPrivate(this.#tree, `${this.name}.units`)
    this.#files = { fd, journal }
    if (isNew) writeSync(journal, Buffer.from(bootId(), 'latin1'), 0, HEADER, 0)
    return this.#files
  }

  #stands(name: string): boolean {
    return this.#tree.stat(joinName(PRIVATE_NAME, name)) !== null
  }

  #resume(): void {
    const hadBytes = this.#stands(this.name)
    const { journal } = this.#open()
    const boot = bootId()
    const header = Buffer.alloc(HEADER)
    readSync(journal, header, 0, HEADER, 0)
    // Marks without their bytes are what a run leaves that was killed after it gave the bytes their name.
    if (hadBytes && header.toString('latin1') === boot) {
      readSync(journal, this.#marks, 0, this.#marks.length, HEADER)
    } else {
      ftruncateSync(journal, 0)
      writeSync(journal, Buffer.from(boot, 'latin1'), 0, HEADER, 0)
    }
    this.close()
  }
}

/** Partial contents whose files are open, at most OPEN of them: thousands may be on their way at once. */
export class Partials {
  readonly #open = new Set<PartialFile>()

  opening(file: PartialFile): void {
    if (this.#open.size >= OPEN) {
      const [oldest] = this.#open
      oldest?.close()
    }
    this.#open.add(file)
  }
  closed(file: PartialFile): void {
    this.#open.delete(file)
  }
  closeAll(): void {
    for (const file of [...this.#open]) file.close()
  }
}
const OPEN = 128

/** Removes all partial contents, once nothing is wanted any more: left by runs whose snapshot is gone. */
export function removeStale(tree: DiskTree): void {
  const directory = joinName(PRIVATE_NAME, 'partial')
  for (const { base } of tree.list(directory) ?? []) tree.remove(joinName(directory, base))
}

function bootId(): string {
  try {
    const id = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
    return id.padEnd(HEADER).slice(0, HEADER)
  } catch {
    // Without /proc every boot looks alike; marks are then believed.
    return ''.padEnd(HEADER, '-')
  }
}
