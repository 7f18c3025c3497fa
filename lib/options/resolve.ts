/** Options as they stand on the command line → what is meant: order, implications, conflicts, defaults. rsync(1). */
import { UsageError } from '../base/errors.js'
import { attributeOptions } from './attributes.js'
import { comparisonOptions } from './comparison.js'
import { compression, compressionSaid } from './compression.js'
import { checkConflicts, type Role } from './conflicts.js'
import { connectionOptions } from './connection.js'
import { deleteTiming, deletingSaid, deletionOptions } from './deletion.js'
import type { Environment } from './environment.js'
import { type Flag, Flags } from './flags.js'
import type { Options } from './options.js'
import { outbuf, outputOptions } from './output.js'
import { parseRsyncLine } from './rsync-line.js'
import { said } from './said.js'
import { dirsSaid, selectionOptions } from './selection.js'
import { parseStopAfter, parseStopAt } from './stop-time.js'
import { parseSize } from './units.js'
import { partialDirSaid, writingOptions } from './writing.js'

/** What the first words decide, and never what a copy is. */
const ROLES: ReadonlySet<string> = new Set(['server', 'sender', 'daemon'])
const USUAL_MAX_ALLOC = 2 ** 30

/** @throws {UsageError} on what contradicts itself */
export function resolveOptions(
  all: readonly Flag[],
  environment: Environment,
  now: Date,
  role: Role = 'local',
): Options {
  const flags = new Flags(all)
  checkRole(flags)
  const protocol = flags.integer('protocol')
  const output = outputOptions(flags)
  const limit = maxAlloc(flags, environment)
  const batch = batchOf(flags)
  const deleting = deleteTiming(flags, protocol)
  const isWhole = deleting === 'before' || deleting === 'after' || flags.on('delay-updates')
  const options: Options = {
    ...output,
    listOnly: flags.on('list-only'),
    dryRun: flags.on('dry-run') || batch?.kind === 'only-write',
    outbuf: outbuf(flags),
    ...selectionOptions(flags, environment, { isWhole, protocol }),
    ...comparisonOptions(flags),
    ...attributeOptions(flags, receiverFlags(flags, role)),
    ...writingOptions(flags, environment, role === 'server'),
    ...deletionOptions(flags, protocol),
    timeoutMs: Math.max(0, flags.integer('timeout') ?? 0) * 1000,
    bwlimit: flags.rate('bwlimit'),
    stopAtMs: stopAt(flags, now),
    maxAlloc: limit.bytes,
    batch,
    compress: compression(compressionSaid(flags)),
    compressLevel: flags.integer('compress-level'),
    compressThreads: flags.integer('compress-threads'),
    skipCompress: flags.text('skip-compress'),
    protocol,
    ...connectionOptions(flags, environment),
    said: said(flags, {
      verbosity: flags.count('verbose'),
      dirs: dirsSaid(flags),
      deleting: deletingSaid(flags),
      partialDir: partialDirSaid(flags, environment),
      maxAlloc: limit.text,
    }),
  }
  checkConflicts(flags, options, role)
  return options
}

function checkRole(flags: Flags): void {
  if (flags.on('crtimes')) throw new UsageError('This system does not support --crtimes (-N)')
  const missing = flags.all.find((f) => f.on && ROLES.has(f.name))
  if (missing !== undefined)
    throw new UsageError(`--${missing.name} goes with --server alone; see prsync --help`)
}

/** A dry run has nothing to write down. */
function batchOf(flags: Flags): Options['batch'] {
  const kinds = { 'only-write-batch': 'only-write', 'write-batch': 'write', 'read-batch': 'read' }
  for (const [name, kind] of Object.entries(kinds)) {
    const file = flags.text(name)
    if (file === null || (kind !== 'read' && flags.on('dry-run'))) continue
    return { kind: kind as 'only-write' | 'write' | 'read', file }
  }
  return null
}

/** The receiver of a local copy hears what -M says too. What another program understands may be none of our options. */
function receiverFlags(flags: Flags, role: Role): Flags {
  if (role !== 'local') return flags
  const words = flags.texts('remote-option').filter((word) => word.startsWith('-'))
  try {
    return new Flags([...flags.all, ...parseRsyncLine(words).flags])
  } catch {
    return flags
  }
}

function maxAlloc(
  flags: Flags,
  environment: Environment,
): { readonly bytes: number; readonly text: string | null } {
  const own = flags.size('max-alloc')
  const fallback = environment['RSYNC_MAX_ALLOC'] ?? ''
  const text = flags.text('max-alloc') ?? fallback
  const bytes = own ?? (fallback === '' ? USUAL_MAX_ALLOC : parseSize(fallback, '--max-alloc'))
  if (bytes > 0 && bytes < 2 ** 20)
    throw new UsageError(`--max-alloc=${text} is too small (min: 1.00M or 0 for unlimited)`)
  return { bytes, text: bytes === USUAL_MAX_ALLOC ? null : text }
}

/** The later of both options counts. */
function stopAt(flags: Flags, now: Date): number | null {
  let at: number | null = null
  for (const { name, value } of flags.all) {
    if (name === 'stop-after') at = parseStopAfter(value ?? '', now)
    if (name === 'stop-at') at = parseStopAt(value ?? '', now)
  }
  return at
}
