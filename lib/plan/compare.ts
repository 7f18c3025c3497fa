/** An entry of a file list beside what stands at the receiver: is it up to date, what differs, which mode does it get? Pure. */
import type { ListEntry } from '../flist/list-entry.js'
import type { FileKind, Standing } from '../host.js'
import type { Options } from '../options/options.js'
import { ITEM } from './iflags.js'

type Wanted = Pick<ListEntry<unknown>, 'stands' | 'mode' | 'target' | 'atimeNs'>

/** What is kept, of the options, and of what this user may do. */
export type Keeping = Pick<
  Options,
  | 'perms'
  | 'executability'
  | 'times'
  | 'omitDirTimes'
  | 'omitLinkTimes'
  | 'atimes'
  | 'modifyWindow'
  | 'sizeOnly'
  | 'ignoreTimes'
> & {
  readonly umask: number
  /** Times come without what is less than a second: protocols before 31. */
  readonly wholeSeconds: boolean
  /** Owners may be given away. */
  readonly owner: boolean
  readonly group: boolean
}

/** Who owns an entry at the receiver; null: whoever makes it. */
export type Ids = { readonly uid: number | null; readonly gid: number | null }

const SECOND = 1_000_000_000n

/** Whole seconds, or within a window of them, or to the nanosecond. rsync(1) --modify-window. */
export function isSameTime(a: bigint, b: bigint, window: number): boolean {
  if (window < 0) return a === b
  const apart = secondsOf(a) - secondsOf(b)
  return apart <= BigInt(window) && -apart <= BigInt(window)
}
/** Does -u leave a file of time `a` where `b` comes? By whole seconds, and as rsync 3.5.0 counts: a window takes in
 * what is as new, or older by less than it; below nothing, as for nanoseconds, it asks for so many seconds more. */
export function isKeptAsNewer(a: bigint, b: bigint, window: number): boolean {
  return secondsOf(a) + BigInt(window) > secondsOf(b)
}
function secondsOf(ns: bigint): bigint {
  return ns >= 0n ? ns / SECOND : -((-ns + SECOND - 1n) / SECOND)
}

export function isTimeKept(kind: FileKind, keeping: Keeping): boolean {
  if (!keeping.times) return false
  if (kind === 'directory') return !keeping.omitDirTimes
  return kind !== 'symlink' || !keeping.omitLinkTimes
}

/** The quick check of a file; null: only its sum can tell. */
export function passesQuickCheck(
  wanted: Wanted,
  seen: Standing,
  keeping: Keeping,
  checksum: boolean,
): boolean | null {
  if (seen.size !== wanted.stands.size) return false
  if (checksum) return null
  if (keeping.sizeOnly) return true
  if (keeping.ignoreTimes) return false
  return isSameTime(seen.mtimeNs, wanted.stands.mtimeNs, keeping.modifyWindow)
}

/** The mode that an entry gets. @param seen what it replaces, of the same kind */
export function modeFor(wanted: Wanted, seen: Standing | null, keeping: Keeping): number {
  if (keeping.perms) return wanted.mode
  if (seen === null) return wanted.mode & 0o777 & ~keeping.umask
  if (!keeping.executability || wanted.stands.kind !== 'file') return seen.mode
  if ((wanted.mode & 0o111) === 0) return seen.mode & ~0o111
  return (seen.mode & 0o111) === 0 ? seen.mode | ((seen.mode & 0o444) >> 2) : seen.mode
}

/** The bits for what differs, but for bytes, ACLs and extended attributes. @param isTransfer its bytes will come */
export function differences(
  wanted: Wanted,
  seen: Standing,
  seenAtimeNs: bigint | null,
  ids: Ids,
  keeping: Keeping,
  isTransfer: boolean,
): number {
  const { kind } = wanted.stands
  let flags = 0
  if (kind === 'file' && seen.size !== wanted.stands.size) flags |= ITEM.size
  if (isTimeKept(kind, keeping)) {
    if (!isSameTime(seen.mtimeNs, wanted.stands.mtimeNs, keeping.modifyWindow)) flags |= ITEM.time
  } else if (isTransfer && kind !== 'directory') flags |= ITEM.time
  const isLink = kind === 'symlink' && seen.kind === 'symlink'
  if (!isLink && modeFor(wanted, seen, keeping) !== seen.mode) flags |= ITEM.perms
  if (ids.uid !== null && ids.uid !== seen.uid) flags |= ITEM.owner
  if (ids.gid !== null && ids.gid !== seen.gid) flags |= ITEM.group
  if (
    seenAtimeNs !== null &&
    kind !== 'directory' &&
    kind !== 'symlink' &&
    !isSameTime(seenAtimeNs, wanted.atimeNs, keeping.modifyWindow)
  )
    flags |= ITEM.atime
  return flags
}
