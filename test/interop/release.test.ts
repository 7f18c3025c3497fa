/**
 * A release from end to end: it is published, twelve volunteers fetch it by swarm while clients already download it; each byte's way is
 * shown. The centre's line is limited, so that giving the release to each itself would take twelve times as long.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { inviteVolunteer } from '../../lib/app/volunteer-admin.js'
import { askAt } from '../support/ask.js'
import { startCentre } from '../support/centre.js'
import { ruled } from '../support/contents.js'
import { type Service, startService } from '../support/service.js'

const HOSTS = Array.from({ length: 12 }, (_, i) => `127.0.0.${i + 2}`)
const RELEASE = 6_000_000
const UPLINK = 6_000_000
const { signal } = new AbortController()
const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

type Swarm = {
  readonly given: { readonly wire: number; readonly http: number }
  readonly nodes: readonly {
    readonly address: string
    readonly through: number | null
    readonly bytesReceived: number
    readonly bytesSent: number
  }[]
}

t.test('a release and its clients', async (t) => {
  const warnings: string[] = []
  const warned = (warning: Error): void => void warnings.push(warning.message)
  process.on('warning', warned)
  t.teardown(() => process.off('warning', warned))
  const folder = t.testdir({ source: {}, state: {} })
  const [source, state] = [join(folder, 'source'), join(folder, 'state')]
  writeFileSync(join(source, 'README'), 'nothing released yet\n')
  const centre = await startCentre(source, state, { uploadRate: UPLINK })
  t.teardown(() => centre.stop())
  const { port } = new URL(centre.url)
  const services: Service[] = []
  // their wire is where they come from: other nodes are told the address that the centre sees
  for (const name of HOSTS) {
    const invitation = { name, uplink: 50_000_000, networks: [], ttlMs: 60_000 }
    const token = await inviteVolunteer(state, invitation, signal)
    const own = ['--state', join(folder, `state-${name}`), '--listen', `${name}:0`]
    const more = ['--peer-listen', '127.0.0.1:0', '--uplink', '50m', '--delete']
    const service = startService(
      t,
      '--join',
      centre.url,
      '--token',
      token,
      ...own,
      ...more,
      join(folder, name),
    )
    services.push(service)
  }
  for (const service of services) await service.said(/in step with sequence 1\n/)
  const swarm = async (): Promise<Swarm> =>
    JSON.parse((await askAt(Number(port), '/status/swarm/m', {}, 'GET')).body.toString()) as Swarm
  const before = await swarm()

  mkdirSync(join(source, 'release'))
  const expected = new Map<string, string>()
  for (let i = 0; i < 6; i++) {
    const bytes = Buffer.from(ruled(RELEASE / 6)).fill(i, 0, 1000)
    writeFileSync(join(source, 'release', `disk-1.2.${i}.iso`), bytes)
    expected.set(`disk-1.2.${i}.iso`, digest(bytes))
  }
  const { sequence } = await centre.rescan()
  t.equal(sequence, 2)

  let isSpread = false
  let clients = 0
  const from = new Map<string, number>()
  const download = async (): Promise<void> => {
    while (!isSpread || clients < 20 || from.size < 2) {
      const name = `disk-1.2.${clients % 6}.iso`
      const headers = { 'user-agent': `client/${clients++}` }
      const reply = await fetch(`${centre.url}/release/${name}`, { headers })
      const bytes = new Uint8Array(await reply.arrayBuffer())
      if (digest(bytes) !== expected.get(name)) throw new Error(`${name} of ${reply.url} is wrong`)
      const { hostname } = new URL(reply.url)
      from.set(hostname, (from.get(hostname) ?? 0) + bytes.length)
    }
  }
  const spread = async (): Promise<void> => {
    for (const service of services) await service.said(/in step with sequence 2\n/)
    isSpread = true
  }
  await Promise.all([spread(), download()])
  const total = async (): Promise<Swarm> => {
    for (;;) {
      const now = await swarm()
      const received = now.nodes.reduce((sum, each) => sum + each.bytesReceived, 0)
      if (now.nodes.length === HOSTS.length && received >= HOSTS.length * RELEASE) return now
    }
  }
  const { given, nodes } = await total()
  const wire = given.wire - before.given.wire
  const http = given.http - before.given.http
  const sent = nodes.reduce((sum, each) => sum + each.bytesSent, 0)
  t.comment(
    `release of ${RELEASE} bytes to ${HOSTS.length} volunteers, ${clients} clients meanwhile`,
  )
  t.comment(`the centre gave ${wire} bytes to volunteers by swarm, ${http} bytes over HTTP`)
  for (const { address, bytesReceived, bytesSent } of nodes)
    t.comment(`${address} got ${bytesReceived} bytes and gave ${bytesSent} to other volunteers`)
  for (const [host, bytes] of from) t.comment(`clients got ${bytes} bytes of ${host}`)
  t.ok(wire < 2 * RELEASE, `the centre gave the release ${(wire / RELEASE).toFixed(2)} times`)
  t.ok(sent > RELEASE, 'the rest came from each other')
  t.equal(
    [...from.values()].reduce((sum, bytes) => sum + bytes, 0),
    (clients * RELEASE) / 6,
    'every client got its file whole',
  )
  const atVolunteers = HOSTS.reduce((sum, host) => sum + (from.get(host) ?? 0), 0)
  t.ok(atVolunteers > 0, 'some of them already from volunteers')
  t.same(warnings, [], 'that many channels are nothing that Node suspects')
})
