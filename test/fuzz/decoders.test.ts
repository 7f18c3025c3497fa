/**
 * All decoders of bytes from outside, in one table: any bytes give a value, Underflow or an error of ours, in bounded time and
 * memory. Inputs that once did not are in fixtures/corpus/. `FUZZ_RUNS` sets the runs of each decoder.
 */
import assert from 'node:assert/strict'
import t from 'tap'
import { formatStatus, parseStatus } from '../../lib/app/module-status.js'
import { Cursor, hexOf, joined, latin1Of, Underflow } from '../../lib/base/bytes.js'
import { PrsyncError } from '../../lib/base/errors.js'
import {
  decodeAnnounceAnswer,
  decodeScrapeAnswer,
  parseAnnounce,
  parseScrape,
} from '../../lib/bt/announce.js'
import { decodeBencode, encodeBencode, PEER_BOUNDS } from '../../lib/bt/bencode.js'
import { decodeHashMessage, decodePackedHashes, isServable } from '../../lib/bt/hash-message.js'
import { decodeTorrent, encodeTorrent } from '../../lib/bt/metainfo.js'
import { keyPairOf } from '../../lib/hash/ed25519.js'
import { leavesOf } from '../../lib/hash/merkle.js'
import { rootOf } from '../../lib/hash/root.js'
import { formatRoster, parseRoster } from '../../lib/mirror/enrolment.js'
import { formatNews, parseNews } from '../../lib/mirror/front-news.js'
import {
  formatCentreWord,
  formatSigned,
  formatVolunteerMessage,
  parseCentreWord,
  parseKey,
  parseSigned,
  parseVolunteerMessage,
} from '../../lib/mirror/volunteer-messages.js'
import {
  decodeBatchPart,
  decodeBatchRequest,
  encodeBatchRequest,
} from '../../lib/snapshot/batch.js'
import { decodeHead } from '../../lib/snapshot/head.js'
import { decodePage, encodePage } from '../../lib/snapshot/page.js'
import { decodeRecipe, encodeRecipe, literalsOf } from '../../lib/snapshot/recipe.js'
import { decodeContentMessage, encodeContentMessage } from '../../lib/swarm/content-ext.js'
import {
  decodeExtendedHandshake,
  plainExtendedHandshake,
} from '../../lib/swarm/extended-handshake.js'
import { Outbox } from '../../lib/swarm/outbox.js'
import { torrentOf } from '../../lib/swarm/torrent-export.js'
import { GuardedWire } from '../../lib/swarm/wire.js'
import { formatControl, parseCentreMessage, parseNodeMessage } from '../../lib/tracker/control.js'
import { contentOf, ruled } from '../support/contents.js'
import { corpusFolders, corpusOf } from '../support/corpus.js'
import fc from '../support/properties.js'
import { recordedEvents } from '../support/recorded-events.js'
import { validBytes } from '../support/vectors.js'
import { CONTENT_HELLO, handshake, message } from '../support/wire-bytes.js'
import { rsyncDecoders } from './rsync-decoders.js'

const SOMEBODY = keyPairOf(new Uint8Array(32).fill(1))

const { FUZZ_RUNS, CI } = process.env
const RUNS = Number(FUZZ_RUNS ?? (CI ? 20_000 : 1000))
const SECONDS = 1
const ARRAY_BYTES = 16 << 20

type Decoder = {
  readonly name: string
  readonly decode: (bytes: Uint8Array) => void
  /** Valid inputs, to be damaged. */
  readonly seeds: readonly Uint8Array[]
}

const text = (s: string): Uint8Array => Uint8Array.from(Buffer.from(s, 'latin1'))
const root = '\xab'.repeat(32)
const hashHead = message(21, root, 0, 512, 512, 9).subarray(5)

const RECIPE_FOR = { root: rootOf(new Uint8Array(32).fill(0xee)), length: 2 ** 20 }
const NOWHERE = { announce: null, urls: [] }
const SOMEWHERE = { announce: 'http://127.0.0.1/', urls: ['http://127.0.0.1/x'] }

