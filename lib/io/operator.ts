/** Paths that the user names, one char per byte: looked at, made, read. */
import { lstatSync, mkdirSync, readFileSync, readlinkSync, realpathSync, statSync } from 'node:fs'
import { codeOf, FileError, messageOf, UsageError } from '../base/errors.js'
import { isInside, outside } from './boundary.js'

const bytes = (path: string): Buffer => Buffer.from(path, 'latin1')

/** What a path leads to. */
export function kindOfPath(path: string): 'directory' | 'other' | 'nothing' {
  if (!isInside(path)) return 'nothing'
  try {
    return statSync(bytes(path)).isDirectory() ? 'directory' : 'other'
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') return 'nothing'
    throw new FileError(`cannot look at ${path}: ${messageOf(error)}`, { cause: error })
  }
}

/** @param parents those above it too: rsync(1) --mkpath @throws {FileError} */
export function makePath(path: string, parents: boolean): void {
  if (!isInside(path)) throw outside(path)
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
    if (path !== '-' && !isInside(path)) throw outside(path)
    return readFileSync(path === '-' ? 0 : bytes(path), 'latin1')
  } catch (cause) {
    throw new UsageError(`failed to open ${path}: ${messageOf(cause)}`, { cause })
  }
}
/** The same; null where there is none. */
export function readIfThere(path: string): string | null {
  if (!isInside(path)) return null
  try {
    return readFileSync(bytes(path), 'latin1')
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR' || code === 'EACCES')
      return null
    throw error
  }
}

/** Links on one path before it counts as going round. */
const MOST_LINKS = 40

/**
 * A path for writing, or for reading rules from, without links: those that root or we ourselves made are followed, another
 * user's are not, who could lead us anywhere. rsync(1) --insecure-links. What is not there yet stays as it is.
 * @throws {FileError} on such a link
 */
export function trustedPath(path: string): string {
  if (!isInside(path)) throw outside(path)
  const pending = path.split('/').reverse()
  let at = path.startsWith('/') ? '/' : ''
  let links = 0
  while (pending.length > 0) {
    const part = pending.pop() ?? ''
    if (part === '' || part === '.') continue
    const next = at === '' || at === '/' ? at + part : `${at}/${part}`
    const target = part === '..' ? null : trustedLink(next)
    if (target === null) {
      at = next
      continue
    }
    if (++links > MOST_LINKS) throw new FileError(`${path}: too many levels of symbolic links`)
    if (target.startsWith('/')) at = '/'
    pending.push(...target.split('/').reverse())
  }
  return at === '' ? '.' : at
}
/** What a link leads to; null: it is none. */
function trustedLink(path: string): string | null {
  try {
    const stands = lstatSync(bytes(path))
    if (!stands.isSymbolicLink()) return null
    if (stands.uid !== 0 && stands.uid !== process.geteuid?.())
      throw new FileError(
        `${path} is a symbolic link of another user, which is not followed (--insecure-links follows it)`,
      )
    return readlinkSync(bytes(path), 'latin1')
  } catch (error) {
    const code = codeOf(error)
    // What cannot be looked at is for the call that uses it to tell.
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES') return null
    throw error
  }
}
