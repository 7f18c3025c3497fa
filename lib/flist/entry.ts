/** One entry of a tree: what an `rsync -aH` mirror keeps of a file, a directory, a link or a special file. */
import type { ContentId } from '../hash/root.js'

/** Who owns an entry: the number, and the name where the number has one. */
export type Owner = { readonly id: number; readonly name: string | null }

/** A name and its value, both one char per byte; ACLs stand here as `system.posix_acl_access` and `…_default`. */
export type Xattr = { readonly name: string; readonly value: string }

type Common = {
  /** The last component of the name, one char per byte. */
  readonly base: string
  /** Permission bits with setuid, setgid and sticky: 12 bits. */
  readonly mode: number
  readonly mtimeNs: bigint
  readonly user: Owner
  readonly group: Owner
  /** Sorted by name; empty where none were asked for. */
  readonly xattrs: readonly Xattr[]
}

export type FileEntry = Common & {
  readonly kind: 'file'
  /** What is in it; null for an empty file. */
  readonly content: ContentId | null
  /** The sequence since which this name has had this content with this time. */
  readonly since: number
  /** Files of one group are one file under several names; 0: alone. */
  readonly linkGroup: number
  /** The published √size sums of the content, itself a content; null where there are none. */
  readonly sums: ContentId | null
  /** A recipe that assembles the content from others; a hint. */
  readonly recipe: ContentId | null
}
export type DirectoryEntry = Common & {
  readonly kind: 'directory'
  /** The page that lists it; null: empty. */
  readonly page: ContentId | null
}
export type SymlinkEntry = Common & { readonly kind: 'symlink'; readonly target: string }
export type DeviceEntry = Common & {
  readonly kind: 'character' | 'block'
  readonly major: number
  readonly minor: number
}
export type SpecialEntry = Common & { readonly kind: 'fifo' | 'socket' }

export type Entry = FileEntry | DirectoryEntry | SymlinkEntry | DeviceEntry | SpecialEntry

/** Bytes of the file an entry stands for; 0 for what is not a file. */
export function sizeOf(entry: Entry): number {
  return entry.kind === 'file' ? (entry.content?.length ?? 0) : 0
}

/**
 * Does a link with this target stay inside the tree? Judged by the text alone: absolute targets and those that climb above the
 * top lead out. @param depth components of the directory the link stands in; 0 for the top
 */
export function linkStaysInside(target: string, depth: number): boolean {
  if (target.startsWith('/') || target === '') return false
  let level = depth
  for (const part of target.split('/')) {
    if (part === '' || part === '.') continue
    level += part === '..' ? -1 : 1
    if (level < 0) return false
  }
  return true
}

/** The same for --safe-links: what climbs again after a name could do so through a link. rsync(1) SYMBOLIC LINKS. */
export function isSafeLink(target: string, depth: number): boolean {
  const climbsLate = /\/\.\.$/.test(target) || /\/\.\.\//.test(target.replace(/^(\.\.\/+)+/, ''))
  return !climbsLate && linkStaysInside(target, depth)
}
