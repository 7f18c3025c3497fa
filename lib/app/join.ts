/** `prsync serve --join`: a tree kept in step with a centre, given to other nodes and to the clients that the centre sends. */
import { messageOf, PrsyncError, StartupError } from '../base/errors.js'
import { together } from '../base/together.js'
import { keyPairOf } from '../hash/ed25519.js'
import type { Clock } from '../host.js'
import { TreeContents } from '../io/contents.js'
import { serveHttp } from '../io/http-server.js'
import { openKeyFile } from '../io/key-file.js'
import { lockFile } from '../io/lock.js'
import { Store } from '../io/store.js'
import { DiskTree, PRIVATE_NAME } from '../io/tree.js'
import { Flows } from '../mirror/flows.js'
import { RateLimit } from '../swarm/rate-limit.js'
import { pacedAnswer } from './paced.js'
import { findEntry } from './pages.js'
import { pull } from './pull.js'
import type { PullConfig, PullEvents } from './pull-report.js'
import type { PullHost } from './pull-session.js'
import { doneHead, throughOf } from './pulled.js'
import { systemRandom } from './system.js'
import { VolunteerChannel } from './volunteer-channel.js'
import { volunteerAnswer } from './volunteer-files.js'

/** From one pull to the next where nothing is pushed, or where one failed. */
const AGAIN_MS = 60_000
/** Is there news of the tree for the centre? */
const LOOK_MS = 500
/** Answers that run when it is to end go on for at most so long, and clients that are on their way find somebody. */
const DRAIN_MS = 60_000
const LAST_CLIENTS_MS = 1000

export type JoinConfig = {
  readonly pull: PullConfig
  readonly listen: { readonly host: string; readonly port: number }
  /** What clients are told; null: from `listen`. */
  readonly publicUrl: string | null
  readonly token: string | null
  readonly state: string
  /** PEM. */
  readonly tls: { readonly cert: string; readonly key: string } | null
}

export type JoinEvents = {
  /** Clients may be sent here from now on. */
  enrolled(name: string, baseUrl: string): void
  lost(why: string): void
  /** The tree is in step with this snapshot. */
  inStep(sequence: number): void
  pullFailed(why: string): void
}

/** @throws {StartupError} where the port, the key or the tree cannot be used */
export async function join(
  config: JoinConfig,
  events: JoinEvents,
  pullEvents: PullEvents,
  host: PullHost,
  signal: AbortSignal,
): Promise<void> {
  const { clock, log, userAgent } = host
  const { url, uploadRate: uplink } = config.pull
  const keys = keyPairOf(openKeyFile(`${config.state}/volunteer-key`).seed)
  const lock = lockFile(`${config.state}/volunteer-lock`)
  if (lock === null) throw new StartupError(`another volunteer runs with ${config.state}`)
  const local = openLocal(config.pull.destination)
  const upload = new RateLimit(uplink, clock.monotonic())
  const flows = new Flows(uplink, clock.monotonic())
  let enrolled: { name: string; key: Uint8Array } | null = null
  const files = {
    ...{ module: url.module, origin: url.origin, flows, contents: local.contents },
    entryOf: local.entryOf,
    enrolled: () => enrolled,
    now: () => clock.monotonic(),
  }
  const server = await serveHttp({
    ...config.listen,
    tls: config.tls,
    upgrade: null,
    log,
    handle: (request, inner) =>
      Promise.resolve(pacedAnswer(volunteerAnswer(files, request), upload, clock, inner)),
  }).catch((error: unknown) => {
    lock.release()
    throw error
  })
  const scheme = config.tls === null ? 'http' : 'https'
  const address = config.listen.host.includes(':') ? `[${config.listen.host}]` : config.listen.host
  const baseUrl = config.publicUrl ?? `${scheme}://${address}:${server.port}`
  const channel = new VolunteerChannel({
    ...{ origin: url.origin, userAgent, keys, clock, random: systemRandom },
    join: { type: 'join', token: config.token, baseUrl, uplink },
    load: () => {
      const sequence = local.through()
      const through = sequence === null ? [] : [{ module: url.module, sequence }]
      // what is limited together is all that goes out: the rest of it went to other nodes
      const load = flows.report(upload.spent - flows.sent, clock.monotonic())
      return { type: 'load', through, ...load }
    },
    onEnrolled: ({ name, bounceKey }) => {
      enrolled = { name, key: Buffer.from(bounceKey, 'hex') }
      events.enrolled(name, baseUrl)
    },
    onLost: (why) => events.lost(why),
  })
  const over = new AbortController()
  const untilOver =
    (task: (inner: AbortSignal) => Promise<void>) =>
    async (inner: AbortSignal): Promise<void> => {
      await task(inner).catch((error: unknown) => {
        if (!over.signal.aborted) throw error
      })
    }
  try {
    await together(
      over.signal,
      untilOver((inner) => channel.keep(inner)),
      untilOver((inner) => keepInStep(config.pull, events, pullEvents, { ...host, upload }, inner)),
      untilOver((inner) => tellNews(local.through, channel, events, clock, inner)),
      untilOver(async (inner) => {
        await ended(signal, inner)
        channel.drain()
        await drained(flows, clock, inner)
        over.abort(signal.reason)
      }),
    )
  } catch (error) {
    if (!over.signal.aborted) throw error
  } finally {
    await server.close()
    await local.close()
    lock.release()
  }
}

