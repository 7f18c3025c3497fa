/** Where a transfer goes: what the destination's path means for what comes. rsync(1); nothing is written but what has to be made. */
import { type ByteName, baseOf, byteName, directoryOf, ROOT_NAME } from '../base/byte-name.js'
import { FileError, SelectionError } from '../base/errors.js'
import { kindOfPath, makePath, operatorPaths, type PathRule, realPath } from '../io/operator.js'

export type TargetPlace = {
  /** The directory that is written. */
  readonly directory: string
  /** The only source goes under this name. */
  readonly localName: ByteName | null
  /** Nothing stands there. */
  readonly isNew: boolean
}

export type TargetRule = { readonly mkpath: boolean; readonly dryRun: boolean }
/** What comes. */
export type Coming = {
  readonly isEmpty: boolean
  /** It is a single entry that is no directory. */
  readonly isOneFile: boolean
}

/**
 * Null: nothing comes. @param made a directory was made, so many in all
 * @throws {SelectionError} where what comes cannot go there
 */
export function targetPlace(
  path: string,
  { isEmpty, isOneFile }: Coming,
  { mkpath, dryRun }: TargetRule,
  made: (path: string, directories: number) => void,
): TargetPlace | null {
  const kind = kindOfPath(path)
  const trimmed = path.replace(/(.)\/+$/, '$1')
  if (isEmpty && !path.endsWith('/')) {
    if (kind === 'nothing') fileTarget(trimmed)
    return null
  }
  if (kind === 'directory') return { directory: realPath(path), localName: null, isNew: false }
  if (kind === 'other') {
    if (!isOneFile)
      throw new SelectionError('destination must be a directory when copying more than 1 file')
    return fileTarget(trimmed)
  }
  if (isOneFile && !path.endsWith('/')) {
    const directory = directoryOf(byteName(trimmed))
    if (mkpath && !dryRun && directory !== '') makePath(directory, true)
    return fileTarget(trimmed)
  }
  const missing = missingIn(trimmed)
  if (!dryRun) makePath(trimmed, mkpath)
  made(trimmed, missing)
  if (dryRun) return { directory: realPath(existingAbove(trimmed)), localName: null, isNew: true }
  return { directory: realPath(trimmed), localName: null, isNew: !mkpath }
}

function fileTarget(path: string): TargetPlace {
  const name = byteName(path.replace(/^\/+(?=[^/]*$)/, ''))
  const directory = directoryOf(byteName(path))
  if (directory !== '' && kindOfPath(directory) !== 'directory')
    throw new SelectionError(`change_dir "${directory}" failed: No such file or directory (2)`)
  return {
    directory: path.startsWith('/') && directory === '' ? '/' : realPath(directory),
    localName: byteName(baseOf(name)),
    isNew: false,
  }
}

/** Where a path will stand, without links. */
export function standsAt(path: string): string {
  const trimmed = path.replace(/(.)\/+$/, '$1')
  const above = existingAbove(trimmed)
  const inner = above === '.' || !trimmed.startsWith(above) ? trimmed : trimmed.slice(above.length)
  const real = realPath(above === '.' ? process.cwd() : above)
  return `${real === '/' ? '' : real}/${inner.replace(/^\/+/, '')}`.replace(/\/+$/, '')
}
export function isBelow(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory === '/' ? '/' : `${directory}/`)
}
/** Components of a path that are not there. */
function missingIn(path: string): number {
  let missing = 0
  for (let at = path; kindOfPath(at) === 'nothing'; at = directoryOf(byteName(at))) missing++
  return missing
}
/** The nearest directory above a path that stands, to open in a dry run that makes nothing. */
function existingAbove(path: string): string {
  for (let at = path; ; at = directoryOf(byteName(at))) {
    if (kindOfPath(at) === 'directory') return at
    if (at === ROOT_NAME || !at.includes('/')) return '.'
  }
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
