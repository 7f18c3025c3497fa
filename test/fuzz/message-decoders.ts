/** The decoders of what centres, nodes and volunteers say to each other in JSON, for the fuzz table. */
import assert from 'node:assert/strict'
import { formatStatus, parseStatus } from '../../lib/app/module-status.js'
import { latin1Of } from '../../lib/base/bytes.js'
import { keyPairOf } from '../../lib/hash/ed25519.js'
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
import { formatControl, parseCentreMessage, parseNodeMessage } from '../../lib/tracker/control.js'
import { type Decoder, text } from './decoder.js'

const SOMEBODY = keyPairOf(new Uint8Array(32).fill(1))

export const messageDecoders: readonly Decoder[] = [
  {
    name: 'control-node',
    decode: (bytes: Uint8Array): void => {
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
    decode: (bytes: Uint8Array): void => {
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
    decode: (bytes: Uint8Array): void => {
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
    decode: (bytes: Uint8Array): void => {
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
    decode: (bytes: Uint8Array): void => {
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
    decode: (bytes: Uint8Array): void => {
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
    decode: (bytes: Uint8Array): void => {
      const status = parseStatus(latin1Of(bytes))
      assert.deepEqual(parseStatus(formatStatus(status)), status)
    },
    seeds: [
      text(
        '{"module":"m","sequence":1,"files":2,"bytes":3,"time":4,"expires":5,"swarm":{"seeds":0,"leeches":1},"connections":0,"given":{"wire":0,"http":0,"torrents":0},"nodes":[{"id":"x","address":"192.0.2.1","through":null,"bytesReceived":1,"bytesSent":2,"receiveRate":0.5,"sendRate":0,"secondsAgo":1}]}',
      ),
    ],
  },
]
