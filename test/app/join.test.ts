/** A centre and two volunteers, processes on addresses of loopback: clients are sent there, one is killed, another takes its place. */
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { inviteVolunteer, listVolunteers } from '../../lib/app/volunteer-admin.js'
import { type AskedReply, askAt } from '../support/ask.js'
import { startCentre } from '../support/centre.js'
import { ruled } from '../support/contents.js'
import { type Service, startService as start } from '../support/service.js'

const BIG = Buffer.from(ruled(300_000))
const { signal } = new AbortController()

t.test('files are given by volunteers, and whoever fails is made up for', async (t) => {
  const folder = t.testdir({ source: {}, state: {} })
  writeFileSync(join(folder, 'source', 'big.iso'), BIG)
  const state = join(folder, 'state')
  const centre = await startCentre(join(folder, 'source'), state)
  t.teardown(() => centre.stop())
  const port = Number(new URL(centre.url).port)
  const services = new Map<string, Service>()
  for (const host of ['127.0.0.2', '127.0.0.3']) {
    const token = await inviteVolunteer(
      state,
      { name: host, uplink: null, networks: [], ttlMs: 60_000 },
      signal,
    )
    const own = ['--state', join(folder, `state-${host}`), '--listen', `${host}:0`]
    const more = ['--peer-listen', `${host}:0`, '--uplink', '1g', '--delete']
    const tree = join(folder, `tree-${host}`)
    const service = start(t, '--join', centre.url, '--token', token, ...own, ...more, tree)
    services.set(host, service)
    await service.said(/in step with sequence 1\n/)
    await service.said(new RegExp(`volunteer ${host} of`))
  }
  let clients = 0
  const ask = (path: string, client = `client/${clients++}`, method = 'GET') =>
    askAt(port, path, { 'user-agent': client }, method)
  const until = async (isIt: (reply: AskedReply) => boolean, path = '/m/big.iso') => {
    for (;;) {
      const client = `client/${clients++}`
      const reply = await ask(path, client)
      if (isIt(reply)) return { reply, client, location: `${reply.headers['location']}` }
    }
  }
  const bytesAt = async (url: string): Promise<Buffer> =>
    Buffer.from(await (await fetch(url)).arrayBuffer())

  const here = await ask('/m/big.iso', 'x', 'HEAD')
  const { client, location } = await until(({ status }) => status === 302)
  const given = await fetch(location)
  t.ok(BIG.equals(Buffer.from(await given.arrayBuffer())))
  t.equal(given.headers.get('accept-ranges'), 'bytes')
  for (const name of ['etag', 'last-modified'])
    t.equal(given.headers.get(name), `${here.headers[name]}`, name)
  const range = await fetch(location, { headers: { range: 'bytes=5-9' } })
  t.equal(range.status, 206)
  t.ok(BIG.subarray(5, 10).equals(Buffer.from(await range.arrayBuffer())))

  const lacking = await fetch(location.replace('big.iso', 'none'), { redirect: 'manual' })
  t.equal(lacking.status, 307)
  t.match(lacking.headers.get('location'), /^http:\/\/127\.0\.0\.1:\d+\/m\/none\?prsync-bounce=127/)

  // changed by somebody else: the volunteer sends the client back, and the centre gives it
  const { hostname: failed } = new URL(location)
  const damaged = join(folder, `tree-${failed}`, 'big.iso')
  writeFileSync(damaged, BIG.subarray(1))
  const bounced = await fetch(location)
  t.match(bounced.url, /^http:\/\/127\.0\.0\.1:\d+\/m\/big\.iso\?prsync-bounce=/)
  t.ok(BIG.equals(Buffer.from(await bounced.arrayBuffer())))

  services.get(failed)?.child.kill('SIGKILL')
  await t.rejects(bytesAt(location))
  const again = await ask('/m/big.iso', client)
  const other = failed === '127.0.0.2' ? '127.0.0.3' : '127.0.0.2'
  if (again.status === 302) t.match(again.headers['location'], `http://${other}:`)
  else t.equal(again.status, 200)
  // soon the centre knows: the channel is gone
  const isToOther = ({ headers }: AskedReply): boolean =>
    `${headers['location']}`.startsWith(`http://${other}:`)
  const second = await until(isToOther)
  t.ok(BIG.equals(await bytesAt(second.location)))

  const fresh = BIG.subarray(1)
  writeFileSync(join(folder, 'source', 'next.iso'), fresh)
  await centre.rescan()
  const third = await until(isToOther, '/m/next.iso')
  t.ok(fresh.equals(await bytesAt(third.location)), 'a push brings the next snapshot')

  const { child } = services.get(other) ?? start(t)
  child.kill('SIGTERM')
  const [status] = (await once(child, 'close')) as [number]
  t.equal(status, 0, 'it drains and ends')
  t.ok(await until(({ status }) => status === 200))
  t.match(await listVolunteers(state, signal), [{ name: '127.0.0.2' }, { name: '127.0.0.3' }])
})

