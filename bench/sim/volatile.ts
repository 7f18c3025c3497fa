/**
 * Volunteers that come and go, beside a centre that is alone otherwise: releases bring flash crowds, placement says who fetches
 * what, presence who has it, select who serves. How much of the crowds' bytes does the centre not have to send?
 */
import { type Root, rootOf } from '../../lib/hash/root.js'
import { USUAL_RATE } from '../../lib/mirror/balance.js'
import { Ledger } from '../../lib/mirror/ledger.js'
import { type Host, place, type Release, type Surplus } from '../../lib/mirror/placement.js'
import { Presence } from '../../lib/mirror/presence.js'
import { fairRate, lastingOf } from '../../lib/mirror/report.js'
import { expectedMs, select } from '../../lib/mirror/select.js'
import type { Volunteer } from '../../lib/mirror/volunteer.js'
import { type Chance, chanceOf } from './chance.js'
import { percentile } from './figures.js'
import { Heap } from './heap.js'
import { Line } from './line.js'
import { CLIENT_RATES } from './world.js'

const MBIT = 1e6 / 8
const HOUR = 3600
const EPOCH_MS = 1_800_000_000_000

export type VolatileSetting = {
  readonly seed: number
  readonly hosts: number
  readonly hours: number
  /** What a crowd asks for at first, over what the hosts that are there in the mean can send. */
  readonly peak: number
  /** There, and away, in the mean: seconds. */
  readonly spell: number
  /** Is there any placement? Else only the centre has new releases. */
  readonly places: boolean
}

export type VolatileFigures = {
  /** Of the crowds' bytes, what the centre did not send to clients; and counting what it sent to seed. */
  readonly offCentre: number
  readonly offCentreSeeded: number
  readonly updateP95: number
  readonly cut: number
  readonly asked: number
}

type SimRelease = {
  readonly id: string
  readonly product: number
  readonly kind: 'image' | 'packages'
  readonly at: number
  /** Bytes of each content, and their roots. */
  readonly each: number
  readonly roots: readonly Root[]
}
type SimHost = {
  readonly slot: number
  readonly line: Line<Flow>
  isThere: boolean
  /** Contents fetched of each release that it was told to hold. */
  readonly fetched: Map<SimRelease, number>
}
type Flow = {
  readonly release: SimRelease
  readonly root: Root
  readonly rate: number
  readonly asked: number
}

/** Crowds fade: nine tenths of a release within two and a half days. */
const FADE = 26 * HOUR
const QUOTA = 8e9
/** A host's way in, from the swarm. */
const FETCH_RATE = 40 * MBIT
const REPORT = 30
const PLACE = 300
/** Demand is what was asked in it. */
const DEMAND = 900
const SEED_COPIES = 1.05

export class VolatileRun {
  readonly #setting: VolatileSetting
  readonly #events = new Heap<() => void>()
  readonly #chance: Chance
  readonly #hosts: SimHost[]
  readonly #states: Volunteer[]
  readonly #centre = new Line<Flow>(1000 * MBIT, CLIENT_RATES)
  readonly #releases: SimRelease[]
  readonly #presence = new Presence(64 << 20)
  /** Bytes asked of a release in each DEMAND since it stands. */
  readonly #asked = new Map<string, number[]>()
  #surplus: Surplus = new Map()
  #now = 0
  #all = 0
  #byCentre = 0
  #seeded = 0
  #cut = 0
  readonly #updates: number[] = []

