import { byteName, nameFault } from '../base/byte-name.js'
import {
  EXIT,
  FileError,
  messageOf,
  StartupError,
  TryAgainError,
  UsageError,
} from '../base/errors.js'
import { Outcome } from '../base/outcome.js'
import type { DirectoryEntry } from '../flist/entry.js'
import type { FilterRule } from '../flist/filter.js'
import type { Filter } from '../flist/filter-match.js'
import type { ContentId, Root } from '../hash/root.js'
import type { Clock, Log } from '../host.js'
import { TreeContents } from '../io/contents.js'
import { HashPool } from '../io/hash-pool.js'
import { HttpClient } from '../io/http-client.js'
import { lockTree, whoHasLock } from '../io/lock.js'
import { Partials } from '../io/partial.js'
import { openScanPool, type ScanPool } from '../io/scan-pool.js'
import { Store } from '../io/store.js'
import { DiskTree, PRIVATE_NAME } from '../io/tree.js'
import { decodeHead, type Head } from '../snapshot/head.js'
import { type Pin, trustHead } from '../snapshot/trust.js'
import type { Swarm } from '../swarm/swarm.js'
import { Centre, formatCentreUrl } from './centre.js'
import { DeltaSource } from './delta-source.js'
import { fetchPages } from './fetch-pages.js'
import { Materializer } from './materialize.js'
import { mirrorFilter } from './mirror-filter.js'
import type { Fetcher } from './missing.js'
import { keepPages, NODE_SNAPSHOTS } from './page-keeping.js'
import { findBelow, findEntry, readTop } from './pages.js'
import { allInOrder, type FirstLook, lookFirst } from './pull-look.js'
import { emptyReport, type PullConfig, type PullEvents, type PullReport } from './pull-report.js'
import { PullRun } from './pull-run.js'
import {
  doneHead,
  rememberDone,
  rememberedWish,
  rememberHead,
  rememberWish,
  storedPin,
  throughOf,
} from './pulled.js'
import { LocalSources } from './sources.js'
import { swarmFetcher } from './swarm-fetch.js'
import { SwarmMeter } from './swarm-meter.js'

export type PullHost = { readonly clock: Clock; readonly log: Log; readonly userAgent: string }

/** What stays open through a pull, and through a second look when the centre went on meanwhile. */
type Session = {
  readonly config: PullConfig
  readonly events: PullEvents
  readonly host: PullHost
  readonly report: PullReport
  readonly tree: DiskTree
  readonly store: Store
  readonly client: HttpClient
  readonly centre: Centre
  readonly pool: HashPool
  readonly scans: ScanPool
  readonly partials: Partials
  readonly contents: TreeContents
  readonly filter: Filter
  readonly rules: readonly FilterRule[]
  readonly startedMs: number
}

/** A snapshot may be replaced while it is pulled, and its contents with it: then the new one is pulled instead. */
const LOOKS = 3

/** @returns the report and the faults; throws what ends a pull before it could do anything */
export async function pull(
  config: PullConfig,
  events: PullEvents,
  host: PullHost,
  signal: AbortSignal,
): Promise<{ report: PullReport; outcome: Outcome }> {
  const { filter, rules } = mirrorFilter(config.rules)
  const report = emptyReport()
  const tree = DiskTree.openOrMake(config.destination)
  makeCorner(tree)
  const lock = await lockTree(tree, config.wait, signal)
  if (lock === null) {
    events.busy(whoHasLock(tree))
    tree.close()
    return { report, outcome: new Outcome() }
  }
  const store = new Store(`${config.destination}/${PRIVATE_NAME}/index`)
  const client = new HttpClient(host.userAgent)
  const pool = new HashPool()
  const session: Session = {
    config,
    events,
    host,
    report,
    tree,
    store,
    client,
    centre: new Centre(client, config.url),
    pool,
    scans: openScanPool(pool.width),
    partials: new Partials(),
    contents: new TreeContents(tree, store),
    filter,
    rules,
    startedMs: host.clock.monotonic(),
  }
  try {
    let outcome = new Outcome()
    for (let look = 1; ; look++) {
      const { lost, sequence } = await pullSnapshot(session, outcome, () => lock.release(), signal)
      if (lost === 0 || look === LOOKS || !(await isReplaced(session, sequence, signal))) break
      outcome = new Outcome()
    }
    report.exit = outcome.exitCode
    return { report, outcome }
  } finally {
    session.contents.close()
    session.partials.closeAll()
    client.close()
    await pool.close()
    await session.scans.close()
    await store.close()
    tree.close()
    lock.release()
  }
}

