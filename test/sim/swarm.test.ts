/**
 * A flash crowd in simulated time: one centre and N nodes that want the same, every uplink limited alike, each node
 * knowing ten others. Reports copies sent by the centre and makespan over the bound (Kumar & Ross 2006).
 */
import t from 'tap'
import type { ContentId, Root } from '../../lib/hash/root.js'
import { unitBytesOf } from '../../lib/hash/unit.js'
import type { ContentSink, PartialContent } from '../../lib/host.js'
import type { MemoryStore } from '../support/memory-store.js'
import { seededRandom } from '../support/seeded-random.js'
import { SwarmNet } from '../support/swarm-net.js'

const never = new AbortController().signal
const { SIM_SEED = '1', SIM_VERBOSE } = process.env
const SEED = Number(SIM_SEED)
const UPLINK = 500_000

/** Keeps no bytes of its own: what was verified is what the centre has. */
class SharedSink implements ContentSink {
  readonly #all: MemoryStore
  readonly #own: MemoryStore
  readonly #offer: (root: Root) => void
  constructor(all: MemoryStore, own: MemoryStore, offer: (root: Root) => void) {
    this.#all = all
    this.#own = own
    this.#offer = offer
  }
  small(content: ContentId): void {
    this.#whole(content.root)
  }
  open(content: ContentId): PartialContent {
    const marked = new Set<number>()
    const bytes = this.#all.contents.get(content.root) ?? new Uint8Array(0)
    return {
      length: content.length,
      unitBytes: unitBytesOf(content.length),
      isMarked: (unit) => marked.has(unit),
      write: () => undefined,
      read: (offset, length) => bytes.subarray(offset, offset + length),
      mark: (unit) => marked.add(unit),
      finish: () => this.#whole(content.root),
    }
  }
  #whole(root: Root): void {
    const bytes = this.#all.contents.get(root)
    if (bytes !== undefined) this.#own.contents.set(root, bytes)
    this.#offer(root)
  }
}

type Figures = { readonly copies: number; readonly makespan: number; readonly wasted: number }

async function crowd(nodes: number, largeBytes: number, smallCount: number): Promise<Figures> {
  const net = new SwarmNet(SEED, 10)
  const random = seededRandom(SEED)
  const centre = net.node('centre', { role: 'centre', uplinkRate: UPLINK })
  const seed = random.bytes(1 << 16)
  const contents: ContentId[] = []
  const make = (length: number): void => {
    const bytes = new Uint8Array(length)
    for (let at = 0; at < length; at += seed.length)
      bytes.set(seed.subarray(0, Math.min(seed.length, length - at)), at)
    for (let at = 0; at < length; at += 4096) bytes[at] = random.below(256)
    contents.push(centre.store.add(bytes))
  }
  make(largeBytes)
  for (let i = 0; i < smallCount; i++) make(2000 + random.below(20_000))
  const total = contents.reduce((sum, content) => sum + content.length, 0)
  const wanted = contents.map((content) => ({ content, since: 1, missing: [] }))
  const all = Array.from({ length: nodes }, (_, i) => net.node(`node ${i}`, { uplinkRate: UPLINK }))
  for (const [i, node] of all.entries()) {
    const others = Array.from({ length: Math.min(10, nodes - 1) }, (_, k) =>
      k === 0 ? (i + 1) % nodes : random.below(nodes),
    )
    node.swarm.addPeers([
      { address: centre.address, centre: true },
      ...others
        .filter((k) => k !== i)
        .map((k) => ({ address: all[k]?.address ?? centre.address, centre: false })),
    ])
  }
  const started = net.clock.monotonic()
  const ended = all.map((node) =>
    node.swarm
      .download(
        wanted,
        new SharedSink(centre.store, node.store, (root) => node.swarm.offer([root])),
        null,
        never,
      )
      .then(() => net.clock.monotonic() - started),
  )
  const times = await net.clock.until(Promise.all(ended), 3_600_000)
  const bound = Math.max(total / UPLINK, (nodes * total) / (UPLINK * (nodes + 1)))
  const wasted = all.reduce((sum, node) => sum + node.swarm.progress().bytes.wasted, 0)
  const figures = {
    copies: centre.uplink.bytes / total,
    makespan: Math.max(...times) / 1000 / bound,
    wasted: wasted / total / nodes,
  }
  if (SIM_VERBOSE !== undefined) {
    console.log(times.map((x) => (x / 1000).toFixed(1)).join(' '))
    console.log(
      'repeats',
      centre.swarm.progress().repeats,
      'centre sent',
      centre.swarm.progress().bytes.sent / total,
    )
    console.log(
      'bound',
      bound,
      all.slice(0, 6).map((n) => n.swarm.progress().bytes),
    )
    console.log(all.map((n) => (n.uplink.bytes / total).toFixed(2)).join(' '))
  }
  await net.stop()
  return figures
}

for (const [nodes, largeMib, small] of [
  [8, 32, 400],
  [40, 32, 400],
] as const)
  t.test(`${nodes} nodes`, { timeout: 180_000 }, async (t) => {
    const { copies, makespan, wasted } = await crowd(nodes, largeMib * 2 ** 20, small)
    t.comment(
      `seed ${SEED}: ${nodes} nodes: copies ${copies.toFixed(3)}, makespan ${makespan.toFixed(3)} × bound, wasted ${(wasted * 100).toFixed(2)} %`,
    )
    t.ok(copies < 1.06, `the centre sent ${copies} copies`)
    t.ok(makespan < 1.2, `makespan ${makespan} × the bound`)
    t.ok(wasted < 0.02, `${wasted} wasted`)
  })
