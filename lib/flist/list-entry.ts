/** An entry of rsync's file list, as the sender sees it: what stands at the source, and its name in the transfer. */
import { type ByteName, compareNames } from '../base/byte-name.js'
import type { Standing } from '../host.js'

/** A file at the source: a tree and a name in it. */
export type Origin<Tree> = {
  readonly tree: Tree
  readonly name: ByteName
  /** It is a link, and what it leads to is meant. */
  readonly isFollowed?: boolean
}

export type ListEntry<Tree> = {
  /** Relative to the transfer. */
  readonly name: ByteName
  readonly stands: Standing
  /** Permission bits after `--chmod`. */
  readonly mode: number
  /** What a symbolic link points to; empty for other kinds. */
  readonly target: string
  readonly atimeNs: bigint
  readonly origin: Origin<Tree>
  /** Under which it shares its bytes with other names, with -H; null: it is alone. */
  readonly link: string | null
  /** A directory above a source that was named with -R, or whose contents are not sent. */
  readonly isBare: boolean
  /** It is not there, and is to go at the destination: --delete-missing-args. */
  readonly isMissing: boolean
}

export function isDirectory(entry: Pick<ListEntry<unknown>, 'stands'>): boolean {
  return entry.stands.kind === 'directory'
}

/** Order of what stands in one directory: what is no directory first; a directory's name ends in `/`. Protocol 29 and later. */
export function compareSiblings(
  a: { readonly base: string; readonly kind: string },
  b: { readonly base: string; readonly kind: string },
): number {
  const isPathA = a.kind === 'directory'
  const isPathB = b.kind === 'directory'
  if (isPathA !== isPathB) return isPathA ? 1 : -1
  return isPathA ? compareNames(`${a.base}/`, `${b.base}/`) : compareNames(a.base, b.base)
}