/** Our own corner of the destination. Nothing else is touched before the head is trusted. */
function makeCorner(tree: DiskTree): void {
  try {
    if (tree.stat(PRIVATE_NAME) === null) tree.makeDirectory(PRIVATE_NAME, 0o700)
  } catch (cause) {
    throw new FileError(`cannot write to ${tree.path}: ${messageOf(cause)}`, { cause })
  }
}

/** Contents went away at the centre: its files are being replaced, so it will soon publish again. Did it, in this time? */
async function isReplaced(
  session: Session,
  sequence: number,
  signal: AbortSignal,
): Promise<boolean> {
  const { clock } = session.host
  for (const end = clock.monotonic() + REPLACED_MS; clock.monotonic() < end; ) {
    const { head } = await currentHead(session, signal)
    if (head.sequence > sequence) return true
    await clock.sleep(500, signal)
  }
  return false
}
const REPLACED_MS = 15_000

async function pullSnapshot(
  session: Session,
  outcome: Outcome,
  release: () => void,
  signal: AbortSignal,
): Promise<{ lost: number; sequence: number }> {
  const { config, events, host, report, store, client, centre, contents } = session
  events.phase('snapshot')
  const before = client.received
  const { head, pin, bytes } = await currentHead(session, signal)
  report.sequence = head.sequence
  const pages = await fetchPages(head.page, followedPage(store), store, centre, signal)
  report.bytes.metadata += client.received - before
  const top = topOf(head, config.url.subtree, store)
  const { clock, log } = host
  events.phase('compare')
  const look = await lookFirst(session, top, signal)
  const inOrder = isSettledHead(store, bytes) ? allInOrder(look, session.tree, top) : null
  if (inOrder !== null && (config.lingerUnasked || config.lingerMs === 0)) {
    report.files.kept += inOrder.files
    report.seconds = (clock.monotonic() - session.startedMs) / 1000
    if (!config.dryRun) rememberInOrder(session, bytes, pin, inOrder.unhashed === 0)
    return { lost: 0, sequence: head.sequence }
  }
  const { linger, withSwarm } = await import('./node-swarm.js')
  const believed = config.noScan ? believedTop(session) : null
  if (!config.dryRun) rememberHead(store, bytes, pin)
  if (!config.dryRun) rememberWish(store, config, clock.now())
  let lost = 0
  await withSwarm(
    { config, url: config.url, centre, client, head, contents, clock, log },
    signal,
    async (swarm, inner, isOutdated) => {
      swarm.setThrough(throughOf(store))
      const meter = new SwarmMeter(swarm, report)
      const { run, materializer, sources } = assemble(
        session,
        swarm,
        meter,
        outcome,
        top,
        look,
        believed,
      )
      const tell = (): void => {
        meter.read()
        const { cloned, delta, peers, centre: direct } = report.bytes
        events.progress(report, {
          ...run.state,
          bytesDone: cloned + delta + peers + direct,
          peers: report.peers,
        })
      }
      // What is new is written to the index, and so offered, once a second.
      const stop = new AbortController()
      const either = AbortSignal.any([inner, stop.signal])
      const tickers = [
        each(200, clock, tell, either),
        each(1000, clock, () => materializer.flushIndex(), either),
      ]
      try {
        await run.everything(top, inner)
      } finally {
        stop.abort()
        await Promise.all(tickers)
        tell()
      }
      lost = sources.lost
      if (outcome.exitCode === EXIT.ok) meter.settleDelta()
      report.seconds = (clock.monotonic() - session.startedMs) / 1000
      if (config.dryRun || lost > 0) return
      const isRestHashed = believed === null || throughOf(store) !== null
      const isAll =
        config.rules.length === 0 && config.url.subtree === '' && run.isHashed && isRestHashed
      if (outcome.exitCode === EXIT.ok)
        rememberDone(store, bytes, isAll ? head.sequence : null, clock.now())
      if (head.page !== null) {
        const also = doneHead(store)?.head.page?.root ?? null
        const kept = { top: head.page.root, written: pages, snapshots: NODE_SNAPSHOTS, also }
        await keepPages(store, kept, inner)
      }
      swarm.setThrough(throughOf(store))
      release()
      events.phase('giving to others')
      if (config.peerListen !== null) await linger(swarm, config.lingerMs, clock, inner, isOutdated)
    },
  )
  return { lost, sequence: head.sequence }
}

