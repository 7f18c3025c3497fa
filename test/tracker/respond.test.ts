import t from 'tap'
import { latin1Of } from '../../lib/base/bytes.js'
import { decodeAnnounceAnswer, decodeScrapeAnswer, formatAnnounce } from '../../lib/bt/announce.js'
import { hostOf } from '../../lib/bt/compact-peers.js'
import { respondToAnnounce, respondToScrape } from '../../lib/tracker/respond.js'
import { SwarmTable } from '../../lib/tracker/swarm-table.js'

const HASH = 'h'.repeat(20)
const asker = (host: string): Parameters<typeof respondToAnnounce>[1] => ({
  host,
  nowMs: 0,
  below: () => 0,
})
const request = {
  infoHash: HASH,
  peerId: 'p'.repeat(20),
  port: 6881,
  uploaded: 0,
  downloaded: 0,
  left: 10,
  event: 'started',
  wanted: null,
  compact: true,
} as const

t.test('peers learn of each other, by the address of their socket', async (t) => {
  const table = new SwarmTable()
  table.open(HASH)
  const first = respondToAnnounce(
    `${formatAnnounce(request)}&ip=192.0.2.9`,
    asker('127.0.0.1'),
    table,
  )
  t.match(decodeAnnounceAnswer(first), { intervalSeconds: 900, seeds: 0, leeches: 1, peers: [] })
  const second = respondToAnnounce(
    formatAnnounce({ ...request, left: 0, event: 'update' }),
    asker('2001:db8::1'),
    table,
  )
  const { peers, ...counts } = decodeAnnounceAnswer(second)
  t.match(counts, { seeds: 1, leeches: 1 })
  t.same(
    peers.map(({ address }) => hostOf(address)),
    ['127.0.0.1'],
  )
  const third = respondToAnnounce(
    formatAnnounce({ ...request, wanted: 0 }),
    asker('127.0.0.1'),
    table,
  )
  t.same(decodeAnnounceAnswer(third).peers, [])
  respondToAnnounce(
    formatAnnounce({ ...request, event: 'completed', left: 0 }),
    asker('127.0.0.1'),
    table,
  )
  t.same(decodeScrapeAnswer(respondToScrape('', table)).get(HASH), {
    seeds: 2,
    leeches: 0,
    completed: 1,
  })
  const last = respondToAnnounce(
    formatAnnounce({ ...request, event: 'stopped' }),
    asker('127.0.0.1'),
    table,
  )
  t.match(decodeAnnounceAnswer(last), { seeds: 1, leeches: 0, peers: [] })
})

t.test('refusals are answers', async (t) => {
  const table = new SwarmTable()
  const cases: Array<[query: string, host: string, reason: string]> = [
    [formatAnnounce(request), '127.0.0.1', 'unknown info-hash'],
    ['', '127.0.0.1', 'info_hash is not 20 bytes'],
    [formatAnnounce({ ...request, infoHash: 'k'.repeat(20) }), 'nowhere', 'unknown address'],
  ]
  table.open('k'.repeat(20))
  for (const [query, host, reason] of cases)
    t.equal(
      latin1Of(respondToAnnounce(query, asker(host), table)),
      `d14:failure reason${reason.length}:${reason}e`,
    )
  t.match(latin1Of(respondToScrape('info_hash=x', table)), /failure/)
})

t.test('a scrape tells of known swarms only', async (t) => {
  const table = new SwarmTable()
  table.open(HASH)
  const counts = decodeScrapeAnswer(
    respondToScrape(`info_hash=${HASH}&info_hash=${'x'.repeat(20)}`, table),
  )
  t.same([...counts.keys()], [HASH])
})
