/** Attributes of an entry at the receiver: what differs, and giving what is wrong. Owners, modes, times, ACLs, extended ones. */
import { createHash } from 'node:crypto'
import type { ByteName } from '../base/byte-name.js'
import { codeOf } from '../base/errors.js'
import type { Trace } from '../base/trace.js'
import type { Xattr } from '../flist/entry.js'
import type { IdMap } from '../flist/id-map.js'
import type { WantedXattr } from '../flist/list-entry.js'
import { ACL_ACCESS, beyondMode, isAclName, mapAclIds } from '../flist/posix-acl.js'
import type { Attributes, Standing } from '../host.js'
import { differences, type Ids, isTimeKept, type Keeping, modeFor } from '../plan/compare.js'
import { ITEM } from '../plan/iflags.js'
import type { Entry } from './request.js'
import type { ReceivingTree, SourceTree } from './trees.js'

/** What stands there; of what was made just now the time is not known. */
type Now = Pick<Standing, 'uid' | 'gid' | 'mode'> & { readonly mtimeNs?: bigint }

export type AttributeRule = {
  readonly keeping: Keeping
  readonly userOf: IdMap
  readonly groupOf: IdMap
  /** May this user give files to that group? */
  readonly mayGroup: (gid: number) => boolean
  readonly acls: boolean
  /** Ids in ACLs are mapped as owners are, kept or not. */
  readonly mapsAcls: boolean
  readonly xattrs: boolean
  readonly isRoot: boolean
  /** Owners and modes are written down, not the system's. */
  readonly isFake: boolean
  /** An extended attribute that cannot be set or removed: the rest is done all the same. */
  readonly fault: (call: string, name: ByteName, error: unknown) => void
  readonly trace: Trace
}

export class AttributeWork {
  readonly #to: ReceivingTree
  readonly #rule: AttributeRule

  constructor(to: ReceivingTree, rule: AttributeRule) {
    this.#to = to
    this.#rule = rule
  }

  get keeping(): Keeping {
    return this.#rule.keeping
  }

  get isFake(): boolean {
    return this.#rule.isFake
  }

  ids(entry: Entry): Ids {
    const { keeping, userOf, groupOf, mayGroup } = this.#rule
    const gid = keeping.group ? groupOf(entry.stands.gid) : null
    return {
      uid: keeping.owner ? userOf(entry.stands.uid) : null,
      gid: gid !== null && mayGroup(gid) ? gid : null,
    }
  }

