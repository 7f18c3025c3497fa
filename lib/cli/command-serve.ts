/** `prsync serve --tracker [NAME=]DIR…`. */
import { parseModule } from '../app/module.js'
import { parseNetwork } from '../app/networks.js'
import type { RsyncFace } from '../app/rsync-face.js'
import { type ServeConfig, type ServeEvents, serve } from '../app/serve.js'
import {
  defaultState,
  hangups,
  machineLacks,
  notifyReady,
  readText,
  systemClock,
} from '../app/system.js'
import { displayName } from '../base/byte-name.js'
import { EXIT, type ExitCode, UsageError } from '../base/errors.js'
import type { FilterOption } from '../flist/filter.js'
import { parseDuration, parseSize } from '../options/units.js'
import { filterOptions } from './filter-options.js'
import { type JoinFlags, joinService } from './join-service.js'
import { limitsText } from './limits-text.js'
import { ownProgram } from './own-program.js'
import { type Command, command, parse } from './program.js'
import { addressOf, collected, rateOf } from './values.js'

type Flags = {
  tracker?: string[]
  join?: string[]
  token?: string
  key?: string
  delete?: boolean
  quota?: string
  listen: string
  peerListen: string
  rsyncListen?: string
  state?: string
  publicUrl?: string
  interval: string
  uplink?: string
  clientLimit?: string
  publish?: string[]
  ignore?: string[]
  shared?: string
  reasons: boolean
  accessLog?: string
  accessLogFormat: string
  trustProxy?: string[]
  tlsCert?: string
  tlsKey?: string
  xattrs?: boolean
  assembleMin: string
  verbose?: boolean
}

function program(): Command {
  return command('serve', 'Publish trees, track and seed their swarm, and answer ordinary clients.')
    .argument('[dir...]', 'with --join: the directory to keep in step, one for each module')
    .option('--tracker <name=dir...>', 'publish these directories as modules')
    .option('--join <url>', 'be a volunteer of http://centre:8730/NAME; again for more', collected)
    .option('--token <token>', 'join: of the invitation, at the first join')
    .option('--key <fingerprint>', 'join: trust only this key (default: the one of the first pull)')
    .option('--delete', 'join: remove what the snapshot does not have')
    .option('--quota <size>', 'join: hold only what the centre wants, in so much room')
    .option('--listen <addr:port>', 'HTTP', '0.0.0.0:8730')
    .option('--peer-listen <addr:port>', 'BitTorrent wire', '0.0.0.0:8731')
    .option('--rsync-listen <[addr:]port>', "the modules for rsync's own clients too")
    .option('--state <dir>', 'keys, index, heads and pages')
    .option('--public-url <url>', 'what others are told this centre is called')
    .option('--interval <time>', 'look at the trees so often', '5m')
    .option('--uplink <rate>', "the centre's own upload")
    .option('--client-limit <rate>', 'join: what of it clients get at most')
    .option('--publish <glob...>', 'publish only files that match (as in "pool/**")')
    .option('--ignore <glob...>', 'and not those that match')
    .option(
      '--assemble-min <size>',
      'look for other files in those of this size and above; 0: in none',
      '1m',
    )
    .option('--tls-cert <file>', 'HTTPS with this certificate chain, in PEM')
    .option('--tls-key <file>', 'and its private key')
    .option('--shared <url>', 'share volunteers with other centres: redis://HOST')
    .option('--access-log <file>', 'write down requests; reopened on SIGHUP')
    .option('--access-log-format <format>', 'combined or json', 'combined')
    .option('--trust-proxy <cidr...>', 'believe their X-Forwarded-For')
    .option('--no-reasons', 'redirects do not say why')
    .option('-X, --xattrs', 'publish extended attributes and ACLs')
    .option('-v, --verbose', 'say more')
    .addHelpText(
      'after',
      `
Examples:
  prsync serve --tracker debian=/srv/mirror/debian
  prsync serve --join http://centre:8730/debian --token TOKEN --public-url http://mirror.example /srv/mirror/debian`,
    )
}

/** With the filter options, for completion. */
export function serveProgram(): Command {
  const cli = program()
  filterOptions(cli)
  return cli
}

export async function serveCommand(
  argv: readonly string[],
  signal: AbortSignal,
): Promise<ExitCode> {
  const cli = program()
  const rules = filterOptions(cli)
  if (!parse(cli, argv)) return EXIT.ok
  const flags = cli.opts<Flags>()
  if (flags.join !== undefined) {
    await joinService(joinFlags(flags.join, flags, cli.args, rules), signal)
    return EXIT.ok
  }
  if (rules.length > 0)
    throw new UsageError(
      'filter rules are for --join; --publish and --ignore say what is published',
    )
  if (cli.args.length > 0) throw new UsageError('a directory is wanted with --join alone')
  const config = serveConfig(flags)
  const host = { clock: systemClock, log: () => {} }
  if (machineLacks().length > 0) process.stderr.write(limitsText(machineLacks()))
  await serve(config, serveEvents(flags.verbose === true), host, hangups(), signal)
  return EXIT.ok
}

