/**
 * What the index remembers of one directory: enough to see, by lstat alone, that nothing in it changed. One record a
 * directory, because 2.2 M records of a file each would cost more to open than the files. Fixed columns of 32-bit words
 * in this machine's order, so that `glance.ts` compares them with what the kernel says without decoding a name:
 * header · rows (offset of the name, then STAT words) · roots · links · kinds · names, each ended by a NUL.
 */
import type { ByteName } from '../base/byte-name.js'
import { type ContentId, ROOT_BYTES, type Root, rootOf } from '../hash/root.js'
import type { Standing } from '../host.js'

/** What tells a file that stayed from one that changed: any change of bytes, mode or owner changes the ctime. */
export type Stat = {
  readonly ino: bigint
  readonly size: number
  readonly mtimeNs: bigint
  readonly ctimeNs: bigint
}

/** One name as it stood when it was last looked at. */
export type Known = Stat & {
  readonly base: string
  readonly directory: boolean
  /** What is in it: for files that are not empty and were hashed or believed, and at a node the page of a directory. */
  readonly root: Root | null
  /** The root was computed from these bytes; false: believed because size and time match the snapshot. */
  readonly hashed: boolean
}

/** A directory in which all was as it should be: while nothing in it changes, it need not be looked at in full. */
export type Settled = {
  /** 16 bytes that name what it was looked at for: the options that say what "as it should be" means. */
  readonly under: string
  /** The directory itself: while it stays, the names in it do. */
  readonly self: Stat
  /** At a node the page that says what belongs in it; null: an empty one, or a centre, which has its own. */
  readonly page: Root | null
  /** At a node: entries of the page, files among those that belong here, and of these the believed ones. */
  readonly entries: number
  readonly files: number
  readonly unhashed: number
  /** Names stand in it that the page has not, or that a filter leaves out. */
  readonly extraneous: boolean
  /** Names of files that have others, by their group in the snapshot: indices into `known`. */
  readonly links: readonly { readonly group: number; readonly index: number }[]
}

export type DirectoryRecord = {
  /** At the centre the page that was built of it; null: none, or empty. */
  readonly page: ContentId | null
  /** The page describes `known`; false after a crash between hashing and building. */
  readonly built: boolean
  /** Files and their bytes in it and below, as published. */
  readonly files: number
  readonly bytes: number
  readonly settled: Settled | null
  /** In byte order. */
  readonly known: readonly Known[]
}

/** A directory and what the index says of it. */
export type NamedRecord = { readonly name: ByteName; readonly record: DirectoryRecord }

/** Still the file that was looked at? */
export function isSame(known: Stat, standing: Stat): boolean {
  return (
    known.size === standing.size &&
    known.ino === standing.ino &&
    known.mtimeNs === standing.mtimeNs &&
    known.ctimeNs === standing.ctimeNs
  )
}

/** Times are kept by a clock that ticks, at the slowest each 10 ms: a change in the tick of another leaves no trace. */
const TICK_NS = 50_000_000n

/** Can a later change of this not hide behind the time it has? */
export function isPast(standing: Stat, nowNs: bigint): boolean {
  return standing.ctimeNs < nowNs - TICK_NS
}

/** A name as it stands now. @param root what is known to be in it */
export function knownOf(standing: Standing, root: Root | null = null, hashed = false): Known {
  const { base, kind, ino, size, mtimeNs, ctimeNs } = standing
  return { base, directory: kind === 'directory', ino, size, mtimeNs, ctimeNs, root, hashed }
}

const VERSION = 2
const BUILT = 1
const HAS_PAGE = 2
const IS_SETTLED = 4
const EXTRANEOUS = 8
const HAS_SETTLED_PAGE = 16
const HAS_ROOT = 1
const IS_HASHED = 2
const IS_DIRECTORY = 4
const ROOT_WORDS = ROOT_BYTES / 4
const LINK_WORDS = 3
const UNDER_BYTES = 16

/** Words of a `Stat`: inode, size, ctime and mtime, each two but for the nanoseconds. */
export const STAT_WORDS = 10
/** Words of a row: where the name begins, then its `Stat`. */
export const ROW_WORDS = 1 + STAT_WORDS
/** Words of the header, which begins with the version. */
export const AT = {
  version: 0,
  flags: 1,
  count: 2,
  roots: 3,
  nameBytes: 4,
  links: 5,
  directories: 6,
  pageLength: 7,
  files: 8,
  bytes: 10,
  entries: 12,
  settledFiles: 13,
  unhashed: 14,
  under: 16,
  self: 20,
  pageRoot: 30,
  settledPage: 38,
  end: 46,
} as const

/** Where the columns of a record stand, in words but for the last two. */
export type Columns = {
  readonly rows: number
  readonly roots: number
  readonly links: number
  /** In bytes. */
  readonly kinds: number
  readonly names: number
  readonly end: number
}
function columnsOf(count: number, roots: number, links: number, nameBytes: number): Columns {
  const rootsAt = AT.end + count * ROW_WORDS
  const linksAt = rootsAt + roots * ROOT_WORDS
  const kinds = (linksAt + links * LINK_WORDS) * 4
  const names = kinds + count
  const end = Math.ceil((names + nameBytes) / 4) * 4
  return { rows: AT.end, roots: rootsAt, links: linksAt, kinds, names, end }
}

