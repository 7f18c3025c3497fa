/** Options as they stand on the command line → what is meant: order, implications, conflicts, defaults. rsync(1). */
import { UnsupportedError, UsageError } from '../base/errors.js'
import type { DeleteTiming, FilterArgument, Options } from './options.js'
import { parseRate, parseSize } from './units.js'
import { checkDebugWords, infoLevels } from './words.js'

/** One option as it was written. */
export type Flag = {
  /** The long name of its row in the table. */
  readonly name: string
  /** False: `--no-…`. */
  readonly on: boolean
  readonly value: string | null
}

/** What of the environment counts. */
export type Environment = { readonly [name: string]: string | undefined }

/** @throws {UsageError} on what contradicts itself, {UnsupportedError} on what is not built */
export function resolveOptions(flags: readonly Flag[], environment: Environment): Options {
  return new Resolver(flags, environment).options()
}

const NOT_BUILT: ReadonlySet<string> = new Set([
  'crtimes',
  'iconv',
  'copy-as',
  'fake-super',
  'write-batch',
  'only-write-batch',
  'read-batch',
  'server',
  'sender',
  'daemon',
])
const OFF_BY_DEFAULT_MAX_ALLOC = 2 ** 30

class Resolver {
  readonly #flags: readonly Flag[]
  readonly #environment: Environment

  constructor(flags: readonly Flag[], environment: Environment) {
    this.#flags = flags
    this.#environment = environment
    for (const flag of flags)
      if (flag.on && NOT_BUILT.has(flag.name))
        throw new UnsupportedError(`--${flag.name} is not built yet`)
  }

