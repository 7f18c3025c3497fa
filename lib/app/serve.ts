/** `prsync serve --tracker`: publishes trees, and answers nodes and ordinary clients. */

import { latin1Of } from '../base/bytes.js'
import { messageOf, PrsyncError } from '../base/errors.js'
import type { Outcome } from '../base/outcome.js'
import type { Clock, Log } from '../host.js'
import { HashPool } from '../io/hash-pool.js'
import { serveHttp } from '../io/http-server.js'
import { openKeyFile } from '../io/key-file.js'
import { Store } from '../io/store.js'
import { DiskTree } from '../io/tree.js'
import { fingerprint, type Head, keyPairOf, swarmInfoHash } from '../snapshot/head.js'
import { Swarm } from '../swarm/swarm.js'
import { SwarmTable } from '../tracker/swarm-table.js'
import { ServedModule } from './module.js'
import type { ModuleStatus } from './module-status.js'
import { Publisher } from './publish.js'
import { route } from './routes.js'
import type { Select } from './scan.js'
import { WirePort } from './swarm-node.js'
import { systemRandom } from './system.js'
import { trackerRoute } from './tracker-route.js'

export type ServeConfig = {
  readonly modules: readonly { readonly name: string; readonly directory: string }[]
  readonly listen: { readonly host: string; readonly port: number }
  readonly peerListen: { readonly host: string; readonly port: number } | null
  readonly state: string
  /** What others are told; null: from `listen`. */
  readonly publicUrl: string | null
  readonly intervalMs: number
  readonly uploadRate: number | null
  readonly select: Select
  readonly xattrs: boolean
  readonly tls: { readonly cert: string; readonly key: string } | null
}

export type ServeEvents = {
  /** The key was made now: what an admin has to tell the nodes. */
  newKey(fingerprint: string, pulls: readonly string[]): void
  hashing(module: string, files: number, bytes: number): void
  published(module: string, head: Head, changed: boolean, outcome: Outcome): void
  ready(module: string, head: Head, url: string): void
  failed(module: string, what: string): void
}

export type ServeHost = { readonly clock: Clock; readonly log: Log }

/** Runs until the signal; `rescan` resolves each time somebody wants the trees looked at now. */
export async function serve(
  config: ServeConfig,
  events: ServeEvents,
  host: ServeHost,
  rescan: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { seed, made } = openKeyFile(`${config.state}/key`)
  const keys = keyPairOf(seed)
  const pool = new HashPool()
  const modules = new Map<string, ServedModule>()
  const publishers = new Map<string, Publisher>()
  for (const { name, directory } of config.modules) {
    const tree = new DiskTree(directory)
    const module = new ServedModule(name, tree, new Store(`${config.state}/modules/${name}`), pool)
    modules.set(name, module)
    const progress = (files: number, bytes: number): void => events.hashing(name, files, bytes)
    const { select, xattrs } = config
    const { clock } = host
    const { store } = module
    publishers.set(
      name,
      new Publisher({ module: name, tree, store, pool, keys, select, xattrs, clock, progress }),
    )
  }
  const publishAll = async (): Promise<void> => {
    for (const [name, module] of modules) await publishOne(name, module, publishers, events, signal)
  }
  const table = new SwarmTable()
  const tracker = trackerRoute(table, host.clock, systemRandom)
  const status = (module: ServedModule): ModuleStatus | null => statusOf(module, table)
  const http = await serveHttp({
    ...config.listen,
    tls: config.tls,
    handle: (request) => route({ modules, tracker, status }, request),
    upgrade: null,
    log: host.log,
  })
  const swarms: Promise<void>[] = []
  let wire: WirePort | null = null
  try {
    const scheme = config.tls === null ? 'http' : 'https'
    const origin = config.publicUrl ?? `${scheme}://${urlHost(config.listen.host)}:${http.port}`
    const urls = config.modules.map((m) => `${origin}/${m.name}`)
    if (made) events.newKey(fingerprint(keys.publicKey), urls)
    await publishAll()
    wire = await startSwarms(modules, config, keys.publicKey, table, swarms, host, signal)
    for (const module of modules.values())
      if (module.current !== null)
        events.ready(module.name, module.current.head, `${origin}/${module.name}`)
    while (!signal.aborted) {
      await soonest(rescan(), config.intervalMs, host.clock, signal)
      if (!signal.aborted) await publishAll()
    }
  } finally {
    await http.close()
    await Promise.all(swarms)
    await wire?.close()
    for (const module of modules.values()) await module.close()
    await pool.close()
  }
}

/** Seeds the modules on one port; what is put into `running` settles when a swarm has ended with the signal. */
async function startSwarms(
  modules: ReadonlyMap<string, ServedModule>,
  config: ServeConfig,
  key: Uint8Array,
  table: SwarmTable,
  running: Promise<void>[],
  host: ServeHost,
  signal: AbortSignal,
): Promise<WirePort | null> {
  if (config.peerListen === null) return null
  const { clock, log } = host
  const wire = await WirePort.listen(config.peerListen, clock, systemRandom, log, signal)
  for (const module of modules.values()) {
    const infoHash = swarmInfoHash({ key, module: module.name })
    const swarm = new Swarm({
      role: 'centre',
      id: latin1Of(wire.id),
      store: module.contents,
      clock,
      random: systemRandom,
      log,
      uploadRate: config.uploadRate,
      downloadRate: null,
      dial: wire.dialer(infoHash),
    })
    table.open(latin1Of(infoHash))
    wire.register(infoHash, swarm)
    module.wirePort = wire.port
    module.progress = () => swarm.progress()
    running.push(
      swarm.run(signal).catch((error: unknown) => {
        if (!signal.aborted) throw error
      }),
    )
  }
  return wire
}

/** What anybody may know of a module now; null before its first snapshot. */
function statusOf(module: ServedModule, table: SwarmTable): ModuleStatus | null {
  if (module.current === null) return null
  const { head } = module.current
  const { sequence, files, bytes, time, expires } = head
  const counts = table.get(latin1Of(swarmInfoHash(head)))?.counts
  const wire = module.progress?.()
  return {
    module: module.name,
    sequence,
    files,
    bytes,
    time,
    expires,
    swarm: { seeds: counts?.seeds ?? 0, leeches: counts?.leeches ?? 0 },
    connections: wire?.peers ?? 0,
    given: { wire: wire?.bytes.sent ?? 0, http: module.httpSent },
    nodes: [],
  }
}

async function publishOne(
  name: string,
  module: ServedModule,
  publishers: ReadonlyMap<string, Publisher>,
  events: ServeEvents,
  signal: AbortSignal,
): Promise<void> {
  try {
    const published = await publishers.get(name)?.publish(module.current, signal)
    if (published === undefined) return
    if (published.changed) module.flip(published.snapshot)
    events.published(name, published.snapshot.head, published.changed, published.outcome)
  } catch (error) {
    if (signal.aborted) return
    // A tree that cannot be read now is served as it was; without a snapshot there is nothing to serve.
    if (!(error instanceof PrsyncError) || module.current === null) throw error
    events.failed(name, messageOf(error))
  }
}

async function soonest(
  wish: Promise<void>,
  ms: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const scope = new AbortController()
  const either = AbortSignal.any([signal, scope.signal])
  const rest = clock.sleep(ms, either).catch((error: unknown) => {
    if (!either.aborted) throw error
  })
  await Promise.race([wish, rest])
  scope.abort()
  await rest
}

/** An address as it stands in a URL; one that means "any" is this machine's loopback to itself. */
function urlHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}
