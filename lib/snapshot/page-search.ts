/**
 * One entry of a page by its name, without decoding the others: forty times as fast as `decodePage` for pages of a hundred. For pages
 * of our own index, which were checked when they were made: of the entries that are passed over nothing is.
 */
import { Cursor } from '../base/bytes.js'
import { WireError } from '../base/errors.js'
import type { Entry } from '../flist/entry.js'
import { entriesStart, FLAGS, isIndex, type Owned, takeEntryBody } from './page.js'

const ROOT_BYTES = 32
/** More is not told, though there may be. */
const MOST_SHARED = 255

/** Null: no entry has the name, or the page is an index. @param base one char per byte */
export function searchPage(bytes: Uint8Array, base: string): Entry | null {
  if (isIndex(bytes)) return null
  const from = new Cursor(bytes)
  const { users, groups, count } = entriesStart(from)
  let owned: Owned | null = null
  /** So many chars of the name are those of the entry passed last, which comes before it. */
  let matched = 0
  for (let i = 0; i < count; i++) {
    const shared = from.u8()
    const length = from.varint()
    const at = from.take(length)
    if (shared === MOST_SHARED) matched = Math.min(matched, MOST_SHARED)
    // the entry before differs from the name at `matched`: with more in common this one does too, with less it is past it
    if (shared < matched) return null
    let isIt = false
    if (shared === matched) {
      let same = 0
      while (same < length && bytes[at + same] === base.charCodeAt(matched + same)) same++
      if (same < length && (bytes[at + same] ?? 0) > (base.charCodeAt(matched + same) || 0))
        return null
      matched += same
      isIt = same === length && matched === base.length
    }
    const flags = from.u8()
    if (!(flags & FLAGS.sameOwner)) {
      const mode = from.u16be()
      owned = { mode, user: users[from.varint()], group: groups[from.varint()] }
    }
    if (isIt) return takeEntryBody(from, flags, base, owned)
    skipBody(from, flags)
  }
  return null
}

function skipBody(from: Cursor, flags: number): void {
  from.varint()
  from.varint()
  const kind = flags & FLAGS.kind
  if (kind <= 1) skipContent(from)
  if (kind === 0) {
    from.varint()
    if (flags & FLAGS.linkGroup) from.varint()
    if (flags & FLAGS.sums) skipContent(from)
    if (flags & FLAGS.recipe) skipContent(from)
  } else if (kind === 2) {
    from.take(from.varint())
  } else if (kind === 3 || kind === 4) {
    from.varint()
    from.varint()
  } else if (kind === 7) {
    throw new WireError('page: entry of kind 7')
  }
  if (!(flags & FLAGS.xattrs)) return
  for (let left = 2 * from.varint(); left > 0; left--) from.take(from.varint())
}

function skipContent(from: Cursor): void {
  if (from.varint() > 0) from.take(ROOT_BYTES)
}
