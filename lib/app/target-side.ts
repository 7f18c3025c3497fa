/** The receiving side's tree with all that works on it: deletions, backups, attributes, places of new files, decisions. rsync(1). */
import { ROOT_NAME } from '../base/byte-name.js'
import { FileError, SelectionError, UsageError } from '../base/errors.js'
import type { Trace } from '../base/trace.js'
import type { FilterRule } from '../flist/filter.js'
import { type IdMap, type Names, parseIdMap } from '../flist/id-map.js'
import { Destination } from '../io/destination.js'
import { FakeDestination } from '../io/fake-super.js'
import { libc } from '../io/libc.js'
import type { NameConverter } from '../io/name-converter.js'
import { confinedTo, kindOfPath } from '../io/operator.js'
import type { Options } from '../options/options.js'
import type { EqualSums } from '../rsync/already-there.js'
import { AttributeWork } from '../rsync/attributes.js'
import { Backup } from '../rsync/backup.js'
import { ConvertedReceiver } from '../rsync/converted-trees.js'
import { Deleter } from '../rsync/deleter.js'
import { Generator } from '../rsync/generator.js'
import type { GeneratorEvents } from '../rsync/ground.js'
import { Placing } from '../rsync/placing.js'
import type { Transfer } from '../rsync/request.js'
import type { ReceivingTree } from '../rsync/trees.js'
import type { SyncCharsets } from './sync-charsets.js'
import type { SyncEvents, Troubles } from './sync-events.js'
import { filterOf, protecting } from './sync-filters.js'
import { seenFrom, type TargetPlace } from './target-place.js'

export type TargetParts = {
  readonly options: Options
  readonly place: TargetPlace
  readonly filters: readonly FilterRule[]
  readonly trusted: (path: string) => string
  readonly troubles: Troubles
  /** Owners on the sender's machine; null: they are taken by number. */
  readonly names: { readonly users: Names; readonly groups: Names } | null
  /** Who is who here. */
  readonly accounts: Accounts
  /** Times come in whole seconds. */
  readonly wholeSeconds: boolean
  /** --fake-super is for this side. */
  readonly isFake: boolean
  /** --iconv: names here are others than in the list. */
  readonly charsets?: Pick<SyncCharsets, 'toDestination' | 'toSource'> | null
  readonly events: Pick<
    SyncEvents,
    | 'deleting'
    | 'nonEmpty'
    | 'backedUp'
    | 'remark'
    | 'unread'
    | 'notDeleting'
    | 'noAlternate'
    | 'backupDirectory'
    | 'trace'
  >
}

export class TargetSide {
  readonly #parts: TargetParts
  readonly to: ReceivingTree
  readonly #disk: Destination
  readonly #renamed: ConvertedReceiver | null
  readonly deleter: Deleter
  readonly attributes: AttributeWork
  readonly placing: Placing

