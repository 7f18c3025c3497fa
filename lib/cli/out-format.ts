/** `--out-format` and `--log-file-format`: what is told of an entry. rsyncd.conf(5) log format. */

import type { ByteName } from '../base/byte-name.js'
import type { ListEntry } from '../flist/list-entry.js'
import { formatItem, ITEM } from '../plan/iflags.js'
import { formatNumber } from './numbers.js'
import { fileWire, SUM_HEAD_BYTES } from './sync-summary.js'

/** What only a daemon knows. */
export type Visitor = {
  readonly address: string
  readonly host: string
  /** Empty: nobody had to say. */
  readonly user: string
  readonly module: string
  /** Where the module stands. */
  readonly path: string
}

export type Context = {
  readonly pid: number
  readonly now: Date
  /** Owners count, groups count. */
  readonly isOwnerKept: boolean
  readonly isGroupKept: boolean
  /** Null: it is no daemon that tells. */
  readonly visitor: Visitor | null
}

/** A name as bytes, for output that is not text. */
export type Told = Context & {
  readonly entry: ListEntry<unknown>
  readonly iflags: number
  readonly xname: ByteName | null
  /** The other side gets it. */
  readonly isPush: boolean
  readonly operation: 'send' | 'recv'
  /** What went over a connection; null: nothing did. */
  readonly moved: { readonly bytes: number; readonly sumBytes: number } | null
  readonly isTimeKept: boolean
  readonly dryRun: boolean
  /** Of the sum behind a file on rsync's wire. */
  readonly fileSumBytes: number
  /** Where the source stands. */
  readonly path: string
  /** `%C`, asked only where the format has it. */
  readonly sum: () => string
}

/** What is deleted. */
export type Gone = Context & {
  /** With a slash behind a directory. */
  readonly name: string
  readonly path: string
  /** What stands for a sum. */
  readonly noSum: string
}

const ESCAPE = /%('*)(-?\d*)('*)([a-zA-Z%])/g

/** One char per byte, not escaped. */
export function formatTold(format: string, told: Told): string {
  return filled(format, (letter, level) => toldFor(letter, level, told))
}

/** What goes: a format that says what is done has a line for it, any other is not used. */
export function formatDeletion(format: string, gone: Gone): string {
  const { name, path, noSum } = gone
  if (!/%'*-?\d*'*[io]/.test(format)) return `deleting ${name}`
  return filled(format, (letter) => {
    switch (letter) {
      case 'n':
        return name
      case 'f':
        return path
      case 'i':
        return '*deleting  '
      case 'o':
        return 'del.'
      case 'l':
      case 'b':
      case 'c':
      case 'U':
        return '0'
      case 'G':
        return gone.isGroupKept ? '0' : 'DEFAULT'
      case 'B':
        return '---------'
      case 'M':
        return timeText(0n).replace(' ', '-')
      case 'C':
        return noSum
      case 'L':
        return ''
      default:
        return contextFor(letter, gone)
    }
  })
}

/** Fills in escapes, each with a width and a `'` for each level of units; what is none stays as it is. */
function filled(format: string, fill: (letter: string, level: number) => string | null): string {
  return format.replace(ESCAPE, (whole, before: string, width: string, after: string, letter) => {
    const text = fill(letter, before.length + after.length)
    if (text === null) return whole
    const columns = Number(width === '-' ? 0 : width)
    // A name that a link leads to is padded, not the arrow before it.
    const arrow =
      letter === 'L' ? (/^ [-=]> /.exec(text)?.[0] ?? (columns === 0 ? '' : '    ')) : ''
    const rest = text.slice(text === '' ? 0 : arrow.length)
    return arrow + (columns < 0 ? rest.padEnd(-columns) : rest.padStart(columns))
  })
}

function contextFor(letter: string, { pid, now, visitor }: Context): string | null {
  switch (letter) {
    case '%':
      return '%'
    case 't':
      return timeText(BigInt(now.getTime()) * 1_000_000n)
    case 'p':
      return String(pid)
    case 'm':
      return visitor?.module ?? ''
    case 'a':
      return visitor?.address ?? null
    case 'h':
      return visitor?.host ?? null
    case 'u':
      return visitor?.user ?? null
    case 'P':
      return visitor?.path ?? null
    default:
      return null
  }
}

function toldFor(letter: string, level: number, told: Told): string | null {
  const { entry, iflags, xname } = told
  const { stands } = entry
  const isMoved = (iflags & ITEM.transfer) !== 0 && !told.dryRun
  switch (letter) {
    case 'n':
      return stands.kind === 'directory' ? `${entry.name === '' ? '.' : entry.name}/` : entry.name
    case 'f':
      return told.path
    case 'L':
      if (xname !== null && xname !== '') return ` => ${xname}`
      return stands.kind === 'symlink' ? ` -> ${entry.target}` : ''
    case 'i':
      return formatItem(iflags, stands.kind, told.isPush, told.isTimeKept)
    case 'o':
      return told.operation
    case 'l':
      return formatNumber(stands.size, level)
    case 'b':
      return formatNumber(
        told.moved?.bytes ?? (isMoved ? fileWire(stands.size, told.fileSumBytes) : 0),
        level,
      )
    case 'c':
      return formatNumber(told.moved?.sumBytes ?? (isMoved ? SUM_HEAD_BYTES : 0), level)
    case 'C':
      return told.sum()
    case 'B':
      return modeText(stands.kind, entry.mode).slice(1)
    case 'M':
      return timeText(stands.mtimeNs).replace(' ', '-')
    case 'U':
      return told.isOwnerKept ? String(stands.uid) : '0'
    case 'G':
      return told.isGroupKept ? String(stands.gid) : 'DEFAULT'
    default:
      return contextFor(letter, told)
  }
}

const TYPE = {
  file: '-',
  directory: 'd',
  symlink: 'l',
  character: 'c',
  block: 'b',
  fifo: 'p',
  socket: 's',
} as const

/** `drwxr-xr-x`. */
export function modeText(kind: keyof typeof TYPE, mode: number): string {
  const bits = (shift: number, special: number, letter: string): string => {
    const three = (mode >> shift) & 7
    const x = three & 1
    const last = mode & special ? (x ? letter : letter.toUpperCase()) : x ? 'x' : '-'
    return `${three & 4 ? 'r' : '-'}${three & 2 ? 'w' : '-'}${last}`
  }
  return TYPE[kind] + bits(6, 0o4000, 's') + bits(3, 0o2000, 's') + bits(0, 0o1000, 't')
}

const SECOND = 1_000_000_000n
/** Local time: `2024/01/02 03:04:05`. */
export function timeText(ns: bigint): string {
  // Towards the past before 1970 too.
  const at = new Date(Number((ns - (((ns % SECOND) + SECOND) % SECOND)) / SECOND) * 1000)
  const two = (n: number): string => String(n).padStart(2, '0')
  return `${at.getFullYear()}/${two(at.getMonth() + 1)}/${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
}
