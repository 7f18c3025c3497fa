/** How a file is built and takes its place: deltas, partial files, backups. rsync(1). */
import { UsageError } from '../base/errors.js'
import type { Environment } from './environment.js'
import type { Flags } from './flags.js'

export type WritingOptions = {
  /** Null: not said. A local copy then looks for no differences, one over a wire does. */
  readonly wholeFile: boolean | null
  readonly blockSize: number | null
  readonly checksumChoice: string | null
  readonly checksumSeed: number
  readonly inplace: boolean
  readonly append: 'no' | 'trust' | 'verify'
  readonly sparse: boolean
  readonly preallocate: boolean
  readonly fsync: boolean
  readonly partial: boolean
  readonly partialDir: string | null
  readonly delayUpdates: boolean
  readonly tempDir: string | null
  readonly backup: boolean
  readonly backupDir: string | null
  readonly suffix: string
  readonly force: boolean
}

/** @param isServer what a client means by one --append it tells its server by two @throws {UsageError} on numbers that are none */
export function writingOptions(
  flags: Flags,
  environment: Environment,
  isServer: boolean,
): WritingOptions {
  const append = appended(flags, isServer)
  const inplace = flags.on('inplace') || append !== 'no' || flags.on('write-devices')
  const delayUpdates = flags.on('delay-updates')
  const said = partialDirSaid(flags, environment)
  const partialDir = inplace ? null : (said ?? (delayUpdates ? '.~tmp~' : null))
  const backupDir = flags.text('backup-dir')
  const checksumChoice = flags.text('checksum-choice')?.toLowerCase() ?? null
  return {
    wholeFile: wholeFile(flags, append, checksumChoice),
    blockSize: blockSize(flags),
    checksumChoice,
    checksumSeed: flags.integer('checksum-seed') ?? 0,
    inplace,
    append,
    sparse: flags.on('sparse'),
    preallocate: flags.on('preallocate'),
    fsync: flags.on('fsync'),
    partial: flags.last(['partial', 'P']) || flags.said('partial-dir') || partialDir !== null,
    partialDir,
    delayUpdates,
    tempDir: flags.text('temp-dir'),
    backup: flags.on('backup') || backupDir !== null,
    backupDir,
    suffix: flags.text('suffix') ?? (backupDir === null ? '~' : ''),
    force: flags.on('force'),
  }
}

function appended(flags: Flags, isServer: boolean): WritingOptions['append'] {
  const count = Math.min(flags.count('append'), isServer ? 2 : 1)
  const level = flags.on('append-verify') ? 2 : count
  return level === 0 ? 'no' : level === 1 ? 'trust' : 'verify'
}

function wholeFile(
  flags: Flags,
  append: WritingOptions['append'],
  checksumChoice: string | null,
): boolean | null {
  if (append !== 'no') return false
  // Without sums there is nothing to compare.
  return /^none(,|$)/.test(checksumChoice ?? '') ? true : flags.either('whole-file')
}

function blockSize(flags: Flags): number | null {
  const size = flags.size('block-size')
  if (size === null || size === 0) return null
  if (size > 131_072)
    throw new UsageError(
      `--block-size=${flags.text('block-size') ?? ''} is too large (max: 128.00K)`,
    )
  return size
}

export function partialDirSaid(flags: Flags, environment: Environment): string | null {
  const partial = flags.last(['partial', 'P'])
  const named =
    flags.text('partial-dir') ?? (partial ? (environment['RSYNC_PARTIAL_DIR'] ?? null) : null)
  return named === '.' || named === '' ? null : named
}
