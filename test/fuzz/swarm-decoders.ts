/** The decoders of what peers, trackers and torrents bring, for the fuzz table. */
import assert from 'node:assert/strict'
import { Cursor, hexOf, joined, latin1Of } from '../../lib/base/bytes.js'
import {
  decodeAnnounceAnswer,
  decodeScrapeAnswer,
  parseAnnounce,
  parseScrape,
} from '../../lib/bt/announce.js'
import { decodeBencode, encodeBencode, PEER_BOUNDS } from '../../lib/bt/bencode.js'
import { decodeHashMessage, decodePackedHashes, isServable } from '../../lib/bt/hash-message.js'
import { decodeTorrent, encodeTorrent } from '../../lib/bt/metainfo.js'
import { leavesOf } from '../../lib/hash/merkle.js'
import { decodeContentMessage, encodeContentMessage } from '../../lib/swarm/content-ext.js'
import {
  decodeExtendedHandshake,
  plainExtendedHandshake,
} from '../../lib/swarm/extended-handshake.js'
import { Outbox } from '../../lib/swarm/outbox.js'
import { torrentOf } from '../../lib/swarm/torrent-export.js'
import { GuardedWire } from '../../lib/swarm/wire.js'
import { contentOf, ruled } from '../support/contents.js'
import { recordedEvents } from '../support/recorded-events.js'
import { CONTENT_HELLO, handshake, message } from '../support/wire-bytes.js'
import { type Decoder, text } from './decoder.js'

const root = '\xab'.repeat(32)
const hashHead = message(21, root, 0, 512, 512, 9).subarray(5)
const NOWHERE = { announce: null, urls: [] }
const SOMEWHERE = { announce: 'http://127.0.0.1/', urls: ['http://127.0.0.1/x'] }

export const swarmDecoders: readonly Decoder[] = [
  {
    name: 'bencode',
    decode: (bytes: Uint8Array): void => {
      const value = decodeBencode(bytes, { ...PEER_BOUNDS, order: 'strict' })
      assert.deepEqual(encodeBencode(value), Buffer.from(bytes), 'what is taken is canonical')
    },
    seeds: [text('d1:ali1ei-2e3:xyze1:bd0:leee'), text('i-9007199254740991e')],
  },
  {
    name: 'extended-handshake',
    decode: (bytes: Uint8Array): void => {
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
    decode: (bytes: Uint8Array): void => {
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
    decode: (bytes: Uint8Array): void => {
      const from = new Cursor(bytes)
      isServable(decodeHashMessage(from).range)
      decodePackedHashes(from)
    },
    seeds: [hashHead, joined([hashHead, new Uint8Array(64)])],
  },
  {
    name: 'announce-query',
    decode: (bytes: Uint8Array): void => {
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
    decode: (bytes: Uint8Array): void => {
      const torrent = decodeTorrent(bytes)
      decodeTorrent(encodeTorrent(torrent))
    },
    seeds: [
      encodeTorrent(torrentOf(contentOf(ruled(70_000)), leavesOf(ruled(70_000)), NOWHERE)),
      encodeTorrent(torrentOf(contentOf(ruled(9)), leavesOf(ruled(9)), SOMEWHERE)),
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

/** To the guarded wire, in parts of this many bytes. */
export function feedInParts(bytes: Uint8Array, size: number): void {
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
