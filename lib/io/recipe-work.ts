/** What a thread of the hash pool does for recipes: anchors of files, and which ranges of one are those of others. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { codeOf, FileError, messageOf } from '../base/errors.js'
import { AnchorTable, NO_ROW } from '../delta/anchor-table.js'
import {
  type Anchor,
  anchorIn,
  HEAD_BYTES,
  marksOf,
  RUN_BYTES,
  runOffsets,
  WINDOW_BYTES,
} from '../delta/anchors.js'
import { type Copies, findCopies, type PartSource } from '../delta/find-copies.js'
import { findParts } from '../delta/find-parts.js'
import { ImageScan } from '../delta/image-scan.js'
import type { Source } from '../delta/sums.js'
import { openKernel } from '../kernel/kernel.js'
import type { HashedFile, RecipeJob, RecipeResult } from './recipe-pool.js'

/** Sources held open: a package is asked for again only where others begin alike. */
const OPEN = 16

/** Looked through at once: more than a head. */
const CHUNK = 1 << 20
const kernel = openKernel({ dataBytes: ImageScan.CARRY + CHUNK, entries: 1 })
const marks = marksOf(HEAD_BYTES)

export function recipeWork(job: RecipeJob): RecipeResult {
  try {
    if (job.kind === 'anchors') return { kind: 'anchors', anchors: job.paths.map(anchorOfFile) }
    if (job.kind === 'hits') return hitsOf(job)
    if (job.kind === 'runs') return { kind: 'runs', anchors: runsOf(job.file) }
    return compared(job)
  } catch (error) {
    if (codeOf(error) === undefined && !(error instanceof FileError)) throw error
    return { kind: 'failed', message: messageOf(error) }
  }
}

function anchorOfFile(path: string): Anchor | null {
  let fd: number
  try {
    fd = open(path)
  } catch (error) {
    if (codeOf(error) === undefined) throw error
    return null // it is told when it is hashed
  }
  try {
    if (!fstatSync(fd).isFile()) return null
    const got = readFully(fd, kernel.data.subarray(0, HEAD_BYTES), 0)
    return anchorIn(kernel, 0, got, marks)
  } finally {
    closeSync(fd)
  }
}

/** None where it is not the file that was hashed. */
function runsOf(file: HashedFile): readonly Anchor[] {
  const files = new Files()
  try {
    const bytes = files.open(file)
    const anchors: Anchor[] = []
    if (bytes === null) return anchors
    for (const offset of runOffsets(file.size)) {
      const got = bytes.read(offset, kernel.data.subarray(0, RUN_BYTES))
      const anchor = anchorIn(kernel, 0, got, marks)
      if (anchor !== null) anchors.push({ ...anchor, offset: offset + anchor.offset })
    }
    return anchors
  } finally {
    files.close()
  }
}

/** Of windows that begin in the stretch. */
function hitsOf({
  file,
  offset,
  length,
  table,
}: Extract<RecipeJob, { kind: 'hits' }>): RecipeResult {
  const files = new Files()
  try {
    const bytes = files.open(file)
    if (bytes === null) return { kind: 'failed', message: 'no longer the file that was hashed' }
    const scan = new ImageScan(new AnchorTable(table), NO_ROW, CHUNK, offset)
    const end = Math.min(file.size, offset + length + WINDOW_BYTES - 1)
    for (let at = offset; at < end; ) {
      const start = ImageScan.CARRY
      const chunk = kernel.data.subarray(start, start + Math.min(CHUNK, end - at))
      const got = bytes.read(at, chunk)
      if (got === 0) break
      scan.add(kernel, start, got)
      at += got
    }
    return { kind: 'hits', hits: scan.done() }
  } finally {
    files.close()
  }
}

function compared(job: Extract<RecipeJob, { kind: 'copies' | 'parts' }>): RecipeResult {
  const files = new Files()
  try {
    const image = files.open(job.image)
    if (image === null) return { kind: 'failed', message: 'no longer the file that was hashed' }
    const result: RecipeResult =
      job.kind === 'parts'
        ? { kind: 'parts', found: findParts(image, job.copies, job.mostParts) }
        : { kind: 'copies', copies: copiesOf(image, job, files) }
    // Bytes that changed while they were compared would make a recipe that is of no use.
    if (files.isSame(job.image)) return result
    return { kind: 'failed', message: 'it changed while it was compared' }
  } finally {
    files.close()
  }
}
function copiesOf(
  image: Source,
  { hits, stretch, sources, mostParts }: Extract<RecipeJob, { kind: 'copies' }>,
  files: Files,
): Copies {
  const sourceOf = (row: number): PartSource | null => {
    const file = sources.get(row)
    const bytes = file === undefined ? null : files.open(file)
    if (file === undefined || bytes === null) return null
    return { key: keyOf(file), bytes, anchor: file.anchor }
  }
  return findCopies(image, hits, stretch, sourceOf, mostParts)
}

/** Files that are read by turns; the first one stays open. */
class Files {
  readonly #open = new Map<string, { readonly fd: number; readonly source: Source }>()

  /** Null where it is not as it was hashed. */
  open(file: HashedFile): Source | null {
    const known = this.#open.get(keyOf(file))
    if (known !== undefined) return known.source
    let fd: number
    try {
      fd = open(file.path)
    } catch (error) {
      if (codeOf(error) === undefined) throw error
      return null
    }
    if (!isSame(fd, file)) {
      closeSync(fd)
      return null
    }
    if (this.#open.size > OPEN) {
      const [, second] = this.#open
      if (second !== undefined) this.#close(second[0])
    }
    const source = {
      length: file.size,
      read: (offset: number, into: Uint8Array) => readFully(fd, into, offset),
    }
    this.#open.set(keyOf(file), { fd, source })
    return source
  }

  isSame(file: HashedFile): boolean {
    const known = this.#open.get(keyOf(file))
    return known !== undefined && isSame(known.fd, file)
  }

  close(): void {
    for (const key of [...this.#open.keys()]) this.#close(key)
  }
  #close(key: string): void {
    const known = this.#open.get(key)
    if (known !== undefined) closeSync(known.fd)
    this.#open.delete(key)
  }
}

/** A file as it was, not only its name: what stood there before may be meant. */
function keyOf({ path, size, ino, mtimeNs }: HashedFile): string {
  return `${ino} ${size} ${mtimeNs} ${path}`
}

function open(path: string): number {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  return openSync(Buffer.from(path, 'latin1'), flags)
}

function isSame(fd: number, file: HashedFile): boolean {
  const now = fstatSync(fd, { bigint: true })
  return (
    now.isFile() &&
    Number(now.size) === file.size &&
    now.ino === file.ino &&
    now.mtimeNs === file.mtimeNs
  )
}

function readFully(fd: number, into: Uint8Array, offset: number): number {
  let got = 0
  while (got < into.length) {
    const n = readSync(fd, into, got, into.length - got, offset + got)
    if (n === 0) break
    got += n
  }
  return got
}