  options(): Options {
    const deleting = this.#deleting()
    const filesFrom = this.#text('files-from')
    // --files-from gives the names: -a then says nothing about going deeper.
    const recursive = this.#last(filesFrom === null ? ['recursive', 'archive'] : ['recursive'])
    const listOnly = this.#on('list-only')
    const backupDir = this.#text('backup-dir')
    const append = this.#append()
    const writeDevices = this.#on('write-devices')
    const inplace = this.#on('inplace') || append !== 'no' || writeDevices
    const delayUpdates = this.#on('delay-updates')
    const partialDir = this.#partialDir(inplace, delayUpdates)
    const deleteMissingArgs = this.#on('delete-missing-args')
    const usermap = this.#map('usermap', 0)
    const groupmap = this.#map('groupmap', 1)
    const fakeSuper = this.#on('fake-super')
    const out = this.#output()
    const dirs = this.#on('dirs') || this.#on('old-dirs')
    const options: Options = {
      ...out,
      listOnly,
      dryRun: this.#on('dry-run'),
      outbuf: this.#outbuf(),
      recursive,
      incRecursive: this.#on('inc-recursive', true),
      dirs: recursive || (this.#said('dirs') ? dirs : dirs || filesFrom !== null || listOnly),
      relative: this.#on('relative', filesFrom !== null),
      impliedDirs: this.#on('implied-dirs', true),
      mkpath: this.#on('mkpath'),
      filesFrom,
      from0: this.#on('from0'),
      oneFileSystem: this.#count('one-file-system'),
      links: this.#last(['links', 'archive']),
      copyLinks: this.#on('copy-links'),
      copyUnsafeLinks: this.#on('copy-unsafe-links'),
      safeLinks: this.#on('safe-links'),
      mungeLinks: this.#on('munge-links'),
      copyDirlinks: this.#on('copy-dirlinks'),
      keepDirlinks: this.#on('keep-dirlinks'),
      copyDevices: this.#on('copy-devices'),
      writeDevices,
      maxSize: this.#size('max-size'),
      minSize: this.#size('min-size'),
      pruneEmptyDirs: this.#on('prune-empty-dirs'),
      ignoreMissingArgs: this.#on('ignore-missing-args') || deleteMissingArgs,
      deleteMissingArgs,
      iconv: null,
      filters: this.#filters(),
      cvsExclude: this.#on('cvs-exclude'),
      checksum: this.#on('checksum'),
      ignoreTimes: this.#on('ignore-times'),
      sizeOnly: this.#on('size-only'),
      modifyWindow: this.#integer('modify-window', -1, 2 ** 31 - 1) ?? 0,
      update: this.#on('update'),
      existing: this.#on('existing'),
      ignoreExisting: this.#on('ignore-existing'),
      removeSourceFiles: this.#on('remove-source-files') || this.#on('remove-sent-files'),
      fuzzy: this.#count('fuzzy'),
      alternates: this.#alternates(),
      perms: this.#last(['perms', 'archive', 'acls']),
      executability: this.#on('executability'),
      owner: this.#last(['owner', 'archive']) || usermap !== null,
      group: this.#last(['group', 'archive']) || groupmap !== null,
      times: this.#last(['times', 'archive']),
      atimes: this.#on('open-noatime') ? 2 : this.#count('atimes'),
      // Backups beside the files change the times of directories anyway.
      omitDirTimes: this.#on('omit-dir-times') || (this.#on('backup') && backupDir === null),
      omitLinkTimes: this.#on('omit-link-times'),
      acls: this.#on('acls'),
      xattrs: this.#count('xattrs'),
      hardLinks: this.#on('hard-links'),
      devices: this.#last(['devices', 'D', 'archive']),
      specials: this.#last(['specials', 'D', 'archive']),
      dropDevices: this.#on('drop-D'),
      chmod: this.#texts('chmod'),
      usermap,
      groupmap,
      numericIds: this.#on('numeric-ids'),
      superUser: this.#said('super') ? this.#on('super') : null,
      fakeSuper,
      wholeFile: this.#on('whole-file', true),
      blockSize: this.#blockSize(),
      checksumChoice: this.#checksumChoice(),
      checksumSeed: this.#integer('checksum-seed', -(2 ** 31), 2 ** 31 - 1) ?? 0,
      inplace,
      append,
      sparse: this.#on('sparse'),
      preallocate: this.#on('preallocate'),
      fsync: this.#on('fsync'),
      partial: this.#last(['partial', 'P']) || partialDir !== null,
      partialDir,
      delayUpdates,
      tempDir: this.#text('temp-dir'),
      backup: this.#on('backup') || backupDir !== null,
      backupDir,
      suffix: this.#suffix(backupDir),
      force: this.#on('force'),
      deleting,
      deleteExcluded: this.#on('delete-excluded'),
      maxDelete: this.#integer('max-delete', -(2 ** 31), 2 ** 31 - 1),
      ignoreErrors: this.#on('ignore-errors'),
      timeoutMs: (this.#integer('timeout', 0, 2 ** 31 - 1) ?? 0) * 1000,
      bwlimit: this.#rate(),
      stopAfterMinutes: this.#integer('stop-after', 1, 2 ** 31 - 1),
      stopAt: this.#text('stop-at'),
      maxAlloc: this.#size('max-alloc') ?? this.#maxAllocOfEnvironment(),
      batch: null,
    }
    this.#conflicts(options)
    return options
  }

  #conflicts(o: Options): void {
    const fail = (message: string): never => {
      throw new UsageError(message)
    }
    if (o.deleting !== null && !o.recursive && !o.dirs)
      fail('--delete does not work without --recursive (-r) or --dirs (-d).')
    if (o.append !== 'no' && this.#said('whole-file') && this.#on('whole-file'))
      fail('--append cannot be used with --whole-file')
    if (o.inplace && this.#on('delay-updates'))
      fail(`--${o.append === 'no' ? 'inplace' : 'append'} cannot be used with --delay-updates`)
    if (o.inplace && this.#text('partial-dir') !== null)
      fail(`--${o.append === 'no' ? 'inplace' : 'append'} cannot be used with --partial-dir`)
    if (o.suffix.includes('/')) fail(`--suffix cannot contain slashes: ${o.suffix}`)
    if (o.backup && o.backupDir === null && o.suffix === '')
      fail('--suffix cannot be empty when --backup-dir is the same as the dest dir')
    if (o.stopAfterMinutes !== null && o.stopAt !== null)
      fail('--stop-after and --stop-at may not be combined')
  }

  // ---- groups of options ---------------------------------------------------------------------

  #output(): Pick<
    Options,
    | 'verbosity'
    | 'quiet'
    | 'info'
    | 'humanReadable'
    | 'eightBitOutput'
    | 'stats'
    | 'progress'
    | 'outFormat'
    | 'logUnchanged'
    | 'logFile'
    | 'logFileFormat'
  > {
    const quiet = this.#count('quiet') > 0
    const verbosity = quiet ? 0 : this.#count('verbose')
    const progress = this.#last(['progress', 'P'])
    const stats = this.#on('stats')
    const itemize = this.#count('itemize-changes')
    const words = this.#texts('info')
    checkDebugWords(this.#texts('debug'))
    const asked = [
      ...(progress ? ['progress', 'name', 'flist2'] : []),
      ...(stats ? [verbosity > 1 ? 'stats3' : 'stats2'] : []),
      ...words,
    ]
    const info = infoLevels(verbosity, asked)
    const named = this.#text('out-format')
    const outFormat = named ?? (itemize > 0 ? '%i %n%L' : null)
    return {
      verbosity,
      quiet,
      info,
      humanReadable: this.#said('human-readable')
        ? this.#on('human-readable')
          ? 1 + this.#count('human-readable')
          : 0
        : 1,
      eightBitOutput: this.#on('8-bit-output'),
      stats,
      progress: info.progress > 0,
      outFormat: quiet ? null : outFormat,
      logUnchanged: itemize > 1 || info.name > 1,
      logFile: this.#text('log-file'),
      logFileFormat: this.#text('log-file-format') ?? '%i %n%L',
    }
  }

  #deleting(): DeleteTiming | null {
    const timings = (['before', 'during', 'delay', 'after'] as const).filter((t) =>
      this.#on(`delete-${t}`),
    )
    if (timings.length > 1)
      throw new UsageError('You may not combine multiple --delete-WHEN options.')
    const [timing] = timings
    if (timing !== undefined) return timing
    return this.#on('delete') || this.#on('delete-excluded') ? 'during' : null
  }

  #append(): Options['append'] {
    const level = this.#on('append-verify') ? 2 : this.#count('append')
    return level === 0 ? 'no' : level === 1 ? 'trust' : 'verify'
  }

  #partialDir(inplace: boolean, delayUpdates: boolean): string | null {
    if (inplace) return null
    const partial = this.#last(['partial', 'P'])
    const named =
      this.#text('partial-dir') ??
      (partial ? (this.#environment['RSYNC_PARTIAL_DIR'] ?? null) : null)
    if (named === null || named === '.' || named === '') return delayUpdates ? '.~tmp~' : null
    return named
  }

  #suffix(backupDir: string | null): string {
    return this.#text('suffix') ?? (backupDir === null ? '~' : '')
  }

  #alternates(): Options['alternates'] {
    const kinds = (['compare', 'copy', 'link'] as const).filter(
      (k) => this.#texts(`${k}-dest`).length > 0,
    )
    const [kind] = kinds
    if (kind === undefined) return null
    if (kinds.length > 1)
      throw new UsageError(
        'You may not mix --compare-dest, --copy-dest and --link-dest: one kind of them only.',
      )
    const directories = this.#texts(`${kind}-dest`)
    if (directories.length > 20)
      throw new UsageError(`at most 20 --${kind}-dest directories may be given`)
    return { kind, directories }
  }

  /** `--chown USER:GROUP` is a map of everybody; a `--usermap` beside it contradicts. */
  #map(name: 'usermap' | 'groupmap', part: 0 | 1): string | null {
    const own = this.#text(name)
    const chown = this.#text('chown')
    const to = chown?.split(':')[part] ?? ''
    if (to === '') return own
    if (own !== null) throw new UsageError(`--${name} conflicts with prior --chown.`)
    return `*:${to}`
  }

  #filters(): FilterArgument[] {
    const found: FilterArgument[] = []
    let fs = 0
    for (const { name, value, on } of this.#flags) {
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
    const size = this.#size('block-size')
    if (size === null || size === 0) return null
    if (size > 131_072) throw new UsageError(`--block-size=${size} is too large (max: 131072)`)
    return size
  }

  #checksumChoice(): string | null {
    const choice = this.#text('checksum-choice')
    if (choice === null) return null
    const names = choice.split(',')
    for (const name of names)
      if (
        !['auto', 'xxh128', 'xxh3', 'xxh64', 'xxhash', 'md5', 'md4', 'sha1', 'none'].includes(name)
      )
        throw new UsageError(`unknown checksum name: ${name}`)
    return choice
  }

