/**
 * One run: clients ask, a policy sends them somewhere, lines are shared, volunteers report and synchronize. Events in simulated
 * seconds; nothing depends on the machine.
 */
import { chanceOf } from './chance.js'
import { jain, mean, percentile } from './figures.js'
import { Heap } from './heap.js'
import { Line } from './line.js'
import type { Policy } from './policy.js'
import { CLIENT_RATES, type Session, type SimContent, type World } from './world.js'

export type Figures = {
  /** Seconds from asking to the last byte. */
  readonly packageP50: number
  readonly packageP95: number
  readonly packageMean: number
  /** Over what the client's own line would take. */
  readonly imageMean: number
  readonly imageP95: number
  /** Of the volunteers' lines, synchronization included. */
  readonly jain: number
  readonly used: readonly number[]
  /** Part of the asked bytes that the centre gave. */
  readonly centrePart: number
  readonly requests: number
  /** Clients that were sent where nobody was. */
  readonly failures: number
}

/** Where the centre stands among lines. */
export const CENTRE = -1
const CENTRE_PLACE = { x: 0.5, y: 0.5 }
/** Report on its way, and what a client waits before it takes a server for dead. */
const REPORT_TAKES = 0.05
const DEAD_TAKES = 1

type Flow = {
  readonly session: Session
  readonly content: SimContent
  readonly asked: number
  readonly place: number
  readonly at: number
  isMeasured: boolean
}

export class Run {
  readonly world: World
  readonly lines: Line<Flow>[]
  readonly centre: Line<Flow>
  /** Volunteers that are there. */
  readonly isThere: boolean[]
  now = 0
  readonly #policy: Policy
  readonly #events = new Heap<() => void>()
  readonly #running = new Set<Flow>()
  readonly #packages: number[] = []
  readonly #images: number[] = []
  #asked = 0
  #byCentre = 0
  #failures = 0

  constructor(world: World, policy: (run: Run) => Policy) {
    this.world = world
    this.lines = world.volunteers.map(({ capacity }) => new Line(capacity, CLIENT_RATES))
    this.centre = new Line(world.centreRate, CLIENT_RATES)
    this.centre.setSync(world.centreBase, 0)
    this.isThere = world.volunteers.map(() => true)
    this.#policy = policy(this)
  }

