/** POSIX ACLs as the kernel gives them: `system.posix_acl_access`, one char per byte. acl(5); linux/posix_acl_xattr.h. */

const TAG = { userObject: 0x01, groupObject: 0x04, mask: 0x10, other: 0x20 } as const
const HEADER = 4
const ENTRY = 8

/**
 * What an access ACL says beyond the permission bits of its file: entries that a chmod does not reach. Two files whose modes
 * are equal have equal ACLs if this is equal.
 */
export function beyondMode(value: string): string {
  const bytes = Buffer.from(value, 'latin1')
  const kept: string[] = []
  let hasMask = false
  for (let at = HEADER; at + ENTRY <= bytes.length; at += ENTRY)
    hasMask ||= bytes.readUInt16LE(at) === TAG.mask
  for (let at = HEADER; at + ENTRY <= bytes.length; at += ENTRY) {
    const tag = bytes.readUInt16LE(at)
    if (tag === TAG.userObject || tag === TAG.other || tag === TAG.mask) continue
    // Without a mask the group's bits are those of the mode.
    if (tag === TAG.groupObject && !hasMask) continue
    kept.push(value.slice(at, at + ENTRY))
  }
  return kept.join('')
}
