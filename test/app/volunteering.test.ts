/** A centre with volunteers on their channels: redirects begin with a report and end with the channel; who is not whom it says is refused. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join as joinPath } from 'node:path'
import t, { type Test } from 'tap'
import { systemClock, systemRandom } from '../../lib/app/system.js'
import { listVolunteers } from '../../lib/app/volunteer-admin.js'
import { VolunteerChannel } from '../../lib/app/volunteer-channel.js'
import { VOLUNTEER_PATH } from '../../lib/app/volunteer-desk.js'
import { Volunteers } from '../../lib/app/volunteer-table.js'
import { keyPairOf } from '../../lib/hash/ed25519.js'
import { serveHttp } from '../../lib/io/http-server.js'
import { acceptWebSockets, connectWebSocket, type TextSocket } from '../../lib/io/ws.js'
import {
  type EnrolledMessage,
  formatCentreWord,
  formatKey,
  formatSigned,
  type Join,
  type Load,
  parseCentreWord,
} from '../../lib/mirror/volunteer-messages.js'
import { askAt } from '../support/ask.js'
import { startCentre } from '../support/centre.js'
import { ruled } from '../support/contents.js'
import { startVolunteer } from '../support/http-volunteers.js'

const KEYS = keyPairOf(new Uint8Array(32).fill(1))

/** A centre with one invitation. */
async function start(t: Test) {
  const folder = t.testdir({ source: {}, state: {} })
  writeFileSync(joinPath(folder, 'source', 'big'), ruled(100_000))
  const state = joinPath(folder, 'state')
  mkdirSync(state, { recursive: true })
  const parts = {
    secret: new Uint8Array(32),
    sequenceOf: () => null,
    uplink: null,
    rate: () => 0,
    contentsAmong: () => [],
  }
  const host = {
    origin: () => '',
    clock: systemClock,
    random: systemRandom,
    onQuarantine: () => {},
  }
  const path = joinPath(state, 'volunteers')
  const token = new Volunteers({ path, ...parts, ...host }).invite('v1', null, 3600_000)
  let centre = await startCentre(joinPath(folder, 'source'), state)
  t.teardown(() => centre.stop())
  const { origin, port } = new URL(centre.url)
  const source = joinPath(folder, 'source')
  const given = await startVolunteer(t, 'v1', '127.0.0.2', source, () => origin)
  let clients = 0
  const get = () => askAt(Number(port), '/m/big', { 'user-agent': `client/${clients++}` }, 'GET')
  /** Asks until the answer is as expected: what is said on another connection is heard soon. */
  const until = async (status: number) => {
    for (;;) {
      const reply = await get()
      if (reply.status === status) return reply
    }
  }
  const restart = async () => {
    await centre.stop()
    const listen = { host: '127.0.0.1', port: Number(port) }
    centre = await startCentre(joinPath(folder, 'source'), state, { listen })
  }
  const list = () => listVolunteers(state, new AbortController().signal)
  return { origin, token, given, source, get, until, restart, list }
}

const join = (token: string | null, baseUrl: string): Join => ({
  type: 'join',
  token,
  baseUrl,
  uplink: null,
  quota: null,
})
const load: Load = {
  type: 'load',
  modules: [{ module: 'm', through: 1, following: 1 }],
  fair: 1e9,
  flows: 0,
  lasting: [],
  clientRate: 0,
  syncRate: 0,
  observed: [],
}