export function encodeDirectoryRecord(record: DirectoryRecord): Uint8Array {
  const { known, settled, page } = record
  const roots = known.reduce((n, k) => n + (k.root === null ? 0 : 1), 0)
  const nameBytes = known.reduce((n, k) => n + k.base.length + 1, 0)
  const links = settled?.links ?? []
  const at = columnsOf(known.length, roots, links.length, nameBytes)
  const bytes = Buffer.alloc(at.end)
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, at.end / 4)
  words[AT.version] = VERSION
  words[AT.flags] =
    (record.built ? BUILT : 0) |
    (page === null ? 0 : HAS_PAGE) |
    (settled === null ? 0 : IS_SETTLED) |
    (settled?.extraneous === true ? EXTRANEOUS : 0) |
    (typeof settled?.page === 'string' ? HAS_SETTLED_PAGE : 0)
  words[AT.count] = known.length
  words[AT.roots] = roots
  words[AT.nameBytes] = nameBytes
  words[AT.links] = links.length
  words[AT.directories] = known.reduce((n, k) => n + (k.directory ? 1 : 0), 0)
  putNumber(words, AT.files, record.files)
  putNumber(words, AT.bytes, record.bytes)
  if (page !== null) {
    words[AT.pageLength] = page.length
    bytes.write(page.root, AT.pageRoot * 4, 'latin1')
  }
  if (settled !== null) {
    words[AT.entries] = settled.entries
    words[AT.settledFiles] = settled.files
    words[AT.unhashed] = settled.unhashed
    bytes.write(settled.under, AT.under * 4, UNDER_BYTES, 'latin1')
    if (settled.page !== null) bytes.write(settled.page, AT.settledPage * 4, 'latin1')
    putStat(words, AT.self, settled.self)
  }
  let root = at.roots * 4
  let name = at.names
  for (const [i, k] of known.entries()) {
    const row = at.rows + i * ROW_WORDS
    words[row] = name
    putStat(words, row + 1, k)
    bytes[at.kinds + i] =
      (k.root === null ? 0 : HAS_ROOT) |
      (k.hashed ? IS_HASHED : 0) |
      (k.directory ? IS_DIRECTORY : 0)
    if (k.root !== null) root += bytes.write(k.root, root, 'latin1')
    name += bytes.write(k.base, name, 'latin1') + 1
  }
  for (const [i, { group, index }] of links.entries()) {
    putNumber(words, at.links + i * LINK_WORDS, group)
    words[at.links + i * LINK_WORDS + 2] = index
  }
  return bytes
}

/** Null for a record that another version wrote or a disk damaged: it is made again from the disk. */
export function decodeDirectoryRecord(from: Uint8Array): DirectoryRecord | null {
  const bytes = Buffer.from(Uint8Array.prototype.slice.call(from).buffer)
  const view = viewRecord(bytes)
  if (view === null) return null
  const { words, count } = view
  const flags = word(words, AT.flags)
  const known: Known[] = []
  let roots = 0
  for (let i = 0; i < count; i++) {
    const kind = bytes[view.at.kinds + i] ?? 0
    const base = baseAt(view, i)
    if (base === null) return null
    const root = (kind & HAS_ROOT) !== 0 ? rootAt(view, roots++) : null
    known.push({
      base,
      directory: (kind & IS_DIRECTORY) !== 0,
      ...takeStat(words, view.at.rows + i * ROW_WORDS + 1),
      root,
      hashed: (kind & IS_HASHED) !== 0,
    })
  }
  if (roots !== word(words, AT.roots)) return null
  return {
    page:
      (flags & HAS_PAGE) === 0
        ? null
        : { length: word(words, AT.pageLength), root: rootFrom(bytes, AT.pageRoot * 4) },
    built: (flags & BUILT) !== 0,
    files: takeNumber(words, AT.files),
    bytes: takeNumber(words, AT.bytes),
    settled: (flags & IS_SETTLED) === 0 ? null : takeSettled(view),
    known,
  }
}

// ---- looking into a record without decoding it ---------------------------------------------

export type RecordView = {
  readonly words: Uint32Array
  readonly bytes: Buffer
  readonly at: Columns
  readonly count: number
}

/** @param bytes aligned to words; only `length` of them are the record */
export function viewRecord(bytes: Buffer, length = bytes.length): RecordView | null {
  if (length < AT.end * 4 || length % 4 !== 0) return null
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, length / 4)
  if (word(words, AT.version) !== VERSION) return null
  const count = word(words, AT.count)
  const at = columnsOf(
    count,
    word(words, AT.roots),
    word(words, AT.links),
    word(words, AT.nameBytes),
  )
  return at.end === length ? { words, bytes, at, count } : null
}

