/** Days of a volunteer: its clock is off, its disk is full, it moved, and it speaks TLS over IPv6. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { join as joinPath } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { join } from '../../lib/app/join.js'
import type { PullConfig } from '../../lib/app/pull-report.js'
import { systemClock } from '../../lib/app/system.js'
import { inviteVolunteer } from '../../lib/app/volunteer-admin.js'
import type { Clock } from '../../lib/host.js'
import { askAt } from '../support/ask.js'
import { NO_EVENTS, pullConfig, startCentre } from '../support/centre.js'
import { ruled } from '../support/contents.js'
import { onOwnDisk } from '../support/disk.js'
import { freePort } from '../support/ports.js'
import { projectFile } from '../support/project.js'
import { seededRandom } from '../support/seeded-random.js'
import { startService } from '../support/service.js'

const BIG = Buffer.from(ruled(300_000))
/** Bytes that nothing else has: no recipe makes them. */
const other = (length: number): Buffer => Buffer.from(seededRandom(length).bytes(length))
const { signal } = new AbortController()
const needsRoot = { skip: process.geteuid?.() === 0 ? false : 'needs root' }

/** A centre with one file, and what its clients are told. */
async function start(t: Test) {
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

const bytesAt = async (url: string): Promise<Buffer> =>
  Buffer.from(await (await fetch(url)).arrayBuffer())

/** A volunteer in this process. */
function startJoined(
  t: Test,
  url: string,
  own: { token: string; state: string; tree: string; clock: Clock },
  choice: Partial<PullConfig> = {},
) {
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

t.test('a snapshot is on its way: clients for what came of it, not for the rest', async (t) => {
  const { folder, centre, source, ask, until, invite } = await start(t)
  const [state, tree] = [joinPath(folder, 'own'), joinPath(folder, 'tree')]
  const own = { token: await invite('v'), state, tree, clock: clockOf() }
  startJoined(t, centre.url, own, { downloadRate: 500_000 })
  await until('big.iso', 302)
  // an index comes last, and takes forty seconds
  writeFileSync(joinPath(source, 'Packages'), other(20_000_000))
  const small = BIG.subarray(0, 100_000)
  writeFileSync(joinPath(source, 'a-small.iso'), small)
  await centre.rescan()
  t.ok(small.equals(await bytesAt(await until('a-small.iso', 302))), 'long before the rest of it')
  t.notOk(existsSync(joinPath(tree, 'Packages')))
  t.equal((await ask('big.iso')).status, 302)
})

const HOUR_MS = 3600_000
for (const [what, offMs] of [
  ['ahead', HOUR_MS],
  ['behind', -HOUR_MS],
] as const)
  t.test(`a clock an hour ${what}`, async (t) => {
    const { folder, centre, source, until, invite } = await start(t)
    const clock = { ...clockOf(), now: () => systemClock.now() + offMs }
    const [state, tree] = [joinPath(folder, 'own'), joinPath(folder, 'tree')]
    startJoined(t, centre.url, { token: await invite('v'), state, tree, clock })
    t.ok(BIG.equals(await bytesAt(await until('big.iso', 302))))
    writeFileSync(joinPath(source, 'next.iso'), BIG.subarray(1))
    rmSync(joinPath(source, 'big.iso'))
    await centre.rescan()
    t.ok(BIG.subarray(1).equals(await bytesAt(await until('next.iso', 302))))
    await until('big.iso', 404)
    const kept = joinPath(tree, '.~prsync~/kept')
    const [second] = readdirSync(kept)
    const [root] = readdirSync(joinPath(kept, `${second}`))
    t.ok(BIG.equals(readFileSync(joinPath(kept, `${second}`, `${root}`))), 'kept for others')
  })

t.test(
  'its disk is full: it gives what it has, and goes on when there is room',
  needsRoot,
  async (t) => {
    const { folder, centre, source, ask, until, invite } = await start(t)
    await onOwnDisk(t, 'size=4m', async (disk) => {
      await t.test('on its own disk', async (t) => {
        const clock = clockOf(500)
        const state = joinPath(folder, 'own')
        const own = { token: await invite('v'), state, tree: joinPath(disk, 'tree'), clock }
        const { failed } = startJoined(t, centre.url, own)
        t.ok(BIG.equals(await bytesAt(await until('big.iso', 302))))
        const huge = other(6_000_000)
        writeFileSync(joinPath(source, 'huge.iso'), huge)
        await centre.rescan()
        const statuses = new Set<number>()
        while (failed.length === 0) statuses.add((await ask('huge.iso')).status)
        t.same([...statuses], [200])
        t.match(failed[0], /no space/)
        t.equal((await ask('huge.iso')).status, 200, 'not sent there for it')
        t.ok(BIG.equals(await bytesAt(await until('big.iso', 302))), 'and still for the rest')
        execFileSync('mount', ['-o', 'remount,size=20m', disk])
        t.ok(huge.equals(await bytesAt(await until('huge.iso', 302))))
      })
    })
  },
)

t.test('a disk that cannot be written: it says so and ends', needsRoot, async (t) => {
  const { folder, centre, invite } = await start(t)
  const token = await invite('v')
  await onOwnDisk(t, 'ro', async (disk) => {
    const own = ['--state', joinPath(folder, 'own'), '--listen', '127.0.0.2:0']
    const args = ['--join', centre.url, '--token', token, ...own, '--peer-listen', '127.0.0.2:0']
    const { child, said } = startService(t, ...args, disk)
    await said(/cannot .*prsync-disk-/)
    if (child.exitCode === null) await once(child, 'close')
    t.equal(child.exitCode, 11)
  })
})

t.test('at another address it wants another invitation', async (t) => {
  const { folder, centre, until, invite } = await start(t)
  const [state, tree] = [joinPath(folder, 'own'), joinPath(folder, 'tree')]
  const at = async (port: number, ...more: string[]) => {
    const own = ['--state', state, '--listen', `127.0.0.2:${port}`]
    const wire = ['--peer-listen', '127.0.0.2:0']
    return startService(t, '--join', centre.url, ...more, ...own, ...wire, tree)
  }
  const [first, second] = [await freePort('127.0.0.2'), await freePort('127.0.0.2')]
  const before = await at(first, '--token', await invite('v'))
  t.equal(await until('big.iso', 302), `http://127.0.0.2:${first}/m/big.iso`)
  before.child.kill('SIGKILL')
  await once(before.child, 'close')
  const moved = await at(second)
  await moved.said(/no clients for now: .*another URL wants a new invitation/)
  moved.child.kill('SIGKILL')
  await once(moved.child, 'close')
  await until('big.iso', 200)
  await at(second, '--token', await invite('v'))
  t.equal(await until('big.iso', 302), `http://127.0.0.2:${second}/m/big.iso`)
})

t.test('TLS over IPv6, for clients, audits and channels', async (t) => {
  const folder = t.testdir({ source: {} })
  const [cert, key] = ['cert', 'key'].map((name) =>
    fileURLToPath(projectFile(`fixtures/tls/${name}.pem`)),
  )
  writeFileSync(joinPath(folder, 'source', 'big.iso'), BIG)
  process.env['NODE_EXTRA_CA_CERTS'] = cert
  t.teardown(() => delete process.env['NODE_EXTRA_CA_CERTS'])
  const tls = ['--tls-cert', `${cert}`, '--tls-key', `${key}`]
  const state = joinPath(folder, 'state')
  const port = await freePort('::1')
  const listen = ['--listen', `[::1]:${port}`, '--peer-listen', '[::1]:0']
  const tracked = `m=${joinPath(folder, 'source')}`
  const centre = startService(t, ...tls, '--state', state, ...listen, '--tracker', tracked)
  await centre.said(/serving m .* at https:\/\/\[::1\]:\d+\/m\n/)
  const token = await inviteVolunteer(
    state,
    { name: 'v', uplink: null, networks: [], ttlMs: 60_000 },
    signal,
  )
  const own = [
    '--state',
    joinPath(folder, 'own'),
    '--listen',
    '[::1]:0',
    '--peer-listen',
    '[::1]:0',
  ]
  const url = `https://[::1]:${port}/m`
  startService(t, '--join', url, '--token', token, ...tls, ...own, joinPath(folder, 'tree'))
  const ca = readFileSync(`${cert}`)
  let clients = 0
  const get = (url: string): Promise<{ status: number; location: string; body: Buffer }> =>
    new Promise((resolve, reject) => {
      const headers = { 'user-agent': `client/${clients++}` }
      const asked = request(url, { ca, headers, agent: false }, (got) => {
        const chunks: Buffer[] = []
        got.on('data', (chunk: Buffer) => chunks.push(chunk))
        got.on('end', () => {
          const { statusCode = 0, headers } = got
          const body = Buffer.concat(chunks)
          resolve({ status: statusCode, location: `${headers.location}`, body })
        })
        got.on('error', reject)
      })
      asked.on('error', reject)
      asked.end()
    })
  for (;;) {
    const { status, location } = await get(`https://[::1]:${port}/m/big.iso`)
    if (status !== 302) continue
    t.match(location, /^https:\/\/\[::1\]:\d+\/m\/big\.iso$/)
    t.ok(BIG.equals((await get(location)).body))
    break
  }
})

/** @param mostMs no sleep is longer: what is tried again each minute is tried again at once */
function clockOf(mostMs = Number.POSITIVE_INFINITY): Clock {
  return {
    now: () => systemClock.now(),
    monotonic: () => systemClock.monotonic(),
    sleep: (ms, signal) => systemClock.sleep(Math.min(ms, mostMs), signal),
  }
}