/** @returns what it was told, once it was */
function volunteer(t: Test, origin: string, token: string | null, baseUrl: string) {
  const stop = new AbortController()
  let running: Promise<void> = Promise.resolve()
  let channel: VolunteerChannel | null = null
  const told = new Promise<EnrolledMessage | string>((resolve) => {
    channel = new VolunteerChannel({
      origin,
      userAgent: 'prsync/test',
      keys: KEYS,
      join: join(token, baseUrl),
      load: () => load,
      onEnrolled: resolve,
      onWanted: () => {},
      onLost: resolve,
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
  return { told, leave, drain: () => channel?.drain() }
}

t.test('clients are sent there while it reports, and not when it drains or is gone', async (t) => {
  const { origin, token, given, get, until } = await start(t)
  t.equal((await get()).status, 200, 'nobody reported yet')
  const first = volunteer(t, origin, token, given.url)
  t.match(await first.told, { name: 'v1', bounceKey: /^[0-9a-f]{64}$/ })
  t.match(await until(302), { headers: { location: `${given.url}/m/big` } })
  first.drain()
  t.ok(await until(200))
  await first.leave()
  const second = volunteer(t, origin, null, given.url)
  t.match(await second.told, { name: 'v1' }, 'its key is enough')
  t.ok(await until(302))
  await second.leave()
  t.ok(await until(200))
})

t.test('a centre that starts again sends nobody until they are back, by themselves', async (t) => {
  const { origin, token, given, get, until, restart } = await start(t)
  await volunteer(t, origin, token, given.url).told
  t.ok(await until(302))
  await restart()
  t.equal((await get()).status, 200)
  t.match(await until(302), { headers: { location: `${given.url}/m/big` } })
})

t.test('who is not enrolled is refused, and so is a signature of another', async (t) => {
  const { origin, token, given, get } = await start(t)
  t.match(await volunteer(t, origin, null, given.url).told, /an invitation is wanted/)
  const other = keyPairOf(new Uint8Array(32).fill(2))
  const { signal } = new AbortController()
  const url = new URL(VOLUNTEER_PATH, origin.replace('http', 'ws'))
  const say = async (frame: (nonce: string) => string): Promise<string | null> => {
    const socket = await connectWebSocket(url, 10_000, 'prsync/test', signal)
    socket.write(formatKey(KEYS))
    const word = parseCentreWord((await socket.read(signal)) ?? '')
    socket.write(frame(word?.type === 'nonce' ? word.nonce : ''))
    const answer = await socket.read(signal)
    socket.close()
    return answer
  }
  t.equal(await say((nonce) => formatSigned(join(token, given.url), other, nonce, 0)), null)
  t.equal(await say(() => formatSigned(join(token, given.url), KEYS, '00'.repeat(16), 0)), null)
  t.equal(await say((nonce) => formatSigned(join(token, given.url), KEYS, nonce, 1)), null)
  t.equal(await say((nonce) => formatSigned(load, KEYS, nonce, 0)), null, 'no join first')
  t.equal(await say(() => 'x'.repeat(20_000)), null)
  t.match(await say((nonce) => formatSigned(join(token, given.url), KEYS, nonce, 0)), /enrolled/)
  t.equal((await get()).status, 200, 'it never reported')
})

t.test('a centre that falls silent without a word is left, and asked anew', async (t) => {
  let sockets = 0
  const end = new AbortController()
  const greet = async (socket: TextSocket): Promise<void> => {
    sockets++
    await socket.read(end.signal)
    socket.write(formatCentreWord({ type: 'nonce', nonce: '00'.repeat(16) }))
    await socket.read(end.signal)
    const [bounceKey, centre] = ['00'.repeat(32), 'http://centre.example']
    socket.write(formatCentreWord({ type: 'enrolled', name: 'v1', bounceKey, centre }))
  }
  const onSocket = (socket: TextSocket): void => void greet(socket).catch(() => {})
  const { upgrade } = acceptWebSockets([{ path: VOLUNTEER_PATH, messageBytes: 20_000, onSocket }])
  const handle = () => Promise.resolve({ status: 404, headers: {} })
  const listen = { host: '127.0.0.1', port: 0, tls: null, log: () => {} }
  const server = await serveHttp({ ...listen, handle, upgrade })
  t.teardown(() => server.close())
  let lost: () => void = () => {}
  const isLost = new Promise<void>((resolve) => (lost = resolve))
  // a hundred seconds are over soon
  const clock = { ...systemClock, monotonic: () => 0, now: () => 0 }
  clock.sleep = (ms, signal) => systemClock.sleep(Math.min(ms, 20), signal)
  const channel = new VolunteerChannel({
    ...{ origin: `http://127.0.0.1:${server.port}`, userAgent: 'prsync/test', keys: KEYS },
    ...{ join: join(null, 'http://127.0.0.2:1'), load: () => load, clock, random: systemRandom },
    ...{ onEnrolled: () => {}, onWanted: () => {}, onLost: () => lost() },
  })
  const kept = channel.keep(end.signal).catch(() => {})
  await isLost
  while (sockets < 2) await systemClock.sleep(1, end.signal)
  t.ok(sockets >= 2)
  end.abort(new Error('the test is over'))
  await kept
})

t.test('one that floods its channel is let go', async (t) => {
  const { origin, token, given } = await start(t)
  const { signal } = new AbortController()
  const url = new URL(VOLUNTEER_PATH, origin.replace('http', 'ws'))
  const socket = await connectWebSocket(url, 10_000, 'prsync/test', signal)
  socket.write(formatKey(KEYS))
  const word = parseCentreWord((await socket.read(signal)) ?? '')
  const nonce = word?.type === 'nonce' ? word.nonce : ''
  socket.write(formatSigned(join(token, given.url), KEYS, nonce, 0))
  t.match(await socket.read(signal), /enrolled/)
  const have = { type: 'have', module: 'm', isFirst: true, contents: [] } as const
  for (let count = 1; count < 200; count++) socket.write(formatSigned(have, KEYS, nonce, count))
  t.equal(await socket.read(signal), null)
})

t.test('one whose bytes are wrong never gets a client, and is out', async (t) => {
  const { origin, token, given, get, restart, list } = await start(t)
  given.fault = 'wrong'
  await volunteer(t, origin, token, given.url).told
  const isOut = async (): Promise<boolean> => (await list())[0]?.state === 'quarantined'
  while (!(await isOut())) t.equal((await get()).status, 200)
  t.match(await list(), [{ why: /wrong bytes: m\/big \d+-\d+: SHA-256/ }])
  t.match((await get()).status, 200)
  await restart()
  t.match(await list(), [{ state: 'quarantined', why: /wrong bytes/ }])
})

t.test('one that cannot be reached gets nobody until it can, by itself', async (t) => {
  const { origin, token, given, get, until, list } = await start(t)
  for (const fault of ['missing', 'busy', 'cut'] as const) {
    given.fault = fault
    t.equal((await get()).status, 200)
  }
  given.fault = 'missing'
  await volunteer(t, origin, token, given.url).told
  const why = async (): Promise<string> => (await list())[0]?.why ?? ''
  while (!/answers 404/.test(await why())) t.equal((await get()).status, 200)
  t.match(await list(), [{ state: 'untried', audits: 0 }])
  given.fault = 'none'
  t.match(await until(302), { headers: { location: `${given.url}/m/big` } })
  t.match(await list(), [{ state: 'fresh', audits: 1 }])
})

t.test('a file that is damaged at the centre is not held against a volunteer', async (t) => {
  const { origin, token, given, source, get, list } = await start(t)
  writeFileSync(joinPath(source, 'big'), ruled(100_001).subarray(1))
  await volunteer(t, origin, token, given.url).told
  const asked = given.asked.length
  while (given.asked.length < asked + 2) await get()
  t.match(await list(), [{ state: 'untried', audits: 0 }])
})