t.test('a part of two modules: never sent where it is not', async (t) => {
  const folder = t.testdir({ one: {}, two: {}, state: {} })
  const write = (name: string, skip: number): Buffer => {
    writeFileSync(join(folder, name), BIG.subarray(skip))
    return BIG.subarray(skip)
  }
  write('one/a.iso', 0)
  write('one/b.img', 1)
  write('two/c.img', 2)
  const state = join(folder, 'state')
  const modules = ['one', 'two'].map((name) => ({ name, directory: join(folder, name) }))
  const centre = await startCentre('', state, { modules })
  t.teardown(() => centre.stop())
  const { port, origin } = new URL(centre.url)
  const token = await inviteVolunteer(
    state,
    { name: 'v', uplink: null, networks: [], ttlMs: 60_000 },
    signal,
  )
  const [one, two] = [join(folder, 'v-one'), join(folder, 'v-two')]
  const urls = ['--join', `${origin}/one`, '--join', `${origin}/two`]
  const own = ['--state', join(folder, 'v-state'), '--listen', '127.0.0.2:0', '--delete']
  const part = ['--include', '*.iso', '--exclude', '/*.img', '--peer-listen', '127.0.0.2:0']
  start(t, ...urls, '--token', token, ...own, ...part, one, two)
  let clients = 0
  const ask = (path: string) =>
    askAt(Number(port), path, { 'user-agent': `client/${clients++}` }, 'GET')
  const until = async (path: string): Promise<string> => {
    for (;;) {
      const { status, headers } = await ask(path)
      if (status === 302) return `${headers['location']}`
    }
  }
  const bytesAt = async (url: string): Promise<Buffer> =>
    Buffer.from(await (await fetch(url)).arrayBuffer())
  t.ok(BIG.equals(await bytesAt(await until('/one/a.iso'))))
  t.equal((await ask('/two/c.img')).status, 200, 'the filters are of both modules')
  t.equal((await ask('/one/b.img')).status, 200)

  // what comes is given at once, and what goes is not asked for any more
  const fresh = write('one/d.iso', 3)
  await centre.rescan()
  t.ok(fresh.equals(await bytesAt(await until('/one/d.iso'))))
  t.ok(BIG.equals(await bytesAt(await until('/one/a.iso'))))
  // the same bytes under a name that it leaves out: it has them, and gives them
  write('one/e.img', 0)
  await centre.rescan()
  t.ok(BIG.equals(await bytesAt(await until('/one/e.img'))))
  t.equal((await ask('/one/b.img')).status, 200)
})

t.test('a token that is none is told of, and it goes on asking', async (t) => {
  const folder = t.testdir({ source: { a: 'a' }, state: {} })
  const centre = await startCentre(join(folder, 'source'), join(folder, 'state'))
  t.teardown(() => centre.stop())
  const own = [
    '--state',
    join(folder, 'own'),
    '--listen',
    '127.0.0.2:0',
    '--peer-listen',
    '127.0.0.2:0',
  ]
  const service = start(t, '--join', centre.url, '--token', 'none', ...own, join(folder, 'tree'))
  await service.said(/no clients for now: .*no invitation has this token/)
  service.child.kill('SIGTERM')
  await once(service.child, 'close')
})
