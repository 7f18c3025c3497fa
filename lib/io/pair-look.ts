/**
 * Is a directory as another one is, and which of its files are, if it is not? Names go to the kernel from where it wrote them,
 * and its two answers are compared word by word: no string, no object, two statx(2) a file.
 */
import { constants } from 'node:fs'
import { type ByteName, joinName } from '../base/byte-name.js'
import { bytesOf, latin1Of } from '../base/bytes.js'
import { codeOf } from '../base/errors.js'
import { Filter, type Side } from '../flist/filter-match.js'
import type { LookJob, LookResult, NameRules, SameRule, TreeHandle } from '../host.js'
import { AT, type Libc, libc } from './libc.js'
import type { RawCalls } from './libc-raw.js'

const ENTRY_BYTES = 64 * 1024
const LINK_BYTES = 4096
const CONTENT_BYTES = 64 * 1024
/** Contents of larger files are no work for one call: they are compared where signals are heard. */
const MOST_CONTENT = 1024 * 1024
/** Bytes that take as long to read as an entry to look at. */
const BYTES_AS_ENTRY = 16 * 1024
/** So many more entries that differ than such that do not: the others are looked at by whoever goes through them. */
const GIVEN_UP = 4
const STATX_BASIC = 0x7ff
// struct dirent64, getdents64(2).
const RECORD_LENGTH = 16
const TYPE = 18
const BASE = 19
const DIRECTORY = 4
const FILE = 8
const LINK = 10
/** Words of struct statx: statx(2). */
const NLINK = 4
const UID = 5
const GID = 6
const MODE = 7
const SIZE = 10
const TIME = 28
const DEVICE = 34
const STATX_WORDS = 64

type Counts = { files: number; links: number; directories: number; bytes: number }
/** `alike`: null where the directory is in order as a whole, else of what is in it what is. */
type Found = { readonly counts: Counts; readonly alike: string | null }
const NONE: Found = { counts: { files: 0, links: 0, directories: 0, bytes: 0 }, alike: '' }
/** Two directories that are open. */
type Pair = { readonly a: number; readonly b: number; readonly name: ByteName }
type Names = { readonly hidden: Filter; readonly kept: Filter }

export class PairLook {
  readonly #calls: Libc
  readonly #raw: RawCalls
  readonly #entries = Buffer.allocUnsafeSlow(ENTRY_BYTES)
  readonly #entriesAt: number
  readonly #links = Buffer.allocUnsafeSlow(2 * LINK_BYTES)
  readonly #linksAt: number
  /** Of a file in either directory; made when contents are compared. */
  #contents: Contents | null = null
  readonly #alike = new NameText()
  readonly #seen = new Uint32Array(2 * STATX_WORDS)
  readonly #seenAt: number
  readonly #empty = Buffer.alloc(128)
  readonly #emptyAt: number
  readonly #path = Buffer.allocUnsafeSlow(PATH_BYTES)
  readonly #pathAt: number

  constructor(raw: RawCalls) {
    this.#calls = libc()
    this.#raw = raw
    this.#entriesAt = raw.addressOf(this.#entries)
    this.#linksAt = raw.addressOf(this.#links)
    this.#seenAt = raw.addressOf(new Uint8Array(this.#seen.buffer))
    this.#emptyAt = raw.addressOf(this.#empty)
    this.#pathAt = raw.addressOf(this.#path)
  }

