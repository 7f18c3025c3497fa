/**
 * Which volunteer serves a client: values in, a choice with its reasons out. The whole path of a decision; who may be chosen is
 * said here, how good each would be in `balance.ts`.
 */
import type { Root } from '../hash/root.js'
import { isFresh, predictedRate, relativeLoad, slowStartOf, USUAL_RATE } from './balance.js'
import { rendezvous, rendezvousFrom, rendezvousStart } from './rendezvous.js'
import { isWithin, type Scheme, type Volunteer } from './volunteer.js'

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
  | 'untried'
  | 'failed this client'
  | 'no fresh report'
  | 'suspect'
  | 'report not fresh enough for one try'
  | 'failed lately'
  | 'slow start'

/** Why a volunteer is chosen. */
export type RedirectReason = 'same as before' | 'own network' | 'least load' | 'fastest'
/** Why the centre serves. */
export type HereReason = 'nobody eligible' | 'volunteers are slow'

export type Choice =
  | {
      readonly kind: 'redirect'
      readonly chosen: Volunteer
      readonly reason: RedirectReason
      /** Predicted, bytes a second. */
      readonly rate: number
      /** The next best, best first, at most ALTERNATES. */
      readonly alternates: readonly Volunteer[]
    }
  | { readonly kind: 'here'; readonly reason: HereReason }

/** One volunteer as `?why` shows it. */
export type Verdict = {
  readonly volunteer: Volunteer
  /** Null: eligible. */
  readonly fault: Fault | null
  /** Predicted for one more client, bytes a second; and relative load: 1 is all it can send. */
  readonly rate: number
  readonly load: number
}

export const ALTERNATES = 3
/** Reports older than so many intervals say nothing; and for a client of one try. */
const OLD_INTERVALS = 3
const OLD_INTERVALS_ONE_TRY = 1.5
/** After a bounce or a failed probe: nobody of one try. */
const FAULT_MS = 300_000
/** Loads that are taken for equal: within a twentieth of the least, or so little of a line apart. */
const TIE = 0.05
const TIE_LINE = 0.005
/** Small contents of one client come from one volunteer while its connection is warm. */
const STICKY_BYTES = 4 << 20
const STICKY_MS = 30_000
/** Redirects to one volunteer while others are as good; never less than twice an even share. */
const MOST_SHARE = 0.15
/** Slower than this the centre serves, if it can. */
const POOR_RATE = 250_000
/** Part of the fastest rate that is as good, for small contents and for large ones. */
const NEARLY = 0.9
const NEARLY_LARGE = 0.7
const LARGE_BYTES = 32 << 20
/** Eligible volunteers that are looked at, where there are so many. And a prime, to go round among them. */
const ENOUGH = 64
const MANY = 512
const STRIDE = 7919
/** Of the centre's uplink: for metadata and seeding. */
const RESERVE = 0.2

export function select(
  ask: Ask,
  volunteers: readonly Volunteer[],
  centre: Centre,
  nowMs: number,
): Choice {
  const fresh: Candidate[] = []
  const suspect: Candidate[] = []
  const judged = judgedIn(volunteers, nowMs)
  const count = volunteers.length
  const { start, step } = wayOver(count, ask, nowMs)
  for (let i = 0; i < count; i++) {
    const volunteer = volunteers[(start + i * step) % count]
    if (volunteer === undefined || (count > MANY && fresh.length >= ENOUGH)) break
    const fault = faultOf(volunteer, ask, nowMs)
    if (fault === null) fresh.push(candidateOf(volunteer, judged))
    else if (fault === 'suspect' && !ask.client.oneTry) suspect.push(candidateOf(volunteer, judged))
  }
  const canServe = hasRoom(centre)
  if (fresh.length === 0 && (canServe || suspect.length === 0))
    return { kind: 'here', reason: 'nobody eligible' }
  const candidates = fresh.length > 0 ? fresh : suspect
  const usual = centre.usualRate ?? USUAL_RATE
  const { best, reason } = bestOf(candidates, ask, usual, nowMs)
  if (best.rate < POOR_RATE && canServe) return { kind: 'here', reason: 'volunteers are slow' }
  return {
    kind: 'redirect',
    chosen: best.volunteer,
    reason,
    rate: best.rate,
    alternates: alternatesOf(candidates, best, usual),
  }
}

