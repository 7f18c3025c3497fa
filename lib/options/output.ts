/** What a run says, how, and where: --verbose, --info, --out-format, --log-file and the like. rsync(1). */
import { UsageError } from '../base/errors.js'
import type { Flags } from './flags.js'
import { type DebugWord, debugLevels, type InfoWord, infoLevels, type Levels } from './words.js'

export type OutputOptions = {
  readonly verbosity: number
  readonly quiet: boolean
  readonly info: Levels<InfoWord>
  readonly debug: Levels<DebugWord>
  readonly humanReadable: number
  readonly eightBitOutput: boolean
  /** Where messages go that are no errors: standard output, or with the errors. */
  readonly messagesTo: 'output' | 'all'
  /** How a server's messages come: null: errors by standard error too, as always; true: all; false: all over the wire. */
  readonly msgs2stderr: boolean | null
  readonly stats: boolean
  readonly progress: boolean
  /** How changed files are named; null: by their name alone, if at all. */
  readonly outFormat: string | null
  /** -ii, -ivv: what is the same is named too. */
  readonly logUnchanged: boolean
  readonly logFile: string | null
  readonly logFileFormat: string
  /** How standard output is written; null: as it is best. */
  readonly outbuf: 'none' | 'line' | 'block' | null
}

/** What a change is told by where nobody asked for another format. */
const ITEMIZED = '%i %n%L'

/** @throws {UsageError} on words that --info or --debug do not know */
export function outputOptions(flags: Flags): Omit<OutputOptions, 'outbuf'> {
  const quiet = flags.count('quiet') > 0
  const verbosity = quiet ? 0 : flags.count('verbose')
  const stats = flags.on('stats')
  const itemize = flags.count('itemize-changes')
  const asked = [
    ...(flags.last(['progress', 'P']) ? ['progress', 'name', 'flist2'] : []),
    ...(stats ? [verbosity > 1 ? 'stats3' : 'stats2'] : []),
    ...flags.texts('info'),
  ]
  const info = infoLevels(verbosity, asked)
  const outFormat = flags.text('out-format') ?? (itemize > 0 ? ITEMIZED : null)
  const toErrors = msgs2stderr(flags)
  return {
    verbosity,
    quiet,
    info,
    debug: debugLevels(verbosity, flags.texts('debug')),
    humanReadable: humanReadable(flags),
    eightBitOutput: flags.on('8-bit-output'),
    messagesTo: toErrors === true ? 'all' : 'output',
    msgs2stderr: toErrors,
    stats,
    progress: info.progress > 0,
    outFormat: quiet ? null : outFormat,
    logUnchanged: itemize > 1 || (info.name > 1 && tellsItem(outFormat ?? '')),
    logFile: flags.text('log-file'),
    logFileFormat: flags.text('log-file-format') ?? ITEMIZED,
  }
}

/** Apart from the others, as rsync finds fault with these words late. @throws {UsageError} */
export function outbuf(flags: Flags): OutputOptions['outbuf'] {
  const mode = flags.text('outbuf')
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

/** Does a format of --out-format say what is done? */
export function tellsItem(format: string): boolean {
  return /%'*-?\d*'*i/.test(format)
}

function humanReadable(flags: Flags): number {
  if (!flags.said('human-readable')) return 1
  return flags.on('human-readable') ? 1 + flags.count('human-readable') : 0
}

function msgs2stderr(flags: Flags): boolean | null {
  const last = flags.lastOf(['stderr', 'msgs2stderr'])
  if (last?.name !== 'stderr') return last?.on ?? null
  return last.value?.startsWith('a') === true ? true : last.value?.startsWith('c') ? false : null
}
