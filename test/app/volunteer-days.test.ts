/** Days of a volunteer: its clock is off, it moved, and it speaks TLS over IPv6. */
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { join as joinPath } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { systemClock } from '../../lib/app/system.js'
import { inviteVolunteer } from '../../lib/app/volunteer-admin.js'
import { freePort } from '../support/ports.js'
import { projectFile } from '../support/project.js'
import { startService } from '../support/service.js'
import { BIG, bytesAt, clockOf, other, startDay, startJoined } from '../support/volunteer-day.js'

const { signal } = new AbortController()

t.test('a snapshot is on its way: clients for what came of it, not for the rest', async (t) => {
  const { folder, centre, source, ask, until, invite } = await startDay(t)
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
    const { folder, centre, source, until, invite } = await startDay(t)
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

t.test('at another address it wants another invitation', async (t) => {
  const { folder, centre, until, invite } = await startDay(t)
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
