/**
 * apt, unchanged, at a centre with volunteers that are processes of their own, each behind a door with faults: audits have to find
 * them before apt does, as it never comes back.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { systemClock } from '../../lib/app/system.js'
import { inviteVolunteer, listVolunteers } from '../../lib/app/volunteer-admin.js'
import { APT_PROGRAMS, Apt, makeRepository } from '../support/apt-repository.js'
import { startCentre } from '../support/centre.js'
import { type DoorFault, type FaultyDoor, openDoor } from '../support/faulty-door.js'
import { freePort } from '../support/ports.js'
import { type Service, startService } from '../support/service.js'

const missing = APT_PROGRAMS.find(([program]) => spawnSync(program, ['--version']).error)
const skip = missing === undefined ? false : `needs the Debian package ${missing[1]}`
const { signal } = new AbortController()
const NAMES = ['127.0.0.2', '127.0.0.3', '127.0.0.4']
const SLOW_START_MS = 301_000

t.test('apt at a centre with real volunteers', { skip }, async (t) => {
  const folder = t.testdir({ source: {}, state: {} })
  const source = join(folder, 'source')
  const state = join(folder, 'state')
  const { key, packages } = makeRepository(folder, 9)
  // time is skipped, not waited for, and stands while apt runs: reports grow no older, nothing is audited, however slow apt is
  let skippedMs = 0
  let stoodMs = 0
  let standsAt: number | null = null
  const passed = (): number => (standsAt ?? systemClock.monotonic()) - stoodMs + skippedMs
  const began = systemClock.now() - systemClock.monotonic()
  const clock = {
    now: () => began + passed(),
    monotonic: passed,
    sleep: systemClock.sleep.bind(systemClock),
  }
  const whileTimeStands = async <T>(act: () => Promise<T>): Promise<T> => {
    standsAt = systemClock.monotonic()
    try {
      return await act()
    } finally {
      stoodMs += systemClock.monotonic() - standsAt
      standsAt = null
    }
  }
  const centre = await startCentre(source, state, {}, () => {}, clock)
  t.teardown(() => centre.stop())
  const doors = new Map<string, FaultyDoor>()
  const services = new Map<string, Service>()
  for (const name of NAMES) {
    const token = await inviteVolunteer(
      state,
      { name, uplink: null, networks: [], ttlMs: 3600_000 },
      signal,
    )
    const door = await openDoor(t, name)
    door.port = await freePort(name)
    doors.set(name, door)
    const own = ['--state', join(folder, `state-${name}`), '--listen', `${name}:${door.port}`]
    const more = ['--peer-listen', `${name}:0`, '--uplink', '1g', '--public-url', door.url]
    const join_ = ['--join', centre.url, '--token', token]
    const service = startService(t, ...join_, ...own, ...more, join(folder, `tree-${name}`))
    services.set(name, service)
  }
  const known = (): ReturnType<typeof listVolunteers> => listVolunteers(state, signal)
  const states = async (): Promise<Record<string, string>> =>
    Object.fromEntries((await known()).map((each) => [each.name, each.state]))
  const until = async (isIt: (states: Record<string, string>) => boolean): Promise<void> => {
    while (!isIt(await states()));
  }
  let sequence = 1
  /** Something is published, so that all report, and all that is due is asked. */
  const later = async (ms: number, awake: readonly string[] = NAMES): Promise<void> => {
    skippedMs += ms
    writeFileSync(join(source, 'note'), `${++sequence}`)
    await centre.rescan()
    for (const name of awake)
      await services.get(name)?.said(new RegExp(`in step with sequence ${sequence}\\n`))
    // Those that the centre has not heard of since get nobody.
    const isHeard = (ago: number | null): boolean => ago !== null && ago * 1000 < ms
    while (
      !(await known()).every((each) => !awake.includes(each.name) || isHeard(each.secondsAgo))
    );
  }
  let homes = 0
  /** Everything from nothing: all packages came, and apt held them against its index. Who gave how many. */
  const given = (): Promise<Record<string, number>> => whileTimeStands(fetched)
  const fetched = async (): Promise<Record<string, number>> => {
    for (const door of doors.values()) door.asked.length = 0
    const home = join(folder, `apt${homes++}`)
    mkdirSync(home)
    const apt = new Apt(home, centre.url, key, `${homes}`)
    const update = await apt.update()
    if (update.status !== 0) throw new Error(update.stderr)
    const install = await apt.download(packages)
    if (install.status !== 0) throw new Error(install.stderr)
    const got = readdirSync(join(home, 'cache/archives')).filter((name) => name.endsWith('.deb'))
    t.equal(got.length, packages.length)
    return Object.fromEntries([...doors].map(([name, { asked }]) => [name, asked.length]))
  }
  const fault = (name: string, is: DoorFault): void => {
    const door = doors.get(name)
    if (door !== undefined) door.fault = is
  }
  const [first = '', second = '', third = ''] = NAMES
  await until((all) => NAMES.every((name) => all[name] === 'fresh'))

  await t.test('new ones get none of it, those that serve long enough all', async (t) => {
    t.same(Object.values(await given()), [0, 0, 0], 'slow start')
    await later(SLOW_START_MS)
    await until((all) => NAMES.every((name) => all[name] === 'fresh'))
    const counts = Object.values(await given())
    t.equal(
      counts.reduce((sum, each) => sum + each, 0),
      packages.length,
    )
  })

  await t.test('one that lost its files: found out, and back when it is well', async (t) => {
    fault(first, 'missing')
    await later(100_000)
    await until((all) => all[first] === 'suspect')
    const counts = await given()
    t.equal(counts[first], 0)
    t.equal((counts[second] ?? 0) + (counts[third] ?? 0), packages.length)
    fault(first, 'none')
    await later(100_000)
    await until((all) => all[first] === 'fresh')
    t.equal((await given())[first], 0, 'it failed lately')
    await later(SLOW_START_MS)
  })

  await t.test('two at once, one that breaks off and one that hangs up', async (t) => {
    fault(first, 'cut')
    fault(second, 'hangs up')
    await later(100_000)
    await until((all) => all[first] === 'suspect' && all[second] === 'suspect')
    t.same(await given(), { [first]: 0, [second]: 0, [third]: packages.length })
    fault(first, 'none')
    fault(second, 'none')
    await later(SLOW_START_MS)
    await until((all) => NAMES.every((name) => all[name] === 'fresh'))
  })

  await t.test('wrong bytes: out, with the evidence', async (t) => {
    fault(second, 'wrong')
    await later(100_000)
    await until((all) => all[second] === 'quarantined')
    const counts = await given()
    t.equal(counts[second], 0)
    const convict = (await known()).find(({ name }) => name === second)
    t.match(convict?.why, /wrong bytes: m\/pool\/main\/tool-.*\.deb \d+-\d+: SHA-256/)
  })

  await t.test('one that says nothing any more gets nobody', async (t) => {
    const silent = services.get(third)?.child
    silent?.kill('SIGSTOP')
    while (!/\) T /.test(readFileSync(`/proc/${silent?.pid}/stat`, 'latin1')));
    // What it said before that has been heard when these are answered.
    for (let turn = 0; turn < 3; turn++) await known()
    await later(100_000, [first, second])
    await until((all) => all[first] === 'fresh')
    const counts = await given()
    t.same(counts, { [first]: packages.length, [second]: 0, [third]: 0 })
    silent?.kill('SIGCONT')
  })
})
