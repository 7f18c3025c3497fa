/** `prsync serve --join`: a tree kept in step with a centre, given to other nodes and to the clients that the centre sends. */
import { messageOf, PrsyncError, StartupError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { together } from '../base/together.js'
import { type KeyPair, keyPairOf } from '../hash/ed25519.js'
import type { Root } from '../hash/root.js'
import type { Clock } from '../host.js'
import { type HttpServer, serveHttp } from '../io/http-server.js'
import { openKeyFile } from '../io/key-file.js'
import { lockFile } from '../io/lock.js'
import { Flows } from '../mirror/flows.js'
import {
  type EnrolledMessage,
  releasesWithin,
  type VolunteerMessage,
} from '../mirror/volunteer-messages.js'
import { RateLimit } from '../swarm/rate-limit.js'
import { Haves } from './haves.js'
import { pacedAnswer } from './paced.js'
import { pull } from './pull.js'
import type { PullConfig, PullEvents } from './pull-report.js'
import type { PullHost } from './pull-session.js'
import { systemRandom } from './system.js'
import { VolunteerChannel } from './volunteer-channel.js'
import { volunteerAnswer } from './volunteer-files.js'
import { VolunteerTree } from './volunteer-tree.js'
import { WantedList } from './wanted-list.js'

/** From one pull to the next where nothing is pushed, or where one failed. */
const AGAIN_MS = 60_000
/** Is there news of the tree for the centre? */
const LOOK_MS = 500
/** Answers that run when it is to end go on for at most so long, and clients that are on their way find somebody. */
const DRAIN_MS = 60_000
const LAST_CLIENTS_MS = 1000

export type JoinConfig = {
  /** One for each module; all of one centre. */
  readonly pulls: readonly [PullConfig, ...(readonly PullConfig[])]
  readonly listen: { readonly host: string; readonly port: number }
  /** What clients are told; null: from `listen`. */
  readonly publicUrl: string | null
  readonly token: string | null
  /** Bytes of the disk that it gives for what the centre wants it to hold; null: all that the rules take in. */
  readonly quota: number | null
  /** What all clients together get at most, bytes a second; null: the uplink. */
  readonly clientLimit: number | null
  readonly state: string
  /** PEM. */
  readonly tls: { readonly cert: string; readonly key: string } | null
}

export type JoinEvents = {
  /** Clients may be sent here from now on. */
  enrolled(name: string, baseUrl: string): void
  lost(why: string): void
  /** The tree is in step with this snapshot, as far as it is wanted here. */
  inStep(module: string, sequence: number): void
  pullFailed(module: string, why: string): void
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
    const mirrors: Mirror[] = []
    try {
      for (const pull of config.pulls)
        mirrors.push({ pull, tree: new VolunteerTree(pull.url.module, pull.destination) })
      await volunteer({ config, events, host, keys, mirrors }, pullEvents, signal)
    } finally {
      for (const { tree } of mirrors) await tree.close()
    }
  } finally {
    lock.release()
  }
}

/** A module of the centre here. */
type Mirror = { readonly pull: PullConfig; readonly tree: VolunteerTree }
type Parts = {
  readonly config: JoinConfig
  readonly events: JoinEvents
  readonly host: PullHost
  readonly keys: KeyPair
  readonly mirrors: readonly Mirror[]
}

async function volunteer(parts: Parts, pullEvents: PullEvents, signal: AbortSignal): Promise<void> {
  const { config, events, host, mirrors } = parts
  const { clock } = host
  const [{ uploadRate }] = config.pulls
  const { clientLimit } = config
  const upload = new RateLimit(uploadRate, clock.monotonic())
  const flows = new Flows(uploadRate, clientLimit, clock.monotonic())
  let enrolled: EnrolledMessage | null = null
  const server = await listen(parts, upload, flows, () => enrolled)
  const baseUrl = config.publicUrl ?? urlOf(config, server.port)
  const say = (message: VolunteerMessage): boolean => channel.say(message)
  const haves = mirrors.map(({ tree }) => new Haves({ tree, say, clock }))
  const wanted = new WantedList(`${config.state}/wanted`, clock)
  const onEnrolled = (told: EnrolledMessage): void => {
    enrolled = told
    if (config.quota !== null) channel.say(keptOf(wanted))
    for (const each of haves) each.opened()
    events.enrolled(told.name, baseUrl)
  }
  const channel = openChannel(parts, { upload, flows, baseUrl, wanted, onEnrolled })
  const over = new AbortController()
  const tasks: ((inner: AbortSignal) => Promise<void>)[] = [
    (inner) => channel.keep(inner),
    (inner) => tellNews(mirrors, channel, events, clock, inner),
    async (inner) => {
      await ended(signal, inner)
      channel.drain()
      await drained(flows, clock, inner)
      over.abort(signal.reason)
    },
  ]
  for (const [i, { pull }] of mirrors.entries()) {
    const own = haves[i]
    const onContents = (roots: readonly Root[]): void => own?.came(roots)
    const pullHost = { ...host, upload, onContents }
    const { quota } = config
    const configOf = async (inner: AbortSignal): Promise<Wish> => {
      if (quota === null) return { pull, over: NEVER }
      const { releases, over } = await wanted.of(pull.url.module, inner)
      return { pull: { ...pull, only: { releases, quota } }, over }
    }
    tasks.push((inner) => keepInStep(configOf, events, pullEvents, pullHost, inner))
  }
  for (const each of haves) tasks.push((inner) => each.keep(inner))
  try {
    await together(over.signal, ...tasks)
  } catch (error) {
    if (!over.signal.aborted) throw error
  } finally {
    await server.close()
  }
}

