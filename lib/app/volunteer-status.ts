/** One volunteer as admins see it. */
import type { Enrolled } from '../mirror/enrolment.js'
import type { Volunteer } from '../mirror/volunteer.js'
import type { Member } from './listed-volunteers.js'

export type VolunteerStatus = Pick<Enrolled, 'name' | 'baseUrl' | 'uplink'> & {
  readonly state: Volunteer['standing']['state'] | 'invited' | 'away'
  readonly why: string
  /** Its last report; null: none. */
  readonly secondsAgo: number | null
  /** Ranges of its that were right. */
  readonly audits: number
}

/** @param member undefined: it was not here since the start @param listed as a decision sees it now */
export function statusOf(
  { name, baseUrl, uplink, key, quarantine }: Enrolled,
  member: Member | undefined,
  listed: Volunteer | undefined,
  nowMs: number,
): VolunteerStatus {
  const audits = member?.health.audits ?? 0
  const common = { name, baseUrl, uplink, secondsAgo: null, audits }
  if (listed === undefined || member?.channel == null) {
    const state = quarantine !== null ? 'quarantined' : key === null ? 'invited' : 'away'
    return { ...common, state, why: quarantine ?? '' }
  }
  const { standing, report } = listed
  const secondsAgo = report === null ? null : Math.round((nowMs - report.atMs) / 100) / 10
  const why = 'why' in standing ? standing.why : ''
  return { ...common, state: standing.state, secondsAgo, why }
}
