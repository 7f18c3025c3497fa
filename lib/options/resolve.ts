/** Options as they stand on the command line → what is meant: order, implications, conflicts, defaults. rsync(1). */
import { UnsupportedError, UsageError } from '../base/errors.js'
import { checkConflicts } from './conflicts.js'
import { type Flag, Flags } from './flags.js'
import type { DeleteTiming, FilterArgument, Options } from './options.js'
import { parseStopAfter, parseStopAt } from './stop-time.js'
import { parseSize } from './units.js'
import { checkDebugWords, infoLevels } from './words.js'

/** What of the environment counts. */
export type Environment = { readonly [name: string]: string | undefined }

/** @throws {UsageError} on what contradicts itself, {UnsupportedError} on what is not built */
export function resolveOptions(
  flags: readonly Flag[],
  environment: Environment,
  now: Date,
): Options {
  return new Resolver(new Flags(flags), environment, now).options()
}

const NOT_BUILT: ReadonlySet<string> = new Set([
  'confine-root',
  'copy-as',
  'fake-super',
  'write-batch',
  'only-write-batch',
  'read-batch',
  'server',
  'sender',
  'daemon',
])
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

  constructor(flags: Flags, environment: Environment, now: Date) {
    this.#flags = flags
    this.#environment = environment
    this.#now = now
    if (flags.on('crtimes')) throw new UsageError('This system does not support --crtimes (-N)')
    const missing = flags.all.find((f) => f.on && NOT_BUILT.has(f.name))
    if (missing !== undefined) throw new UnsupportedError(`--${missing.name} is not built yet`)
    // `--iconv=-` and `--no-iconv` are how to want none.
    const charsets = flags.said('iconv') ? flags.text('iconv') : environment['RSYNC_ICONV']
    if ((charsets ?? '') !== '' && charsets !== '-')
      throw new UnsupportedError('--iconv is not built yet')
  }

  options(): Options {
    const deleting = this.#deleting()
    const filesFrom = this.#flags.text('files-from')
    // --files-from gives the names: -a then says nothing about going deeper.
    const recursive = this.#flags.last(
      filesFrom === null ? ['recursive', 'archive'] : ['recursive'],
    )
    const listOnly = this.#flags.on('list-only')
    const backupDir = this.#flags.text('backup-dir')
    const append = this.#append()
    const writeDevices = this.#flags.on('write-devices')
    const inplace = this.#flags.on('inplace') || append !== 'no' || writeDevices
    const delayUpdates = this.#flags.on('delay-updates')
    const partialDir = this.#partialDir(inplace, delayUpdates)
    const deleteMissingArgs = this.#flags.on('delete-missing-args')
    const usermap = this.#map('usermap', 0)
    const groupmap = this.#map('groupmap', 1)
    const fakeSuper = this.#flags.on('fake-super')
    const out = this.#output()
    const dirs = this.#flags.on('dirs') || this.#flags.on('old-dirs')
    const options: Options = {
      ...out,
      listOnly,
      dryRun: this.#flags.on('dry-run'),
      outbuf: this.#outbuf(),
      recursive,
      // What has to see all of the list first reads all of it first.
      incRecursive:
        this.#flags.on('inc-recursive', true) &&
        recursive &&
        deleting !== 'before' &&
        deleting !== 'after' &&
        !delayUpdates &&
        !this.#flags.on('prune-empty-dirs'),
      dirs: recursive || (this.#flags.said('dirs') ? dirs : dirs || filesFrom !== null || listOnly),
      relative: this.#flags.on('relative', filesFrom !== null),
      impliedDirs: this.#flags.on('implied-dirs', true),
      mkpath: this.#flags.on('mkpath'),
      filesFrom,
      from0: this.#flags.on('from0'),
      oneFileSystem: this.#flags.count('one-file-system'),
      links: this.#flags.last(['links', 'archive']),
      copyLinks: this.#flags.on('copy-links'),
      copyUnsafeLinks: this.#flags.on('copy-unsafe-links'),
      safeLinks: this.#flags.on('safe-links'),
      mungeLinks: this.#flags.on('munge-links'),
      copyDirlinks: this.#flags.on('copy-dirlinks'),
      keepDirlinks: this.#flags.on('keep-dirlinks'),
      insecureLinks: this.#flags.on('insecure-links'),
      copyDevices: this.#flags.on('copy-devices'),
      writeDevices,
      maxSize: this.#flags.size('max-size'),
      minSize: this.#flags.size('min-size'),
      pruneEmptyDirs: this.#flags.on('prune-empty-dirs'),
      ignoreMissingArgs: this.#flags.on('ignore-missing-args') || deleteMissingArgs,
      deleteMissingArgs,
      iconv: null,
      filters: this.#filters(),
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
      fuzzy: this.#flags.count('fuzzy'),
      alternates: this.#alternates(),
      perms: this.#flags.last(['perms', 'archive', 'acls']),
      executability: this.#flags.on('executability'),
      owner: this.#flags.last(['owner', 'archive']) || usermap !== null,
      group: this.#flags.last(['group', 'archive']) || groupmap !== null,
      times: this.#flags.last(['times', 'archive']),
      atimes: this.#flags.count('atimes') > 0,
      openNoAtime: this.#flags.on('open-noatime') || this.#flags.count('atimes') > 1,
      // Backups beside the files change the times of directories anyway.
      omitDirTimes:
        this.#flags.on('omit-dir-times') || (this.#flags.on('backup') && backupDir === null),
      omitLinkTimes: this.#flags.on('omit-link-times'),
      acls: this.#flags.on('acls'),
      xattrs: this.#flags.count('xattrs'),
      hardLinks: this.#flags.on('hard-links'),
      devices: this.#flags.last(['devices', 'D', 'archive']),
      specials: this.#flags.last(['specials', 'D', 'archive']),
      dropDevices: this.#flags.on('drop-D'),
      chmod: this.#flags.texts('chmod'),
      usermap,
      groupmap,
      numericIds: this.#flags.on('numeric-ids'),
      superUser: this.#flags.said('super') ? this.#flags.on('super') : null,
      fakeSuper,
      wholeFile: this.#flags.on('whole-file', true),
      blockSize: this.#blockSize(),
      checksumChoice: this.#flags.text('checksum-choice')?.toLowerCase() ?? null,
      checksumSeed: this.#flags.integer('checksum-seed') ?? 0,
      inplace,
      append,
      sparse: this.#flags.on('sparse'),
      preallocate: this.#flags.on('preallocate'),
      fsync: this.#flags.on('fsync'),
      partial: this.#flags.last(['partial', 'P']) || partialDir !== null,
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
      maxAlloc: this.#maxAlloc(),
      batch: null,
    }
    checkConflicts(this.#flags, options)
    return options
  }

  // ---- groups of options ---------------------------------------------------------------------

  #output(): Pick<
    Options,
    | 'verbosity'
    | 'quiet'
    | 'info'
    | 'humanReadable'
    | 'eightBitOutput'
    | 'messagesTo'
    | 'stats'
    | 'progress'
    | 'outFormat'
    | 'logUnchanged'
    | 'logFile'
    | 'logFileFormat'
  > {
    const quiet = this.#flags.count('quiet') > 0
    const verbosity = quiet ? 0 : this.#flags.count('verbose')
    const progress = this.#flags.last(['progress', 'P'])
    const stats = this.#flags.on('stats')
    const itemize = this.#flags.count('itemize-changes')
    const words = this.#flags.texts('info')
    checkDebugWords(this.#flags.texts('debug'))
    const asked = [
      ...(progress ? ['progress', 'name', 'flist2'] : []),
      ...(stats ? [verbosity > 1 ? 'stats3' : 'stats2'] : []),
      ...words,
    ]
    const info = infoLevels(verbosity, asked)
    const named = this.#flags.text('out-format')
    const outFormat = named ?? (itemize > 0 ? '%i %n%L' : null)
    return {
      verbosity,
      quiet,
      info,
      humanReadable: this.#flags.said('human-readable')
        ? this.#flags.on('human-readable')
          ? 1 + this.#flags.count('human-readable')
          : 0
        : 1,
      messagesTo: this.#messagesTo(),
      eightBitOutput: this.#flags.on('8-bit-output'),
      stats,
      progress: info.progress > 0,
      outFormat: quiet ? null : outFormat,
      logUnchanged: itemize > 1 || info.name > 1,
      logFile: this.#flags.text('log-file'),
      logFileFormat: this.#flags.text('log-file-format') ?? '%i %n%L',
    }
  }

  #messagesTo(): Options['messagesTo'] {
    const said = this.#flags.lastOf(['stderr', 'msgs2stderr'])
    const isAll = said?.name === 'stderr' ? said.value?.startsWith('a') : said?.on
    return isAll === true ? 'all' : 'output'
  }

  #deleting(): DeleteTiming | null {
    const name = this.#flags.lastOf([
      'delete-before',
      'delete-during',
      'delete-delay',
      'delete-after',
    ])?.name
    if (name !== undefined) return DELETE_TIMINGS.get(name) ?? null
    return this.#flags.on('delete') || this.#flags.on('delete-excluded') ? 'during' : null
  }

  #append(): Options['append'] {
    const level = this.#flags.on('append-verify') ? 2 : this.#flags.count('append')
    return level === 0 ? 'no' : level === 1 ? 'trust' : 'verify'
  }

  #partialDir(inplace: boolean, delayUpdates: boolean): string | null {
    if (inplace) return null
    const partial = this.#flags.last(['partial', 'P'])
    const named =
      this.#flags.text('partial-dir') ??
      (partial ? (this.#environment['RSYNC_PARTIAL_DIR'] ?? null) : null)
    if (named === null || named === '.' || named === '') return delayUpdates ? '.~tmp~' : null
    return named
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

  /** `--chown USER:GROUP` is a map of everybody. */
  #map(name: 'usermap' | 'groupmap', part: 0 | 1): string | null {
    const to = this.#flags.texts('chown').map((chown) => chown.split(':')[part] ?? '')
    const everybody = to.findLast((id) => id !== '')
    return this.#flags.text(name) ?? (everybody === undefined ? null : `*:${everybody}`)
  }

  #filters(): FilterArgument[] {
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
    return found
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

  #outbuf(): Options['outbuf'] {
    const mode = this.#flags.text('outbuf')
    if (mode === null) return null
    switch (mode.charAt(0).toUpperCase()) {
      case 'N':
      case 'U':
        return 'none'
      case 'L':
        return 'line'
      case 'B':
      case 'F':
        return 'block'
      default:
        throw new UsageError(`Invalid --outbuf setting -- specify N, L, or B.`)
    }
  }

  #maxAlloc(): number {
    const own = this.#flags.size('max-alloc')
    const text = this.#environment['RSYNC_MAX_ALLOC'] ?? ''
    const bytes = own ?? (text === '' ? USUAL_MAX_ALLOC : parseSize(text, '--max-alloc'))
    if (bytes > 0 && bytes < 2 ** 20)
      throw new UsageError(
        `--max-alloc=${this.#flags.text('max-alloc') ?? text} is too small (min: 1.00M or 0 for unlimited)`,
      )
    return bytes
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
