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
  /** It stands above a source that was named with -R, and only that is why it is here. */
  readonly isImplied: boolean
  /** It is not there, and is to go at the destination: --delete-missing-args. */
  readonly isMissing: boolean
  /** From another machine: its number in the lists; of a directory whose list comes apart, the one before that. */
  number?: number
  /** Its sum as the sender has it, with -c. */
  readonly sum?: Uint8Array | null
  /** Extended attributes as the sender told them; where there are none here, the origin has them. */
  xattrs?: readonly WantedXattr[]
}

/** An extended attribute of the sender. A long value is fetched when it is wanted. */
export type WantedXattr = {
  readonly name: string
  /** Null: not here yet. Entries with the same attributes share them, and what comes for one is there for all. */
  value: string | null
  /** It was asked for, which a sender allows once. */
  isAsked?: boolean
  readonly length: number
  /** MD5 of a value that is not here, one char per byte. */
  readonly digest: string
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

/** What stands before a link's target makes of it nothing that leads anywhere. rsync(1) --munge-links. */
export const MUNGED = '/rsyncd-munged/'
