/** The table of volunteers on a clock by hand: who may be sent clients, for which files, and what outlives a restart. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join as joinPath } from 'node:path'
import t, { type Test } from 'tap'
import type { Wanted } from '../../lib/app/redirect-desk.js'
import { Volunteers } from '../../lib/app/volunteer-table.js'
import { FileError, StartupError } from '../../lib/base/errors.js'
import { type Root, rootOf } from '../../lib/hash/root.js'
import { isGenuine } from '../../lib/mirror/bounce.js'
import type { EnrolledMessage, Have, Join, Load } from '../../lib/mirror/volunteer-messages.js'
import { ManualClock } from '../support/manual-clock.js'
import { seededRandom } from '../support/seeded-random.js'

const [KEY, OTHER] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]
const NEWEST = 9

const quarantined: [string, string][] = []
const GOOD = { kind: 'probe', ok: true, what: '' } as const
const WRONG = { kind: 'audit', ok: false, what: 'm/f 0-16383' } as const

function open(t: Test, clock = new ManualClock(), path = joinPath(t.testdir({}), 'volunteers')) {
  const table = new Volunteers({
    path,
    secret: new Uint8Array(32).fill(3),
    sequenceOf: (module) => (module === 'm' ? NEWEST : null),
    contentsAmong: (_, roots) => roots.filter((root) => root.startsWith('\x01')),
    origin: () => 'http://centre.example',
    uplink: 1000,
    rate: () => 10,
    onQuarantine: (...told) => quarantined.push(told),
    clock,
    random: seededRandom(1),
  })
  return { table, clock, path }
}
const joinWith = (token: string | null, baseUrl = 'http://192.0.2.1:8730'): Join => ({
  type: 'join',
  token,
  baseUrl,
  uplink: 500,
  quota: null,
})
const load = (sequence: number, change: Partial<Load> = {}): Load => ({
  type: 'load',
  modules: [{ module: 'm', through: sequence, following: sequence }],
  fair: 1e6,
  flows: 0,
  lasting: [],
  clientRate: 0,
  syncRate: 0,
  observed: [],
  ...change,
})
const wanted = (since: number, module = 'm'): Wanted => ({
  module,
  name: 'f',
  content: { root: rootOf(new Uint8Array(32)), length: 1e6 },
  since,
  isHere: true,
})

t.test('from the invitation to the first client', async (t) => {
  const { table, clock } = open(t)
  t.ok(table.isEmpty)
  const token = table.invite('v1', 800, 1000)
  t.notOk(table.isEmpty)
  t.match(table.list(), [{ name: 'v1', state: 'invited', uplink: 800 }])
  t.same(table.volunteers, [])
  const channel = {}
  t.match(table.join(KEY, joinWith('wrong'), channel), /no invitation/)
  const enrolled = table.join(KEY, joinWith(token), channel)
  t.match(enrolled, { type: 'enrolled', name: 'v1', centre: 'http://centre.example' })
  const baseUrl = 'http://192.0.2.1:8730'
  const standing = { state: 'untried' }
  t.match(table.volunteers, [
    { id: 'v1', baseUrl, scheme: 'http', families: [4], declared: 500, report: null, standing },
  ])
  t.same(table.audited, [], 'it said nothing yet')
  t.equal(table.holds(wanted(1))(0), false, 'nothing said yet')
  t.ok(table.loaded('v1', load(7), channel))
  const [first] = table.volunteers
  t.match(first, { report: { fair: 1e6, atMs: clock.now() }, joinedMs: clock.now() })
  t.match(table.audited, [{ channel, volunteer: { id: 'v1' } }])
  await clock.advance(5000)
  table.saw('v1', GOOD)
  t.match(table.volunteers, [{ joinedMs: clock.now(), standing: { state: 'fresh' } }])
  t.same(table.centre, { uplink: 1000, rate: 10, usualRate: null })
})

t.test('it holds what came to its name until the sequence it is complete through', async (t) => {
  const { table } = open(t)
  const channel = {}
  table.join(KEY, joinWith(table.invite('v1', null, 1000)), channel)
  const holds = (since: number, module = 'm') => table.holds(wanted(since, module))(0)
  table.loaded('v1', load(7), channel)
  t.same([holds(1), holds(7), holds(8), holds(1, 'n')], [true, true, false, false])
  table.loaded('v1', load(NEWEST), channel)
  t.ok(holds(8))
  table.loaded('v1', load(NEWEST + 1), channel)
  t.notOk(holds(1), 'of another history')
  table.loaded('v1', load(7, { modules: [] }), channel)
  t.notOk(holds(1), 'it lost what it had')
  t.notOk(table.holds(wanted(1))(5), 'no such slot')
})

t.test('of a part, or on its way, it holds what it told of', async (t) => {
  const { table } = open(t)
  const [channel, second] = [{}, {}]
  table.join(KEY, joinWith(table.invite('v1', null, 1000)), channel)
  const root = (n: number): Root => rootOf(new Uint8Array(32).fill(n, 1).fill(1, 0, 1))
  const beginning = (n: number): Root => rootOf(new Uint8Array(32).fill(n, 1, 8).fill(1, 0, 1))
  const holds = (n: number, since: number): boolean =>
    table.holds({ ...wanted(since), content: { root: root(n), length: 1e6 } })(0)
  const state = (through: number | null, following: number) =>
    table.loaded('v1', load(0, { modules: [{ module: 'm', through, following }] }), channel)
  const have = (isFirst: boolean, ...numbers: number[]): Have => ({
    ...{ type: 'have', module: 'm', isFirst },
    contents: numbers.map(beginning),
  })
  state(null, 7)
  t.equal(holds(1, 1), false)
  table.has('v1', have(true, 1, 2), channel)
  table.has('v1', have(false, 3), channel)
  t.same(
    [1, 2, 3, 4].map((n) => holds(n, 7)),
    [true, true, true, false],
  )
  t.equal(holds(1, 8), false, 'under the name of a snapshot that it does not know yet')
  table.lost('v1', { type: 'lost', module: 'm', contents: [beginning(2)] }, channel)
  t.same(
    [1, 2].map((n) => holds(n, 7)),
    [true, false],
  )
  state(5, 7)
  t.same([holds(4, 5), holds(4, 6), holds(3, 6)], [true, false, true], 'on its way from 5 to 7')
  table.has('v1', { ...have(false, 4), module: 'other' }, channel)
  table.has('v1', have(false, 4), second)
  table.lost('v1', { type: 'lost', module: 'm', contents: [beginning(1)] }, second)
  t.same(
    [holds(4, 6), holds(1, 6)],
    [false, true],
    'of no module of ours; on a channel that is over',
  )
  const unknown = rootOf(new Uint8Array(32).fill(9))
  table.has('v1', { ...have(false), contents: [unknown] }, channel)
  t.notOk(table.holds({ ...wanted(6), content: { root: unknown, length: 1 } })(0), 'not published')
  state(null, NEWEST + 1)
  t.equal(holds(1, 1), false, 'of another history')
  state(null, 7)
  table.has('v1', have(true, 3), channel)
  t.same([holds(1, 7), holds(3, 7)], [false, true], 'a new list')
  table.left('v1', channel)
  table.join(KEY, joinWith(null), channel)
  state(null, 7)
  t.equal(holds(3, 7), false, 'it tells anew')
})

t.test('a channel that ends takes it out, and the latest channel counts', async (t) => {
  const { table, clock } = open(t)
  const [first, second] = [{}, {}]
  table.join(KEY, joinWith(table.invite('v1', null, 1000)), first)
  table.loaded('v1', load(7), first)
  const startedMs = clock.now()
  table.saw('v1', GOOD)
  table.left('v1', first)
  t.match(table.volunteers, [{ report: null }])
  t.match(table.list(), [{ state: 'away' }])
  await clock.advance(59_000)
  table.join(KEY, joinWith(null), second)
  const fresh = { state: 'fresh' }
  t.match(table.volunteers, [{ joinedMs: startedMs, standing: fresh }], 'goes on where it was')
  t.notOk(table.loaded('v1', load(7), first), 'the old channel')
  table.loaded('v1', load(7), second)
  table.left('v1', first)
  t.match(table.volunteers, [{ report: { fair: 1e6 } }], 'its end tells nothing now')
  table.left('v1', second)
  await clock.advance(60_000)
  table.join(KEY, joinWith(null), first)
  const untried = { state: 'untried' }
  t.match(table.volunteers, [{ joinedMs: clock.now(), standing: untried }], 'starts slowly')
})

t.test('what is seen of it makes its standing, which grows old', async (t) => {
  const { table, clock } = open(t)
  const channel = {}
  table.join(KEY, joinWith(table.invite('v1', null, 1000)), channel)
  const state = () => table.volunteers[0]?.standing.state
  table.saw('v1', GOOD)
  for (let i = 0; i < 3; i++) table.saw('v1', { kind: 'bounce', lacks: true })
  t.equal(state(), 'suspect')
  t.equal(table.volunteers[0]?.lastFaultMs, clock.now())
  table.loaded('v1', load(7), channel)
  t.equal(state(), 'fresh', 'it told anew what it has')
  for (const client of ['a', 'b', 'c']) table.saw('v1', { kind: 'retry', client })
  t.equal(state(), 'suspect')
  await clock.advance(600_000)
  t.equal(state(), 'fresh')
  table.saw('v1', { kind: 'drain', begins: true })
  t.match(table.list(), [{ state: 'draining' }])
  table.saw('nobody', { kind: 'drain', begins: true })
})

t.test('enrolment and quarantine outlive the centre', async (t) => {
  const { table, clock, path } = open(t)
  const { bounceKey } = table.join(
    KEY,
    joinWith(table.invite('v1', 9, 1000)),
    {},
  ) as EnrolledMessage
  t.ok(table.quarantine('v1', 'by me'))
  t.match(table.volunteers, [{ standing: { state: 'quarantined', why: 'by me' } }])
  const { table: next } = open(t, clock, path)
  t.same(next.volunteers, [], 'nobody reported yet')
  t.match(next.list(), [{ name: 'v1', state: 'quarantined', why: 'by me', uplink: 9 }])
  t.match(next.join(KEY, joinWith(null), {}), { name: 'v1', bounceKey })
  t.match(next.volunteers, [{ standing: { state: 'quarantined' } }])
  t.ok(next.release('v1'))
  t.match(next.volunteers, [{ standing: { state: 'untried' } }])
  writeFileSync(path, '{')
  t.throws(() => open(t, clock, path), StartupError)
})

t.test('who an admin drains stays so, until released', async (t) => {
  const { table, clock, path } = open(t)
  const channel = {}
  table.join(KEY, joinWith(table.invite('v1', null, 1000)), channel)
  const state = (of = table) => of.volunteers[0]?.standing.state
  table.saw('v1', GOOD)
  table.drains('v1', true, {})
  t.equal(state(), 'fresh', 'said on another channel')
  table.drains('v1', true, channel)
  t.equal(state(), 'draining')
  table.drains('v1', false, channel)
  t.equal(state(), 'fresh')
  t.ok(table.drain('v1'))
  table.drains('v1', false, channel)
  t.equal(state(), 'draining')
  const { table: next } = open(t, clock, path)
  next.join(KEY, joinWith(null), channel)
  t.equal(state(next), 'draining')
  t.ok(next.release('v1'))
  t.equal(state(next), 'untried')
})

t.test('who is removed is gone, and its slot and name are free', async (t) => {
  const { table } = open(t)
  const channel = {}
  table.join(KEY, joinWith(table.invite('v1', null, 1000)), channel)
  const before = table.bounceKey('v1') ?? new Uint8Array()
  t.ok(table.remove('v1'))
  t.same([table.volunteers, table.list(), table.bounceKey('v1')], [[], [], null])
  t.notOk(table.loaded('v1', load(7), channel), 'its channel is over')
  t.match(table.join(KEY, joinWith(null), {}), /an invitation is wanted/)
  t.same(
    [table.remove('v1'), table.quarantine('v1', ''), table.release('v1')],
    [false, false, false],
  )
  table.join(OTHER, joinWith(table.invite('v1', null, 1000)), {})
  t.match(table.volunteers, [{ slot: 0 }])
  t.notSame(table.bounceKey('v1'), before, 'what the old one signs is worth nothing')
  const bounce = { volunteer: 'v1', reason: 'lacks', mac: 'x'.repeat(16) }
  t.notOk(isGenuine(before, bounce, 'm/f'))
})

t.test(
  'wrong bytes quarantine, tell the admin, and outlive the centre with their evidence',
  async (t) => {
    const { table, clock, path } = open(t)
    const channel = {}
    table.join(KEY, joinWith(table.invite('v1', null, 1000)), channel)
    table.loaded('v1', load(7), channel)
    table.saw('v1', { kind: 'audit', ok: true, what: 'm/f' })
    t.match(table.list(), [{ state: 'fresh', audits: 1 }])
    quarantined.length = 0
    table.saw('v1', WRONG)
    const why = /wrong bytes: m\/f 0-16383, 2023-11-14T/
    t.match(quarantined, [['v1', why]])
    t.match(table.list(), [{ state: 'quarantined', why }])
    t.same(table.audited, [], 'it is asked nothing more')
    table.saw('v1', WRONG)
    t.equal(quarantined.length, 1, 'told once')
    t.match(open(t, clock, path).table.list(), [{ state: 'quarantined', why }])
  },
)

t.test('the kept state cannot be written: who gives wrong bytes is out all the same', async (t) => {
  const folder = t.testdir({ kept: {} })
  const { table } = open(t, new ManualClock(), joinPath(folder, 'kept', 'volunteers'))
  const channel = {}
  table.join(KEY, joinWith(table.invite('v1', null, 1000)), channel)
  table.loaded('v1', load(7), channel)
  rmSync(joinPath(folder, 'kept'), { recursive: true })
  table.saw('v1', WRONG)
  t.match(table.list(), [{ state: 'quarantined' }])
  t.throws(() => table.invite('v2', null, 1000), FileError, 'what it promises is kept first')
})

t.test('most are lost at once: we suspect ourselves', async (t) => {
  const { table, clock } = open(t)
  const failed = { kind: 'probe', ok: false, what: 'refused' } as const
  const names = ['v1', 'v2', 'v3']
  const join = (name: string, i: number): object => {
    const channel = {}
    const token = table.invite(name, null, 1e9)
    table.join(new Uint8Array(32).fill(i + 10), joinWith(token), channel)
    table.loaded(name, load(7), channel)
    table.saw(name, GOOD)
    return channel
  }
  const channels = names.map(join)
  const state = (at: number) => table.volunteers[at]?.standing.state
  const fail = (name: string): void => {
    for (let i = 0; i < 5; i++) table.saw(name, failed)
  }
  fail('v1')
  t.equal(state(0), 'quarantined', 'one of three')
  fail('v2')
  t.equal(state(1), 'suspect', 'two of three within a minute')
  await clock.advance(60_000)
  table.saw('v2', failed)
  t.equal(state(1), 'quarantined', 'a minute later it is the volunteers')
  for (const name of ['v1', 'v2']) for (let i = 0; i < 3; i++) table.saw(name, GOOD)
  t.equal(table.volunteers[0]?.joinedMs, clock.now(), 'it comes back slowly')
  for (const [i, name] of ['v1', 'v2'].entries()) table.left(name, channels[i] ?? {})
  table.saw('v3', WRONG)
  t.equal(state(2), 'suspect', 'channels that end count, too')
})

t.test('its networks are those of its last invitation', async (t) => {
  const { table, clock, path } = open(t)
  const token = table.invite('v1', null, 1000, ['192.0.2.0/24', '2001:db8::/32'])
  table.join(KEY, joinWith(token), {})
  const networks = [{ address: '\xc0\0\x02\0', bits: 24 }, { bits: 32 }]
  t.match(table.volunteers, [{ networks }])
  const { table: next } = open(t, clock, path)
  next.join(KEY, joinWith(null), {})
  t.match(next.volunteers, [{ networks }])
  next.join(KEY, joinWith(next.invite('v1', null, 1000)), {})
  t.same(next.volunteers[0]?.networks, [])
})

t.test('what was measured of a line outlives the centre', async (t) => {
  const { table, clock, path } = open(t)
  const channel = {}
  const unsaid = { ...joinWith(table.invite('v1', null, 1000)), uplink: null }
  table.join(KEY, unsaid, channel)
  table.loaded('v1', load(7, { clientRate: 9e7, flows: 1 }), channel)
  const measured = table.volunteers[0]?.measured ?? 0
  t.ok(measured >= 9e7)
  const { table: next } = open(t, clock, path)
  next.join(KEY, { ...joinWith(null), uplink: null }, {})
  t.equal(next.volunteers[0]?.measured, Math.round(measured))
})

t.test(
  'and is written once a minute at most, as clients wait for the disk meanwhile',
  async (t) => {
    const { table, clock, path } = open(t)
    const channel = {}
    table.join(KEY, { ...joinWith(table.invite('v1', null, 1000)), uplink: null }, channel)
    const written = (): unknown => JSON.parse(readFileSync(path, 'utf8'))
    table.loaded('v1', load(7, { clientRate: 9e7, flows: 1 }), channel)
    const first = written()
    table.loaded('v1', load(7, { clientRate: 9e8, flows: 1 }), channel)
    t.same(written(), first)
    await clock.advance(60_000)
    table.loaded('v1', load(7, { clientRate: 9e9, flows: 1 }), channel)
    t.notSame(written(), first)
  },
)

t.test('a report changes one of them, and evidence of all is weighed all the same', async (t) => {
  const { table, clock } = open(t)
  const [one, two] = [{}, {}]
  table.join(KEY, joinWith(table.invite('v1', null, 1000)), one)
  table.join(OTHER, joinWith(table.invite('v2', null, 1000), 'http://192.0.2.2:8730'), two)
  table.saw('v1', GOOD)
  table.saw('v2', GOOD)
  const [, before] = table.volunteers
  table.loaded('v1', load(7, { flows: 5 }), one)
  const [first, second] = table.volunteers
  t.match(first, { id: 'v1', report: { flows: 5 }, standing: { state: 'fresh' } })
  t.equal(second, before)
  table.saw('v1', { kind: 'probe', ok: false, what: 'refused' })
  for (let i = 0; i < 3; i++) {
    await clock.advance(1000)
    table.saw('v1', { kind: 'retry', client: `c${i}` })
  }
  table.loaded('v1', load(8), one)
  t.match(table.volunteers, [{ standing: { state: 'suspect' } }, { standing: { state: 'fresh' } }])
})
