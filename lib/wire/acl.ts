/**
 * POSIX ACLs: the kernel's extended attribute ↔ what a file list says, which leaves out what the mode says already.
 * prsync-protocol(7), ACLs; acl(5); linux/posix_acl_xattr.h.
 */
import { type Cursor, latin1Of, Writer } from '../base/bytes.js'
import { WireError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { readVarint, writeVarint } from './ints.js'

export const ACL_ACCESS = 'system.posix_acl_access'
export const ACL_DEFAULT = 'system.posix_acl_default'

export type AclKind = 'access' | 'default'
type NamedEntry = { readonly id: number; readonly isUser: boolean; readonly perm: number }
/** Null: not there, or not said. */
export type Acl = {
  readonly user: number | null
  readonly group: number | null
  readonly mask: number | null
  readonly other: number | null
  readonly named: readonly NamedEntry[]
}

const NO_ACL: Acl = { user: null, group: null, mask: null, other: null, named: [] }
const VERSION = 2
const TAG = { userObject: 1, user: 2, groupObject: 4, group: 8, mask: 0x10, other: 0x20 } as const
const NO_ID = 0xffffffff
const FLAG = { user: 1, group: 2, mask: 4, other: 8, named: 0x10 } as const

/** @param value one char per byte. @throws {WireError} where it is none */
export function parseKernelAcl(value: string): Acl {
  const bytes = Buffer.from(value, 'latin1')
  if (bytes.length < 4 || bytes.length % 8 !== 4 || bytes.readUInt32LE(0) !== VERSION)
    throw new WireError('no ACL of the kernel')
  let { user, group, mask, other } = NO_ACL
  const named: NamedEntry[] = []
  for (let at = 4; at < bytes.length; at += 8) {
    const tag = bytes.readUInt16LE(at)
    const perm = bytes.readUInt16LE(at + 2) & 7
    const id = bytes.readUInt32LE(at + 4)
    if (tag === TAG.userObject) user = perm
    else if (tag === TAG.groupObject) group = perm
    else if (tag === TAG.mask) mask = perm
    else if (tag === TAG.other) other = perm
    else if (tag === TAG.user || tag === TAG.group)
      named.push({ id, isUser: tag === TAG.user, perm })
    else throw new WireError(`tag ${tag} in an ACL`)
  }
  return { user, group, mask, other, named }
}

/** Named entries in order of their ids, each id once. */
export function formatKernelAcl(acl: Acl): string {
  const w = new Writer()
  w.u32le(VERSION)
  const put = (tag: number, perm: number | null, id: number): void => {
    if (perm === null) return
    w.u8(tag)
    w.u8(0)
    w.u8(perm)
    w.u8(0)
    w.u32le(id)
  }
  const putNamed = (isUser: boolean): void => {
    const entries = acl.named.filter((entry) => entry.isUser === isUser)
    entries.sort((a, b) => a.id - b.id)
    entries.forEach(({ id, perm }, i) => {
      if (id !== entries[i - 1]?.id) put(isUser ? TAG.user : TAG.group, perm, id)
    })
  }
  put(TAG.userObject, acl.user, NO_ID)
  putNamed(true)
  put(TAG.groupObject, acl.group, NO_ID)
  putNamed(false)
  put(TAG.mask, acl.mask, NO_ID)
  put(TAG.other, acl.other, NO_ID)
  return latin1Of(w.done())
}

/** The same ACL where its owners have other numbers. */
export function mapAclIds(
  value: string,
  user: (id: number) => number,
  group: (id: number) => number,
): string {
  const acl = parseKernelAcl(value)
  const named = acl.named.map((entry) => ({
    ...entry,
    id: entry.isUser ? user(entry.id) : group(entry.id),
  }))
  return formatKernelAcl({ ...acl, named })
}

/** What goes over the wire of an ACL; null: there is none. */
export function strippedAcl(value: string | null, kind: AclKind, mode: number): Acl {
  if (value === null) return NO_ACL
  const acl = parseKernelAcl(value)
  if (kind === 'default') return acl
  const groupBits = (mode >> 3) & 7
  return {
    user: null,
    group: acl.mask === null || acl.group === groupBits ? null : acl.group,
    mask: acl.named.length > 0 && acl.mask === groupBits ? null : acl.mask,
    other: null,
    named: acl.named,
  }
}

/** The kernel's form of what came; null: the mode says it all. */
export function wholeAcl(acl: Acl, kind: AclKind, mode: number): string | null {
  const groupBits = (mode >> 3) & 7
  const group = acl.group ?? groupBits
  const hasNames = acl.named.length > 0
  if (kind === 'access') {
    if (!hasNames && acl.mask === null) return null
    const mask = acl.mask ?? groupBits
    return formatKernelAcl({
      user: (mode >> 6) & 7,
      group,
      mask,
      other: mode & 7,
      named: acl.named,
    })
  }
  const { user, mask, other, named } = acl
  if (!hasNames && user === null && acl.group === null && mask === null && other === null)
    return null
  return formatKernelAcl({
    user: user ?? (mode >> 6) & 7,
    group,
    mask: mask ?? (hasNames ? named.reduce((bits, { perm }) => bits | perm, group) : null),
    other: other ?? mode & 7,
    named,
  })
}

/** @param named told of the names that ride along */
export function readAcl(
  c: Cursor,
  named: (isUser: boolean, id: number, name: string) => void,
): Acl {
  const flags = c.u8()
  const perm = (flag: number): number | null => (flags & flag ? readPerm(readVarint(c)) : null)
  const [user, group, mask, other] = [
    perm(FLAG.user),
    perm(FLAG.group),
    perm(FLAG.mask),
    perm(FLAG.other),
  ]
  const entries: NamedEntry[] = []
  const count = flags & FLAG.named ? readVarint(c) : 0
  if (count < 0 || count > LIMITS.aclEntries) throw new WireError(`an ACL of ${count} entries`)
  for (let i = 0; i < count; i++) {
    const id = readVarint(c) >>> 0
    const bits = readVarint(c)
    const isUser = (bits & 2) !== 0
    entries.push({ id, isUser, perm: readPerm(bits >> 2) })
    if (bits & 1) named(isUser, id, c.latin1(c.u8()))
  }
  return { user, group, mask, other, named: entries }
}
function readPerm(perm: number): number {
  if (perm < 0 || perm > 7) throw new WireError(`permission ${perm} in an ACL`)
  return perm
}

/** @param nameOf the name to ride along with an id, or null */
export function writeAcl(
  w: Writer,
  acl: Acl,
  nameOf: (isUser: boolean, id: number) => string | null,
): void {
  const parts = [
    [FLAG.user, acl.user],
    [FLAG.group, acl.group],
    [FLAG.mask, acl.mask],
    [FLAG.other, acl.other],
  ] as const
  const hasNames = acl.named.length > 0
  w.u8(
    parts.reduce(
      (bits, [flag, perm]) => (perm === null ? bits : bits | flag),
      hasNames ? FLAG.named : 0,
    ),
  )
  for (const [, perm] of parts) if (perm !== null) writeVarint(w, perm)
  if (!hasNames) return
  writeVarint(w, acl.named.length)
  for (const { id, isUser, perm } of acl.named) {
    const name = nameOf(isUser, id)
    writeVarint(w, id)
    writeVarint(w, (perm << 2) | (isUser ? 2 : 0) | (name === null ? 0 : 1))
    if (name === null) continue
    w.u8(name.length)
    w.latin1(name)
  }
}

/** Equal ACLs have equal keys. */
export function aclKey(acl: Acl): string {
  const named = acl.named.map(({ id, isUser, perm }) => `${isUser ? 'u' : 'g'}${id}:${perm}`)
  return [acl.user, acl.group, acl.mask, acl.other, ...named].join(' ')
}