function serveConfig(flags: Flags): ServeConfig {
  return {
    modules: modulesOf(flags),
    listen: addressOf(flags.listen),
    peerListen: addressOf(flags.peerListen),
    rsync: flags.rsyncListen === undefined ? null : rsyncFace(flags.rsyncListen),
    state: flags.state ?? defaultState(),
    publicUrl: flags.publicUrl === undefined ? null : urlOf(flags.publicUrl),
    intervalMs: parseDuration(flags.interval, '--interval'),
    uploadRate: rateOf(flags.uplink, '--uplink'),
    publish: flags.publish ?? [],
    ignore: flags.ignore ?? [],
    xattrs: flags.xattrs === true,
    assembleMin: parseSize(flags.assembleMin, '--assemble-min') || null,
    volunteers: null,
    shared: sharedOf(flags.shared),
    saysWhy: flags.reasons,
    accessLog: accessLogOf(flags),
    trustedProxies: (flags.trustProxy ?? []).map(networkOf),
    tls: tlsOf(flags),
  }
}

/** What a centre says on stderr. */
function serveEvents(isVerbose: boolean): ServeEvents {
  const say = (text: string): void => void process.stderr.write(`prsync: ${text}\n`)
  return {
    newKey: (key, urls) => {
      say(`new key ${key}`)
      for (const url of urls) say(`at an edge node: prsync pull --key ${key} ${url} DEST`)
    },
    hashing: () => {},
    published: (module, head, changed, outcome) => {
      for (const fault of outcome.faults)
        say(`${module}: ${displayName(fault.name)}: ${fault.what}`)
      if (changed && isVerbose) say(`${module}: sequence ${head.sequence}`)
    },
    ready: (module, head, url) => {
      say(
        `serving ${module} (sequence ${head.sequence}, ${head.files} files, ${head.bytes} bytes) at ${url}`,
      )
      notifyReady()
    },
    rsyncReady: (url) => say(`rsync clients: ${url}`),
    quarantined: (volunteer, why) => say(`volunteer ${volunteer} is quarantined: ${why}`),
    failed: (module, what) => say(`${module}: not published: ${what}`),
  }
}

function modulesOf(flags: Flags): { name: string; directory: string }[] {
  const modules = (flags.tracker ?? []).map((text) => {
    const module = parseModule(text)
    if (module === null) throw new UsageError(`not NAME=DIR: ${text}`)
    return module
  })
  if (modules.length === 0)
    throw new UsageError('serve wants --tracker NAME=DIR or --join URL (see prsync serve --help)')
  const names = new Set(modules.map((m) => m.name))
  if (names.size < modules.length) throw new UsageError('two modules of one name')
  return modules
}

function joinFlags(
  urls: readonly string[],
  flags: Flags,
  directories: readonly string[],
  rules: readonly FilterOption[],
): JoinFlags {
  if (flags.tracker !== undefined) throw new UsageError('--tracker and --join are two services')
  const listen = addressOf(flags.listen)
  if (flags.publicUrl === undefined && ['0.0.0.0', '::'].includes(listen.host))
    throw new UsageError(
      '--join wants --public-url, or --listen with an address that clients reach',
    )
  return {
    ...{ urls, directories, rules, listen },
    fingerprint: flags.key ?? null,
    token: flags.token ?? process.env['PRSYNC_TOKEN'] ?? null,
    delete: flags.delete === true,
    quota: flags.quota === undefined ? null : parseSize(flags.quota, '--quota'),
    clientLimit: rateOf(flags.clientLimit, '--client-limit'),
    xattrs: flags.xattrs === true,
    peerListen: addressOf(flags.peerListen),
    publicUrl: flags.publicUrl === undefined ? null : urlOf(flags.publicUrl),
    state: flags.state ?? defaultState(),
    uploadRate: rateOf(flags.uplink, '--uplink'),
    tls: tlsOf(flags),
  }
}

function rsyncFace(text: string): RsyncFace {
  const listen = addressOf(/^\d+$/.test(text) ? `:${text}` : text)
  return { listen, program: ownProgram() }
}

function tlsOf({ tlsCert, tlsKey }: Flags): { cert: string; key: string } | null {
  if (tlsCert === undefined && tlsKey === undefined) return null
  if (tlsCert === undefined || tlsKey === undefined)
    throw new UsageError('--tls-cert and --tls-key are wanted together')
  return { cert: readText(tlsCert), key: readText(tlsKey) }
}

function accessLogOf({ accessLog, accessLogFormat }: Flags): ServeConfig['accessLog'] {
  const format = accessLogFormat
  if (format !== 'combined' && format !== 'json')
    throw new UsageError(`--access-log-format: combined or json, not ${format}`)
  return accessLog === undefined ? null : { path: accessLog, format }
}

function sharedOf(url: string | undefined): string | null {
  if (url !== undefined && !(/^rediss?:\/\/[^\s]+$/.test(url) && URL.canParse(url)))
    throw new UsageError(`--shared: not redis://HOST or rediss://HOST: ${url}`)
  return url ?? null
}

function networkOf(text: string): ServeConfig['trustedProxies'][number] {
  const network = parseNetwork(text)
  if (network === null)
    throw new UsageError(`--trust-proxy: not an address or a range of them: ${text}`)
  return network
}

/** Without a `/` at the end, so that paths can be put after it. */
function urlOf(text: string): string {
  if (!/^https?:\/\/[^\s?#]+$/.test(text) || !URL.canParse(text))
    throw new UsageError(`not a URL: ${text} (as in https://mirror.example.org)`)
  return text.replace(/\/+$/, '')
}
