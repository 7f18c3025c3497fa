/** What admins ask the running centre about its volunteers, through the socket in its state directory, both ends. */
import { messageOf, PrsyncError, SocketError, WireError } from '../base/errors.js'
import {
  countAt,
  countOrNullAt,
  type JsonObject,
  listAt,
  objectOf,
  parseObject,
  stringAt,
} from '../base/json.js'
import { askUnix } from '../io/unix-socket.js'
import { isVolunteerName, NETWORKS } from '../mirror/enrolment.js'
import { socketOf } from './admin.js'
import { parseNetwork } from './networks.js'
import type { VolunteerStatus } from './volunteer-status.js'
import type { Volunteers } from './volunteer-table.js'

export type VolunteerCommand =
  | {
      readonly volunteer: 'invite'
      readonly name: string
      /** Bytes a second; null: not said. */
      readonly uplink: number | null
      /** Ranges of addresses; none: no clients are closer to it than others. */
      readonly networks: readonly string[]
      readonly ttlMs: number
    }
  | { readonly volunteer: 'list' }
  | {
      readonly volunteer: 'quarantine' | 'drain' | 'release' | 'remove'
      readonly name: string
      /** What admins see beside it. */
      readonly why: string
    }

const VOLUNTEERS = 10_000
const STATES = [
  'invited',
  'away',
  'untried',
  'fresh',
  'suspect',
  'quarantined',
  'draining',
] as const
const WHY_LENGTH = 200

/** Null: the question is not about volunteers. */
export function answerVolunteers(volunteers: Volunteers, question: string): string | null {
  if (!question.startsWith('{')) return null
  try {
    return JSON.stringify(answer(volunteers, parseVolunteerCommand(question)))
  } catch (error) {
    if (!(error instanceof PrsyncError)) throw error
    return JSON.stringify({ error: messageOf(error) })
  }
}

function answer(volunteers: Volunteers, asked: VolunteerCommand): object {
  switch (asked.volunteer) {
    case 'invite':
      return { token: volunteers.invite(asked.name, asked.uplink, asked.ttlMs, asked.networks) }
    case 'list':
      return { volunteers: volunteers.list() }
    case 'quarantine':
      return { known: volunteers.quarantine(asked.name, asked.why) }
    case 'drain':
      return { known: volunteers.drain(asked.name) }
    case 'release':
      return { known: volunteers.release(asked.name) }
    case 'remove':
      return { known: volunteers.remove(asked.name) }
  }
}

/** @throws {WireError} */
export function parseVolunteerCommand(text: string): VolunteerCommand {
  const from = parseObject(text, 'volunteers')
  const volunteer = stringAt(from, 'volunteer')
  if (volunteer === 'list') return { volunteer }
  const name = stringAt(from, 'name')
  if (!isVolunteerName(name))
    throw new WireError('not a name for a volunteer (letters, digits, _ - and .)')
  switch (volunteer) {
    case 'invite': {
      const [uplink, ttlMs] = [countOrNullAt(from, 'uplink'), countAt(from, 'ttlMs')]
      const networks = listAt(from, 'networks', NETWORKS).map((value) => {
        const text = stringAt({ value }, 'value')
        if (parseNetwork(text) === null)
          throw new WireError(`not a network: ${text} (as in 192.0.2.0/24)`)
        return text
      })
      return { volunteer, name, uplink, networks, ttlMs }
    }
    case 'quarantine':
    case 'drain':
    case 'release':
    case 'remove':
      return { volunteer, name, why: stringAt(from, 'why').slice(0, WHY_LENGTH) }
    default:
      throw new WireError('not understood', { at: 'volunteers' })
  }
}

/** The token, which nobody is told again. @throws {TryAgainError} where no centre runs, {SocketError} what it says */
export async function inviteVolunteer(
  state: string,
  invitation: Omit<Extract<VolunteerCommand, { volunteer: 'invite' }>, 'volunteer'>,
  signal: AbortSignal,
): Promise<string> {
  return stringAt(await ask(state, { volunteer: 'invite', ...invitation }, signal), 'token')
}

/** By name. @throws as `inviteVolunteer` */
export async function listVolunteers(
  state: string,
  signal: AbortSignal,
): Promise<VolunteerStatus[]> {
  const said = await ask(state, { volunteer: 'list' }, signal)
  return listAt(said, 'volunteers', VOLUNTEERS).map(statusOf)
}

/** False: nobody has that name. @throws as `inviteVolunteer` */
export async function changeVolunteer(
  state: string,
  change: Exclude<VolunteerCommand, { volunteer: 'invite' | 'list' }>,
  signal: AbortSignal,
): Promise<boolean> {
  return (await ask(state, change, signal))['known'] === true
}

async function ask(
  state: string,
  asked: VolunteerCommand,
  signal: AbortSignal,
): Promise<JsonObject> {
  const said = parseObject(await askUnix(socketOf(state), JSON.stringify(asked), signal), 'centre')
  if (Object.hasOwn(said, 'error')) throw new SocketError(stringAt(said, 'error'))
  return said
}

function statusOf(value: unknown): VolunteerStatus {
  const from = objectOf(value, 'volunteer')
  const state = STATES.find((each) => each === from['state'])
  if (state === undefined) throw new WireError('a state that is none', { at: 'volunteer' })
  const seconds = from['secondsAgo']
  return {
    name: stringAt(from, 'name'),
    baseUrl: from['baseUrl'] === null ? null : stringAt(from, 'baseUrl'),
    uplink: countOrNullAt(from, 'uplink'),
    state,
    why: stringAt(from, 'why'),
    secondsAgo: typeof seconds === 'number' ? seconds : null,
    audits: countAt(from, 'audits'),
  }
}
