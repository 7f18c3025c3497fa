/**
 * What only root may keep, in extended attributes that anybody may set: `user.rsync.%stat` for owner, kind, mode and device,
 * `…%aacl` and `…%dacl` for ACLs, `user.rsync.NAME` for attributes of other kinds. rsync(1) --fake-super, as 3.5.0 writes them.
 */
import { FileError } from '../base/errors.js'
import type { FileKind, Standing } from '../host.js'
import type { Xattr } from './entry.js'
import { ACL_ACCESS, ACL_DEFAULT, formatAcl, type NamedPermission, parseAcl } from './posix-acl.js'

export const FAKE_STAT = 'user.rsync.%stat'
const FAKE_ACCESS = 'user.rsync.%aacl'
const FAKE_DEFAULT = 'user.rsync.%dacl'
const FAKE = 'user.rsync.'
const OTHER_KIND = /^user\.rsync\.(security|trusted)\./

export type FakeStat = Pick<Standing, 'kind' | 'mode' | 'uid' | 'gid' | 'major' | 'minor'>

// A Map: keys of an object literal lose their octal meaning to formatters.
const TYPES: ReadonlyMap<FileKind, number> = new Map([
  ['fifo', 0o010000],
  ['character', 0o020000],
  ['directory', 0o040000],
  ['block', 0o060000],
  ['file', 0o100000],
  ['symlink', 0o120000],
  ['socket', 0o140000],
])
const KINDS = new Map([...TYPES].map(([kind, type]) => [type, kind]))

/** `100644 0,0 1000:1000`: mode in octal, device, owner. */
export function formatFakeStat(stat: FakeStat): string {
  const mode = (TYPES.get(stat.kind) ?? 0) | stat.mode
  return `${mode.toString(8)} ${stat.major},${stat.minor} ${stat.uid}:${stat.gid}`
}

/** @throws {FileError} */
export function parseFakeStat(text: string): FakeStat {
  const match = /^([0-7]{1,7}) (\d{1,10}),(\d{1,10}) (\d{1,10}):(\d{1,10})$/.exec(text)
  const [, octal = '', major, minor, uid, gid] = match ?? []
  const mode = Number.parseInt(octal, 8)
  const kind = KINDS.get(mode & 0o170000)
  if (match === null || kind === undefined) throw new FileError(`Corrupt %stat: ${text}`)
  return {
    kind,
    mode: mode & 0o7777,
    uid: Number(uid),
    gid: Number(gid),
    major: Number(major),
    minor: Number(minor),
  }
}

/** Of the file that stands for it: never setuid, always open to its owner. */
export function modeBeneath(kind: FileKind, mode: number): number {
  return (mode & 0o777) | (kind === 'directory' ? 0o700 : 0o600)
}

// ---- extended attributes -------------------------------------------------------------------------

/** As it is kept. */
export function faked(x: Xattr): Xattr {
  if (x.name === ACL_ACCESS) return { name: FAKE_ACCESS, value: encodeFakeAcl(x.value, true) }
  if (x.name === ACL_DEFAULT) return { name: FAKE_DEFAULT, value: encodeFakeAcl(x.value, false) }
  return { name: fakedName(x.name), value: x.value }
}
/** The name alone, of one that goes. */
export function fakedName(name: string): string {
  if (name === ACL_ACCESS) return FAKE_ACCESS
  if (name === ACL_DEFAULT) return FAKE_DEFAULT
  return name.startsWith('user.') ? name : FAKE + name
}
/** As it was. @param mode of the file @returns null for what is no attribute of it, but says something about it */
export function unfaked(x: Xattr, mode: number): Xattr | null {
  if (x.name === FAKE_ACCESS) return { name: ACL_ACCESS, value: decodeFakeAcl(x.value, mode) }
  if (x.name === FAKE_DEFAULT) return { name: ACL_DEFAULT, value: decodeFakeAcl(x.value, null) }
  if (x.name.startsWith(`${FAKE}%`) || x.name.startsWith('system.')) return null
  // What some user put there by such a name stays what it is.
  return OTHER_KIND.test(x.name) ? { name: x.name.slice(FAKE.length), value: x.value } : x
}

// ---- ACLs: four bases, then named users and groups -----------------------------------------------

/** The mode says it already, or it is not there. */
const NO_ENTRY = 0x80
const IS_USER = 0x80000000
const BASE = 16
const NAMED = 8

/** What an access ACL has in common with its mode is left out. */
function encodeFakeAcl(value: string, isAccess: boolean): string {
  const acl = parseAcl(value)
  if (acl === null) return ''
  const bytes = Buffer.alloc(BASE + acl.named.length * NAMED)
  // With a mask, it is what the mode shows as the group's.
  const isShown = isAccess && (acl.mask === null || acl.mask === acl.group)
  bytes.writeUInt32LE((isAccess ? null : acl.user) ?? NO_ENTRY, 0)
  bytes.writeUInt32LE((isShown ? null : acl.group) ?? NO_ENTRY, 4)
  bytes.writeUInt32LE(acl.mask ?? NO_ENTRY, 8)
  bytes.writeUInt32LE((isAccess ? null : acl.other) ?? NO_ENTRY, 12)
  for (const [i, { id, isUser, perm }] of acl.named.entries()) {
    bytes.writeUInt32LE(id, BASE + i * NAMED)
    bytes.writeUInt32LE(isUser ? perm + IS_USER : perm, BASE + i * NAMED + 4)
  }
  return bytes.toString('latin1')
}

/** @param mode what is left out; null: nothing is, of a default ACL @throws {FileError} */
function decodeFakeAcl(value: string, mode: number | null): string {
  const bytes = Buffer.from(value, 'latin1')
  if (bytes.length < BASE || (bytes.length - BASE) % NAMED !== 0)
    throw new FileError('Corrupt ACL of --fake-super')
  const base = (at: number, shift: number): number => {
    const permissions = bytes.readUInt32LE(at)
    return permissions === NO_ENTRY ? ((mode ?? 0) >> shift) & 7 : permissions & 7
  }
  const named: NamedPermission[] = []
  for (let at = BASE; at < bytes.length; at += NAMED) {
    const access = bytes.readUInt32LE(at + 4)
    named.push({ id: bytes.readUInt32LE(at), isUser: access >= IS_USER, perm: access & 7 })
  }
  const mask = bytes.readUInt32LE(8)
  return formatAcl({
    user: base(0, 6),
    group: base(4, 3),
    mask: mask === NO_ENTRY ? null : mask & 7,
    named,
    other: base(12, 0),
  })
}
