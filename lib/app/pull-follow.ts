/** Brings a tree in step with a snapshot: its pages, the look at the tree, the contents; then gives them to others. */
import { EXIT } from '../base/errors.js'
import type { Outcome } from '../base/outcome.js'
import type { DirectoryEntry } from '../flist/entry.js'
import type { Root } from '../hash/root.js'
import { removeStale } from '../io/partial.js'
import type { Head } from '../snapshot/head.js'
import type { Swarm } from '../swarm/swarm.js'
import { AssemblySource } from './assembly-source.js'
import { bringPages } from './bring-pages.js'
import { formatCentreUrl } from './centre.js'
import { DeltaSource } from './delta-source.js'
import { Materializer } from './materialize.js'
import type { Fetcher } from './missing.js'
import { linger, untilOutdated, withSwarm } from './node-swarm.js'
import { type Only, onlyOf } from './only.js'
import { keepPages, NODE_SNAPSHOTS } from './page-keeping.js'
import { findBelow } from './pages.js'
import { type FirstLook, lookFirst } from './pull-look.js'
import { PullRun } from './pull-run.js'
import { type FollowedHead, keptOf, type PullSession, topOf } from './pull-session.js'
import {
  doneHead,
  rememberDone,
  rememberedWish,
  rememberHead,
  rememberWish,
  throughOf,
} from './pulled.js'
import { RecipeKeeping } from './recipe-keeping.js'
import { LocalSources } from './sources.js'
import { swarmFetcher } from './swarm-fetch.js'
import { SwarmMeter } from './swarm-meter.js'
import { each } from './ticker.js'

/** What is new is written to the index, and so offered, that often. */
const OFFER_MS = 500
const TELL_MS = 200

type Following = {
  readonly followed: FollowedHead
  /** Null: not looked at yet. */
  readonly look: FirstLook | null
  readonly outcome: Outcome
  readonly release: () => void
}

export async function follow(
  session: PullSession,
  { followed, look, outcome, release }: Following,
  signal: AbortSignal,
): Promise<{ lost: number; sequence: number }> {
  const { config, events, host, store, client, centre, contents, download } = session
  const { head } = followed
  const { clock, log } = host
  let lost = 0
  await withSwarm(
    {
      ...{ config, url: config.url, centre, client, head, contents, download, clock, log },
      upload: host.upload ?? null,
    },
    signal,
    async (swarm, inner, isOutdated) => {
      swarm.setThrough(throughOf(store))
      const meter = new SwarmMeter(swarm, session.report)
      const pages = await bringPages(session, head, swarm, meter, inner)
      const planned = await planOf(session, followed, look, inner)
      const parts = assemble(session, swarm, meter, outcome, planned)
      await runAndTell(session, parts, meter, planned.top, inner)
      lost = parts.sources.lost
      settleReport(session, meter, outcome)
      if (config.dryRun || lost > 0) return
      if (outcome.exitCode === EXIT.ok) {
        rememberAll(session, followed, planned.believed, parts.run.isHashed)
        removeStale(session.tree)
      }
      await forgetPages(session, head, pages, inner)
      swarm.setThrough(throughOf(store))
      release()
      events.phase('giving to others')
      if (config.peerListen === null) return
      if (config.resident && outcome.exitCode === EXIT.ok)
        await untilOutdated(clock, inner, isOutdated)
      else await linger(swarm, config.lingerMs, clock, inner, isOutdated)
    },
  )
  return { lost, sequence: head.sequence }
}

type Planned = {
  /** The directory that the destination mirrors. */
  readonly top: DirectoryEntry | null
  readonly look: FirstLook
  /** --no-scan: the tree as the last pull left it. */
  readonly believed: DirectoryEntry | null
  readonly only: Only | null
}

/** With the pages here: what is wanted of the tree, and the first look at it. From here on the head is followed. */
async function planOf(
  session: PullSession,
  { head, bytes, pin }: FollowedHead,
  look: FirstLook | null,
  signal: AbortSignal,
): Promise<Planned> {
  const { config, events, host, store } = session
  const top = topOf(head, config.url.subtree, store)
  const believed = config.noScan ? believedTop(session) : null
  if (!config.dryRun) rememberHead(store, bytes, pin)
  if (!config.dryRun) rememberWish(store, config, host.clock.now())
  events.phase('compare')
  const { only: asked } = config
  const blob = (root: Root): Uint8Array | null => store.blob(root)
  const only = asked === null ? null : await onlyOf(top, asked.releases, asked.quota, blob, signal)
  return { top, believed, only, look: look ?? (await lookFirst(session, top, signal)) }
}

type Assembled = {
  readonly run: PullRun
  readonly materializer: Materializer
  readonly sources: LocalSources
}

