/** The control channel: the centre's desk against nodes of every kind, a node against a centre that comes and goes. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { keepControl } from '../../lib/app/control-channel.js'
import { ControlDesk } from '../../lib/app/control-desk.js'
import { parseStatus } from '../../lib/app/module-status.js'
import { systemClock, systemRandom } from '../../lib/app/system.js'
import { LIMITS } from '../../lib/base/limits.js'
import type { TextSocket } from '../../lib/io/ws.js'
import {
  type CentreMessage,
  type ControlPeer,
  formatControl,
  type Hello,
  parseCentreMessage,
  type Report,
} from '../../lib/tracker/control.js'
import { startCentre } from '../support/centre.js'
import { ManualClock } from '../support/manual-clock.js'
import { seededRandom } from '../support/seeded-random.js'

/** One end of a socket in memory: the test says and hears, the desk has the other. */
class FakeSocket implements TextSocket {
  readonly heard: string[] = []
  readonly #said: string[] = []
  #wake: (() => void) | null = null
  isClosed = false
  unsent = 0

  say(text: string): void {
    this.#said.push(text)
    this.#wake?.()
  }
  get told(): (CentreMessage | null)[] {
    return this.heard.map(parseCentreMessage)
  }
  async read(signal: AbortSignal): Promise<string | null> {
    for (;;) {
      signal.throwIfAborted()
      const text = this.#said.shift()
      if (text !== undefined) return text
      if (this.isClosed) return null
      await new Promise<void>((resolve) => {
        this.#wake = resolve
        signal.addEventListener('abort', () => resolve(), { once: true })
      })
    }
  }
  write(text: string): void {
    this.heard.push(text)
  }
  close(): void {
    this.isClosed = true
    this.#wake?.()
  }
}

const hello = (module = 'm', port: number | null = 8731): Hello => ({
  type: 'hello',
  module,
  id: '2d'.repeat(20),
  port,
  through: 3,
})
const report = (received: number): Report => ({
  type: 'report',
  through: 4,
  received,
  sent: 1,
  receiveRate: 2,
  sendRate: 3,
  busy: false,
})

function desk(): { desk: ControlDesk; clock: ManualClock; join: (address: string) => FakeSocket } {
  const clock = new ManualClock()
  const sequenceOf = (module: string): number | null => (module === 'm' ? 5 : null)
  const made = new ControlDesk({ sequenceOf, clock, random: seededRandom(1), log: () => {} })
  const join = (address: string): FakeSocket => {
    const socket = new FakeSocket()
    made.accept(socket, address)
    return socket
  }
  return { desk: made, clock, join }
}

t.test('a node is told the sequence and its peers, and all hear of a new snapshot', async (t) => {
  const { desk: d, clock, join } = desk()
  const first = join('192.0.2.1')
  first.say(formatControl(hello()))
  await clock.advance(1)
  t.same(first.told, [{ type: 'head', sequence: 5 }])
  const silent = join('192.0.2.2')
  silent.say(formatControl(hello('m', null)))
  await clock.advance(1)
  const third = join('192.0.2.3')
  third.say(formatControl(hello()))
  await clock.advance(1)
  t.same(third.told, [
    { type: 'head', sequence: 5 },
    { type: 'peers', peers: [{ host: '192.0.2.1', port: 8731 }] },
  ])
  d.published('other', 9)
  d.published('m', 6)
  for (const socket of [first, silent, third])
    t.same(socket.told.at(-1), { type: 'head', sequence: 6 })
  await d.close()
  t.ok(first.isClosed)
})

