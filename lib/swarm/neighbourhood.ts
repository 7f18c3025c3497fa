/**
 * Who is connected: dials where there is room, lets in who may come, and forgets who left or was banned. When to dial whom is
 * decided in peers.
 */
import { messageOf } from '../base/errors.js'
import { mayEnter } from '../base/fair-places.js'
import { LIMITS } from '../base/limits.js'
import type { Clock, Log, Random } from '../host.js'
import { Connection } from './connection.js'
import type { Item, Neighbour } from './item.js'
import { FALLBACK_SLOT } from './peer-mask.js'
import type { Peer, PeerAddress, PeerEvents } from './peer-port.js'
import { type Ban, type Known, keepsNew, nameOf, Peers } from './peers.js'

const DIALS_AT_ONCE = 8

export type Dial = (address: PeerAddress, events: PeerEvents, signal: AbortSignal) => Promise<Peer>
/** Does something with the neighbour that a peer became, at once or as soon as it is one. */
export type WithNeighbour = (action: (neighbour: Neighbour) => void) => void

export type NeighbourhoodParts = {
  /** Our 20-byte peer id, one char per byte. */
  readonly id: string
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly dial: Dial
  /** What a peer says, for those whom it concerns. */
  readonly heard: (with_: WithNeighbour) => Omit<PeerEvents, 'onClose'>
  readonly joined: (neighbour: Neighbour) => void
  /** It is ours no more, whatever its connection says yet. */
  readonly left: (neighbour: Neighbour) => void
  /** One has left whose node does not come by another connection. */
  readonly freed: (now: number) => void
}

export class Neighbourhood {
  readonly #parts: NeighbourhoodParts
  readonly #peers: Peers
  readonly #neighbours = new Map<string, Neighbour>()
  /** Bits of masks that nobody has. */
  readonly #slots: number[] = []
  /** Dials under way, which end with the run. */
  readonly #dials = new Map<AbortController, Promise<void>>()
  #signal: AbortSignal | null = null

  constructor(parts: NeighbourhoodParts) {
    this.#parts = parts
    this.#peers = new Peers(parts.random)
    for (let slot = FALLBACK_SLOT - 1; slot >= 0; slot--) this.#slots.push(slot)
  }

  /** By peer id. */
  get all(): ReadonlyMap<string, Neighbour> {
    return this.#neighbours
  }
  /** Is there anybody, or somebody to try? */
  get isHopeful(): boolean {
    return this.#neighbours.size > 0 || this.#peers.hasHope
  }
  get bans(): readonly Ban[] {
    return this.#peers.bans
  }

