/**
 * The volunteers of a centre: who is enrolled, in a file of the state directory; how each goes and what was seen of it, in memory. A
 * centre that starts sends nobody anywhere until volunteers report. docs/decisions/0045.
 */
import { hexOf } from '../base/bytes.js'
import type { Clock, Random } from '../host.js'
import { capacityOf, USUAL_RATE } from '../mirror/balance.js'
import { bounceKey } from '../mirror/bounce.js'
import { measuredAfter } from '../mirror/capacity.js'
import {
  type Enrolled,
  invited,
  joined,
  judged,
  type Roster,
  removed,
} from '../mirror/enrolment.js'
import { areWeSuspect, type Evidence, HEALTHY, healthAfter, PANIC_MS } from '../mirror/health.js'
import { Ledger } from '../mirror/ledger.js'
import type { ReleaseRef } from '../mirror/release.js'
import type { Centre } from '../mirror/select.js'
import type { Network, Volunteer } from '../mirror/volunteer.js'
import type {
  EnrolledMessage,
  Have,
  Join,
  Load,
  Lost,
  ModuleState,
} from '../mirror/volunteer-messages.js'
import { whoIs } from '../mirror/who-is.js'
import type { Audited } from './audits.js'
import { ListedVolunteers, type Member } from './listed-volunteers.js'
import { parseNetwork } from './networks.js'
import type { TableHost } from './placing.js'
import type { VolunteerTable, Wanted } from './redirect-desk.js'
import { type RosterChanged, RosterFile } from './roster-file.js'
import { statusOf, type VolunteerStatus } from './volunteer-status.js'
import { WhoHas, type WhoHasParts } from './who-has.js'

/** Who was away for less goes on where it was; others start slowly. */
const AWAY_MS = 60_000
const TOKEN_BYTES = 32

export type VolunteersParts = WhoHasParts & {
  /** The file of who is enrolled. */
  readonly path: string
  /** Known to the centre alone, 32 bytes: bounce keys are made of it. */
  readonly secret: Uint8Array
  /** What clients call the centre. */
  readonly origin: () => string
  /** What the centre can send, and sends, bytes a second; null: not limited. */
  readonly uplink: number | null
  readonly rate: () => number
  /** An audit found wrong bytes: nobody is sent there until an admin releases it. */
  readonly onQuarantine: (name: string, why: string) => void
  /** Hears of changes of who is enrolled. */
  readonly onEnrolled?: RosterChanged
  /** Hears of what is seen of a volunteer. */
  readonly seen?: (name: string, evidence: Evidence) => void
  readonly clock: Clock
  readonly random: Random
}

export class Volunteers implements VolunteerTable {
  readonly #parts: VolunteersParts
  readonly #roster: RosterFile
  readonly #whoHas: WhoHas
  readonly #members = new Map<string, Member>()
  /** By slot; a hole is a slot to be given again. */
  readonly #slots: (Member | undefined)[] = []
  readonly #listed = new ListedVolunteers(this.#members)

  /** @throws {StartupError} where the file cannot be read, or is not ours */
  constructor(parts: VolunteersParts) {
    this.#parts = parts
    this.#roster = new RosterFile(parts.path, parts.onEnrolled)
    this.#whoHas = new WhoHas(parts)
  }

  /** Nobody was ever invited. */
  get isEmpty(): boolean {
    return this.#roster.all.length === 0
  }

  // ---- for who decides about redirects ----------------------------------------------------------

  get volunteers(): readonly Volunteer[] {
    return this.#listed.at(this.#parts.clock.now())
  }