  constructor(setting: VolatileSetting) {
    this.#setting = setting
    this.#chance = chanceOf(setting.seed)
    this.#hosts = Array.from({ length: setting.hosts }, (_, slot) => ({
      slot,
      line: new Line<Flow>((10 + this.#chance.below(40)) * MBIT, CLIENT_RATES),
      isThere: this.#chance.part() < 0.5,
      fetched: new Map(),
    }))
    this.#states = this.#hosts.map(({ slot, line }) => stateOf(slot, line.capacity))
    this.#releases = releasesOf(setting.hours)
    this.#presence.publish(
      1,
      this.#releases.flatMap(({ roots }) => roots),
    )
  }

  go(): VolatileFigures {
    for (const host of this.#hosts) {
      this.#presence.join(host.slot, null, null)
      this.#spell(host)
      this.#report(host, this.#chance.part() * REPORT)
    }
    for (const release of this.#releases) this.#at(release.at, () => this.#crowd(release))
    if (this.#setting.places) this.#placeAgain(1)
    while (this.#events.least <= this.#setting.hours * HOUR) {
      this.#now = this.#events.least
      this.#events.pop()?.()
    }
    return {
      offCentre: 1 - this.#byCentre / this.#all,
      offCentreSeeded: 1 - (this.#byCentre + this.#seeded) / this.#all,
      updateP95: percentile(this.#updates, 0.95),
      cut: this.#cut,
      asked: this.#all,
    }
  }

  get #nowMs(): number {
    return EPOCH_MS + this.#now * 1000
  }

  /** Clients come for a release, fewer as it ages. */
  #crowd(release: SimRelease): void {
    const there = this.#hosts.reduce((sum, { line }) => sum + line.capacity, 0) / 2
    // three parts of four are images, as in the seeds' workload
    const bytes = there * this.#setting.peak * (release.kind === 'image' ? 0.75 : 0.25)
    const next = (): void => {
      const rate = (bytes * Math.exp((release.at - this.#now) / FADE)) / release.each
      this.#at(this.#now + this.#chance.exponential(1 / rate), () => {
        const root = release.roots[this.#chance.below(release.roots.length)]
        if (root !== undefined) {
          this.#count(release)
          const flow = { release, root, rate: 1 + this.#chance.below(4), asked: this.#now }
          this.#send(flow, release.each)
        }
        next()
      })
    }
    next()
  }

  #count(release: SimRelease): void {
    this.#all += release.each
    const bins = this.#asked.get(release.id) ?? []
    const bin = Math.floor((this.#now - release.at) / DEMAND)
    bins[bin] = (bins[bin] ?? 0) + release.each
    this.#asked.set(release.id, bins)
  }

  #send(flow: Flow, left: number): void {
    const number = this.#presence.numberOf(flow.root) ?? 0
    const choice = select(
      {
        content: { root: flow.root, length: left },
        client: { address: '\x0a\0\0\x01', scheme: 'http', oneTry: false },
        holds: (slot) => this.#presence.holds(slot, number, 0),
        failed: new Set(),
        last: null,
      },
      this.#states,
      { uplink: this.#centre.capacity, rate: this.#centre.clientRate, usualRate: null },
      this.#nowMs,
    )
    const line = choice.kind === 'here' ? this.#centre : this.#hosts[choice.chosen.slot]?.line
    if (choice.kind === 'here') this.#byCentre += left
    else choice.chosen.ledger.redirect(left, expectedMs(left, choice.rate, USUAL_RATE), this.#nowMs)
    line?.add(flow, left, flow.rate, this.#now)
    if (line !== undefined) this.#watch(line)
  }

  #watch(line: Line<Flow>): void {
    const { version } = line
    const end = line.nextEnd()
    if (end === Number.POSITIVE_INFINITY) return
    this.#at(end, () => {
      if (line.version !== version) return
      const flow = line.takeEnded(this.#now)
      if (flow?.release.kind === 'packages') this.#updates.push(this.#now - flow.asked)
      this.#watch(line)
    })
  }

  /** Comes and goes. What it was sending, clients ask for again. */
  #spell(host: SimHost): void {
    this.#at(this.#now + this.#chance.exponential(this.#setting.spell), () => {
      host.isThere = !host.isThere
      if (!host.isThere) {
        this.#change(host, { report: null })
        for (const { flow, left } of host.line.cut(this.#now)) {
          this.#cut++
          this.#at(this.#now + 1, () => this.#send(flow, left))
        }
      } else {
        for (const release of host.fetched.keys()) this.#fetch(host, release)
      }
      this.#spell(host)
    })
  }

  #report(host: SimHost, at: number): void {
    this.#at(at, () => {
      if (host.isThere) {
        const { line } = host
        line.advance(this.#now)
        const report = {
          atMs: this.#nowMs,
          fair: fairRate(line.capacity, line.rates()),
          flows: line.flows,
          lasting: lastingOf(line.leftMs()),
          clientRate: line.clientRate,
          syncRate: 0,
          observed: [],
        }
        this.#states[host.slot]?.ledger.reported(report, this.#nowMs)
        this.#change(host, { report })
      }
      this.#report(host, this.#now + REPORT)
    })
  }

  #change({ slot }: SimHost, change: Partial<Volunteer>): void {
    const state = this.#states[slot]
    if (state !== undefined) this.#states[slot] = { ...state, ...change }
  }

  #placeAgain(at: number): void {
    this.#at(at, () => {
      const there = this.#hosts.filter(({ isThere }) => isThere)
      const standing = this.#releases.filter((release) => release.at <= this.#now)
      const { moves, surplus } = place(
        standing.map((release) => this.#releaseNow(release)),
        there.map(hostNow),
        this.#surplus,
        this.#nowMs,
      )
      this.#surplus = surplus
      for (const move of moves) {
        const host = there.find(({ slot }) => `v${slot}` === move.host)
        const release = standing.find(({ id }) => id === move.release)
        if (host === undefined || release === undefined) continue
        if (move.kind === 'drop') {
          host.fetched.delete(release)
          for (const root of release.roots) this.#presence.dropped(host.slot, root)
        } else {
          host.fetched.set(release, 0)
          this.#fetch(host, release)
        }
      }
      this.#placeAgain(this.#now + PLACE)
    })
  }

  #releaseNow(release: SimRelease): Release {
    const bin = Math.floor((this.#now - release.at) / DEMAND)
    const before = this.#releases.filter(
      ({ product, kind, at }) =>
        product === release.product && kind === release.kind && at < release.at,
    )
    const last = this.#asked.get(before.at(-1)?.id ?? '')
    const asked = this.#asked.get(release.id)
    return {
      id: release.id,
      kind: release.kind,
      bytes: release.each * release.roots.length,
      releasedMs: EPOCH_MS + release.at * 1000,
      demand: Math.max(asked?.[bin] ?? 0, asked?.[bin - 1] ?? 0) / DEMAND,
      expected: last === undefined ? null : (last[bin] ?? 0) / DEMAND,
    }
  }

  /** One content after the other, while it is there and still should. The first copy of each comes from the centre. */
  #fetch(host: SimHost, release: SimRelease): void {
    const done = host.fetched.get(release)
    const root = release.roots[done ?? 0]
    if (done === undefined || root === undefined) return
    this.#at(this.#now + release.each / FETCH_RATE, () => {
      if (!host.isThere || host.fetched.get(release) !== done) return
      if (this.#firstCopy(root)) this.#seeded += release.each * SEED_COPIES
      host.fetched.set(release, done + 1)
      this.#presence.finished(host.slot, root)
      this.#fetch(host, release)
    })
  }

  readonly #copied = new Set<Root>()
  #firstCopy(root: Root): boolean {
    if (this.#copied.has(root)) return false
    this.#copied.add(root)
    return true
  }

  #at(at: number, run: () => void): void {
    this.#events.push(at, run)
  }
}