const decoders: readonly Decoder[] = [
  ...rsyncDecoders,
  {
    name: 'bencode',
    decode: (bytes) => {
      const value = decodeBencode(bytes, { ...PEER_BOUNDS, order: 'strict' })
      assert.deepEqual(encodeBencode(value), Buffer.from(bytes), 'what is taken is canonical')
    },
    seeds: [text('d1:ali1ei-2e3:xyze1:bd0:leee'), text('i-9007199254740991e')],
  },
  {
    name: 'extended-handshake',
    decode: (bytes) => {
      const plain = plainExtendedHandshake(decodeExtendedHandshake(bytes))
      assert.ok(plain.length < 64)
    },
    seeds: [
      text(
        'd1:md10:ps_contenti3e11:ut_metadatai2ee1:pi6881e14:ps_max_requesti65536e4:reqqi500e1:v6:prsynce',
      ),
    ],
  },
  {
    name: 'content-ext',
    decode: (bytes) => {
      const value = decodeContentMessage(bytes)
      if (value !== null) assert.deepEqual(encodeContentMessage(value).map(hexOf), [hexOf(bytes)])
    },
    seeds: [
      ...encodeContentMessage({
        kind: 'bind',
        binds: [{ handle: 300, content: { root: contentRootOf(root), length: 5e9 }, window: 2 }],
      }),
      ...encodeContentMessage({
        kind: 'have',
        have: {
          through: 3,
          wholes: ['12345678'],
          parts: [
            {
              hint: '87654321',
              ranges: [
                { first: 1, count: 200 },
                { first: 900, count: 1 },
              ],
            },
          ],
        },
      }),
      ...encodeContentMessage({
        kind: 'want',
        wants: [{ content: { root: contentRootOf(root), length: 70_000 }, ranges: [] }],
      }),
    ],
  },
  {
    name: 'hash-message',
    decode: (bytes) => {
      const from = new Cursor(bytes)
      isServable(decodeHashMessage(from).range)
      decodePackedHashes(from)
    },
    seeds: [hashHead, joined([hashHead, new Uint8Array(64)])],
  },
  {
    name: 'announce-query',
    decode: (bytes) => {
      parseScrape(latin1Of(bytes))
      parseAnnounce(latin1Of(bytes))
    },
    seeds: [
      text(`info_hash=${'%ab'.repeat(20)}&peer_id=${'p'.repeat(20)}&port=6881&left=0&numwant=-1`),
    ],
  },
  {
    name: 'announce-answer',
    decode: decodeAnnounceAnswer,
    seeds: [
      text(
        'd8:completei1e10:incompletei2e8:intervali900e5:peers6:abcdef6:peers618:abcdefghijklmnopqre',
      ),
    ],
  },
  {
    name: 'scrape-answer',
    decode: decodeScrapeAnswer,
    seeds: [text(`d5:filesd20:${'h'.repeat(20)}d8:completei3e10:downloadedi1e10:incompletei2eeee`)],
  },
  {
    name: 'metainfo',
    decode: (bytes) => {
      const torrent = decodeTorrent(bytes)
      decodeTorrent(encodeTorrent(torrent))
    },
    seeds: [
      encodeTorrent(torrentOf(contentOf(ruled(70_000)), leavesOf(ruled(70_000)), NOWHERE)),
      encodeTorrent(torrentOf(contentOf(ruled(9)), leavesOf(ruled(9)), SOMEWHERE)),
    ],
  },
  {
    name: 'page',
    decode: (bytes) => {
      assert.equal(hexOf(encodePage(decodePage(bytes))), hexOf(bytes), 'what is taken is canonical')
    },
    seeds: validBytes('snapshot/page.vec'),
  },
  { name: 'head', decode: decodeHead, seeds: validBytes('snapshot/head.vec') },
  {
    name: 'batch-request',
    decode: (bytes) => {
      assert.equal(hexOf(encodeBatchRequest(decodeBatchRequest(bytes))), hexOf(bytes))
    },
    seeds: validBytes('snapshot/batch.vec'),
  },
  {
    name: 'batch-part',
    decode: (bytes) => void decodeBatchPart(new Cursor(bytes), 65536),
    seeds: validBytes('snapshot/batch-part.vec'),
  },
  {
    name: 'recipe',
    decode: (bytes) => {
      const recipe = decodeRecipe(bytes, RECIPE_FOR)
      assert.equal(hexOf(encodeRecipe(recipe)), hexOf(bytes), 'what is taken is canonical')
      literalsOf(recipe)
    },
    seeds: validBytes('snapshot/recipe.vec'),
  },
  {
    name: 'control-node',
    decode: (bytes) => {
      const message = parseNodeMessage(latin1Of(bytes))
      assert.deepEqual(parseNodeMessage(formatControl(message)), message)
    },
    seeds: [
      text(`{"type":"hello","module":"m","id":"${'2d'.repeat(20)}","port":1,"through":null}`),
      text(
        '{"type":"report","through":1,"received":2,"sent":3,"receiveRate":4.5,"sendRate":0,"busy":true}',
      ),
    ],
  },
  {
    name: 'control-centre',
    decode: (bytes) => {
      const message = parseCentreMessage(latin1Of(bytes))
      if (message !== null) assert.deepEqual(parseCentreMessage(formatControl(message)), message)
    },
    seeds: [
      text('{"type":"head","sequence":7}'),
      text(
        '{"type":"peers","peers":[{"host":"192.0.2.1","port":1},{"host":"2001:db8::1","port":2}]}',
      ),
    ],
  },
  {
    name: 'volunteer-key',
    decode: (bytes) => void parseKey(latin1Of(bytes)),
    seeds: [text(`{"type":"key","key":"${'2d'.repeat(32)}"}`)],
  },
  {
    name: 'volunteer-signed',
    decode: (bytes) => void parseSigned(latin1Of(bytes), SOMEBODY.publicKey, '', 0),
    seeds: [text(formatSigned({ type: 'drain', begins: true }, SOMEBODY, '', 0))],
  },
  {
    name: 'volunteer-message',
    decode: (bytes) => {
      const message = parseVolunteerMessage(latin1Of(bytes))
      assert.deepEqual(parseVolunteerMessage(formatVolunteerMessage(message)), message)
    },
    seeds: [
      text(
        '{"type":"join","token":null,"baseUrl":"https://v.example/pub","uplink":1000,"quota":null}',
      ),
      text('{"type":"drain","begins":true}'),
      text('{"type":"have","module":"m","isFirst":true,"contents":"AAAAAAAAAAE="}'),
      text('{"type":"keeps","releases":[{"module":"m","since":1,"from":"a","to":"b"}]}'),
      text('{"type":"lost","module":"m","contents":"AAAAAAAAAAE="}'),
      text(
        '{"type":"load","modules":[{"module":"m","through":null,"following":7}],"fair":1.5,"flows":2,"lasting":[2,1],"clientRate":3,"syncRate":4,"observed":[5]}',
      ),
    ],
  },
  {
    name: 'volunteer-centre',
    decode: (bytes) => {
      const word = parseCentreWord(latin1Of(bytes))
      if (word !== null) assert.deepEqual(parseCentreWord(formatCentreWord(word)), word)
    },
    seeds: [
      text(`{"type":"nonce","nonce":"${'2d'.repeat(16)}"}`),
      text(`{"type":"enrolled","name":"v","bounceKey":"${'2d'.repeat(32)}","centre":"http://c"}`),
      text('{"type":"refused","why":"no"}'),
      text('{"type":"wanted","releases":[{"module":"m","since":1,"from":"a","to":"b"}]}'),
    ],
  },
  {
    name: 'front-news',
    decode: (bytes) => {
      const { from, news } = parseNews(latin1Of(bytes))
      assert.deepEqual(parseNews(formatNews(from, news)), { from, news })
    },
    seeds: [
      text(formatNews('a', { type: 'hello' })),
      text(formatNews('a', { type: 'saw', name: 'v', evidence: { kind: 'bounce', lacks: true } })),
      text(formatNews('a', { type: 'sent', redirects: [{ name: 'v', bytes: 1, takesMs: 2 }] })),
    ],
  },
  {
    name: 'roster',
    decode: (bytes) => {
      const roster = parseRoster(latin1Of(bytes))
      assert.deepEqual(parseRoster(formatRoster(roster)), roster)
    },
    seeds: [
      text(
        `{"version":1,"volunteers":[{"name":"v","key":"${'2d'.repeat(32)}","baseUrl":"http://v.example","uplink":null,"invitation":{"tokenDigest":"x","untilMs":1},"quarantine":null,"isDraining":true}]}`,
      ),
    ],
  },
  {
    name: 'status',
    decode: (bytes) => {
      const status = parseStatus(latin1Of(bytes))
      assert.deepEqual(parseStatus(formatStatus(status)), status)
    },
    seeds: [
      text(
        '{"module":"m","sequence":1,"files":2,"bytes":3,"time":4,"expires":5,"swarm":{"seeds":0,"leeches":1},"connections":0,"given":{"wire":0,"http":0,"torrents":0},"nodes":[{"id":"x","address":"192.0.2.1","through":null,"bytesReceived":1,"bytesSent":2,"receiveRate":0.5,"sendRate":0,"secondsAgo":1}]}',
      ),
    ],
  },
  {
    name: 'wire',
    decode: (bytes) => feedInParts(bytes, bytes.length),
    seeds: [
      joined([
        handshake(),
        CONTENT_HELLO,
        message(1),
        message(6, 1, 0, 16384),
        message(8, 1, 0, 16384),
        message(7, 0, 0, 'an answer of 16 '),
        message(16, 0, 0, 16),
        message(20, '\x01', '\x01\x05'),
        message(21, root, 0, 512, 512, 9),
        message(22, root, 0, 0, 2, 0, new Uint8Array(64)),
        message(4, 7),
        message(5, 'bits'),
      ]),
    ],
  },
]

