/** lmdb as the store has it: tables of bytes, their keys, what fails; and its tables for those who only read them. */
import { hash } from 'node:crypto'
import { type Database, open, type RootDatabase } from 'lmdb'
import { type ByteName, nameBytes } from '../base/byte-name.js'
import { bytesOf } from '../base/bytes.js'
import { FileError, messageOf, StartupError } from '../base/errors.js'
import { ROOT_BYTES, type Root } from '../hash/root.js'

export type Table = Database<Buffer, Buffer>
export type Environment = RootDatabase<Buffer, Buffer>

const BINARY = { keyEncoding: 'binary', encoding: 'binary' } as const
const ENVIRONMENT = { ...BINARY, maxDbs: 16, noMemInit: true } as const

export function openEnvironment(path: string, isReadOnly = false): Environment {
  return open<Buffer, Buffer>({ path, ...ENVIRONMENT, readOnly: isReadOnly })
}
export function openTable(environment: Environment, name: string): Table {
  return environment.openDB<Buffer, Buffer>({ name, ...BINARY })
}

/** Values and blobs of an index that another process writes. @throws {StartupError} where there is none */
export function openIndex(path: string): {
  value(name: string): Uint8Array | null
  blob(root: Root): Uint8Array | null
} {
  try {
    const env = openEnvironment(path, true)
    const [values, blobs] = [openTable(env, 'values'), openTable(env, 'blobs')]
    return {
      value: (name) => copy(values.get(Buffer.from(name))),
      blob: (root) => copy(blobs.get(rootKey(root))),
    }
  } catch (cause) {
    throw new StartupError(`cannot read the index in ${path}: ${messageOf(cause)}`, { cause })
  }
}

/** The records of directories as they are written, for a thread beside the one that has the store. */
export function openRecords(path: string): (name: ByteName) => Uint8Array | null {
  const table = openTable(openEnvironment(path), 'directories')
  return (name) => table.get(keyOf(name)) ?? null
}

type LmdbError = Error & { readonly code: number }
/** lmdb's errors have numbers: its own, or errno(3). */
export function isOfLmdb(error: unknown): error is LmdbError {
  return error instanceof Error && 'code' in error && typeof error.code === 'number'
}
export function wrapped(path: string, cause: LmdbError): FileError {
  const what = `cannot write the index in ${path}`
  // What it could write only in part it calls EIO, and that is a full disk as a rule.
  return cause.code === EIO || cause.code === ENOSPC
    ? new NoRoomError(`${what}: no space left on the device, or it fails`, { cause })
    : new FileError(`${what}: ${cause.message}`, { cause })
}
const EIO = 5
const ENOSPC = 28
class NoRoomError extends FileError {
  readonly code = 'ENOSPC'
}

/** lmdb keys end at 1978 bytes and a name may have 4095. */
const KEY_BYTES = 1900

/** What a key begins with: the name itself, or its digest. */
export const PLAIN = 0
const DIGEST = 1

export function keyOf(name: ByteName): Buffer {
  const bytes = nameBytes(name)
  return bytes.length <= KEY_BYTES
    ? Buffer.concat([Buffer.from([PLAIN]), bytes])
    : Buffer.concat([Buffer.from([DIGEST]), hash('sha256', bytes, 'buffer')])
}
export function rootKey(root: Root): Buffer {
  return asBuffer(bytesOf(root))
}
const PASSING_KEY = Buffer.alloc(ROOT_BYTES)
/** The same for one look, which copies it: nothing is allocated. */
export function passingKey(root: Root): Buffer {
  PASSING_KEY.write(root, 'latin1')
  return PASSING_KEY
}
/** The least key above all that begin with `prefix`. */
export function above(prefix: Buffer): Buffer {
  return Buffer.concat([prefix, Buffer.alloc(9, 0xff)])
}

export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** lmdb hands out memory that the next read may use again. */
export function copy(bytes: Buffer | undefined): Uint8Array | null {
  return bytes === undefined ? null : Uint8Array.prototype.slice.call(bytes)
}
