/** `--out-format` and `--log-file-format`: what is told of an entry. rsyncd.conf(5) log format. */

import type { ByteName } from '../base/byte-name.js'
import type { ListEntry } from '../flist/list-entry.js'
import { formatItem, ITEM } from '../plan/iflags.js'
import { formatNumber } from './numbers.js'

/** A name as bytes, for output that is not text. */
export type Told = {
  readonly entry: ListEntry<unknown>
  readonly iflags: number
  readonly xname: ByteName | null
  readonly isTimeKept: boolean
  /** Where the source stands. */
  readonly path: string
  /** Bytes that came, and went, for this file. */
  readonly literal: number
  readonly pid: number
  readonly now: Date
}

/** One char per byte, not escaped. */
export function formatTold(format: string, told: Told): string {
  return format.replace(
    /%('*)(-?\d*)([a-zA-Z%])/g,
    (whole, quotes: string, width: string, letter: string) => {
      const text = escapeFor(letter, quotes.length, told)
      if (text === null) return whole
      const columns = Number(width === '' || width === '-' ? 0 : width)
      return columns < 0 ? text.padEnd(-columns) : text.padStart(columns)
    },
  )
}

function escapeFor(letter: string, level: number, told: Told): string | null {
  const { entry, iflags, xname } = told
  const { stands } = entry
  switch (letter) {
    case '%':
      return '%'
    case 'n':
      return stands.kind === 'directory' ? `${entry.name}/` : entry.name
    case 'f':
      return told.path.replace(/^\//, '')
    case 'L':
      if (xname !== null && xname !== '') return ` => ${xname}`
      return stands.kind === 'symlink' ? ` -> ${entry.target}` : ''
    case 'i':
      return formatItem(iflags, stands.kind, false, told.isTimeKept)
    case 'o':
      return 'recv'
    case 'l':
      return formatNumber(stands.size, level)
    case 'b':
    case 'c':
      return formatNumber((iflags & ITEM.transfer) !== 0 ? told.literal : 0, level)
    case 'C':
      return ''
    case 'B':
      return modeText(stands.kind, entry.mode).slice(1)
    case 'M':
      return timeText(stands.mtimeNs).replace(' ', '-')
    case 't':
      return timeText(BigInt(told.now.getTime()) * 1_000_000n)
    case 'p':
      return String(told.pid)
    case 'U':
      return String(stands.uid)
    case 'G':
      return String(stands.gid)
    case 'u':
    case 'a':
    case 'h':
    case 'm':
    case 'P':
      return ''
    default:
      return null
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

/** Local time: `2024/01/02 03:04:05`. */
export function timeText(ns: bigint): string {
  const at = new Date(Number(ns / 1_000_000n))
  const two = (n: number): string => String(n).padStart(2, '0')
  return `${at.getFullYear()}/${two(at.getMonth() + 1)}/${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
}
