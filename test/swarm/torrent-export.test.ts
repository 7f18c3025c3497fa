import t from 'tap'
import { hexOf } from '../../lib/base/bytes.js'
import { decodeTorrent, encodeTorrent, infoHashOf } from '../../lib/bt/metainfo.js'
import { leavesOf } from '../../lib/hash/merkle.js'
import { rootHex } from '../../lib/hash/root.js'
import type { Clock, Holding, Link } from '../../lib/host.js'
import { openPeer, type PeerOptions } from '../../lib/swarm/peer.js'
import { pieceLengthOf, seedTopic, torrentOf } from '../../lib/swarm/torrent-export.js'
import { contentOf, holdingOf, ruled } from '../support/contents.js'
import { linkPair } from '../support/links.js'
import { proveRange } from '../support/prove-range.js'
import { handshake, message } from '../support/wire-bytes.js'

const never = new AbortController().signal
const clock: Clock = {
  now: () => 0,
  monotonic: () => 0,
  sleep: (_ms, signal) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    }),
}
const options: PeerOptions = {
  peerId: Buffer.alloc(20, 'a'),
  remote: { host: '192.0.2.1', port: 1 },
  listenPort: null,
  clock,
}
const NOWHERE = { announce: null, urls: [] }
const bytes = ruled(100_000)
const torrent = torrentOf(contentOf(bytes), leavesOf(bytes), NOWHERE)

/** An ordinary client's end of a connection that is being seeded; `heard` gives n bytes more of what it got. */
async function client(holding: Holding): Promise<{
  link: Link
  say: (...messages: Uint8Array[]) => Promise<void>
  heard: (n: number) => Promise<string>
  finished: Promise<void>
}> {
  const [ours, link] = linkPair()
  const topic = seedTopic(torrent, holding)
  const opening = openPeer(ours, { kind: 'answer', accepts: () => topic }, options, never)
  await link.write(handshake({ extended: false }), never)
  const { finished } = await opening
  let got = Buffer.alloc(0)
  const heard = async (n: number): Promise<string> => {
    while (got.length < n) got = Buffer.concat([got, (await link.read(never)) ?? Buffer.alloc(n)])
    const part = got.subarray(0, n)
    got = got.subarray(n)
    return part.toString('hex')
  }
  const say = async (...messages: Uint8Array[]): Promise<void> => {
    for (const one of messages) await link.write(one, never)
  }
  await heard(68)
  return { link, say, heard, finished }
}

t.test('equal bytes are one torrent, with pieces as few as they may be', async (t) => {
  const cases: Array<[length: number, piece: number]> = [
    [1, 65536],
    [65536 * 1024, 65536],
    [65536 * 1024 + 1, 131072],
    [2 ** 34, 2 ** 24],
    [2 ** 50, 2 ** 24],
  ]
  for (const [length, piece] of cases) t.equal(pieceLengthOf(length), piece, `${length}`)
  t.equal(torrent.name, rootHex(contentOf(bytes).root))
  t.same(decodeTorrent(encodeTorrent(torrent)), torrent)
  const elsewhere = torrentOf(contentOf(bytes), leavesOf(bytes), {
    announce: 'http://a/',
    urls: ['http://b/'],
  })
  t.equal(hexOf(infoHashOf(elsewhere)), hexOf(infoHashOf(torrent)))
  t.equal(torrentOf(contentOf(ruled(9)), leavesOf(ruled(9)), NOWHERE).pieceLayer.length, 0)
})

t.test('gives blocks, fills up the last, and rejects what there is not', async (t) => {
  const { say, heard, link, finished } = await client(holdingOf(bytes))
  t.equal(await heard(6), hexOf(message(5, '\xc0')))
  await say(message(2))
  t.equal(await heard(5), hexOf(message(1)))
  await say(message(6, 0, 16384, 16384))
  t.equal(await heard(13 + 16384), hexOf(message(7, 0, 16384, bytes.subarray(16384, 32768))))
  const last = new Uint8Array(16384)
  last.set(bytes.subarray(65536 + 32768))
  await say(message(6, 1, 32768, 16384))
  t.equal(await heard(13 + 16384), hexOf(message(7, 1, 32768, last)), 'as libtorrent 2.0.8 asks')
  const refused: Array<[name: string, fields: [number, number, number]]> = [
    ['a piece past the end', [2, 0, 16384]],
    ['a block past the piece', [0, 65536, 16384]],
    ['a block past the end', [1, 49152, 16384]],
    ['more than 16 KiB', [0, 0, 16385]],
    ['2^31 pieces on', [2 ** 31 - 1, 0, 16384]],
  ]
  for (const [name, fields] of refused) {
    await say(message(6, ...fields))
    t.equal(await heard(17), hexOf(message(16, ...fields)), name)
  }
  await say(message(3))
  t.equal(await heard(5), hexOf(message(0)))
  await link.close()
  await finished
})

t.test('proves leaves, and rejects what it cannot prove', async (t) => {
  const { say, heard, link } = await client(holdingOf(bytes))
  await heard(6)
  const range = { baseLayer: 0, index: 4, length: 2, proofLayers: 3 }
  const proof = proveRange(leavesOf(bytes), range)
  await say(message(21, torrent.content.root, 0, 4, 2, 3))
  t.equal(
    await heard(53 + proof.length),
    hexOf(message(22, torrent.content.root, 0, 4, 2, 3, proof)),
  )
  for (const [root, index] of [
    [torrent.content.root, 8],
    ['\x07'.repeat(32), 0],
  ] as const) {
    await say(message(21, root, 0, index, 2, 3))
    t.equal(await heard(53), hexOf(message(23, root, 0, index, 2, 3)))
  }
  await link.close()
})

t.test('offers what stands here, and no more', async (t) => {
  const half = holdingOf(bytes, (offset, length) => offset + length <= 65536)
  const { say, heard, link } = await client(half)
  t.equal(await heard(6), hexOf(message(5, '\x80')))
  await say(message(2))
  await heard(5)
  await say(message(6, 1, 0, 16384))
  t.equal(await heard(17), hexOf(message(16, 1, 0, 16384)))
  await link.close()
})

t.test('a file that shrank rejects, one that is gone ends the connection', async (t) => {
  const shrunk = await client({ ...holdingOf(bytes), read: async () => new Uint8Array(1) })
  await shrunk.heard(6)
  await shrunk.say(message(2), message(6, 0, 0, 16384))
  t.equal(await shrunk.heard(5 + 17), hexOf(message(1)) + hexOf(message(16, 0, 0, 16384)))
  await shrunk.link.close()
  const gone = await client({
    ...holdingOf(bytes),
    read: async () => {
      throw new Error('gone')
    },
  })
  await gone.heard(6)
  await gone.say(message(2), message(6, 0, 0, 16384))
  await gone.heard(5)
  t.equal(await gone.link.read(never), null)
  await gone.finished
})