  get centre(): Centre {
    const { uplink, rate } = this.#parts
    return { uplink, rate: rate(), usualRate: this.#listed.usualRate }
  }

  holds(wanted: Wanted): (slot: number) => boolean {
    return this.#whoHas.holds(wanted)
  }

  bounceKey(name: string): Uint8Array | null {
    const enrolled = this.#roster.of(name)
    return enrolled?.key == null ? null : this.#bounceKey(name, enrolled.key)
  }

  /** For who shares it with others. */
  sent(_name: string, _bytes: number, _takesMs: number): void {}

  saw(name: string, evidence: Evidence): void {
    const member = this.#members.get(name)
    if (member === undefined) return
    this.#parts.seen?.(name, evidence)
    const nowMs = this.#parts.clock.now()
    const before = member.health
    member.health = healthAfter(before, evidence, this.#areWeSuspect(nowMs), nowMs)
    // who was out for what was seen of it comes back slowly
    const wasOut = !before.isTried || before.isSilent
    if (wasOut && member.health.isTried && !member.health.isSilent)
      member.volunteer = { ...member.volunteer, joinedMs: nowMs }
    const { quarantine } = member.health
    if (evidence.kind === 'audit' && quarantine !== null && before.quarantine === null)
      this.#convict(name, quarantine)
    this.#listed.changed()
  }

  // ---- for audits ---------------------------------------------------------------------------------

  /** Those that are to be asked now and then whether they answer, and with what: who is out by an admin or an audit is not. */
  get audited(): readonly Audited[] {
    const found: Audited[] = []
    for (const { channel, volunteer, health } of this.#members.values())
      if (channel !== null && volunteer.report !== null && health.quarantine === null)
        found.push({ volunteer, channel })
    return found
  }

  /** Wrong bytes outlive a restart, with the evidence. */
  #convict(name: string, why: string): void {
    const evidence = `${why}, ${new Date(this.#parts.clock.now()).toISOString()}`
    this.#parts.onQuarantine(name, evidence)
    const member = this.#members.get(name)
    if (member !== undefined) member.health = { ...member.health, quarantine: evidence }
    this.#roster.attempt(judged(this.#roster.all, name, { quarantine: evidence }))
  }

  /** More than half of those that were here are lost at once: it is rather we who lost them. */
  #areWeSuspect(nowMs: number): boolean {
    const lostMs: number[] = []
    let all = 0
    for (const { channel, leftMs, health } of this.#members.values()) {
      if (channel === null && nowMs - leftMs >= PANIC_MS) continue
      all++
      const sinceMs = channel === null ? leftMs : health.failingMs
      if (sinceMs !== null) lostMs.push(sinceMs)
    }
    return areWeSuspect(lostMs, all, nowMs)
  }

  // ---- for placement ------------------------------------------------------------------------------

  /** Volunteers with a quota that are here, and that clients may be sent to. */
  get hosts(): readonly TableHost[] {
    const found: TableHost[] = []
    for (const { channel, quota, volunteer, health } of this.#members.values()) {
      if (channel === null || quota === null || health.quarantine !== null) continue
      if (health.isDraining) continue
      found.push({ name: volunteer.id, quota, free: capacityOf(volunteer), channel })
    }
    return found
  }

  /** It is sent clients for these releases alone: what else it has may be gone any moment. */
  limit(name: string, releases: readonly ReleaseRef[]): void {
    const member = this.#members.get(name)
    if (member !== undefined) this.#whoHas.limit(member.volunteer.slot, releases)
  }

  // ---- for the volunteers' channels --------------------------------------------------------------

  /** @param channel whose reports count from now on @returns what it is told; a text: why it may not. @throws {FileError} */
  join(key: Uint8Array, join: Join, channel: object): EnrolledMessage | string {
    const nowMs = this.#parts.clock.now()
    const hex = hexOf(key)
    const done = joined(this.#roster.all, hex, join, nowMs)
    if (typeof done === 'string') return done
    this.#roster.save(done.roster)
    const { name } = done.enrolled
    const known = this.#members.get(name)
    const wasHere =
      known !== undefined && (known.channel !== null || nowMs - known.leftMs < AWAY_MS)
    const health = known?.health ?? HEALTHY
    const isMoved = known?.volunteer.baseUrl !== join.baseUrl
    const { slot, ledger, measured } = known?.volunteer ?? this.#newcomer(done.enrolled)
    const member: Member = {
      volunteer: {
        ...whoIs(done.enrolled, join, networksOf(done.enrolled)),
        ...{ slot, ledger, measured },
        joinedMs: wasHere ? known.volunteer.joinedMs : nowMs,
        standing: { state: 'fresh' },
        lastFaultMs: health.lastFaultMs,
        report: null,
      },
      health: {
        ...health,
        isTried: health.isTried && wasHere && !isMoved,
        isDraining: done.enrolled.isDraining,
        quarantine: done.enrolled.quarantine,
      },
      quota: join.quota,
      channel,
      leftMs: nowMs,
    }
    this.#members.set(name, member)
    this.#slots[slot] = member
    this.#whoHas.joined(slot)
    if (join.quota !== null) this.#whoHas.limit(slot, [])
    this.#listed.changed()
    const centre = this.#parts.origin()
    return { type: 'enrolled', name, bounceKey: hexOf(this.#bounceKey(name, hex)), centre }
  }

  /** False: the channel is no longer this volunteer's. */
  loaded(name: string, { modules, ...load }: Load, channel: object): boolean {
    const member = this.#members.get(name)
    if (member?.channel !== channel) return false
    const nowMs = this.#parts.clock.now()
    const report = { ...load, atMs: nowMs }
    const measured = measuredAfter(member.volunteer, report, this.#listed.usualRate ?? USUAL_RATE)
    this.#roster.keepMeasured(name, measured, nowMs)
    member.volunteer.ledger.reported(report, nowMs)
    member.volunteer = { ...member.volunteer, report, measured }
    const isNews = this.#whoHas.told(member.volunteer.slot, modules)
    if (isNews) member.health = healthAfter(member.health, { kind: 'presence' }, false, nowMs)
    this.#listed.renew(member, nowMs)
    return true
  }

  has(name: string, have: Have, channel: object): void {
    const member = this.#members.get(name)
    if (member?.channel !== channel) return
    this.#whoHas.has(member.volunteer.slot, have)
    if (have.isFirst) this.saw(name, { kind: 'presence' })
  }
  lost(name: string, lost: Lost, channel: object): void {
    const member = this.#members.get(name)
    if (member?.channel === channel) this.#whoHas.lost(member.volunteer.slot, lost)
  }

  /** It goes, or stays after all, unless an admin wants it to go. */
  drains(name: string, begins: boolean, channel: object): void {
    if (this.#members.get(name)?.channel !== channel) return
    const isWanted = this.#roster.of(name)?.isDraining === true
    this.saw(name, { kind: 'drain', begins: begins || isWanted })
  }

  /** Its channel ended: nobody is sent there until it is back. */
  left(name: string, channel: object): void {
    const member = this.#members.get(name)
    if (member?.channel !== channel) return
    member.channel = null
    member.leftMs = this.#parts.clock.now()
    member.volunteer = { ...member.volunteer, report: null }
    this.#whoHas.left(member.volunteer.slot)
    this.#listed.changed()
  }

  // ---- for admins ---------------------------------------------------------------------------------

  /** The token, which is told once. @throws {FileError} */
  invite(
    name: string,
    uplink: number | null,
    ttlMs: number,
    networks: readonly string[] = [],
  ): string {
    const { random, clock } = this.#parts
    const token = hexOf(random.bytes(TOKEN_BYTES))
    this.#roster.save(
      invited(this.#roster.all, name, { uplink, networks }, token, clock.now() + ttlMs),
    )
    return token
  }

  /** Until it is released. False: nobody has that name. @throws {FileError} */
  quarantine(name: string, why: string): boolean {
    const roster = judged(this.#roster.all, name, { quarantine: why })
    return this.#keep(roster, name, { kind: 'quarantine', why })
  }
  /** Nobody new is sent there until it is released. @throws {FileError} */
  drain(name: string): boolean {
    const roster = judged(this.#roster.all, name, { isDraining: true })
    return this.#keep(roster, name, { kind: 'drain', begins: true })
  }
  /** From quarantine, from draining, and from what was seen of it. @throws {FileError} */
  release(name: string): boolean {
    const roster = judged(this.#roster.all, name, { quarantine: null, isDraining: false })
    this.saw(name, { kind: 'drain', begins: false })
    return this.#keep(roster, name, { kind: 'release' })
  }
  /** Its key is worth nothing from now on, and its channel ends with its next word. @throws {FileError} */
  remove(name: string): boolean {
    const roster = removed(this.#roster.all, name)
    if (roster === null) return false
    this.#roster.save(roster)
    this.#forget(name)
    return true
  }

  #forget(name: string): void {
    const member = this.#members.get(name)
    if (member !== undefined) {
      this.#slots[member.volunteer.slot] = undefined
      this.#whoHas.left(member.volunteer.slot)
    }
    this.#members.delete(name)
    this.#listed.changed()
  }

  list(): VolunteerStatus[] {
    const nowMs = this.#parts.clock.now()
    const known = new Map(this.volunteers.map((each) => [each.id, each]))
    return this.#roster.all.map((enrolled) => {
      const member = this.#members.get(enrolled.name)
      return statusOf(enrolled, member, known.get(enrolled.name), nowMs)
    })
  }

  /** What is known of one that joined since the start, and how it stands in each module; null: it did not. */
  known(name: string): { volunteer: Volunteer; modules: readonly ModuleState[] } | null {
    const member = this.#members.get(name)
    if (member === undefined) return null
    const { volunteer } = member
    return { volunteer, modules: this.#whoHas.states(volunteer.slot) }
  }

  // ---- for centres that share their volunteers ----------------------------------------------------

  /** What it told of its contents, once more. */
  haves(name: string): Iterable<Have> {
    const member = this.#members.get(name)
    return member === undefined ? [] : this.#whoHas.haves(member.volunteer.slot)
  }

  get roster(): Roster {
    return this.#roster.all
  }
  enrolled(name: string): Enrolled | null {
    return this.#roster.of(name)
  }
  /** Another centre changed who is enrolled; null: it is no longer. */
  adopt(name: string, enrolled: Enrolled | null): void {
    const without = removed(this.#roster.all, name)
    if (enrolled === null) {
      this.#roster.attempt(without)
      return this.#forget(name)
    }
    const others = without ?? this.#roster.all
    this.#roster.attempt([...others, enrolled])
    const member = this.#members.get(name)
    if (member === undefined) return
    const { quarantine, isDraining } = enrolled
    const isReleased = quarantine === null && member.health.quarantine !== null
    const health = isReleased
      ? healthAfter(member.health, { kind: 'release' }, false, this.#parts.clock.now())
      : member.health
    member.health = { ...health, quarantine, isDraining }
    this.#listed.changed()
  }

  #keep(roster: Roster | null, name: string, evidence: Evidence): boolean {
    if (roster === null) return false
    this.#roster.save(roster)
    this.saw(name, evidence)
    return true
  }

  #newcomer({ measured }: Enrolled): Pick<Volunteer, 'slot' | 'ledger' | 'measured'> {
    const free = this.#slots.indexOf(undefined)
    const slot = free < 0 ? this.#slots.length : free
    return { slot, ledger: new Ledger(), measured }
  }

  #bounceKey(name: string, key: string): Uint8Array {
    return bounceKey(this.#parts.secret, `${name} ${key}`)
  }
}

function networksOf({ networks }: Enrolled): Network[] {
  return networks.flatMap((text) => parseNetwork(text) ?? [])
}
