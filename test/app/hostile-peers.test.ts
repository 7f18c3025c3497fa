/** A pull among peers that break the rules, over real sockets: it ends right, whatever they send. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { EXIT } from '../../lib/base/errors.js'
import { formatAnnounce } from '../../lib/bt/announce.js'
import { swarmInfoHash } from '../../lib/snapshot/head.js'
import { pullFrom, startCentre } from '../support/centre.js'
import { seededRandom } from '../support/seeded-random.js'
import { differences } from '../support/trees.js'

const random = seededRandom(23)
const u32 = (n: number): Buffer => {
  const out = Buffer.alloc(4)
  out.writeUInt32BE(n)
  return out
}
const message = (id: number, ...payload: Uint8Array[]): Buffer => {
  const body = Buffer.concat([Buffer.from([id]), ...payload])
  return Buffer.concat([u32(body.length), body])
}
const extended = (text: string): Buffer =>
  message(20, Buffer.from([0]), Buffer.from(text, 'latin1'))
const HELLO = extended('d1:md10:ps_contenti1ee4:reqqi500ee')

/** What each of them sends once it has shaken hands. */
const CRIMES: readonly (readonly [name: string, bytes: () => Buffer])[] = [
  ['a bencoded string of negative length', () => extended('l-3:e')],
  ['a message of 4 GiB', () => Buffer.concat([HELLO, u32(0xffffffff)])],
  [
    'a piece that nobody asked for',
    () => Buffer.concat([HELLO, message(7, u32(0), u32(0), Buffer.alloc(1000))]),
  ],
  [
    'a million requests',
    () =>
      Buffer.concat([
        HELLO,
        ...Array.from({ length: 100_000 }, (_, i) => message(6, u32(i), u32(0), u32(65536))),
      ]),
  ],
  [
    'rubbish in ps_content',
    () => Buffer.concat([HELLO, message(20, Buffer.from([1, 2, 255, 255, 255, 255, 255, 127]))]),
  ],
  [
    'all of everything, and then silence',
    () => Buffer.concat([HELLO, message(20, Buffer.from([1, 2, 1, 127, 0, 0])), message(1)]),
  ],
  ['noise', () => Buffer.from(random.bytes(5000))],
  ['nothing', () => Buffer.alloc(0)],
]

/** Listens as a node of the swarm and commits the crime against each that comes. */
async function hostilePeer(t: Test, infoHash: Uint8Array, crime: () => Buffer): Promise<number> {
  const sockets = new Set<Socket>()
  const id = createHash('sha1').update(random.bytes(8)).digest()
  const handshake = Buffer.concat([
    Buffer.from([19]),
    Buffer.from('BitTorrent protocol'),
    Buffer.from([0, 0, 0, 0, 0, 0x10, 0, 0x04]),
    infoHash,
    id,
  ])
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.resume()
    socket.write(Buffer.concat([handshake, crime()]))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

t.test('eight hostile peers and two honest nodes: the pull ends right', async (t) => {
  const home = t.testdir({ source: {}, state: {} })
  const source = join(home, 'source')
  mkdirSync(join(source, 'd'))
  for (let i = 0; i < 100; i++) writeFileSync(join(source, 'd', `f${i}`), random.bytes(4000))
  writeFileSync(join(source, 'large'), random.bytes(1_500_000))
  const centre = await startCentre(source, join(home, 'state'))
  t.teardown(() => centre.stop())
  const infoHash = swarmInfoHash(centre.head)
  for (const [name, crime] of CRIMES) {
    const port = await hostilePeer(t, infoHash, crime)
    const query = formatAnnounce({
      infoHash: Buffer.from(infoHash).toString('latin1'),
      peerId: Buffer.from(random.bytes(20)).toString('latin1'),
      port,
      uploaded: 0,
      downloaded: 0,
      left: 0,
      event: 'started',
      wanted: null,
      compact: true,
    })
    const { status } = await fetch(`${new URL(centre.url).origin}/announce?${query}`)
    t.equal(status, 200, `the tracker knows who sends ${name}`)
  }
  const choice = { peerListen: { host: '127.0.0.1', port: 0 }, lingerMs: 10_000 }
  const reports = await Promise.all(
    ['one', 'two'].map((name) => pullFrom(centre.url, join(home, name), choice)),
  )
  for (const [i, name] of ['one', 'two'].entries()) {
    t.equal(reports[i]?.exit, EXIT.ok)
    t.strictSame(differences(source, join(home, name)), [])
  }
})
