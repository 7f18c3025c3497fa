/**
 * What a client tells the server it starts: `--server`, one cluster of letters, long options, `.`, paths; in rsync 3.5.0's
 * order, since restricted shells compare such lines. Nothing is quoted here. prsync-protocol(7) [server words].
 */
import { isDryOnWire, type Options } from '../options/options.js'
import { parseRemote } from '../options/remote.js'
import { formatAskedInfo } from '../options/words.js'

export type ServerWords = {
  /** For the remote shell, behind the name of the program. */
  readonly shell: readonly string[]
  /** With -s: what follows on the stream; null: all is in `shell`. */
  readonly secluded: readonly string[] | null
}

export type ServerCall = {
  /** A pull. */
  readonly isSender: boolean
  readonly paths: readonly string[]
  /** 27 … 32: the highest the client speaks. */
  readonly protocol: number
}

/** A word, or nothing. */
type Maybe = string | false

export function serverArgs(options: Options, call: ServerCall): ServerWords {
  const first = [
    '--server',
    ...(call.isSender ? ['--sender'] : []),
    ...cluster(options, call),
    ...charset(options),
  ]
  const rest = [...longOptions(options, call), ...options.remoteOptions, '.', ...call.paths]
  return options.secludedArgs
    ? { shell: first, secluded: rest }
    : { shell: [...first, ...rest], secluded: null }
}

/** How the names that --files-from gives reach the other side: from a file of its own, or from here. */
export function filesFromThere(filesFrom: string): string | null {
  return parseRemote(filesFrom)?.path ?? null
}

function cluster(o: Options, call: ServerCall): string[] {
  const { said } = o
  const push = !call.isSender
  const letters = [
    o.secludedArgs && 's',
    'v'.repeat(Math.min(said.verbosity, 9)),
    o.quiet && o.msgs2stderr !== false && 'q',
    o.backup && 'b',
    o.update && 'u',
    isDryOnWire(o) && 'n',
    o.links && 'l',
    (said.dirs || deletesInDirectories(o, push)) && 'd',
    push ? pushed(o) : `${o.copyLinks ? 'L' : ''}${o.copyDirlinks ? 'k' : ''}`,
    o.wholeFile === true && 'W',
    'H'.repeat(Math.min(said.hardLinks, 2)),
    o.owner && 'o',
    o.group && 'g',
    o.devices && 'D',
    o.times && 't',
    'U'.repeat(Math.min(said.atimes, 2)),
    o.perms ? 'p' : o.executability && push && 'E',
    o.acls && 'A',
    'X'.repeat(o.xattrs),
    o.recursive && 'r',
    o.checksum && 'c',
    o.cvsExclude && 'C',
    o.ignoreTimes && 'I',
    o.relative && 'R',
    'x'.repeat(o.oneFileSystem),
    o.sparse && 'S',
    isZlib(o) && 'z',
    call.protocol >= 30 && `e.${offersIncremental(o, push) ? 'i' : ''}LsfxCIvu`,
  ]
  const word = letters.filter((letter) => letter !== false).join('')
  return word === '' ? [] : [`-${word}`]
}

function pushed(o: Options): string {
  const letters: readonly Maybe[] = [
    o.keepDirlinks && 'K',
    o.pruneEmptyDirs && 'm',
    o.said.omitDirTimes && 'O',
    o.omitLinkTimes && 'J',
    // Also in other directories: where there are any.
    'y'.repeat(o.alternates === null ? Math.min(o.fuzzy, 1) : o.fuzzy),
  ]
  return letters.filter((letter) => letter !== false).join('')
}

/** What a receiver deletes without recursion is in directories that are named, as those of --files-from are. */
function deletesInDirectories(o: Options, push: boolean): boolean {
  return push && o.dirs && !o.recursive && o.deleting !== null
}

/** `-z` means what both agree on, or zlib: other names have words of their own. */
function isZlib({ said: { compression: c } }: Options): boolean {
  return c.on && (c.name === null || c.name.toLowerCase() === 'zlib')
}

function offersIncremental(o: Options, push: boolean): boolean {
  const { incRecursive, qsort } = o.said
  // A server that receives knows best whether it can.
  return push ? o.recursive && incRecursive && !qsort : o.incRecursive
}

function charset({ iconv }: Options): string[] {
  if (iconv === null) return []
  return [`--iconv=${iconv.slice(iconv.indexOf(',') + 1)}`]
}