  /** From here on there is somebody to be connected to, until `close`. */
  open(signal: AbortSignal): void {
    this.#signal = signal
  }
  /** All connections are closed, and all dials have ended. */
  async close(reason: unknown): Promise<void> {
    this.#signal = null
    for (const { peer } of [...this.#neighbours.values()]) peer.close('going away')
    for (const scope of this.#dials.keys()) scope.abort(reason)
    await Promise.all(this.#dials.values())
  }

  add(addresses: readonly { readonly address: PeerAddress; readonly centre: boolean }[]): void {
    for (const { address, centre } of addresses) this.#peers.add(address, centre)
    this.dialDue(this.#parts.clock.monotonic())
  }

  dialDue(now: number): void {
    const signal = this.#signal
    if (signal === null || signal.aborted) return
    const free = LIMITS.connections - this.#neighbours.size - this.#dials.size
    const room = Math.min(free, DIALS_AT_ONCE - this.#dials.size)
    if (room <= 0) return
    const reached = new Set<string>()
    for (const { peer } of this.#neighbours.values())
      if (peer.listens !== null) reached.add(nameOf(peer.listens))
    const isConnected = (known: Known): boolean =>
      reached.has(nameOf(known.address)) || (known.id !== null && this.#neighbours.has(known.id))
    for (const known of this.#peers.due(now, room, isConnected)) this.#dial(known)
  }
  #dial(known: Known): void {
    const { dial, log, clock } = this.#parts
    const { address } = known
    this.#peers.dialling(known)
    const scope = new AbortController()
    const done = this.connect((events) => dial(address, events, scope.signal), known)
      .catch((error: unknown) => {
        log('swarm.dial-failed', { address, error: messageOf(error) })
        this.#peers.failed(known, clock.monotonic())
      })
      .finally(() => this.#dials.delete(scope))
    this.#dials.set(scope, done)
  }

  /** Settles when the peer is a neighbour, or was refused and closed. @param known null: it came to us */
  async connect(open: (events: PeerEvents) => Promise<Peer>, known: Known | null): Promise<void> {
    let neighbour: Neighbour | null = null
    let early: ((neighbour: Neighbour) => void)[] = []
    let isClosed = false
    const heard = this.#parts.heard((action) => {
      if (neighbour !== null) action(neighbour)
      else early.push(action)
    })
    const onClose = (why: string, broke: string | null): void => {
      isClosed = true
      if (neighbour !== null) this.#leave(neighbour, known, why, broke)
      else if (known !== null) this.#peers.failed(known, this.#parts.clock.monotonic())
    }
    const peer = await open({ ...heard, onClose })
    if (known !== null) this.#peers.answered(known, peer.id)
    if (isClosed) return
    neighbour = this.#admit(peer, known)
    for (const action of early) if (neighbour !== null) action(neighbour)
    early = []
  }

  /** A peer that shook hands becomes a neighbour, or is closed. */
  #admit(peer: Peer, known: Known | null): Neighbour | null {
    const isDialled = known !== null
    const other = this.#neighbours.get(peer.id)
    const refusal = this.#refusal(peer, other, isDialled)
    if (refusal !== null) {
      peer.close(refusal)
      return null
    }
    if (other !== undefined) this.#replace(other)
    const slot = this.#neighbours.size < LIMITS.connections ? this.#slots.pop() : undefined
    if (slot === undefined) {
      peer.close('too many connections')
      return null
    }
    const now = this.#parts.clock.monotonic()
    const neighbour = new Connection<Item>(slot, peer, known?.isCentre === true, isDialled, now)
    this.#neighbours.set(peer.id, neighbour)
    this.#parts.joined(neighbour)
    return neighbour
  }
  /** @param other the neighbour that this node is already */
  #refusal(peer: Peer, other: Neighbour | undefined, isDialled: boolean): string | null {
    const { id } = this.#parts
    if (this.#signal === null) return 'going away'
    if (peer.id === id) return 'connected to ourselves'
    if (this.#peers.isBanned(peer.id)) return 'banned'
    if (!peer.isPrsync) return 'not a prsync node'
    if (other !== undefined)
      return keepsNew(id, peer.id, other.isDialled, isDialled) ? null : 'connected already'
    return isDialled || this.#hasRoomFor(peer.remote.host) ? null : 'too many connections'
  }
  #hasRoomFor(host: string): boolean {
    let same = 0
    for (const { peer } of this.#neighbours.values()) if (peer.remote.host === host) same++
    return mayEnter(same, this.#neighbours.size, LIMITS.connections)
  }

  /** @returns was it ours yet? */
  #forget(neighbour: Neighbour): boolean {
    const { id } = neighbour.peer
    if (this.#neighbours.get(id) !== neighbour) return false
    this.#neighbours.delete(id)
    this.#parts.left(neighbour)
    this.#slots.push(neighbour.slot)
    return true
  }
  /** Its node comes by another connection. The old one says its end later, when nobody knows it any more. */
  #replace(neighbour: Neighbour): void {
    this.#forget(neighbour)
    neighbour.peer.close('connected already')
  }
  #leave(neighbour: Neighbour, known: Known | null, why: string, broke: string | null): void {
    const { log, clock, freed } = this.#parts
    const { remote } = neighbour.peer
    if (!this.#forget(neighbour)) return
    log('swarm.closed', { remote, why, broke })
    const now = clock.monotonic()
    if (known !== null) {
      if (broke !== null) this.#peers.broke(known, now)
      else this.#peers.failed(known, now)
    }
    freed(now)
  }

  ban(neighbour: Neighbour, evidence: string): void {
    const { id, remote, listens } = neighbour.peer
    if (this.#peers.isBanned(id)) return
    this.#parts.log('swarm.banned', { remote, evidence })
    this.#peers.ban(id, neighbour.isDialled ? remote : listens, evidence)
    neighbour.peer.close(`banned: ${evidence}`)
  }
}
