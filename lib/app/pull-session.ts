/** What a pull holds open from its lock to its end, and the head that it follows. */
import { byteName, nameFault } from '../base/byte-name.js'
import { StartupError, TryAgainError, UsageError } from '../base/errors.js'
import type { DirectoryEntry } from '../flist/entry.js'
import type { FilterRule } from '../flist/filter.js'
import type { Filter } from '../flist/filter-match.js'
import type { Root } from '../hash/root.js'
import type { Clock, Log } from '../host.js'
import type { AssemblePool } from '../io/assemble-pool.js'
import type { TreeContents } from '../io/contents.js'
import type { HashPool } from '../io/hash-pool.js'
import type { HttpClient } from '../io/http-client.js'
import type { Partials } from '../io/partial.js'
import type { ScanPool } from '../io/scan-pool.js'
import type { Store } from '../io/store.js'
import type { DiskTree } from '../io/tree.js'
import type { Head } from '../snapshot/head.js'
import { type Pin, trustHead } from '../snapshot/trust.js'
import type { RateLimit } from '../swarm/rate-limit.js'
import type { Centre } from './centre.js'
import { Kept } from './kept.js'
import { findEntry, readTop } from './pages.js'
import { patiently } from './patience.js'
import type { PullConfig, PullEvents, PullReport } from './pull-report.js'
import { storedPin } from './pulled.js'
import { systemRandom } from './system.js'

export type PullHost = {
  readonly clock: Clock
  readonly log: Log
  readonly userAgent: string
  /** Shared with what else this process sends; null or not said: the configured rate is the pull's own. */
  readonly upload?: RateLimit | null
  /** Contents that were finished, and can be given to others. */
  readonly onContents?: (roots: readonly Root[]) => void
}

/** A head that may be followed, and how it was signed. */
export type FollowedHead = { readonly head: Head; readonly pin: Pin; readonly bytes: Uint8Array }

/** What stays open through a pull, and through a second look when the centre went on meanwhile. */
export type PullSession = {
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
  readonly assemblies: AssemblePool
  readonly partials: Partials
  readonly contents: TreeContents
  readonly filter: Filter
  readonly rules: readonly FilterRule[]
  /** `--bwlimit`: for all that comes. */
  readonly download: RateLimit
  readonly startedMs: number
}

/** @throws {TrustError} before anything of the tree is touched */
export async function currentHead(
  { config, store, centre, host }: PullSession,
  signal: AbortSignal,
): Promise<FollowedHead> {
  const pin = storedPin(store)
  const known = store.value('head')
  const digest = known === null || pin === null ? null : pin.digest
  const patience = { clock: host.clock, random: systemRandom }
  const fresh = await patiently(() => centre.head(digest, signal), patience, signal)
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

export function keptOf({ tree, store, config, host }: PullSession): Kept {
  return new Kept(tree, store, config.keepMs, host.clock.now())
}

/** The directory that the destination mirrors. */
export function topOf(head: Head, subtree: string, store: Store): DirectoryEntry | null {
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
