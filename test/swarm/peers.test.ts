import t from 'tap'
import { mayEnter } from '../../lib/base/fair-places.js'
import { LIMITS } from '../../lib/base/limits.js'
import { keepsNew, Peers } from '../../lib/swarm/peers.js'
import { seededRandom } from '../support/seeded-random.js'

const at = (port: number): { host: string; port: number } => ({ host: '127.0.0.1', port })
const nobody = (): boolean => false

t.test('the centre is dialled first, within the room there is', async (t) => {
  const peers = new Peers(seededRandom(1))
  for (const port of [1, 2, 3]) peers.add(at(port), false)
  peers.add(at(9), true)
  t.strictSame(
    peers.due(0, 2, nobody).map((known) => known.address.port),
    [9, 1],
  )
  t.strictSame(peers.due(0, 0, nobody), [])
})

t.test('a failing address is tried less and less often, by chance, and forgotten', async (t) => {
  const peers = new Peers(seededRandom(1))
  peers.add(at(1), false)
  const pauses: number[] = []
  let now = 0
  for (let i = 0; i < 12; i++) {
    const [known] = peers.due(now, 1, nobody)
    if (known === undefined) throw new Error('not due')
    peers.dialling(known)
    t.strictSame(peers.due(now, 1, nobody), [], 'not twice at once')
    t.ok(peers.hasHope)
    peers.failed(known, now)
    pauses.push(known.nextAtMs - now)
    t.strictSame(peers.due(known.nextAtMs - 1, 1, nobody), [])
    now = known.nextAtMs
  }
  for (const [i, pause] of pauses.entries()) {
    const base = Math.min(300_000, 1000 * 2 ** i)
    t.ok(pause >= base * 0.5 && pause <= base * 1.5, `${i}: ${pause}`)
  }
  t.strictSame(peers.due(now + 1e9, 1, nobody), [])
})

t.test('one connected under another address is not dialled again', async (t) => {
  const peers = new Peers(seededRandom(1))
  peers.add(at(1), false)
  const [known] = peers.due(0, 1, nobody)
  if (known === undefined) throw new Error('not due')
  peers.answered(known, 'them')
  t.strictSame(
    peers.due(0, 1, ({ id }) => id === 'them'),
    [],
  )
  t.equal(peers.due(0, 1, nobody).length, 1)
})

t.test('a ban holds for the id and the address, with its evidence', async (t) => {
  const peers = new Peers(seededRandom(1))
  peers.add(at(1), false)
  peers.ban('evil', at(1), 'a wrong leaf')
  t.ok(peers.isBanned('evil'))
  peers.add(at(1), false)
  t.strictSame(peers.due(0, 9, nobody), [])
  t.strictSame(peers.bans, [{ id: 'evil', address: at(1), evidence: 'a wrong leaf' }])
})

t.test('no more addresses than the limit', async (t) => {
  const peers = new Peers(seededRandom(1))
  for (let port = 0; port < LIMITS.knownPeers + 50; port++) peers.add(at(port), false)
  t.equal(peers.due(0, 1e9, nobody).length, LIMITS.knownPeers)
})

t.test('of two connections both sides keep the same one', async (t) => {
  // a dialled b, and b dialled a: whichever each side saw first
  for (const [a, b] of [
    ['a', 'b'],
    ['b', 'a'],
  ] as const) {
    const atA = keepsNew(a, b, true, false) ? 'theirs' : 'mine'
    const atAOther = keepsNew(a, b, false, true) ? 'mine' : 'theirs'
    t.equal(atA, atAOther)
    const atB = keepsNew(b, a, true, false) ? 'theirs' : 'mine'
    t.not(atA, atB)
    t.notOk(keepsNew(a, b, true, true), 'the older of two the same way')
  }
})

t.test('no address takes more than half of what is left', async (t) => {
  const taken: number[] = []
  let all = 0
  while (all < 50) {
    let own = 0
    while (mayEnter(own, all, 50)) {
      own++
      all++
    }
    taken.push(own)
  }
  t.strictSame(taken, [25, 13, 6, 3, 2, 1])
  t.notOk(mayEnter(0, 50, 50))
})
