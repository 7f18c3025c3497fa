/** A volunteer that is nothing but its channel: it enrols and reports what the test says. */
import type { Test } from 'tap'
import { systemClock, systemRandom } from '../../lib/app/system.js'
import { VolunteerChannel } from '../../lib/app/volunteer-channel.js'
import { keyPairOf } from '../../lib/hash/ed25519.js'
import type { EnrolledMessage, Load } from '../../lib/mirror/volunteer-messages.js'

export type ChannelVolunteer = {
  /** What it was told: enrolled, or why not. */
  readonly told: Promise<EnrolledMessage | string>
  /** From now on this is how it goes. */
  report(change: Partial<Load>): void
  drain(): void
  leave(): Promise<void>
}

const LOAD: Load = {
  type: 'load',
  modules: [{ module: 'm', through: 1, following: 1 }],
  fair: 1e9,
  flows: 0,
  lasting: [],
  clientRate: 0,
  syncRate: 0,
  observed: [],
}

/** @param seed of its key, 0 to 255 */
export function channelVolunteer(
  t: Test,
  origin: string,
  seed: number,
  token: string | null,
  baseUrl: string,
): ChannelVolunteer {
  const stop = new AbortController()
  let load = LOAD
  let running: Promise<void> = Promise.resolve()
  let channel: VolunteerChannel | null = null
  const told = new Promise<EnrolledMessage | string>((resolve) => {
    channel = new VolunteerChannel({
      origin,
      userAgent: 'prsync/test',
      keys: keyPairOf(new Uint8Array(32).fill(seed)),
      join: { type: 'join', token, baseUrl, uplink: null, quota: null },
      load: () => load,
      onEnrolled: resolve,
      onLost: resolve,
      onWanted: () => {},
      clock: systemClock,
      random: systemRandom,
    })
    running = channel.keep(stop.signal).catch((error: unknown) => {
      if (!stop.signal.aborted) throw error
    })
  })
  const leave = async (): Promise<void> => {
    stop.abort(new Error('the test is over'))
    await running
  }
  t.teardown(leave)
  return {
    told,
    report: (change) => {
      load = { ...load, ...change }
      channel?.report()
    },
    drain: () => channel?.drain(),
    leave,
  }
}
