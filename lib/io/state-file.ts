/** Small files of a state directory that change: replaced whole, so that a crash leaves the old one or the new one. */
import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { codeOf, FileError, messageOf, StartupError } from '../base/errors.js'

/** Null where there is none. @throws {StartupError} */
export function readState(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return null
    throw new StartupError(`cannot read ${path}: ${messageOf(cause)}`, { cause })
  }
}

/** For its owner only. One writer at a time. @throws {FileError} then the old one stands */
export function replaceState(path: string, text: string): void {
  const fresh = `${path}.new`
  try {
    rmSync(fresh, { force: true })
    const fd = openSync(fresh, 'wx', 0o600)
    try {
      const bytes = Buffer.from(text)
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    renameSync(fresh, path)
  } catch (cause) {
    throw new FileError(`cannot write ${path}: ${messageOf(cause)}`, { cause })
  }
}
