import { byteName, nameFault } from '../base/byte-name.js'
import { EXIT, TryAgainError, UsageError } from '../base/errors.js'
import { Outcome } from '../base/outcome.js'
import type { DirectoryEntry } from '../flist/entry.js'
import type { ContentId, Root } from '../hash/root.js'
import type { Clock, Log } from '../host.js'
import { TreeContents } from '../io/contents.js'
import { HashPool } from '../io/hash-pool.js'
import { HttpClient } from '../io/http-client.js'
import { lockTree, whoHasLock } from '../io/lock.js'
import { Owners } from '../io/owners.js'
import { Partials } from '../io/partial.js'
import { Store } from '../io/store.js'
import { DiskTree, PRIVATE_NAME } from '../io/tree.js'
import { decodeHead, type Head } from '../snapshot/head.js'
import { type Pin, trustHead } from '../snapshot/trust.js'
import type { Swarm } from '../swarm/swarm.js'
import { Centre } from './centre.js'
import { fetchPages } from './fetch-pages.js'
import { httpFetcher } from './http-fetch.js'
import { Materializer } from './materialize.js'
import { linger, withSwarm } from './node-swarm.js'
import { findEntry, readTop } from './pages.js'
import { emptyReport, type PullConfig, type PullEvents, type PullReport } from './pull-report.js'
import { PullRun } from './pull-run.js'
import { rememberDoneAt, rememberWish, storedPin } from './pulled.js'
import { LocalSources } from './sources.js'
import { swarmFetcher } from './swarm-fetch.js'

export type PullHost = { readonly clock: Clock; readonly log: Log; readonly userAgent: string }

/** @returns the report and the faults; throws what ends a pull before it could do anything */
export async function pull(
  config: PullConfig,
  events: PullEvents,
  host: PullHost,
  signal: AbortSignal,
): Promise<{ report: PullReport; outcome: Outcome }> {
  const started = host.clock.monotonic()
  const outcome = new Outcome()
  const report = emptyReport()
  const tree = DiskTree.openOrMake(config.destination)
  if (tree.stat(PRIVATE_NAME) === null) tree.makeDirectory(PRIVATE_NAME, 0o700)
  const lock = await lockTree(tree, config.wait, signal)
  if (lock === null) {
    events.busy(whoHasLock(tree))
    tree.close()
    return { report, outcome }
  }
  const store = new Store(`${config.destination}/${PRIVATE_NAME}/index`)
  const client = new HttpClient(host.userAgent)
  const pool = new HashPool()
  const partials = new Partials()
  const contents = new TreeContents(tree, store)
  try {
    const centre = new Centre(client, config.url)
    events.phase('snapshot')
    const { head, pin, bytes } = await currentHead(config, store, centre, host.clock, signal)
    report.sequence = head.sequence
    await fetchPages(head.page, followedPage(store), store, centre, signal)
    report.bytes.metadata = client.received
    const top = topOf(head, config.url.subtree, store)
    if (!config.dryRun) rememberHead(store, bytes, pin)
    if (!config.dryRun) rememberWish(store, config, host.clock.now())
    const parts = {
      config,
      url: config.url,
      centre,
      client,
      head,
      contents,
      clock: host.clock,
      log: host.log,
    }
    await withSwarm(parts, signal, async (swarm, inner) => {
      const owners = new Owners(config.numericIds)
      const choice = { owners, xattrs: config.xattrs }
      const offer = (roots: readonly Root[]): void => swarm?.offer(roots)
      const materializer = new Materializer(tree, store, choice, outcome, config.delete, offer)
      const sources = new LocalSources({
        tree,
        store,
        pool,
        materializer,
        partials,
        report,
        fetcher:
          swarm === null ? httpFetcher(centre, outcome, report) : swarmFetcher(swarm, centre),
        done: (job, way) => run.done(job, way),
      })
      const run: PullRun = new PullRun({
        config,
        tree,
        store,
        owners,
        outcome,
        report,
        events,
        materializer,
        sources,
      })
      let ticks = 1
      const tell = (): void => {
        if (swarm !== null) countSwarm(report, swarm)
        if (swarm !== null && ticks++ % OFFER_TICKS === 0) materializer.flushIndex()
        const { cloned, delta, peers, centre: direct } = report.bytes
        events.progress(report, {
          ...run.state,
          bytesDone: cloned + delta + peers + direct,
          peers: report.peers,
        })
      }
      const ticking = new AbortController()
      const ticker = tickEach(
        PROGRESS_MS,
        host.clock,
        tell,
        AbortSignal.any([inner, ticking.signal]),
      )
      try {
        await run.everything(top, inner)
      } finally {
        ticking.abort()
        await ticker
        tell()
      }
      report.seconds = (host.clock.monotonic() - started) / 1000
      if (!config.dryRun && outcome.exitCode === EXIT.ok) {
        rememberDone(store, bytes)
        rememberDoneAt(store, host.clock.now())
      }
      lock.release()
      if (swarm === null || config.dryRun || config.lingerMs === 0) return
      events.phase('giving to others')
      await linger(swarm, config.lingerMs, host.clock, inner)
    })
  } finally {
    contents.close()
    partials.closeAll()
    client.close()
    await pool.close()
    await store.close()
    tree.close()
    lock.release()
  }
  report.exit = outcome.exitCode
  return { report, outcome }
}

const PROGRESS_MS = 200
/** What is new is written to the index, and so offered, once a second. */
const OFFER_TICKS = 5

async function tickEach(
  ms: number,
  clock: Clock,
  act: () => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    act()
    await clock.sleep(ms, signal).catch(() => {}) // the loop's condition says why
  }
}

function countSwarm(report: PullReport, swarm: Swarm): void {
  const { bytes, peers } = swarm.progress()
  report.bytes.peers = bytes.peers
  report.bytes.centre = bytes.centreWire + bytes.centreHttp
  report.bytes.wasted = bytes.wasted
  report.peers = Math.max(report.peers, peers)
}

async function currentHead(
  config: PullConfig,
  store: Store,
  centre: Centre,
  clock: Clock,
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
    now: Math.floor(clock.now() / 1000),
  }
  return { ...trustHead(bytes, expected), bytes }
}

/** From here on an older head is a rollback; all pages of this one are in the index. */
function rememberHead(store: Store, head: Uint8Array, pin: Pin): void {
  store.transaction(() => {
    store.putValue('head', head)
    store.putValue('pin', Buffer.from(`${pin.fingerprint} ${pin.sequence} ${pin.digest}`))
  })
}
function rememberDone(store: Store, head: Uint8Array): void {
  store.transaction(() => store.putValue('done', head))
}

/** The top page of the last head whose pages are all here. */
function followedPage(store: Store): ContentId | null {
  const head = store.value('head')
  return head === null ? null : decodeHead(head).page
}

/** The directory that the destination mirrors. */
function topOf(head: Head, subtree: string, store: Store): DirectoryEntry | null {
  const blob = (root: Root): Uint8Array | null => store.blob(root)
  if (subtree === '') return readTop(head.page, blob)
  const entry = nameFault(subtree) === null ? findEntry(head.page, byteName(subtree), blob) : null
  if (entry?.kind !== 'directory') throw new UsageError(`the module has no directory ${subtree}`)
  return entry
}
