/**
 * What a client asked of the server it started: the words behind `--server`, from any version of rsync or from openrsync, which
 * has each letter in a word of its own. rsync's own table of options reads them. prsync-protocol(7) [server words].
 */
import { UsageError } from '../base/errors.js'
import { Flags } from './flags.js'
import type { Options } from './options.js'
import { resolveOptions } from './resolve.js'
import { parseRsyncLine } from './rsync-line.js'

export type ServerRequest = {
  readonly options: Options
  /** The server sends: a pull. */
  readonly isSender: boolean
  /** What the client can do, as the letters behind -e say: `.iLsfxCIvu`; empty before protocol 30. */
  readonly capabilities: string
  /** More words follow on the stream, with NULs between them: `paths` is empty until `secludedRequest`. */
  readonly secluded: boolean
  /** Where paths begin: always `.` so far. */
  readonly directory: string
  readonly paths: readonly string[]
  /** What the client writes down: 1: changed files; 2: all. */
  readonly itemize: 0 | 1 | 2
  /** The client names files without their changes. */
  readonly naming: boolean
}

/** @param words behind the program's name, `--server` among them @param now for options that count from it @throws {UsageError} */
export function serverRequest(words: readonly string[], now: Date): ServerRequest {
  // A name that clients send and only servers had.
  const { flags: all, paths } = parseRsyncLine(
    words.map((word) => (word === '--use-qsort' ? '--qsort' : word)),
  )
  const flags = new Flags(all)
  const isRest = (name: string): boolean => name === 'server' || name === 'sender' || name === 'rsh'
  const kept = all.filter(({ name }) => !isRest(name) && name !== 'out-format')
  const onlyWriteBatch = flags.on('only-write-batch')
  const options = resolveOptions(
    kept.filter((flag) => flag.name !== 'only-write-batch'),
    {},
    now,
    'server',
  )
  const [directory, ...rest] = paths
  if (directory === undefined && !options.secludedArgs)
    throw new UsageError('a server needs a directory and a path')
  const format = flags.text('out-format') ?? ''
  return {
    // Nothing is changed here, the client keeps the differences.
    options: onlyWriteBatch
      ? { ...options, dryRun: true, batch: { kind: 'only-write', file: '' } }
      : options,
    isSender: flags.on('sender'),
    capabilities: flags.text('rsh') ?? '',
    secluded: options.secludedArgs,
    directory: directory ?? '.',
    paths: rest,
    itemize: !format.includes('%i') ? 0 : format.includes('%I') ? 2 : 1,
    naming: format === 'X' || format === '%o',
  }
}

/** The whole of a request whose words came in two parts. @param rest what stood on the stream behind `rsync` */
export function secludedRequest(
  words: readonly string[],
  rest: readonly string[],
  now: Date,
): ServerRequest {
  return { ...serverRequest([...words, ...rest], now), secluded: false }
}
