/** What one centre tells another of a volunteer with a quota, through Redis: for what it is sent clients there, and what it has. */
import { join as joinPath } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { Wanted } from '../../lib/app/redirect-desk.js'
import { SharedVolunteers } from '../../lib/app/shared-volunteers.js'
import { systemClock } from '../../lib/app/system.js'
import { rootOf } from '../../lib/hash/root.js'
import { noRedis, startRedis } from '../support/redis.js'
import { seededRandom } from '../support/seeded-random.js'

const KEY = new Uint8Array(32).fill(1)
const ROOT = rootOf(new Uint8Array(32).fill(1))

function open(t: Test, url: string, name: string, snapshot: () => string): SharedVolunteers {
  const table = new SharedVolunteers(
    {
      path: joinPath(t.testdirName, name),
      secret: new Uint8Array(32).fill(3),
      sequenceOf: () => 9,
      contentsAmong: (_, roots) => roots,
      origin: () => 'http://centre.example',
      ...{ uplink: null, rate: () => 0, onQuarantine: () => {}, clock: systemClock },
      random: seededRandom(name.length),
    },
    { url, name: 'centre', snapshotOf: snapshot, log: () => {} },
  )
  const end = new AbortController()
  const kept = table.keep(end.signal).catch(() => {})
  t.teardown(() => {
    end.abort(new Error('the test is over'))
    return kept
  })
  return table
}

const wanted = (name: string, since = 9): Wanted => ({
  ...{ module: 'm', name, since, isHere: true },
  content: { root: ROOT, length: 1e6 },
})
/** Where clients for the file may be sent, at that centre. */
function has(table: SharedVolunteers, file: Wanted): boolean {
  const slot = table.known('v1')?.volunteer.slot
  return slot !== undefined && table.holds(file)(slot)
}
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await sleep(5)
}

t.test('volunteers with a quota', { skip: noRedis }, async (t) => {
  t.testdir({})
  const redis = await startRedis(t)
  let snapshot = '9 a'
  const a = open(t, redis.url, 'a', () => '9 a')
  const b = open(t, redis.url, 'bb', () => snapshot)
  const token = a.invite('v1', null, 60_000)
  await until(() => b.enrolled('v1') !== null)
  const channel = {}
  const baseUrl = 'http://192.0.2.1:8730'
  const join = { type: 'join', token, baseUrl, uplink: null, quota: 1e9 } as const
  t.match(a.join(KEY, join, channel), { name: 'v1' })
  const modules = [{ module: 'm', through: null, following: 9 }]
  const figures = { fair: 1, flows: 0, lasting: [], clientRate: 0, syncRate: 0, observed: [] }
  const reports = () => a.loaded('v1', { type: 'load', modules, ...figures }, channel)
  reports()
  a.has('v1', { type: 'have', module: 'm', isFirst: true, contents: [ROOT] }, channel)
  await until(() => b.known('v1')?.modules[0]?.following === 9)
  t.notOk(has(b, wanted('f')), 'it was told to hold nothing')
  a.limit('v1', [{ module: 'm', since: 9, from: 'a', to: 'k' }])
  t.ok(has(a, wanted('f')))
  await until(() => has(b, wanted('f')))
  t.notOk(has(b, wanted('p')), 'another release')
  t.same(
    [a, b].map((each) => each.hosts.map(({ name }) => name)),
    [['v1'], []],
    'told what to hold by the centre of its channel alone',
  )
  const c = open(t, redis.url, 'ccc', () => '9 a')
  await until(() => has(c, wanted('f')))
  t.pass('a centre that comes later hears of all that it has')
  snapshot = '9 b'
  reports()
  await until(() => !has(b, wanted('f')))
  t.pass('where another snapshot stands its numbers are others')
  snapshot = '9 a'
  reports()
  await until(() => has(b, wanted('f')))
  a.limit('v1', [])
  await until(() => [b, c].every((each) => !has(each, wanted('f'))))
  t.pass('and what it shall no longer hold is asked for nowhere')
})
