/** Options as they stand on the command line → what is meant: order, implications, conflicts, defaults. rsync(1). */
import { UnsupportedError, UsageError } from '../base/errors.js'
import { compression, compressionSaid } from './compression.js'
import { checkConflicts, type Role } from './conflicts.js'
import { connectionOptions } from './connection.js'
import { type Flag, Flags } from './flags.js'
import type { FilterArgument, Options } from './options.js'
import { outbuf, outputOptions } from './output.js'
import { parseRsyncLine } from './rsync-line.js'
import { type DeleteTiming, said } from './said.js'
import { parseStopAfter, parseStopAt } from './stop-time.js'
import { parseSize } from './units.js'

/** What of the environment counts. */
export type Environment = { readonly [name: string]: string | undefined }

/** @throws {UsageError} on what contradicts itself, {UnsupportedError} on what is not built */
export function resolveOptions(
  flags: readonly Flag[],
  environment: Environment,
  now: Date,
  role: Role = 'local',
): Options {
  return new Resolver(new Flags(flags), environment, now, role).options()
}

/** What the first words decide, and never what a copy is. */
const ROLES: ReadonlySet<string> = new Set(['server', 'sender', 'daemon'])
const USUAL_MAX_ALLOC = 2 ** 30

const DELETE_TIMINGS: ReadonlyMap<string, DeleteTiming> = new Map([
  ['delete-before', 'before'],
  ['delete-during', 'during'],
  ['delete-delay', 'delay'],
  ['delete-after', 'after'],
])

class Resolver {
  readonly #flags: Flags
  readonly #environment: Environment
  readonly #now: Date
  readonly #role: Role

  constructor(flags: Flags, environment: Environment, now: Date, role: Role) {
    this.#flags = flags
    this.#environment = environment
    this.#now = now
    this.#role = role
    if (flags.on('crtimes')) throw new UsageError('This system does not support --crtimes (-N)')
    const missing = flags.all.find((f) => f.on && ROLES.has(f.name))
    if (missing !== undefined)
      throw new UnsupportedError(`--${missing.name} goes with --server alone`)
  }

