/** What was written, where it differs from what is meant: a client's words for its server repeat the former. */
import { type CompressionSaid, compressionSaid } from './compression.js'
import type { Flags } from './flags.js'
import { askedInfo, type InfoWord } from './words.js'

export type DeleteTiming = 'before' | 'during' | 'delay' | 'after'

export type Said = {
  /** -v, also behind a -q. */
  readonly verbosity: number
  /** -ii … */
  readonly itemize: number
  readonly outFormat: string | null
  /** --progress, not the word of --info. */
  readonly progress: boolean
  /** Words of --info and the levels they were given. */
  readonly info: ReadonlyMap<InfoWord, number>
  /** Directories by -d or --list-only, not by --files-from. */
  readonly dirs: boolean
  readonly incRecursive: boolean
  readonly qsort: boolean
  /** How often -U, and what --open-noatime says beside it. */
  readonly atimes: number
  readonly openNoAtime: boolean
  readonly hardLinks: number
  readonly omitDirTimes: boolean
  readonly compression: CompressionSaid
  readonly checksumChoice: string | null
  readonly deleting: DeleteTiming | 'some time' | null
  readonly modifyWindow: number | null
  readonly maxAlloc: string | null
  readonly partialDir: string | null
  readonly removeSource: 'remove-source-files' | 'remove-sent-files' | null
}

export function said(
  flags: Flags,
  resolved: Pick<Said, 'verbosity' | 'dirs' | 'deleting' | 'partialDir' | 'maxAlloc'>,
): Said {
  const itemize = flags.count('itemize-changes')
  const checksums = flags.text('checksum-choice')
  return {
    ...resolved,
    itemize,
    outFormat: flags.text('out-format') ?? (itemize > 0 ? '%i %n%L' : null),
    progress: flags.last(['progress', 'P']),
    info: askedInfo(flags.texts('info')),
    incRecursive: flags.on('inc-recursive', true),
    qsort: flags.on('qsort'),
    atimes: flags.count('atimes'),
    openNoAtime: flags.on('open-noatime'),
    hardLinks: flags.count('hard-links'),
    omitDirTimes: flags.on('omit-dir-times'),
    compression: compressionSaid(flags),
    checksumChoice: checksums?.toLowerCase() === 'auto' ? null : checksums,
    modifyWindow: flags.integer('modify-window'),
    removeSource: removeSource(flags),
  }
}

function removeSource(flags: Flags): Said['removeSource'] {
  const name = flags.lastOf(['remove-source-files', 'remove-sent-files'])?.name
  return name === 'remove-source-files' || name === 'remove-sent-files' ? name : null
}
