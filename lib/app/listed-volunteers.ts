/**
 * Volunteers as a decision sees them: how each stands is made anew once a second, as evidence grows old, and of one that reports at once.
 */
import { usualRateOf } from '../mirror/balance.js'
import { type Health, standingOf } from '../mirror/health.js'
import type { Volunteer } from '../mirror/volunteer.js'

/** Who took an invitation; it may be away. */
export type Member = {
  volunteer: Volunteer
  health: Health
  /** Of its disk, for what is wanted there; null: it says itself what it holds. */
  readonly quota: number | null
  /** Of its channel; the latest counts. Null: away since. */
  channel: object | null
  leftMs: number
}

const STANDING_MS = 1000

export class ListedVolunteers {
  readonly #members: ReadonlyMap<string, Member>
  #listed: readonly Volunteer[] = []
  #listedMs = Number.NEGATIVE_INFINITY
  /** Of all, when they were listed: clients that came back, and that were sent. */
  #retries = 0
  #redirects = 0
  #usualRate: number | null = null

  constructor(members: ReadonlyMap<string, Member>) {
    this.#members = members
  }

  /** What clients usually get; null: nothing observed. */
  get usualRate(): number | null {
    return this.#usualRate
  }

  at(nowMs: number): readonly Volunteer[] {
    if (Math.abs(nowMs - this.#listedMs) >= STANDING_MS) this.#list(nowMs)
    return this.#listed
  }

  /** All are listed anew before the next decision. */
  changed(): void {
    this.#listedMs = Number.NEGATIVE_INFINITY
  }

  /** One reported: of ten thousand, three hundred do each second, and the others are what they were. */
  renew(member: Member, nowMs: number): void {
    const { id } = member.volunteer
    const at = this.#listed.findIndex((each) => each.id === id)
    if (at < 0) return this.changed()
    this.#judge(member, nowMs)
    this.#listed = this.#listed.with(at, member.volunteer)
  }

  #judge(member: Member, nowMs: number): void {
    const { volunteer, health } = member
    const own = volunteer.ledger.redirects(nowMs)
    const others = this.#retries - health.retries.length
    const elsewhere = others / Math.max(1, this.#redirects - own)
    const standing = standingOf(health, own, elsewhere, nowMs)
    member.volunteer = { ...volunteer, standing, lastFaultMs: health.lastFaultMs }
  }

  #list(nowMs: number): void {
    const members = [...this.#members.values()]
    this.#redirects = this.#retries = 0
    for (const { volunteer, health } of members) {
      this.#redirects += volunteer.ledger.redirects(nowMs)
      this.#retries += health.retries.length
    }
    for (const member of members) this.#judge(member, nowMs)
    this.#listed = members.map(({ volunteer }) => volunteer)
    this.#usualRate = usualRateOf(this.#listed)
    this.#listedMs = nowMs
  }
}