function longOptions(o: Options, call: ServerCall): string[] {
  const push = !call.isSender
  const words: readonly (Maybe | readonly string[])[] = [
    o.listOnly && '--list-only',
    deletesInDirectories(o, push) && '--no-r',
    o.compressLevel !== null && `--compress-level=${o.compressLevel}`,
    o.devices !== o.specials && (o.specials ? '--specials' : '--no-specials'),
    push && logFormat(o),
    o.msgs2stderr !== null && (o.msgs2stderr ? '--msgs2stderr' : '--no-msgs2stderr'),
    o.blockSize !== null && `-B${o.blockSize}`,
    o.timeoutMs > 0 && `--timeout=${o.timeoutMs / 1000}`,
    o.bwlimit > 0 && `--bwlimit=${Math.floor((o.bwlimit + 512) / 1024)}`,
    o.backupDir !== null && ['--backup-dir', o.backupDir],
    o.suffix !== (o.backupDir === null ? '~' : '') && `--suffix=${o.suffix}`,
    o.said.checksumChoice !== null && `--checksum-choice=${o.said.checksumChoice}`,
    compressor(o),
    ...(push ? deleting(o) : [o.skipCompress !== null && `--skip-compress=${o.skipCompress}`]),
    o.said.maxAlloc !== null && `--max-alloc=${o.said.maxAlloc}`,
    missing(o, push),
    push && modifyWindow(o),
    o.checksumSeed !== 0 && `--checksum-seed=${o.checksumSeed}`,
    ...(push ? partial(o) : []),
    o.ignoreErrors && '--ignore-errors',
    o.copyUnsafeLinks && '--copy-unsafe-links',
    o.safeLinks && '--safe-links',
    o.numericIds && '--numeric-ids',
    o.said.qsort && '--use-qsort',
    ...(push ? receiving(o) : []),
    info(o, push),
    o.append !== 'no' && (o.append === 'verify' ? ['--append', '--append'] : '--append'),
    o.append === 'no' && o.inplace && '--inplace',
    push && o.inplace && o.append === 'no' && o.sparse && o.wholeFile === false && '--no-W',
    ...filesFrom(o, push),
    o.relative && !o.impliedDirs && (!push || call.protocol >= 30) && '--no-implied-dirs',
    push && o.writeDevices && '--write-devices',
    o.said.removeSource !== null && `--${o.said.removeSource}`,
    !push && o.copyDevices && '--copy-devices',
    push && o.preallocate && '--preallocate',
    o.said.openNoAtime && o.said.atimes < 2 && '--open-noatime',
    push && o.mkpath && '--mkpath',
  ]
  return words.flatMap((word) => (word === false ? [] : word))
}

/** What the receiver has to tell a client that writes down each file. */
function logFormat(o: Options): Maybe {
  const format = o.said.outFormat
  const isNaming = (o.said.info.get('name') ?? (o.said.progress ? 1 : 0)) > 0
  if (format === null && !isNaming) return false
  const letters = [...(format ?? '').matchAll(/%[-'\d]*([A-Za-z%])/g)].map(([, letter]) => letter)
  if (letters.includes('i')) return `--log-format=%i${o.said.itemize > 1 ? '%I' : ''}`
  if (letters.includes('o')) return '--log-format=%o'
  return o.said.verbosity === 0 && '--log-format=X'
}

function compressor({ said: { compression: c } }: Options): Maybe {
  if (c.name === null) return false
  const name = c.name.toLowerCase()
  if (name === 'zlib') return '--old-compress'
  return name === 'zlibx' ? '--new-compress' : `--compress-choice=${c.name}`
}

function deleting(o: Options): readonly Maybe[] {
  const when = o.said.deleting
  return [
    o.maxDelete !== null && `--max-delete=${o.maxDelete > 0 ? o.maxDelete : -1}`,
    o.minSize !== null && `--min-size=${o.minSize}`,
    o.maxSize !== null && `--max-size=${o.maxSize}`,
    when === 'some time' && !o.deleteExcluded && '--delete',
    when !== null && when !== 'some time' && `--delete-${when}`,
    o.deleteExcluded && '--delete-excluded',
    o.force && '--force',
    o.batch?.kind === 'only-write' && '--only-write-batch=X',
    o.superUser === true && '--super',
    o.sizeOnly && '--size-only',
    o.stats && '--stats',
  ]
}

function missing(o: Options, push: boolean): Maybe {
  if (o.deleteMissingArgs) return '--delete-missing-args'
  return o.ignoreMissingArgs && !push && '--ignore-missing-args'
}

/** Some old servers take no negative number behind `=`. */
function modifyWindow({ said: { modifyWindow: seconds } }: Options): Maybe {
  if (seconds === null) return false
  return seconds < 0 ? `-@${seconds}` : `--modify-window=${seconds}`
}

function partial(o: Options): (Maybe | readonly string[])[] {
  const directory = o.inplace ? null : o.said.partialDir
  return [
    directory !== null && ['--partial-dir', directory],
    o.delayUpdates && '--delay-updates',
    directory === null && !o.delayUpdates && !o.inplace && o.partial && '--partial',
  ]
}

function receiving(o: Options): (Maybe | readonly string[])[] {
  return [
    o.usermap !== null && `--usermap=${o.usermap}`,
    o.groupmap !== null && `--groupmap=${o.groupmap}`,
    o.ignoreExisting && '--ignore-existing',
    o.existing && '--existing',
    o.tempDir !== null && ['--temp-dir', o.tempDir],
    o.fsync && '--fsync',
    ...(o.alternates?.directories ?? []).map((directory) => [
      `--${o.alternates?.kind ?? ''}-dest`,
      directory,
    ]),
  ]
}

function info(o: Options, push: boolean): Maybe {
  const words = formatAskedInfo(o.said.info, push ? 'receiver' : 'sender')
  return words !== null && `--info=${words}`
}

/** A receiver needs the file only if it is there; a sender gets the names from here if it is not, each with a NUL behind it. */
function filesFrom(o: Options, push: boolean): (Maybe | readonly string[])[] {
  if (o.filesFrom === null) return []
  const there = filesFromThere(o.filesFrom)
  const plain = !o.relative && '--no-relative'
  if (there !== null) return [['--files-from', there], o.from0 && '--from0', plain]
  return push ? [] : ['--files-from=-', '--from0', plain]
}
