/** What the paths of a command line mean: where each source stands and how it is named, and where it all goes. rsync(1). */
import { type ByteName, baseOf, byteName, ROOT_NAME } from '../base/byte-name.js'
import { UsageError } from '../base/errors.js'

/** A source: a directory that is opened, and the name in it, which may differ from the name in the transfer. */
export type SourcePlace = {
  /** The directory that is opened; with -R what stands before `/./`. */
  readonly base: string
  /** Below it. */
  readonly path: ByteName
  /** In the transfer. */
  readonly name: ByteName
  /** `dir/`: what is in it, without its name. */
  readonly wholly: boolean
  /** `./name` with -R: what `.` is, is sent too. */
  readonly namesTop: boolean
}

/** Where names without a directory are; `./name` has one. */
const HERE = './'

/** @param path one char per byte @throws {UsageError} on `..` in what -R would send */
export function sourcePlace(path: string, relative: boolean): SourcePlace {
  if (path === '') throw new UsageError('Empty source arg specified.')
  return relative ? relativePlace(path) : plainPlace(path)
}

function plainPlace(path: string): SourcePlace {
  const trimmed = path.replace(/\/+$/, '')
  const last = trimmed.slice(trimmed.lastIndexOf('/') + 1)
  if (trimmed === '' || path.endsWith('/') || last === '.' || last === '..')
    return {
      // As a name in it says it: sources of one directory are known by that, as rsync knows them.
      base: /^\.\/?$/.test(path) ? HERE : path.replace(/(?!^)\/\.?$/, ''),
      ...{ path: ROOT_NAME, name: ROOT_NAME, wholly: true, namesTop: false },
    }
  const slash = trimmed.lastIndexOf('/')
  const base = slash < 0 ? HERE : slash === 0 ? '/' : trimmed.slice(0, slash)
  return { base, path: byteName(last), name: byteName(last), wholly: false, namesTop: false }
}

function relativePlace(path: string): SourcePlace {
  const mark = path.indexOf('/./')
  const base = mark > 0 ? path.slice(0, mark) : path.startsWith('/') ? '/' : '.'
  const sent = sentOf(path)
  const parts = sent.split('/').filter((part) => part !== '' && part !== '.')
  if (parts.includes('..')) throw new UsageError(`found ".." dir in relative path: ${sent}`)
  const wholly = sent === '' || /(^|\/)\.?$/.test(sent)
  const name = parts.length === 0 ? ROOT_NAME : byteName(parts.join('/'))
  return { base, path: name, name, wholly, namesTop: namesTopOf(sent) }
}

/** A name of --files-from, which never leads out of its directory: `..` goes no higher. */
export function listedPlace(base: string, line: string, relative: boolean): SourcePlace {
  const namesTop = relative && namesTopOf(sentOf(line.replace(/^\/+/, '')))
  const text = line.replace(/^(\.?\/+)+/, '')
  const mark = relative ? text.indexOf('/./') : -1
  const sent = relative ? sentOf(text) : text
  const wholly = /(^|\/)\.{0,2}$/.test(sent)
  const path = byteName(collapsed(sent) || ROOT_NAME)
  if (!relative && wholly)
    return { base: `${base}/${path}`, path: ROOT_NAME, name: ROOT_NAME, wholly, namesTop }
  if (!relative) return { base, path, name: byteName(baseOf(path)), wholly, namesTop }
  const above = mark < 0 ? base : `${base}/${collapsed(text.slice(0, mark))}`
  return { base: above, path, name: path, wholly, namesTop }
}
/** What -R sends of a path. */
function sentOf(path: string): string {
  const mark = path.indexOf('/./')
  return mark < 0 ? path : path.slice(mark + 3)
}
function namesTopOf(sent: string): boolean {
  return sent.startsWith('./') && collapsed(sent) !== ''
}
function collapsed(path: string): string {
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return parts.join('/')
}

/** Names of --files-from: each a source below one directory. Lines that are empty or begin with `#` or `;` are none. */
export function namesOf(text: string, nul: boolean): readonly string[] {
  // What stands behind a NUL in a line is lost, as rsync has it.
  const lines = nul
    ? text.split('\0')
    : text.split(/[\n\r]/).map((line) => line.split('\0', 1)[0] ?? '')
  return lines.filter((line) => line !== '' && (nul || !/^[#;]/.test(line)))
}