  /** Parameters as of `give`. */
  modeOf(entry: Entry, seen: Standing | null): number {
    return modeFor(entry, seen, this.#rule.keeping)
  }

  /** The bits for what differs. @param name what stands, of the same kind as the entry */
  differences(
    entry: Entry,
    tree: SourceTree,
    name: ByteName,
    seen: Standing,
    isTransfer: boolean,
  ): number {
    const { keeping, acls, xattrs } = this.#rule
    const atimeNs = keeping.atimes ? tree.atimeNs(name) : null
    let flags = differences(entry, seen, atimeNs, this.ids(entry), keeping, isTransfer)
    if (acls || xattrs) {
      const here = this.#xattrsOf(tree, name)
      const wanted = this.#wantedOf(entry, here)
      if (acls && entry.stands.kind !== 'symlink' && !areEqual(wanted, here, true))
        flags |= ITEM.acl
      if (xattrs && !areEqual(wanted, here, false)) flags |= ITEM.xattr
    }
    return flags
  }

  /**
   * Gives an entry's attributes to what stands under a name. @param seen what stood there before, whose mode may stay;
   * null: it is new @param now what stands there, to spare calls that change nothing; null: unknown @param flags what was
   * found to differ, likewise; null: it was not compared
   * What cannot be given is told, and the entry stands all the same.
   */
  give(
    entry: Entry,
    tree: SourceTree,
    name: ByteName,
    seen: Standing | null,
    now: Now | null,
    withTimes = true,
    flags: number | null = null,
  ): void {
    const { acls, xattrs, trace } = this.#rule
    const isLink = entry.stands.kind === 'symlink'
    const wanted = this.wanted(entry, seen, now, withTimes)
    const { uid, gid } = wanted
    if (trace.owned !== undefined) tellOwner(trace.owned, wanted, name, now ?? tree.stat(name))
    const isAlike = flags !== null && (flags & (ITEM.acl | ITEM.xattr)) === 0
    const hasOwner = uid === null && gid === null
    if ((!xattrs && !acls) || (isAlike && hasOwner))
      return void this.set(tree, name, isLink, wanted)
    // A change of owner takes capabilities away, which are extended attributes.
    if (!hasOwner && !this.set(tree, name, isLink, { ...NOTHING, uid, gid })) return
    this.giveXattrs(entry, tree, name)
    this.set(tree, name, isLink, { ...wanted, uid: null, gid: null })
  }
  /** Owner, times, mode. @returns false: one of them cannot be given, which is told, nor are those behind it */
  set(tree: SourceTree, name: ByteName, isLink: boolean, attributes: Attributes): boolean {
    try {
      this.#to.give(tree, name, isLink, attributes)
      return true
    } catch (error) {
      if (codeOf(error) === undefined) throw error
      const isHere = tree === this.#to.tree
      const shown = isHere ? name : (`${tree.path}/${name}` as ByteName)
      this.#rule.fault(refused(error, attributes), shown, error)
      return false
    }
  }
  /** To a backup what that has which it stands for. */
  giveLike(tree: SourceTree, name: ByteName, like: Standing): void {
    const { owner, group, times } = this.#rule.keeping
    this.set(tree, name, false, {
      uid: owner ? like.uid : null,
      gid: group ? like.gid : null,
      mode: like.mode,
      mtimeNs: times ? like.mtimeNs : null,
      atimeNs: null,
    })
  }

  /** What has to be given, but for ACLs and extended attributes. Parameters as of `give`. */
  wanted(entry: Entry, seen: Standing | null, now: Now | null, withTimes: boolean): Attributes {
    const { keeping } = this.#rule
    const { kind } = entry.stands
    const isLink = kind === 'symlink'
    const { uid, gid } = this.ids(entry)
    const mode = modeFor(entry, seen, keeping)
    const isOwned = now !== null && (uid ?? now.uid) === now.uid && (gid ?? now.gid) === now.gid
    const isUseKept = keeping.atimes && kind !== 'directory' && !(isLink && keeping.omitLinkTimes)
    const time = withTimes && isTimeKept(kind, keeping) ? entry.stands.mtimeNs : null
    return {
      uid: isOwned ? null : uid,
      gid: isOwned ? null : gid,
      // A change of owner clears setuid and setgid: the mode comes again.
      mode: now?.mode === mode && (isOwned || (mode & 0o6000) === 0) ? null : mode,
      mtimeNs: time !== null && now !== null && now.mtimeNs === time ? null : time,
      atimeNs: isUseKept ? entry.atimeNs : null,
    }
  }

  /** ACLs and extended attributes alone. Long values that are not here yet stay as they are. */
  giveXattrs(entry: Entry, tree: SourceTree, name: ByteName): void {
    const { acls, xattrs } = this.#rule
    const here = this.#xattrsOf(tree, name)
    const wanted = this.#wantedOf(entry, here)
    const values = new Map(here.map((x) => [x.name, x.value]))
    const kept = new Set(wanted.map((x) => x.name))
    const concerns = (x: Xattr): boolean => (isAcl(x) ? acls : xattrs)
    for (const x of here)
      if (concerns(x) && !kept.has(x.name))
        this.#attempt(`rsync_xal_clear: lremovexattr(${x.name})`, name, () =>
          this.#to.removeXattr(tree, name, x.name),
        )
    for (const x of wanted)
      if (concerns(x) && x.value !== UNKNOWN && values.get(x.name) !== x.value)
        this.#attempt(`rsync_xal_set: lsetxattr(${x.name})`, name, () =>
          this.#to.setXattr(tree, name, x),
        )
  }
  #attempt(call: string, name: ByteName, act: () => void): void {
    try {
      act()
    } catch (error) {
      if (codeOf(error) === undefined) throw error
      this.#rule.fault(call, name, error)
    }
  }

  /** Attributes of an entry of another machine, by their place from 1, whose values neither came nor are here. */
  missingXattrs(entry: Entry, tree: SourceTree, name: ByteName): readonly number[] {
    const here = tree.stat(name) === null ? [] : this.#xattrsOf(tree, name)
    return (entry.xattrs ?? [])
      .filter((x) => !isAcl(x))
      .flatMap((x, i) => (knownValue(x, here) === UNKNOWN ? [i + 1] : []))
  }

  #wantedOf(entry: Entry, here: readonly Xattr[]): readonly Xattr[] {
    if (entry.xattrs === undefined)
      return this.#xattrsOf(entry.origin.tree, entry.origin.name).map((x) =>
        isAcl(x) ? { name: x.name, value: this.#mappedAcl(x.value) } : x,
      )
    return entry.xattrs.map((x) => ({
      name: x.name,
      value: isAcl(x) ? this.#mappedAcl(x.value ?? '') : knownValue(x, here),
    }))
  }
  #mappedAcl(value: string): string {
    const { userOf, groupOf, mapsAcls } = this.#rule
    return mapsAcls ? mapAclIds(value, userOf, groupOf) : value
  }

  /** Those that are kept: ACLs, and what this user may set. */
  #xattrsOf(tree: SourceTree, name: ByteName): readonly Xattr[] {
    const { isRoot } = this.#rule
    return tree
      .xattrs(name)
      .filter(
        (x) => isAcl(x) || (isRoot ? !x.name.startsWith('system.') : x.name.startsWith('user.')),
      )
  }
}

