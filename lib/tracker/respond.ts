/** Announce and scrape: a query, who asks, and the table → the bencoded answer. BEP 3, 48. Status is 200 also for refusals, as clients expect. */
import { WireError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import {
  type AnnounceRequest,
  encodeAnnounceAnswer,
  encodeFailure,
  encodeScrapeAnswer,
  parseAnnounce,
  parseScrape,
  type ScrapeCounts,
} from '../bt/announce.js'
import { addressOf } from '../bt/compact-peers.js'
import { ANNOUNCE_SECONDS, type Below, type SwarmTable } from './swarm-table.js'

export type Asker = {
  /** As the socket tells: what a query says of addresses is not believed. */
  readonly host: string
  /** Monotonic milliseconds. */
  readonly nowMs: number
  readonly below: Below
}

/** The answer to `/announce?query`. */
export function respondToAnnounce(query: string, asker: Asker, table: SwarmTable): Uint8Array {
  return answered(() => announced(parseAnnounce(query), asker, table))
}

/** The answer to `/scrape?query`: counts of the swarms asked for, those known among them. */
export function respondToScrape(query: string, table: SwarmTable): Uint8Array {
  return answered(() => {
    const wanted = parseScrape(query)
    const counts = new Map<string, ScrapeCounts>()
    if (wanted.length === 0)
      for (const [hash, swarm] of table.all()) {
        if (counts.size >= SCRAPED) break
        counts.set(hash, swarm.counts)
      }
    for (const hash of wanted) {
      const swarm = table.get(hash)
      if (swarm !== undefined) counts.set(hash, swarm.counts)
    }
    return encodeScrapeAnswer(counts)
  })
}

/** Swarms in the answer to a scrape of all. */
const SCRAPED = 1000

function announced(request: AnnounceRequest, asker: Asker, table: SwarmTable): Uint8Array {
  const swarm = table.get(request.infoHash)
  const address = addressOf(asker.host)
  if (swarm === undefined) return encodeFailure('unknown info-hash')
  if (address === null) return encodeFailure('unknown address')
  const peer = { address, port: request.port, id: request.peerId }
  const isSeed = request.left === 0
  if (request.event === 'completed') swarm.complete(peer)
  if (request.event === 'stopped') swarm.leave(peer)
  else swarm.join(peer, isSeed, asker.nowMs)
  const { wanted } = request
  const most = wanted === null || wanted < 0 ? LIMITS.announcePeers : wanted
  const count = request.event === 'stopped' ? 0 : Math.min(most, LIMITS.announcePeers)
  const { seeds, leeches } = swarm.counts
  const peers = count === 0 ? [] : swarm.sample(peer, isSeed, count, asker.below)
  return encodeAnnounceAnswer(
    { intervalSeconds: ANNOUNCE_SECONDS, seeds, leeches, peers },
    request.compact,
  )
}

function answered(answer: () => Uint8Array): Uint8Array {
  try {
    return answer()
  } catch (error) {
    if (error instanceof WireError) return encodeFailure(error.message)
    throw error
  }
}
