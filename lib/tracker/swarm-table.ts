/**
 * Who is in which swarm: the tracker's memory. Only swarms that were opened exist; peers come by announcing and go by silence.
 * Lists are samples of at most LIMITS.announcePeers: the next on a ring of all peers, so that the graph of who knows whom holds
 * together whatever chance does, and others at random, so that it is a small world.
 */
import { LIMITS } from '../base/limits.js'
import type { AnnouncePeer, ScrapeCounts } from '../bt/announce.js'

/** Time between two announces of a peer. */
export const ANNOUNCE_SECONDS = 900
/** Silence after which a peer is gone: two announces lost, and some. */
export const PEER_LIFE_MS = 2.5 * ANNOUNCE_SECONDS * 1000
const SWEEP_MS = 60_000

/** A whole number from 0 to n - 1: chance is the caller's. */
export type Below = (n: number) => number

type Member = { peer: AnnouncePeer; isSeed: boolean; seenMs: number }

export class SwarmTable {
  readonly #swarms = new Map<string, Swarm>()

  /** From now on the tracker knows this swarm; info-hash in 20 bytes, one char each. */
  open(infoHash: string): void {
    if (!this.#swarms.has(infoHash)) this.#swarms.set(infoHash, new Swarm())
  }
  close(infoHash: string): void {
    this.#swarms.delete(infoHash)
  }
  get(infoHash: string): Swarm | undefined {
    return this.#swarms.get(infoHash)
  }
  *all(): Generator<[infoHash: string, swarm: Swarm]> {
    yield* this.#swarms
  }
}

export class Swarm {
  /** The ring; whoever leaves is replaced by the last. */
  readonly #ring: Member[] = []
  readonly #places = new Map<string, number>()
  readonly #atAddress = new Map<string, number>()
  #seeds = 0
  #completed = 0
  #sweptMs = Number.NEGATIVE_INFINITY

  get counts(): ScrapeCounts {
    const seeds = this.#seeds
    return { seeds, leeches: this.#ring.length - seeds, completed: this.#completed }
  }

  /** A peer announced itself. Address and port make it; beyond the limits it is answered but not remembered. */
  join(peer: AnnouncePeer, isSeed: boolean, nowMs: number): void {
    this.#sweep(nowMs)
    const key = keyOf(peer)
    const place = this.#places.get(key)
    const member = place === undefined ? undefined : this.#ring[place]
    if (member !== undefined) {
      this.#seeds += Number(isSeed) - Number(member.isSeed)
      member.peer = peer
      member.isSeed = isSeed
      member.seenMs = nowMs
      return
    }
    const neighbours = this.#atAddress.get(peer.address) ?? 0
    if (this.#ring.length >= LIMITS.swarmPeers || neighbours >= LIMITS.swarmPeersAtAddress) return
    this.#atAddress.set(peer.address, neighbours + 1)
    this.#places.set(key, this.#ring.length)
    this.#ring.push({ peer, isSeed, seenMs: nowMs })
    this.#seeds += Number(isSeed)
  }

  leave(peer: AnnouncePeer): void {
    const place = this.#places.get(keyOf(peer))
    if (place !== undefined) this.#remove(place)
  }

  /** It finished its download; who says so again, or was never here, does not count. */
  complete(peer: AnnouncePeer): void {
    const member = this.#ring[this.#places.get(keyOf(peer)) ?? -1]
    if (member !== undefined && !member.isSeed) this.#completed++
  }

  /** Peers for `asker`, never itself, at most `count`; a seed has no use for seeds. */
  sample(asker: AnnouncePeer, isSeed: boolean, count: number, below: Below): AnnouncePeer[] {
    const total = this.#ring.length
    const own = this.#places.get(keyOf(asker)) ?? -1
    const start = own >= 0 || total === 0 ? own : below(total)
    const chosen = new Set<number>()
    const useful = (place: number): boolean => {
      const member = this.#ring[place]
      return place !== own && member !== undefined && !(isSeed && member.isSeed)
    }
    // the next that is of use, so that the ring stays whole; a few steps, or all of a small swarm
    for (let step = 1; step <= Math.min(total, 64) && chosen.size === 0; step++) {
      const place = (start + step) % total
      if (useful(place)) chosen.add(place)
    }
    if (total <= SMALL) {
      const order = shuffled(total, below)
      for (const place of order) if (chosen.size < count && useful(place)) chosen.add(place)
    } else {
      for (let tries = 0; tries < 8 * count && chosen.size < count; tries++) {
        const place = below(total)
        if (useful(place)) chosen.add(place)
      }
    }
    const out: AnnouncePeer[] = []
    for (const place of chosen) {
      const member = this.#ring[place]
      if (member !== undefined && out.length < count) out.push(member.peer)
    }
    return out
  }

  #sweep(nowMs: number): void {
    if (nowMs - this.#sweptMs < SWEEP_MS) return
    this.#sweptMs = nowMs
    for (let place = this.#ring.length - 1; place >= 0; place--)
      if (nowMs - (this.#ring[place]?.seenMs ?? nowMs) > PEER_LIFE_MS) this.#remove(place)
  }

  #remove(place: number): void {
    const gone = this.#ring[place]
    const last = this.#ring.pop()
    if (gone === undefined || last === undefined) return
    this.#seeds -= Number(gone.isSeed)
    this.#places.delete(keyOf(gone.peer))
    const neighbours = (this.#atAddress.get(gone.peer.address) ?? 1) - 1
    if (neighbours > 0) this.#atAddress.set(gone.peer.address, neighbours)
    else this.#atAddress.delete(gone.peer.address)
    if (last === gone) return
    this.#ring[place] = last
    this.#places.set(keyOf(last.peer), place)
  }
}

/** Up to so many peers all are looked at; above, drawing at random finds enough. */
const SMALL = 64

function keyOf({ address, port }: AnnouncePeer): string {
  return `${address}:${port}`
}

/** 0 … n - 1 in random order. */
function shuffled(n: number, below: Below): number[] {
  const out = Array.from({ length: n }, (_, i) => i)
  for (let i = n - 1; i > 0; i--) {
    const j = below(i + 1)
    const at = out[i] ?? 0
    out[i] = out[j] ?? 0
    out[j] = at
  }
  return out
}
