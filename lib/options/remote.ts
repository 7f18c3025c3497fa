/**
 * Places on other machines, as the command line names them, and the command that a remote shell is given.
 * rsync(1), and prsync-protocol(7), starting the other side. Texts are one char per byte.
 */
import { UsageError } from '../base/errors.js'

/** One argument that names another machine. An empty host: the one of the source before it. */
export type RemoteSpec = {
  readonly kind: 'shell' | 'daemon'
  readonly user: string | null
  readonly host: string
  /** Only a URL says one. */
  readonly port: number | null
  /** Of a daemon: `module/path`. */
  readonly path: string
}

/** The other machine of a run, and all that is asked of it. */
export type RemotePlace = Omit<RemoteSpec, 'path' | 'kind'> & {
  /** `here`: a server of our own on this machine, so that a local copy can be written down. */
  readonly kind: RemoteSpec['kind'] | 'here'
  readonly paths: readonly string[]
}

export type Places =
  | { readonly kind: 'local' }
  /** No destination: what is there is listed. */
  | { readonly kind: 'pull'; readonly from: RemotePlace; readonly destination: string | null }
  | { readonly kind: 'push'; readonly sources: readonly string[]; readonly to: RemotePlace }

/** Null: a path of this machine. @throws {UsageError} on a port that is none */
export function parseRemote(argument: string): RemoteSpec | null {
  if (/^rsync:\/\//i.test(argument)) return parseUrl(argument)
  const match = /^(?:([^/:[]*)@)?(?:\[([^\]/]*)\]|([^/:]*)):(:?)(.*)$/s.exec(argument)
  if (match === null) return null
  const [, user, bracketed, plain = '', second, path = ''] = match
  return {
    kind: second === ':' ? 'daemon' : 'shell',
    user: user ?? null,
    host: bracketed ?? plain,
    port: null,
    path,
  }
}

function parseUrl(argument: string): RemoteSpec {
  const match =
    /^rsync:\/\/(?:([^/[]*)@)?(?:\[([^\]/]*)\]|([^/:]*))(?::([^/]*))?(?:\/(.*))?$/is.exec(argument)
  if (match === null) throw new UsageError(`${argument}: not a URL of a daemon`)
  const [, user, bracketed, plain = '', port = '', path = ''] = match
  if (port !== '' && !(/^\d{1,5}$/.test(port) && Number(port) < 65536))
    throw new UsageError(`${argument}: ${port} is no port`)
  return {
    kind: 'daemon',
    user: user ?? null,
    host: bracketed ?? plain,
    port: port === '' ? null : Number(port),
    path,
  }
}

/** @throws {UsageError} where both ends are elsewhere, or sources are on different machines */
export function placesOf(sources: readonly string[], destination: string | null): Places {
  const to = destination === null ? null : parseRemote(destination)
  const [first, ...others] = sources.map(parseRemote)
  if (to !== null) {
    if (first !== null && first !== undefined)
      throw new UsageError('the source and destination cannot both be remote')
    const at = others.findIndex((spec) => spec !== null)
    if (at >= 0) throw new UsageError(`unexpected remote argument: ${sources[at + 1] ?? ''}`)
    return { kind: 'push', sources, to: together([to]) }
  }
  if (first === null || first === undefined) {
    const at = others.findIndex((spec) => spec !== null)
    if (at >= 0) throw new UsageError(`unexpected remote argument: ${sources[at + 1] ?? ''}`)
    return { kind: 'local' }
  }
  const rest = others.map((spec, i) => {
    if (spec === null) throw new UsageError(`unexpected local argument: ${sources[i + 1] ?? ''}`)
    return spec
  })
  return { kind: 'pull', from: together([first, ...rest]), destination }
}

function together(specs: readonly [RemoteSpec, ...RemoteSpec[]]): RemotePlace {
  const [{ path: _, ...first }] = specs
  for (const spec of specs) {
    const isSame =
      spec.host === '' ||
      (spec.host === first.host &&
        spec.port === first.port &&
        (spec.user ?? first.user) === first.user)
    if (!isSame) throw new UsageError('all source arguments must come from the same machine')
    if (spec.kind !== first.kind)
      throw new UsageError('all source arguments must name the machine in the same way')
  }
  if (first.host.startsWith('-'))
    throw new UsageError(`a host that begins with "-" is refused: ${first.host}`)
  return { ...first, paths: specs.map(({ path }) => path) }
}

/**
 * --files-from=HOST:FILE: the other machine of the run has the file; an empty HOST is whatever that is.
 * @throws {UsageError} where HOST is another one, as it is written, or the run has none
 */
export function checkNamesPlace(filesFrom: string, places: Places): void {
  const at = parseRemote(filesFrom)
  if (at === null) return
  if (places.kind === 'local')
    throw new UsageError('--files-from cannot be remote when the transfer is local')
  const other = places.kind === 'pull' ? places.from : places.to
  if (at.host !== '' && (at.host !== other.host || (at.user ?? '') !== (other.user ?? '')))
    throw new UsageError('--files-from hostname is not the same as the transfer hostname')
}

/** The module that is asked for: the first component. Empty: which there are. */
export function moduleOf(place: RemotePlace): string {
  return (place.paths[0] ?? '').split('/', 1)[0] ?? ''
}

/** The paths as the sender sees them: a module is its root. */
export function pathsWithin({ kind, paths }: RemotePlace): readonly string[] {
  if (kind === 'shell') return paths
  return paths.map((path) => (path.includes('/') ? path.slice(path.indexOf('/') + 1) : ''))
}

/** A remote shell as -e and RSYNC_RSH write it: words, of which quotes keep spaces; a quote doubled in quotes is one. */
export function shellWords(command: string): readonly string[] {
  const words: string[] = []
  let word: string | null = null
  let quote = ''
  for (let at = 0; at < command.length; at++) {
    const c = command.charAt(at)
    if (quote !== '') {
      if (c !== quote) word += c
      else if (command.charAt(at + 1) === quote) word += command.charAt(++at)
      else quote = ''
    } else if (c === ' ') {
      if (word !== null) words.push(word)
      word = null
    } else if (c === "'" || c === '"') {
      quote = c
      word ??= ''
    } else {
      word = (word ?? '') + c
    }
  }
  if (quote !== '') throw new UsageError(`missing trailing ${quote} in the remote-shell command`)
  if (word !== null) words.push(word)
  if (words.length === 0) throw new UsageError('the remote-shell command is empty')
  return words
}

export type ShellOptions = {
  /** Of -e, else of RSYNC_RSH; null: ssh. */
  readonly rsh: string | null
  /** A whole command: it goes to the shell as it is. */
  readonly rsyncPath: string
  readonly family: 4 | 6 | null
}

/** What is run here to have `serverArgs`, quoted already, run there. */
export function shellCommand(
  to: RemotePlace,
  how: ShellOptions,
  serverArgs: readonly string[],
): readonly string[] {
  const rsh = shellWords(how.rsh ?? 'ssh')
  const isSsh = /(^|\/)ssh$/.test(rsh[0] ?? '')
  return [
    ...rsh,
    ...(to.user === null || to.user === '' ? [] : ['-l', to.user]),
    ...(isSsh && how.family !== null ? [`-${how.family}`] : []),
    to.host,
    how.rsyncPath,
    ...serverArgs,
  ]
}

/**
 * - `option`: its wildcards are to be left alone.
 * - `path`: the shell there may expand its wildcards.
 * - `source`: and a `~` at its beginning would become a name that was not asked for.
 */
export type ArgumentKind = 'option' | 'path' | 'source'

/** An argument for the shell of the other side, which would split and expand it. */
export function quoteArgument(text: string, kind: ArgumentKind): string {
  if (kind === 'option') return text.replace(/[!#$&;|<>(){}"'`\\ \t\n\r*?[\]]/g, '\\$&')
  const quoted = text.replace(/\\(?![*?[\]])|[!#$&;|<>(){}"'` \t\n\r]/g, '\\$&')
  if (quoted.startsWith('-')) return `./${quoted}`
  const isGuarded = kind === 'source' && text.startsWith('~') && !text.includes('/')
  return isGuarded ? `\\${quoted}` : quoted
}

/** Server arguments for a shell. `.` ends the options; what comes after are paths. */
export function quoteServerArgs(args: readonly string[], isPull: boolean): readonly string[] {
  const dot = args.indexOf('.')
  const end = dot < 0 ? args.length : dot
  return args.map((argument, i) =>
    i === end ? argument : quoteArgument(argument, i < end ? 'option' : isPull ? 'source' : 'path'),
  )
}

/** Server arguments for a daemon: its options are quoted as for a shell, paths stand as they are, a bare module ends with a slash. */
export function daemonServerArgs(args: readonly string[]): readonly string[] {
  const dot = args.indexOf('.')
  const end = dot < 0 ? args.length : dot
  return args.map((argument, i) =>
    i < end ? quoteArgument(argument, 'option') : i === end ? argument : daemonPath(argument),
  )
}
function daemonPath(path: string): string {
  const whole = path.includes('/') ? path : `${path}/`
  return whole.startsWith('-') ? `./${whole}` : whole
}

/** What a daemon does to options: no shell was there to do it. */
export function unquoteArgument(text: string): string {
  return text.replace(/\\(.)/gs, '$1')
}

/** With --secluded-args: what the shell sees, and what goes over the stream behind it. */
export type SecludedArgs = { readonly shown: readonly string[]; readonly hidden: readonly string[] }

/** The shell sees `--server`, `--sender`, the letters, and the charset: prsync-protocol(7), secluded arguments. */
export function seclude(args: readonly string[]): SecludedArgs {
  let at = 0
  while (args[at] === '--server' || args[at] === '--sender') at++
  if (/^-[^-]/.test(args[at] ?? '')) at++
  if (args[at]?.startsWith('--iconv=') === true) at++
  return { shown: args.slice(0, at), hidden: args.slice(at) }
}

/** The hidden ones as they go over the stream, each ended by a NUL, a further NUL at the end. */
export function encodeHidden(hidden: readonly string[]): string {
  return `${['rsync', ...hidden].map((word) => (word === '' ? '.' : word)).join('\0')}\0\0`
}
