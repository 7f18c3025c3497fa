/** Paths that the user names, one char per byte: looked at, made, read. */
import {
  accessSync,
  closeSync,
  constants,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  statSync,
} from 'node:fs'
import { posix } from 'node:path'
import { inWords } from '../base/errno-words.js'
import { codeOf, FileError, messageOf, SelectionError, UsageError } from '../base/errors.js'
import { insideOnly, isInside, outside } from './boundary.js'

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

/**
 * Why nothing is to be found at a path, or no directory where it ends in a slash, in words.
 * A link at its end is not followed.
 */
export function whyNotThere(path: string): string {
  try {
    if (isInside(path)) lstatSync(bytes(path))
  } catch (error) {
    return inWords(error)
  }
  return NOTHING_THERE
}
const NOTHING_THERE = 'No such file or directory (2)'

/**
 * Where a transfer goes; nothing may stand there, but then it must be known that nothing does.
 * @param shown as the user named it @throws {SelectionError}
 */
export function kindOfDestination(path: string, shown = path): 'directory' | 'other' | 'nothing' {
  try {
    return statSync(bytes(path)).isDirectory() ? 'directory' : 'other'
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return 'nothing'
    const after = `: ${inWords(error)}`
    throw new SelectionError(`cannot stat destination "${fullPath(shown)}"${after}`, {
      cause: error,
      call: { before: 'ERROR: cannot stat destination', path: shown, after },
    })
  }
}

/** By this user, who may be root; a link is. */
export function isReadable(path: string): boolean {
  try {
    if (!lstatSync(bytes(path)).isSymbolicLink()) accessSync(bytes(path), constants.R_OK)
    return true
  } catch {
    // Whatever the reason: it cannot be read.
    return false
  }
}

/** @param parents those above it too: rsync(1) --mkpath @throws {FileError} */
export function makePath(path: string, parents: boolean): void {
  if (!isInside(path)) throw outside(path)
  try {
    mkdirSync(bytes(path), { recursive: parents })
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return
    throw cannotMake(path, inWords(error))
  }
}
export function cannotMake(path: string, why: string): FileError {
  const after = ` failed: ${why}`
  return new FileError(`mkdir "${fullPath(path)}"${after}`, {
    call: { before: 'mkdir', path, after },
  })
}

/** From the root, as errors name it: links and dots as they are. */
export function fullPath(path: string): string {
  if (path.startsWith('/')) return path
  const here = workingDirectory()
  return path === '.' ? here : `${here === '/' ? '' : here}/${path}`
}
/** One char per byte. */
export function workingDirectory(): string {
  return Buffer.from(process.cwd(), 'utf8').toString('latin1')
}

/** Without links and dots; as it is where nothing stands. */
export function realPath(path: string): string {
  try {
    return realpathSync(bytes(path), 'latin1')
  } catch {
    return path
  }
}

/** Is there anything under this name, be it a link that leads nowhere? */
export function isThere(path: string): boolean {
  try {
    return lstatSync(bytes(path), { throwIfNoEntry: false }) !== undefined
  } catch {
    // What cannot be looked at cannot be read either.
    return false
  }
}

/** A file of rules or names; `-`: standard input. @param root it has to be below it; null: anywhere @throws {UsageError} */
export function readNamed(path: string, root: string | null = null, what = ''): string {
  try {
    if (path !== '-' && !isInside(path)) throw outside(path)
    return path === '-' ? readFileSync(0, 'latin1') : readOpened(path, root)
  } catch (cause) {
    throw new UsageError(`failed to open ${what}${path}: ${inWords(cause)}`, { cause })
  }
}
/** The same; null where there is none. */
export function readIfThere(path: string, root: string | null = null): string | null {
  if (!isInside(path)) return null
  try {
    return readOpened(path, root)
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR' || code === 'EACCES')
      return null
    throw error
  }
}

/** Where it was opened counts, whatever its path leads to a moment later. */
function readOpened(path: string, root: string | null): string {
  const fd = openSync(bytes(path), 'r')
  if (root !== null) insideOnly(fd, path, root)
  try {
    return readFileSync(fd, 'latin1')
  } finally {
    closeSync(fd)
  }
}

/** How paths that options name are taken. */
export type PathRule = {
  readonly insecureLinks: boolean
  readonly confineRoot: string | null
}

/** What --confine-root means on this machine; null: anywhere. */
export function confinedTo({ confineRoot }: PathRule): string | null {
  return confineRoot === null ? null : realPath(posix.normalize(confineRoot))
}

/** Paths of options, each without links that lead on. @returns a function that throws a {FileError} on what is refused */
export function operatorPaths(rule: PathRule): (path: string) => string {
  if (rule.insecureLinks) return (path) => path
  const root = confinedTo(rule)
  if (root === null) return trustedPath
  return (path) => {
    // Without links a directory's `..` is the one before it, also where nothing stands yet.
    const plain = posix.normalize(trustedPath(path))
    if (isInside(plain, root)) return plain
    throw new FileError(`${path} leads out of ${root} (--confine-root)`)
  }
}

/** A log: its path is an option's like any other. @throws what opening throws, {FileError} on a path that is refused */
export function openToAppend(path: string, rule: PathRule): number {
  const fd = openSync(bytes(operatorPaths(rule)(path)), 'a', 0o644)
  return insideOnly(fd, path, confinedTo(rule))
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
    const stands = lstatSync(bytes(path), { throwIfNoEntry: false })
    if (stands?.isSymbolicLink() !== true) return null
    if (stands.uid !== 0 && stands.uid !== process.geteuid?.())
      throw new FileError(
        `${path} is a symbolic link of another user, which is not followed (--insecure-links follows it)`,
      )
    return readlinkSync(bytes(path), 'latin1')
  } catch (error) {
    const code = codeOf(error)
    // What cannot be looked at is for the call that uses it to tell.
    if (code === 'ENOTDIR' || code === 'EACCES') return null
    throw error
  }
}
