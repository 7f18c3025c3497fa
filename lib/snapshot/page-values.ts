/** Values that pages are made of: times, texts, contents, owners, extended attributes. prsync-snapshot(5) PAGES. */
import { nameFault } from '../base/byte-name.js'
import type { Cursor, Writer } from '../base/bytes.js'
import { WireError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import type { Owner, Xattr } from '../flist/entry.js'
import { type ContentId, ROOT_BYTES, type Root, rootOf } from '../hash/root.js'

export function putTime(out: Writer, ns: bigint): void {
  const nanos = ((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n
  const seconds = Number((ns - nanos) / 1_000_000_000n)
  out.varint(seconds >= 0 ? seconds * 2 : -seconds * 2 - 1)
  out.varint(Number(nanos))
}
export function takeTime(from: Cursor): bigint {
  const zigzag = from.varint()
  const seconds = zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2
  const nanos = from.varint()
  if (nanos >= 1_000_000_000) throw new WireError(`page: ${nanos} ns in a second`)
  return BigInt(seconds) * 1_000_000_000n + BigInt(nanos)
}
export function putText(out: Writer, text: string): void {
  out.varint(text.length)
  out.latin1(text)
}
export function takeText(from: Cursor, most: number): string {
  const length = from.varint()
  if (length > most) throw new WireError(`page: text of ${length} bytes`)
  return from.latin1(length)
}
export function takeU32(from: Cursor): number {
  const value = from.varint()
  if (value > 0xffffffff) throw new WireError(`page: number ${value} above 32 bits`)
  return value
}
export function putContent(out: Writer, content: ContentId): void {
  out.varint(content.length)
  out.latin1(content.root)
}
export function takeContent(from: Cursor, most: number): ContentId {
  const length = from.varint()
  if (length === 0 || length > most) throw new WireError(`page: content of ${length} bytes`)
  return { length, root: takeRoot(from) }
}
export function putOptionalContent(out: Writer, content: ContentId | null): void {
  if (content === null) out.varint(0)
  else putContent(out, content)
}
export function takeOptionalContent(from: Cursor, most: number): ContentId | null {
  const length = from.varint()
  if (length === 0) return null
  if (length > most) throw new WireError(`page: content of ${length} bytes`)
  return { length, root: takeRoot(from) }
}
function takeRoot(from: Cursor): Root {
  return rootOf(from.view(ROOT_BYTES))
}

export function putXattrs(out: Writer, xattrs: readonly Xattr[]): void {
  out.varint(xattrs.length)
  for (const { name, value } of xattrs) {
    putText(out, name)
    putText(out, value)
  }
}
export function takeXattrs(from: Cursor): Xattr[] {
  const count = from.varint()
  if (count === 0) throw new WireError('page: no xattrs where some were promised')
  const xattrs: Xattr[] = []
  for (let i = 0; i < count; i++) {
    const name = takeText(from, LIMITS.componentBytes)
    const before = xattrs[i - 1]
    if (name === '' || name.includes('\0') || (before !== undefined && name <= before.name))
      throw new WireError('page: xattrs out of order')
    xattrs.push({ name, value: takeText(from, LIMITS.xattrBytes) })
  }
  return xattrs
}

const NO_NAME = 255

export function ownerKey(owner: Owner): string {
  return `${owner.id}:${owner.name ?? ''}`
}
export function ownersOf(all: readonly Owner[]): { list: Owner[]; index: Map<string, number> } {
  const index = new Map<string, number>()
  const list: Owner[] = []
  for (const owner of all) {
    const key = ownerKey(owner)
    if (index.has(key)) continue
    index.set(key, list.length)
    list.push(owner)
  }
  return { list, index }
}
export function putOwners(out: Writer, owners: readonly Owner[]): void {
  out.varint(owners.length)
  for (const owner of owners) {
    out.varint(owner.id)
    out.u8(owner.name === null ? NO_NAME : owner.name.length)
    if (owner.name !== null) out.latin1(owner.name)
  }
}
export function takeOwners(from: Cursor): Owner[] {
  const count = from.varint()
  const owners: Owner[] = []
  // most pages have one owner, which is the only one of its name
  const keys = count > 1 ? new Set<string>() : null
  for (let i = 0; i < count; i++) {
    const id = takeU32(from)
    const length = from.u8()
    const name = length === NO_NAME ? null : from.latin1(length)
    if (name !== null && nameFault(name) !== null)
      throw new WireError('page: owner with an odd name')
    const owner = { id, name }
    owners.push(owner)
    if (keys === null) continue
    const key = ownerKey(owner)
    if (keys.has(key)) throw new WireError('page: owner listed twice')
    keys.add(key)
  }
  return owners
}
