/** prsync in rsync's place: the command line → a run, its words and its exit status. */

import type { Replay } from '../app/batch-replay.js'
import { sync } from '../app/sync.js'
import type { FileSums } from '../app/sync-sums.js'
import { EXIT, type ExitCode, PrsyncError, UsageError } from '../base/errors.js'
import type { Flag } from '../options/flags.js'
import type { Options } from '../options/options.js'
import { checkNamesPlace, placesOf, type RemotePlace } from '../options/remote.js'
import { resolveOptions } from '../options/resolve.js'
import { parseRsyncLine } from '../options/rsync-line.js'
import { debugLevels, infoLevels, wordsHelp } from '../options/words.js'
import { argumentBytes } from './argument-bytes.js'
import { ownProgram } from './own-program.js'
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
  const { batch } = options
  const isReplay = batch?.kind === 'read'
  const [sources, destination] = namedPlaces(paths, isReplay)
  if (options.filesFrom !== null && paths.length !== 2)
    throw new UsageError('--files-from goes with one source and a destination; see prsync --help')
  if (destination === '' && options.oldArgs === 0)
    throw new UsageError('Empty destination arg specified (use "." or see --old-args).')
  const isListing = destination === null || options.listOnly
  const places = placesOf(sources, destination)
  if (options.filesFrom !== null) checkNamesPlace(options.filesFrom, places)
  if (isReplay && places.kind !== 'local')
    throw new UsageError('remote destination is not allowed with --read-batch')
  const isWired = places.kind !== 'local' || batch !== null
  // A log of the receiver's own: a local copy has one where it goes through a server of ours.
  const isLoggedThere = options.remoteOptions.some((word) => word.startsWith('--log-file='))
  const listing =
    isListing && !options.recursive ? { ...options, dirs: true, incRecursive: false } : options
  const said =
    isWired || isLoggedThere ? { ...listing, wholeFile: options.wholeFile ?? !isWired } : listing
  const sums = await openSums(options)
  const replay = isReplay ? await openReplay(said, batch.file, signal) : null
  const screen = new SyncScreen(replay?.options ?? said, sums, isReplay ? 'pull' : places.kind)
  if (replay !== null) screen.matched(replay.matched)
  const isServed = batch !== null || isLoggedThere
  const isOver = replay === null && (places.kind !== 'local' || (isServed && !isListing))
  if (!isOver) screen.begin(isListing)
  const to = isListing ? null : destination
  try {
    if (replay !== null) return screen.end(await replay.run(to, screen.events))
    if (isOver) {
      const { syncRemote } = await import('../app/wire-client.js')
      const remote = await syncRemote(
        {
          options: said,
          places: places.kind === 'local' ? { kind: 'push', sources, to: here(to ?? '.') } : places,
          environment: process.env,
          program: ownProgram(),
          batch:
            batch === null ? null : { flags, file: batch.file, destination: destination ?? '' },
        },
        { ...screen.events, agreed: () => screen.begin(isListing) },
        signal,
      )
      return remote === null ? EXIT.ok : screen.end(remote)
    }
    const config = { options: said, sources, destination: to }
    return screen.end(await sync(config, screen.events, signal))
  } catch (error) {
    screen.failed(error)
    throw error
  } finally {
    await replay?.close()
    screen.close()
  }
}

/** Null: no format asks for sums of files. */
async function openSums(options: Options): Promise<FileSums | null> {
  const { outFormat, logFile, logFileFormat } = options
  const formats = `${outFormat ?? ''}${logFile === null ? '' : logFileFormat}`
  if (!/%'*-?\d*'*C/.test(formats)) return null
  const { openFileSums } = await import('../app/sync-sums.js')
  return openFileSums(options)
}

async function openReplay(options: Options, file: string, signal: AbortSignal): Promise<Replay> {
  const module = await import('../app/batch-replay.js')
  return module.openReplay(options, file, signal)
}

/** What is copied, and where to; null: it is listed. A batch has its sources in it. @throws {UsageError} */
function namedPlaces(
  paths: readonly string[],
  isReplay: boolean,
): readonly [readonly string[], string | null] {
  if (paths.length === 0)
    throw new UsageError(`no ${isReplay ? 'destination' : 'source'} is named; see prsync --help`)
  if (!isReplay && paths.length === 1) return [paths, null]
  if (isReplay && paths.length > 1)
    throw new UsageError('--read-batch goes with a destination alone; see prsync --help')
  return [paths.slice(0, -1), paths.at(-1) ?? null]
}
function here(path: string): RemotePlace {
  return { kind: 'here', user: null, host: '', port: null, paths: [path] }
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
