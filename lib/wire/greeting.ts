/**
 * The lines that a daemon and its client exchange before the transfer. prsync-protocol(7), daemon.
 * Texts are one char per byte, a line without its end.
 */
import { ProtocolError, StartupError, WireError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { AUTH_DIGESTS, type AuthDigest } from '../hash/auth-digest.js'

/** The protocol this program speaks, at most and at least. */
export const NEWEST_PROTOCOL = 32
export const OLDEST_PROTOCOL = 27

export type Greeting = {
  readonly protocol: number
  /** Of versions under way; 0 in what is released. */
  readonly subprotocol: number
  /** Names of digests, best first; null: none were said. */
  readonly digests: readonly string[] | null
  /** What the version it says would have to bring, and does not. */
  readonly omits: 'subprotocol value' | 'digest name list' | null
}

const PREFIX = '@RSYNCD: '

/** Both sides begin with it. @param protocol of --protocol, or the newest */
export function formatGreeting(protocol: number): string {
  return `${PREFIX}${protocol}.0 ${AUTH_DIGESTS.join(' ')}`
}

/** All that a daemon says that has no process left for a client. @param most connections */
export function formatFull(most: number): string {
  return `${formatGreeting(NEWEST_PROTOCOL)}\n@ERROR: max connections (${most}) reached -- try again later\n`
}

/** @throws {WireError} on what is no greeting */
export function parseGreeting(line: string): Greeting {
  const match = /^@RSYNCD: (\d{1,9})(?:\.(\d{1,9}))?(?: +(.*?))? *$/.exec(line)
  if (match === null) throw new WireError('protocol startup error')
  const [, version = '', sub, names] = match
  const protocol = Number(version)
  const omits =
    protocol >= 30 && sub === undefined
      ? 'subprotocol value'
      : protocol >= 32 && names === undefined
        ? 'digest name list'
        : null
  return {
    protocol,
    subprotocol: Number(sub ?? 0),
    digests: names === undefined ? null : names.split(/ +/),
    omits,
  }
}

/**
 * The protocol of the connection: the lower one, and one less where that is a version under way.
 * @throws {ProtocolError} below the oldest that there is
 */
export function agreedProtocol(own: number, theirs: Greeting): number {
  const { protocol, subprotocol } = theirs
  const lower = Math.min(own, protocol)
  const agreed = subprotocol !== 0 && protocol <= own ? lower - 1 : lower
  if (agreed < OLDEST_PROTOCOL || protocol > LIMITS.protocolVersion)
    throw new ProtocolError(`protocol version mismatch: the other side speaks ${protocol}`)
  return agreed
}

/** The digest for a password. Null: there is none that both know. */
export function agreedDigest(theirs: Greeting, protocol: number): AuthDigest | null {
  const { digests } = theirs
  if (digests === null) return protocol >= 30 ? 'md5' : 'md4-old'
  return AUTH_DIGESTS.find((name) => digests.includes(name)) ?? null
}

/** What a daemon's line after the greeting means. */
export type DaemonLine =
  | { readonly kind: 'ok' }
  | { readonly kind: 'exit' }
  | { readonly kind: 'challenge'; readonly challenge: string }
  | { readonly kind: 'error'; readonly text: string }
  /** Its message of the day, or a module: nothing tells them apart. */
  | { readonly kind: 'text'; readonly text: string }

export function parseDaemonLine(line: string): DaemonLine {
  if (line.startsWith('@ERROR')) return { kind: 'error', text: line }
  const command = line.startsWith(PREFIX) ? line.slice(PREFIX.length) : ''
  if (command === 'OK') return { kind: 'ok' }
  if (command === 'EXIT') return { kind: 'exit' }
  if (command.startsWith('AUTHREQD '))
    return { kind: 'challenge', challenge: command.slice('AUTHREQD '.length) }
  return { kind: 'text', text: line }
}

export function formatDaemonLine(line: DaemonLine): string {
  switch (line.kind) {
    case 'ok':
      return `${PREFIX}OK`
    case 'exit':
      return `${PREFIX}EXIT`
    case 'challenge':
      return `${PREFIX}AUTHREQD ${line.challenge}`
    case 'error':
    case 'text':
      return line.text
  }
}

/** One module of a listing, its name at least 15 wide. */
export function formatModule(name: string, comment: string): string {
  return `${name.padEnd(15)}\t${comment}`
}

/** What a client asks for. */
export type ClientLine =
  | { readonly kind: 'list' }
  | { readonly kind: 'module'; readonly name: string }
  /** So many bytes follow, for the daemon's early program. */
  | { readonly kind: 'early-input'; readonly length: number }
  | { readonly kind: 'unknown'; readonly text: string }

/** @throws {WireError} on a length that cannot be */
export function parseClientLine(line: string): ClientLine {
  if (line === '' || line === '#list') return { kind: 'list' }
  const early = /^#early_input=(.*)$/.exec(line)
  if (early !== null) {
    const length = Number(/^\d{1,6}$/.exec(early[1] ?? '')?.[0])
    if (!(length >= 1 && length <= LIMITS.earlyInputBytes))
      throw new WireError('invalid early_input length')
    return { kind: 'early-input', length }
  }
  return line.startsWith('#') ? { kind: 'unknown', text: line } : { kind: 'module', name: line }
}

export function formatClientLine(line: ClientLine): string {
  switch (line.kind) {
    case 'list':
      return '#list'
    case 'module':
      return line.name
    case 'early-input':
      return `#early_input=${line.length}`
    case 'unknown':
      return line.text
  }
}

export type Login = { readonly user: string; readonly response: string }

/** `user response`; null: it is none. A user may have spaces in it, a response has none. */
export function parseLogin(line: string): Login | null {
  const space = line.indexOf(' ')
  if (space <= 0) return null
  return { user: line.slice(0, space), response: line.slice(space + 1) }
}

/** Arguments of the server as a client writes them: NUL-ended, in lines below protocol 30; an empty one ends the list. */
export function encodeArguments(args: readonly string[], protocol: number): string {
  const end = protocol >= 30 ? '\0' : '\n'
  const wrong = args.find((word) => word.includes(end))
  if (wrong !== undefined)
    throw new StartupError(
      `an argument cannot be sent in protocol ${protocol}: ${JSON.stringify(wrong)}`,
    )
  return `${args.map((word) => word + end).join('')}${end}`
}
