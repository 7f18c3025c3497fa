/** What of the sources is gone through: recursion, links, sizes, filters. rsync(1). */
import type { Environment } from './environment.js'
import type { Flags } from './flags.js'

/** A filter as written, in its order; files are read by whoever may. Texts are as the command line has them. */
export type FilterArgument = {
  readonly kind: 'filter' | 'include' | 'exclude' | 'include-from' | 'exclude-from'
  readonly text: string
}

export type SelectionOptions = {
  readonly recursive: boolean
  readonly incRecursive: boolean
  readonly dirs: boolean
  readonly relative: boolean
  readonly impliedDirs: boolean
  readonly mkpath: boolean
  readonly filesFrom: string | null
  readonly from0: boolean
  /** 0, 1, 2: -xx leaves mount points out. */
  readonly oneFileSystem: number
  readonly links: boolean
  readonly copyLinks: boolean
  readonly copyUnsafeLinks: boolean
  readonly safeLinks: boolean
  readonly mungeLinks: boolean
  readonly copyDirlinks: boolean
  readonly keepDirlinks: boolean
  /** In paths that options name, links of other users lead on. */
  readonly insecureLinks: boolean
  /** Where such paths and the names of --files-from may lead to; null: anywhere. */
  readonly confineRoot: string | null
  readonly copyDevices: boolean
  readonly writeDevices: boolean
  readonly maxSize: number | null
  readonly minSize: number | null
  readonly pruneEmptyDirs: boolean
  readonly ignoreMissingArgs: boolean
  readonly deleteMissingArgs: boolean
  readonly iconv: string | null

  readonly filters: readonly FilterArgument[]
  readonly cvsExclude: boolean
}

/** What is known before the list is gone through that says how. */
export type ListNeeds = {
  /** It has to be seen whole before anything is done. */
  readonly isWhole: boolean
  readonly protocol: number | null
}

/** @throws {UsageError} on sizes that are none */
export function selectionOptions(
  flags: Flags,
  environment: Environment,
  needs: ListNeeds,
): SelectionOptions {
  const filesFrom = flags.text('files-from')
  const deleteMissingArgs = flags.on('delete-missing-args')
  const { oldDirs, recursive, dirs } = depth(flags)
  return {
    recursive,
    incRecursive: recursive && mayComeInParts(flags, needs),
    dirs,
    relative: flags.on('relative', filesFrom !== null),
    impliedDirs: flags.on('implied-dirs', true),
    mkpath: flags.on('mkpath'),
    filesFrom,
    from0: flags.on('from0'),
    oneFileSystem: Math.min(2, flags.count('one-file-system')),
    links: flags.last(['links', 'archive']),
    copyLinks: flags.on('copy-links'),
    copyUnsafeLinks: flags.on('copy-unsafe-links'),
    safeLinks: flags.on('safe-links'),
    mungeLinks: flags.on('munge-links'),
    copyDirlinks: flags.on('copy-dirlinks'),
    keepDirlinks: flags.on('keep-dirlinks'),
    insecureLinks: flags.on('insecure-links'),
    confineRoot: confineRoot(flags),
    copyDevices: flags.on('copy-devices'),
    writeDevices: flags.on('write-devices'),
    maxSize: flags.size('max-size'),
    minSize: flags.size('min-size'),
    pruneEmptyDirs: flags.on('prune-empty-dirs'),
    ignoreMissingArgs: flags.on('ignore-missing-args') || deleteMissingArgs,
    deleteMissingArgs,
    iconv: iconv(flags, environment),
    filters: filters(flags, oldDirs),
    cvsExclude: flags.on('cvs-exclude'),
  }
}

/** How deep it goes. */
function depth(flags: Flags): {
  readonly oldDirs: boolean
  readonly recursive: boolean
  readonly dirs: boolean
} {
  const hasNames = flags.text('files-from') !== null
  const said = flags.lastOf(['dirs', 'old-dirs'])
  // --old-dirs: all is listed, what is deeper left out by a filter.
  const oldDirs = said?.name === 'old-dirs'
  // --files-from gives the names: -a then says nothing about going deeper.
  const recursive = oldDirs || flags.last(hasNames ? ['recursive'] : ['recursive', 'archive'])
  return {
    oldDirs,
    recursive,
    dirs: recursive || (said?.on ?? (hasNames || flags.on('list-only'))),
  }
}

/** -d or --list-only say it, and nothing says more. */
export function dirsSaid(flags: Flags): boolean {
  const said = flags.lastOf(['dirs', 'old-dirs'])
  const { recursive } = depth(flags)
  return !recursive && (said?.on ?? flags.on('list-only'))
}

/** What has to see all of the list first reads all of it first. */
function mayComeInParts(flags: Flags, { isWhole, protocol }: ListNeeds): boolean {
  return (
    flags.on('inc-recursive', true) &&
    !flags.on('qsort') &&
    (protocol ?? 30) >= 30 &&
    !isWhole &&
    !flags.on('prune-empty-dirs')
  )
}

/** Of the directory `/` nothing is outside. */
function confineRoot(flags: Flags): string | null {
  const root = flags.text('confine-root')
  return root !== null && /^\/+$/.test(root) ? null : root
}

/** `--iconv=-` and `--no-iconv` are how to want none. */
function iconv(flags: Flags, environment: Environment): string | null {
  const charsets = flags.said('iconv') ? flags.text('iconv') : (environment['RSYNC_ICONV'] ?? null)
  return charsets === '' || charsets === '-' ? null : charsets
}

function filters(flags: Flags, oldDirs: boolean): FilterArgument[] {
  const found: FilterArgument[] = []
  let fs = 0
  for (const { name, value, on } of flags.all) {
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