t.test('the last report of each node is kept, and gone with it', async (t) => {
  const { desk: d, clock, join } = desk()
  const node = join('192.0.2.1')
  node.say(formatControl(hello()))
  await clock.advance(1)
  t.match(d.nodes('m'), [{ address: '192.0.2.1', through: 3, bytesReceived: 0 }])
  for (const received of [10, 20]) {
    await clock.advance(10_000)
    node.say(formatControl(report(received)))
  }
  await clock.advance(5000)
  t.match(d.nodes('m'), [{ through: 4, bytesReceived: 20, receiveRate: 2, secondsAgo: 5 }])
  t.same(d.nodes('other'), [])
  node.close()
  await clock.advance(1)
  t.same(d.nodes('m'), [])
  await d.close()
})

t.test('who does not keep to the rules is closed', async (t) => {
  const { desk: d, clock, join } = desk()
  const cases: readonly [what: string, texts: string[], waitMs: number][] = [
    ['no JSON', ['x'], 0],
    ['a report before the hello', [formatControl(report(1))], 0],
    ['a module that is not here', [formatControl(hello('other'))], 0],
    ['two hellos', [formatControl(hello()), formatControl(hello())], 0],
    ['no hello within its time', [], 10_001],
    ['silence after the hello', [formatControl(hello())], 100_001],
    [
      'a flood of reports',
      [formatControl(hello()), ...Array<string>(7).fill(formatControl(report(1)))],
      0,
    ],
  ]
  for (const [what, texts, waitMs] of cases) {
    const socket = join('192.0.2.1')
    for (const text of texts) socket.say(text)
    await clock.advance(waitMs + 1)
    t.ok(socket.isClosed, what)
    t.same(d.nodes('m'), [], what)
  }
  const slow = join('192.0.2.1')
  slow.say(formatControl(hello()))
  await clock.advance(1)
  slow.unsent = LIMITS.reportBytes
  d.published('m', 6)
  t.ok(slow.isClosed, 'one that does not take what it is told')
  await d.close()
})

t.test('one address has so many sockets and no more', async (t) => {
  const { desk: d, clock, join } = desk()
  const many = Array.from({ length: LIMITS.controlNodesAtAddress }, () => join('192.0.2.1'))
  t.notOk(many.some((socket) => socket.isClosed))
  t.ok(join('192.0.2.1').isClosed)
  t.notOk(join('192.0.2.2').isClosed, 'another address')
  many[0]?.close()
  await clock.advance(1)
  t.notOk(join('192.0.2.1').isClosed, 'room again')
  await d.close()
})

t.test('a node comes back when its centre does, and hears of its peers', async (t) => {
  const folder = t.testdir({ source: { a: 'a' } })
  const start = (port: number): ReturnType<typeof startCentre> =>
    startCentre(join(folder, 'source'), join(folder, 'state'), {
      listen: { host: '127.0.0.1', port },
    })
  const first = await start(0)
  const port = Number(new URL(first.url).port)
  const stop = new AbortController()
  const heard: number[] = []
  let wake: () => void = () => {}
  const keeping = keepControl(
    {
      origin: `http://127.0.0.1:${port}`,
      client: { userAgent: 'prsync/test', from: null },
      hello: () => hello(),
      report: () => report(1),
      onPeers: (_peers: readonly ControlPeer[]) => {},
      onHead: (sequence) => {
        heard.push(sequence)
        wake()
      },
      clock: systemClock,
      random: systemRandom,
      log: () => {},
    },
    stop.signal,
  )
  const hears = (count: number): Promise<void> =>
    new Promise((resolve) => {
      wake = () => {
        if (heard.length >= count) resolve()
      }
      wake()
    })
  await hears(1)
  const told = await (await fetch(`${first.url}/.~prsync~/status`)).text()
  t.match(parseStatus(told).nodes, [{ id: '2d'.repeat(20), address: '127.0.0.1', through: 3 }])
  writeFileSync(join(folder, 'source/b'), 'b')
  await first.rescan()
  await hears(2)
  await first.stop()
  const second = await start(port)
  await hears(3)
  t.same(heard, [1, 2, 2])
  stop.abort(new Error('enough'))
  await t.rejects(keeping, /enough/)
  await second.stop()
})
