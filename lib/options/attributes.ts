/** What of an entry is kept besides its bytes, and how owners are found: options of attributes. rsync(1). */
import type { Flags } from './flags.js'

export type AttributeOptions = {
  readonly perms: boolean
  readonly executability: boolean
  readonly owner: boolean
  readonly group: boolean
  readonly times: boolean
  /** Times of last use are kept. */
  readonly atimes: boolean
  /** Files are opened without changing it: --open-noatime, -UU. */
  readonly openNoAtime: boolean
  readonly omitDirTimes: boolean
  readonly omitLinkTimes: boolean
  readonly acls: boolean
  readonly xattrs: number
  readonly hardLinks: boolean
  readonly devices: boolean
  readonly specials: boolean
  readonly dropDevices: boolean
  readonly chmod: readonly string[]
  readonly usermap: string | null
  readonly groupmap: string | null
  readonly numericIds: boolean
  /** `USER[:GROUP]` that the copying is done as; null: as who we are. */
  readonly copyAs: string | null
  /** Null: as root, or not. */
  readonly superUser: boolean | null
  readonly fakeSuper: boolean
  /** The same of the destination of a local copy, which -M speaks to. */
  readonly fakeSuperThere: boolean
}

/** @param receiver what the receiving side is told, which may be more */
export function attributeOptions(flags: Flags, receiver: Flags): AttributeOptions {
  const owner = isMapped(flags, ['owner', 'archive', 'usermap'], 0)
  const group = isMapped(flags, ['group', 'archive', 'groupmap'], 1)
  return {
    perms: flags.lastButOff(['perms', 'archive', 'acls'], 'acls'),
    executability: flags.on('executability'),
    owner,
    group,
    times: flags.last(['times', 'archive']),
    atimes: flags.count('atimes') > 0,
    openNoAtime: flags.on('open-noatime') || flags.count('atimes') > 1,
    // Backups beside the files change the times of directories anyway.
    omitDirTimes:
      flags.on('omit-dir-times') || (flags.on('backup') && flags.text('backup-dir') === null),
    omitLinkTimes: flags.on('omit-link-times'),
    acls: flags.on('acls'),
    xattrs: Math.min(2, flags.count('xattrs')),
    hardLinks: flags.on('hard-links'),
    devices: flags.last(['devices', 'D', 'archive']),
    specials: flags.last(['specials', 'D', 'archive']),
    dropDevices: flags.on('drop-D'),
    chmod: flags.texts('chmod'),
    usermap: owner ? ownerMap(flags, 'usermap', 0) : null,
    groupmap: group ? ownerMap(flags, 'groupmap', 1) : null,
    numericIds: flags.on('numeric-ids'),
    copyAs: flags.text('copy-as'),
    superUser: superUser(receiver),
    fakeSuper: isFakeSuper(flags),
    fakeSuperThere: isFakeSuper(receiver),
  }
}

/** A map asks for owners to be kept where it stands: the last that was said decides. */
function isMapped(flags: Flags, names: readonly string[], part: 0 | 1): boolean {
  const said = flags.all.findLast(
    ({ name, value }) =>
      names.includes(name) || (name === 'chown' && (value?.split(':')[part] ?? '') !== ''),
  )
  return said?.on ?? false
}

/** `--chown USER:GROUP` is a map of everybody. */
function ownerMap(flags: Flags, name: 'usermap' | 'groupmap', part: 0 | 1): string | null {
  const to = flags.texts('chown').map((chown) => chown.split(':')[part] ?? '')
  const everybody = to.findLast((id) => id !== '')
  return flags.text(name) ?? (everybody === undefined ? null : `*:${everybody}`)
}

function superUser(flags: Flags): boolean | null {
  const last = flags.lastOf(SUPER)
  return last?.name === 'super' ? last.on : null
}
/** The last that is said decides. */
function isFakeSuper(flags: Flags): boolean {
  return flags.lastOf(SUPER)?.name === 'fake-super'
}
const SUPER = ['super', 'fake-super']
