/** `prsync pull`: from the lock to the exit status; what one snapshot asks for is in `pull-snapshot.ts`. */
import { codeOf } from '../base/errors.js'
import { Outcome } from '../base/outcome.js'
import { openAssemblePool } from '../io/assemble-pool.js'
import { TreeContents } from '../io/contents.js'
import { HashPool } from '../io/hash-pool.js'
import { HttpClient } from '../io/http-client.js'
import { lockTree, whoHasLock } from '../io/lock.js'
import { Partials } from '../io/partial.js'
import { openScanPool } from '../io/scan-pool.js'
import { Store } from '../io/store.js'
import { DiskTree, PRIVATE_NAME } from '../io/tree.js'
import { RateLimit } from '../swarm/rate-limit.js'
import { Centre } from './centre.js'
import { mirrorFilter } from './mirror-filter.js'
import { emptyReport, type PullConfig, type PullEvents, type PullReport } from './pull-report.js'
import { currentHead, keptOf, type PullHost, type PullSession } from './pull-session.js'
import { pullSnapshot } from './pull-snapshot.js'
import { makeCorner } from './pulled.js'

/** A snapshot may be replaced while it is pulled, and its contents with it: then the new one is pulled instead. */
const LOOKS = 3

/** @returns the report and the faults; throws what ends a pull before it could do anything */
export async function pull(
  config: PullConfig,
  events: PullEvents,
  host: PullHost,
  signal: AbortSignal,
): Promise<{ report: PullReport; outcome: Outcome }> {
  const filters = mirrorFilter(config.rules)
  const report = emptyReport()
  const tree = DiskTree.openOrMake(config.destination)
  if (config.xattrs) tree.needXattrs()
  makeCorner(tree)
  const lock = await lockTree(tree, config.wait, signal)
  if (lock === null) {
    events.busy(whoHasLock(tree))
    tree.close()
    return { report, outcome: new Outcome() }
  }
  const session = openSession(config, filters, events, host, tree, report)
  try {
    let outcome = new Outcome()
    for (let look = 1; ; look++) {
      const { lost, sequence } = await withRoom(session, () =>
        pullSnapshot(session, outcome, () => lock.release(), signal),
      )
      if (lost === 0 || look === LOOKS || !(await isReplaced(session, sequence, signal))) break
      outcome = new Outcome()
    }
    report.exit = outcome.exitCode
    return { report, outcome }
  } finally {
    await closeSession(session)
    lock.release()
  }
}

function openSession(
  config: PullConfig,
  { filter, rules }: ReturnType<typeof mirrorFilter>,
  events: PullEvents,
  host: PullHost,
  tree: DiskTree,
  report: PullReport,
): PullSession {
  const store = new Store(`${config.destination}/${PRIVATE_NAME}/index`)
  const client = new HttpClient(host.userAgent, 8, config.peerListen?.host ?? null)
  const pool = new HashPool()
  return {
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
    assemblies: openAssemblePool(pool.width),
    partials: new Partials(),
    contents: new TreeContents(tree, store),
    filter,
    download: new RateLimit(config.downloadRate, host.clock.monotonic()),
    rules,
    startedMs: host.clock.monotonic(),
  }
}
async function closeSession(session: PullSession): Promise<void> {
  session.contents.close()
  session.partials.closeAll()
  session.client.close()
  await session.pool.close()
  await session.scans.close()
  await session.assemblies.close()
  await session.store.close()
  session.tree.close()
}

/** Out of disk, what is kept for others goes, and the pull goes on with that room. */
async function withRoom<T>(session: PullSession, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (!isNoRoom(error) || !keptOf(session).dropAll()) throw error
    return act()
  }
}
function isNoRoom(error: unknown): boolean {
  const code = codeOf(error)
  if (code === 'ENOSPC' || code === 'EDQUOT') return true
  return error instanceof Error && error.cause !== undefined && isNoRoom(error.cause)
}

/** Contents went away at the centre: its files are being replaced, so it will soon publish again. Did it, in this time? */
async function isReplaced(
  session: PullSession,
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
