/**
 * Entries of the sender's list as the receiver has them: sorted and numbered, with what the options make of them here.
 * prsync-protocol(7), sorting and indexes; rsync(1) --chmod, --munge-links, --iconv.
 */
import { type ByteName, ROOT_NAME } from '../base/byte-name.js'
import type { Chmod } from '../flist/chmod.js'
import { MUNGED } from '../flist/list-entry.js'
import type { WireEntry } from '../wire/file-entry.js'
import { sortList } from '../wire/list-order.js'
import type { AskedNames } from './asked-names.js'
import { REMOTE_TREE } from './remote-tree.js'
import type { Entry } from './request.js'

export type ReceivedEntry = Entry & { number: number; readonly isTop: boolean }

/** What of an entry cannot be here. */
export type Lost = 'name-lost' | 'target-lost'

/** What the receiver makes of entries. */
export type ListRule = {
  readonly chmod: Chmod | null
  readonly mungeLinks: boolean
  /** --prune-empty-dirs: those that stay; null: all do. */
  readonly keepsEmpty: ((name: ByteName) => boolean) | null
  /** --iconv: an entry as it is here, or what of it cannot be; null: all is as it came. */
  readonly convert: ((entry: WireEntry) => WireEntry | Lost) | null
  /** What may be in the list; null: whatever the sender has. */
  readonly asked: AskedNames | null
}

const ORIGIN = { tree: REMOTE_TREE, name: ROOT_NAME }

export function isDirectory({
  stands,
  isMissing,
}: Pick<WireEntry, 'stands' | 'isMissing'>): boolean {
  return stands.kind === 'directory' && !isMissing
}

/**
 * The entries of one list; null in the place of one that came twice.
 * @param start the number of the first @param lost it has no place here, and is left out
 */
export function receivedEntries(
  entries: WireEntry[],
  start: number,
  protocol: number,
  rule: ListRule,
  lost: (what: Lost, entry: WireEntry) => void,
): readonly (ReceivedEntry | null)[] {
  const { convert } = rule
  if (convert === null)
    return sortList(entries, protocol).map((entry, i) => entry && received(entry, start + i, rule))
  // The other side sorts by other names: numbers go by the order in which they came.
  const numbers = new Map<string, number>()
  const known = entries.flatMap((entry, i) => {
    const converted = convert(entry)
    if (typeof converted === 'string') {
      lost(converted, entry)
      return []
    }
    const key = keyOf(converted)
    if (!numbers.has(key)) numbers.set(key, start + i)
    return converted
  })
  return sortList(known, protocol).map(
    (entry) => entry && received(entry, numbers.get(keyOf(entry)) ?? start, rule),
  )
}

/** One name, of a directory or of what is none. */
function keyOf(entry: WireEntry): string {
  return `${isDirectory(entry) ? 'd' : 'f'}${entry.name}`
}

function received(
  entry: WireEntry,
  number: number,
  { chmod, mungeLinks, asked }: ListRule,
): ReceivedEntry {
  const { kind } = entry.stands
  asked?.check(entry.name, kind === 'directory')
  const isLink = kind === 'symlink'
  const mode = chmod === null || isLink ? entry.mode : chmod(entry.mode, kind === 'directory')
  const target = isLink && mungeLinks ? MUNGED + entry.target : entry.target
  const isBare = entry.isBare || (kind === 'directory' && asked?.holds(entry.name) === false)
  const isImplied = isBare && entry.isTop
  return Object.assign(entry, { origin: ORIGIN, number, mode, target, isBare, isImplied })
}
