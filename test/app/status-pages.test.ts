/** The status pages and metrics of a centre without a browser: both forms, whom they answer, and that looking changes nothing. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { LIVE_PATH } from '../../lib/app/status-routes.js'
import { inviteVolunteer } from '../../lib/app/volunteer-admin.js'
import { connectWebSocket } from '../../lib/io/ws.js'
import { askAt } from '../support/ask.js'
import { startCentre } from '../support/centre.js'
import { channelVolunteer } from '../support/channel-volunteer.js'
import { ruled } from '../support/contents.js'
import { startVolunteer } from '../support/http-volunteers.js'
import { projectFile } from '../support/project.js'

const { signal } = new AbortController()
const folder = t.testdir({ source: {}, state: {} })
const state = join(folder, 'state')
mkdirSync(join(folder, 'source', 'd'))
writeFileSync(join(folder, 'source', 'd', 'big'), ruled(100_000))
writeFileSync(join(folder, 'source', 'small'), 'small')
const centre = await startCentre(join(folder, 'source'), state)
t.teardown(() => centre.stop())
const { origin, port } = new URL(centre.url)
const ask = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  askAt(Number(port), path, headers, method)
const json = async (path: string): Promise<unknown> =>
  JSON.parse((await ask(path)).body.toString()) as unknown
const token = await inviteVolunteer(
  state,
  { name: 'v1', uplink: null, networks: [], ttlMs: 60_000 },
  signal,
)
const given = await startVolunteer(t, 'v1', '127.0.0.2', join(folder, 'source'), () => origin)
const volunteer = channelVolunteer(t, origin, 1, token, given.url)
await volunteer.told
for (let i = 0; ; i++)
  if ((await ask('/m/d/big', { 'user-agent': `curl/${i}` })).status === 302) break
await ask('/m/small')

t.test('JSON for everybody, HTML for browsers', async (t) => {
  t.match(await json('/status/'), {
    alarms: [],
    delivery: { redirects: 1, bytesAway: 100_000 },
    volunteers: [{ name: 'v1', state: 'fresh', tally: { redirects: 1 }, at: { flows: 0 } }],
    modules: [{ module: 'm', sequence: 1 }],
  })
  t.match(await json('/status/volunteers'), { volunteers: [{ name: 'v1' }] })
  t.match(await json('/status/swarm/m'), { module: 'm', nodes: [] })
  t.match(await json('/status/file/m/d/big'), {
    ...{ module: 'm', name: 'd/big', size: 100_000, since: 1, kind: 'file' },
    ...{ holders: [{ name: 'v1', state: 'fresh' }], reporting: 1 },
    decisions: [{ client: 'curl', volunteer: 'v1' }],
  })
  t.match(await json('/status/file/m/'), {
    kind: 'directory',
    entries: [
      { name: 'd', holders: null },
      { name: 'small', holders: 1 },
    ],
  })
  for (const path of ['', 'volunteers', 'swarm/m', 'file/m/', 'file/m/d/big']) {
    const html = await ask(`/status/${path}`, { accept: 'text/html' })
    t.match(html.headers, { 'content-type': /html/, 'cache-control': 'no-store', vary: 'Accept' })
    const policy = `${html.headers['content-security-policy']}`
    t.match(policy, /default-src 'none'.*script-src 'sha256-.*connect-src 'self'/)
    t.notMatch(policy, /unsafe|\*/)
    t.match(html.body.toString(), /<main>.*<\/main>/s)
    t.notMatch(html.body.toString(), /(src|href)="https?:/, 'nothing from elsewhere')
    t.match(
      (await ask(`/status/${path}?json`, { accept: 'text/html' })).headers['content-type'],
      /json/,
    )
  }
  t.match(await ask('/status'), { status: 301, headers: { location: '/status/' } })
})

t.test('what is not there', async (t) => {
  for (const path of ['x', 'swarm/', 'swarm/none', 'file/m/none', 'file/m/..', 'file/m/%', 'live'])
    t.equal((await ask(`/status/${path}`)).status, 404, path)
  for (const path of ['/status/', '/metrics'])
    t.match(await ask(path, {}, 'POST'), { status: 405, headers: { allow: 'GET, HEAD' } })
})

t.test('metrics, each told of in prsync-metrics(5)', async (t) => {
  const { headers, body } = await ask('/metrics')
  t.equal(headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8')
  const text = body.toString()
  for (const line of text.trimEnd().split('\n'))
    t.match(
      line,
      /^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? -?[\d.e+-]+)$/,
    )
  t.match(text, /^prsync_redirects_total\{volunteer="v1",client="curl",reason="[a-z ]+"\} 1$/m)
  t.match(text, /^prsync_direct_total\{reason="small"\} 1$/m)
  t.match(text, /^prsync_offload_bytes_total 100000$/m)
  t.match(text, /^prsync_volunteers\{state="fresh"\} 1$/m)
  t.match(text, /^prsync_volunteer_behind\{volunteer="v1",module="m"\} 0$/m)
  const page = readFileSync(projectFile('man/prsync-metrics.5'), 'utf8')
  const told = [...page.matchAll(/^\.It Ic (prsync_[a-z_]+)/gm)].map(([, name]) => name)
  const given = [...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name)
  t.same(told.sort(), given.sort())
})

t.test('a page follows what happens', async (t) => {
  const url = new URL(LIVE_PATH, origin.replace('http', 'ws'))
  const open = async (page: string) => {
    const socket = await connectWebSocket(url, 1_000_000, 'prsync/test', signal)
    t.teardown(() => socket.close())
    socket.write(page)
    return socket
  }
  t.equal(await (await open('none')).read(signal), null, 'no such page')
  const socket = await open('volunteers')
  t.match(await socket.read(signal), /^<main>.*>fresh</s)
  volunteer.drain()
  for (;;) if (/>draining</.test((await socket.read(signal)) ?? '')) break
  t.equal(await (await open('x'.repeat(100_000))).read(signal), null)
})

t.test('who has the token may change volunteers, by POST', async (t) => {
  const post = async (command: object, given: string) => {
    const reply = await fetch(`${origin}/.~prsync~/volunteers`, {
      method: 'POST',
      headers: { authorization: `Bearer ${given}` },
      body: JSON.stringify(command),
    })
    return [reply.status, await reply.text()]
  }
  const admin = readFileSync(join(state, 'admin-token'), 'latin1').trim()
  const quarantine = { volunteer: 'quarantine', name: 'v1', why: 'a test' }
  t.match(await post(quarantine, ''), [401])
  t.match(await post(quarantine, '0'.repeat(64)), [401])
  t.equal((await ask('/.~prsync~/volunteers')).status, 405)
  t.match(await json('/status/volunteers'), { volunteers: [{ state: 'draining' }] })
  t.same(await post(quarantine, admin), [200, '{"known":true}\n'])
  t.match(await json('/status/'), {
    alarms: ['v1 is quarantined: a test'],
    volunteers: [{ state: 'quarantined', why: 'a test' }],
  })
  t.match(await post({ volunteer: 'list' }, admin), [200, /"v1"/])
  t.match(await post({ volunteer: 'eat', name: 'v1' }, admin), [400, /not understood/])
  t.match(await post({ volunteer: 'release', name: 'x'.repeat(20_000), why: '' }, admin), [400])
})
