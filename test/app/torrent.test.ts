/** Published files as ordinary torrents: the route, the tracker's answer, and libtorrent fetching one from a running centre. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { bytesOf } from '../../lib/base/bytes.js'
import { decodeAnnounceAnswer, formatAnnounce } from '../../lib/bt/announce.js'
import { hostOf } from '../../lib/bt/compact-peers.js'
import { decodeTorrent, shortInfoHash, type Torrent } from '../../lib/bt/metainfo.js'
import { contentRoot } from '../../lib/hash/merkle.js'
import { startCentre, type TestCentre } from '../support/centre.js'
import { ruled } from '../support/contents.js'
import { projectFile } from '../support/project.js'

const PYTHON = '/usr/bin/python3'
const isHere = spawnSync(PYTHON, ['-c', 'import libtorrent']).status === 0
const skip = isHere ? false : 'needs the Debian package python3-libtorrent'

const BIG = Buffer.from(ruled(3_000_001))

type Begun = { centre: TestCentre; folder: string; restart: () => Promise<TestCentre> }

async function begun(t: Test): Promise<Begun> {
  const source = { 'big file.iso': BIG, small: 'small', none: '', 'own.torrent': 'mine', own: 'x' }
  const folder = t.testdir({ source, into: {} })
  const start = (): Promise<TestCentre> =>
    startCentre(join(folder, 'source'), join(folder, 'state'))
  const first = await start()
  let running = first
  t.teardown(() => running.stop())
  const restart = async (): Promise<TestCentre> => {
    await running.stop()
    running = await start()
    return running
  }
  return { centre: first, folder, restart }
}

async function torrentOfFile(url: string): Promise<Torrent> {
  const reply = await fetch(url)
  if (reply.status !== 200) throw new Error(`${url}: ${reply.status}`)
  return decodeTorrent(new Uint8Array(await reply.arrayBuffer()))
}

/** What the centre's tracker tells a client with nothing. */
async function announced(torrent: Torrent): Promise<ReturnType<typeof decodeAnnounceAnswer>> {
  const query = formatAnnounce({
    infoHash: shortInfoHash(torrent),
    peerId: '-XX0000-0123456789ab',
    port: 9,
    uploaded: 0,
    downloaded: 0,
    left: 1,
    event: 'started',
    wanted: null,
    compact: true,
  })
  const reply = await fetch(`${torrent.announce}?${query}`)
  return decodeAnnounceAnswer(new Uint8Array(await reply.arrayBuffer()))
}

t.test('the .torrent of a published file says what it is and where it is', async (t) => {
  const { centre } = await begun(t)
  const torrent = await torrentOfFile(`${centre.url}/big%20file.iso.torrent`)
  t.equal(torrent.content.root, contentRoot(BIG))
  t.equal(torrent.content.length, BIG.length)
  const origin = new URL(centre.url).origin
  t.equal(torrent.announce, `${origin}/announce`)
  t.same(torrent.urls, [`${centre.url}/big%20file.iso`])
  const whole = await fetch(torrent.urls[0] ?? '')
  t.ok(Buffer.from(await whole.arrayBuffer()).equals(BIG), 'the web seed gives it')
})

t.test(
  'a file of that name comes before the torrent, and what has none is not found',
  async (t) => {
    const { centre } = await begun(t)
    t.equal(await (await fetch(`${centre.url}/own.torrent`)).text(), 'mine')
    for (const name of ['none.torrent', 'nothing.torrent', '.torrent', 'small.torrent.torrent'])
      t.equal((await fetch(`${centre.url}/${name}`)).status, 404, name)
  },
)

t.test(
  'the tracker knows a torrent from when it was asked for, also after a restart',
  async (t) => {
    const { centre, restart } = await begun(t)
    const torrent = await torrentOfFile(`${centre.url}/small.torrent`)
    const { peers, seeds } = await announced(torrent)
    t.equal(seeds, 1, 'the centre itself')
    t.same(
      peers.map(({ address }) => hostOf(address)),
      ['127.0.0.1'],
    )
    const again = await restart()
    const moved = { ...torrent, announce: `${new URL(again.url).origin}/announce` }
    t.equal((await announced(moved)).seeds, 1)
    await t.rejects(announced({ ...moved, name: 'another' }), /unknown info-hash/)
  },
)

for (const name of ['big file.iso', 'small'])
  t.test(
    `libtorrent fetches ${name} by the tracker alone`,
    { skip, timeout: 90_000 },
    async (t) => {
      const { centre, folder } = await begun(t)
      const reply = await fetch(`${centre.url}/${encodeURIComponent(name)}.torrent`)
      const bytes = new Uint8Array(await reply.arrayBuffer())
      const torrent = decodeTorrent(bytes)
      // without the web seed, so that every byte has to come over the wire
      const bare = Buffer.from(bytes)
        .toString('latin1')
        .replace(/8:url-listl.*?ee$/, 'e')
      t.same(decodeTorrent(bytesOf(bare)).urls, [])
      writeFileSync(join(folder, 'x.torrent'), bytesOf(bare))
      const script = projectFile('test/interop/libtorrent-side.py').pathname
      const child = spawn(
        PYTHON,
        [script, 'fetch', join(folder, 'x.torrent'), join(folder, 'into')],
        {
          stdio: ['ignore', 'ignore', 'inherit'],
        },
      )
      const [status] = (await once(child, 'close')) as [number]
      t.equal(status, 0)
      const got = readFileSync(join(folder, 'into', torrent.name))
      t.ok(got.equals(readFileSync(join(folder, 'source', name))), 'the same bytes')
      const told: unknown = await (await fetch(`${centre.url}/.~prsync~/status`)).json()
      t.match(told, { given: { torrents: torrent.content.length } })
    },
  )
