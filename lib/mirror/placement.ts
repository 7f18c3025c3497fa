/**
 * Which releases volunteers that come and go should hold. They have little room and stay for hours, and most of a release is asked
 * for within two or three days: so they get whole new releases, as many replicas as are asked for, and the long tail stays with
 * the centre and the mirrors. Rates are bytes a second, times milliseconds since the epoch.
 */
import { rendezvous } from './rendezvous.js'

export type Release = {
  readonly id: string
  readonly kind: 'image' | 'packages'
  readonly bytes: number
  readonly releasedMs: number
  /** What clients asked of it in the last 15 minutes, a second. */
  readonly demand: number
  /** What they asked of the same product's last release when it was as old; null: there was none. */
  readonly expected: number | null
}

export type Host = {
  readonly id: string
  /** Of its disk that it gives. */
  readonly quota: number
  /** What its line has left for clients. */
  readonly free: number
  /** It has them, or fetches them: ids of releases. */
  readonly holds: ReadonlySet<string>
}

/** Since when a release has had more than twice the replicas that it wants, by id. */
export type Surplus = ReadonlyMap<string, number>

export type Move = {
  readonly host: string
  readonly release: string
  readonly kind: 'fetch' | 'drop'
}
export type Placement = {
  readonly moves: readonly Move[]
  readonly surplus: Surplus
  /** Replicas wanted, by release. */
  readonly wanted: ReadonlyMap<string, number>
}

const HOUR_MS = 3_600_000
/** Older releases are left to the centre. */
export const WINDOW_MS = 7 * 24 * HOUR_MS
/** Most of a release is asked for within it. */
const NEW_MS = 72 * HOUR_MS
/** Replicas at least: some hosts are always away. */
const LEAST_NEW = { image: 6, packages: 8 } as const
const LEAST_OLD = 2
/** Of a host's free line, that one release may count on. */
const PART = 0.6
/** A surplus this long is taken back. */
const SURPLUS_MS = 72 * HOUR_MS

/** @param free of a host's line, in the mean */
export function replicasWanted(
  release: Release,
  free: number,
  hosts: number,
  nowMs: number,
): number {
  const age = nowMs - release.releasedMs
  if (age >= WINDOW_MS) return 0
  const least = age < NEW_MS ? LEAST_NEW[release.kind] : LEAST_OLD
  return Math.min(hosts, Math.max(least, Math.ceil(demandOf(release) / (PART * Math.max(1, free)))))
}

/** What each host should fetch and drop now. */
export function place(
  releases: readonly Release[],
  hosts: readonly Host[],
  surplus: Surplus,
  nowMs: number,
): Placement {
  const table = new Table(releases, hosts)
  const free = hosts.reduce((sum, host) => sum + host.free, 0) / Math.max(1, hosts.length)
  const wanted = new Map<string, number>()
  const stillSurplus = new Map<string, number>()
  for (const release of releases) {
    const want = replicasWanted(release, free, hosts.length, nowMs)
    wanted.set(release.id, want)
    if (table.replicas(release.id) <= 2 * want) continue
    const since = surplus.get(release.id) ?? nowMs
    if (want === 0 || nowMs - since >= SURPLUS_MS) table.shrink(release, want)
    else stillSurplus.set(release.id, since)
  }
  // what hosts hold of releases that are no more
  table.dropUnknown()
  // those that save most bytes for their room first: they may take the room of others
  const order = [...releases].sort((a, b) => worthOf(b) - worthOf(a) || (a.id < b.id ? -1 : 1))
  for (const release of order) table.grow(release, wanted.get(release.id) ?? 0)
  return { moves: table.moves, surplus: stillSurplus, wanted }
}

/** Bytes a second: what is asked, or what will be if it goes as the last time. */
function demandOf({ demand, expected }: Release): number {
  return Math.max(demand, expected ?? 0)
}

/** Of each byte of room. */
function worthOf(release: Release): number {
  return demandOf(release) / Math.max(1, release.bytes)
}

type Place = { readonly host: Host; readonly holds: Set<string>; left: number; demand: number }

/** Who holds what, while it is being decided. */
class Table {
  readonly moves: Move[] = []
  readonly #releases: ReadonlyMap<string, Release>
  readonly #places: readonly Place[]
  readonly #counts = new Map<string, number>()

  constructor(releases: readonly Release[], hosts: readonly Host[]) {
    this.#releases = new Map(releases.map((release) => [release.id, release]))
    this.#places = hosts.map((host) => ({ host, holds: new Set(), left: host.quota, demand: 0 }))
    for (const place of this.#places) for (const id of place.host.holds) this.#take(place, id)
  }

  replicas(id: string): number {
    return this.#counts.get(id) ?? 0
  }

  dropUnknown(): void {
    for (const place of this.#places)
      for (const id of [...place.holds]) if (!this.#releases.has(id)) this.#drop(place, id)
  }

  /** Down to so many, on the most laden hosts first. */
  shrink(release: Release, want: number): void {
    const holders = this.#places.filter(({ holds }) => holds.has(release.id))
    holders.sort((a, b) => ladenOf(b) - ladenOf(a))
    for (const place of holders.slice(0, Math.max(0, holders.length - want)))
      this.#drop(place, release.id)
  }

  /** Up to so many, on the least laden hosts first; equals by rendezvous, so that releases do not all meet on one. */
  grow(release: Release, want: number): void {
    let missing = want - this.replicas(release.id)
    if (missing <= 0) return
    const weight = ({ host }: Place): number => rendezvous(release.id, host.id)
    const others = this.#places.filter(
      ({ holds, host }) => !holds.has(release.id) && host.quota >= release.bytes,
    )
    others.sort((a, b) => ladenOf(a) - ladenOf(b) || weight(b) - weight(a))
    for (const place of others) {
      if (missing === 0) return
      if (!this.#makeRoom(place, release)) continue
      this.#take(place, release.id)
      this.moves.push({ host: place.host.id, release: release.id, kind: 'fetch' })
      missing--
    }
  }

  /** Drops what saves fewer bytes for its room, if that is enough. */
  #makeRoom(place: Place, { bytes, ...release }: Release): boolean {
    const worth = worthOf({ ...release, bytes })
    const evicted: string[] = []
    let left = place.left
    const held = [...place.holds]
      .map((id) => this.#releases.get(id))
      .filter((each): each is Release => each !== undefined && worthOf(each) < worth)
      .sort((a, b) => worthOf(a) - worthOf(b))
    for (const each of held) {
      if (left >= bytes) break
      left += each.bytes
      evicted.push(each.id)
    }
    if (left < bytes) return false
    for (const id of evicted) this.#drop(place, id)
    return true
  }

  #take(place: Place, id: string): void {
    const release = this.#releases.get(id)
    const count = this.replicas(id) + 1
    place.holds.add(id)
    place.left -= release?.bytes ?? 0
    place.demand += release === undefined ? 0 : demandOf(release)
    this.#counts.set(id, count)
  }

  #drop(place: Place, id: string): void {
    const release = this.#releases.get(id)
    place.holds.delete(id)
    place.left += release?.bytes ?? 0
    place.demand -= release === undefined ? 0 : demandOf(release)
    this.#counts.set(id, this.replicas(id) - 1)
    this.moves.push({ host: place.host.id, release: id, kind: 'drop' })
  }
}

/** What is asked of the releases that it holds, for the size of its line. */
function ladenOf({ host, demand }: Place): number {
  return demand / Math.max(1, host.free)
}
