/** POSIX ACLs as the kernel keeps them in `system.posix_acl_access` and `…_default`, one char per byte. acl(5); linux/posix_acl_xattr.h. */

/** Permissions are 0 … 7. */
export type NamedPermission = { readonly id: number; readonly permissions: number }
export type PosixAcl = {
  readonly userObject: number
  readonly users: readonly NamedPermission[]
  readonly groupObject: number
  readonly groups: readonly NamedPermission[]
  readonly mask: number | null
  readonly other: number
}

const TAG = { userObject: 1, user: 2, groupObject: 4, group: 8, mask: 16, other: 32 } as const
const VERSION = 2
const HEADER = 4
const ENTRY = 8
const NO_ID = 0xffffffff

/** Null for what no kernel gives. */
export function parsePosixAcl(value: string): PosixAcl | null {
  const bytes = Buffer.from(value, 'latin1')
  if (bytes.length < HEADER || (bytes.length - HEADER) % ENTRY !== 0) return null
  if (bytes.readUInt32LE(0) !== VERSION) return null
  const one = new Map<number, number>()
  const users: NamedPermission[] = []
  const groups: NamedPermission[] = []
  for (let at = HEADER; at < bytes.length; at += ENTRY) {
    const tag = bytes.readUInt16LE(at)
    const permissions = bytes.readUInt16LE(at + 2) & 7
    const id = bytes.readUInt32LE(at + 4)
    if (tag === TAG.user) users.push({ id, permissions })
    else if (tag === TAG.group) groups.push({ id, permissions })
    else one.set(tag, permissions)
  }
  return {
    userObject: one.get(TAG.userObject) ?? 0,
    users,
    groupObject: one.get(TAG.groupObject) ?? 0,
    groups,
    mask: one.get(TAG.mask) ?? null,
    other: one.get(TAG.other) ?? 0,
  }
}

/** In the order that the kernel asks for. */
export function formatPosixAcl(acl: PosixAcl): string {
  const entries: readonly (readonly [number, number, number])[] = [
    [TAG.userObject, acl.userObject, NO_ID],
    ...acl.users.map((u) => [TAG.user, u.permissions, u.id] as const),
    [TAG.groupObject, acl.groupObject, NO_ID],
    ...acl.groups.map((g) => [TAG.group, g.permissions, g.id] as const),
    ...(acl.mask === null ? [] : [[TAG.mask, acl.mask, NO_ID] as const]),
    [TAG.other, acl.other, NO_ID],
  ]
  const bytes = Buffer.alloc(HEADER + entries.length * ENTRY)
  bytes.writeUInt32LE(VERSION, 0)
  for (const [i, [tag, permissions, id]] of entries.entries()) {
    const at = HEADER + i * ENTRY
    bytes.writeUInt16LE(tag, at)
    bytes.writeUInt16LE(permissions, at + 2)
    bytes.writeUInt32LE(id, at + 4)
  }
  return bytes.toString('latin1')
}
