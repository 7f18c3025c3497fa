/**
 * A copy in rsync's place between two directories of this machine: the sender's list, the receiver's decisions and the bytes in
 * one. rsync(1). What happens is told by events; only `cli` makes words of them.
 */
import { type ByteName, baseOf, byteName, directoryOf, ROOT_NAME } from '../base/byte-name.js'
import { codeOf, EXIT, type ExitCode, FileError, PrsyncError, UsageError } from '../base/errors.js'
import { atOnce } from '../base/steps.js'
import { parseChmod } from '../flist/chmod.js'
import type { FilterRule } from '../flist/filter.js'
import { type IdMap, parseIdMap } from '../flist/id-map.js'
import { openCopyPool } from '../io/copy-pool.js'
import { Destination } from '../io/destination.js'
import { equalFiles } from '../io/equal-files.js'
import { FakeDestination, FakeTree } from '../io/fake-super.js'
import { libc } from '../io/libc.js'
import { openLook, openLookPool } from '../io/look-pool.js'
import { kindOfPath, makePath, readNamed, realPath, trustedPath } from '../io/operator.js'
import { DiskTree } from '../io/tree.js'
import type { Options } from '../options/options.js'
import { ITEM } from '../plan/iflags.js'
import { AttributeWork } from '../rsync/attributes.js'
import { Backup } from '../rsync/backup.js'
import { ConvertedReceiver } from '../rsync/converted-trees.js'
import { CopyCrew } from '../rsync/copy-crew.js'
import { Deleter } from '../rsync/deleter.js'
import { type Entry, Generator, type GeneratorEvents } from '../rsync/generator.js'
import type { LocalDelta } from '../rsync/local-delta.js'
import { LocalTransfer, type TransferEvents } from '../rsync/local-transfer.js'
import { Pace } from '../rsync/pace.js'
import {
  countLinks,
  isListed,
  pathOf,
  type SourceDirectory,
  type SourceEvents,
  SourceList,
} from '../rsync/source-list.js'
import type { ReceivingTree } from '../rsync/trees.js'
import { Unchanged } from '../rsync/unchanged.js'
import { Walk } from '../rsync/walk.js'

import type { SyncCharsets } from './sync-charsets.js'
import { filterOf, protecting, readFilters } from './sync-filters.js'
import { namesOf, type SourcePlace, sourcePlace } from './sync-places.js'

export type SyncConfig = {
  readonly options: Options
  /** Paths as given, one char per byte. */
  readonly sources: readonly string[]
  /** Null: the sources are listed. */
  readonly destination: string | null
}

/** How far the copy is in its list. */
export type Passed = { readonly passed: number; readonly listed: number }

export type SyncEvents = Pick<GeneratorEvents, 'item' | 'remark'> &
  Pick<TransferEvents, 'began' | 'retried'> &
  Pick<SourceEvents, 'skipped'> & {
    /** The list is made: all of it where that is known before the copy, else what was named. @param bytes of its files */
    counted(entries: number, bytes: number): void
    /** Whatever comes next is done to the destination. */
    started(): void
    /** Of the file that began. */
    moved(bytes: number): void
    ended(entry: Entry, at: Passed): void
    deleting(name: ByteName, isDirectory: boolean): void
    nonEmpty(name: ByteName): void
    backedUp(name: ByteName, to: string): void
    removed(name: ByteName): void
    /** @param side which end it was */
    fault(
      side: 'sender' | 'receiver' | 'generator',
      call: string,
      path: string,
      error: unknown,
    ): void
    vanished(path: string): void
    missing(path: string): void
    /** @param directories how many it took */
    madeDestination(path: string, directories: number): void
    /** The source could not be read in full: what is extraneous stays. */
    notDeleting(): void
    /** --list-only. */
    listed(entry: Entry): void
  }

export type Counts = {
  readonly file: number
  readonly directory: number
  readonly symlink: number
  readonly device: number
  readonly special: number
}
export type SyncReport = {
  readonly listed: Counts
  readonly created: Counts
  readonly deleted: Counts
  /** Regular files whose bytes came. */
  readonly transferred: number
  readonly transferredBytes: number
  readonly totalBytes: number
  readonly literal: number
  readonly matched: number
  /** Of the names in the list, each without its directory's. */
  readonly nameBytes: number
  readonly refusedDeletions: number
  readonly exit: ExitCode
}

const NO_COUNTS: Counts = { file: 0, directory: 0, symlink: 0, device: 0, special: 0 }

