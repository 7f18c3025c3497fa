/**
 * A page of a snapshot: the entries of one directory, or of a range of a large one, or the index of such ranges.
 * A page is a content: its pieces root names it, so what is decoded here is exactly what was signed.
 * Laid down in prsync-snapshot(5) PAGES. Strict: one encoding for one value.
 */
import { componentFault } from '../base/byte-name.js'
import { Cursor, Underflow, Writer } from '../base/bytes.js'
import { assertNever, WireError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import type { Entry, Owner } from '../flist/entry.js'
import type { ContentId } from '../hash/root.js'
import {
  ownerKey,
  ownersOf,
  putContent,
  putOptionalContent,
  putOwners,
  putText,
  putTime,
  putXattrs,
  takeContent,
  takeOptionalContent,
  takeOwners,
  takeText,
  takeTime,
  takeU32,
  takeXattrs,
} from './page-values.js'

/** The page of a range of a large directory, by the first name in it. */
export type PageRange = { readonly first: string; readonly page: ContentId }

export type Page =
  | { readonly kind: 'entries'; readonly entries: readonly Entry[] }
  | { readonly kind: 'index'; readonly ranges: readonly PageRange[] }

/** The name of the tree itself: the one entry of the page that a head names. */
export const TOP = '.'

const VERSION = 1
const KINDS = ['file', 'directory', 'symlink', 'character', 'block', 'fifo', 'socket'] as const
const KIND_MASK = 0x07
const HAS_LINK_GROUP = 0x08
const HAS_SUMS = 0x10
const HAS_RECIPE = 0x20
const HAS_XATTRS = 0x40
/** Mode, user and group are those of the entry before. */
const SAME_OWNER = 0x80

export function encodePage(page: Page): Uint8Array {
  const out = new Writer(4096)
  out.u8(VERSION)
  if (page.kind === 'index') {
    out.u8(1)
    out.varint(page.ranges.length)
    for (const range of page.ranges) {
      putText(out, range.first)
      putContent(out, range.page)
    }
  } else {
    out.u8(0)
    encodeEntries(out, page.entries)
  }
  return out.done().slice()
}

/** @throws {WireError} on anything that encodePage would not have written, and on names that leave the tree. */
export function decodePage(bytes: Uint8Array): Page {
  if (bytes.length > LIMITS.pageBytes) throw new WireError(`page of ${bytes.length} bytes`)
  const from = new Cursor(bytes)
  try {
    const version = from.u8()
    if (version !== VERSION) throw new WireError(`page of version ${version}`)
    const kind = from.u8()
    if (kind > 1) throw new WireError(`page of kind ${kind}`)
    const page: Page =
      kind === 1
        ? { kind: 'index', ranges: decodeRanges(from) }
        : { kind: 'entries', entries: decodeEntries(from) }
    if (from.left > 0) throw new WireError(`page with ${from.left} bytes too many`)
    return page
  } catch (error) {
    if (error instanceof Underflow) throw new WireError('page ends too early', { cause: error })
    throw error
  }
}

// ---- for who looks for one entry (page-search.ts) -------------------------------------------

export const FLAGS = {
  kind: KIND_MASK,
  linkGroup: HAS_LINK_GROUP,
  sums: HAS_SUMS,
  recipe: HAS_RECIPE,
  xattrs: HAS_XATTRS,
  sameOwner: SAME_OWNER,
} as const
/** Numbers that no owner has are undefined. */
export type Owned = {
  readonly mode: number
  readonly user: Owner | undefined
  readonly group: Owner | undefined
}

export function isIndex(bytes: Uint8Array): boolean {
  return bytes[1] === 1
}
/** @param from at the start of a page of entries; then at the first of them */
export function entriesStart(from: Cursor): { users: Owner[]; groups: Owner[]; count: number } {
  if (from.u8() !== VERSION || from.u8() !== 0) throw new WireError('not a page of entries')
  return { users: takeOwners(from), groups: takeOwners(from), count: from.varint() }
}
/** @param from after flags and owner */
export function takeEntryBody(
  from: Cursor,
  flags: number,
  base: string,
  owned: Owned | null,
): Entry {
  if (owned?.user === undefined || owned.group === undefined)
    throw new WireError('page: owner nobody has')
  const { mode, user, group } = owned
  const mtimeNs = takeTime(from)
  const entry = takeBody(from, flags, { base, mode, mtimeNs, user, group, xattrs: [] })
  return flags & HAS_XATTRS ? { ...entry, xattrs: takeXattrs(from) } : entry
}

// ---- entries -------------------------------------------------------------------------------

function encodeEntries(out: Writer, entries: readonly Entry[]): void {
  const users = ownersOf(entries.map((e) => e.user))
  const groups = ownersOf(entries.map((e) => e.group))
  putOwners(out, users.list)
  putOwners(out, groups.list)
  out.varint(entries.length)
  let before: Entry | null = null
  for (const entry of entries) {
    const shared = before === null ? 0 : sharedPrefix(before.base, entry.base)
    out.u8(shared)
    putText(out, entry.base.slice(shared))
    const same: boolean = before !== null && sameOwner(before, entry)
    out.u8(flagsOf(entry) | (same ? SAME_OWNER : 0))
    if (!same) {
      out.u16be(entry.mode)
      out.varint(users.index.get(ownerKey(entry.user)) ?? 0)
      out.varint(groups.index.get(ownerKey(entry.group)) ?? 0)
    }
    putTime(out, entry.mtimeNs)
    putBody(out, entry)
    if (entry.xattrs.length > 0) putXattrs(out, entry.xattrs)
    before = entry
  }
}

function decodeEntries(from: Cursor): Entry[] {
  const users = takeOwners(from)
  const groups = takeOwners(from)
  const count = from.varint()
  if (count === 0) throw new WireError('page of no entries')
  const entries: Entry[] = []
  let before: Entry | null = null
  let usersSeen = 0
  let groupsSeen = 0
  for (let i = 0; i < count; i++) {
    const base = takeBase(from, before?.base ?? null, count === 1)
    const flags = from.u8()
    let mode: number
    let user: Owner
    let group: Owner
    if (flags & SAME_OWNER) {
      if (before === null) throw new WireError('page: first entry without an owner')
      ;({ mode, user, group } = before)
    } else {
      mode = from.u16be()
      if (mode > 0o7777) throw new WireError(`page: mode ${mode.toString(8)}`)
      const userIndex = from.varint()
      const groupIndex = from.varint()
      // Owners are listed in the order of their first use, so that there is one encoding only.
      if (userIndex > usersSeen || groupIndex > groupsSeen)
        throw new WireError('page: owner out of order')
      user = at(users, userIndex)
      group = at(groups, groupIndex)
      if (userIndex === usersSeen) usersSeen++
      if (groupIndex === groupsSeen) groupsSeen++
    }
    const mtimeNs = takeTime(from)
    const entry: Entry = takeBody(from, flags, { base, mode, mtimeNs, user, group, xattrs: [] })
    if (base === TOP && entry.kind !== 'directory')
      throw new WireError('page: the top is no directory')
    const whole: Entry = flags & HAS_XATTRS ? { ...entry, xattrs: takeXattrs(from) } : entry
    if (before !== null && !(flags & SAME_OWNER) && sameOwner(before, whole))
      throw new WireError('page: owner repeated')
    entries.push(whole)
    before = whole
  }
  if (usersSeen !== users.length || groupsSeen !== groups.length)
    throw new WireError('page: owner nobody has')
  return entries
}

function flagsOf(entry: Entry): number {
  const file = entry.kind === 'file'
  return (
    KINDS.indexOf(entry.kind) |
    (file && entry.linkGroup > 0 ? HAS_LINK_GROUP : 0) |
    (file && entry.sums !== null ? HAS_SUMS : 0) |
    (file && entry.recipe !== null ? HAS_RECIPE : 0) |
    (entry.xattrs.length > 0 ? HAS_XATTRS : 0)
  )
}

function putBody(out: Writer, entry: Entry): void {
  switch (entry.kind) {
    case 'file':
      putOptionalContent(out, entry.content)
      out.varint(entry.since)
      if (entry.linkGroup > 0) out.varint(entry.linkGroup)
      if (entry.sums !== null) putContent(out, entry.sums)
      if (entry.recipe !== null) putContent(out, entry.recipe)
      return
    case 'directory':
      putOptionalContent(out, entry.page)
      return
    case 'symlink':
      putText(out, entry.target)
      return
    case 'character':
    case 'block':
      out.varint(entry.major)
      out.varint(entry.minor)
      return
    case 'fifo':
    case 'socket':
      return
    default:
      assertNever(entry)
  }
}

type Shared = Pick<Entry, 'base' | 'mode' | 'mtimeNs' | 'user' | 'group' | 'xattrs'>

function takeBody(from: Cursor, flags: number, shared: Shared): Entry {
  // Spelled out: spreading an object costs more here than all the rest of an entry.
  const { base, mode, mtimeNs, user, group, xattrs } = shared
  const kind = KINDS[flags & KIND_MASK]
  if (kind === undefined) throw new WireError(`page: entry of kind ${flags & KIND_MASK}`)
  if (kind !== 'file' && flags & (HAS_LINK_GROUP | HAS_SUMS | HAS_RECIPE))
    throw new WireError(`page: ${kind} with the flags of a file`)
  switch (kind) {
    case 'file': {
      const content = takeOptionalContent(from, LIMITS.contentBytes)
      const since = from.varint()
      const linkGroup = flags & HAS_LINK_GROUP ? from.varint() : 0
      if (flags & HAS_LINK_GROUP && linkGroup === 0) throw new WireError('page: link group 0')
      const sums = flags & HAS_SUMS ? takeContent(from, LIMITS.contentBytes) : null
      const recipe = flags & HAS_RECIPE ? takeContent(from, LIMITS.contentBytes) : null
      return {
        base,
        mode,
        mtimeNs,
        user,
        group,
        xattrs,
        kind,
        content,
        since,
        linkGroup,
        sums,
        recipe,
      }
    }
    case 'directory':
      return {
        base,
        mode,
        mtimeNs,
        user,
        group,
        xattrs,
        kind,
        page: takeOptionalContent(from, LIMITS.pageBytes),
      }
    case 'symlink': {
      const target = takeText(from, LIMITS.linkTargetBytes)
      if (target === '' || target.includes('\0')) throw new WireError('page: link to nothing')
      return { base, mode, mtimeNs, user, group, xattrs, kind, target }
    }
    case 'character':
    case 'block':
      return {
        base,
        mode,
        mtimeNs,
        user,
        group,
        xattrs,
        kind,
        major: takeU32(from),
        minor: takeU32(from),
      }
    case 'fifo':
    case 'socket':
      return { base, mode, mtimeNs, user, group, xattrs, kind }
    default:
      return assertNever(kind)
  }
}

function takeBase(from: Cursor, before: string | null, alone: boolean): string {
  const shared = from.u8()
  if (shared > (before?.length ?? 0))
    throw new WireError('page: prefix longer than the name before')
  const base = (before ?? '').slice(0, shared) + takeText(from, LIMITS.componentBytes)
  const fault = base === TOP && alone ? null : componentFault(base)
  if (fault !== null) throw new WireError(`page: ${fault}`)
  if (before !== null && (base <= before || shared !== sharedPrefix(before, base)))
    throw new WireError('page: names out of order')
  return base
}

function sharedPrefix(a: string, b: string): number {
  const most = Math.min(a.length, b.length, 255)
  let n = 0
  while (n < most && a.charCodeAt(n) === b.charCodeAt(n)) n++
  return n
}

function sameOwner(a: Entry, b: Entry): boolean {
  return (
    a.mode === b.mode &&
    a.user.id === b.user.id &&
    a.group.id === b.group.id &&
    a.user.name === b.user.name &&
    a.group.name === b.group.name
  )
}

function at(owners: readonly Owner[], index: number): Owner {
  const owner = owners[index]
  if (owner === undefined) throw new WireError(`page: owner ${index} of ${owners.length}`)
  return owner
}

// ---- the index of ranges -----------------------------------------------------------------

function decodeRanges(from: Cursor): PageRange[] {
  const count = from.varint()
  const ranges: PageRange[] = []
  for (let i = 0; i < count; i++) {
    const first = takeText(from, LIMITS.componentBytes)
    const fault = componentFault(first)
    if (fault !== null) throw new WireError(`page: ${fault}`)
    const before = ranges[i - 1]
    if (before !== undefined && first <= before.first)
      throw new WireError('page: ranges out of order')
    ranges.push({ first, page: takeContent(from, LIMITS.pageBytes) })
  }
  if (count < 2) throw new WireError('page: an index of one range')
  return ranges
}
