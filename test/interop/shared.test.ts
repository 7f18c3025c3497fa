/** Two centres that share their volunteers through Redis: what one knows the other knows; whoever is killed, no client sees an error. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { changeVolunteer, inviteVolunteer, listVolunteers } from '../../lib/app/volunteer-admin.js'
import { askAt } from '../support/ask.js'
import { startCentre, type TestCentre } from '../support/centre.js'
import { channelVolunteer } from '../support/channel-volunteer.js'
import { ruled } from '../support/contents.js'
import { startVolunteer } from '../support/http-volunteers.js'
import { noRedis, startRedis } from '../support/redis.js'
import { runAsync } from '../support/run-async.js'

const { signal } = new AbortController()
const HOUR_MS = 3600_000

t.test('two centres', { skip: noRedis }, async (top) => {
  const t = top
  const folder = t.testdir({ source: {}, a: {}, b: {}, client: {} })
  const source = join(folder, 'source')
  writeFileSync(join(source, 'big'), ruled(300_000))
  const redis = await startRedis(t)
  const start = (state: string, host: string, port = 0): Promise<TestCentre> =>
    startCentre(source, join(folder, state), { shared: redis.url, listen: { host, port } })
  const a = await start('a', '127.0.0.1')
  t.teardown(() => a.stop())
  const port = Number(new URL(a.url).port)
  copyFileSync(join(folder, 'a', 'key'), join(folder, 'b', 'key'))
  let b = await start('b', '127.0.0.4', port)
  t.teardown(() => b.stop())

  let clients = 0
  const ask = (host: string) =>
    askAt(port, '/m/big', { 'user-agent': `client/${clients++}` }, 'GET', host)
  /** Until both answer so; whatever they say meanwhile is no error. */
  const both = async (status: number, hosts = ['127.0.0.1', '127.0.0.4']): Promise<void> => {
    for (const host of hosts)
      for (;;) {
        const said = (await ask(host)).status
        if (said === status) break
        if (said !== 200 && said !== 302) throw new Error(`${host} says ${said}`)
      }
  }
  const state = (of: string) => join(folder, of)
  const listed = async (of: string): Promise<string[]> =>
    (await listVolunteers(state(of), signal)).map((each) => `${each.name} ${each.state}`)
  const until = async (of: string, expected: RegExp): Promise<void> => {
    for (;;) {
      const found = await listed(of)
      if (expected.test(found.join())) return
    }
  }

  t.test('an invitation of one is taken at the other, and both send clients there', async (t) => {
    const token = await inviteVolunteer(
      state('a'),
      { name: 'v1', uplink: 1e10, networks: [], ttlMs: HOUR_MS },
      signal,
    )
    await until('b', /^v1 invited$/)
    const given = await startVolunteer(top, 'v1', '127.0.0.2', source, () => new URL(b.url).origin)
    const volunteer = channelVolunteer(top, new URL(b.url).origin, 1, token, given.url)
    t.match(await volunteer.told, { name: 'v1' })
    await both(302)
    t.pass('it is on the channel of one alone')
    const view = async (host: string): Promise<number> => {
      const reply = await askAt(port, '/status/volunteers', {}, 'GET', host)
      const { volunteers } = JSON.parse(reply.body.toString()) as {
        volunteers: { at: { load: number } | null }[]
      }
      return volunteers[0]?.at?.load ?? 0
    }
    const before = await view('127.0.0.4')
    while ((await view('127.0.0.4')) <= before) await ask('127.0.0.1')
    t.pass('redirects of one are work that the other knows of')
  })

  t.test('without the server each goes on with what it knows', async (t) => {
    await redis.kill()
    for (const host of ['127.0.0.1', '127.0.0.4'])
      for (let i = 0; i < 20; i++) t.equal((await ask(host)).status, 302, host)
    await redis.start()
    await both(302)
  })

  t.test('one is stopped: a client with both addresses gets its file', async (t) => {
    await b.stop()
    const fetched = async (n: number): Promise<void> => {
      const url = `http://centre.test:${port}/m/big`
      const resolve = `centre.test:${port}:127.0.0.4,127.0.0.1`
      const args = ['-fsSL', '-A', `curl/${n}`, '--resolve', resolve, '-o', 'got', url]
      const { status, stderr } = await runAsync('curl', args, join(folder, 'client'))
      t.equal(status, 0, stderr)
      t.ok(readFileSync(join(folder, 'client', 'got')).equals(Buffer.from(ruled(300_000))))
    }
    for (let n = 0; n < 5; n++) await fetched(n)
    b = await start('b', '127.0.0.4', port)
    t.equal((await ask('127.0.0.4')).status, 200, 'it begins by itself')
    await both(302)
    t.match(await listed('b'), ['v1 fresh'])
  })

  t.test(
    'what an admin says at one counts at both, also what was said without the server',
    async (t) => {
      const say = (volunteer: 'quarantine' | 'release' | 'remove', to: string) =>
        changeVolunteer(state(to), { volunteer, name: 'v1', why: 'x' }, signal)
      await say('quarantine', 'a')
      await until('b', /^v1 quarantined$/)
      for (const host of ['127.0.0.1', '127.0.0.4']) t.equal((await ask(host)).status, 200, host)
      await redis.kill()
      await say('release', 'b')
      t.same(await listed('b'), ['v1 untried'])
      t.same(await listed('a'), ['v1 quarantined'], 'which cannot know of it')
      await redis.start()
      await until('a', /^v1 (untried|fresh)$/)
      await say('remove', 'a')
      await until('b', /^$/)
      for (const host of ['127.0.0.1', '127.0.0.4']) t.equal((await ask(host)).status, 200, host)
    },
  )
})

t.test('the server is wrong or silent: the centre serves all the same', async (t) => {
  const folder = t.testdir({ source: {}, state: {} })
  mkdirSync(join(folder, 'source'), { recursive: true })
  writeFileSync(join(folder, 'source', 'big'), ruled(100_000))
  const centre = await startCentre(join(folder, 'source'), join(folder, 'state'), {
    shared: 'redis://127.0.0.1:1',
  })
  t.teardown(() => centre.stop())
  t.equal((await askAt(Number(new URL(centre.url).port), '/m/big', {}, 'GET')).status, 200)
})
