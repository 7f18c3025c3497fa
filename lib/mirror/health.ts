/**
 * May clients be sent to a volunteer? What was seen of it outranks what it says: bounces, probes, clients that come back, audits.
 * Values in, values out; each standing comes with its evidence. Times in milliseconds since the epoch.
 */
import type { Standing } from './volunteer.js'

export type Evidence =
  /** It sent a client back: it lacks the content, or refuses. */
  | { readonly kind: 'bounce'; readonly lacks: boolean }
  /** We asked it, as a client would. */
  | { readonly kind: 'probe'; readonly ok: boolean; readonly what: string }
  /** A client that was sent there asks us for the same again. */
  | { readonly kind: 'retry'; readonly client: string }
  /** A random range of a content, compared with its hashes. `what` names content and range. */
  | { readonly kind: 'audit'; readonly ok: boolean; readonly what: string }
  /** It told anew which contents it has. */
  | { readonly kind: 'presence' }
  /** It goes; or, having said so, stays. */
  | { readonly kind: 'drain'; readonly begins: boolean }
  /** An admin's word. */
  | { readonly kind: 'quarantine'; readonly why: string }
  | { readonly kind: 'release' }

type Seen<T> = { readonly value: T; readonly atMs: number }

export type Health = {
  readonly isDraining: boolean
  /** It answered us since it came: before that nobody is sent there. */
  readonly isTried: boolean
  /** By an audit or an admin: until an admin releases it. */
  readonly quarantine: string | null
  /** Failed probes in a row, or good ones since it was silent, and what the last failure was. */
  readonly failedProbes: number
  readonly goodProbes: number
  readonly isSilent: boolean
  readonly probeFault: string
  /** Since when probes fail; null: they do not. */
  readonly failingMs: number | null
  /** Ranges that were right, since it is known. */
  readonly audits: number
  /** When clients came back for what it lacked, since it last told what it has. */
  readonly misses: readonly number[]
  /** Clients that asked again, each once, the latest last. */
  readonly retries: readonly Seen<string>[]
  readonly wrong: Seen<string> | null
  readonly lastFaultMs: number | null
}

export const HEALTHY: Health = {
  isDraining: false,
  isTried: false,
  quarantine: null,
  failedProbes: 0,
  goodProbes: 0,
  isSilent: false,
  probeFault: '',
  failingMs: null,
  audits: 0,
  misses: [],
  retries: [],
  wrong: null,
  lastFaultMs: null,
}

/** Misses and retries are forgotten after it. */
const MEMORY_MS = 600_000
/** So many of these within MEMORY_MS count. */
const MISSES = 3
const RETRIES = 3
/** As often as elsewhere. */
const RETRY_EXCESS = 3
/** Failed probes in a row until it is taken for silent, and good ones until it is not. */
const SILENT_PROBES = 5
const BACK_PROBES = 3
/** Nothing more is learnt from a longer list. */
const MOST_RETRIES = 32
/** Losses within it tell of us, if they are more than half of all. */
export const PANIC_MS = 60_000

/**
 * @param panic do we suspect ourselves (`areWeSuspect`)? Then nothing quarantines but an admin.
 */
export function healthAfter(
  health: Health,
  evidence: Evidence,
  panic: boolean,
  nowMs: number,
): Health {
  switch (evidence.kind) {
    case 'bounce': {
      const misses = evidence.lacks ? [...recent(health.misses, nowMs), nowMs] : health.misses
      return { ...health, misses: misses.slice(-MISSES), lastFaultMs: nowMs }
    }
    case 'probe':
      return probed(health, evidence, panic, nowMs)
    case 'retry': {
      const others = health.retries.filter(({ value }) => value !== evidence.client)
      const retries = [...others, { value: evidence.client, atMs: nowMs }].slice(-MOST_RETRIES)
      return { ...health, retries }
    }
    case 'audit': {
      // right bytes came: that it answers is told as well
      if (evidence.ok) return { ...answered(health), audits: health.audits + 1, isTried: true }
      const wrong = { value: evidence.what, atMs: nowMs }
      const why = `wrong bytes: ${evidence.what}`
      return { ...health, wrong, quarantine: panic ? health.quarantine : why, lastFaultMs: nowMs }
    }
    case 'presence':
      return { ...health, misses: [] }
    case 'drain':
      return { ...health, isDraining: evidence.begins }
    case 'quarantine':
      return { ...health, quarantine: evidence.why }
    case 'release': {
      const { isDraining, lastFaultMs, audits } = health
      return { ...HEALTHY, isDraining, lastFaultMs, audits }
    }
  }
}

/**
 * @param redirects that it got lately, faded like `Ledger.redirects`
 * @param elsewhere part of redirects to others after which clients asked again
 */
export function standingOf(
  health: Health,
  redirects: number,
  elsewhere: number,
  nowMs: number,
): Standing {
  const { quarantine, isSilent, failedProbes, probeFault, wrong } = health
  if (quarantine !== null) return { state: 'quarantined', why: quarantine }
  if (isSilent) return { state: 'quarantined', why: `does not answer: ${probeFault}` }
  if (health.isDraining) return { state: 'draining' }
  if (!health.isTried && failedProbes > 0) return { state: 'untried', why: `probe: ${probeFault}` }
  if (!health.isTried) return { state: 'untried', why: 'not asked yet' }
  if (wrong !== null) return { state: 'suspect', why: `wrong bytes: ${wrong.value}` }
  if (failedProbes > 0) return { state: 'suspect', why: `probe: ${probeFault}` }
  const misses = recent(health.misses, nowMs).length
  if (misses >= MISSES) return { state: 'suspect', why: `${misses} misses, and no new report yet` }
  const clients = health.retries.filter(({ atMs }) => nowMs - atMs < MEMORY_MS).length
  const usual = RETRY_EXCESS * elsewhere * Math.max(1, redirects)
  if (clients >= RETRIES && clients > usual)
    return { state: 'suspect', why: `${clients} clients asked again` }
  return { state: 'fresh' }
}

/**
 * More than half of the volunteers were lost within a minute: then it is rather we who lost them.
 * @param lostMs when each of those that are lost was lost
 */
export function areWeSuspect(lostMs: readonly number[], all: number, nowMs: number): boolean {
  return lostMs.filter((atMs) => nowMs - atMs < PANIC_MS).length * 2 > all
}

function probed(
  health: Health,
  { ok, what }: { readonly ok: boolean; readonly what: string },
  panic: boolean,
  nowMs: number,
): Health {
  if (ok) return { ...answered(health), isTried: true }
  const failedProbes = health.failedProbes + 1
  return {
    ...health,
    failedProbes,
    goodProbes: 0,
    isSilent: health.isSilent || (!panic && failedProbes >= SILENT_PROBES),
    probeFault: what,
    failingMs: health.failingMs ?? nowMs,
    lastFaultMs: nowMs,
  }
}

function answered(health: Health): Health {
  const goodProbes = health.goodProbes + 1
  const isSilent = health.isSilent && goodProbes < BACK_PROBES
  return { ...health, failedProbes: 0, goodProbes, isSilent, failingMs: null }
}

function recent(times: readonly number[], nowMs: number): readonly number[] {
  return times.filter((atMs) => nowMs - atMs < MEMORY_MS)
}
