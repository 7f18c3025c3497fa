/**
 * What the index remembers of one directory: enough to see, by lstat alone, that nothing in it changed. One record a
 * directory, because 2.2 M records of a file each would cost more to open than the files.
 */
import type { ByteName } from '../base/byte-name.js'
import { Cursor, Underflow, Writer } from '../base/bytes.js'
import { WireError } from '../base/errors.js'
import { type ContentId, ROOT_BYTES, type Root, rootOf } from '../hash/root.js'
import type { Standing } from '../host.js'

/** One name as it stood when it was last looked at. */
export type Known = {
  readonly base: string
  readonly ino: bigint
  readonly size: number
  readonly mtimeNs: bigint
  readonly ctimeNs: bigint
  /** What is in it, for files that are not empty and were hashed or believed. */
  readonly root: Root | null
  /** The root was computed from these bytes; false: believed because size and time match the snapshot. */
  readonly hashed: boolean
}

export type DirectoryRecord = {
  /** The page that was built of it, at the centre; null: none, or empty. */
  readonly page: ContentId | null
  /** The page describes `known`; false after a crash between hashing and building. */
  readonly built: boolean
  /** Files and their bytes in it and below, as published. */
  readonly files: number
  readonly bytes: number
  /** In byte order. */
  readonly known: readonly Known[]
}

/** A directory and what the index says of it. */
export type NamedRecord = { readonly name: ByteName; readonly record: DirectoryRecord }

/** Still the file that was looked at? A change of bytes, mode or owner changes the ctime. */
export function isSame(known: Known, standing: Standing): boolean {
  return (
    known.size === standing.size &&
    known.ino === standing.ino &&
    known.mtimeNs === standing.mtimeNs &&
    known.ctimeNs === standing.ctimeNs
  )
}

const VERSION = 1
const HAS_ROOT = 1
const IS_HASHED = 2

export function encodeDirectoryRecord(record: DirectoryRecord): Uint8Array {
  const out = new Writer(64 + record.known.length * 96)
  out.u8(VERSION)
  out.varint(record.page?.length ?? 0)
  if (record.page !== null) out.latin1(record.page.root)
  out.u8(record.built ? 1 : 0)
  out.varint(record.files)
  out.varint(record.bytes)
  out.varint(record.known.length)
  for (const k of record.known) {
    out.varint(k.base.length)
    out.latin1(k.base)
    out.u8((k.root === null ? 0 : HAS_ROOT) | (k.hashed ? IS_HASHED : 0))
    out.u64le(k.ino)
    out.varint(k.size)
    out.u64le(BigInt.asUintN(64, k.mtimeNs))
    out.u64le(BigInt.asUintN(64, k.ctimeNs))
    if (k.root !== null) out.latin1(k.root)
  }
  return out.done()
}

/** Null for a record that another version wrote or a disk damaged: it is made again from the disk. */
export function decodeDirectoryRecord(bytes: Uint8Array): DirectoryRecord | null {
  const from = new Cursor(bytes)
  try {
    if (from.u8() !== VERSION) return null
    const pageLength = from.varint()
    const page = pageLength === 0 ? null : { length: pageLength, root: takeRoot(from) }
    const built = from.u8() === 1
    const files = from.varint()
    const bytesBelow = from.varint()
    const count = from.varint()
    const known: Known[] = []
    for (let i = 0; i < count; i++) known.push(takeKnown(from))
    return { page, built, files, bytes: bytesBelow, known }
  } catch (error) {
    if (error instanceof Underflow || error instanceof WireError) return null
    throw error
  }
}

function takeKnown(from: Cursor): Known {
  const base = from.latin1(from.varint())
  const flags = from.u8()
  const ino = from.u64le()
  const size = from.varint()
  const mtimeNs = BigInt.asIntN(64, from.u64le())
  const ctimeNs = BigInt.asIntN(64, from.u64le())
  const root = flags & HAS_ROOT ? takeRoot(from) : null
  return { base, ino, size, mtimeNs, ctimeNs, root, hashed: (flags & IS_HASHED) !== 0 }
}
function takeRoot(from: Cursor): Root {
  return rootOf(from.view(ROOT_BYTES))
}
