/**
 * POSIX ACLs: the kernel's extended attribute ↔ what a file list says, which leaves out what the mode says already.
 * prsync-protocol(7), ACLs; acl(5); linux/posix_acl_xattr.h.
 */
import type { Cursor, Writer } from '../base/bytes.js'
import { WireError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { type Acl, formatAcl, type NamedPermission, NO_ACL, parseAcl } from '../flist/posix-acl.js'
import { readVarint, writeVarint } from './ints.js'

export type AclKind = 'access' | 'default'
const FLAG = { user: 1, group: 2, mask: 4, other: 8, named: 0x10 } as const

/** What goes over the wire of an ACL; null: there is none. */
export function strippedAcl(value: string | null, kind: AclKind, mode: number): Acl {
  const acl = value === null ? null : parseAcl(value)
  if (acl === null) return NO_ACL
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
    return formatAcl({
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
  return formatAcl({
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
  const entries: NamedPermission[] = []
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