function tellOwner(
  tell: NonNullable<Trace['owned']>,
  wanted: Attributes,
  name: ByteName,
  stands: Now | null,
): void {
  if (stands === null) return
  for (const what of ['uid', 'gid'] as const) {
    const to = wanted[what]
    if (to !== null && to !== stands[what]) tell(what, name, stands[what], to)
  }
}

/** What the system did not do. */
function refused(error: unknown, { uid }: Attributes): string {
  const call = error instanceof Error && 'syscall' in error ? String(error.syscall) : ''
  if (call.includes('chown')) return uid === null ? 'chgrp' : 'chown'
  if (call.includes('utime')) return 'failed to set times on'
  return call.includes('chmod') ? 'failed to set permissions on' : 'failed to set attributes on'
}

const NOTHING: Attributes = { uid: null, gid: null, mode: null, mtimeNs: null, atimeNs: null }

/** Stands for a value that has not come, and differs from all that could. */
const UNKNOWN = '\u{ffff}'

/** The value, or the one that is here, if it is the same: kept then, as what has it may be replaced, and others share it. */
function knownValue(wanted: WantedXattr, here: readonly Xattr[]): string {
  if (wanted.value !== null) return wanted.value
  const own = here.find((x) => x.name === wanted.name)?.value
  if (own === undefined || md5Of(own) !== wanted.digest) return UNKNOWN
  wanted.value = own
  return own
}
function md5Of(value: string): string {
  return createHash('md5').update(Buffer.from(value, 'latin1')).digest('binary')
}

function isAcl(x: { readonly name: string }): boolean {
  return isAclName(x.name)
}
function areEqual(a: readonly Xattr[], b: readonly Xattr[], acl: boolean): boolean {
  if (a.length === 0 && b.length === 0) return true
  const text = (list: readonly Xattr[]): string =>
    JSON.stringify(
      list
        .filter((x) => isAcl(x) === acl)
        .map((x) => [x.name, x.name === ACL_ACCESS ? beyondMode(x.value) : x.value])
        .filter(([name, value]) => name !== ACL_ACCESS || value !== ''),
    )
  return text(a) === text(b)
}