async function runAndTell(
  { report, events, host }: PullSession,
  { run, materializer }: Assembled,
  meter: SwarmMeter,
  top: DirectoryEntry | null,
  signal: AbortSignal,
): Promise<void> {
  const tell = (): void => {
    meter.read()
    const { cloned, assembled, delta, peers, centre: direct } = report.bytes
    events.progress(report, {
      ...run.state,
      bytesDone: cloned + assembled + delta + peers + direct,
      peers: report.peers,
    })
  }
  const stop = new AbortController()
  const either = AbortSignal.any([signal, stop.signal])
  const tickers = [
    each(TELL_MS, host.clock, tell, either),
    each(OFFER_MS, host.clock, () => materializer.flushIndex(), either),
  ]
  try {
    await run.everything(top, signal)
  } finally {
    stop.abort()
    await Promise.all(tickers)
    tell()
  }
}

function settleReport(
  { config, events, report, host, startedMs }: PullSession,
  meter: SwarmMeter,
  outcome: Outcome,
): void {
  if (outcome.exitCode === EXIT.ok) meter.settleSaved()
  if (config.peerListen !== null && report.peers === 0 && report.bytes.centre > 0) events.noPeers()
  report.seconds = (host.clock.monotonic() - startedMs) / 1000
}

/** The tree is in step, without a fault. */
function rememberAll(
  { config, store, host }: PullSession,
  { head, bytes }: FollowedHead,
  believed: DirectoryEntry | null,
  isHashed: boolean,
): void {
  const isRestHashed = believed === null || throughOf(store) !== null
  const isAll =
    config.only === null &&
    config.rules.length === 0 &&
    config.url.subtree === '' &&
    isHashed &&
    isRestHashed
  rememberDone(store, bytes, isAll ? head.sequence : null, host.clock.now())
}

/** @param written pages that came */
async function forgetPages(
  { store }: PullSession,
  { page }: Head,
  written: number,
  signal: AbortSignal,
): Promise<void> {
  if (page === null) return
  const also = doneHead(store)?.head.page?.root ?? null
  await keepPages(store, { top: page.root, written, snapshots: NODE_SNAPSHOTS, also }, signal)
}

function assemble(
  session: PullSession,
  swarm: Swarm,
  meter: SwarmMeter,
  outcome: Outcome,
  { top, look, believed, only }: Planned,
): Assembled {
  const { config, tree, store, pool, partials, centre, report, host } = session
  const { owners } = look
  const offer = (roots: readonly Root[]): void => {
    swarm.offer(roots)
    host.onContents?.(roots)
  }
  const choice = { owners, xattrs: config.xattrs }
  const kept = keptOf(session)
  const materializer = new Materializer(tree, store, choice, outcome, kept, config.delete, offer)
  const fetcher = swarmFetcher(swarm, centre)
  const metadata: Fetcher = (missing, sink, signal) =>
    meter.aside(() => fetcher(missing, sink, signal))
  const recipes = new RecipeKeeping(store, offer)
  const sources = new LocalSources({
    tree,
    store,
    pool,
    materializer,
    partials,
    report,
    outcome,
    fetcher,
    delta: deltaSource(session, metadata),
    assembly: assemblySource(session, recipes.over(metadata), outcome),
    recipes,
    done: (job, way) => run.done(job, way),
  })
  const run: PullRun = new PullRun({
    ...session,
    ...look,
    outcome,
    materializer,
    sources,
    only,
    believed,
    clock: host.clock,
    entryOf: (name) => findBelow(top, name, (root) => store.blob(root)),
  })
  return { run, materializer, sources }
}

/** @param fetcher of published sums */
function deltaSource(
  { tree, partials, scans, centre, report, host }: PullSession,
  fetcher: Fetcher,
): DeltaSource {
  return new DeltaSource({ tree, partials, scans, centre, fetcher, report, log: host.log })
}

/** @param fetcher of recipes */
function assemblySource(
  { tree, store, partials, pool, assemblies, host }: PullSession,
  fetcher: Fetcher,
  outcome: Outcome,
): AssemblySource {
  return new AssemblySource({
    ...{ tree, store, partials, pool, fetcher },
    threads: assemblies,
    log: host.log,
    damaged: (name) =>
      outcome.fault(
        name,
        'damaged: its bytes are not what was hashed here (prsync verify --repair)',
      ),
  })
}

/** The tree as the last pull left it, if that went well and was asked for the same. */
function believedTop({ config, store }: PullSession): DirectoryEntry | null {
  const done = doneHead(store)
  const wish = rememberedWish(store)
  if (done === null || wish === null) return null
  const isSame =
    formatCentreUrl(wish.url) === formatCentreUrl(config.url) &&
    JSON.stringify(wish.rules) === JSON.stringify(config.rules)
  return isSame ? topOf(done.head, config.url.subtree, store) : null
}
