/**
 * One connection of the daemon: from its first byte to the transfer. rsyncd.conf(5). Each has a process of its own
 * (docs/decisions/0028-a-process-for-each-connection.md), so that what a module gives up is given up for good.
 */

import { randomBytes } from 'node:crypto'
import {
  EXIT,
  type ExitCode,
  messageOf,
  PrsyncError,
  SocketError,
  StartupError,
} from '../base/errors.js'
import { mayEnter } from '../base/fair-places.js'
import { LIMITS } from '../base/limits.js'
import { compileGlob } from '../flist/wildmatch.js'
import { challengeOf } from '../hash/auth-digest.js'
import type { Clock, Link } from '../host.js'
import type { Surroundings } from '../io/child.js'
import { changeRoot, confine } from '../io/confine.js'
import { holdPidFile, listConfDirectory, readConfText, readOwned } from '../io/daemon-files.js'
import { listenForProcesses } from '../io/daemon-listener.js'
import { type DaemonLog, openDaemonLog } from '../io/daemon-log.js'
import { runHook } from '../io/hooks.js'
import { daemonCalls } from '../io/libc-daemon.js'
import { SharedPace } from '../io/shared-pace.js'
import { type Conf, flagOf, numberOf, readConf, textOf, type Values } from '../options/conf.js'
import { parseRefusals, refusedOption } from '../options/refuse.js'
import { parseSocketOptions } from '../options/socket-options.js'
import { parseRate } from '../options/units.js'
import { type DaemonDesk, type DaemonRequest, receiveClient } from '../rsync/daemon.js'
import { type PeerInfo, UNDETERMINED } from '../rsync/host-access.js'
import { LineLink } from '../rsync/line-link.js'
import type { ModuleSetting } from '../rsync/module-setting.js'
import { formatFull } from '../wire/greeting.js'
import { hookCommand } from './daemon-hooks.js'
import { idsOf, loadForModule, type OpenModule, openModule } from './daemon-module.js'
import { namedPeer, peerOf, type RawPeer } from './daemon-peer.js'
import type { Hides } from './hidden-names.js'
import type { Accounts } from './target-side.js'

export type SessionFrom = {
  readonly protocol: number
  readonly module: ModuleSetting
  readonly peer: PeerInfo
  /** Empty: nobody had to say. */
  readonly user: string
  /**
   * Why there is to be no transfer, for the client: an option is refused, a program said no. The handshake is completed, this is
   * sent as an error, and the session ends with status 4.
   */
  readonly refusal: string | null
  /** Bytes a second at most; 0: the client says. */
  readonly bwlimit: number
  /** What all connections send together; null: no limit. */
  readonly uplink: SharedPace | null
  /** Who is who in the module. */
  readonly accounts: Accounts
  /** What of the module is as if it were not there; null: nothing. */
  readonly hides: Hides | null
  readonly log: DaemonLog
}

/**
 * The transfer itself; what ends it is told to the client and to the log there. Where the module is confined by chroot, files of the program are out of reach by then: all it needs must have
 * been loaded.
 * @param argv options as the client meant them, `.`, and paths within the module with their wildcards; one char per byte
 */
export type RunSession = (
  link: Link,
  argv: readonly string[],
  from: SessionFrom,
  signal: AbortSignal,
) => Promise<ExitCode>

export type DaemonOptions = {
  readonly config: string
  /** --dparam */
  readonly overrides: readonly string[]
  /** --log-file: before all that the configuration says. */
  readonly logFile: string | null
  /** --log-file-format; empty: no transfer logging. */
  readonly logFormat: string | null
  /** --sockopts: before the configuration's. */
  readonly sockopts: string | null
  /** --bwlimit, bytes a second; 0: none. A client may ask for less. */
  readonly bwlimit: number
  readonly env: Surroundings
}

/** @throws {UsageError} */
export function readDaemonConf(options: DaemonOptions): Conf {
  return readConf(options.config, options.overrides, {
    read: readConfText,
    list: listConfDirectory,
    env: options.env,
  })
}

/** Where lines go that no module claims. */
export function globalLog(globals: Values, options: DaemonOptions): DaemonLog {
  return openDaemonLog({
    file: options.logFile ?? textOf(globals, 'log file', options.env),
    facility: textOf(globals, 'syslog facility', options.env),
    tag: textOf(globals, 'syslog tag', options.env),
  })
}

export type RunningDaemon = { readonly port: number; close(): Promise<void> }

