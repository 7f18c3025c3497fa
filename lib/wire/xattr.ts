/** Sets of extended attributes in a file list: short values themselves, of long ones the digest. prsync-protocol(7), xattrs. */
import { createHash } from 'node:crypto'
import type { Cursor, Writer } from '../base/bytes.js'
import { WireError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import type { WireXattr } from './file-entry.js'
import { readVarint, writeVarint } from './ints.js'

/** A longer value is sent when it is asked for. */
const VALUE_BYTES = 32
const DIGEST_BYTES = 16

export function readXattrs(c: Cursor): readonly WireXattr[] {
  const count = readVarint(c)
  if (count < 0 || count > LIMITS.listXattrs)
    throw new WireError(`${count} extended attributes of one file`)
  const xattrs: WireXattr[] = []
  for (let i = 0; i < count; i++) xattrs.push(readXattr(c))
  return xattrs
}
function readXattr(c: Cursor): WireXattr {
  const nameLength = readVarint(c)
  const length = readVarint(c)
  if (nameLength < 2 || nameLength > LIMITS.listXattrNameBytes)
    throw new WireError(`name of ${nameLength} bytes of an extended attribute`)
  if (length < 0 || length > LIMITS.listXattrValueBytes)
    throw new WireError(`extended attribute of ${length} bytes`)
  const name = c.latin1(nameLength - 1)
  // `system.` names would be ACLs that did not come as such.
  if (c.u8() !== 0 || name.includes('\0') || name.startsWith('system.'))
    throw new WireError('bad name of an extended attribute')
  return length > VALUE_BYTES
    ? { name, value: null, length, digest: c.latin1(DIGEST_BYTES) }
    : { name, value: c.latin1(length), length, digest: '' }
}

/** What goes over the wire of an extended attribute. */
type SentXattr = { readonly name: string; readonly length: number; readonly sent: string }

export function sentXattrs(xattrs: readonly WireXattr[]): SentXattr[] {
  return xattrs.map((xattr) => ({ name: xattr.name, length: xattr.length, sent: sentOf(xattr) }))
}
/** Equal sets have equal keys. */
export function xattrsKey(xattrs: readonly SentXattr[]): string {
  return xattrs.map(({ name, length, sent }) => `${name}\0${length}\0${sent}`).join('\0')
}
export function writeXattrs(w: Writer, xattrs: readonly SentXattr[]): void {
  writeVarint(w, xattrs.length)
  for (const { name, length, sent } of xattrs) {
    writeVarint(w, name.length + 1)
    writeVarint(w, length)
    w.latin1(name)
    w.u8(0)
    w.latin1(sent)
  }
}

function sentOf({ value, length, digest }: WireXattr): string {
  if (length > VALUE_BYTES && digest !== '') return digest
  if (value === null) throw new TypeError('neither value nor digest of an extended attribute')
  if (length <= VALUE_BYTES) return value
  return createHash('md5').update(Buffer.from(value, 'latin1')).digest('binary')
}
