/** Paths that the user names, one char per byte: looked at, made, read. */
import { lstatSync, mkdirSync, readFileSync, readlinkSync, realpathSync, statSync } from 'node:fs'
import { codeOf, FileError, messageOf, UsageError } from '../base/errors.js'

const bytes = (path: string): Buffer => Buffer.from(path, 'latin1')

/** Where all paths have to lead; null: anywhere. */
let boundary: string | null = null

/** For the rest of this process nothing outside of a directory is looked at, made or read here. @param root without links */
export function keepWithin(root: string): void {
  boundary = root === '/' ? null : root
}
export function isKeptWithin(): boolean {
  return boundary !== null
}
/** Does a path, or the part of it that stands, lead there? */
function isInside(path: string): boolean {
  if (boundary === null) return true
  for (let at = path; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/')))) {
    const stands = at === '' ? (path.startsWith('/') ? '/' : '.') : at
    try {
      const real = realpathSync(bytes(stands), 'latin1')
      return real === boundary || real.startsWith(`${boundary}/`)
    } catch (error) {
      // A link that leads nowhere could be led anywhere by what is made next.
      if (codeOf(error) !== 'ENOENT' || isLink(stands)) return false
      if (at === '') return false
    }
  }
}
function isLink(path: string): boolean {
  try {
    return lstatSync(bytes(path)).isSymbolicLink()
  } catch {
    // What cannot be looked at is for the look at what is above it.
    return false
  }
}
function outside(path: string): FileError {
  return new FileError(`${path} leads out of the module`)
}

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
