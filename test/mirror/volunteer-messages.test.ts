/** Messages of a volunteer's channel: there and back, the bytes, who said them, and what is refused. */
import t from 'tap'
import { WireError } from '../../lib/base/errors.js'
import { LIMITS } from '../../lib/base/limits.js'
import { keyPairOf } from '../../lib/hash/ed25519.js'
import { type Root, rootOf } from '../../lib/hash/root.js'
import type { ReleaseRef } from '../../lib/mirror/release.js'
import {
  type CentreWord,
  formatCentreWord,
  formatKey,
  formatSigned,
  type Join,
  type Load,
  parseCentreWord,
  parseKey,
  parseSigned,
  parseVolunteerMessage,
  releasesWithin,
  type VolunteerMessage,
} from '../../lib/mirror/volunteer-messages.js'

const KEYS = keyPairOf(new Uint8Array(32).fill(1))
const NONCE = '2d'.repeat(16)
const JOIN: Join = {
  type: 'join',
  token: 'a-token',
  baseUrl: 'https://v.example/pub',
  uplink: 125_000_000,
  quota: 20e9,
}
const LOAD: Load = {
  type: 'load',
  modules: [
    { module: 'debian', through: 7, following: 8 },
    { module: 'isos', through: null, following: 3 },
  ],
  fair: 1e6,
  flows: 3,
  lasting: [3, 2],
  clientRate: 2.5e6,
  syncRate: 0,
  observed: [1e6],
}
const roots = (count: number): Root[] =>
  Array.from({ length: count }, (_, i) => {
    const bytes = new Uint8Array(32)
    new DataView(bytes.buffer).setUint32(4, i)
    return rootOf(bytes)
  })
const HAVE: VolunteerMessage = { type: 'have', module: 'm', isFirst: true, contents: roots(1000) }
const LOST: VolunteerMessage = { type: 'lost', module: 'm', contents: roots(2) }
const RELEASE: ReleaseRef = { module: 'm', since: 7, from: 'pool/a', to: 'pool/\xff"' }
const KEEPS: VolunteerMessage = { type: 'keeps', releases: [RELEASE] }
const DRAIN: VolunteerMessage = { type: 'drain', begins: true }

t.test('what is said is heard, by whose key it is signed', async (t) => {
  t.same(parseKey(formatKey(KEYS)), Buffer.from(KEYS.publicKey))
  const said = [JOIN, { ...JOIN, token: null, uplink: null }, KEEPS, LOAD, HAVE, LOST, DRAIN]
  said.forEach((message, count) => {
    const frame = formatSigned(message, KEYS, NONCE, count)
    t.ok(frame.length <= LIMITS.volunteerBytes)
    t.same(parseSigned(frame, KEYS.publicKey, NONCE, count), message)
  })
  const words: CentreWord[] = [
    { type: 'nonce', nonce: NONCE },
    { type: 'enrolled', name: 'v1', bounceKey: '2d'.repeat(32), centre: 'http://c.example' },
    { type: 'wanted', releases: [RELEASE] },
    { type: 'heard' },
    { type: 'refused', why: 'not enrolled' },
  ]
  for (const word of words) t.same(parseCentreWord(formatCentreWord(word)), word)
  t.equal(parseCentreWord('{"type":"audit"}'), null, 'a newer centre may say more')
})

t.test('a list of releases is cut to what a message may have', async (t) => {
  const long = (i: number): ReleaseRef => ({ ...RELEASE, since: i, to: '\xff'.repeat(200) })
  const all = Array.from({ length: 600 }, (_, i) => long(i))
  const releases = releasesWithin(all, LIMITS.volunteerBytes)
  t.ok(releases.length > 5 && releases.length < 100)
  const frame = formatSigned({ type: 'keeps', releases }, KEYS, NONCE, 0)
  t.ok(Buffer.byteLength(frame) <= LIMITS.volunteerBytes)
  t.equal(releasesWithin(all, 1e9).length, 500)
  t.same(releasesWithin([RELEASE], 10), [])
})

