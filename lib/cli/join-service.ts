/** `prsync serve --join`: options → the service, and what it says. */
import { parseCentreUrl } from '../app/centre.js'
import { type JoinConfig, type JoinEvents, join } from '../app/join.js'
import type { PullConfig, PullEvents } from '../app/pull-report.js'
import { notifyReady, systemClock } from '../app/system.js'
import { UsageError } from '../base/errors.js'
import type { FilterOption } from '../flist/filter.js'
import { version } from './version.js'

/** Deleted packages are still asked for: so long they are kept for other nodes. */
const KEEP_MS = 48 * 3600_000
/** A tree that could not be brought in step whole is given to others for so long, then it is tried again. */
const LINGER_MS = 60_000

export type JoinFlags = Omit<JoinConfig, 'pulls'> & {
  /** Each with its directory. */
  readonly urls: readonly string[]
  readonly directories: readonly string[]
  readonly rules: readonly FilterOption[]
  readonly fingerprint: string | null
  readonly delete: boolean
  readonly xattrs: boolean
  readonly uploadRate: number | null
  readonly peerListen: { readonly host: string; readonly port: number }
}

const SILENT: PullEvents = {
  phase: () => {},
  limited: () => {},
  noPeers: () => {},
  busy: () => {},
  item: () => {},
  progress: () => {},
}

export async function joinService(flags: JoinFlags, signal: AbortSignal): Promise<void> {
  const [first, ...others] = pullsOf(flags)
  if (first === undefined) throw new UsageError('--join wants a URL')
  const { origin } = first.url
  const say = (text: string): void => void process.stderr.write(`prsync: ${text}\n`)
  let lostWhy = ''
  const events: JoinEvents = {
    enrolled: (name, baseUrl) => {
      lostWhy = ''
      say(`volunteer ${name} of ${origin} at ${baseUrl}`)
    },
    // once for each reason: it is tried again all the time
    lost: (why) => {
      if (why !== lostWhy) say(`no clients for now: ${why}`)
      lostWhy = why
    },
    inStep: (module, sequence) => {
      say(`${module}: in step with sequence ${sequence}`)
      notifyReady()
    },
    pullFailed: (module, why) => say(`${module}: not in step: ${why}`),
  }
  const host = { clock: systemClock, log: () => {}, userAgent: `prsync/${version()}` }
  await join({ ...flags, pulls: [first, ...others] }, events, SILENT, host, signal)
}

/** @throws {UsageError} */
function pullsOf(flags: JoinFlags): PullConfig[] {
  const { urls, directories, fingerprint, uploadRate, peerListen, xattrs, rules, quota } = flags
  if (quota !== null && rules.length > 0)
    throw new UsageError('--quota lets the centre say what is held here: no filter rules with it')
  if (urls.length !== directories.length)
    throw new UsageError(
      `${urls.length} modules to join and ${directories.length} directories for them`,
    )
  const pulls = urls.map((text, i): PullConfig => {
    const url = parseCentreUrl(text)
    if (url.subtree !== '')
      throw new UsageError(`--join wants a whole module (as in ${url.origin}/${url.module})`)
    const { host, port } = peerListen
    return {
      // a port for each: each module has its own swarm
      ...{ url, destination: directories[i] ?? '', peerListen: { host, port: port && port + i } },
      ...{ fingerprint, uploadRate, xattrs, rules, only: null },
      // with a quota what is no longer wanted makes room at once
      ...{ delete: flags.delete || quota !== null, keepMs: quota === null ? KEEP_MS : 0 },
      ...{ maxDelete: null, downloadRate: null },
      ...{ checksum: false, noScan: false, dryRun: false, numericIds: false, wait: true },
      ...{ lingerMs: LINGER_MS, lingerUnasked: false, resident: true },
    }
  })
  if (new Set(pulls.map(({ url }) => url.origin)).size > 1)
    throw new UsageError('all modules of one volunteer are of one centre')
  if (new Set(pulls.map(({ url }) => url.module)).size < pulls.length)
    throw new UsageError('a module is joined once')
  return pulls
}