  look({ from, to, fromHead, toHead, below, rule, most }: LookJob): LookResult {
    const pending = [...below]
    const same: string[] = []
    const rows: number[] = []
    const different: string[] = []
    const alike: string[] = []
    const alikeRows: number[] = []
    const names = rule.names === null ? null : openNames(rule.names)
    let left = most
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const a = this.#open(from, join(fromHead, next))
      const b = a === null ? null : this.#open(to, join(toHead, next))
      const found =
        a === null || b === null
          ? NONE
          : this.#compare({ a, b, name: join(toHead, next) }, next, rule, names, pending)
      if (a !== null) this.#raw.close(a)
      if (b !== null) this.#raw.close(b)
      const { files, links, directories, bytes } = found.counts
      if (found.alike === null) {
        same.push(next)
        rows.push(files, links, directories, bytes)
      } else {
        different.push(next)
        alike.push(found.alike)
        alikeRows.push(files, links, 0, bytes)
      }
      left -= 8 + files
      if (rule.contents) left -= bytes / BYTES_AS_ENTRY
      if (left <= 0) break
    }
    return {
      same,
      rows: Float64Array.from(rows),
      different,
      alike,
      alikeRows: Float64Array.from(alikeRows),
      rest: pending,
    }
  }

  #open(tree: TreeHandle, directory: string): number | null {
    const flags = constants.O_RDONLY | constants.O_DIRECTORY
    try {
      return directory === '.'
        ? this.#calls.openAt(tree.fd, bytesOf(directory), flags, 0)
        : this.#calls.openBeneath(tree.fd, bytesOf(directory), flags, 0)
    } catch (error) {
      if (codeOf(error) === undefined) throw error
      return null
    }
  }

  /** @param pending directories in it are added */
  #compare(
    pair: Pair,
    below: string,
    rule: SameRule,
    names: Names | null,
    pending: string[],
  ): Found {
    const counts = { files: 0, links: 0, directories: 0, bytes: 0 }
    const { a, b, name } = pair
    const wanted = new Set<string>()
    let isSame = this.#isSame(a, b, this.#emptyAt, AT.emptyPath, rule.directoryTimes, rule)
    let isLooking = rule.device === null || this.#device() === rule.device
    if (isSame && rule.bare) isSame = this.#isBare(pair, DOT_AT)
    if (rule.leftover !== null && this.#has(b, rule.leftover)) isLooking = false
    let differing = 0
    this.#alike.clear()
    for (;;) {
      const length = this.#raw.entries(a, this.#entriesAt, ENTRY_BYTES)
      if (length < 0) return NONE
      if (length === 0) break
      for (let at = 0; at < length; at += this.#entries.readUInt16LE(at + RECORD_LENGTH)) {
        const isInto = this.#entries[at + TYPE] === DIRECTORY
        if (isInto && this.#isDot(at)) continue
        if (names !== null) {
          const base = this.#base(at)
          if (names.hidden.excludes(joinName(name, base), isInto)) continue
          wanted.add(base)
        }
        if (isInto) {
          pending.push(below === '' ? this.#base(at) : `${below}/${this.#base(at)}`)
          counts.directories++
        } else if (isLooking) {
          if (this.#isSameEntry(pair, at, rule, counts)) this.#alike.add(this.#entries, at + BASE)
          else isLooking = ++differing < counts.files + counts.links + GIVEN_UP
        }
      }
    }
    isSame &&= isLooking && differing === 0
    // All of these stand there, but for directories, which are looked at for themselves.
    if (isSame && rule.exact) {
      const { files, links, directories } = counts
      isSame =
        names === null
          ? this.#count(b) === files + links + directories
          : this.#holdsOnly(pair, wanted, names.kept)
    }
    return { counts, alike: isSame ? null : this.#alike.text }
  }

  #isSameEntry(pair: Pair, at: number, rule: SameRule, counts: Counts): boolean {
    const { a, b } = pair
    const type = this.#entries[at + TYPE]
    if (type !== FILE && (type !== LINK || rule.noLinks)) return false
    const name = this.#entriesAt + at + BASE
    const hasTime = type === FILE || rule.linkTimes
    if (!this.#isSame(a, b, name, AT.symlinkNoFollow, hasTime, rule)) return false
    const [size, other] = [this.#size(0), this.#size(STATX_WORDS)]
    if (size !== other || (rule.single && this.#seen[NLINK] !== 1)) return false
    if (type === LINK && !this.#isSameLink(a, b, name)) return false
    if (rule.bare && !this.#isBare(pair, at + BASE)) return false
    if (type === FILE && (size < rule.leastSize || size > rule.mostSize)) return false
    if (type === FILE && rule.contents && !this.#isSameContent(a, b, name, size)) return false
    if (type === LINK) counts.links++
    else counts.files++
    counts.bytes += size
    return true
  }

  #isSameContent(a: number, b: number, name: number, size: number): boolean {
    if (size === 0) return true
    if (size > MOST_CONTENT) return false
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
    const first = this.#raw.openAt(a, name, flags, 0)
    const second = first < 0 ? -1 : this.#raw.openAt(b, name, flags, 0)
    const isSame = second >= 0 && this.#readsSame(first, second)
    if (first >= 0) this.#raw.close(first)
    if (second >= 0) this.#raw.close(second)
    return isSame
  }
  #readsSame(a: number, b: number): boolean {
    this.#contents ??= openContents(this.#raw)
    const { bytes, at } = this.#contents
    for (;;) {
      const length = this.#raw.read(a, at, CONTENT_BYTES)
      const other = this.#raw.read(b, at + CONTENT_BYTES, CONTENT_BYTES)
      if (length < 0 || length !== other) return false
      if (length === 0) return true
      if (bytes.compare(bytes, CONTENT_BYTES, CONTENT_BYTES + length, 0, length) !== 0) return false
    }
  }

  #isSame(
    a: number,
    b: number,
    name: number,
    flags: number,
    hasTime: boolean,
    rule: SameRule,
  ): boolean {
    const raw = this.#raw
    const second = this.#seenAt + STATX_WORDS * 4
    if (raw.statAt(a, name, flags, STATX_BASIC, this.#seenAt) !== 0) return false
    if (raw.statAt(b, name, flags, STATX_BASIC, second) !== 0) return false
    const s = this.#seen
    const t = STATX_WORDS
    return (
      (!hasTime ||
        (s[TIME] === s[TIME + t] &&
          s[TIME + 1] === s[TIME + 1 + t] &&
          s[TIME + 2] === s[TIME + 2 + t])) &&
      ((s[MODE] ?? 0) & 0xffff) === ((s[MODE + t] ?? 0) & 0xffff) &&
      (!rule.owner || s[UID] === s[UID + t]) &&
      (!rule.group || s[GID] === s[GID + t])
    )
  }
  /** Of what was seen last: in the first tree, or the second. */
  #size(words: number): number {
    return (this.#seen[words + SIZE] ?? 0) + (this.#seen[words + SIZE + 1] ?? 0) * 2 ** 32
  }
  #device(): bigint {
    return (BigInt(this.#seen[DEVICE] ?? 0) << 32n) | BigInt(this.#seen[DEVICE + 1] ?? 0)
  }
  #isSameLink(a: number, b: number, name: number): boolean {
    const raw = this.#raw
    const length = raw.readlinkAt(a, name, this.#linksAt, LINK_BYTES)
    const other = raw.readlinkAt(b, name, this.#linksAt + LINK_BYTES, LINK_BYTES)
    return (
      length >= 0 &&
      length === other &&
      this.#links.compare(this.#links, LINK_BYTES, LINK_BYTES + length, 0, length) === 0
    )
  }

  /** Neither has extended attributes. @param at where its name stands among the entries; DOT_AT: the directories themselves */
  #isBare({ a, b }: Pair, at: number): boolean {
    return this.#hasNone(a, at) && this.#hasNone(b, at)
  }
  #hasNone(directory: number, at: number): boolean {
    // There is no call that takes a directory and a name.
    let length = this.#path.write(`/proc/self/fd/${directory}/`, 'latin1')
    if (at === DOT_AT) this.#path[length++] = DOT
    else length += this.#entries.copy(this.#path, length, at, this.#entries.indexOf(0, at))
    this.#path[length] = 0
    return this.#raw.listXattrs(this.#pathAt, 0, 0) === 0
  }

  #has(directory: number, name: string): boolean {
    const path = Buffer.from(`${name}\0`, 'latin1')
    const at = this.#raw.addressOf(path)
    return this.#raw.statAt(directory, at, AT.symlinkNoFollow, STATX_BASIC, this.#seenAt) === 0
  }

  /** Nothing that is not wanted, but for what is kept. */
  #holdsOnly({ b, name }: Pair, wanted: ReadonlySet<string>, kept: Filter): boolean {
    for (;;) {
      const length = this.#raw.entries(b, this.#entriesAt, ENTRY_BYTES)
      if (length < 0) return false
      if (length === 0) return true
      for (let at = 0; at < length; at += this.#entries.readUInt16LE(at + RECORD_LENGTH)) {
        if (this.#isDot(at)) continue
        const base = this.#base(at)
        const isInto = this.#entries[at + TYPE] === DIRECTORY
        if (!wanted.has(base) && !kept.excludes(joinName(name, base), isInto)) return false
      }
    }
  }

  /** Entries of a directory; -1: it cannot be read. */
  #count(directory: number): number {
    for (let count = 0; ; ) {
      const length = this.#raw.entries(directory, this.#entriesAt, ENTRY_BYTES)
      if (length < 0) return -1
      if (length === 0) return count
      for (let at = 0; at < length; at += this.#entries.readUInt16LE(at + RECORD_LENGTH))
        if (!this.#isDot(at)) count++
    }
  }
  #isDot(at: number): boolean {
    const bytes = this.#entries
    if (bytes[at + BASE] !== DOT) return false
    const next = bytes[at + BASE + 1]
    return next === 0 || (next === DOT && bytes[at + BASE + 2] === 0)
  }
  #base(at: number): string {
    const end = this.#entries.indexOf(0, at + BASE)
    return latin1Of(this.#entries.subarray(at + BASE, end))
  }
}
const DOT = 0x2e
const DOT_AT = -1
/** `/proc/self/fd/N/`, NAME_MAX and a NUL. */
const PATH_BYTES = 512
/** NAME_MAX and a NUL. */
const NAME_BYTES = 256

/** Names, each ended by a NUL, as one text: most are never needed. */
class NameText {
  #bytes = Buffer.allocUnsafe(ENTRY_BYTES)
  #length = 0

  clear(): void {
    this.#length = 0
  }
  /** @param at where it begins; a NUL ends it */
  add(from: Uint8Array, at: number): void {
    if (this.#length + NAME_BYTES > this.#bytes.length)
      this.#bytes = Buffer.concat([this.#bytes], 2 * this.#bytes.length)
    let length = this.#length
    for (let i = at; from[i] !== 0; i++) this.#bytes[length++] = from[i] ?? 0
    this.#bytes[length++] = 0
    this.#length = length
  }
  get text(): string {
    return this.#bytes.toString('latin1', 0, this.#length)
  }
}

type Contents = { readonly bytes: Buffer; readonly at: number }
function openContents(raw: RawCalls): Contents {
  const bytes = Buffer.allocUnsafeSlow(2 * CONTENT_BYTES)
  return { bytes, at: raw.addressOf(bytes) }
}

/** Both sides' rules: what is not sent, and what is not deleted. */
function openNames({ rules, deleteExcluded }: NameRules): Names {
  const filter = (side: Side): Filter =>
    new Filter(rules, {
      side,
      deleteExcluded,
      rootPath: '',
      readMerge: () => null,
    })
  return { hidden: filter('sender'), kept: filter('receiver') }
}

function join(head: ByteName, below: string): ByteName {
  return below === '' ? head : joinName(head, below)
}