/** @throws {PrsyncError} on what ends a run before it began */
export async function sync(
  config: SyncConfig,
  events: SyncEvents,
  signal: AbortSignal,
): Promise<SyncReport> {
  const run = new SyncRun(config, events)
  try {
    return await run.run(signal)
  } finally {
    await run.close()
  }
}

class SyncRun {
  readonly #config: SyncConfig
  readonly #events: SyncEvents
  readonly #trees = new Map<string, DiskTree>()
  #to: Destination | null = null
  #crew: CopyCrew | null = null
  #unchanged: Unchanged | null = null
  #charsets: SyncCharsets | null = null
  /** The source has errors: nothing is deleted. */
  #isUnsafe = false
  /** Files that came a second time: told at the end, as rsync does it then. */
  readonly #again: Entry[] = []
  #faults = 0
  #vanished = 0
  /** What a dry run would bring. */
  readonly #wouldCome = { files: 0, bytes: 0 }

  constructor(config: SyncConfig, events: SyncEvents) {
    this.#config = config
    this.#events = events
  }

  async close(): Promise<void> {
    await this.#crew?.close()
    await this.#unchanged?.close()
    for (const tree of this.#trees.values()) tree.close()
    this.#to?.close()
  }

  async run(signal: AbortSignal): Promise<SyncReport> {
    const { options, destination: named } = this.#config
    if (options.iconv !== null)
      this.#charsets = (await import('./sync-charsets.js')).openSyncCharsets(
        options.iconv,
        process.env,
      )
    const destination = named === null ? null : this.#trustedDestination(named)
    const places = this.#places()
    const filters = readFilters(options, this.#trusted)
    const list = this.#list(places, filters)
    if (destination === null) return this.#listOnly(list)
    // What is written there must not be met again as a source; progress tells how much is left.
    const goes = standsAt(destination)
    const isInside = [...this.#trees.values()].some((tree) => isBelow(goes, tree.path))
    if (options.hardLinks || options.pruneEmptyDirs || options.progress || isInside)
      list.expand(list.root, options.pruneEmptyDirs)
    this.#events.counted(countOf(list), list.count.bytes)
    const target = this.#target(destination, list)
    if (target === null) return this.#report(list, null, null, null)
    this.#events.started()
    const Kind = options.fakeSuperThere ? FakeDestination : Destination
    const disk = new Kind(target.directory, options.keepDirlinks, this.#trusted)
    this.#to = disk
    const renamed = this.#converted(disk)
    const to: ReceivingTree = renamed ?? disk
    if (options.tempDir !== null && to.other(options.tempDir) === null)
      throw new UsageError(`The temp-dir does not exist: ${options.tempDir}`)
    const backup = options.backup
      ? new Backup(to, options.backupDir, options.suffix, (name, kept) =>
          this.#events.backedUp(name, kept),
        )
      : null
    const rules =
      options.backup &&
      options.backupDir === null &&
      options.deleting !== null &&
      !options.deleteExcluded
        ? [...filters, ...protecting(options.suffix)]
        : filters
    const deleter = new Deleter(
      to,
      filterOf(options, rules, 'receiver', to.tree.path),
      backup,
      {
        deleting: (name, isDirectory) => this.#events.deleting(name, isDirectory),
        nonEmpty: (name) => this.#events.nonEmpty(name),
        fault: (call, name, error) => this.#receiverFault(call, name, error),
      },
      { dryRun: options.dryRun, most: options.maxDelete },
    )
    const attributes = this.#attributes(to)
    const pace = new Pace({
      bwlimit: options.bwlimit,
      stopAtMs: options.stopAtMs,
      signal,
      moved: (bytes) => this.#events.moved(bytes),
    })
    const transfer = new LocalTransfer({
      options,
      to,
      attributes,
      deleter,
      delta: options.wholeFile !== false ? null : await openDelta(),
      events: {
        began: (entry) => this.#events.began(entry),
        ended: (entry) => this.#events.ended(entry, { passed: walk.passed, listed: countOf(list) }),
        retried: (entry, name) => {
          this.#events.retried(entry, name)
          this.#again.push(entry)
        },
        fault: (call, name, error) => this.#receiverFault(call, name, error),
        sourceFault: (call, entry, error) => this.#senderFault(call, pathOf(entry.origin), error),
      },
    })
    const crew = new CopyCrew({
      options,
      to: to.tree,
      attributes,
      open: openCopyPool,
      bring: (request) => atOnce(transfer.bring(request)),
      count: transfer.count,
      uid: process.geteuid?.() ?? -1,
      signal,
    })
    this.#crew = crew
    const { keeping } = attributes
    const unchanged = new Unchanged({
      options,
      keeping,
      to: to.tree,
      open: openLook,
      threads: openLookPool,
      signal,
    })
    this.#unchanged = unchanged
    const generator = new Generator({
      options,
      to,
      attributes,
      deleter,
      transfer: (request, done) => {
        if (!crew.takes(request, done)) pace.run(transfer.bring(request), done)
      },
      equalSums: (entry, tree, name) => equalFiles(entry.origin, { tree, name }),
      events: {
        item: (entry, iflags, xname) => {
          if (options.dryRun && (iflags & ITEM.transfer) !== 0) {
            this.#wouldCome.files++
            this.#wouldCome.bytes += entry.stands.size
          }
          this.#events.item(entry, iflags, xname)
        },
        remark: (what, entry, name) => {
          if (what === 'in-the-way') this.#faults++
          this.#events.remark(what, entry, name)
        },
        settled: (entry) => {
          if (options.removeSourceFiles && !options.dryRun) this.#removeSource(entry)
        },
        fault: (call, name, error) => this.#receiverFault(call, name, error),
      },
      linkCounts: countLinks(list.root),
      localName:
        target.localName === null
          ? null
          : (renamed?.nameInList(target.localName) ?? target.localName),
      isRoot: isRoot(options),
      mayMakeDevices: options.superUser ?? isRoot(options),
    })
    const walk = new Walk(
      options,
      list,
      generator,
      deleter,
      () => this.#mayDelete(),
      target.isNew,
      () => pace.pause() ?? crew.pause(),
      () => crew.drain(),
      unchanged,
    )
    await walk.run()
    for (const entry of this.#again) this.#events.item(entry, ITEM.transfer | ITEM.time, null)
    transfer.finish()
    walk.deleteAtEnd()
    walk.finishDirectories()
    return this.#report(list, generator, transfer, deleter)
  }

  // ---- sources -----------------------------------------------------------------------------------

  #places(): readonly SourcePlace[] {
    const { options, sources } = this.#config
    if (options.filesFrom === null)
      return sources.map((path) => sourcePlace(path, options.relative))
    const [base = '.'] = sources
    return namesOf(this.#readNames(options.filesFrom), options.from0).map((line) => {
      const place = sourcePlace(`${base}/./${line}`, true)
      const isWhole = place.wholly && place.name !== ROOT_NAME
      return options.relative
        ? { ...place, base, wholly: isWhole }
        : { ...place, base, name: byteName(baseOf(place.name)), wholly: isWhole }
    })
  }

  #list(places: readonly SourcePlace[], rules: readonly FilterRule[]): SourceList {
    const { options } = this.#config
    const first = places[0]
    const top = first === undefined ? null : this.#tree(first.base)
    const chmod = parseChmod(options.chmod, process.umask())
    const list = new SourceList(
      { ...options, chmod, lacking: this.#charsets?.lacking ?? null },
      filterOf(options, rules, 'sender', top?.path ?? null),
      {
        fault: (call, path, error) => {
          this.#senderFault(call, path, error)
          // What is not in the list for this reason must not be taken for extraneous.
          this.#isUnsafe ||= codeOf(error) !== 'ENOENT'
        },
        skipped: (what, name, text) => {
          const isLost = what === 'name-lost' || what === 'target-lost'
          if (what === 'no-target' || isLost) this.#faults++
          this.#isUnsafe ||= isLost
          this.#events.skipped(what, name, text)
        },
      },
    )
    for (const place of places) this.#add(list, place)
    return list
  }

  #add(list: SourceList, place: SourcePlace): void {
    const { options } = this.#config
    const tree = this.#tree(place.base)
    const path = tree === null ? place.base : pathOf({ tree, name: place.path })
    if (
      tree !== null &&
      list.add(place.name, { tree, name: place.path }, place.wholly, options.relative)
    )
      return
    if (options.deleteMissingArgs && tree !== null)
      list.addMissing(place.name, { tree, name: place.path })
    else if (!options.ignoreMissingArgs) {
      this.#faults++
      this.#events.missing(path)
    }
  }

  /** A directory that sources stand in. */
  #tree(path: string): DiskTree | null {
    const known = this.#trees.get(path)
    if (known !== undefined) return known
    if (kindOfPath(path) !== 'directory') return null
    const { copyLinks, copyUnsafeLinks, copyDirlinks, relative } = this.#config.options
    const followsLinks = copyLinks || copyUnsafeLinks || copyDirlinks || relative
    const keepsAtime = this.#config.options.openNoAtime
    const view = { followsLinks, isPlain: true, keepsAtime }
    const Kind = this.#config.options.fakeSuper ? FakeTree : DiskTree
    const tree = new Kind(realPath(path), view)
    this.#trees.set(path, tree)
    return tree
  }

