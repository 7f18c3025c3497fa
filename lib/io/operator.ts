/** Paths that the user names, one char per byte: looked at, made, read. */
import { mkdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { codeOf, FileError, messageOf, UsageError } from '../base/errors.js'

const bytes = (path: string): Buffer => Buffer.from(path, 'latin1')

/** What a path leads to. */
export function kindOfPath(path: string): 'directory' | 'other' | 'nothing' {
  try {
    return statSync(bytes(path)).isDirectory() ? 'directory' : 'other'
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return 'nothing'
    throw new FileError(`cannot look at ${path}: ${messageOf(error)}`, { cause: error })
  }
}

/** @param parents those above it too: rsync(1) --mkpath @throws {FileError} */
export function makePath(path: string, parents: boolean): void {
  try {
    mkdirSync(bytes(path), { recursive: parents })
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return
    throw new FileError(`mkdir "${path}" failed: ${messageOf(error)}`, { cause: error })
  }
}

/** Without links and dots; as it is where nothing stands. */
export function realPath(path: string): string {
  try {
    return realpathSync(bytes(path), 'latin1')
  } catch {
    return path
  }
}

/** A file of rules or names; `-`: standard input. @throws {UsageError} */
export function readNamed(path: string): string {
  try {
    return readFileSync(path === '-' ? 0 : bytes(path), 'latin1')
  } catch (cause) {
    throw new UsageError(`failed to open ${path}: ${messageOf(cause)}`, { cause })
  }
}
/** The same; null where there is none. */
export function readIfThere(path: string): string | null {
  try {
    return readFileSync(bytes(path), 'latin1')
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR' || code === 'EACCES')
      return null
    throw error
  }
}
