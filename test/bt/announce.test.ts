import assert from 'node:assert/strict'
import t from 'tap'
import { latin1Of, utf8Bytes } from '../../lib/base/bytes.js'
import { WireError } from '../../lib/base/errors.js'
import {
  type AnnounceRequest,
  decodeAnnounceAnswer,
  decodeScrapeAnswer,
  encodeAnnounceAnswer,
  encodeFailure,
  encodeScrapeAnswer,
  formatAnnounce,
  parseAnnounce,
  parseScrape,
} from '../../lib/bt/announce.js'
import fc from '../support/properties.js'

// As libtorrent 2.0.8 sends it (its random key aside).
const LIBTORRENT =
  'info_hash=%d4%3c%b5%5f%c8%aa%d5%24%c6Y%0f%11%e2%06y%c6%1d%1a%f1%8c&peer_id=-LT2080-9aFyqMCE_HB*' +
  '&port=16899&uploaded=0&downloaded=0&left=5000001&corrupt=0&key=34AC0CE4&event=started&numwant=200' +
  '&compact=1&no_peer_id=1&supportcrypto=1&redundant=0'

t.test("libtorrent's announce is read", async (t) => {
  t.same(parseAnnounce(LIBTORRENT), {
    infoHash: Buffer.from('d43cb55fc8aad524c6590f11e20679c61d1af18c', 'hex').toString('latin1'),
    peerId: '-LT2080-9aFyqMCE_HB*',
    port: 16899,
    uploaded: 0,
    downloaded: 0,
    left: 5000001,
    event: 'started',
    wanted: 200,
    compact: true,
  })
})

t.test('refuses what no client sends', async (t) => {
  const cases: Array<[name: string, query: string]> = [
    ['nothing', ''],
    ['no info-hash', LIBTORRENT.replace('info_hash', 'hash_info')],
    ['an info-hash of 21 bytes', LIBTORRENT.replace('%8c', '%8cx')],
    ['half an escape', LIBTORRENT.replace('%8c', '%8')],
    ['an escape of no digits', LIBTORRENT.replace('%8c', '%zz')],
    ['a char above a byte', LIBTORRENT.replace('%8c', '\u0100')],
    ['port 0', LIBTORRENT.replace('16899', '0')],
    ['port 65536', LIBTORRENT.replace('16899', '65536')],
    ['a port in words', LIBTORRENT.replace('16899', '0x1f')],
    ['less than nothing left', LIBTORRENT.replace('left=5', 'left=-5')],
    ['left unsaid', LIBTORRENT.replace('left=', 'right=')],
    ['a thousand fields', `${LIBTORRENT}${'&a=1'.repeat(1000)}`],
    ['20 KB', `${LIBTORRENT}&a=${'x'.repeat(20_000)}`],
  ]
  for (const [name, query] of cases) t.throws(() => parseAnnounce(query), WireError, name)
})

const latin1 = (bytes: Uint8Array): string => latin1Of(bytes)
const twenty = fc.uint8Array({ minLength: 20, maxLength: 20 }).map(latin1)
const requests: fc.Arbitrary<AnnounceRequest> = fc.record(
  {
    infoHash: twenty,
    peerId: twenty,
    port: fc.integer({ min: 1, max: 65535 }),
    uploaded: fc.maxSafeNat(),
    downloaded: fc.maxSafeNat(),
    left: fc.maxSafeNat(),
    event: fc.constantFrom('started', 'stopped', 'completed', 'update'),
    wanted: fc.option(fc.integer({ min: -1, max: 1000 })),
    compact: fc.boolean(),
  },
  { noNullPrototype: true },
)
t.test('any request survives', async () => {
  fc.assert(
    fc.property(requests, (request) => {
      assert.deepEqual(parseAnnounce(formatAnnounce(request)), request)
    }),
  )
})

const v4 = { id: 'a'.repeat(20), address: '\x7f\0\0\x01', port: 6881 }
const v6 = { id: 'b'.repeat(20), address: `\x20\x01${'\0'.repeat(14)}`, port: 6882 }
const answer = { intervalSeconds: 900, seeds: 1, leeches: 2, peers: [v4, v6] }

t.test('answers: compact in both families, or dictionaries', async (t) => {
  t.equal(
    latin1(encodeAnnounceAnswer(answer, true)),
    `d8:completei1e10:incompletei2e8:intervali900e5:peers6:\x7f\0\0\x01\x1a\xe16:peers618:\x20\x01${'\0'.repeat(14)}\x1a\xe2e`,
  )
  t.equal(
    latin1(encodeAnnounceAnswer({ ...answer, peers: [v4] }, true)),
    'd8:completei1e10:incompletei2e8:intervali900e5:peers6:\x7f\0\0\x01\x1a\xe1e',
  )
  t.equal(
    latin1(encodeAnnounceAnswer({ ...answer, peers: [v4] }, false)),
    `d8:completei1e10:incompletei2e8:intervali900e5:peersld2:ip9:127.0.0.17:peer id20:${v4.id}4:porti6881eeee`,
  )
  const { peers, ...rest } = decodeAnnounceAnswer(encodeAnnounceAnswer(answer, true))
  t.same(rest, { intervalSeconds: 900, seeds: 1, leeches: 2 })
  t.same(
    peers,
    [v4, v6].map(({ address, port }) => ({ address, port })),
  )
})

t.test(
  "a tracker's refusal comes in its words, but for bytes no terminal should see",
  async (t) => {
    t.throws(() => decodeAnnounceAnswer(encodeFailure('go \x1baway')), {
      message: 'tracker: refused: go ?away',
    })
    t.throws(() => decodeAnnounceAnswer(utf8Bytes('de')), WireError, 'no interval')
    t.throws(() => decodeAnnounceAnswer(utf8Bytes('d8:intervali9e5:peers5:abcdee')), WireError)
    t.same(decodeAnnounceAnswer(utf8Bytes('d8:intervali9ee')), {
      intervalSeconds: 9,
      seeds: 0,
      leeches: 0,
      peers: [],
    })
    t.throws(() => decodeAnnounceAnswer(utf8Bytes('<html>')), WireError)
  },
)

t.test('scrape, both sides', async (t) => {
  const hash = '\xff'.repeat(20)
  t.same(parseScrape(''), [])
  t.same(parseScrape(`info_hash=${'%ff'.repeat(20)}&info_hash=${'a'.repeat(20)}`), [
    hash,
    'a'.repeat(20),
  ])
  t.throws(() => parseScrape('info_hash=short'), WireError)
  t.throws(() => parseScrape(`info_hash=${'a'.repeat(20)}&`.repeat(201)), WireError)
  const counts = new Map([[hash, { seeds: 3, leeches: 2, completed: 1 }]])
  const bytes = encodeScrapeAnswer(counts)
  t.equal(latin1(bytes), `d5:filesd20:${hash}d8:completei3e10:downloadedi1e10:incompletei2eeee`)
  t.same(decodeScrapeAnswer(bytes), counts)
  t.same(decodeScrapeAnswer(utf8Bytes('d5:filesd2:abdeee')), new Map())
  t.throws(() => decodeScrapeAnswer(utf8Bytes('de')), WireError)
})
