/**
 * Large contents on their way: `.~prsync~/partial/<root>` holds the bytes, `<root>.units` a bit for each unit that is
 * verified. Killed at any moment, the next run goes on from the marks. Marks made before the machine was last started are
 * not believed: a crash of the kernel may have kept the mark and lost the bytes.
 */
import { closeSync, ftruncateSync, readFileSync, readSync, writeSync } from 'node:fs'
import { baseOf, byteName, joinName } from '../base/byte-name.js'
import { FileError } from '../base/errors.js'
import { type ContentId, type Root, rootHex } from '../hash/root.js'
import type { ContentStore, Holding, PartialContent } from '../host.js'
import { type DiskTree, PRIVATE_NAME } from './tree.js'

const LEAST_UNIT = 65536
/** Bytes before the marks: which boot they were made in. */
const HEADER = 36

/** Bytes of a swarm unit of a content: max(64 KiB, √length) rounded up to a power of two. */
export function unitBytesOf(length: number): number {
  let unit = LEAST_UNIT
  while (unit * unit < length) unit *= 2
  return unit
}

export class PartialFile implements PartialContent {
  readonly content: ContentId
  readonly length: number
  readonly unitBytes: number
  readonly #tree: DiskTree
  readonly #fd: number
  readonly #journal: number
  readonly #marks: Uint8Array
  #leaves: Uint8Array | null = null
  #closed = false

  constructor(tree: DiskTree, content: ContentId) {
    this.#tree = tree
    this.content = content
    this.length = content.length
    this.unitBytes = unitBytesOf(content.length)
    const hex = rootHex(content.root)
    this.#fd = tree.createPrivate(`partial/${hex}`)
    this.#journal = tree.createPrivate(`partial/${hex}.units`)
    this.#marks = new Uint8Array(Math.ceil(this.units / 8))
    this.#resume()
  }

  get units(): number {
    return Math.ceil(this.length / this.unitBytes)
  }
  get name(): string {
    return `partial/${rootHex(this.content.root)}`
  }
  /** The open file, for those who fill it from other files. */
  get fd(): number {
    return this.#fd
  }

  isMarked(unit: number): boolean {
    return ((this.#marks[unit >> 3] ?? 0) & (1 << (unit & 7))) !== 0
  }

  write(offset: number, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; )
      done += writeSync(this.#fd, bytes, done, bytes.length - done, offset + done)
  }

  read(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    const got = readSync(this.#fd, bytes, 0, length, offset)
    return bytes.subarray(0, got)
  }

  mark(unit: number): void {
    const at = unit >> 3
    const byte = (this.#marks[at] ?? 0) | (1 << (unit & 7))
    this.#marks[at] = byte
    writeSync(this.#journal, Uint8Array.of(byte), 0, 1, HEADER + at)
  }

  has(offset: number, length: number): boolean {
    if (offset + length > this.length) return false
    for (
      let unit = Math.floor(offset / this.unitBytes);
      unit * this.unitBytes < offset + length;
      unit++
    )
      if (!this.isMarked(unit)) return false
    return true
  }

  keepLeaves(leaves: Uint8Array): void {
    this.#leaves = leaves
  }
  leaves(): Uint8Array | null {
    return this.#leaves
  }

  finish(): void {
    for (let unit = 0; unit < this.units; unit++)
      if (!this.isMarked(unit)) throw new FileError(`unit ${unit} of ${this.name} is missing`)
  }

  /** Closes it; the bytes stay for the next run, or have become a file. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    closeSync(this.#fd)
    closeSync(this.#journal)
  }

  /** Forgets the marks file, once the bytes have become a file or are not wanted any more. */
  forget(alsoBytes: boolean): void {
    this.close()
    this.#tree.remove(joinName(PRIVATE_NAME, `${this.name}.units`))
    if (alsoBytes) this.#tree.remove(joinName(PRIVATE_NAME, this.name))
  }

  #resume(): void {
    const boot = bootId()
    const header = Buffer.alloc(HEADER)
    readSync(this.#journal, header, 0, HEADER, 0)
    if (header.toString('latin1') === boot) {
      readSync(this.#journal, this.#marks, 0, this.#marks.length, HEADER)
      return
    }
    ftruncateSync(this.#journal, 0)
    writeSync(this.#journal, Buffer.from(boot, 'latin1'), 0, HEADER, 0)
  }
}

/** The partial contents that are open, as something to give from. */
export class Partials implements ContentStore {
  readonly #open = new Map<Root, PartialFile>()

  add(file: PartialFile): void {
    this.#open.set(file.content.root, file)
  }
  remove(root: Root): void {
    this.#open.delete(root)
  }
  get(root: Root): PartialFile | null {
    return this.#open.get(root) ?? null
  }
  closeAll(): void {
    for (const file of this.#open.values()) file.close()
    this.#open.clear()
  }

  find(root: Root): Holding | null {
    const file = this.#open.get(root)
    if (file === undefined) return null
    return {
      length: file.length,
      has: (offset, length) => file.has(offset, length),
      read: (offset, length) => Promise.resolve(file.read(offset, length)),
      leaves: () => file.leaves(),
    }
  }
}

/** Names in `.~prsync~/partial` that no open content has: left by runs whose snapshot is gone. */
export function stalePartials(tree: DiskTree, wanted: (hex: string) => boolean): string[] {
  const directory = joinName(PRIVATE_NAME, 'partial')
  return (tree.list(directory) ?? [])
    .map((s) => baseOf(byteName(s.base)))
    .filter((base) => !wanted(base.replace(/\.units$/, '')))
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1')
      .trim()
      .padEnd(HEADER)
      .slice(0, HEADER)
  } catch {
    // Without /proc every boot looks alike; marks are then believed.
    return ''.padEnd(HEADER, '-')
  }
}