  constructor(parts: TargetParts) {
    const { place, trusted, filters, events, charsets } = parts
    const options = withPathsAt(place, parts.options)
    this.#parts = { ...parts, options }
    const { trace } = events
    trace.changedDirectory?.('Receiver', place.directory)
    const Kind = parts.isFake ? FakeDestination : Destination
    const view = {
      followsLinks: options.keepDirlinks || options.ignoreExisting,
      staysWithin: !options.insecureLinks,
      keepsAtime: options.openNoAtime,
      ...{ trusted, root: confinedTo(options) },
    }
    try {
      this.#disk = new Kind(place.directory, view)
    } catch (error) {
      if (!(error instanceof FileError)) throw error
      throw new SelectionError(error.message, { cause: error })
    }
    this.#renamed = charsets
      ? new ConvertedReceiver(this.#disk, charsets.toDestination, charsets.toSource)
      : null
    const to: ReceivingTree = this.#renamed ?? this.#disk
    this.to = to
    try {
      this.#checkOthers()
    } catch (error) {
      this.#disk.close()
      throw error
    }
    this.attributes = this.#attributes()
    this.deleter = new Deleter(
      to,
      filterOf(options, rulesFor(options, filters), 'receiver', to.tree.path, trace),
      this.#backup(),
      {
        trace,
        deleting: (name, isDirectory) => events.deleting(name, isDirectory),
        nonEmpty: (name) => events.nonEmpty(name),
        fault: this.fault,
      },
      { dryRun: options.dryRun, most: options.maxDelete, isRoot: this.#isRoot },
    )
    this.placing = new Placing({
      options,
      to,
      attributes: this.attributes,
      deleter: this.deleter,
      fault: this.fault,
      trace,
    })
  }

  /** Null: what is replaced or deleted is gone. */
  #backup(): Backup | null {
    const { options, events } = this.#parts
    if (!options.backup) return null
    return new Backup({
      to: this.to,
      directory: options.backupDir,
      suffix: options.suffix,
      acls: options.acls,
      attributes: this.attributes,
      deleting: (name, isDirectory) => events.deleting(name, isDirectory),
      backedUp: (name, kept) => {
        events.trace.backedUp?.(name)
        events.backedUp(name, kept)
      },
    })
  }

  /** Directories that options name. @throws {FileError} {UsageError} on those that nothing may be written to */
  #checkOthers(): void {
    const { options, trusted, troubles, events } = this.#parts
    const { tempDir, backupDir, partialDir, alternates } = options
    // Where links lead may change: it is looked at again when they are used.
    const isInEach = partialDir !== null && !partialDir.startsWith('/')
    for (const path of [tempDir, backupDir, isInEach ? null : partialDir])
      if (path !== null) trusted(this.#path(path))
    if (backupDir !== null) {
      const kind = kindOfPath(this.#path(backupDir))
      if (kind === 'other') throw new UsageError(`The backup-dir is not a directory: ${backupDir}`)
      events.backupDirectory(backupDir, kind === 'nothing')
    }
    if (tempDir !== null && this.to.other(tempDir) === null)
      throw new UsageError(`The temp-dir does not exist: ${tempDir}`)
    for (const path of alternates?.directories ?? []) {
      try {
        trusted(path)
      } catch (error) {
        troubles.receiver(`--${alternates?.kind ?? ''}-dest`, path, error)
        continue
      }
      const kind = kindOfPath(path)
      if (kind !== 'directory') events.noAlternate(alternates?.kind ?? 'link', path, kind)
    }
  }
  #path(path: string): string {
    const { directory } = this.#parts.place
    return path.startsWith('/') ? path : `${directory === '/' ? '' : directory}/${path}`
  }

  get isNew(): boolean {
    return this.#parts.place.isNew
  }

  close(): void {
    this.#disk.close()
  }

  readonly fault = (call: string, name: string, error: unknown): void =>
    this.#parts.troubles.receiver(call, this.#whole(name), error)
  #whole(name: string): string {
    const { path } = this.to.tree
    // In another directory that an option names.
    if (name.startsWith('/')) return name
    return name === ROOT_NAME ? path : `${path === '/' ? '' : path}/${name}`
  }

  mayDelete(): boolean {
    const { place, troubles, options, events } = this.#parts
    // What comes alone goes beside others, which are none of its business.
    if (place.localName !== null) return false
    if (!troubles.isUnsafe || options.ignoreErrors) return true
    events.notDeleting()
    return false
  }

  generator(how: {
    readonly transfer: Transfer
    readonly equalSums: EqualSums
    readonly events: Pick<GeneratorEvents, 'item' | 'settled' | 'waits'>
  }): Generator {
    const { options, place, troubles, events } = this.#parts
    return new Generator({
      options,
      to: this.to,
      attributes: this.attributes,
      deleter: this.deleter,
      transfer: how.transfer,
      equalSums: how.equalSums,
      forgetPartial: (name) => this.placing.forgetPartial(name),
      events: {
        ...how.events,
        remark: (what, entry, name) => {
          if (what === 'in-the-way') troubles.faults++
          events.remark(what, entry, name)
        },
        fault: this.fault,
        unread: (name, error) => events.unread(this.#whole(name), error),
        trace: events.trace,
      },
      localName:
        place.localName === null
          ? null
          : (this.#renamed?.nameInList(place.localName) ?? place.localName),
      isUnmade: place.unmade !== null,
      isRoot: this.#isRoot,
      mayMakeDevices: options.superUser ?? this.#isRoot,
    })
  }

  /** --fake-super makes everybody one. */
  get #isRoot(): boolean {
    return this.#parts.isFake || process.geteuid?.() === 0
  }

  #attributes(): AttributeWork {
    const { options, names, accounts, wholeSeconds, events } = this.#parts
    const { trace } = events
    const mayOwn = options.superUser ?? this.#isRoot
    const { usermap, groupmap, numericIds } = options
    const userOf = idMap(usermap, 'usermap', names?.users ?? null, accounts.users, numericIds)
    const groupOf = idMap(groupmap, 'groupmap', names?.groups ?? null, accounts.groups, numericIds)
    const groups = new Set([process.getegid?.(), ...(process.getgroups?.() ?? [])])
    return new AttributeWork(this.to, {
      keeping: { ...options, owner: options.owner && mayOwn, umask: process.umask(), wholeSeconds },
      userOf: toldOnce('uid', userOf, names?.users ?? accounts.users, trace.mapped),
      groupOf: toldOnce('gid', groupOf, names?.groups ?? accounts.groups, trace.mapped),
      mayGroup: (gid) => mayOwn || groups.has(gid),
      acls: options.acls,
      mapsAcls: !numericIds && (names !== null || usermap !== null || groupmap !== null),
      xattrs: options.xattrs > 0,
      isRoot: this.#isRoot,
      isFake: this.#parts.isFake,
      fault: this.fault,
      trace,
    })
  }
}

