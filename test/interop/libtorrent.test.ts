/** An ordinary client on loopback, both ways: libtorrent 2.0.8, as Debian's python3-libtorrent has it. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { equalBytes } from '../../lib/base/bytes.js'
import { encodeTorrent, infoHashOf, shortInfoHash, type Torrent } from '../../lib/bt/metainfo.js'
import { leavesOf } from '../../lib/hash/merkle.js'
import type { Clock } from '../../lib/host.js'
import { connectTcp, listenTcp } from '../../lib/io/tcp.js'
import { openPeer, type PeerOptions } from '../../lib/swarm/peer.js'
import { seedTopic, torrentOf } from '../../lib/swarm/torrent-export.js'
import { TorrentLeech } from '../../lib/swarm/torrent-leech.js'
import { contentOf, holdingOf, ruled, sinkInMemory } from '../support/contents.js'
import { projectFile } from '../support/project.js'

const PYTHON = '/usr/bin/python3'
const SCRIPT = fileURLToPath(projectFile('test/interop/libtorrent-side.py'))
const isHere = spawnSync(PYTHON, ['-c', 'import libtorrent']).status === 0
const skip = isHere ? false : 'needs the Debian package python3-libtorrent'
if (!isHere) t.comment(`skipped: ${skip}`)

const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (_ms, signal) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    }),
}
const options: PeerOptions = {
  peerId: Buffer.from('-PS0100-interoperate'),
  remote: { host: '127.0.0.1', port: 0 },
  listenPort: null,
  clock,
}
/** One leaf, one piece of several, many pieces with a short last block, 128 KiB pieces. */
const LENGTHS = [1, 16385, 5_000_001, 70_000_000]

function torrentFor(length: number): { torrent: Torrent; bytes: Uint8Array } {
  const bytes = ruled(length)
  const where = { announce: null, urls: [] }
  return { bytes, torrent: torrentOf(contentOf(bytes), leavesOf(bytes), where) }
}

/** Runs libtorrent; gives its lines by their first word as they come. */
function libtorrent(args: readonly string[]): {
  child: ChildProcess
  said: (word: string) => Promise<string>
} {
  const child = spawn(PYTHON, [SCRIPT, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })
  const heard = new Map<string, string>()
  const waiting = new Map<string, (rest: string) => void>()
  const ended = new Promise<never>((_resolve, reject) => {
    child.once('close', (status) => reject(new Error(`libtorrent ended with ${status}`)))
  })
  ended.catch(() => {})
  lines.on('line', (line) => {
    const [word = '', rest = ''] = line.split(' ')
    heard.set(word, rest)
    waiting.get(word)?.(rest)
  })
  const said = (word: string): Promise<string> => {
    const there = heard.get(word)
    if (there !== undefined) return Promise.resolve(there)
    return Promise.race([ended, new Promise<string>((resolve) => waiting.set(word, resolve))])
  }
  return { child, said }
}

for (const length of LENGTHS) {
  t.test(`libtorrent leeches ${length} bytes from us`, { skip, timeout: 90_000 }, async (t) => {
    const folder = t.testdir({ into: {} })
    const { torrent, bytes } = torrentFor(length)
    writeFileSync(join(folder, 'x.torrent'), encodeTorrent(torrent))
    const stop = new AbortController()
    const served: Promise<unknown>[] = []
    const listener = await listenTcp({ host: '127.0.0.1', port: 0 }, 8, (link) => {
      const accepts = (hash: string): ReturnType<typeof seedTopic> | null =>
        hash === shortInfoHash(torrent) ? seedTopic(torrent, holdingOf(bytes)) : null
      served.push(
        openPeer(link, { kind: 'answer', accepts }, options, stop.signal).then(
          ({ finished }) => finished,
          () => {},
        ),
      )
    })
    const { said } = libtorrent([
      'leech',
      join(folder, 'x.torrent'),
      join(folder, 'into'),
      String(listener.local.port),
    ])
    t.equal(await said('failed'), '0')
    const got = readFileSync(join(folder, 'into', torrent.name))
    t.ok(equalBytes(got, bytes), 'the same bytes')
    stop.abort(new Error('done'))
    await listener.close()
    await Promise.all(served)
  })

  t.test(`we leech ${length} bytes from libtorrent`, { skip, timeout: 90_000 }, async (t) => {
    const { torrent, bytes } = torrentFor(length)
    const folder = t.testdir({ from: { [torrent.name]: Buffer.from(bytes) } })
    writeFileSync(join(folder, 'x.torrent'), encodeTorrent(torrent))
    const { child, said } = libtorrent(['seed', join(folder, 'x.torrent'), join(folder, 'from')])
    const port = Number(await said('port'))
    const sink = sinkInMemory()
    const stop = new AbortController()
    const link = await connectTcp({ host: '127.0.0.1', port }, 5000, stop.signal)
    const whole = new Promise<void>((resolve, reject) => {
      const leech = new TorrentLeech(torrent, sink, resolve)
      const infoHash = infoHashOf(torrent).subarray(0, 20)
      openPeer(link, { kind: 'call', infoHash, topic: leech.topic }, options, stop.signal).then(
        ({ finished }) => finished.then(() => reject(new Error('it went away'))),
        reject,
      )
    })
    await whole
    const kept = sink.kept.get(torrent.content.root)
    t.ok(kept?.finished)
    t.ok(equalBytes(kept?.bytes ?? new Uint8Array(0), bytes), 'the same bytes')
    child.stdin?.end()
    await said('never').catch(() => {})
    stop.abort(new Error('done'))
    await link.close()
  })
}
