import { ConnectTimeoutError, SocketError, UsageError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import type { Trace } from '../base/trace.js'
import type { Link } from '../host.js'
import { type ChildLink, linkToChild, linkToSocketProgram, type Surroundings } from '../io/child.js'
import { askPassword, readEarlyInput, readPasswordFile } from '../io/password.js'
import { connectTcp } from '../io/tcp.js'
import {
  daemonServerArgs,
  encodeHidden,
  moduleOf,
  quoteServerArgs,
  type RemotePlace,
  type SecludedArgs,
  seclude,
  shellCommand,
} from '../options/remote.js'
import { parseSocketOptions } from '../options/socket-options.js'
import { joinDaemon } from '../rsync/daemon-client.js'
import { LineLink } from '../rsync/line-link.js'
import { encodeArguments } from '../wire/greeting.js'

/** A daemon's port where nobody says another. */
export const DAEMON_PORT = 873

export type ConnectOptions = {
  /** -e as it was said; RSYNC_RSH is not: it does not lead `host::module` through a shell. */
  readonly rsh: string | null
  readonly rsyncPath: string
  /** The command that runs prsync itself. */
  readonly program: readonly string[]
  readonly family: 4 | 6 | null
  readonly port: number | null
  /** To connect from. */
  readonly address: string | null
  readonly sockopts: string | null
  /** 0: as long as the system tries. */
  readonly contimeoutMs: number
  readonly passwordFile: string | null
  /** Show what a daemon says before the transfer, its list of modules too. */
  readonly motd: boolean
  readonly earlyInput: string | null
  readonly secluded: boolean
  /** --iconv: a secluded word as it goes over the connection. */
  readonly toWire: (word: string) => string
  readonly oldArgs: boolean
  /** Of --protocol, or the newest. */
  readonly protocol: number
  /** The other side is to send. */
  readonly isPull: boolean
  readonly env: Surroundings
  readonly trace: Trace
  /** A line of the daemon's, one char per byte. */
  onText(line: string): void
  /** What was asked for and cannot be done. */
  warn(message: string): void
}

export type Connection = {
  readonly kind: 'connection'
  readonly link: Link
  /** Null: a remote shell, the versions come on the stream. */
  readonly daemonProtocol: number | null
  /** Status of the program that was started here; 0 where none was. */
  finished(): Promise<number>
}
/** A daemon was asked which modules there are; it told them through `onText`. */
export type ModuleListing = { readonly kind: 'listing' }

/**
 * @param args of the server behind its name, unquoted: `--server`, …, `.`, paths
 * @throws {StartupError} when a daemon refuses, {SocketError}, {ConnectTimeoutError}, {ProgramError}, {UsageError}
 */
export async function connect(
  to: RemotePlace,
  args: (isDaemon: boolean) => readonly string[],
  how: ConnectOptions,
  signal: AbortSignal,
): Promise<Connection | ModuleListing> {
  if (to.kind === 'here') return toChild([...how.program, ...args(false)], how, signal)
  if (to.kind === 'shell') return throughShell(to, args(false), how, signal)
  const opened = await openDaemon(to, how, signal)
  const link = new LineLink(opened)
  try {
    const joined = await joinDaemon(link, await joining(to, how, signal), signal)
    if (joined.kind === 'listed') {
      await link.close()
      return { kind: 'listing' }
    }
    how.trace.greeted?.(joined.theirs, joined.protocol)
    await link.say(daemonArguments(args(true), joined.protocol, how), signal)
    const finished = async (): Promise<number> => ('finished' in opened ? opened.finished() : 0)
    return { kind: 'connection', link, daemonProtocol: joined.protocol, finished }
  } catch (error) {
    await link.close()
    throw error
  }
}

async function throughShell(
  to: RemotePlace,
  args: readonly string[],
  how: ConnectOptions,
  signal: AbortSignal,
): Promise<Connection> {
  const split: SecludedArgs = how.secluded ? seclude(args) : { shown: args, hidden: [] }
  const shown = how.oldArgs ? split.shown : quoteServerArgs(split.shown, how.isPull)
  const words = shellCommand(to, { ...how, rsh: how.rsh ?? how.env['RSYNC_RSH'] ?? null }, shown)
  how.trace.commanded?.(words)
  const joined = await toChild(words, how, signal)
  if (how.secluded)
    await joined.link.write(
      Buffer.from(encodeHidden(split.hidden.map(how.toWire)), 'latin1'),
      signal,
    )
  return joined
}

async function toChild(
  words: readonly string[],
  { env }: ConnectOptions,
  signal: AbortSignal,
): Promise<Connection> {
  const link = await linkToChild(words, env, signal)
  return { kind: 'connection', link, daemonProtocol: null, finished: () => link.finished() }
}

function daemonArguments(args: readonly string[], protocol: number, how: ConnectOptions): string {
  if (!how.secluded) return encodeArguments(daemonServerArgs(args), protocol)
  const { shown, hidden } = seclude(args)
  return encodeArguments(shown, protocol) + encodeHidden(hidden.map(how.toWire))
}

function openDaemon(
  to: RemotePlace,
  how: ConnectOptions,
  signal: AbortSignal,
): Promise<Link | ChildLink> {
  const port = to.port ?? how.port ?? DAEMON_PORT
  const env = { ...how.env, RSYNC_PORT: String(port) }
  if (how.rsh !== null) {
    const words = shellCommand(to, how, ['--server', '--daemon', '.'])
    how.trace.commanded?.(words)
    return linkToChild(words, env, signal)
  }
  const program = how.env['RSYNC_CONNECT_PROG']
  if (program !== undefined && program !== '') {
    if (!/^[\w.:%-]+$/.test(to.host))
      throw new UsageError(`${to.host}: not a name for the command line of RSYNC_CONNECT_PROG`)
    const command = program.replace(/%([%H])/g, (_, c) => (c === 'H' ? to.host : '%'))
    return linkToSocketProgram(command, how.env['RSYNC_SHELL'] ?? '/bin/sh', env, signal)
  }
  const proxy = how.env['RSYNC_PROXY']
  if (proxy !== undefined && proxy !== '') return throughProxy(proxy, to.host, port, how, signal)
  return openSocket(to.host, port, how, signal)
}

function openSocket(
  host: string,
  port: number,
  how: ConnectOptions,
  signal: AbortSignal,
): Promise<Link> {
  how.trace.connecting?.(host, port)
  const options = parseSocketOptions(how.sockopts ?? '')
  for (const name of options.unknown) how.warn(`unknown socket option ${name}`)
  for (const name of options.unsettable) how.warn(`socket option ${name} cannot be set here`)
  return connectTcp({ host, port }, how.contimeoutMs, signal, {
    keepAlive: options.keepAlive,
    reusesMemory: true,
    ...(how.address === null ? {} : { from: how.address }),
    ...(how.family === null ? {} : { family: how.family }),
    late: (message) => new ConnectTimeoutError(message),
  })
}

/** RSYNC_PROXY, `[USER:PASSWORD@]HOST:PORT`: a tunnel by CONNECT, RFC 9110 §9.3.6. */
async function throughProxy(
  proxy: string,
  host: string,
  port: number,
  how: ConnectOptions,
  signal: AbortSignal,
): Promise<Link> {
  const match = /^(?:(.*)@)?(\[[^\]]+\]|[^:]+):(\d+)$/.exec(proxy)
  if (match === null)
    throw new SocketError(`invalid proxy specification: should be HOST:PORT, not ${proxy}`)
  const [, login, at = '', proxyPort] = match
  const link = new LineLink(
    await openSocket(at.replace(/^\[|\]$/g, ''), Number(proxyPort), how, signal),
  )
  try {
    const target = host.includes(':') ? `[${host}]` : host
    const basic =
      login === undefined
        ? ''
        : `\r\nProxy-Authorization: Basic ${Buffer.from(login, 'latin1').toString('base64')}`
    await link.say(`CONNECT ${target}:${port} HTTP/1.0${basic}\r\n\r\n`, signal)
    const status = await link.line(LIMITS.proxyAnswerBytes, signal)
    if (status === null || !/^HTTP\/\S+ 2\d\d\b/.test(status))
      throw new SocketError(`bad response from proxy: ${status ?? 'none'}`)
    for (let left = LIMITS.proxyAnswerBytes; ; ) {
      const header = await link.line(left, signal)
      if (header === null) throw new SocketError('the proxy broke off')
      if (header === '') return link
      left -= Math.min(left, header.length + 2)
    }
  } catch (error) {
    await link.close()
    throw error
  }
}

async function joining(
  to: RemotePlace,
  how: ConnectOptions,
  signal: AbortSignal,
): Promise<Parameters<typeof joinDaemon>[1]> {
  const { env } = how
  const early =
    how.earlyInput === null ? null : await readEarlyInput(how.earlyInput, LIMITS.earlyInputBytes)
  // An unreadable file is told before anything is said to the daemon.
  const ofFile = how.passwordFile === null ? null : readPasswordFile(how.passwordFile)
  return {
    module: moduleOf(to),
    protocol: how.protocol,
    user: userOf(to, env),
    password: () => {
      const known = ofFile ?? env['RSYNC_PASSWORD']
      return known === undefined ? askPassword('Password: ', signal) : Promise.resolve(known)
    },
    earlyInput: early === null || early.length === 0 ? null : early,
    onText: (line) => {
      if (how.motd) how.onText(line)
    },
  }
}

function userOf(to: RemotePlace, env: Surroundings): string {
  const said = to.user === '' ? null : to.user
  return said ?? env['USER'] ?? env['LOGNAME'] ?? 'nobody'
}
