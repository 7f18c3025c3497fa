/**
 * How fast one connection carries requests and their answers: small files, and 64 KiB blocks, over memory links and loopback TCP.
 * Both ends run in this process, so a figure stands for the cost of both. `--tiny` only shows that it runs.
 */
import { performance } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import type { Clock, Link } from '../lib/host.js'
import { connectTcp, listenTcp } from '../lib/io/tcp.js'
import { DEAF } from '../lib/swarm/deaf.js'
import { type OpenPeer, openPeer, type PeerOptions } from '../lib/swarm/peer.js'
import type { Peer, PeerEvents } from '../lib/swarm/peer-port.js'
import { linkPair } from '../test/support/links.js'

const { values } = parseArgs({ options: { tiny: { type: 'boolean', default: false } } })
const never = new AbortController().signal

const clock: Clock = {
  now: () => 0,
  monotonic: () => performance.now(),
  sleep: (_ms, signal) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    }),
}

function options(letter: string): PeerOptions {
  return {
    peerId: Buffer.alloc(20, letter),
    remote: { host: 'memory', port: 1 },
    listenPort: null,
    clock,
  }
}

/** Asks `count` times for `length` bytes, `depth` waiting; settles when all have come. */
async function run(
  links: readonly [Link, Link],
  count: number,
  length: number,
  depth: number,
): Promise<number> {
  const infoHash = new Uint8Array(20)
  const bytes = new Uint8Array(length)
  let finish = (): void => {}
  const all = new Promise<void>((resolve) => {
    finish = resolve
  })
  const answering = (peer: Peer): PeerEvents => ({
    ...DEAF,
    onRequest: (handle, begin, _length) => peer.piece(handle, begin, bytes),
  })
  const asking = (peer: Peer): PeerEvents => {
    let asked = 0
    let come = 0
    const next = (): void => {
      if (asked < count) peer.request(asked++, 0, length)
    }
    return {
      ...DEAF,
      onUnchoke: () => {
        for (let i = 0; i < depth; i++) next()
      },
      onPiece: () => {
        if (++come === count) finish()
        else next()
      },
    }
  }
  const [a, b] = await Promise.all([
    openPeer(
      links[0],
      { kind: 'call', infoHash, topic: { kind: 'repository', attach: asking } },
      options('a'),
      never,
    ),
    openPeer(
      links[1],
      { kind: 'answer', accepts: () => ({ kind: 'repository', attach: answering }) },
      options('b'),
      never,
    ),
  ])
  const start = performance.now()
  b.peer.unchoke()
  await all
  const seconds = (performance.now() - start) / 1000
  await ended([a, b])
  return seconds
}

async function ended(peers: readonly OpenPeer[]): Promise<void> {
  for (const { peer, finished } of peers) {
    peer.close('done')
    await finished
  }
}

async function tcpPair(): Promise<readonly [Link, Link]> {
  let taken = (_link: Link): void => {}
  const incoming = new Promise<Link>((resolve) => {
    taken = resolve
  })
  const listener = await listenTcp({ host: '127.0.0.1', port: 0 }, 1, (link) => taken(link))
  const outgoing = await connectTcp(listener.local, 1000, never)
  const pair = [outgoing, await incoming] as const
  await listener.close()
  return pair
}

/** The same bytes over the bare links, in writes of 64 KiB: what the wire is to be measured against. */
async function bare([from, to]: readonly [Link, Link], total: number): Promise<number> {
  const block = new Uint8Array(65_536)
  const start = performance.now()
  const reading = (async () => {
    for (let got = 0; got < total; ) got += (await to.read(never))?.length ?? total
  })()
  for (let sent = 0; sent < total; sent += block.length) await from.write(block, never)
  await reading
  const seconds = (performance.now() - start) / 1000
  await from.close()
  await to.close()
  return seconds
}

const scale = values.tiny ? 0.01 : 1
const cases: ReadonlyArray<[name: string, count: number, length: number, depth: number]> = [
  ['12 KB', 40_000, 12_000, 128],
  ['64 KiB', 20_000, 65_536, 32],
]
for (const [kind, pair] of [
  ['memory', async () => linkPair()],
  ['loopback', tcpPair],
] as const) {
  const total = Math.ceil(20_000 * scale) * 65_536
  const bareSeconds = await bare(await pair(), total)
  console.log(`${kind}, bare link: ${Math.round(total / bareSeconds / 1e6)} MB/s`)
  for (const [name, count, length, depth] of cases) {
    const seconds = await run(await pair(), Math.ceil(count * scale), length, depth)
    const rate = (count * scale) / seconds
    console.log(
      `${kind} ${name}: ${Math.round(rate)} requests/s, ${Math.round((rate * length) / 1e6)} MB/s`,
    )
  }
}
