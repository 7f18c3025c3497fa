/** Announce and scrape over HTTP, for any BitTorrent client. */
import type { HttpAnswer, HttpRequest } from '../base/http.js'
import type { Clock, Random } from '../host.js'
import { respondToAnnounce, respondToScrape } from '../tracker/respond.js'
import type { SwarmTable } from '../tracker/swarm-table.js'

/** Null for other paths. */
export function trackerRoute(
  table: SwarmTable,
  clock: Clock,
  random: Random,
  /** Called before an announce is answered. */
  onAnnounce: (request: HttpRequest) => void,
): (request: HttpRequest) => HttpAnswer | null {
  return (request) => {
    if (request.path === '/announce') onAnnounce(request)
    const asker = {
      host: request.remote.address,
      nowMs: clock.monotonic(),
      below: (n: number) => random.below(n),
    }
    const body =
      request.path === '/announce'
        ? respondToAnnounce(request.query, asker, table)
        : request.path === '/scrape'
          ? respondToScrape(request.query, table)
          : null
    if (body === null) return null
    const headers = { 'content-type': 'text/plain', 'content-length': `${body.length}` }
    return { status: 200, headers, body }
  }
}