  // ---- paths that options name --------------------------------------------------------------------

  readonly #trusted = (path: string): string =>
    this.#config.options.insecureLinks ? path : trustedPath(path)

  #readNames(path: string): string {
    try {
      return readNamed(path === '-' ? path : this.#trusted(path))
    } catch (error) {
      if (error instanceof FileError) throw new UsageError(error.message, { cause: error })
      throw error
    }
  }
  /** The destination itself: a slash at its end still says that it is a directory. */
  #trustedDestination(path: string): string {
    try {
      const plain = this.#trusted(path)
      return path.endsWith('/') && !plain.endsWith('/') ? `${plain}/` : plain
    } catch (error) {
      if (error instanceof FileError) throw new SelectionError(error.message, { cause: error })
      throw error
    }
  }

  // ---- destination -------------------------------------------------------------------------------

  /** Null: it is not there, and this is a dry run that lists what would come. */
  #target(
    path: string,
    list: SourceList,
  ): { directory: string; localName: ByteName | null; isNew: boolean } | null {
    const { options } = this.#config
    const kind = kindOfPath(path)
    if (list.isEmpty && !path.endsWith('/')) {
      if (kind === 'nothing') fileTarget(path.replace(/(.)\/+$/, '$1'))
      return null
    }
    const only = onlyFile(list.root)
    const trimmed = path.replace(/(.)\/+$/, '$1')
    if (kind === 'directory') return { directory: realPath(path), localName: null, isNew: false }
    if (kind === 'other') {
      if (only === null)
        throw new SelectionError('destination must be a directory when copying more than 1 file')
      return fileTarget(trimmed)
    }
    if (only !== null && !path.endsWith('/')) {
      const directory = directoryOf(byteName(trimmed))
      if (options.mkpath && !options.dryRun && directory !== '') makePath(directory, true)
      return fileTarget(trimmed)
    }
    this.#events.madeDestination(trimmed, missingIn(trimmed))
    if (options.dryRun)
      return { directory: realPath(existingAbove(trimmed)), localName: null, isNew: true }
    makePath(trimmed, options.mkpath)
    return { directory: realPath(trimmed), localName: null, isNew: !options.mkpath }
  }

  #converted(disk: Destination): ConvertedReceiver | null {
    const sets = this.#charsets
    return sets && new ConvertedReceiver(disk, sets.toDestination, sets.toSource)
  }

  #attributes(to: ReceivingTree): AttributeWork {
    const { options } = this.#config
    const mayOwn = options.superUser ?? isRoot(options)
    const groups = new Set([process.getegid?.(), ...(process.getgroups?.() ?? [])])
    return new AttributeWork(to, {
      keeping: { ...options, owner: options.owner && mayOwn, umask: process.umask() },
      userOf: idMap(options.usermap, 'usermap'),
      groupOf: idMap(options.groupmap, 'groupmap'),
      mayGroup: (gid) => mayOwn || groups.has(gid),
      acls: options.acls,
      xattrs: options.xattrs > 0,
      isRoot: isRoot(options),
      fault: (call, name, error) => this.#receiverFault(call, name, error),
    })
  }

  /** rsync(1) --remove-source-files: only if it is still the file that was copied. */
  #removeSource(entry: Entry): void {
    const { tree, name } = entry.origin
    if (entry.stands.kind === 'directory') return
    const now = tree.stat(name)
    const path = pathOf(entry.origin)
    if (now === null) return
    if (now.size !== entry.stands.size || now.mtimeNs !== entry.stands.mtimeNs) {
      this.#senderFault('sender failed to remove', path, new FileError('it changed'))
      return
    }
    try {
      tree.remove(name)
      this.#events.removed(entry.name)
    } catch (error) {
      this.#senderFault('sender failed to remove', path, error)
    }
  }

  // ---- faults ------------------------------------------------------------------------------------

  #senderFault(call: string, path: string, error: unknown): void {
    if (codeOf(error) === 'ENOENT') {
      this.#vanished++
      this.#events.vanished(path)
      return
    }
    this.#faults++
    this.#events.fault('sender', call, path, error)
  }
  #receiverFault(call: string, name: ByteName, error: unknown): void {
    const code = codeOf(error)
    if (code === undefined && !(error instanceof PrsyncError)) throw error
    const path = this.#to === null ? name : pathOf({ tree: this.#to.tree, name })
    if (code === 'ENOSPC' || code === 'EDQUOT')
      throw new FileError(`${call} "${path}": No space left on device (28)`, { cause: error })
    this.#faults++
    this.#events.fault('receiver', call, path, error)
  }
  #mayDelete(): boolean {
    if (!this.#isUnsafe || this.#config.options.ignoreErrors) return true
    this.#events.notDeleting()
    return false
  }

  // ---- the end -----------------------------------------------------------------------------------

  #listOnly(list: SourceList): SyncReport {
    const show = (directory: SourceDirectory): void => {
      if (directory.entry !== null) this.#events.listed(directory.entry)
      list.enter(directory)
      for (const node of list.list(directory)) {
        if (isListed(node)) show(node)
        else this.#events.listed(node)
      }
      list.leave()
    }
    show(list.root)
    return this.#report(list, null, null, null)
  }

  #report(
    list: SourceList,
    generator: Generator | null,
    transfer: LocalTransfer | null,
    deleter: Deleter | null,
  ): SyncReport {
    list.tallyRoot()
    const refused = deleter?.refused ?? 0
    const exit =
      this.#faults > 0
        ? EXIT.partial
        : this.#vanished > 0
          ? EXIT.vanished
          : refused > 0
            ? EXIT.maxDelete
            : EXIT.ok
    return {
      listed: list.count,
      created: generator?.created ?? NO_COUNTS,
      deleted: deleter?.count ?? NO_COUNTS,
      transferred: this.#wouldCome.files + (transfer?.count.files ?? 0),
      transferredBytes: this.#wouldCome.bytes + (transfer?.count.bytes ?? 0),
      totalBytes: list.count.bytes,
      literal: transfer?.count.literal ?? 0,
      matched: transfer?.count.matched ?? 0,
      nameBytes: list.nameBytes,
      refusedDeletions: refused,
      exit,
    }
  }
}

