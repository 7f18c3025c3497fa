/** prsync in rsync's place: the command line → a run, its words and its exit status. */

import { sync } from '../app/sync.js'
import { EXIT, type ExitCode, PrsyncError, UsageError } from '../base/errors.js'
import type { Flag } from '../options/flags.js'
import { placesOf } from '../options/remote.js'
import { resolveOptions } from '../options/resolve.js'
import { parseRsyncLine } from '../options/rsync-line.js'
import { debugLevels, infoLevels, wordsHelp } from '../options/words.js'
import { argumentBytes } from './argument-bytes.js'
import { rsyncHelp } from './rsync-help.js'
import { SyncScreen } from './sync-screen.js'
import { statusWords } from './sync-words.js'
import { version, versionJson, versionText } from './version.js'

export async function syncCommand(argv: readonly string[], signal: AbortSignal): Promise<ExitCode> {
  try {
    return await run(argumentBytes(argv), signal)
  } catch (error) {
    if (!(error instanceof PrsyncError)) throw error
    const why = error.isSilent ? '' : `prsync: ${error.message}\n`
    process.stderr.write(`${why}prsync ${statusWords(error.exitCode)}\n`)
    return error.exitCode
  }
}

async function run(argv: readonly string[], signal: AbortSignal): Promise<ExitCode> {
  if (argv.length === 1 && argv[0] === '-h') return say(rsyncHelp(version()))
  const { flags, paths } = parseRsyncLine(argv, process.env['POSIXLY_CORRECT'] !== undefined)
  const asked = wordsAsked(flags)
  if (asked !== null) return say(asked)
  const options = resolveOptions(flags, process.env, new Date())
  const sources = paths.length > 1 ? paths.slice(0, -1) : paths
  const destination = paths.length > 1 ? (paths.at(-1) ?? null) : null
  if (paths.length === 0) throw new UsageError('no source is named; see prsync --help')
  if (options.filesFrom !== null && paths.length !== 2)
    throw new UsageError('--files-from goes with one source and a destination; see prsync --help')
  const isListing = destination === null || options.listOnly
  const places = placesOf(sources, destination)
  const isRemote = places.kind !== 'local'
  const listing =
    isListing && !options.recursive ? { ...options, dirs: true, incRecursive: false } : options
  const said = isRemote ? { ...listing, wholeFile: options.wholeFile ?? false } : listing
  const formats = `${options.outFormat ?? ''}${options.logFile === null ? '' : options.logFileFormat}`
  const sums = /%'*-?\d*'*C/.test(formats)
    ? await (await import('../app/sync-sums.js')).openFileSums(options)
    : null
  const screen = new SyncScreen(said, sums, places.kind)
  screen.begin(isListing)
  try {
    if (isRemote) {
      const { syncRemote } = await import('../app/wire-client.js')
      const config = { options: said, places, environment: process.env }
      const remote = await syncRemote(config, screen.events, signal)
      return remote === null ? EXIT.ok : screen.end(remote)
    }
    const report = await sync(
      {
        options: said,
        sources,
        destination: isListing ? null : destination,
      },
      screen.events,
      signal,
    )
    return screen.end(report)
  } catch (error) {
    screen.failed(error)
    throw error
  } finally {
    screen.close()
  }
}

/** Help, the version, the words of --info: asked for anywhere, it is all that is done. */
function wordsAsked(flags: readonly Flag[]): string | null {
  let versions = 0
  for (const { name, value } of flags) {
    if (name === 'help') return rsyncHelp(version())
    if (name === 'version') versions++
    if (name !== 'info' && name !== 'debug') continue
    if ((value ?? '').split(',').some((word) => word.toLowerCase() === 'help'))
      return wordsHelp(name)
    if (name === 'info') infoLevels(0, [value ?? ''])
    else debugLevels(0, [value ?? ''])
  }
  return versions === 0 ? null : versions > 1 ? versionJson() : versionText()
}

function say(text: string): ExitCode {
  process.stdout.write(text)
  return EXIT.ok
}