function contentRootOf(bytes: string): ReturnType<typeof decodeHashMessage>['root'] {
  return decodeHashMessage(new Cursor(message(21, bytes, 0, 0, 0, 0).subarray(5))).root
}

function feedInParts(bytes: Uint8Array, size: number): void {
  const wire: GuardedWire = new GuardedWire(new Outbox(), {
    ...recordedEvents([]),
    onUnchoke: () => {
      wire.unchoke()
      wire.ask(0, 0, 16)
    },
    onHandshake: () =>
      wire.greet({
        infoHash: new Uint8Array(20),
        peerId: new Uint8Array(20),
        contents: true,
        listenPort: null,
        maxRequestBytes: 65536,
      }),
  })
  for (let at = 0; at < bytes.length; at += size) wire.feed(bytes.subarray(at, at + size))
}

/** 'value', 'Underflow', or the class of our error. @throws whatever else came out of it. */
function verdict(decode: (bytes: Uint8Array) => void, bytes: Uint8Array): string {
  const start = performance.now()
  const before = process.memoryUsage().arrayBuffers
  try {
    decode(bytes)
    return 'value'
  } catch (error) {
    if (error instanceof Underflow || error instanceof PrsyncError) return error.name
    throw error
  } finally {
    assert.ok(performance.now() - start < SECONDS * 1000, 'time')
    assert.ok(process.memoryUsage().arrayBuffers - before < ARRAY_BYTES, 'memory')
  }
}

