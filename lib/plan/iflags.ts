/**
 * What differs between an entry and what stands, as the bits that go over rsync's wire, and the eleven letters that a person
 * reads. One value for both. prsync-protocol(7), iflags; rsync(1) --itemize-changes.
 */
import type { FileKind } from '../host.js'

export const ITEM = {
  atime: 0x0001,
  /** The bytes, target or device: told by --checksum, or of what is no file. */
  change: 0x0002,
  size: 0x0004,
  time: 0x0008,
  perms: 0x0010,
  owner: 0x0020,
  group: 0x0040,
  acl: 0x0080,
  xattr: 0x0100,
  /** Another name follows: of the file that this one is linked to, or was copied from. */
  xname: 0x1000,
  isNew: 0x2000,
  /** Done at the receiver, without bytes of the sender. */
  local: 0x4000,
  transfer: 0x8000,
  /** Here alone: a file goes over, and nobody said what differs. */
  unknown: 0x10000,
} as const

/** Bits that alone make a line worth telling. */
const TOLD = ~(0x0800 | ITEM.xname | ITEM.local)

export function isTold(iflags: number): boolean {
  return (iflags & TOLD) !== 0
}

export const KIND_LETTER: Readonly<Record<FileKind, string>> = {
  file: 'f',
  directory: 'd',
  symlink: 'L',
  character: 'D',
  block: 'D',
  fifo: 'S',
  socket: 'S',
}

/** @param isPush the other side gets it; a local copy counts as receiving @param isTimeKept -t for this kind */
export function formatItem(
  iflags: number,
  kind: FileKind,
  isPush: boolean,
  isTimeKept: boolean,
): string {
  const has = (bit: number): boolean => (iflags & bit) !== 0
  const sign = has(ITEM.local)
    ? has(ITEM.xname)
      ? 'h'
      : 'c'
    : has(ITEM.transfer)
      ? isPush
        ? '<'
        : '>'
      : '.'
  const head = `${sign}${KIND_LETTER[kind]}`
  if (has(ITEM.unknown)) return `${head}?????????`
  if (has(ITEM.isNew)) return `${head}+++++++++`
  const on = (bit: number, letter: string): string => (has(bit) ? letter : '.')
  const columns =
    on(ITEM.change, 'c') +
    // Of a link this bit says that its time could not be set.
    (kind === 'file' ? on(ITEM.size, 's') : '.') +
    (has(ITEM.time) ? (isTimeKept && (kind !== 'symlink' || !has(ITEM.size)) ? 't' : 'T') : '.') +
    on(ITEM.perms, 'p') +
    on(ITEM.owner, 'o') +
    on(ITEM.group, 'g') +
    on(ITEM.atime, 'u') +
    on(ITEM.acl, 'a') +
    on(ITEM.xattr, 'x')
  if (sign !== '>' && sign !== '<' && /^\.+$/.test(columns)) return `${head}         `
  return `${head}${columns}`
}