t.test('in the bytes that other programs may rely on', async (t) => {
  t.equal(
    formatSigned(DRAIN, KEYS, NONCE, 5),
    '{"type":"signed","text":"{\\"type\\":\\"drain\\",\\"begins\\":true}","signature":"04b74150950e352bbd4b9cd0ea120f709e6f11c3531419be19dfb75f864922dc88201bfabb185eaa88cf6c302be450e402749641df684d6671719d7e44730d0d"}',
  )
})

t.test('said twice, out of turn, elsewhere, or by another: refused', async (t) => {
  const frame = formatSigned(LOAD, KEYS, NONCE, 1)
  const other = keyPairOf(new Uint8Array(32).fill(2))
  t.throws(() => parseSigned(frame, KEYS.publicKey, NONCE, 2), WireError, 'once more')
  t.throws(() => parseSigned(frame, KEYS.publicKey, '00'.repeat(16), 1), WireError, 'elsewhere')
  t.throws(() => parseSigned(frame, other.publicKey, NONCE, 1), WireError, 'by another')
  const altered = frame.replace('1000000', '9000000')
  t.throws(() => parseSigned(altered, KEYS.publicKey, NONCE, 1), WireError, 'altered')
})

t.test('what is no message is refused', async (t) => {
  const of = (base: object, change: object): string => JSON.stringify({ ...base, ...change })
  const messages: readonly [what: string, text: string][] = [
    ['nothing', ''],
    ['a type of the prototype', '{"type":"toString"}'],
    ['no token, and not null', of(JOIN, { token: undefined })],
    ['a fraction of bytes', of(JOIN, { uplink: 0.5 })],
    ['a URL for a program', of(JOIN, { baseUrl: 'javascript:alert(1)' })],
    ['a slash at the end', of(JOIN, { baseUrl: 'https://v.example/' })],
    ['a line break', of(JOIN, { baseUrl: 'https://v.example/a\r\nset-cookie: x' })],
    ['more flows later than now', of(LOAD, { lasting: [4] })],
    ['growing flows', of(LOAD, { lasting: [1, 2] })],
    ['too many marks', of(LOAD, { flows: 0, lasting: new Array(10).fill(0) })],
    [
      'a module of another form',
      of(LOAD, { modules: [{ module: '../m', through: null, following: 1 }] }),
    ],
    ['a negative rate', of(LOAD, { observed: [-1] })],
    ['too many rates', of(LOAD, { observed: new Array(65).fill(1) })],
    ['a rate above all numbers', JSON.stringify(LOAD).replace('2500000', '1e999')],
    ['a name with more than bytes', of(KEEPS, { releases: [{ ...RELEASE, to: '\u0100' }] })],
    ['too many releases', of(KEEPS, { releases: new Array(501).fill(RELEASE) })],
    ['half a content', '{"type":"lost","module":"m","contents":"AAAA"}'],
    ['1001 contents', `{"type":"lost","module":"m","contents":"${'AAAA'.repeat(2670)}"}`],
    ['contents of no module', '{"type":"lost","module":"..","contents":""}'],
    ['half a drain', of(DRAIN, { begins: 1 })],
  ]
  for (const [what, text] of messages) t.throws(() => parseVolunteerMessage(text), WireError, what)
  t.throws(() => parseKey(`{"type":"key","key":"${'2D'.repeat(32)}"}`), WireError)
  t.throws(() => parseKey(`{"type":"hello","key":"${'2d'.repeat(32)}"}`), WireError)
  t.throws(() => parseCentreWord('{"type":"nonce","nonce":""}'), WireError)
  const enrolled = { type: 'enrolled', name: 'v1', bounceKey: '2d'.repeat(32), centre: 'http://c' }
  for (const change of [{ name: 'v\r\n1' }, { centre: 'c' }, { bounceKey: '' }])
    t.throws(() => parseCentreWord(of(enrolled, change)), WireError, JSON.stringify(change))
})
