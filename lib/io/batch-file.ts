/** Batch files: what a transfer sent, written down beside it or read in its place. rsync(1) BATCH MODE. */
import {
  chmodSync,
  closeSync,
  openSync,
  read as readAsync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { promisify } from 'node:util'
import { FileError, messageOf, SelectionError, WireError } from '../base/errors.js'
import type { Link } from '../host.js'

const read = promisify(readAsync)
const bytes = (path: string): Buffer => Buffer.from(path, 'latin1')
const READ_BYTES = 256 * 1024

/** A batch as the stream of a sender; what is said to it goes nowhere. @param path `-`: standard input @throws {FileError} */
export function openBatch(path: string): Link {
  const fd = path === '-' ? 0 : opened(path, 'r')
  let isOpen = true
  return {
    read: async () => {
      const { bytesRead, buffer } = await read(
        fd,
        Buffer.allocUnsafe(READ_BYTES),
        0,
        READ_BYTES,
        null,
      )
      if (bytesRead === 0) throw new WireError(`the batch ${path} ends in the middle`)
      return buffer.subarray(0, bytesRead)
    },
    write: async () => {},
    close: async () => {
      if (isOpen && fd !== 0) closeSync(fd)
      isOpen = false
    },
  }
}

/** A batch that is being written: for its owner alone, as what is in it may be. */
export class BatchFile {
  readonly #fd: number
  readonly #path: string

  /** @throws {FileError} */
  constructor(path: string) {
    this.#path = path
    this.#fd = opened(path, 'w')
  }

  write(data: Uint8Array): void {
    try {
      for (let done = 0; done < data.length; ) done += writeSync(this.#fd, data, done)
    } catch (error) {
      throw new FileError(`write failed on batch ${this.#path}: ${messageOf(error)}`, {
        cause: error,
      })
    }
  }
  close(): void {
    closeSync(this.#fd)
  }
}

/** The command that applies a batch, as a script beside it. @throws {SelectionError} */
export function writeBatchScript(path: string, text: string): void {
  try {
    writeFileSync(bytes(path), text, { encoding: 'latin1', mode: 0o700 })
    // One that was there keeps its mode when it is written.
    chmodSync(bytes(path), 0o700)
  } catch (cause) {
    throw new SelectionError(`cannot write ${path}: ${messageOf(cause)}`, { cause })
  }
}

function opened(path: string, flags: 'r' | 'w'): number {
  try {
    return openSync(bytes(path), flags, 0o600)
  } catch (cause) {
    throw new FileError(`cannot open batch ${path}: ${messageOf(cause)}`, { cause })
  }
}
