/** How another machine is reached: options of the remote shell and of the daemon's socket. A local copy has no use for them. rsync(1). */
import type { Environment } from './environment.js'
import type { Flags } from './flags.js'

export type ConnectionOptions = {
  /** What `-e` or RSYNC_RSH say; only when said by `-e` is a daemon reached through it. */
  readonly rsh: { readonly command: string; readonly said: boolean }
  /** As the remote shell is given it: it may be a command line. */
  readonly rsyncPath: string
  /** Words for the other side alone, each as it was written: -M. */
  readonly remoteOptions: readonly string[]
  readonly secludedArgs: boolean
  /** 0: names are quoted for the remote shell; 1: paths are not; 2: nor are the values of options. */
  readonly oldArgs: number
  readonly trustSender: boolean
  /** Null: as the remote shell likes it. */
  readonly blockingIo: boolean | null
  readonly contimeoutMs: number
  readonly port: number | null
  readonly address: string | null
  readonly sockopts: string | null
  readonly ipFamily: 4 | 6 | null
  readonly passwordFile: string | null
  readonly earlyInput: string | null
  readonly motd: boolean
}

/** @throws {UsageError} on numbers that are none */
export function connectionOptions(flags: Flags, environment: Environment): ConnectionOptions {
  const rsh = flags.text('rsh')
  const oldArgs = flags.said('old-args')
    ? flags.count('old-args')
    : Number.parseInt(environment['RSYNC_OLD_ARGS'] ?? '', 10) || 0
  const secluded = (Number.parseInt(environment['RSYNC_PROTECT_ARGS'] ?? '', 10) || 0) !== 0
  const family = flags.lastOf(['ipv4', 'ipv6'])
  return {
    rsh: { command: rsh ?? (environment['RSYNC_RSH'] || 'ssh'), said: rsh !== null },
    rsyncPath: flags.text('rsync-path') ?? 'rsync',
    remoteOptions: flags.texts('remote-option'),
    secludedArgs: flags.on('secluded-args', secluded && oldArgs === 0),
    oldArgs,
    trustSender: flags.on('trust-sender'),
    blockingIo: flags.said('blocking-io') ? flags.on('blocking-io') : null,
    contimeoutMs: Math.max(0, flags.integer('contimeout') ?? 0) * 1000,
    port: flags.integer('port'),
    address: flags.text('address'),
    sockopts: flags.text('sockopts'),
    ipFamily: family === undefined ? null : family.name === 'ipv4' ? 4 : 6,
    passwordFile: flags.text('password-file'),
    earlyInput: flags.text('early-input'),
    motd: flags.on('motd', true),
  }
}
