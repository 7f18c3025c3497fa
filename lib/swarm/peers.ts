/**
 * Whom we know, whom to dial when, and who is banned on which evidence. Pure: time and randomness are passed in.
 * An address that fails is tried again after 1, 2, 4 … 300 s, each half to one and a half times as long by chance.
 */
import { LIMITS } from '../base/limits.js'
import type { Random } from '../host.js'
import type { PeerAddress } from './peer-port.js'

const FIRST_PAUSE_MS = 1000
const LONGEST_PAUSE_MS = 300_000
/** Failures in a row after which an address is forgotten, unless it is the centre's. */
const MOST_FAILURES = 12
const MOST_BANS = 10_000

export type Known = {
  readonly address: PeerAddress
  readonly isCentre: boolean
  isDialling: boolean
  failures: number
  nextAtMs: number
  /** Who answered there last. */
  id: string | null
}
export type Ban = {
  readonly id: string
  readonly address: PeerAddress | null
  readonly evidence: string
}

export class Peers {
  readonly #random: Random
  readonly #known = new Map<string, Known>()
  readonly #bans = new Map<string, Ban>()

  constructor(random: Random) {
    this.#random = random
  }

  get bans(): readonly Ban[] {
    return [...new Set(this.#bans.values())]
  }

  add(address: PeerAddress, isCentre: boolean): void {
    const key = nameOf(address)
    if (this.#known.has(key) || this.#bans.has(key)) return
    if (this.#known.size >= LIMITS.knownPeers && !isCentre) return
    this.#known.set(key, {
      address,
      isCentre,
      isDialling: false,
      failures: 0,
      nextAtMs: 0,
      id: null,
    })
  }

  /** Whom to dial now, the centre first. @param room connections we may open */
  due(now: number, room: number, isConnected: (known: Known) => boolean): Known[] {
    const out: Known[] = []
    for (const known of this.#known.values())
      if (!known.isDialling && known.nextAtMs <= now && !isConnected(known)) out.push(known)
    out.sort((a, b) => Number(b.isCentre) - Number(a.isCentre))
    return out.slice(0, Math.max(0, room))
  }

  /** Is somebody being dialled, or never tried? */
  get hasHope(): boolean {
    for (const known of this.#known.values())
      if (known.isDialling || (known.failures === 0 && known.id === null)) return true
    return false
  }

  dialling(known: Known): void {
    known.isDialling = true
  }
  answered(known: Known, id: string): void {
    known.isDialling = false
    known.failures = 0
    known.id = id
  }
  /** It did not answer, or the connection ended. */
  failed(known: Known, now: number): void {
    known.isDialling = false
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** known.failures)
    known.failures++
    known.nextAtMs = now + Math.ceil((pauseMs * (50 + this.#random.below(101))) / 100)
    if (known.failures >= MOST_FAILURES && !known.isCentre)
      this.#known.delete(nameOf(known.address))
  }

  /** It broke a rule of the protocol: a mistake or malice, so a long pause and no ban. */
  broke(known: Known, now: number): void {
    this.failed(known, now)
    known.nextAtMs = now + LONGEST_PAUSE_MS
  }

  ban(id: string, address: PeerAddress | null, evidence: string): void {
    if (this.#bans.size >= MOST_BANS) return
    const ban = { id, address, evidence }
    this.#bans.set(id, ban)
    if (address === null) return
    this.#bans.set(nameOf(address), ban)
    this.#known.delete(nameOf(address))
  }
  isBanned(id: string): boolean {
    return this.#bans.has(id)
  }
}

/**
 * Two connections with one node: both sides keep the one that the smaller id dialled, and of two the same way the older.
 */
export function keepsNew(
  ownId: string,
  otherId: string,
  wasDialled: boolean,
  isDialled: boolean,
): boolean {
  return wasDialled !== isDialled && isDialled === ownId < otherId
}

/** One string for an address. */
export function nameOf(address: PeerAddress): string {
  return `${address.host} ${address.port}`
}