function assemble(
  session: Session,
  swarm: Swarm,
  meter: SwarmMeter,
  outcome: Outcome,
  top: DirectoryEntry | null,
  look: FirstLook,
  believed: DirectoryEntry | null,
): { run: PullRun; materializer: Materializer; sources: LocalSources } {
  const { config, tree, store, pool, scans, partials, centre, report, host } = session
  const { owners } = look
  const offer = (roots: readonly Root[]): void => swarm.offer(roots)
  const choice = { owners, xattrs: config.xattrs }
  const materializer = new Materializer(tree, store, choice, outcome, config.delete, offer)
  const fetcher = swarmFetcher(swarm, centre)
  const metadata: Fetcher = (missing, sink, signal) =>
    meter.aside(() => fetcher(missing, sink, signal))
  const delta = new DeltaSource({
    tree,
    partials,
    scans,
    centre,
    fetcher: metadata,
    report,
    log: host.log,
  })
  const sources = new LocalSources({
    tree,
    store,
    pool,
    materializer,
    partials,
    report,
    outcome,
    fetcher,
    delta,
    done: (job, way) => run.done(job, way),
  })
  const run: PullRun = new PullRun({
    ...session,
    ...look,
    outcome,
    materializer,
    sources,
    believed,
    clock: host.clock,
    entryOf: (name) => findBelow(top, name, (root) => store.blob(root)),
  })
  return { run, materializer, sources }
}

async function each(ms: number, clock: Clock, act: () => void, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    act()
    await clock.sleep(ms, signal).catch(() => {}) // the loop's condition says why
  }
}

async function currentHead(
  { config, store, centre, host }: Session,
  signal: AbortSignal,
): Promise<{ head: Head; pin: Pin; bytes: Uint8Array }> {
  const pin = storedPin(store)
  const known = store.value('head')
  const fresh = await centre.head(known === null || pin === null ? null : pin.digest, signal)
  const bytes = fresh ?? known
  if (bytes === null)
    throw new TryAgainError('the centre says nothing changed, but nothing is known here')
  const expected = {
    module: config.url.module,
    pin,
    fingerprint: config.fingerprint,
    now: Math.floor(host.clock.now() / 1000),
  }
  return { ...trustHead(bytes, expected), bytes }
}

/** Is this the head that the last pull brought the tree in step with? Then only the tree itself can have changed. */
function isSettledHead(store: Store, bytes: Uint8Array): boolean {
  const done = store.value('done')
  return done !== null && Buffer.compare(done, bytes) === 0
}

function rememberInOrder(
  { store, config, host }: Session,
  bytes: Uint8Array,
  pin: Pin,
  isHashed: boolean,
): void {
  const now = host.clock.now()
  const isAll = config.rules.length === 0 && config.url.subtree === '' && isHashed
  rememberHead(store, bytes, pin)
  rememberWish(store, config, now)
  rememberDone(store, bytes, isAll ? decodeHead(bytes).sequence : null, now)
}

/** The top page of the last head whose pages are all here. */
function followedPage(store: Store): ContentId | null {
  const head = store.value('head')
  return head === null ? null : decodeHead(head).page
}

/** The directory that the destination mirrors. */
/** The tree as the last pull left it, if that went well and was asked for the same. */
function believedTop({ config, store }: Session): DirectoryEntry | null {
  const done = doneHead(store)
  const wish = rememberedWish(store)
  if (done === null || wish === null) return null
  const isSame =
    formatCentreUrl(wish.url) === formatCentreUrl(config.url) &&
    JSON.stringify(wish.rules) === JSON.stringify(config.rules)
  return isSame ? topOf(done.head, config.url.subtree, store) : null
}

function topOf(head: Head, subtree: string, store: Store): DirectoryEntry | null {
  const blob = (root: Root): Uint8Array | null => store.blob(root)
  if (subtree === '') {
    const top = readTop(head.page, blob)
    // Taken for an empty tree, a page that is lost would empty this one.
    if (top === null)
      throw new StartupError(
        'the index lacks the page of the snapshot: remove DEST/.~prsync~/index and pull again',
      )
    return top
  }
  const entry = nameFault(subtree) === null ? findEntry(head.page, byteName(subtree), blob) : null
  if (entry?.kind !== 'directory') throw new UsageError(`the module has no directory ${subtree}`)
  return entry
}