const USUAL_PORT = 873

/** Listens: each connection is a process of its own. @param words that start it @throws {StartupError} */
export async function openDaemon(
  globals: Values,
  said: {
    readonly options: DaemonOptions
    readonly port: number | null
    readonly address: string | null
  },
  words: readonly string[],
): Promise<RunningDaemon> {
  const { env } = said.options
  const pidFile = textOf(globals, 'pid file', env)
  const forget = pidFile === '' ? null : holdPidFile(pidFile)
  try {
    const listener = await listenForProcesses(
      {
        host: said.address ?? (textOf(globals, 'address', env) || null),
        port: said.port ?? (numberOf(globals, 'port') || USUAL_PORT),
        backlog: numberOf(globals, 'listen backlog'),
      },
      words,
      {
        most: LIMITS.daemonProcesses,
        // Behind a proxy all clients have its address.
        admits: flagOf(globals, 'proxy protocol') ? () => true : mayEnter,
        refusal: formatFull(LIMITS.daemonProcesses),
      },
    )
    return {
      port: listener.local.port,
      close: async () => {
        await listener.close()
        forget?.()
      },
    }
  } catch (error) {
    forget?.()
    throw error
  }
}

/** Serves one client; the link is closed at the end. Returns the status of the session. */
export async function serveConnection(
  raw: Link,
  from: RawPeer,
  options: DaemonOptions,
  run: RunSession,
  clock: Clock,
  signal: AbortSignal,
): Promise<ExitCode> {
  const conf = readDaemonConf(options)
  const log = globalLog(conf.globals, options)
  for (const notice of conf.notices) log(notice)
  const link = new LineLink(raw)
  let uplink: SharedPace | null = null
  try {
    if (from.address !== null) tuneSocket(conf.globals, options, log)
    // Its name is looked up by what stands outside of `daemon chroot`.
    const peer = await peerOf(link, from, conf.globals, options.env, signal)
    uplink = uplinkOf(conf.globals, options)
    await confineDaemon(conf, options)
    return await new Reception(conf, peer, options, run, log, uplink).serve(link, clock, signal)
  } catch (error) {
    // Who comes and goes without a word is nothing to tell.
    if (error instanceof SocketError) return error.exitCode
    if (error instanceof PrsyncError) {
      log(`rsync error: ${error.message} (code ${error.exitCode})`)
      return error.exitCode
    }
    log(`internal error: ${messageOf(error)}`)
    throw error
  } finally {
    await link.close()
    uplink?.close()
  }
}

/** `uplink`: before rights are given up. @throws {StartupError}, {UsageError} */
function uplinkOf(globals: Values, { env }: DaemonOptions): SharedPace | null {
  const rate = parseRate(textOf(globals, 'uplink', env) || '0', 'uplink')
  return rate === 0 ? null : new SharedPace(`${textOf(globals, 'lock file', env)}.uplink`, rate)
}

/** Of the connection, which is standard input. */
function tuneSocket(globals: Values, { sockopts, env }: DaemonOptions, log: DaemonLog): void {
  const { calls, unknown } = parseSocketOptions(sockopts ?? textOf(globals, 'socket options', env))
  for (const name of unknown) log(`unknown socket option ${name}`)
  for (const { said, level, name, value } of calls)
    if (daemonCalls()?.setSocket(0, level, name, value) !== true)
      log(`failed to set socket option ${said}`)
}

/** `daemon chroot`, `daemon uid` and `daemon gid`. @throws {StartupError} */
async function confineDaemon({ globals, modules }: Conf, { env }: DaemonOptions): Promise<void> {
  const root = textOf(globals, 'daemon chroot', env)
  const uid = textOf(globals, 'daemon uid', env)
  const gid = textOf(globals, 'daemon gid', env)
  if (root === '' && uid === '' && gid === '') return
  for (const values of modules.values()) await loadForModule(values, env)
  if (root !== '' && !changeRoot(root, true))
    throw new StartupError(`daemon chroot: ${root} cannot be made the root`)
  if (uid !== '' || gid !== '') confine({ directory: '/', ...idsOf(uid, gid) })
}

class Reception {
  readonly #conf: Conf
  #peer: PeerInfo
  readonly #options: DaemonOptions
  readonly #run: RunSession
  readonly #uplink: SharedPace | null
  #log: DaemonLog

