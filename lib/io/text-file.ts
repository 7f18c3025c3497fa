/** Small files that the command line names: filter rules, keys, torrents. Text is one char per byte. */
import { readFileSync, writeFileSync } from 'node:fs'
import { codeOf, FileError, messageOf, UsageError } from '../base/errors.js'

/** `-` is standard input. @throws {UsageError} */
export function readText(path: string): string {
  try {
    return readFileSync(path === '-' ? 0 : path, 'latin1')
  } catch (cause) {
    throw new UsageError(`cannot read ${path}: ${messageOf(cause)}`, { cause })
  }
}

/** @throws {FileError} */
export function readBytes(path: string): Uint8Array {
  try {
    return readFileSync(path)
  } catch (cause) {
    throw new FileError(`cannot read ${path}: ${messageOf(cause)}`, { cause })
  }
}

/** @param replace what is there. @throws {FileError} */
export function writeFile(path: string, bytes: Uint8Array, replace: boolean): void {
  try {
    writeFileSync(path, bytes, { flag: replace ? 'w' : 'wx' })
  } catch (cause) {
    const why =
      codeOf(cause) === 'EEXIST' ? 'it is there already (--force replaces it)' : messageOf(cause)
    throw new FileError(`cannot write ${path}: ${why}`, { cause })
  }
}