/** A seed with a few bytes changed, put in, left out, or its end cut off; or bytes of any kind. */
function damaged(seeds: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const edit = fc.record({
    at: fc.nat(0xffff),
    gone: fc.nat(3),
    put: fc.oneof(
      fc.uint8Array({ maxLength: 4 }),
      fc.constantFrom(
        ...[[0xff, 0xff, 0xff, 0xff], [0x80, 0, 0, 0], [0]].map((b) => Uint8Array.from(b)),
      ),
    ),
  })
  const edited = fc
    .tuple(fc.constantFrom(...seeds), fc.array(edit, { minLength: 1, maxLength: 4 }))
    .map(([seed, edits]) =>
      edits.reduce((bytes, { at, gone, put }) => {
        const start = at % (bytes.length + 1)
        return joined([bytes.subarray(0, start), put, bytes.subarray(start + gone)])
      }, seed),
    )
  return fc.oneof(
    { arbitrary: edited, weight: 4 },
    { arbitrary: fc.uint8Array({ maxLength: 200 }), weight: 1 },
  )
}

for (const { name, decode, seeds } of decoders) {
  t.test(`${name}: the corpus`, async (t) => {
    for (const entry of corpusOf(name))
      t.equal(verdict(decode, entry.bytes), entry.expected, entry.name)
  })
  t.test(`${name}: any bytes`, async (t) => {
    for (const seed of seeds) t.equal(verdict(decode, seed), 'value', 'a seed is valid')
    fc.assert(
      fc.property(damaged(seeds), (bytes) => {
        verdict(decode, bytes)
      }),
      { numRuns: RUNS },
    )
  })
}

t.test('the wire gives one verdict however its bytes are cut', async () => {
  const seeds = decoders.find(({ name }) => name === 'wire')?.seeds ?? []
  fc.assert(
    fc.property(damaged(seeds), fc.integer({ min: 1, max: 90 }), (bytes, size) => {
      const whole = verdict((b) => feedInParts(b, b.length), bytes)
      assert.equal(
        verdict((b) => feedInParts(b, size), bytes),
        whole,
      )
    }),
    { numRuns: RUNS },
  )
})

t.test('every folder of the corpus has its decoder', async (t) => {
  t.same(corpusFolders(), decoders.map(({ name }) => name).sort())
})
