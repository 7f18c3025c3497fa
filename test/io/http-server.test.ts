/** What a client may do with a connection, whatever is served. */
import net from 'node:net'
import t, { type Test } from 'tap'
import type { HttpRequest } from '../../lib/base/http.js'
import { type HttpServer, type HttpServerOptions, serveHttp } from '../../lib/io/http-server.js'

async function serving(t: Test, options: Partial<HttpServerOptions>): Promise<HttpServer> {
  const server = await serveHttp({
    host: '127.0.0.1',
    port: 0,
    tls: null,
    handle: () => Promise.resolve({ status: 200, headers: {}, body: Buffer.from('here') }),
    upgrade: null,
    log: () => {},
    ...options,
  })
  t.teardown(() => server.close())
  return server
}

/** More than any buffer between us takes; says when nobody asks for more. */
function endless(): { body: AsyncIterable<Uint8Array>; ended: Promise<void> } {
  let end = (): void => {}
  const ended = new Promise<void>((resolve) => (end = resolve))
  async function* body(): AsyncIterable<Uint8Array> {
    try {
      for (;;) yield await Promise.resolve(Buffer.alloc(256 * 1024))
    } finally {
      end()
    }
  }
  return { body: body(), ended }
}

function connected({ host, port }: HttpServer): net.Socket {
  const socket = net.connect(port, host)
  socket.on('error', () => {}) // it is cut: that is the test
  return socket
}
const GET = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n'

t.test('who takes nothing for too long is cut, and its answer is given up', async (t) => {
  const { body, ended } = endless()
  const answer = { status: 200, headers: {}, body }
  const server = await serving(t, { handle: () => Promise.resolve(answer), stallMs: 300 })
  const socket = connected(server)
  socket.pause()
  socket.write(GET)
  await ended
  socket.destroy()
})

t.test('all answers that wait on a connection are given up when it is gone', async (t) => {
  const bodies = [endless(), endless(), endless()]
  let asked = 0
  const server = await serving(t, {
    handle: () =>
      Promise.resolve({ status: 200, headers: {}, body: bodies[asked++]?.body ?? Buffer.alloc(0) }),
  })
  const socket = connected(server)
  socket.write(GET.repeat(bodies.length))
  await new Promise((resolve) => socket.once('data', resolve))
  socket.destroy()
  await Promise.all(bodies.slice(0, asked).map(({ ended }) => ended))
  t.ok(asked > 0)
})

t.test('it answers at an address of IPv6', async (t) => {
  let asked: HttpRequest | null = null
  const server = await serving(t, {
    host: '::1',
    handle: (request) => {
      asked = request
      return Promise.resolve({ status: 200, headers: {}, body: Buffer.from('six') })
    },
  })
  const reply = await fetch(`http://[::1]:${server.port}/x?y`)
  t.equal(await reply.text(), 'six')
  t.match(asked, { path: '/x', query: 'y', remote: { address: '::1' } })
})
