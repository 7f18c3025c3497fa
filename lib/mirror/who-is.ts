/** A volunteer as it was enrolled and as it joined: who it is, and what it says it can send. */
import type { Enrolled } from './enrolment.js'
import type { Family, Network, Volunteer } from './volunteer.js'
import type { Join } from './volunteer-messages.js'

type Who = Pick<Volunteer, 'id' | 'baseUrl' | 'scheme' | 'families' | 'networks' | 'declared'>

export function whoIs({ name, uplink }: Enrolled, join: Join, networks: readonly Network[]): Who {
  const { protocol, hostname } = new URL(join.baseUrl)
  return {
    id: name,
    baseUrl: join.baseUrl,
    scheme: protocol === 'https:' ? 'https' : 'http',
    families: familiesOf(hostname),
    networks,
    declared:
      uplink === null || join.uplink === null
        ? (uplink ?? join.uplink)
        : Math.min(uplink, join.uplink),
  }
}

/** A name may lead to both. */
function familiesOf(host: string): readonly Family[] {
  if (host.startsWith('[')) return [16]
  return /^[\d.]+$/.test(host) ? [4] : [4, 16]
}