/** What a settled directory must be to pass. */
export type SettledWish = {
  readonly under: string
  /** Only where no name stands that does not belong. */
  readonly tidy: boolean
  /** Only where all files were hashed. */
  readonly hashed: boolean
}

/** Settled as wished, so that its rows tell all? */
export function isSettled({ words, bytes }: RecordView, wish: SettledWish): boolean {
  const flags = word(words, AT.flags)
  const at = AT.under * 4
  return (
    (flags & (BUILT | IS_SETTLED)) === (BUILT | IS_SETTLED) &&
    !(wish.tidy && (flags & EXTRANEOUS) !== 0) &&
    !(wish.hashed && word(words, AT.unhashed) > 0) &&
    bytes.toString('latin1', at, at + UNDER_BYTES) === wish.under
  )
}

/** The page the directory was settled by. */
export function settledPage(view: RecordView): Root | null {
  const flags = word(view.words, AT.flags)
  return (flags & HAS_SETTLED_PAGE) === 0 ? null : rootFrom(view.bytes, AT.settledPage * 4)
}

export function takeSettled(view: RecordView): Settled {
  const { words, bytes, at } = view
  const links: { group: number; index: number }[] = []
  for (let i = 0; i < word(words, AT.links); i++) {
    const from = at.links + i * LINK_WORDS
    links.push({ group: takeNumber(words, from), index: word(words, from + 2) })
  }
  return {
    under: bytes.toString('latin1', AT.under * 4, AT.under * 4 + UNDER_BYTES),
    self: takeStat(words, AT.self),
    page: settledPage(view),
    entries: word(words, AT.entries),
    files: word(words, AT.settledFiles),
    unhashed: word(words, AT.unhashed),
    extraneous: (word(words, AT.flags) & EXTRANEOUS) !== 0,
    links,
  }
}

/** Directories in it, with the page each had. */
export function directoriesIn(view: RecordView): { base: string; page: Root | null }[] {
  const found: { base: string; page: Root | null }[] = []
  if (word(view.words, AT.directories) === 0) return found
  let roots = 0
  for (let i = 0; i < view.count; i++) {
    const kind = view.bytes[view.at.kinds + i] ?? 0
    const root = (kind & HAS_ROOT) !== 0 ? roots++ : -1
    if ((kind & IS_DIRECTORY) === 0) continue
    const base = baseAt(view, i)
    if (base !== null) found.push({ base, page: root < 0 ? null : rootAt(view, root) })
  }
  return found
}

/** Null in a damaged record. */
export function baseAt(view: RecordView, index: number): string | null {
  const start = word(view.words, view.at.rows + index * ROW_WORDS)
  if (start < view.at.names || start >= view.at.end) return null
  const end = view.bytes.indexOf(0, start)
  return end < 0 || end >= view.at.end ? null : view.bytes.toString('latin1', start, end)
}
function rootAt({ bytes, at }: RecordView, index: number): Root {
  return rootFrom(bytes, at.roots * 4 + index * ROOT_BYTES)
}
function rootFrom(bytes: Buffer, start: number): Root {
  return rootOf(bytes.subarray(start, start + ROOT_BYTES))
}

// ---- words -----------------------------------------------------------------------------------

function word(words: Uint32Array, at: number): number {
  return words[at] ?? 0
}
function putNumber(words: Uint32Array, at: number, value: number): void {
  words[at] = value
  words[at + 1] = Math.floor(value / 2 ** 32)
}
function takeNumber(words: Uint32Array, at: number): number {
  return word(words, at) + word(words, at + 1) * 2 ** 32
}
function putTime(words: Uint32Array, at: number, ns: bigint): void {
  const nanos = ((ns % BILLION) + BILLION) % BILLION
  const seconds = (ns - nanos) / BILLION
  words[at] = Number(BigInt.asUintN(32, seconds))
  words[at + 1] = Number(BigInt.asUintN(32, seconds >> 32n))
  words[at + 2] = Number(nanos)
}
function takeTime(words: Uint32Array, at: number): bigint {
  const high = BigInt(word(words, at + 1) | 0) << 32n
  return (high + BigInt(word(words, at))) * BILLION + BigInt(word(words, at + 2))
}
function putStat(words: Uint32Array, at: number, stat: Stat): void {
  words[at] = Number(BigInt.asUintN(32, stat.ino))
  words[at + 1] = Number(stat.ino >> 32n)
  putNumber(words, at + 2, stat.size)
  putTime(words, at + 4, stat.ctimeNs)
  putTime(words, at + 7, stat.mtimeNs)
}
function takeStat(words: Uint32Array, at: number): Stat {
  return {
    ino: (BigInt(word(words, at + 1)) << 32n) + BigInt(word(words, at)),
    size: takeNumber(words, at + 2),
    mtimeNs: takeTime(words, at + 7),
    ctimeNs: takeTime(words, at + 4),
  }
}
const BILLION = 1_000_000_000n