/** Other directories are seen from the one that is written, which a dry run may not open; that of backups is told without its slash. */
function withPathsAt(place: TargetPlace, options: Options): Options {
  const backupDir = options.backupDir?.replace(/(?<=.)\/$/, '') ?? null
  const { alternates } = options
  if (alternates === null) return { ...options, backupDir }
  const directories = alternates.directories.map((path) => seenFrom(place, path))
  return { ...options, backupDir, alternates: { ...alternates, directories } }
}

/** Each id is told when it is first met. */
function toldOnce(what: 'uid' | 'gid', map: IdMap, local: Names, told: Trace['mapped']): IdMap {
  if (told === undefined) return map
  const seen = new Set<number>()
  return (id) => {
    const to = map(id)
    if (!seen.has(id)) told(what, id, local.name(id), to)
    seen.add(id)
    return to
  }
}

/** Backups beside the files are not extraneous. */
function rulesFor(options: Options, filters: readonly FilterRule[]): readonly FilterRule[] {
  const { backup, backupDir, deleting, deleteExcluded, suffix } = options
  const isProtected = backup && backupDir === null && deleting !== null && !deleteExcluded
  return isProtected ? [...filters, ...protecting(suffix)] : filters
}

export type Accounts = { readonly users: Names; readonly groups: Names }
export const LOCAL_ACCOUNTS: Accounts = {
  users: { name: (id) => libc().userName(id), id: (name) => libc().userId(name) },
  groups: { name: (id) => libc().groupName(id), id: (name) => libc().groupId(name) },
}
/** As a program says: rsyncd.conf(5), name converter. */
export function convertedAccounts(converter: NameConverter): Accounts {
  const names = (byId: 'uid' | 'gid', byName: 'usr' | 'grp'): Names => ({
    name: (id) => converter.ask(byId, String(id)),
    id: (name) => {
      const said = converter.ask(byName, name)
      if (said === null || !/^\d{1,10}$/.test(said)) return null
      // Above it the kernel would take another number, 2^32 for root; the last one is none.
      return Number(said) < 0xffff_ffff ? Number(said) : null
    },
  })
  return { users: names('uid', 'usr'), groups: names('gid', 'grp') }
}
const NOBODY: Names = { name: () => null, id: () => null }
/** Numbers are all that counts. */
export const NO_ACCOUNTS: Accounts = { users: NOBODY, groups: NOBODY }

/** @param sender whose numbers they are; null: of this machine */
function idMap(
  text: string | null,
  option: string,
  sender: Names | null,
  local: Names,
  isNumeric: boolean,
): IdMap {
  const otherwise = byName(sender, local)
  if (text === null) return otherwise
  // With --numeric-ids nobody has a name for the left side of a rule.
  const { name } = isNumeric ? NOBODY : (sender ?? local)
  return parseIdMap(text, option, { name, id: local.id }, otherwise)
}
/** Who has the same name here; who has none keeps the number. Root is root. */
function byName(sender: Names | null, local: Names): IdMap {
  if (sender === null) return (id) => id
  const known = new Map<number, number>()
  return (id) => {
    const before = known.get(id)
    if (before !== undefined) return before
    const name = id === 0 ? null : sender.name(id)
    const to = (name === null ? null : local.id(name)) ?? id
    // Names of an incremental list come as it comes.
    if (name !== null || id === 0) known.set(id, to)
    return to
  }
}
