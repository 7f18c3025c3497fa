/** A centre in this process on free ports of loopback, and pulls from it: for tests of whole commands. */

import { parseCentreUrl } from '../../lib/app/centre.js'
import { pull } from '../../lib/app/pull.js'
import {
  emptyReport,
  type PullConfig,
  type PullEvents,
  type PullReport,
} from '../../lib/app/pull-report.js'
import { type ServeConfig, type ServeEvents, serve } from '../../lib/app/serve.js'
import { systemClock } from '../../lib/app/system.js'
import type { Clock } from '../../lib/host.js'
import type { Head } from '../../lib/snapshot/head.js'

export type TestCentre = {
  /** `http://127.0.0.1:PORT/m` */
  readonly url: string
  readonly head: Head
  readonly state: string
  /** `rsync://127.0.0.1:PORT/`; empty: it does not answer rsync's clients. */
  readonly rsyncUrl: string
  /** Looks at the tree now; resolves with the head then. */
  rescan(): Promise<Head>
  /** Looks at the tree now, whatever comes of it. */
  look(): Promise<void>
  stop(): Promise<void>
}

const SILENT: ServeEvents = {
  newKey: () => {},
  hashing: () => {},
  published: () => {},
  ready: () => {},
  rsyncReady: () => {},
  quarantined: () => {},
  failed: () => {},
}

/** Serves `directory` as module `m`; whoever starts it stops it. */
export async function startCentre(
  directory: string,
  state: string,
  choice: Partial<ServeConfig> = {},
  failed: (what: string) => void = () => {},
  clock: Clock = systemClock,
): Promise<TestCentre> {
  const stop = new AbortController()
  let wish: (() => void) | null = null
  let isWished = false
  let rsyncUrl = ''
  const rescan = (): Promise<void> => {
    if (!isWished) return new Promise((resolve) => (wish = resolve))
    isWished = false
    return Promise.resolve()
  }
  let published: ((head: Head) => void) | null = null
  let looked: (() => void) | null = null
  const wishNow = (): void => {
    if (wish === null) isWished = true
    wish?.()
    wish = null
  }
  const config: ServeConfig = {
    modules: [{ name: 'm', directory }],
    listen: { host: '127.0.0.1', port: 0 },
    peerListen: { host: '127.0.0.1', port: 0 },
    rsync: null,
    state,
    publicUrl: null,
    intervalMs: 3600_000,
    uploadRate: null,
    publish: [],
    ignore: [],
    xattrs: false,
    assembleMin: 2 ** 20,
    volunteers: null,
    shared: null,
    saysWhy: true,
    accessLog: null,
    trustedProxies: [],
    tls: null,
    ...choice,
  }
  let running: Promise<void> = Promise.resolve()
  const { head, url } = await new Promise<{ head: Head; url: string }>((resolve, reject) => {
    const events: ServeEvents = {
      ...SILENT,
      published: (_module, now) => {
        published?.(now)
        looked?.()
      },
      failed: (_module, what) => {
        failed(what)
        looked?.()
      },
      rsyncReady: (at) => {
        rsyncUrl = at
      },
      ready: (_module, first, at) => resolve({ head: first, url: at }),
    }
    const host = { clock, log: () => {} }
    running = serve(config, events, host, rescan, stop.signal)
    running.catch(reject)
  })
  return {
    url,
    head,
    state,
    rsyncUrl,
    rescan: () =>
      new Promise((resolve) => {
        published = resolve
        wishNow()
      }),
    look: () =>
      new Promise((resolve) => {
        looked = resolve
        wishNow()
      }),
    stop: async () => {
      stop.abort(new Error('the test is over'))
      await running
    },
  }
}

export const NO_EVENTS: PullEvents = {
  phase: () => {},
  limited: () => {},
  busy: () => {},
  noPeers: () => {},
  item: () => {},
  progress: () => {},
}

export function pullConfig(url: string, destination: string): PullConfig {
  return {
    url: parseCentreUrl(url),
    destination,
    fingerprint: null,
    rules: [],
    only: null,
    delete: false,
    keepMs: 0,
    maxDelete: null,
    checksum: false,
    noScan: false,
    dryRun: false,
    numericIds: false,
    xattrs: false,
    wait: false,
    downloadRate: null,
    uploadRate: null,
    peerListen: null,
    lingerMs: 0,
    lingerUnasked: false,
    resident: false,
  }
}

/** Over HTTP alone, without lingering, unless the choice says otherwise. */
export async function pullFrom(
  url: string,
  destination: string,
  choice: Partial<PullConfig> = {},
  clock: Clock = systemClock,
): Promise<PullReport> {
  const host = { clock, log: () => {}, userAgent: 'prsync/test' }
  const config = { ...pullConfig(url, destination), ...choice }
  const { report } = await pull(config, NO_EVENTS, host, new AbortController().signal)
  return { ...emptyReport(), ...report }
}
