/**
 * Which names a pull asked for, so that a sender cannot add others. A name has to be one that was named, below one (where
 * its contents were asked for), or a directory above one with -R; and none that our own rules exclude. rsync(1) --trust-sender; prsync-protocol(7), hostile peers.
 */
import { type ByteName, baseOf, ROOT_NAME } from '../base/byte-name.js'
import { UnsupportedError } from '../base/errors.js'
import { compileGlob } from '../flist/wildmatch.js'

type Excludes = (name: ByteName, isDirectory: boolean) => boolean
type Pattern = { readonly parts: readonly ((part: string) => boolean)[] }

export class AskedNames {
  readonly #patterns: readonly Pattern[]
  readonly #isAll: boolean
  readonly #isDeep: boolean
  readonly #excludes: Excludes

  /**
   * @param paths as they were asked for, of a daemon without its module @param isDeep what is in directories too
   * @param excludes our own rules
   */
  constructor(
    paths: readonly string[],
    isRelative: boolean,
    isDeep: boolean,
    excludes: Excludes = () => false,
  ) {
    this.#excludes = excludes
    const named = paths.map((path) => (isRelative ? relativeName(path) : plainName(path)))
    this.#isAll = named.includes(ROOT_NAME)
    this.#isDeep = isDeep
    this.#patterns = named.map((name) => ({ parts: name.split('/').map(partMatcher) }))
  }

  /** @throws {UnsupportedError} as rsync ends with 4 */
  check(name: ByteName, isDirectory: boolean): void {
    const why = !this.#isAsked(name, isDirectory)
      ? 'unrequested'
      : this.#excludes(name, isDirectory)
        ? 'excluded'
        : null
    if (why !== null)
      throw new UnsupportedError(`rejecting ${why} file-list name: ${name}; see --trust-sender`)
  }

  /**
   * Were the contents of this directory asked for? Of one that only leads there (with -R, or the top) they were not, whatever the
   * sender says: --delete would reach all that it holds. CVE-2026-53789.
   */
  holds(name: ByteName): boolean {
    if (this.#isAll) return true
    if (name === ROOT_NAME) return false
    const parts = name.split('/')
    return this.#patterns.some(
      (pattern) => pattern.parts.length <= parts.length && this.#fits(pattern, parts, true),
    )
  }

  #isAsked(name: ByteName, isDirectory: boolean): boolean {
    if (this.#isAll || name === ROOT_NAME) return true
    const parts = name.split('/')
    return this.#patterns.some((pattern) => this.#fits(pattern, parts, isDirectory))
  }

  #fits(pattern: Pattern, parts: readonly string[], isDirectory: boolean): boolean {
    const shared = Math.min(pattern.parts.length, parts.length)
    for (let i = 0; i < shared; i++) if (pattern.parts[i]?.(parts[i] ?? '') !== true) return false
    if (parts.length > pattern.parts.length) return this.#isDeep
    return parts.length === pattern.parts.length || isDirectory
  }
}

/** The remote side may expand wildcards; what a shell does more than that cannot be known here. */
function partMatcher(part: string): (part: string) => boolean {
  const plain = part.replace(/\\(.)/gs, '$1')
  if (!/[*?[]/.test(part)) return (text) => text === plain || text === part
  const glob = compileGlob(part)
  return (text) => text === plain || glob(text)
}

function plainName(path: string): string {
  if (path === '' || /(^|\/)\.{0,2}$/.test(path)) return ROOT_NAME
  return baseOf(path as ByteName)
}
function relativeName(path: string): string {
  const mark = path.lastIndexOf('/./')
  const sent = mark >= 0 ? path.slice(mark + 3) : path
  const parts = sent.split('/').filter((part) => part !== '' && part !== '.')
  return parts.length === 0 || sent.startsWith('~') ? ROOT_NAME : parts.join('/')
}