/** At the receiver; --fake-super makes everybody one. */
function isRoot(options: Options): boolean {
  return options.fakeSuperThere || process.geteuid?.() === 0
}

/** Loaded when needed: the kernel is large. */
async function openDelta(): Promise<LocalDelta> {
  const module = await import('../rsync/local-delta.js')
  return new module.LocalDelta()
}

/** Entries so far; the directory that the sources stand in is one. */
function countOf({ count, root }: SourceList): number {
  const { file, directory, symlink, device, special } = count
  return file + directory + symlink + device + special + (root.entry === null ? 0 : 1)
}

/** The list is a single entry that is no directory. */
function onlyFile(root: SourceDirectory): Entry | null {
  if (root.entry !== null || root.named.size !== 1) return null
  const [node] = root.named.values()
  return node === undefined || isListed(node) ? null : node
}

function fileTarget(path: string): { directory: string; localName: ByteName; isNew: boolean } {
  const name = byteName(path.replace(/^\/+(?=[^/]*$)/, ''))
  const directory = directoryOf(byteName(path))
  if (directory !== '' && kindOfPath(directory) !== 'directory')
    throw new SelectionError(`change_dir "${directory}" failed: No such file or directory (2)`)
  return {
    directory: path.startsWith('/') && directory === '' ? '/' : realPath(directory),
    localName: byteName(baseOf(name)),
    isNew: false,
  }
}
/** Where a path will stand, without links. */
function standsAt(path: string): string {
  const trimmed = path.replace(/(.)\/+$/, '$1')
  const above = existingAbove(trimmed)
  const inner = above === '.' || !trimmed.startsWith(above) ? trimmed : trimmed.slice(above.length)
  const real = realPath(above === '.' ? process.cwd() : above)
  return `${real === '/' ? '' : real}/${inner.replace(/^\/+/, '')}`.replace(/\/+$/, '')
}
function isBelow(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory === '/' ? '/' : `${directory}/`)
}
/** Components of a path that are not there. */
function missingIn(path: string): number {
  let missing = 0
  for (let at = path; kindOfPath(at) === 'nothing'; at = directoryOf(byteName(at))) missing++
  return missing
}
/** The nearest directory above a path that stands, to open in a dry run that makes nothing. */
function existingAbove(path: string): string {
  for (let at = path; ; at = directoryOf(byteName(at))) {
    if (kindOfPath(at) === 'directory') return at
    if (at === ROOT_NAME || !at.includes('/')) return '.'
  }
}

function idMap(text: string | null, option: string): IdMap {
  if (text === null) return (id) => id
  const isUser = option === 'usermap'
  return parseIdMap(text, option, {
    name: (id) => (isUser ? libc().userName(id) : libc().groupName(id)) ?? null,
    id: (name) => (isUser ? libc().userId(name) : libc().groupId(name)) ?? null,
  })
}

class SelectionError extends PrsyncError {
  readonly exitCode = EXIT.fileSelect
}