  options(): Options {
    const protocol = this.#flags.integer('protocol')
    const deleting = this.#deleting(protocol)
    const filesFrom = this.#flags.text('files-from')
    // --files-from gives the names: -a then says nothing about going deeper.
    const dirsSaid = this.#flags.lastOf(['dirs', 'old-dirs'])
    // --old-dirs: all is listed, what is deeper left out by a filter.
    const oldDirs = dirsSaid?.name === 'old-dirs'
    const recursive =
      oldDirs || this.#flags.last(filesFrom === null ? ['recursive', 'archive'] : ['recursive'])
    const listOnly = this.#flags.on('list-only')
    const backupDir = this.#flags.text('backup-dir')
    const append = this.#append()
    const writeDevices = this.#flags.on('write-devices')
    const inplace = this.#flags.on('inplace') || append !== 'no' || writeDevices
    const delayUpdates = this.#flags.on('delay-updates')
    const partialDir = this.#partialDir(inplace, delayUpdates)
    const deleteMissingArgs = this.#flags.on('delete-missing-args')
    const checksumChoice = this.#flags.text('checksum-choice')?.toLowerCase() ?? null
    const owner = this.#isMapped(['owner', 'archive', 'usermap'], 0)
    const group = this.#isMapped(['group', 'archive', 'groupmap'], 1)
    const usermap = owner ? this.#map('usermap', 0) : null
    const groupmap = group ? this.#map('groupmap', 1) : null
    const receiver = this.#receiver()
    const out = outputOptions(this.#flags)
    const dirs = !oldDirs && (dirsSaid?.on ?? listOnly)
    const maxAlloc = this.#maxAlloc()
    const batch = this.#batch()
    const options: Options = {
      ...out,
      listOnly,
      dryRun: this.#flags.on('dry-run') || batch?.kind === 'only-write',
      outbuf: outbuf(this.#flags),
      recursive,
      // What has to see all of the list first reads all of it first.
      incRecursive:
        this.#flags.on('inc-recursive', true) &&
        !this.#flags.on('qsort') &&
        (protocol ?? 30) >= 30 &&
        recursive &&
        deleting !== 'before' &&
        deleting !== 'after' &&
        !delayUpdates &&
        !this.#flags.on('prune-empty-dirs'),
      dirs: recursive || (dirsSaid?.on ?? (filesFrom !== null || listOnly)),
      relative: this.#flags.on('relative', filesFrom !== null),
      impliedDirs: this.#flags.on('implied-dirs', true),
      mkpath: this.#flags.on('mkpath'),
      filesFrom,
      from0: this.#flags.on('from0'),
      oneFileSystem: Math.min(2, this.#flags.count('one-file-system')),
      links: this.#flags.last(['links', 'archive']),
      copyLinks: this.#flags.on('copy-links'),
      copyUnsafeLinks: this.#flags.on('copy-unsafe-links'),
      safeLinks: this.#flags.on('safe-links'),
      mungeLinks: this.#flags.on('munge-links'),
      copyDirlinks: this.#flags.on('copy-dirlinks'),
      keepDirlinks: this.#flags.on('keep-dirlinks'),
      insecureLinks: this.#flags.on('insecure-links'),
      confineRoot: this.#confineRoot(),
      copyDevices: this.#flags.on('copy-devices'),
      writeDevices,
      maxSize: this.#flags.size('max-size'),
      minSize: this.#flags.size('min-size'),
      pruneEmptyDirs: this.#flags.on('prune-empty-dirs'),
      ignoreMissingArgs: this.#flags.on('ignore-missing-args') || deleteMissingArgs,
      deleteMissingArgs,
      iconv: this.#iconv(),
      filters: this.#filters(oldDirs),
      cvsExclude: this.#flags.on('cvs-exclude'),
      checksum: this.#flags.on('checksum'),
      ignoreTimes: this.#flags.on('ignore-times'),
      sizeOnly: this.#flags.on('size-only'),
      modifyWindow: Math.max(-1, this.#flags.integer('modify-window') ?? 0),
      update: this.#flags.on('update'),
      existing: this.#flags.on('existing'),
      ignoreExisting: this.#flags.on('ignore-existing'),
      removeSourceFiles:
        this.#flags.on('remove-source-files') || this.#flags.on('remove-sent-files'),
      fuzzy: Math.min(2, this.#flags.count('fuzzy')),
      alternates: this.#alternates(),
      perms: this.#flags.lastButOff(['perms', 'archive', 'acls'], 'acls'),
      executability: this.#flags.on('executability'),
      owner,
      group,
      times: this.#flags.last(['times', 'archive']),
      atimes: this.#flags.count('atimes') > 0,
      openNoAtime: this.#flags.on('open-noatime') || this.#flags.count('atimes') > 1,
      // Backups beside the files change the times of directories anyway.
      omitDirTimes:
        this.#flags.on('omit-dir-times') || (this.#flags.on('backup') && backupDir === null),
      omitLinkTimes: this.#flags.on('omit-link-times'),
      acls: this.#flags.on('acls'),
      xattrs: Math.min(2, this.#flags.count('xattrs')),
      hardLinks: this.#flags.on('hard-links'),
      devices: this.#flags.last(['devices', 'D', 'archive']),
      specials: this.#flags.last(['specials', 'D', 'archive']),
      dropDevices: this.#flags.on('drop-D'),
      chmod: this.#flags.texts('chmod'),
      usermap,
      groupmap,
      numericIds: this.#flags.on('numeric-ids'),
      copyAs: this.#flags.text('copy-as'),
      superUser: superUser(receiver),
      fakeSuper: isFakeSuper(this.#flags),
      fakeSuperThere: isFakeSuper(receiver),
      wholeFile: this.#wholeFile(append, checksumChoice),
      blockSize: this.#blockSize(),
      checksumChoice,
      checksumSeed: this.#flags.integer('checksum-seed') ?? 0,
      inplace,
      append,
      sparse: this.#flags.on('sparse'),
      preallocate: this.#flags.on('preallocate'),
      fsync: this.#flags.on('fsync'),
      partial:
        this.#flags.last(['partial', 'P']) ||
        this.#flags.said('partial-dir') ||
        partialDir !== null,
      partialDir,
      delayUpdates,
      tempDir: this.#flags.text('temp-dir'),
      backup: this.#flags.on('backup') || backupDir !== null,
      backupDir,
      suffix: this.#suffix(backupDir),
      force: this.#flags.on('force'),
      deleting,
      deleteExcluded: this.#flags.on('delete-excluded'),
      maxDelete: this.#flags.integer('max-delete'),
      ignoreErrors: this.#flags.on('ignore-errors'),
      timeoutMs: Math.max(0, this.#flags.integer('timeout') ?? 0) * 1000,
      bwlimit: this.#flags.rate('bwlimit'),
      stopAtMs: this.#stopAt(),
      maxAlloc: maxAlloc.bytes,
      batch,
      compress: compression(compressionSaid(this.#flags)),
      compressLevel: this.#flags.integer('compress-level'),
      compressThreads: this.#flags.integer('compress-threads'),
      skipCompress: this.#flags.text('skip-compress'),
      protocol,
      ...connectionOptions(this.#flags, this.#environment),
      said: said(this.#flags, {
        verbosity: this.#flags.count('verbose'),
        dirs: dirs && !recursive,
        deleting: this.#deletingSaid(),
        partialDir: this.#partialDirSaid(),
        maxAlloc: maxAlloc.text,
      }),
    }
    checkConflicts(this.#flags, options, this.#role)
    return options
  }

  /** A dry run has nothing to write down. */
  #batch(): Options['batch'] {
    const kinds = { 'only-write-batch': 'only-write', 'write-batch': 'write', 'read-batch': 'read' }
    for (const [name, kind] of Object.entries(kinds)) {
      const file = this.#flags.text(name)
      if (file === null || (kind !== 'read' && this.#flags.on('dry-run'))) continue
      return { kind: kind as 'only-write' | 'write' | 'read', file }
    }
    return null
  }

  // ---- groups of options ---------------------------------------------------------------------

  #deleting(protocol: number | null): DeleteTiming | null {
    const name = this.#deletingSaid()
    // Old protocols know of no deletion meanwhile.
    return name !== 'some time' ? name : (protocol ?? 30) < 30 ? 'before' : 'during'
  }

  #deletingSaid(): DeleteTiming | 'some time' | null {
    const name = this.#flags.lastOf([...DELETE_TIMINGS.keys()])?.name
    if (name !== undefined) return DELETE_TIMINGS.get(name) ?? null
    return this.#flags.on('delete') || this.#flags.on('delete-excluded') ? 'some time' : null
  }

  #append(): Options['append'] {
    // What a client means by one word it tells its server by two.
    const count = Math.min(this.#flags.count('append'), this.#role === 'server' ? 2 : 1)
    const level = this.#flags.on('append-verify') ? 2 : count
    return level === 0 ? 'no' : level === 1 ? 'trust' : 'verify'
  }

  #wholeFile(append: Options['append'], checksumChoice: string | null): boolean | null {
    if (append !== 'no') return false
    // Without sums there is nothing to compare.
    return /^none(,|$)/.test(checksumChoice ?? '') ? true : this.#flags.either('whole-file')
  }
  #partialDir(inplace: boolean, delayUpdates: boolean): string | null {
    return inplace ? null : (this.#partialDirSaid() ?? (delayUpdates ? '.~tmp~' : null))
  }

  #partialDirSaid(): string | null {
    const partial = this.#flags.last(['partial', 'P'])
    const named =
      this.#flags.text('partial-dir') ??
      (partial ? (this.#environment['RSYNC_PARTIAL_DIR'] ?? null) : null)
    return named === '.' || named === '' ? null : named
  }

  #suffix(backupDir: string | null): string {
    return this.#flags.text('suffix') ?? (backupDir === null ? '~' : '')
  }

  #alternates(): Options['alternates'] {
    for (const kind of ['compare', 'copy', 'link'] as const) {
      const directories = this.#flags.texts(`${kind}-dest`)
      if (directories.length > 0) return { kind, directories }
    }
    return null
  }

  /** The receiver of a local copy hears what -M says too. What another program understands may be none of our options. */
  #receiver(): Flags {
    if (this.#role !== 'local') return this.#flags
    const words = this.#flags.texts('remote-option').filter((word) => word.startsWith('-'))
    try {
      return new Flags([...this.#flags.all, ...parseRsyncLine(words).flags])
    } catch {
      return this.#flags
    }
  }

  /** Of the directory `/` nothing is outside. */
  #confineRoot(): string | null {
    const root = this.#flags.text('confine-root')
    return root !== null && /^\/+$/.test(root) ? null : root
  }

  /** A map asks for owners to be kept where it stands: the last that was said decides. */
  #isMapped(names: readonly string[], part: 0 | 1): boolean {
    const said = this.#flags.all.findLast(
      ({ name, value }) =>
        names.includes(name) || (name === 'chown' && (value?.split(':')[part] ?? '') !== ''),
    )
    return said?.on ?? false
  }

  /** `--chown USER:GROUP` is a map of everybody. */
  #map(name: 'usermap' | 'groupmap', part: 0 | 1): string | null {
    const to = this.#flags.texts('chown').map((chown) => chown.split(':')[part] ?? '')
    const everybody = to.findLast((id) => id !== '')
    return this.#flags.text(name) ?? (everybody === undefined ? null : `*:${everybody}`)
  }

  #filters(oldDirs: boolean): FilterArgument[] {
    const found: FilterArgument[] = []
    let fs = 0
    for (const { name, value, on } of this.#flags.all) {
      if (!on) continue
      switch (name) {
        case 'filter':
        case 'include':
        case 'exclude':
        case 'include-from':
        case 'exclude-from':
          found.push({ kind: name, text: value ?? '' })
          break
        case 'F':
          fs++
          if (fs === 1) found.push({ kind: 'filter', text: ': /.rsync-filter' })
          if (fs === 2) found.push({ kind: 'filter', text: '- .rsync-filter' })
          break
        default:
      }
    }
    if (oldDirs) found.push({ kind: 'exclude', text: '/*/*' })
    return found
  }

  /** `--iconv=-` and `--no-iconv` are how to want none. */
  #iconv(): string | null {
    const charsets = this.#flags.said('iconv')
      ? this.#flags.text('iconv')
      : (this.#environment['RSYNC_ICONV'] ?? null)
    return charsets === '' || charsets === '-' ? null : charsets
  }

  #blockSize(): number | null {
    const size = this.#flags.size('block-size')
    if (size === null || size === 0) return null
    if (size > 131_072)
      throw new UsageError(
        `--block-size=${this.#flags.text('block-size') ?? ''} is too large (max: 128.00K)`,
      )
    return size
  }

  #maxAlloc(): { readonly bytes: number; readonly text: string | null } {
    const own = this.#flags.size('max-alloc')
    const fallback = this.#environment['RSYNC_MAX_ALLOC'] ?? ''
    const text = this.#flags.text('max-alloc') ?? fallback
    const bytes = own ?? (fallback === '' ? USUAL_MAX_ALLOC : parseSize(fallback, '--max-alloc'))
    if (bytes > 0 && bytes < 2 ** 20)
      throw new UsageError(`--max-alloc=${text} is too small (min: 1.00M or 0 for unlimited)`)
    return { bytes, text: bytes === USUAL_MAX_ALLOC ? null : text }
  }
  /** The later of both options counts. */
  #stopAt(): number | null {
    let at: number | null = null
    for (const { name, value } of this.#flags.all) {
      if (name === 'stop-after') at = parseStopAfter(value ?? '', this.#now)
      if (name === 'stop-at') at = parseStopAt(value ?? '', this.#now)
    }
    return at
  }
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
