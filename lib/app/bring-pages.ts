/** All pages of a snapshot into the index of a node: changes from the centre, new ones from other nodes where that helps. */
import { ROOT_NAME } from '../base/byte-name.js'
import type { ContentId, Root } from '../hash/root.js'
import type { Head } from '../snapshot/head.js'
import { spendInTurn } from '../swarm/rate-limit.js'
import type { Swarm } from '../swarm/swarm.js'
import { fetchPages } from './fetch-pages.js'
import { PageSink } from './page-sink.js'
import { patiently } from './patience.js'
import type { PullSession } from './pull-session.js'
import { followedPage } from './pulled.js'
import { swarmFetcher } from './swarm-fetch.js'
import type { SwarmMeter } from './swarm-meter.js'
import { systemRandom } from './system.js'
import { each } from './ticker.js'

/** What came is written to the index, and so offered, that often. */
const OFFER_MS = 500

/** @returns how many came */
export async function bringPages(
  { store, centre, client, report, host, download }: PullSession,
  head: Head,
  swarm: Swarm,
  meter: SwarmMeter,
  signal: AbortSignal,
): Promise<number> {
  let written = 0
  // nothing else can begin before: the centre's line must not idle meanwhile
  const fetcher = swarmFetcher(swarm, centre, 'beside')
  const offer = (roots: readonly Root[]): void => {
    written += roots.length
    swarm.offer(roots)
  }
  const fromPeers = async (pages: readonly ContentId[], inner: AbortSignal): Promise<void> => {
    const sink = new PageSink(store, offer)
    const stop = new AbortController()
    const flushing = each(OFFER_MS, host.clock, () => sink.flush(), stop.signal)
    // who is complete through this snapshot has its pages
    const missing = pages.map((content) => ({
      content,
      since: head.sequence,
      name: ROOT_NAME,
      ranges: [],
    }))
    try {
      await meter.aside(() => fetcher(missing, sink, inner))
    } finally {
      stop.abort()
      await flushing
      sink.flush()
    }
  }
  const inTurn = async (fetch: () => Promise<void>): Promise<void> => {
    await spendInTurn(download, 0, host.clock, signal)
    const before = client.received
    await patiently(fetch, { clock: host.clock, random: systemRandom }, signal)
    download.spend(client.received - before)
    report.bytes.metadata += client.received - before
  }
  const hasPeers = (): boolean => swarm.hasPeers
  const sources = { centre, random: systemRandom, hasPeers, fromPeers, offer, inTurn }
  await fetchPages(head.page, followedPage(store), store, sources, signal)
  return written
}
