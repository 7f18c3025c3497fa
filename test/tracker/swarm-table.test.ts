import assert from 'node:assert/strict'
import t from 'tap'
import { LIMITS } from '../../lib/base/limits.js'
import type { AnnouncePeer } from '../../lib/bt/announce.js'
import { PEER_LIFE_MS, Swarm, SwarmTable } from '../../lib/tracker/swarm-table.js'
import fc from '../support/properties.js'

const peer = (n: number): AnnouncePeer => ({
  id: String(n).padStart(20, '0'),
  address: String.fromCharCode(10, n >> 16, (n >> 8) & 255, n & 255),
  port: 6881,
})
/** A small generator: the same seed, the same chance. */
function chance(seed: number): (n: number) => number {
  let state = seed | 1
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * n)
  }
}
function swarmOf(count: number, seeds: number): Swarm {
  const swarm = new Swarm()
  for (let i = 0; i < count; i++) swarm.join(peer(i), i < seeds, 0)
  return swarm
}

t.test('only opened swarms exist', async (t) => {
  const table = new SwarmTable()
  t.equal(table.get('x'), undefined)
  table.open('x')
  const swarm = table.get('x')
  table.open('x')
  t.equal(table.get('x'), swarm)
  t.same([...table.all()].length, 1)
  table.close('x')
  t.equal(table.get('x'), undefined)
})

t.test('peers come, change, finish and go', async (t) => {
  const swarm = new Swarm()
  swarm.complete(peer(1))
  swarm.join(peer(1), false, 0)
  swarm.join(peer(2), true, 0)
  t.same(swarm.counts, { seeds: 1, leeches: 1, completed: 0 })
  swarm.complete(peer(1))
  swarm.join(peer(1), true, 0)
  swarm.complete(peer(1))
  t.same(swarm.counts, { seeds: 2, leeches: 0, completed: 1 })
  swarm.leave(peer(2))
  swarm.leave(peer(2))
  t.same(swarm.counts, { seeds: 1, leeches: 0, completed: 1 })
  swarm.join(peer(3), false, PEER_LIFE_MS + 1)
  t.same(swarm.counts, { seeds: 0, leeches: 1, completed: 1 }, 'silence is leaving')
})

t.test('beyond the limits nobody is remembered', async (t) => {
  const crowd = new Swarm()
  for (let port = 1; port <= 100; port++) crowd.join({ ...peer(0), port }, false, 0)
  t.equal(crowd.counts.leeches, LIMITS.swarmPeersAtAddress)
  crowd.leave({ ...peer(0), port: 1 })
  crowd.join({ ...peer(0), port: 100 }, false, 0)
  t.equal(crowd.counts.leeches, LIMITS.swarmPeersAtAddress)
  t.equal(swarmOf(LIMITS.swarmPeers + 5, 0).counts.leeches, LIMITS.swarmPeers)
})

t.test('a sample has no doubles, not the asker, and no seeds for a seed', async () => {
  fc.assert(
    fc.property(
      fc.nat(150),
      fc.nat(150),
      fc.nat(160),
      fc.nat(10),
      fc.nat(),
      (n, s, who, k, seed) => {
        const seeds = Math.min(n, s)
        const swarm = swarmOf(n, seeds)
        for (const isSeed of [true, false]) {
          const got = swarm.sample(peer(who), isSeed, k, chance(seed))
          const numbers = got.map(({ id }) => Number(id))
          assert.equal(new Set(numbers).size, numbers.length)
          assert.ok(!numbers.includes(who))
          if (isSeed) assert.ok(numbers.every((i) => i >= seeds))
          assert.ok(got.length <= k)
          const others = n - Number(who < n)
          if (!isSeed && n <= 64) assert.equal(got.length, Math.min(k, others))
        }
      },
    ),
  )
})

t.test('whoever knows whom, all hang together', async (t) => {
  for (const [n, k] of [
    [2, 1],
    [40, 1],
    [500, 1],
    [5000, 10],
  ] as const) {
    const swarm = swarmOf(n, 0)
    const links = new Map<number, number[]>()
    const link = (a: number, b: number): void => {
      links.set(a, [...(links.get(a) ?? []), b])
    }
    for (let i = 0; i < n; i++)
      for (const { id } of swarm.sample(peer(i), false, k, chance(i))) {
        link(i, Number(id))
        link(Number(id), i)
      }
    const seen = new Set([0])
    for (const at of seen) for (const next of links.get(at) ?? []) seen.add(next)
    t.equal(seen.size, n, `${n} peers that each know ${k}`)
  }
})
