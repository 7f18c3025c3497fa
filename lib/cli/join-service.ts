/** `prsync serve --join`: options → the service, and what it says. */
import { parseCentreUrl } from '../app/centre.js'
import { type JoinConfig, type JoinEvents, join } from '../app/join.js'
import type { PullEvents } from '../app/pull-report.js'
import { notifyReady, systemClock } from '../app/system.js'
import { UsageError } from '../base/errors.js'
import { version } from './version.js'

/** Deleted packages are still asked for: so long they are kept for other nodes. */
const KEEP_MS = 48 * 3600_000
/** A tree that could not be brought in step whole is given to others for so long, then it is tried again. */
const LINGER_MS = 60_000

export type JoinFlags = Omit<JoinConfig, 'pull'> & {
  readonly url: string
  readonly destination: string
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
  const url = parseCentreUrl(flags.url)
  if (url.subtree !== '')
    throw new UsageError(`--join wants a whole module (as in ${url.origin}/${url.module})`)
  const { destination, fingerprint, uploadRate, peerListen, xattrs } = flags
  const pull = {
    ...{ url, destination, fingerprint, uploadRate, peerListen, xattrs, delete: flags.delete },
    ...{ rules: [], maxDelete: null, downloadRate: null },
    ...{ checksum: false, noScan: false, dryRun: false, numericIds: false, wait: true },
    ...{ keepMs: KEEP_MS, lingerMs: LINGER_MS, lingerUnasked: false, resident: true },
  }
  const say = (text: string): void => void process.stderr.write(`prsync: ${text}\n`)
  let lostWhy = ''
  const events: JoinEvents = {
    enrolled: (name, baseUrl) => {
      lostWhy = ''
      say(`volunteer ${name} of ${url.origin} at ${baseUrl}`)
    },
    // once for each reason: it is tried again all the time
    lost: (why) => {
      if (why !== lostWhy) say(`no clients for now: ${why}`)
      lostWhy = why
    },
    inStep: (sequence) => {
      say(`${url.module}: in step with sequence ${sequence}`)
      notifyReady()
    },
    pullFailed: (why) => say(`${url.module}: not in step: ${why}`),
  }
  const host = { clock: systemClock, log: () => {}, userAgent: `prsync/${version()}` }
  await join({ ...flags, pull }, events, SILENT, host, signal)
}
