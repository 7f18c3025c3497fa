/** WebSockets over loopback: texts there and back, limits, and both ways of ending. */

import { once } from 'node:events'
import { request } from 'node:http'
import t, { type Test } from 'tap'
import { TryAgainError } from '../../lib/base/errors.js'
import { serveHttp } from '../../lib/io/http-server.js'
import { acceptWebSockets, connectWebSocket, type TextSocket } from '../../lib/io/ws.js'

const signal = new AbortController().signal

async function listening(
  t: Test,
): Promise<{ url: URL; opened: Promise<TextSocket>; port: number }> {
  let tell: (socket: TextSocket) => void = () => {}
  const opened = new Promise<TextSocket>((resolve) => {
    tell = resolve
  })
  const doors = [{ path: '/control', messageBytes: 1000, onSocket: tell }]
  const { upgrade } = acceptWebSockets(doors)
  const server = await serveHttp({
    host: '127.0.0.1',
    port: 0,
    tls: null,
    handle: async () => ({ status: 200, headers: {} }),
    upgrade,
    log: () => {},
  })
  t.teardown(() => server.close())
  return { url: new URL(`ws://127.0.0.1:${server.port}/control`), opened, port: server.port }
}

t.test('texts go both ways, in order, and the end is heard', async (t) => {
  const { url, opened } = await listening(t)
  const ours = await connectWebSocket(url, 1000, 'prsync/test', signal)
  const theirs = await opened
  for (let i = 0; i < 100; i++) ours.write(`message ${i}`)
  for (let i = 0; i < 100; i++) t.equal(await theirs.read(signal), `message ${i}`)
  theirs.write('é')
  t.equal(await ours.read(signal), 'é')
  ours.close()
  t.equal(await theirs.read(signal), null)
  theirs.write('into the void')
  theirs.close()
  t.equal(await ours.read(signal), null)
})

t.test('a message above the limit ends the socket', async (t) => {
  const { url, opened } = await listening(t)
  const ours = await connectWebSocket(url, 1000, 'prsync/test', signal)
  const theirs = await opened
  ours.write('x'.repeat(1001))
  t.equal(await theirs.read(signal), null)
  t.equal(await ours.read(signal), null)
})

t.test('reading can be given up', async (t) => {
  const { url, opened } = await listening(t)
  const ours = await connectWebSocket(url, 1000, 'prsync/test', signal)
  const stop = new AbortController()
  const reading = ours.read(stop.signal)
  stop.abort(new Error('enough'))
  await t.rejects(reading, /enough/)
  ours.close()
  ;(await opened).close()
})

t.test('another path is refused, and so is a place where nobody listens', async (t) => {
  const { url, port } = await listening(t)
  const other = new URL('/other', url)
  await t.rejects(connectWebSocket(other, 1000, 'prsync/test', signal), TryAgainError)
  await t.rejects(
    connectWebSocket(new URL('ws://127.0.0.1:1/'), 1000, 'prsync/test', signal),
    TryAgainError,
  )
  const stopped = AbortSignal.abort(new Error('stopped'))
  await t.rejects(connectWebSocket(url, 1000, 'prsync/test', stopped), /stopped/)
  const plain = request({ host: '127.0.0.1', port, path: '/control' }).end()
  const [reply] = (await once(plain, 'response')) as [{ statusCode: number; resume(): void }]
  t.equal(reply.statusCode, 200, 'a plain request goes where all go')
  reply.resume()
})
