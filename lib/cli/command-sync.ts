/** prsync in rsync's place: the command line → a run, its words and its exit status. */

import { sync } from '../app/sync.js'
import { refuseRemote } from '../app/sync-places.js'
import { EXIT, type ExitCode, PrsyncError, UsageError } from '../base/errors.js'
import { resolveOptions } from '../options/resolve.js'
import { rsyncHelp } from './rsync-help.js'
import { parseRsyncLine } from './rsync-line.js'
import { SyncScreen, statusWords } from './sync-screen.js'
import { version } from './version.js'

export async function syncCommand(argv: readonly string[], signal: AbortSignal): Promise<ExitCode> {
  try {
    return await run(argv.map(bytesOfArgument), signal)
  } catch (error) {
    if (error instanceof PrsyncError) {
      process.stderr.write(`prsync: ${error.message}\nprsync ${statusWords(error.exitCode)}\n`)
      return error.exitCode
    }
    throw error
  }
}

async function run(argv: readonly string[], signal: AbortSignal): Promise<ExitCode> {
  if (argv.length === 1 && argv[0] === '-h') return help()
  const { flags, paths } = parseRsyncLine(argv)
  if (flags.some((f) => f.name === 'help')) return help()
  const versions = flags.filter((f) => f.name === 'version').length
  if (versions > 0) {
    process.stdout.write(versions > 1 ? versionJson() : `prsync version ${version()}\n`)
    return EXIT.ok
  }
  refuseRemote(paths)
  const options = resolveOptions(flags, process.env)
  if (paths.length === 0) throw new UsageError('no source is named; see prsync --help')
  const isListing = paths.length === 1 || options.listOnly
  const [destination = null] = isListing ? [] : paths.slice(-1)
  const sources =
    paths.length === 1 || (isListing && paths.length === 1) ? paths : paths.slice(0, -1)
  const asked = isListing && !options.recursive ? { ...options, dirs: true } : options
  const screen = new SyncScreen(asked)
  screen.begin(isListing)
  try {
    const report = await sync(
      { options: asked, sources, destination, stopAtMs: null },
      screen.events,
      signal,
    )
    return screen.end(report)
  } finally {
    screen.flush()
  }
}

function help(): ExitCode {
  process.stdout.write(rsyncHelp(version()))
  return EXIT.ok
}

function versionJson(): string {
  const yes = [
    'symlinks',
    'symtimes',
    'hardlinks',
    'hardlink_specials',
    'hardlink_symlinks',
    'atimes',
    'inplace',
    'append',
    'ACLs',
    'xattrs',
    'prealloc',
    'stop_at',
  ]
  const no = ['batchfiles', 'iconv', 'crtimes', 'socketpairs', 'IPv6']
  const capabilities: Readonly<Record<string, boolean>> = Object.fromEntries<boolean>([
    ...yes.map((k) => [k, true] as const),
    ...no.map((k) => [k, false] as const),
  ])
  return `${JSON.stringify({ program: 'prsync', version: version(), protocol: '32.0', capabilities, checksum_list: ['xxh128', 'xxh3', 'xxh64', 'md5', 'md4', 'sha1', 'none'], compress_list: ['zlibx', 'zlib', 'none'], license: 'MIT' }, null, 2)}\n`
}

/** One char per byte. */
function bytesOfArgument(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}
