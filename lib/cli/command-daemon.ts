/** `prsync --daemon`: modules for rsync's clients, on a port, behind inetd, or behind a remote shell. prsync(1), rsyncd.conf(5). */
import {
  type DaemonOptions,
  globalLog,
  openDaemon,
  readDaemonConf,
  serveConnection,
} from '../app/daemon.js'
import {
  connectionCame,
  defaultConfig,
  inheritedLink,
  isSpare,
  startDetached,
  stdioLink,
  systemClock,
} from '../app/system.js'
import { EXIT, type ExitCode, UsageError } from '../base/errors.js'
import { parseRate } from '../options/units.js'
import { argumentBytes } from './argument-bytes.js'
import { runDaemonSession } from './daemon-session.js'
import { ownProgram } from './own-program.js'

type DaemonLine = {
  readonly options: DaemonOptions
  readonly detach: boolean
  readonly port: number | null
  readonly address: string | null
  readonly isServer: boolean
}

/** With their values, by the short letter too. */
const VALUED: ReadonlyMap<string, string> = new Map(
  ['config', 'port', 'address', 'dparam', 'log-file', 'log-file-format', 'bwlimit', 'sockopts'].map(
    (name) => [`--${name}`, name],
  ),
).set('-M', 'dparam')
/** What daemons are started with, and what changes nothing here. */
const PLAIN: ReadonlySet<string> = new Set(
  ['daemon', 'server', 'no-detach', 'detach', 'verbose', 'ipv4', 'ipv6'].map((name) => `--${name}`),
)

export async function daemonCommand(
  argv: readonly string[],
  signal: AbortSignal,
): Promise<ExitCode> {
  const line = parseDaemonLine(argumentBytes(argv))
  if (isSpare() && !(await connectionCame(signal))) return EXIT.ok
  const inherited = line.isServer ? { link: stdioLink(), address: null } : inheritedLink()
  if (inherited !== null) {
    const { link, ...from } = inherited
    return serveConnection(link, from, line.options, runDaemonSession, systemClock, signal)
  }
  const self = ownProgram()
  if (line.detach) {
    readDaemonConf(line.options)
    startDetached([...self, ...argv, '--no-detach'])
    return EXIT.ok
  }
  const conf = readDaemonConf(line.options)
  const log = globalLog(conf.globals, line.options)
  for (const notice of conf.notices) log(notice)
  const daemon = await openDaemon(conf.globals, line, [...self, ...argv])
  log(`prsyncd started, listening on port ${daemon.port}`)
  try {
    await new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true })
      if (signal.aborted) resolve()
    })
  } finally {
    await daemon.close()
  }
  return EXIT.signal
}

/** @throws {UsageError} */
function parseDaemonLine(argv: readonly string[]): DaemonLine {
  const said = new Map<string, string>()
  const overrides: string[] = []
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? ''
    const equals = word.indexOf('=')
    const isShort = word.startsWith('-M')
    const name = isShort ? '-M' : word.slice(0, equals < 0 ? undefined : equals)
    const value = VALUED.get(name)
    if (value !== undefined) {
      const joined = isShort ? word.slice(2) : equals < 0 ? '' : word.slice(equals + 1)
      const isJoined = isShort ? word.length > 2 : equals >= 0
      const text = isJoined ? joined : argv[++at]
      if (text === undefined) throw new UsageError(`${name} needs a value`)
      if (value === 'dparam') overrides.push(text)
      else said.set(value, text)
    } else if (PLAIN.has(word) || word === '.' || /^-[v46]+$/.test(word)) said.set(word, '')
    else throw new UsageError(`${word}: not an option of --daemon; see prsync(1)`)
  }
  const port = said.get('port')
  const bwlimit = said.get('bwlimit')
  if (port !== undefined && !(/^\d+$/.test(port) && Number(port) < 65_536))
    throw new UsageError(`--port=${port}: not a port`)
  return {
    options: {
      config: said.get('config') ?? defaultConfig(said.has('--server')),
      overrides,
      logFile: said.get('log-file') ?? null,
      logFormat: said.get('log-file-format') ?? null,
      sockopts: said.get('sockopts') ?? null,
      bwlimit: bwlimit === undefined ? 0 : parseRate(bwlimit, '--bwlimit'),
      env: process.env,
    },
    detach: !said.has('--no-detach'),
    port: port === undefined ? null : Number(port),
    address: said.get('address') ?? null,
    isServer: said.has('--server'),
  }
}
