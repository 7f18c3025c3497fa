/** What a centre tells of itself and a pulled tree knows of itself. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parseCentreUrl } from '../../lib/app/centre.js'
import { formatStatus, parseStatus } from '../../lib/app/module-status.js'
import { centreStatus, statusClient, treeStatus } from '../../lib/app/status.js'
import { StartupError, TryAgainError, WireError } from '../../lib/base/errors.js'
import { lockTree } from '../../lib/io/lock.js'
import { DiskTree } from '../../lib/io/tree.js'
import { pullFrom, startCentre } from '../support/centre.js'

const signal = new AbortController().signal

t.test('a centre tells what it publishes and how much it gave', async (t) => {
  const folder = t.testdir({ source: { a: 'a'.repeat(100_000), b: 'b' } })
  const centre = await startCentre(join(folder, 'source'), join(folder, 'state'))
  t.teardown(() => centre.stop())
  const client = statusClient('prsync/test')
  t.teardown(() => client.close())
  const before = await centreStatus(parseCentreUrl(centre.url), client, signal)
  t.match(before.head, { sequence: 1, files: 2, bytes: 100_001 })
  t.match(before.fingerprint, /^SHA256:/)
  t.match(before.traffic, { sequence: 1, given: { wire: 0, http: 0 }, nodes: [] })
  await pullFrom(centre.url, join(folder, 'copy'))
  const after = await centreStatus(parseCentreUrl(`${centre.url}/sub`), client, signal)
  t.equal(after.url, centre.url)
  t.ok((after.traffic?.given.http ?? 0) > 100_001, 'contents and pages went over HTTP')
  t.equal(after.traffic?.given.wire, 0)
})

t.test('a centre that is not there is 75', async (t) => {
  const client = statusClient('prsync/test')
  t.teardown(() => client.close())
  await t.rejects(
    centreStatus(parseCentreUrl('http://127.0.0.1:1/m'), client, signal),
    TryAgainError,
  )
})

t.test('a tree tells which snapshot it follows and whether it is in step', async (t) => {
  const folder = t.testdir({ source: { a: 'a', sub: { b: 'b' } } })
  const source = join(folder, 'source')
  const copy = join(folder, 'copy')
  const centre = await startCentre(source, join(folder, 'state'))
  t.teardown(() => centre.stop())
  await t.rejects(treeStatus(source), StartupError)
  await pullFrom(centre.url, copy)
  const first = await treeStatus(copy)
  t.match(first, { url: centre.url, doneSequence: 1, isComplete: true, holder: null })
  t.ok((first.askedAt ?? 0) <= (first.doneAt ?? 0))

  // a name that cannot be made: something that is not ours to remove stands in the way
  writeFileSync(join(source, 'new'), 'new')
  await centre.rescan()
  mkdirSync(join(copy, 'new'))
  writeFileSync(join(copy, 'new/mine'), '')
  t.equal((await pullFrom(centre.url, copy)).exit, 23)
  const second = await treeStatus(copy)
  t.match(second, { doneSequence: 1, isComplete: false, head: { sequence: 2 } })

  rmSync(join(copy, 'new'), { recursive: true })
  t.equal((await pullFrom(centre.url, copy)).exit, 0)
  t.match(await treeStatus(copy), { doneSequence: 2, isComplete: true })
})

t.test('who is at work in a tree is seen without getting in the way', async (t) => {
  const folder = t.testdir({ source: { a: 'a' } })
  const copy = join(folder, 'copy')
  const centre = await startCentre(join(folder, 'source'), join(folder, 'state'))
  t.teardown(() => centre.stop())
  await pullFrom(centre.url, copy)
  const tree = new DiskTree(copy)
  t.teardown(() => tree.close())
  const lock = await lockTree(tree, false, signal)
  t.match((await treeStatus(copy)).holder, new RegExp(`^${process.pid} on `))
  lock?.release()
  t.equal((await treeStatus(copy)).holder, null)
})

t.test('a status goes there and back, and anything else is refused', async (t) => {
  const status = {
    module: 'm',
    sequence: 3,
    files: 1,
    bytes: 2,
    time: 4,
    expires: 5,
    swarm: { seeds: 1, leeches: 0 },
    connections: 1,
    given: { wire: 6, http: 7, torrents: 8 },
    nodes: [
      {
        id: '00'.repeat(20),
        address: '127.0.0.1',
        through: null,
        bytesReceived: 8,
        bytesSent: 9,
        receiveRate: 1.5,
        sendRate: 0,
        secondsAgo: 2.5,
      },
    ],
  }
  t.same(parseStatus(formatStatus(status)), status)
  const spoilt: readonly [string, unknown][] = [
    ['no JSON', 'x'],
    ['no object', []],
    ['nothing', {}],
    ['a negative count', { ...status, files: -1 }],
    ['a fraction of a file', { ...status, files: 0.5 }],
    ['a terminal escape', { ...status, module: '\u001b[2J' }],
    ['nodes that are none', { ...status, nodes: [1] }],
    ['null', null],
  ]
  for (const [what, value] of spoilt)
    t.throws(() => parseStatus(JSON.stringify(value)), WireError, what)
  t.throws(() => parseStatus('{'), WireError, 'no JSON')
})