function listen(
  { config, host, mirrors }: Parts,
  upload: RateLimit,
  flows: Flows,
  enrolled: () => EnrolledMessage | null,
): Promise<HttpServer> {
  const { clock, log } = host
  const modules = new Map(mirrors.map(({ tree }) => [tree.module, tree]))
  const files = { modules, flows, enrolled, now: () => clock.monotonic() }
  const { clientLimit } = config
  const limits = [upload]
  if (clientLimit !== null) limits.push(new RateLimit(clientLimit, clock.monotonic()))
  return serveHttp({
    ...config.listen,
    tls: config.tls,
    upgrade: null,
    log,
    handle: async (request, signal) => {
      const answer = await volunteerAnswer(files, request)
      return limits.reduce((paced, limit) => pacedAnswer(paced, limit, clock, signal), answer)
    },
  })
}

type ChannelOwn = {
  readonly upload: RateLimit
  readonly flows: Flows
  readonly baseUrl: string
  readonly wanted: WantedList
  readonly onEnrolled: (told: EnrolledMessage) => void
}

function openChannel({ config, events, host, keys, mirrors }: Parts, own: ChannelOwn) {
  const { clock, userAgent } = host
  const { upload, flows, baseUrl, wanted, onEnrolled } = own
  const { token, quota, clientLimit } = config
  const [{ url, uploadRate }] = config.pulls
  // What the centre may count on.
  const rates = [uploadRate, clientLimit].filter((rate) => rate !== null)
  const uplink = rates.length === 0 ? null : Math.min(...rates)
  return new VolunteerChannel({
    ...{ origin: url.origin, userAgent, keys, clock, random: systemRandom, onEnrolled },
    join: { type: 'join', token, baseUrl, uplink, quota },
    load: () => {
      const modules = mirrors.map(({ tree }) => tree.state).filter((state) => state !== null)
      // what is limited together is all that goes out: the rest of it went to other nodes
      const load = flows.report(upload.spent - flows.sent, clock.monotonic())
      return { type: 'load', modules, ...load }
    },
    onWanted: (releases) => wanted.told(releases),
    onLost: (why) => events.lost(why),
  })
}

function keptOf({ releases }: WantedList): VolunteerMessage {
  return { type: 'keeps', releases: releasesWithin(releases, LIMITS.volunteerBytes) }
}

function urlOf({ listen: { host }, tls }: JoinConfig, port: number): string {
  return `${tls === null ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** What is to be pulled, until something else is. */
type Wish = { readonly pull: PullConfig; readonly over: AbortSignal }
const NEVER = new AbortController().signal

/** Pull after pull: each stays in the swarm until there is a newer snapshot. */
async function keepInStep(
  configOf: (inner: AbortSignal) => Promise<Wish>,
  events: JoinEvents,
  pullEvents: PullEvents,
  host: PullHost,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    let isDone = false
    const { pull: config, over } = await configOf(signal)
    try {
      const either = AbortSignal.any([signal, over])
      const { outcome } = await pull(config, pullEvents, host, either)
      isDone = outcome.faultCount === 0 && config.peerListen !== null
      const [fault] = outcome.faults
      if (fault !== undefined) events.pullFailed(config.url.module, fault.what)
    } catch (error) {
      signal.throwIfAborted()
      if (over.aborted) continue
      if (!(error instanceof PrsyncError)) throw error
      events.pullFailed(config.url.module, messageOf(error))
    }
    // a newer snapshot ended it: at once; but never in a circle
    await host.clock
      .sleep(isDone ? LOOK_MS : AGAIN_MS, AbortSignal.any([signal, over]))
      .catch(() => signal.throwIfAborted()) // something else is wanted
  }
}

/** The centre hears at once that new files can be had here. */
async function tellNews(
  mirrors: readonly Mirror[],
  channel: VolunteerChannel,
  events: JoinEvents,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const told = new Map<string, string>()
  for (;;) {
    for (const { tree } of mirrors) {
      const { state, doneAt, done } = tree
      const now = `${state?.through} ${state?.following} ${doneAt}`
      if (told.get(tree.module) === now) continue
      told.set(tree.module, now)
      channel.report()
      if (done !== null && done === state?.following) events.inStep(tree.module, done)
    }
    await clock.sleep(LOOK_MS, signal)
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