/** Pull after pull: each stays in the swarm until there is a newer snapshot. */
async function keepInStep(
  config: PullConfig,
  events: JoinEvents,
  pullEvents: PullEvents,
  host: PullHost,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    let isDone = false
    try {
      const { outcome } = await pull(config, pullEvents, host, signal)
      isDone = outcome.faultCount === 0 && config.peerListen !== null
      const [fault] = outcome.faults
      if (fault !== undefined) events.pullFailed(fault.what)
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof PrsyncError)) throw error
      events.pullFailed(messageOf(error))
    }
    // a newer snapshot ended it: at once; but never in a circle
    await host.clock.sleep(isDone ? LOOK_MS : AGAIN_MS, signal)
  }
}

/** The centre hears at once that new files can be had here. */
async function tellNews(
  through: () => number | null,
  channel: VolunteerChannel,
  events: JoinEvents,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  for (let told: number | null = null; ; await clock.sleep(LOOK_MS, signal)) {
    const now = through()
    if (now === told) continue
    told = now
    channel.report()
    if (now !== null) events.inStep(now)
  }
}

async function drained(flows: Flows, clock: Clock, signal: AbortSignal): Promise<void> {
  const startMs = clock.monotonic()
  for (let age = 0; age < DRAIN_MS; age = clock.monotonic() - startMs) {
    if (age >= LAST_CLIENTS_MS && flows.count === 0) return
    await clock.sleep(LAST_CLIENTS_MS / 10, signal)
  }
}

function ended(signal: AbortSignal, inner: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
    inner.addEventListener('abort', () => reject(inner.reason as Error), { once: true })
  })
}

/** The tree and its index, read beside the pulls that change both. */
function openLocal(destination: string) {
  const tree = DiskTree.openOrMake(destination)
  if (tree.stat(PRIVATE_NAME) === null) tree.makeDirectory(PRIVATE_NAME, 0o700)
  const store = new Store(`${destination}/${PRIVATE_NAME}/index`)
  const contents = new TreeContents(tree, store)
  return {
    contents,
    entryOf: (name: Parameters<typeof findEntry>[1]) => {
      const done = doneHead(store)
      return done === null ? null : findEntry(done.head.page, name, (root) => store.blob(root))
    },
    through: () => throughOf(store),
    close: async (): Promise<void> => {
      contents.close()
      await store.close()
      tree.close()
    },
  }
}
