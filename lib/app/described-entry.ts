/** What is told of a source's entry on the wire besides what the list of this machine has: names of owners, sums, attributes. */
import type { Charset } from '../flist/charset.js'
import { isAclName } from '../flist/posix-acl.js'
import type { Options } from '../options/options.js'
import type { SourceEntry } from '../rsync/source-node.js'
import type { WireEntry, WireXattr } from '../wire/file-entry.js'
import { has, type Terms } from '../wire/terms.js'
import type { Accounts } from './target-side.js'
import { entryToWire } from './wire-charset.js'
import type { SourceSums } from './wire-sums.js'

export type OwnerNames = { user(id: number): string | null; group(id: number): string | null }

/** Names of this machine, each looked up once. */
export function ownerNames({ numericIds }: Options, { users, groups }: Accounts): OwnerNames {
  const once = (find: (id: number) => string | null): ((id: number) => string | null) => {
    const known = new Map<number, string | null>()
    return (id) => {
      const before = known.get(id)
      if (before !== undefined) return before
      const name = numericIds ? null : find(id)
      known.set(id, name)
      return name
    }
  }
  return { user: once(users.name), group: once(groups.name) }
}

export type DescriberParts = {
  readonly options: Options
  readonly terms: Terms
  /** --iconv: names here; null: they go as they are. */
  readonly charset: Charset | null
}

export function describer(
  { options, terms, charset }: DescriberParts,
  names: OwnerNames,
  sums: SourceSums | null,
): (entry: SourceEntry, isTop: boolean) => WireEntry {
  const targets = has(terms, 'symlinkIconv')
  const wantsXattrs = options.xattrs > 0 || options.acls
  return (entry, isTop) => {
    const { stands } = entry
    // Field by field: a copy of all of them costs as much as looking at the file.
    const told = {
      name: entry.name,
      stands,
      mode: entry.mode,
      target: entry.target,
      atimeNs: entry.atimeNs,
      link: entry.link,
      isBare: entry.isBare,
      isMissing: entry.isMissing,
      isTop,
      userName: names.user(stands.uid),
      groupName: names.group(stands.gid),
      sum: stands.kind === 'file' ? (sums?.take(entry) ?? null) : null,
      xattrs: wantsXattrs ? xattrsOf(entry) : NO_XATTRS,
    }
    return charset === null ? told : entryToWire(charset, told, targets)
  }
}
const NO_XATTRS: readonly WireXattr[] = []

function xattrsOf({ origin }: SourceEntry): readonly WireXattr[] {
  const isRoot = process.geteuid?.() === 0
  const found = origin.tree.xattrs(origin.name)
  const isSent = (name: string): boolean =>
    !name.startsWith('user.rsync.%') &&
    (isRoot ? !name.startsWith('system.') : name.startsWith('user.'))
  const plain = found.filter(({ name }) => isSent(name))
  const acls = found.filter(({ name }) => isAclName(name))
  return [...plain, ...acls].map(({ name, value }) => ({
    name,
    value,
    length: value.length,
    digest: '',
  }))
}
/** A long value that is asked for; empty where it is gone. */
export function xattrValue(entry: SourceEntry, item: number): string {
  return xattrsOf(entry).filter(({ name }) => !name.startsWith('system.'))[item - 1]?.value ?? ''
}
