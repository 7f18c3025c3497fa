/** Where a transfer goes: what the destination's path means for what comes. rsync(1); nothing is written but what has to be made. */
import { type ByteName, byteName, directoryOf, ROOT_NAME } from '../base/byte-name.js'
import { FileError, SelectionError } from '../base/errors.js'
import type { FileKind } from '../host.js'
import {
  cannotMake,
  fullPath,
  isThere,
  kindOfDestination,
  kindOfPath,
  makePath,
  operatorPaths,
  type PathRule,
  realPath,
  workingDirectory,
} from '../io/operator.js'

export type TargetPlace = {
  /** The directory that is written. */
  readonly directory: string
  /** In a dry run: the directory that would be made to be written; null: the one above. */
  readonly unmade: string | null
  /** The only source goes under this name. */
  readonly localName: ByteName | null
  /** Nothing stands there. */
  readonly isNew: boolean
}

export type TargetRule = PathRule & { readonly mkpath: boolean; readonly dryRun: boolean }
/** What comes. */
export type Coming = {
  readonly isEmpty: boolean
  /** The kind of what comes alone, an empty directory too; null: it is not alone. Asked only where it matters. */
  readonly only: () => 'file' | 'directory' | null
}

/**
 * Null: nothing comes. @param named as the user gave it @param made a directory was made: so many in all, by --mkpath; null: itself
 * @throws {SelectionError} where what comes cannot go there
 */
