/** A centre with one large file, a volunteer of it in this process, and what clients are told. */
import { writeFileSync } from 'node:fs'
import { join as joinPath } from 'node:path'
import type { Test } from 'tap'
import { join } from '../../lib/app/join.js'
import type { PullConfig } from '../../lib/app/pull-report.js'
import { systemClock } from '../../lib/app/system.js'
import { inviteVolunteer } from '../../lib/app/volunteer-admin.js'
import type { Clock } from '../../lib/host.js'
import { type AskedReply, askAt } from './ask.js'
import { NO_EVENTS, pullConfig, startCentre, type TestCentre } from './centre.js'
import { ruled } from './contents.js'
import { seededRandom } from './seeded-random.js'

export const BIG = Buffer.from(ruled(300_000))
/** Bytes that nothing else has: no recipe makes them. */
export const other = (length: number): Buffer => Buffer.from(seededRandom(length).bytes(length))
const { signal } = new AbortController()

export type Day = {
  readonly folder: string
  readonly source: string
  readonly centre: TestCentre
  ask(name: string): Promise<AskedReply>
  /** Asks until that is the status; resolves with the location. */
  until(name: string, status: number): Promise<string>
  invite(name: string): Promise<string>
}

/** A centre with one file, and what its clients are told. */
export async function startDay(t: Test): Promise<Day> {
  const folder = t.testdir({ source: {}, state: {} })
  const source = joinPath(folder, 'source')
  const state = joinPath(folder, 'state')
  writeFileSync(joinPath(source, 'big.iso'), BIG)
  const centre = await startCentre(source, state)
  t.teardown(() => centre.stop())
  const port = Number(new URL(centre.url).port)
  let clients = 0
  const ask = (name: string) =>
    askAt(port, `/m/${name}`, { 'user-agent': `client/${clients++}` }, 'HEAD')
  const until = async (name: string, status: number): Promise<string> => {
    for (;;) {
      const reply = await ask(name)
      if (reply.status === status) return `${reply.headers['location']}`
    }
  }
  const invite = (name: string): Promise<string> =>
    inviteVolunteer(state, { name, uplink: null, networks: [], ttlMs: 60_000 }, signal)
  return { folder, source, centre, ask, until, invite }
}

export const bytesAt = async (url: string): Promise<Buffer> =>
  Buffer.from(await (await fetch(url)).arrayBuffer())

/** A volunteer in this process. */
export function startJoined(
  t: Test,
  url: string,
  own: { token: string; state: string; tree: string; clock: Clock },
  choice: Partial<PullConfig> = {},
): { readonly failed: readonly string[] } {
  const stop = new AbortController()
  const failed: string[] = []
  const pull = {
    ...pullConfig(url, own.tree),
    ...{ delete: true, keepMs: 3600_000, lingerMs: 60_000, resident: true, wait: true },
    peerListen: { host: '127.0.0.2', port: 0 },
    ...choice,
  }
  const config = {
    pulls: [pull] as const,
    listen: { host: '127.0.0.2', port: 0 },
    ...{
      publicUrl: null,
      token: own.token,
      quota: null,
      clientLimit: null,
      state: own.state,
      tls: null,
    },
  }
  const events = {
    enrolled: () => {},
    lost: () => {},
    inStep: () => {},
    pullFailed: (_module: string, why: string) => void failed.push(why),
  }
  const host = { clock: own.clock, log: () => {}, userAgent: 'prsync/test' }
  const running = join(config, events, NO_EVENTS, host, stop.signal)
  t.teardown(async () => {
    stop.abort(new Error('the test is over'))
    await running
  })
  return { failed }
}

/** @param mostMs no sleep is longer: what is tried again each minute is tried again at once */
export function clockOf(mostMs = Number.POSITIVE_INFINITY): Clock {
  return {
    now: () => systemClock.now(),
    monotonic: () => systemClock.monotonic(),
    sleep: (ms, signal) => systemClock.sleep(Math.min(ms, mostMs), signal),
  }
}
