/** A centre of two that share their volunteers is killed while clients ask and download: the other goes on alone, and it comes back as it was. */
import { cpSync, writeFileSync } from 'node:fs'
import http, { type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import t from 'tap'
import { changeVolunteer, inviteVolunteer, listVolunteers } from '../../lib/app/volunteer-admin.js'
import { askAt } from '../support/ask.js'
import { channelVolunteer } from '../support/channel-volunteer.js'
import { ruled } from '../support/contents.js'
import { startVolunteer } from '../support/http-volunteers.js'
import { freePort } from '../support/ports.js'
import { noRedis, startRedis } from '../support/redis.js'
import { type Service, startService } from '../support/service.js'

const { signal } = new AbortController()
const [A, B] = ['127.0.0.1', '127.0.0.4'] as const
const FILE = Buffer.from(ruled(300_000))
/** More than sockets hold: a client that stops reading has not got it all. */
const LARGE = Buffer.from(ruled(40_000_000))
const CLIENTS = 6

t.test('killed while clients ask', { skip: noRedis }, async (t) => {
  const folder = t.testdir({ source: {}, a: {} })
  const source = join(folder, 'source')
  writeFileSync(join(source, 'file'), FILE)
  writeFileSync(join(source, 'large'), LARGE)
  const redis = await startRedis(t)
  const port = await freePort(A)
  const stateOf = (host: string): string => join(folder, host === A ? 'a' : 'b')
  const start = async (host: string): Promise<Service> => {
    const listen = ['--listen', `${host}:${port}`, '--peer-listen', `${host}:0`]
    const own = ['--state', stateOf(host), '--shared', redis.url]
    const service = startService(t, '--tracker', `m=${source}`, ...own, ...listen)
    await service.said(/serving m .* at http/)
    return service
  }
  const first = await start(A)
  cpSync(stateOf(A), stateOf(B), { recursive: true, filter: (name) => !name.endsWith('.sock') })
  await start(B)
  const invite = (at: string, name: string): Promise<string> =>
    inviteVolunteer(stateOf(at), { name, uplink: 1e10, networks: [], ttlMs: 3600_000 }, signal)
  /** Who is enrolled or invited, and what an admin said of them. */
  const roster = async (host: string): Promise<string[]> =>
    (await listVolunteers(stateOf(host), signal))
      .map(({ name, state, why }) => (state === 'quarantined' ? `${name} ${state} ${why}` : name))
      .sort()
  const knows = async (host: string, what: string): Promise<void> => {
    while (!(await roster(host)).includes(what));
  }
  const snapshot = async (host: string): Promise<Buffer> => {
    const { status, body } = await askAt(port, '/m/.~prsync~/head', {}, 'GET', host)
    t.equal(status, 200)
    return body
  }

  const downloads = Array.from({ length: 3 }, () => begun(port))
  for (const { response } of downloads) t.equal((await response).statusCode, 200)
  const token = await invite(A, 'v1')
  const given = await startVolunteer(t, 'v1', '127.0.0.2', source, () => `http://${A}:${port}`)
  await channelVolunteer(t, `http://${B}:${port}`, 1, token, given.url).told
  await invite(A, 'v2')
  await knows(B, 'v2')
  await changeVolunteer(stateOf(B), { volunteer: 'quarantine', name: 'v2', why: 'a test' }, signal)
  await knows(A, 'v2 quarantined a test')
  const before = await roster(A)

  const tally = { cut: 0, redirected: { [A]: 0, [B]: 0 } }
  let isOver = false
  let asked = 0
  /** Asks both in turn; where one does not answer, the other. What is thrown is what a user would have seen. */
  const client = async (n: number): Promise<void> => {
    for (let i = n; !isOver; i++) {
      const [host, other] = i % 2 === 0 ? ([A, B] as const) : ([B, A] as const)
      const headers = { 'user-agent': `client/${asked++}` }
      let at: typeof A | typeof B = host
      const reply = await askAt(port, '/m/file', headers, 'GET', host).catch(() => {
        if (host !== A) throw new Error('the one that lives did not answer')
        tally.cut++
        at = other
        return askAt(port, '/m/file', headers, 'GET', other)
      })
      if (reply.status === 302) tally.redirected[at]++
      else if (reply.status !== 200) throw new Error(`${at} says ${reply.status}`)
      const location = reply.headers['location']
      const body =
        reply.status === 200
          ? reply.body
          : Buffer.from(await (await fetch(`${location}`)).arrayBuffer())
      if (!FILE.equals(body)) throw new Error(`${at} gave wrong bytes`)
    }
  }
  const phases = async (): Promise<void> => {
    const redirects = async (host: typeof A | typeof B): Promise<void> => {
      const enough = tally.redirected[host] + 10
      while (tally.redirected[host] < enough) await turn()
    }
    await Promise.all([redirects(A), redirects(B)])
    first.child.kill('SIGKILL')
    while (tally.cut < CLIENTS) await turn()
    await redirects(B)
    for (const { rest } of downloads) {
      const got = await rest()
      t.ok(got.length < LARGE.length, `cut after ${got.length} bytes`)
      const range = { range: `bytes=${got.length}-`, 'user-agent': `resumed/${asked++}` }
      const reply = await fetch(`http://${B}:${port}/m/large`, { headers: range })
      t.equal(reply.status, 206)
      t.ok(LARGE.equals(Buffer.concat([got, Buffer.from(await reply.arrayBuffer())])), 'whole')
    }
    await invite(B, 'v3')
    await start(A)
    await redirects(A)
  }
  const running = Promise.all(Array.from({ length: CLIENTS }, (_, n) => client(n)))
  try {
    await Promise.race([phases(), running])
  } finally {
    isOver = true
  }
  await running
  t.comment(`${asked} requests, ${tally.cut} of them on a connection that was cut or refused`)
  await knows(A, 'v3')
  t.same(await roster(A), [...before, 'v3'], 'what it knew, and what came while it was away')
  t.ok((await snapshot(A)).equals(await snapshot(B)), 'the same snapshot by the same key')
})

/** A client of A in the middle of its download: it reads no further until it wants the rest. */
function begun(port: number): {
  readonly response: Promise<IncomingMessage>
  /** What came before the connection was cut. */
  rest(): Promise<Buffer>
} {
  const response = new Promise<IncomingMessage>((resolve, reject) => {
    const options = { host: A, port, path: '/m/large', agent: false }
    http.get(options, resolve).once('error', reject)
  })
  const rest = async (): Promise<Buffer> => {
    const chunks: Buffer[] = []
    const got = await response
    await new Promise((resolve) => {
      got.on('data', (chunk: Buffer) => chunks.push(chunk))
      got.on('error', resolve)
      got.on('end', resolve)
    })
    return Buffer.concat(chunks)
  }
  return { response, rest }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