/** The same decision with a verdict on every volunteer: for `?why`. */
export function explain(
  ask: Ask,
  volunteers: readonly Volunteer[],
  centre: Centre,
  nowMs: number,
): { readonly choice: Choice; readonly verdicts: readonly Verdict[] } {
  const choice = select(ask, volunteers, centre, nowMs)
  const judged = judgedIn(volunteers, nowMs)
  const verdicts = volunteers.map((volunteer) => {
    const { rate, load } = candidateOf(volunteer, judged)
    return { volunteer, rate, load, fault: faultOf(volunteer, ask, nowMs) }
  })
  return { choice, verdicts }
}

/** How long this client should take, for the ledger: milliseconds. */
export function expectedMs(length: number, rate: number, usualRate: number): number {
  return (length / Math.max(1, Math.min(rate, usualRate))) * 1000
}

/**
 * Where the look at volunteers begins, and by what steps it goes: at all of them; of very many every STRIDEth, all round from a place that
 * content and time draw: the best of ENOUGH is nearly the best of all, and a decision stays short.
 */
function wayOver(count: number, { content }: Ask, nowMs: number): { start: number; step: number } {
  if (count <= MANY || count % STRIDE === 0) return { start: 0, step: 1 }
  return { start: rendezvous(content.root, String(nowMs)) % count, step: STRIDE }
}

type Candidate = {
  readonly volunteer: Volunteer
  readonly rate: number
  readonly load: number
  /** Sent there, faded. */
  readonly redirects: number
  /** Of the ledger, when it was judged. */
  readonly changes: number
}
/** What each was, by slot: within a millisecond only who was sent a client is another. */
type Judged = { readonly nowMs: number; readonly bySlot: (Candidate | undefined)[] }

const lastJudged = new WeakMap<readonly Volunteer[], Judged>()

function judgedIn(volunteers: readonly Volunteer[], nowMs: number): Judged {
  const known = lastJudged.get(volunteers)
  if (known?.nowMs === nowMs) return known
  const judged = { nowMs, bySlot: [] }
  lastJudged.set(volunteers, judged)
  return judged
}

function candidateOf(volunteer: Volunteer, { nowMs, bySlot }: Judged): Candidate {
  const { ledger, slot } = volunteer
  const { changes } = ledger
  const known = bySlot[slot]
  if (known?.volunteer === volunteer && known.changes === changes) return known
  const rate = predictedRate(volunteer, nowMs)
  const load = relativeLoad(volunteer, nowMs)
  const candidate = { volunteer, rate, load, redirects: ledger.redirects(nowMs), changes }
  bySlot[slot] = candidate
  return candidate
}

/** What speaks against a volunteer for this client; null: nothing. */
function faultOf(
  volunteer: Volunteer,
  { client, holds, failed }: Ask,
  nowMs: number,
): Fault | null {
  const { state } = volunteer.standing
  if (!holds(volunteer.slot)) return 'lacks the content'
  if (volunteer.scheme !== client.scheme) return 'scheme'
  if (!volunteer.families.includes(client.address.length === 4 ? 4 : 16)) return 'address family'
  if (state === 'quarantined' || state === 'draining' || state === 'untried') return state
  if (failed.has(volunteer.id)) return 'failed this client'
  if (!isFresh(volunteer, OLD_INTERVALS, nowMs)) return 'no fresh report'
  if (state === 'suspect') return 'suspect'
  return client.oneTry ? faultForOneTry(volunteer, nowMs) : null
}

/** Stricter: a client that does not come back is lost with its volunteer. docs/decisions/0042. */
function faultForOneTry(volunteer: Volunteer, nowMs: number): Fault | null {
  const { lastFaultMs } = volunteer
  if (!isFresh(volunteer, OLD_INTERVALS_ONE_TRY, nowMs))
    return 'report not fresh enough for one try'
  if (lastFaultMs !== null && nowMs - lastFaultMs < FAULT_MS) return 'failed lately'
  return slowStartOf(volunteer, nowMs) < 1 ? 'slow start' : null
}

