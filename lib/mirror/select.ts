/**
 * Which volunteer serves a client: values in, a choice with its reasons out. The whole path of a decision; who may be chosen is
 * said here, how good each would be in `balance.ts`.
 */
import type { Root } from '../hash/root.js'
import { type Family, REPORT_MS, type Scheme, type Volunteer } from './volunteer.js'

/** Who asks. */
export type Client = {
  /** 4 or 16 bytes, one char each. */
  readonly address: string
  readonly scheme: Scheme
  /** Its first failure is its last, as with apt: only for it the stricter rule. */
  readonly oneTry: boolean
}

export type Ask = {
  readonly content: { readonly root: Root; readonly length: number }
  readonly client: Client
  /** Does the volunteer in this slot have the content? */
  readonly holds: (slot: number) => boolean
  /** Ids of volunteers that failed this client just now, or already bounced it. */
  readonly failed: ReadonlySet<string>
  /** Where this client was sent last, and when; null: nowhere lately. */
  readonly last: { readonly id: string; readonly atMs: number } | null
}

/** What the decision knows beside the volunteers. */
export type Centre = {
  /** What it can send; null: not limited. */
  readonly uplink: number | null
  /** What it sends now, to clients and nodes. */
  readonly rate: number
  /** What clients usually get: the 40th percentile of what volunteers observed; null: nothing observed. */
  readonly usualRate: number | null
}

/** Why a volunteer is not chosen. */
export type Fault =
  | 'lacks the content'
  | 'scheme'
  | 'address family'
  | 'quarantined'
  | 'draining'
  | 'failed this client'
  | 'no report'
  | 'report too old'
  | 'suspect'
  | 'report too old for a client of one try'
  | 'failed lately'
  | 'slow start'

/** Why a volunteer is chosen. */
export type RedirectReason = 'same as before' | 'own network' | 'least load' | 'fastest'
/** Why the centre serves. */
export type HereReason = 'nobody eligible' | 'volunteers slower than the centre'

export type Choice =
  | {
      readonly kind: 'redirect'
      readonly chosen: Volunteer
      readonly reason: RedirectReason
      /** The next best, best first, at most ALTERNATES. */
      readonly alternates: readonly Volunteer[]
    }
  | { readonly kind: 'here'; readonly reason: HereReason }

/** One volunteer as `?why` shows it. */
export type Verdict = {
  readonly volunteer: Volunteer
  /** Null: eligible. */
  readonly fault: Fault | null
  /** Predicted rate of this client, and relative load: 1 is all it can send. Null where they do not matter. */
  readonly rate: number | null
  readonly load: number | null
}

export const ALTERNATES = 3

export function select(
  ask: Ask,
  volunteers: readonly Volunteer[],
  _centre: Centre,
  nowMs: number,
): Choice {
  const eligible = volunteers.filter((volunteer) => faultOf(volunteer, ask, nowMs) === null)
  eligible.sort((a, b) => a.ledger.assigned(nowMs) - b.ledger.assigned(nowMs))
  const [chosen, ...others] = eligible
  if (chosen === undefined) return { kind: 'here', reason: 'nobody eligible' }
  const alternates = others.slice(0, ALTERNATES)
  return { kind: 'redirect', chosen, reason: 'least load', alternates }
}

/** The same decision with a verdict on every volunteer, best first: for `?why`. */
export function explain(
  ask: Ask,
  volunteers: readonly Volunteer[],
  centre: Centre,
  nowMs: number,
): { readonly choice: Choice; readonly verdicts: readonly Verdict[] } {
  const choice = select(ask, volunteers, centre, nowMs)
  const verdicts = volunteers.map((volunteer) => ({
    volunteer,
    fault: faultOf(volunteer, ask, nowMs),
    rate: null,
    load: null,
  }))
  return { choice, verdicts }
}

/** What speaks against a volunteer for this client; null: nothing. */
function faultOf(volunteer: Volunteer, ask: Ask, nowMs: number): Fault | null {
  const { client } = ask
  const { report } = volunteer
  if (!ask.holds(volunteer.slot)) return 'lacks the content'
  if (volunteer.scheme !== client.scheme) return 'scheme'
  const family: Family = client.address.length === 4 ? 4 : 16
  if (!volunteer.families.includes(family)) return 'address family'
  const { state } = volunteer.standing
  if (state === 'quarantined' || state === 'draining') return state
  if (ask.failed.has(volunteer.id)) return 'failed this client'
  if (report === null) return 'no report'
  if (nowMs - report.atMs > 3 * REPORT_MS) return 'report too old'
  return null
}
