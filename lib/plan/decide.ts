/**
 * "Is this up to date?", asked by a pull, a volunteer and rsync's generator alike: a wanted entry beside what stands
 * there → what to do, and what differs. rsync(1): the quick check.
 */
import type { Entry } from '../flist/entry.js'
import { sizeOf } from '../flist/entry.js'
import type { Root } from '../hash/root.js'
import type { Standing } from '../host.js'

/** What differs between the entry and what stands; the letters of an itemized line. */
export type Changes = {
  /** Of a file without --checksum only where neither size nor time tells it: rsync(1) --itemize-changes. */
  readonly content: boolean
  readonly size: boolean
  readonly time: boolean
  readonly mode: boolean
  readonly owner: boolean
  readonly group: boolean
}

export type Decision =
  | { readonly kind: 'keep' }
  /** The bytes, the target, the kind are right; attributes are not. */
  | { readonly kind: 'touch'; readonly changes: Changes }
  /** Nothing stands there: make it. */
  | { readonly kind: 'create' }
  /** A file whose bytes differ, or a link or device that does. */
  | { readonly kind: 'update'; readonly changes: Changes }
  /** Something of another kind stands in the way. */
  | { readonly kind: 'replace'; readonly standing: Standing }

export type Wanted = {
  readonly entry: Entry
  /** Numbers on this machine; -1: whoever it is. */
  readonly uid: number
  readonly gid: number
}

export type Seen = {
  readonly standing: Standing
  /** What a symbolic link points to; null for other kinds. */
  readonly target: string | null
  /** The root of the bytes that stand there, where it is known from hashing them. */
  readonly root: Root | null
}

/**
 * @param checksum --checksum: size and time alone do not prove that the bytes are right; the root must be known
 * @param timeStepNs the finest step of the times that can be set here: what is below it is no difference
 */
export function decide(
  wanted: Wanted,
  seen: Seen | null,
  checksum = false,
  timeStepNs = 1n,
): Decision {
  if (seen === null) return { kind: 'create' }
  const { entry } = wanted
  const { standing } = seen
  if (standing.kind !== entry.kind) return { kind: 'replace', standing }
  const different = differs(entry, seen, checksum)
  const size = entry.kind === 'file' && standing.size !== sizeOf(entry)
  const time = standing.mtimeNs / timeStepNs !== entry.mtimeNs / timeStepNs
  const changes: Changes = {
    content: different && (entry.kind !== 'file' || checksum || !(size || time)),
    size,
    time,
    mode: entry.kind !== 'symlink' && standing.mode !== entry.mode,
    owner: wanted.uid !== -1 && standing.uid !== wanted.uid,
    group: wanted.gid !== -1 && standing.gid !== wanted.gid,
  }
  if (different) return { kind: 'update', changes }
  if (changes.time || changes.mode || changes.owner || changes.group)
    return { kind: 'touch', changes }
  return { kind: 'keep' }
}

function differs(entry: Entry, seen: Seen, checksum: boolean): boolean {
  const { standing } = seen
  switch (entry.kind) {
    case 'file':
      if (standing.size !== sizeOf(entry)) return true
      if (entry.content === null) return false
      if (seen.root !== null) return seen.root !== entry.content.root
      return checksum || !isSameTime(entry.mtimeNs, standing.mtimeNs)
    case 'symlink':
      return seen.target !== entry.target
    case 'character':
    case 'block':
      return standing.major !== entry.major || standing.minor !== entry.minor
    default:
      return false
  }
}

/**
 * As fine as what stands tells, whole seconds at most: a file system, or who made the mirror, may have lost the rest of a
 * time. rsync(1) compares whole seconds always, and takes a second edit within one for none.
 */
function isSameTime(wanted: bigint, standing: bigint): boolean {
  let step = 1n
  while (step < 1_000_000_000n && standing % (step * 10n) === 0n) step *= 10n
  return wanted / step === standing / step
}