function hostNow({ slot, line, fetched }: SimHost): Host {
  return {
    id: `v${slot}`,
    quota: QUOTA,
    free: line.capacity,
    holds: new Set([...fetched.keys()].map(({ id }) => id)),
  }
}

function stateOf(slot: number, capacity: number): Volunteer {
  return {
    id: `v${slot}`,
    slot,
    baseUrl: `http://v${slot}.example`,
    scheme: 'http',
    families: [4],
    networks: [],
    declared: capacity,
    measured: null,
    joinedMs: EPOCH_MS - 1e9,
    standing: { state: 'fresh' },
    lastFaultMs: null,
    report: null,
    ledger: new Ledger(),
  }
}

/** Each twelve hours one of two products: an image and a set of packages, which clients fetch as updates of 8 MB. */
function releasesOf(hours: number): SimRelease[] {
  const out: SimRelease[] = []
  for (let i = 0; i * 12 + 1 < hours; i++)
    for (const kind of ['image', 'packages'] as const) {
      const id = `${kind} ${i}`
      const count = kind === 'image' ? 1 : 150
      const roots = Array.from({ length: count }, (_, k) => {
        const bytes = new Uint8Array(32)
        new DataView(bytes.buffer).setUint32(0, Math.imul(k + 1 + 1000 * out.length, 0x9e3779b1))
        new DataView(bytes.buffer).setUint32(4, k + 1000 * out.length)
        return rootOf(bytes)
      })
      out.push({
        id,
        product: i % 2,
        kind,
        at: (i * 12 + 1) * HOUR,
        each: kind === 'image' ? 650e6 : 8e6,
        roots,
      })
    }
  return out
}