  constructor(
    conf: Conf,
    peer: PeerInfo,
    options: DaemonOptions,
    run: RunSession,
    log: DaemonLog,
    uplink: SharedPace | null,
  ) {
    this.#conf = conf
    this.#peer = peer
    this.#options = options
    this.#run = run
    this.#log = log
    this.#uplink = uplink
  }

  get #from(): string {
    return `${this.#peer.name} (${this.#peer.address})`
  }

  async serve(link: LineLink, clock: Clock, signal: AbortSignal): Promise<ExitCode> {
    this.#log(`connect from ${this.#from}`)
    const request = await receiveClient(link, this.#desk(), clock, signal)
    if (request === null) return EXIT.ok
    const { module } = request
    const refusal = await this.#refusal(request)
    let status: ExitCode = EXIT.ipc
    try {
      const setting = this.#settle(module, request)
      status = await this.#run(
        link,
        request.argv,
        {
          protocol: request.protocol,
          module: setting,
          peer: this.#peer,
          user: request.user,
          refusal,
          bwlimit: this.#options.bwlimit,
          uplink: this.#uplink,
          accounts: module.accounts(setting),
          hides: module.hides(setting),
          log: this.#log,
        },
        signal,
      )
      return status
    } catch (error) {
      if (error instanceof PrsyncError) status = error.exitCode
      throw error
    } finally {
      await module.lateHook?.run(status)
    }
  }

  #settle(module: OpenModule, request: DaemonRequest<OpenModule>): ModuleSetting {
    const direction = request.argv.includes('--sender') ? 'on' : 'to'
    const who = request.user === '' ? '' : `${request.user}@`
    this.#log(`rsync ${direction} ${request.asked.join(' ')} from ${who}${this.#from}`)
    return module.confine(request.access, this.#options.logFormat)
  }

  #desk(): DaemonDesk<OpenModule> {
    const { globals, modules } = this.#conf
    const { env } = this.#options
    const motd = textOf(globals, 'motd file', env)
    return {
      client: this.#from,
      motd: motd === '' ? null : (readOwned(motd)?.text ?? null),
      modules: () => {
        this.#log(`module-list request from ${this.#from}`)
        return [...modules]
          .filter(([, values]) => flagOf(values, 'list'))
          .map(([name, values]) => ({ name, comment: textOf(values, 'comment', env) }))
      },
      choose: async (name) => {
        const values = modules.get(name)
        if (values === undefined) {
          this.#log(`unknown module '${name}' tried from ${this.#from}`)
          return { kind: 'refused', text: `Unknown module '${name}'` }
        }
        // Looked up by now, unless nobody wanted to know before.
        if (this.#peer.name === UNDETERMINED && flagOf(values, 'reverse lookup'))
          this.#peer = await namedPeer(this.#peer.address)
        return openModule(name, values, this.#peer, env, (line) => this.#log(line))
      },
      challenge: (digest) => challengeOf(digest, randomBytes(32)),
      judge: (module, login, challenge, digest) => module.judge(login, challenge, digest),
      enter: async (module, visit) => {
        const trouble = await module.enter(visit)
        if (trouble === null && this.#options.logFile === null)
          this.#log = module.log(textOf(globals, 'log file', env), this.#log)
        return trouble
      },
      log: (line) => this.#log(line),
    }
  }

  /** Options that the module does not take, and its program that may say no. */
  async #refusal(request: DaemonRequest<OpenModule>): Promise<string | null> {
    const { module, argv, asked } = request
    const words = parseRefusals(textOf(module.values, 'refuse options', module.env), compileGlob)
    const withoutIconv = textOf(module.values, 'charset', module.env) === '' ? ['iconv'] : []
    const refused = refusedOption(argv, new Set([...words, ...withoutIconv]))
    if (refused !== null) return refused
    const args = Object.fromEntries(['rsyncd', ...argv].map((word, i) => [`RSYNC_ARG${i}`, word]))
    const env = { ...module.env, ...args, RSYNC_REQUEST: asked.join(' ') }
    try {
      const command = hookCommand(module.values, 'pre-xfer exec', env)
      if (command !== null) {
        const none = new Uint8Array()
        const { rawStatus, output } = await runHook(command, env, none, LIMITS.hookOutputBytes)
        if (rawStatus !== 0) return `pre-xfer exec returned failure (${rawStatus}):\n${output}`
      }
      module.openNames(env)
      return null
    } catch (error) {
      if (error instanceof PrsyncError) return error.message
      throw error
    }
  }
}