export function targetPlace(
  named: string,
  { isEmpty, only }: Coming,
  rule: TargetRule,
  made: (path: string, directories: number | null) => void,
): TargetPlace | null {
  const { mkpath, dryRun } = rule
  const path = trustedTarget(named, rule)
  if (mkpath) refuseBelowFile(named, () => !dryRun && (isEmpty || only() !== null))
  const kind = kindOfDestination(/[^/]\/\.?$/.test(named) ? path.replace(/\/*$/, '/') : path, named)
  const trimmed = named.replace(/(.)\/+$/, '$1')
  const endsInSlash = named.endsWith('/')
  if (kind === 'directory') {
    if (isEmpty && !endsInSlash) return null
    return { directory: realPath(path), unmade: null, localName: null, isNew: false }
  }
  const kindOfOnly = isEmpty ? null : only()
  if (kind === 'other' && kindOfOnly === null && !isEmpty)
    throw new SelectionError('destination must be a directory when copying more than 1 file')
  if (kind === 'other' && kindOfOnly === 'directory')
    throw new SelectionError('cannot overwrite non-directory with a directory')
  if ((kindOfOnly !== null || isEmpty) && !endsInSlash) {
    const above = directoryOf(byteName(trimmed))
    const missing = mkpath && above !== '' ? missingIn(above) : 0
    if (missing > 0) {
      if (!dryRun) makePath(trustedTarget(above, rule), true)
      // rsync names the whole of it where nothing comes.
      made(isEmpty ? trimmed : above, missing)
    }
    const localName = byteName(trimmed.slice(trimmed.lastIndexOf('/') + 1))
    if (missing > 0 && dryRun) return isEmpty ? null : unmadePlace(above, localName)
    // The directory that was just made, by another name: `d/.`
    if (/^\.\.?$/.test(localName) && kindOfDestination(trimmed) === 'directory')
      return isEmpty
        ? null
        : { directory: realPath(trimmed), unmade: null, localName: null, isNew: false }
    const place = fileTarget(trimmed, localName, rule)
    return isEmpty ? null : place
  }
  const missing = missingIn(trimmed)
  if (!dryRun) makeTarget(trimmed, path, mkpath)
  if (mkpath) made(trimmed, missing)
  // A dry run of rsync's goes on as if nothing had been made, and would make it.
  if (!mkpath || dryRun) made(trimmed, null)
  if (dryRun) return unmadePlace(path, null)
  return { directory: realPath(path), unmade: null, localName: null, isNew: !mkpath }
}

function unmadePlace(path: string, localName: ByteName | null): TargetPlace {
  const unmade = fullPath(path.replace(/(.)\/+$/, '$1'))
  return { directory: realPath(existingAbove(path)), unmade, localName, isNew: true }
}
/** Where an option's directory is that is named as seen from the one that is written. In a dry run that may be none: then one `..` leads out of it by name. */
export function seenFrom({ directory, unmade }: TargetPlace, path: string): string {
  if (path.startsWith('/')) return path
  if (unmade === null) return `${directory === '/' ? '' : directory}/${path}`
  return path.startsWith('../')
    ? `${directoryOf(byteName(unmade))}/${path.slice(3)}`
    : `${unmade}/${path}`
}

/** What stands under the name itself is replaced, also where it is a link. */
function fileTarget(path: string, localName: ByteName, rule: PathRule): TargetPlace {
  const slash = path.lastIndexOf('/')
  const above = slash < 0 ? '.' : path.slice(0, slash) || '/'
  const directory = trustedTarget(above, rule)
  if (kindOfPath(directory) !== 'directory')
    throw new SelectionError(
      `change_dir "${fullPath(above)}" failed: No such file or directory (2)`,
    )
  return {
    directory: realPath(directory),
    unmade: null,
    localName,
    isNew: false,
  }
}

function makeTarget(named: string, path: string, parents: boolean): void {
  const isNowhere = named.endsWith('/.') && !parents
  if (isNowhere || isThere(named))
    throw cannotMake(named, isNowhere ? 'No such file or directory (2)' : FILE_EXISTS)
  makePath(path.replace(/(.)\/+$/, '$1'), parents)
}

/** --mkpath makes what is above first, which has other words, and another status, than a destination that cannot be. */
function refuseBelowFile(named: string, isAloneForReal: () => boolean): void {
  const trimmed = byteName(named.replace(/(.)\/+$/, '$1'))
  let above = trimmed
  while (above !== '/' && kindOfPath(above) === 'nothing') above = directoryAbove(above)
  if (above === trimmed || kindOfPath(above) !== 'other') return
  const isMade = above === directoryAbove(trimmed) && !named.endsWith('/') && isAloneForReal()
  throw cannotMake(named, isMade ? FILE_EXISTS : 'Not a directory (20)')
}
const FILE_EXISTS = 'File exists (17)'

export function kindOfOnly(
  only: { readonly stands: { readonly kind: FileKind } } | null,
): 'file' | 'directory' | null {
  if (only === null) return null
  return only.stands.kind === 'directory' ? 'directory' : 'file'
}

/** Where a path will stand, without links. */
export function standsAt(path: string): string {
  const trimmed = path.replace(/(.)\/+$/, '$1')
  const above = existingAbove(trimmed)
  const inner = above === '.' || !trimmed.startsWith(above) ? trimmed : trimmed.slice(above.length)
  const real = realPath(above === '.' ? workingDirectory() : above)
  return `${real === '/' ? '' : real}/${inner.replace(/^\/+/, '')}`.replace(/\/+$/, '')
}
export function isBelow(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory === '/' ? '/' : `${directory}/`)
}
/** Components of a path that are not there. */
function missingIn(path: string): number {
  let missing = 0
  for (let at = path; at !== '/' && kindOfPath(at) === 'nothing'; at = directoryAbove(byteName(at)))
    missing++
  return missing
}
/** What may not be looked at is told where it is opened. */
function isDirectory(path: string): boolean {
  try {
    return kindOfPath(path) === 'directory'
  } catch {
    return false
  }
}
/** The nearest directory above a path that stands, to open in a dry run that makes nothing. */
function existingAbove(path: string): string {
  for (let at = path; ; at = directoryAbove(byteName(at))) {
    if (at === '/' || isDirectory(at)) return at
    if (at === ROOT_NAME || !at.includes('/')) return '.'
  }
}
function directoryAbove(path: ByteName): ByteName {
  return directoryOf(path) || byteName('/')
}

/** The destination as it was named, without links that lead on, and wherever it is: a slash at its end still says that it is a directory. */
export function trustedTarget(path: string, { insecureLinks }: PathRule): string {
  try {
    const plain = operatorPaths({ insecureLinks, confineRoot: null })(path)
    return path.endsWith('/') && !plain.endsWith('/') ? `${plain}/` : plain
  } catch (error) {
    if (error instanceof FileError) throw new SelectionError(error.message, { cause: error })
    throw error
  }
}
