/** POSIX ACLs as the kernel keeps them in extended attributes, one char per byte. acl(5); linux/posix_acl_xattr.h. */
import { latin1Of, Writer } from '../base/bytes.js'

export const ACL_ACCESS = 'system.posix_acl_access'
export const ACL_DEFAULT = 'system.posix_acl_default'

export function isAclName(name: string): boolean {
  return name === ACL_ACCESS || name === ACL_DEFAULT
}

/** Permissions are 0 … 7. */
export type NamedPermission = {
  readonly id: number
  readonly isUser: boolean
  readonly perm: number
}
/** Null: not there. */
export type Acl = {
  readonly user: number | null
  readonly group: number | null
  readonly mask: number | null
  readonly other: number | null
  readonly named: readonly NamedPermission[]
}
export const NO_ACL: Acl = { user: null, group: null, mask: null, other: null, named: [] }

const VERSION = 2
const TAG = { userObject: 1, user: 2, groupObject: 4, group: 8, mask: 16, other: 32 } as const
const HEADER = 4
const ENTRY = 8
const NO_ID = 0xffffffff

/** Null for what no kernel gives. */
export function parseAcl(value: string): Acl | null {
  const bytes = Buffer.from(value, 'latin1')
  if (bytes.length < HEADER || (bytes.length - HEADER) % ENTRY !== 0) return null
  if (bytes.readUInt32LE(0) !== VERSION) return null
  let { user, group, mask, other } = NO_ACL
  const named: NamedPermission[] = []
  for (let at = HEADER; at < bytes.length; at += ENTRY) {
    const tag = bytes.readUInt16LE(at)
    const perm = bytes.readUInt16LE(at + 2) & 7
    const id = bytes.readUInt32LE(at + 4)
    if (tag === TAG.userObject) user = perm
    else if (tag === TAG.groupObject) group = perm
    else if (tag === TAG.mask) mask = perm
    else if (tag === TAG.other) other = perm
    else if (tag === TAG.user || tag === TAG.group)
      named.push({ id, isUser: tag === TAG.user, perm })
    else return null
  }
  return { user, group, mask, other, named }
}

/** In the order that the kernel asks for: named entries by their ids, each id once. */
export function formatAcl(acl: Acl): string {
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
    for (const [i, { id, perm }] of entries.entries())
      if (id !== entries[i - 1]?.id) put(isUser ? TAG.user : TAG.group, perm, id)
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
  const acl = parseAcl(value)
  if (acl === null) return value
  const named = acl.named.map((entry) => ({
    ...entry,
    id: entry.isUser ? user(entry.id) : group(entry.id),
  }))
  return formatAcl({ ...acl, named })
}

/**
 * What an access ACL says beyond the permission bits of its file: entries that a chmod does not reach. Two files whose modes
 * are equal have equal ACLs if this is equal; empty: nothing.
 */
export function beyondMode(value: string): string {
  const acl = parseAcl(value)
  if (acl === null) return value
  if (acl.mask === null && acl.named.length === 0) return ''
  // Without a mask the group's bits are those of the mode.
  return formatAcl({ ...NO_ACL, group: acl.mask === null ? null : acl.group, named: acl.named })
}