/** Least loaded of those that give what is usual, else the fastest. */
function bestOf(
  candidates: readonly Candidate[],
  ask: Ask,
  usual: number,
  nowMs: number,
): { best: Candidate; reason: RedirectReason } {
  const cold = candidates.filter(({ rate }) => rate >= usual)
  if (cold.length === 0) return { best: nearlyFastest(candidates, ask), reason: 'fastest' }
  const before = warmOf(cold, ask, nowMs)
  if (before !== undefined) return { best: before, reason: 'same as before' }
  const open = underShare(cold, candidates)
  const least = open.reduce((min, { load }) => Math.min(min, load), Number.POSITIVE_INFINITY)
  const equal = open.filter(({ load }) => load <= Math.max(least * (1 + TIE), least + TIE_LINE))
  const near = equal.filter(({ volunteer }) =>
    volunteer.networks.some((network) => isWithin(network, ask.client.address)),
  )
  if (near.length > 0) return { best: byRendezvous(near, ask), reason: 'own network' }
  return { best: byRendezvous(equal, ask), reason: 'least load' }
}

/** Where this client's connection is warm, for small contents. */
function warmOf(
  cold: readonly Candidate[],
  { content, last }: Ask,
  nowMs: number,
): Candidate | undefined {
  if (last === null || content.length > STICKY_BYTES || nowMs - last.atMs > STICKY_MS)
    return undefined
  return cold.find(({ volunteer }) => volunteer.id === last.id)
}

/** Those that did not get more than their share of redirects; all, where everybody did. */
function underShare(
  cold: readonly Candidate[],
  candidates: readonly Candidate[],
): readonly Candidate[] {
  let all = 0
  for (const { redirects } of candidates) all += redirects
  const most = all * Math.max(MOST_SHARE, 2 / candidates.length)
  const under = cold.filter(({ redirects }) => redirects <= most)
  return under.length > 0 ? under : cold
}

/**
 * Where nobody gives what is usual: the least loaded of the fast. Predictions err, and who takes the very fastest takes the worst
 * error. Large contents yield more, so that small ones find room; they stay long wherever they are.
 */
function nearlyFastest(candidates: readonly Candidate[], { content }: Ask): Candidate {
  const fastest = candidates.reduce((most, { rate }) => Math.max(most, rate), 0)
  const enough = fastest * (content.length >= LARGE_BYTES ? NEARLY_LARGE : NEARLY)
  return leastLoadedOf(candidates.filter(({ rate }) => rate >= enough))
}

function leastLoadedOf(candidates: readonly Candidate[]): Candidate {
  return candidates.reduce((best, each) => (each.load < best.load ? each : best))
}

/** The same for a content each time, so that what one has in memory is asked there. */
function byRendezvous(equal: readonly Candidate[], { content }: Ask): Candidate {
  const start = rendezvousStart(content.root)
  const weightOf = ({ volunteer }: Candidate): number => rendezvousFrom(start, volunteer.id)
  let most = Number.NEGATIVE_INFINITY
  return equal.reduce((best, each, i) => {
    if (i === 1) most = weightOf(best)
    const weight = weightOf(each)
    if (weight <= most) return best
    most = weight
    return each
  })
}

/** Cold ones first, by load; then the others, by rate. */
function alternatesOf(
  candidates: readonly Candidate[],
  best: Candidate,
  usual: number,
): Volunteer[] {
  const isBetter = (a: Candidate, b: Candidate): boolean =>
    a.rate >= usual && b.rate >= usual ? a.load < b.load : a.rate > b.rate
  const first: Candidate[] = []
  for (const each of candidates) {
    const last = first[ALTERNATES - 1]
    if (each === best || (last !== undefined && !isBetter(each, last))) continue
    const at = first.findIndex((other) => isBetter(each, other))
    first.splice(at < 0 ? first.length : at, 0, each)
    if (first.length > ALTERNATES) first.pop()
  }
  return first.map(({ volunteer }) => volunteer)
}

/** May the centre serve contents itself? */
export function hasRoom({ uplink, rate }: Centre): boolean {
  return uplink === null || rate < uplink * (1 - RESERVE)
}