  go(): Figures {
    const { setting } = this.world
    this.#next(this.world.sessions())
    this.#startVolunteers()
    const before: number[] = []
    this.#at(setting.warmUp, () => {
      for (const line of this.lines) {
        line.advance(this.now)
        before.push(line.clientBytes + line.syncBytes)
      }
    })
    while (this.#events.least <= setting.seconds) {
      this.now = this.#events.least
      this.#events.pop()?.()
    }
    this.now = setting.seconds
    return this.#figures(before)
  }

  #next(sessions: Iterator<Session, undefined>): void {
    const session = sessions.next().value
    if (session === undefined) return
    this.#at(session.at, () => {
      this.#ask(session, 0)
      this.#next(sessions)
    })
  }

  /** A round trip between a site and a place; seconds. */
  #roundTrip(site: number, place: number): number {
    const from = this.world.sites[site] ?? CENTRE_PLACE
    const to =
      place === CENTRE ? CENTRE_PLACE : this.world.sites[this.world.volunteers[place]?.site ?? 0]
    return 0.004 + 0.06 * Math.hypot(from.x - (to?.x ?? 0), from.y - (to?.y ?? 0))
  }

  #ask(session: Session, at: number): void {
    const content = session.contents[at]
    if (content === undefined) return
    const isMeasured = this.now >= this.world.setting.warmUp
    if (isMeasured) this.#asked += content.bytes
    this.#send(session, content, at, this.now, content.bytes, new Set())
  }

  /** To a volunteer or the centre: the answer of the centre, a connection, then bytes. */
  #send(
    session: Session,
    content: SimContent,
    at: number,
    asked: number,
    left: number,
    failed: Set<number>,
  ): void {
    const isMeasured = asked >= this.world.setting.warmUp
    const place = this.#policy.choose({ session, content, failed, now: this.now })
    if (place === CENTRE && isMeasured) this.#byCentre += left
    const flow: Flow = { session, content, asked, place, at, isMeasured }
    this.#running.add(flow)
    const connected =
      this.now +
      1.5 * this.#roundTrip(session.site, CENTRE) +
      (place === CENTRE ? 0 : 1.5 * this.#roundTrip(session.site, place))
    this.#at(connected, () => {
      if (place !== CENTRE && this.isThere[place] !== true) {
        this.#running.delete(flow)
        this.#lost(flow, left, failed)
        return
      }
      const line = this.#line(place)
      line.add(flow, left, session.rate, this.now)
      this.#watch(line)
    })
  }

  #lost(flow: Flow, left: number, failed: Set<number>): void {
    const { session, content, at, asked, place } = flow
    if (asked >= this.world.setting.warmUp) this.#failures++
    failed.add(place)
    this.#at(this.now + DEAD_TAKES, () => {
      this.#policy.failed?.(place, session, this.now)
      this.#send(session, content, at, asked, left, failed)
    })
  }

  #line(place: number): Line<Flow> {
    return place === CENTRE ? this.centre : (this.lines[place] ?? this.centre)
  }

  #watch(line: Line<Flow>): void {
    const { version } = line
    const end = line.nextEnd()
    if (end === Number.POSITIVE_INFINITY) return
    this.#at(end, () => {
      if (line.version !== version) return
      const flow = line.takeEnded(this.now)
      if (flow !== undefined) this.#ended(flow)
      this.#watch(line)
    })
  }

  #ended(flow: Flow): void {
    this.#running.delete(flow)
    this.#measure(flow)
    this.#ask(flow.session, flow.at + 1)
  }

  #measure({ isMeasured, asked, content, session }: Flow): void {
    if (!isMeasured) return
    const seconds = this.now - asked
    if (content.kind === 'package') this.#packages.push(seconds)
    else this.#images.push((seconds * (CLIENT_RATES[session.rate] ?? 1)) / content.bytes)
  }

  #startVolunteers(): void {
    const { setting, volunteers } = this.world
    const chance = chanceOf(setting.seed + 2000)
    for (const { index } of volunteers) {
      this.#reports(index, chance.part() * setting.reportEvery)
      const sync = chanceOf(setting.seed + 3000 + index)
      const isOn = sync.part() < setting.syncTime
      this.#synchronize(index, isOn, sync)
      if (sync.part() < setting.leaving) {
        const at = setting.warmUp + sync.part() * (setting.seconds - setting.warmUp)
        this.#at(at, () => this.#leave(index, sync.part() < 0.5))
      }
    }
  }

  #reports(index: number, at: number): void {
    this.#at(at, () => {
      if (this.isThere[index] !== true) return
      const line = this.#line(index)
      line.advance(this.now)
      const { capacity, flows, clientRate, syncRate } = line
      const seen = {
        fair: line.fair(),
        capacity,
        flows,
        clientRate,
        syncRate,
        rates: line.rates(),
        leftMs: line.leftMs(),
      }
      this.#at(this.now + REPORT_TAKES, () => this.#policy.report?.(index, seen, this.now))
      this.#reports(index, this.now + this.world.setting.reportEvery)
    })
  }

  /** Spells of ten minutes in the mean, as much of the time as was said. */
  #synchronize(index: number, isOn: boolean, chance: ReturnType<typeof chanceOf>): void {
    const { syncTime, syncShare } = this.world.setting
    if (syncTime === 0) return
    const line = this.#line(index)
    line.setSync(isOn ? line.capacity * syncShare : 0, this.now)
    this.#watch(line)
    const meanSeconds = isOn ? 600 : (600 * (1 - syncTime)) / syncTime
    this.#at(this.now + chance.exponential(meanSeconds), () => {
      if (this.isThere[index] === true) this.#synchronize(index, !isOn, chance)
    })
  }

  /** It goes; what it was sending, clients ask for again. @param says its control channel tells of it */
  #leave(index: number, says: boolean): void {
    this.isThere[index] = false
    const line = this.#line(index)
    line.setSync(0, this.now)
    if (says) this.#policy.left?.(index, this.now)
    for (const { flow, left } of line.cut(this.now)) {
      this.#running.delete(flow)
      this.#lost(flow, left, new Set())
    }
  }

  #at(at: number, run: () => void): void {
    this.#events.push(at, run)
  }

  #figures(before: readonly number[]): Figures {
    const { warmUp, seconds } = this.world.setting
    // who waits longer than its own line would take has waited so long already
    for (const flow of this.#running)
      if ((this.now - flow.asked) * (CLIENT_RATES[flow.session.rate] ?? 1) > flow.content.bytes)
        this.#measure(flow)
    const used = this.lines.map((line, i) => {
      line.advance(this.now)
      const bytes = line.clientBytes + line.syncBytes - (before[i] ?? 0)
      return bytes / (line.capacity * (seconds - warmUp))
    })
    const there = used.filter((_, i) => this.isThere[i])
    return {
      packageP50: percentile(this.#packages, 0.5),
      packageP95: percentile(this.#packages, 0.95),
      packageMean: mean(this.#packages),
      imageMean: mean(this.#images),
      imageP95: percentile(this.#images, 0.95),
      jain: jain(there),
      used,
      centrePart: this.#byCentre / this.#asked,
      requests: this.#packages.length + this.#images.length,
      failures: this.#failures,
    }
  }
}
