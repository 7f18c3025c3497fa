/** A port whose connections are processes takes so many at a time, and says so to the next. */
import { once } from 'node:events'
import net from 'node:net'
import t from 'tap'
import { mayEnter } from '../../lib/base/fair-places.js'
import { listenForProcesses } from '../../lib/io/daemon-listener.js'
import { formatFull } from '../../lib/wire/greeting.js'
import { PROGRAM } from '../support/program.js'
import { noRsync } from '../support/real-rsync.js'
import { runAsync } from '../support/run-async.js'

t.test('who comes when all places are taken is told so, until one is free', async (t) => {
  // Says that it is there, and stays as long as its client.
  const words = ['sh', '-c', 'echo served >&0; cat >/dev/null']
  const listener = await listenForProcesses({ host: '127.0.0.1', port: 0, backlog: 8 }, words, {
    most: 2,
    admits: () => true,
    refusal: 'full\n',
  })
  t.teardown(() => listener.close())
  const connect = async (): Promise<{ socket: net.Socket; heard: string }> => {
    const socket = net.connect(listener.local.port, '127.0.0.1')
    const [heard] = (await once(socket, 'data')) as [Buffer]
    return { socket, heard: heard.toString('latin1') }
  }
  const first = await connect()
  const second = await connect()
  t.same([first.heard, second.heard], ['served\n', 'served\n'])
  const third = await connect()
  t.equal(third.heard, 'full\n')
  await once(third.socket, 'end')
  third.socket.destroy()
  first.socket.destroy()
  // Its process ends when it hears of it.
  let next = await connect()
  while (next.heard === 'full\n') {
    next.socket.destroy()
    next = await connect()
  }
  t.equal(next.heard, 'served\n')
  const again = await connect()
  t.equal(again.heard, 'full\n', 'one place, not two')
  for (const { socket } of [second, next, again]) socket.destroy()
})

t.test('one address does not take the places of all', async (t) => {
  const words = ['sh', '-c', 'echo served >&0; cat >/dev/null']
  const listener = await listenForProcesses({ host: '127.0.0.1', port: 0, backlog: 8 }, words, {
    most: 4,
    admits: mayEnter,
    refusal: 'full\n',
  })
  t.teardown(() => listener.close())
  const sockets: net.Socket[] = []
  const heard = async (localAddress: string): Promise<string> => {
    const socket = net.connect({ host: '127.0.0.1', port: listener.local.port, localAddress })
    sockets.push(socket)
    const [said] = (await once(socket, 'data')) as [Buffer]
    return said.toString('latin1').trim()
  }
  const from: string[] = []
  for (const n of [1, 1, 1, 2, 2, 3, 4]) from.push(`${n} ${await heard(`127.0.0.${n}`)}`)
  t.same(from, ['1 served', '1 served', '1 full', '2 served', '2 full', '3 served', '4 full'])
  for (const socket of sockets) socket.destroy()
})

t.test('rsync and prsync tell their users of it', { skip: noRsync }, async (t) => {
  const limit = { most: 0, admits: () => true, refusal: formatFull(0) }
  const listener = await listenForProcesses(
    { host: '127.0.0.1', port: 0, backlog: 8 },
    ['false'],
    limit,
  )
  t.teardown(() => listener.close())
  for (const program of [['rsync'], [process.execPath, PROGRAM]]) {
    const [first = '', ...words] = program
    const said = await runAsync(
      first,
      [...words, `rsync://127.0.0.1:${listener.local.port}/m`],
      '/',
    )
    t.match(said, {
      status: 5,
      stderr: /@ERROR: max connections \(0\) reached -- try again later\n/,
    })
  }
})
