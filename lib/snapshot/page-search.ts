/**
 * One entry of a page by its name, without decoding the others: forty times as fast as `decodePage` for pages of a hundred. For pages
 * of our own index, which were checked when they were made: of the entries that are passed over nothing is.
 */
import { Cursor } from '../base/bytes.js'
import { WireError } from '../base/errors.js'
import type { Entry } from '../flist/entry.js'
import { entriesStart, FLAGS, isIndex, takeEntryBody } from './page.js'

const ROOT_BYTES = 32
const MODE_BYTES = 2
/** More is not told, though there may be. */
const MOST_SHARED = 255

/** Null: no entry has the name, or the page is an index. @param base one char per byte */
export function searchPage(bytes: Uint8Array, base: string): Entry | null {
  if (isIndex(bytes)) return null
  const from = new Cursor(bytes)
  const { users, groups, count } = entriesStart(from)
  let at = from.pos
  /** Where the mode and the owner stand that the entry has. */
  let ownerAt = 0
  /** So many chars of the name are those of the entry passed last, which comes before it. */
  let matched = 0
  for (let i = 0; i < count; i++) {
    if (at >= bytes.length) throw new WireError('page ends too early')
    const shared = bytes[at++] ?? 0
    // a component has at most 255 bytes: two bytes tell its length
    let length = bytes[at++] ?? 0
    if (length >= 0x80) length += ((bytes[at++] ?? 0) - 1) * 0x80
    // the entry before differs from the name at `matched`: with more in common this one does too, with less it is past it
    if (shared === MOST_SHARED) matched = Math.min(matched, MOST_SHARED)
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
    at += length
    const flags = bytes[at++] ?? 0
    if (!(flags & FLAGS.sameOwner)) {
      ownerAt = at
      at = afterNumber(bytes, afterNumber(bytes, at + MODE_BYTES))
    }
    if (!isIt) at = afterBody(bytes, at, flags)
    else {
      from.pos = ownerAt
      const mode = from.u16be()
      const owned = { mode, user: users[from.varint()], group: groups[from.varint()] }
      from.pos = at
      return takeEntryBody(from, flags, base, owned)
    }
  }
  return null
}

/** Past the time and all that an entry has for its kind. Where bytes end too early it ends somewhere behind them. */
function afterBody(bytes: Uint8Array, from: number, flags: number): number {
  let at = afterNumber(bytes, afterNumber(bytes, from))
  const kind = flags & FLAGS.kind
  if (kind <= 1) at = afterContent(bytes, at)
  if (kind === 0) {
    at = afterNumber(bytes, at)
    if (flags & FLAGS.linkGroup) at = afterNumber(bytes, at)
    if (flags & FLAGS.sums) at = afterContent(bytes, at)
    if (flags & FLAGS.recipe) at = afterContent(bytes, at)
  } else if (kind === 2) {
    at = afterText(bytes, at)
  } else if (kind === 3 || kind === 4) {
    at = afterNumber(bytes, afterNumber(bytes, at))
  } else if (kind === 7) {
    throw new WireError('page: entry of kind 7')
  }
  if (!(flags & FLAGS.xattrs)) return at
  const count = new Cursor(bytes.subarray(at))
  let left = 2 * count.varint()
  at += count.pos
  for (; left > 0 && at < bytes.length; left--) at = afterText(bytes, at)
  return at
}

function afterNumber(bytes: Uint8Array, from: number): number {
  let at = from
  while ((bytes[at] ?? 0) >= 0x80) at++
  return at + 1
}
function afterContent(bytes: Uint8Array, from: number): number {
  return bytes[from] === 0 ? from + 1 : afterNumber(bytes, from) + ROOT_BYTES
}
function afterText(bytes: Uint8Array, from: number): number {
  const text = new Cursor(bytes.subarray(from))
  return from + text.varint() + text.pos
}
