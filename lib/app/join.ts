/** `prsync serve --join`: a tree kept in step with a centre, given to other nodes and to the clients that the centre sends. */
import type { ByteName } from '../base/byte-name.js'
import { EMPTY } from '../base/bytes.js'
import { messageOf, PrsyncError, StartupError } from '../base/errors.js'
import { together } from '../base/together.js'
import type { Entry } from '../flist/entry.js'
import { type KeyPair, keyPairOf } from '../hash/ed25519.js'
import type { ContentId } from '../hash/root.js'
import type { Clock } from '../host.js'
import { TreeContents } from '../io/contents.js'
import { type HttpServer, serveHttp } from '../io/http-server.js'
import { openKeyFile } from '../io/key-file.js'
import { lockFile } from '../io/lock.js'
import { Store } from '../io/store.js'
import { DiskTree, PRIVATE_NAME } from '../io/tree.js'
import { Flows } from '../mirror/flows.js'
import type { EnrolledMessage } from '../mirror/volunteer-messages.js'
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
  // first, as it makes the directory
  const keys = keyPairOf(openKeyFile(`${config.state}/volunteer-key`).seed)
  const lock = lockFile(`${config.state}/volunteer-lock`)
  if (lock === null) throw new StartupError(`another volunteer runs with ${config.state}`)
  try {
    const local = openLocal(config.pull.destination)
    try {
      await volunteer({ config, events, host, keys, local }, pullEvents, signal)
    } finally {
      await local.close()
    }
  } finally {
    lock.release()
  }
}

type Parts = {
  readonly config: JoinConfig
  readonly events: JoinEvents
  readonly host: PullHost
  readonly keys: KeyPair
  readonly local: Local
}

async function volunteer(parts: Parts, pullEvents: PullEvents, signal: AbortSignal): Promise<void> {
  const { config, events, host, local } = parts
  const { clock } = host
  const { uploadRate } = config.pull
  const upload = new RateLimit(uploadRate, clock.monotonic())
  const flows = new Flows(uploadRate, clock.monotonic())
  let enrolled: EnrolledMessage | null = null
  const server = await listen(parts, upload, flows, () => enrolled)
  const baseUrl = config.publicUrl ?? urlOf(config, server.port)
  const channel = openChannel(parts, upload, flows, baseUrl, (told) => {
    enrolled = told
    events.enrolled(told.name, baseUrl)
  })
  const over = new AbortController()
  const tasks: ReadonlyArray<(inner: AbortSignal) => Promise<void>> = [
    (inner) => channel.keep(inner),
    (inner) => keepInStep(config.pull, events, pullEvents, { ...host, upload }, inner),
    (inner) => tellNews(local.through, channel, events, clock, inner),
    async (inner) => {
      await ended(signal, inner)
      channel.drain()
      await drained(flows, clock, inner)
      over.abort(signal.reason)
    },
  ]
  try {
    await together(over.signal, ...tasks)
  } catch (error) {
    if (!over.signal.aborted) throw error
  } finally {
    await server.close()
  }
}

function listen(
  { config, host, local }: Parts,
  upload: RateLimit,
  flows: Flows,
  enrolled: () => EnrolledMessage | null,
): Promise<HttpServer> {
  const { clock, log } = host
  const { module } = config.pull.url
  const { contents, entryOf } = local
  const files = { module, flows, contents, entryOf, enrolled, now: () => clock.monotonic() }
  return serveHttp({
    ...config.listen,
    tls: config.tls,
    upgrade: null,
    log,
    handle: async (request, signal) =>
      pacedAnswer(await volunteerAnswer(files, request), upload, clock, signal),
  })
}

function openChannel(
  { config, events, host, keys, local }: Parts,
  upload: RateLimit,
  flows: Flows,
  baseUrl: string,
  onEnrolled: (told: EnrolledMessage) => void,
): VolunteerChannel {
  const { clock, userAgent } = host
  const { url, uploadRate } = config.pull
  return new VolunteerChannel({
    ...{ origin: url.origin, userAgent, keys, clock, random: systemRandom, onEnrolled },
    join: { type: 'join', token: config.token, baseUrl, uplink: uploadRate },
    load: () => {
      const sequence = local.through()
      const through = sequence === null ? [] : [{ module: url.module, sequence }]
      // what is limited together is all that goes out: the rest of it went to other nodes
      const load = flows.report(upload.spent - flows.sent, clock.monotonic())
      return { type: 'load', through, ...load }
    },
    onLost: (why) => events.lost(why),
  })
}

function urlOf({ listen: { host }, tls }: JoinConfig, port: number): string {
  return `${tls === null ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`
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
type Local = {
  readonly contents: TreeContents
  readonly entryOf: (name: ByteName) => Entry | null
  readonly through: () => number | null
  readonly close: () => Promise<void>
}

function openLocal(destination: string): Local {
  const tree = DiskTree.openOrMake(destination)
  if (tree.stat(PRIVATE_NAME) === null) tree.makeDirectory(PRIVATE_NAME, 0o700)
  const store = new Store(`${destination}/${PRIVATE_NAME}/index`)
  const contents = new TreeContents(tree, store)
  let known: Uint8Array = EMPTY
  let page: ContentId | null = null
  /** Of the last head; its signature is checked once. */
  const pageOf = (): ContentId | null => {
    const bytes = store.value('done') ?? EMPTY
    if (Buffer.compare(bytes, known) !== 0) {
      page = doneHead(store)?.head.page ?? null
      known = bytes
    }
    return page
  }
  return {
    contents,
    entryOf: (name) => findEntry(pageOf(), name, (root) => store.blob(root)),
    through: () => throughOf(store),
    close: async () => {
      contents.close()
      await store.close()
      tree.close()
    },
  }
}