  #outbuf(): Options['outbuf'] {
    const mode = this.#text('outbuf')
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

  #rate(): number {
    const text = this.#text('bwlimit')
    return text === null ? 0 : parseRate(text, '--bwlimit')
  }
  #maxAllocOfEnvironment(): number {
    const text = this.#environment['RSYNC_MAX_ALLOC']
    return text === undefined || text === ''
      ? OFF_BY_DEFAULT_MAX_ALLOC
      : parseSize(text, 'RSYNC_MAX_ALLOC')
  }

  // ---- single options --------------------------------------------------------------------------

  /** The last that was said of these decides: `-a --no-p`, `--no-p -a`. */
  #last(names: readonly string[]): boolean {
    let on = false
    for (const flag of this.#flags) if (names.includes(flag.name)) on = flag.on
    return on
  }
  #on(name: string, otherwise = false): boolean {
    return this.#flags.findLast((f) => f.name === name)?.on ?? otherwise
  }
  #said(name: string): boolean {
    return this.#flags.some((f) => f.name === name)
  }
  /** How often, since it was last switched off. */
  #count(name: string): number {
    let count = 0
    for (const flag of this.#flags) if (flag.name === name) count = flag.on ? count + 1 : 0
    return count
  }
  #text(name: string): string | null {
    const flag = this.#flags.findLast((f) => f.name === name)
    return flag === undefined || !flag.on ? null : flag.value
  }
  #texts(name: string): string[] {
    return this.#flags.filter((f) => f.name === name && f.on).map((f) => f.value ?? '')
  }
  #size(name: string): number | null {
    const text = this.#text(name)
    return text === null ? null : parseSize(text, `--${name}`)
  }
  #integer(name: string, least: number, most: number): number | null {
    const text = this.#text(name)
    if (text === null) return null
    const value = Number(text)
    if (!/^[-+]?(0x[0-9a-f]+|\d+)$/i.test(text.trim()) || value < least || value > most)
      throw new UsageError(`--${name}=${text}: invalid numeric value`)
    return value
  }
}
