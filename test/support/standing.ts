/** What lstat would tell of an entry that stands on disk just so. */
import { type Entry, sizeOf } from '../../lib/flist/entry.js'
import type { Standing } from '../../lib/host.js'

export function standingOf(entry: Entry, change: Partial<Standing> = {}): Standing {
  const device = entry.kind === 'character' || entry.kind === 'block'
  return {
    base: entry.base,
    kind: entry.kind,
    mode: entry.mode,
    size: sizeOf(entry),
    mtimeNs: entry.mtimeNs,
    ctimeNs: 0n,
    uid: entry.user.id,
    gid: entry.group.id,
    dev: 1n,
    ino: 1n,
    nlink: 1,
    major: device ? entry.major : 0,
    minor: device ? entry.minor : 0,
    ...change,
  }
}

/** A plain file of this name, size and time. */
export function standingFile(base: string, size = 1, mtimeNs = 0n): Standing {
  return {
    base,
    kind: 'file',
    mode: 0o644,
    size,
    mtimeNs,
    ctimeNs: 0n,
    uid: 0,
    gid: 0,
    dev: 1n,
    ino: 1n,
    nlink: 1,
    major: 0,
    minor: 0,
  }
}
