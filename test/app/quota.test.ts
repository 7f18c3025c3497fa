/** Volunteers with a quota, as processes: they hold what came lately and is asked for, make room for it, and get no clients for the rest. */
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { systemClock } from '../../lib/app/system.js'
import { verify } from '../../lib/app/verify.js'
import { inviteVolunteer, listVolunteers } from '../../lib/app/volunteer-admin.js'
import { askAt } from '../support/ask.js'
import { NO_EVENTS, startCentre } from '../support/centre.js'
import { ruled } from '../support/contents.js'
import { freePort } from '../support/ports.js'
import { startService } from '../support/service.js'

const BIG = Buffer.from(ruled(300_000))
const { signal } = new AbortController()

t.test('new releases within the quota, by what is asked', async (t) => {
  const folder = t.testdir({ source: { pool: {} }, state: {} })
  const write = (name: string, skip: number): Buffer => {
    writeFileSync(join(folder, 'source', name), BIG.subarray(skip))
    return BIG.subarray(skip)
  }
  write('old.iso', 0)
  const state = join(folder, 'state')
  let skippedMs = 0
  const clock = {
    now: () => systemClock.now() + skippedMs,
    monotonic: () => systemClock.monotonic() + skippedMs,
    sleep: systemClock.sleep.bind(systemClock),
  }
  let centre = await startCentre(join(folder, 'source'), state, {}, () => {}, clock)
  t.teardown(() => centre.stop())
  const port = Number(new URL(centre.url).port)
  const tree = join(folder, 'tree')
  const own = await freePort('127.0.0.2')
  const args = (token: readonly string[]) => [
    ...['--join', centre.url, ...token, '--state', join(folder, 'own'), '--quota', '500000'],
    ...['--listen', `127.0.0.2:${own}`, '--peer-listen', '127.0.0.2:0', tree],
  ]
  const token = await inviteVolunteer(
    state,
    { name: 'v', uplink: null, networks: [], ttlMs: 60_000 },
    signal,
  )
  const service = startService(t, ...args(['--token', token]))
  await service.said(/in step with sequence 1\n/)
  let clients = 0
  /** HEAD is no demand. */
  const ask = (name: string, method = 'HEAD') =>
    askAt(port, `/m/${name}`, { 'user-agent': `client/${clients++}` }, method)
  const until = async (name: string, status: number): Promise<string> => {
    for (;;) {
      const reply = await ask(name)
      if (reply.status === status) return `${reply.headers['location']}`
    }
  }
  const bytesAt = async (url: string): Promise<Buffer> =>
    Buffer.from(await (await fetch(url)).arrayBuffer())
  t.notOk(existsSync(join(tree, 'old.iso')), 'what the first snapshot had is no release')

  const first = write('pool/first.iso', 1)
  await centre.rescan()
  t.ok(first.equals(await bytesAt(await until('pool/first.iso', 302))))
  t.equal((await ask('old.iso')).status, 200)
  t.same(
    ['old.iso', 'pool/first.iso'].map((name) => existsSync(join(tree, name))),
    [false, true],
  )

  const replicas = async (name: string): Promise<unknown> => {
    const { body } = await askAt(port, `/status/file/m/${name}`, {}, 'GET')
    return (JSON.parse(body.toString()) as { replicas: unknown }).replicas
  }
  t.same(await replicas('pool/first.iso'), { wanted: 1, placed: 1, present: 1 })
  t.equal(await replicas('old.iso'), null)
  const page = await askAt(port, '/status/file/m/pool/first.iso', { accept: 'text/html' }, 'GET')
  t.match(
    page.body.toString(),
    /<b>1 \/ 1<\/b><span>wanted replicas are there, on volunteers with a quota</,
  )

  // it does not fit beside the first; asked for more, it takes its place
  const second = write('pool/second.iso', 2)
  await centre.rescan()
  await service.said(/in step with sequence 3\n/)
  t.equal((await ask('pool/second.iso')).status, 200)
  t.ok(existsSync(join(tree, 'pool/first.iso')))
  while ((await replicas('pool/second.iso')) === null); // it is looked at what there is twice a second
  t.same(await replicas('pool/second.iso'), { wanted: 1, placed: 0, present: 0 })
  for (let i = 0; i < 30; i++) await ask('pool/second.iso', 'GET')
  skippedMs += 31_000
  t.ok(second.equals(await bytesAt(await until('pool/second.iso', 302))))
  t.equal((await ask('pool/first.iso')).status, 200)
  t.same(
    ['pool/first.iso', 'pool/second.iso'].map((name) => existsSync(join(tree, name))),
    [false, true],
  )
  t.same(await replicas('pool/first.iso'), { wanted: 1, placed: 0, present: 0 })
  t.same(await replicas('pool/second.iso'), { wanted: 1, placed: 1, present: 1 })

  // the centre starts again: what it told the volunteer to hold stays there
  await centre.stop()
  const listen = { host: '127.0.0.1', port }
  centre = await startCentre(join(folder, 'source'), state, { listen }, () => {}, clock)
  t.ok(second.equals(await bytesAt(await until('pool/second.iso', 302))))
  t.equal((await ask('pool/first.iso')).status, 200)

  // and so does the volunteer
  service.child.kill('SIGTERM')
  await once(service.child, 'close')
  await until('pool/second.iso', 200)
  const looked = await verify(
    { directory: tree, repair: false, wait: true, peerListen: null },
    { found: () => {}, progress: () => {}, repair: NO_EVENTS },
    { clock: systemClock, log: () => {}, userAgent: 'prsync/test' },
    signal,
  )
  t.match(looked, { exit: 0, report: { files: 1 } }, 'what it shall hold, and nothing else')
  const again = startService(t, ...args([]))
  await again.said(/in step with sequence 3\n/)
  t.ok(second.equals(await bytesAt(await until('pool/second.iso', 302))))
  t.notOk(existsSync(join(tree, 'pool/first.iso')))
  t.match(await listVolunteers(state, signal), [{ name: 'v', state: 'fresh' }])
})
