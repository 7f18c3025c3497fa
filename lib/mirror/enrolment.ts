/**
 * Who may volunteer: invitations and the keys that took them. Values in, values out, and the text that the centre keeps of them. A
 * token is good once and for a time; the key that brings it is the volunteer's from then on, with the base URL that it named: nobody
 * else can send clients elsewhere, nor can the volunteer without a new invitation. Times in milliseconds since the epoch.
 */
import { hash } from 'node:crypto'
import { WireError } from '../base/errors.js'
import {
  booleanAt,
  countAt,
  countOrNullAt,
  listAt,
  objectOf,
  parseObject,
  stringAt,
} from '../base/json.js'

const MOST = 10_000
const URL_LENGTH = 1000
/** Of one volunteer. */
export const NETWORKS = 1000

export type Enrolled = {
  readonly name: string
  /** Ed25519, hex; null: nobody took the invitation yet. */
  readonly key: string | null
  readonly baseUrl: string | null
  /** What the centre's admin says it can send, bytes a second; null: unknown. */
  readonly uplink: number | null
  /** Ranges of addresses whose clients are sent there rather than elsewhere, where both are as good. */
  readonly networks: readonly string[]
  /** What was measured of what it can send (`capacity.ts`), bytes a second; null: nothing yet. */
  readonly measured: number | null
  readonly invitation: { readonly tokenDigest: string; readonly untilMs: number } | null
  /** An admin's reason; null: clients may be sent there. */
  readonly quarantine: string | null
  /** An admin wants it to get nobody new; no judgement. */
  readonly isDraining: boolean
}
export type Roster = readonly Enrolled[]

/** What its bounces, headers and logs name it. */
export function isVolunteerName(name: string): boolean {
  return /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$/.test(name)
}

/** Absolute, http or https, in its one form, without user, query, fragment or a slash at the end. */
export function isBaseUrl(text: string): boolean {
  if (
    text.length > URL_LENGTH ||
    !/^https?:\/\/[!-~]*[!-.0-~]$/.test(text) ||
    /[<>"?#@]/.test(text)
  )
    return false
  return URL.canParse(text) && new URL(text).href.replace(/\/$/, '') === text
}

/** A new volunteer, or a known one that may come with another key and URL. */
export function invited(
  roster: Roster,
  name: string,
  { uplink, networks }: Pick<Enrolled, 'uplink' | 'networks'>,
  token: string,
  untilMs: number,
): Roster {
  const before = roster.find((each) => each.name === name)
  const fresh = {
    name,
    key: null,
    baseUrl: null,
    measured: null,
    quarantine: null,
    isDraining: false,
  }
  const invitation = { tokenDigest: digestOf(token), untilMs }
  return replaced(roster, { ...fresh, ...before, uplink, networks, invitation })
}

/** The volunteer and the roster with it; or why it may not. */
export function joined(
  roster: Roster,
  key: string,
  asked: { readonly token: string | null; readonly baseUrl: string },
  nowMs: number,
): { readonly enrolled: Enrolled; readonly roster: Roster } | string {
  const known = roster.find((each) => each.key === key)
  if (asked.token !== null) {
    const digest = digestOf(asked.token)
    const guest = roster.find((each) => each.invitation?.tokenDigest === digest)
    if (guest !== undefined) {
      if (known !== undefined && known !== guest) return `this key is ${known.name}'s`
      if (guest.invitation === null || guest.invitation.untilMs <= nowMs)
        return 'the invitation is over: ask for a new one'
      const enrolled = { ...guest, key, baseUrl: asked.baseUrl, invitation: null }
      return { enrolled, roster: replaced(roster, enrolled) }
    }
    // taken already: by this key, whose service still has it on its command line, or by another
    if (known === undefined) return 'no invitation has this token, or it was taken'
  }
  if (known === undefined) return 'not enrolled: an invitation is wanted'
  if (known.baseUrl !== asked.baseUrl)
    return `enrolled for ${known.baseUrl}: another URL wants a new invitation`
  return { enrolled: known, roster }
}

/** Null: nobody has that name. */
export function judged(
  roster: Roster,
  name: string,
  judgement: Partial<Pick<Enrolled, 'quarantine' | 'isDraining' | 'measured'>>,
): Roster | null {
  const known = roster.find((each) => each.name === name)
  return known === undefined ? null : replaced(roster, { ...known, ...judgement })
}
/** Null: nobody has that name. */
export function removed(roster: Roster, name: string): Roster | null {
  const others = roster.filter((each) => each.name !== name)
  return others.length === roster.length ? null : others
}

export function formatRoster(roster: Roster): string {
  return `${JSON.stringify({ version: 1, volunteers: roster }, null, 1)}\n`
}
/** @throws {WireError} */
export function parseRoster(text: string): Roster {
  const from = parseObject(text, 'volunteers')
  if (countAt(from, 'version') !== 1)
    throw new WireError('of another version', { at: 'volunteers' })
  return listAt(from, 'volunteers', MOST).map(enrolledOf)
}

function enrolledOf(value: unknown): Enrolled {
  const from = objectOf(value, 'volunteer')
  const textOrNull = (name: string): string | null =>
    from[name] === null ? null : stringAt(from, name)
  const name = stringAt(from, 'name')
  const key = textOrNull('key')
  const baseUrl = textOrNull('baseUrl')
  if (!isVolunteerName(name)) throw new WireError('not a name', { at: 'volunteer' })
  if (key !== null && !/^[0-9a-f]{64}$/.test(key)) throw new WireError('not a key', { at: name })
  if (baseUrl !== null && !isBaseUrl(baseUrl)) throw new WireError('not a base URL', { at: name })
  const uplink = countOrNullAt(from, 'uplink')
  // not there in files of versions that kept it in memory
  const measured = from['measured'] === undefined ? null : countOrNullAt(from, 'measured')
  const networks =
    from['networks'] === undefined ? [] : listAt(from, 'networks', NETWORKS).map(textOf)
  const invitation = from['invitation'] === null ? null : invitationOf(from['invitation'])
  const quarantine = textOrNull('quarantine')
  const isDraining = booleanAt(from, 'isDraining')
  return { name, key, baseUrl, uplink, networks, measured, invitation, quarantine, isDraining }
}
function textOf(value: unknown): string {
  return stringAt({ value }, 'value')
}
function invitationOf(value: unknown): NonNullable<Enrolled['invitation']> {
  const from = objectOf(value, 'invitation')
  return { tokenDigest: stringAt(from, 'tokenDigest'), untilMs: countAt(from, 'untilMs') }
}

function replaced(roster: Roster, by: Enrolled): Roster {
  return roster.some(({ name }) => name === by.name)
    ? roster.map((each) => (each.name === by.name ? by : each))
    : [...roster, by]
}

/** Tokens are 32 random bytes: their digest tells nothing of them, and comparing it takes no care. */
function digestOf(token: string): string {
  return hash('sha256', token, 'hex')
}
