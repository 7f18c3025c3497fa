/** What the door before node:http answers is what node:http would have answered, to the byte. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import net from 'node:net'
import { Duplex } from 'node:stream'
import t, { type Test } from 'tap'
import type { HttpAnswer, HttpRequest } from '../../lib/base/http.js'
import { plainRequest } from '../../lib/base/plain-request.js'
import { openDoor } from '../../lib/io/http-door.js'
import { type HttpServer, serveHttp } from '../../lib/io/http-server.js'
import { seededRandom } from '../support/seeded-random.js'

type Server = HttpServer & { asked: string[] }

const LARGE = Buffer.alloc(60_000)

/** Each path its own kind of answer; all say how the request was understood. */
function answerTo({ method, path, query, headers }: HttpRequest): HttpAnswer {
  const said = encodeURIComponent(JSON.stringify([method, path, query, [...headers].sort()]))
  const head = (length: number): Record<string, string> => ({
    'x-said': said,
    'content-length': `${length}`,
  })
  const body = Buffer.from('body')
  async function* parts(): AsyncIterable<Uint8Array> {
    yield await Promise.resolve(body)
    yield body
  }
  switch (path.split('/')[1]) {
    case 'body':
      return { status: 200, headers: head(4), body }
    case 'large':
      return { status: 200, headers: head(LARGE.length), body: LARGE }
    case 'bare':
      return { status: 200, headers: { 'x-said': said }, body }
    case 'none':
      return { status: 304, headers: { etag: '"x"' } }
    case 'odd':
      return { status: 404, headers: { ...head(4), 'x-odd': 'caf\u00e9' }, body }
    case 'unfit':
      return { status: 200, headers: { ...head(4), 'x-unfit': 'a\r\nb: c' }, body }
    case 'lines':
      return { status: 302, headers: { ...head(0), link: ['<a>; pri=1', '<b>; pri=2'] } }
    case 'parts':
      return { status: 200, headers: head(8), body: parts() }
    case 'throws':
      throw new Error('thrown')
    default:
      return { status: 302, headers: { location: 'http://v/x', ...head(0) } }
  }
}

async function serving(t: Test, hasDoor: boolean): Promise<Server> {
  const asked: string[] = []
  const server = await serveHttp({
    ...{ host: '127.0.0.1', port: 0, tls: null, upgrade: null, log: () => {}, hasDoor },
    handle: (request) => {
      asked.push(`${request.method} ${request.path} ${request.remote.address} ${request.local}`)
      return request.path.startsWith('/later')
        ? new Promise((resolve) => setImmediate(() => resolve(answerTo(request))))
        : answerTo(request)
    },
  })
  t.teardown(() => server.close())
  return { ...server, asked }
}

/** All that a server says to these bytes, until it closes. */
async function said(port: number, pieces: readonly string[]): Promise<string> {
  const socket = net.connect(port, '127.0.0.1').setNoDelay(true)
  let text = ''
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
  socket.on('error', () => {}) // cut after a 400: what came before counts
  const closed = once(socket, 'close')
  await once(socket, 'connect')
  for (const piece of pieces) {
    socket.write(piece, 'latin1')
    await new Promise(setImmediate)
  }
  await closed
  return text.replace(/Date: [^\r]*/g, 'Date: now')
}

const LAST = 'GET /last HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'

/** Both are given the same; a request that the door takes comes alone. */
async function compare(t: Test, scripts: readonly (readonly string[])[]): Promise<void> {
  const [door, plain] = [await serving(t, true), await serving(t, false)]
  for (const pieces of scripts) {
    const whole = [...pieces, LAST]
    const [mine, theirs] = await Promise.all([said(door.port, whole), said(plain.port, whole)])
    if (mine !== theirs) t.equal(mine, theirs, JSON.stringify(pieces))
  }
  t.same(door.asked, plain.asked, 'each request is handled once')
}

const PATHS = ['/', '/body', '/bare', '/none', '/odd', '/unfit', '/lines', '/parts', '/throws']
const HEADERS = 'host: x\r\nUser-Agent: curl/8\r\naccept: */*\r\n'

t.test('every kind of answer', async (t) => {
  const paths = [...PATHS, ...PATHS.map((path) => `/later${path}`), '/a?b=c&d', '/a?', '//b/%2e']
  const requests = paths.flatMap((path) =>
    ['GET', 'HEAD'].map((method) => `${method} ${path} HTTP/1.1\r\n${HEADERS}\r\n`),
  )
  await compare(
    t,
    requests.map((each) => [each]),
  )
  await compare(t, [requests.filter((each) => !each.includes('unfit'))])
})

t.test('several that come together are answered in order', async (t) => {
  const [a, b, c] = ['/a', '/later', '/body'].map(
    (path) => `GET ${path} HTTP/1.1\r\n${HEADERS}\r\n`,
  )
  const [one = '', two = '', three = ''] = [a, b, c]
  await compare(t, [
    [one + two + three],
    [one, two + three],
    [one, three, two, one, three],
    [one + three.slice(0, 20), three.slice(20)],
    [one.slice(0, 20), one.slice(20), three],
    [...one],
  ])
})

t.test('what is out of the ordinary in one byte is node:http\u2019s', async (t) => {
  const lines = [
    ...[
      'content-length: 4',
      'Content-Length: 0',
      'transfer-encoding: chunked',
      'connection: close',
    ],
    ...['connection: Keep-Alive', 'connection: upgrade', 'upgrade: h2c', 'expect: 100-continue'],
    ...['host: y', 'user-agent: second', 'x: y', 'accept:', 'accept:  two', 'range : x', ' folded'],
    ...[
      'range:bytes=0-1',
      'range: bytes=0-1\t',
      'range: a\u0000b',
      'range: a\u00e9b',
      'range: a\rb',
    ],
    ...['range: a\nb: c', 'te: trailers', 'keep-alive: timeout=1', 'proxy-connection: close'],
    ...['cookie: a=b', 'if-none-match: "x"', 'x-forwarded-for: 1.2.3.4', 'ho st: x', ': y'],
  ]
  const starts = [
    ...[
      'GET /a HTTP/1.0',
      'GET /a HTTP/1.1 ',
      'GET  /a HTTP/1.1',
      'get /a HTTP/1.1',
      'POST /a HTTP/1.1',
    ],
    ...['GET http://y/a HTTP/1.1', 'GET a HTTP/1.1', 'GET * HTTP/1.1', 'GET /a', 'GET /a HTTP/2.0'],
    ...[
      'GET /a#b HTTP/1.1',
      'GET /a\\b HTTP/1.1',
      'GET /\u00e9 HTTP/1.1',
      'GET /a"b HTTP/1.1',
      '\r\nGET /a HTTP/1.1',
    ],
    ...['OPTIONS /a HTTP/1.1', 'HEAD /body HTTP/1.1', 'GET /a\tb HTTP/1.1', 'GET /a HTTP/1.12'],
  ]
  await compare(t, [
    ...lines.map((line) => [`GET /body HTTP/1.1\r\n${HEADERS}${line}\r\n\r\n`]),
    ...lines.map((line) => [`GET /body HTTP/1.1\r\n${line}\r\n${HEADERS}\r\n`]),
    ...starts.map((start) => [`${start}\r\n${HEADERS}\r\n`]),
    ...['\n\n', '\n\r\n', '\r\r\n', '\r\n\r\nbody'].map((end) => [
      `GET /a HTTP/1.1\r\nhost: x${end}`,
    ]),
    ['GET /a HTTP/1.1\r\n\r\n'],
    [`GET /${'a'.repeat(5000)} HTTP/1.1\r\n${HEADERS}\r\n`],
    [`GET /a HTTP/1.1\r\n${HEADERS}accept-language: ${'a'.repeat(20_000)}\r\n\r\n`],
  ])
})

t.test('requests that something happened to', async (t) => {
  const random = seededRandom(52)
  const any = <T>(of: readonly T[]): T | undefined => of[random.below(of.length)]
  const odd = [
    '\r',
    '\n',
    '\r\n',
    ' ',
    '\t',
    ':',
    '\u0000',
    '\u00ff',
    ',',
    '%',
    '?',
    'GET ',
    'HTTP/1.1',
    '',
  ]
  const scripts = Array.from({ length: 400 }, () => {
    let text = ''
    for (let i = 0; i <= random.below(3); i++)
      text += `${any(['GET', 'HEAD'])} ${any(PATHS)} HTTP/1.1\r\n${HEADERS}range: bytes=0-${i}\r\n\r\n`
    for (let i = random.below(3); i > 0; i--) {
      const at = random.below(text.length)
      text = text.slice(0, at) + any(odd) + text.slice(at + random.below(3))
    }
    const cut = random.below(text.length)
    return random.below(2) === 0 ? [text] : [text.slice(0, cut), text.slice(cut)]
  })
  await compare(t, scripts)
})

t.test('what is taken', async (t) => {
  const text = `GET /a/b?c HTTP/1.1\r\n${HEADERS}Connection: Keep-Alive\r\n\r\n`
  t.match(plainRequest(text), { method: 'GET', target: '/a/b?c' })
  t.same(
    [...(plainRequest(text)?.headers ?? [])],
    [
      ...[
        ['host', 'x'],
        ['user-agent', 'curl/8'],
        ['accept', '*/*'],
      ],
      ['connection', 'Keep-Alive'],
    ],
  )
  for (let i = 0; i < text.length; i++) t.equal(plainRequest(text.slice(0, i)), null)
  t.equal(plainRequest(text + text), null)
  t.equal(plainRequest(text.replace('HTTP', 'http')), null)
})

t.test('who asks and reads nothing is not asked any further', async (t) => {
  const server = await serving(t, true)
  const socket = net.connect(server.port, '127.0.0.1').setNoDelay(true).pause()
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  // one by one, as long as they are taken: buffers between us hold some hundreds of these answers
  for (let quiet = 0; quiet < 200 && server.asked.length < 5000; ) {
    const before = server.asked.length
    socket.write(`GET /large HTTP/1.1\r\n${HEADERS}\r\n`)
    for (quiet = 0; quiet < 200 && server.asked.length === before; quiet++)
      await new Promise(setImmediate)
  }
  t.ok(server.asked.length < 5000)
  const before = server.asked.length
  socket.resume()
  while (server.asked.length === before) await new Promise(setImmediate)
})

/** A connection whose events the test makes, several in one turn; and what was written to it. */
function playedTo(t: Test): { socket: net.Socket; written: string[] } {
  const server = createServer((_request, response) => response.end())
  openDoor(server, answerTo)
  const written: string[] = []
  const plain = new Duplex({
    read() {},
    write: (chunk: Buffer, _encoding, done) => {
      written.push(chunk.toString('latin1'))
      done()
    },
  })
  t.teardown(() => plain.destroy())
  const socket = Object.assign(plain, { setTimeout: () => plain }) as unknown as net.Socket
  server.emit('connection', socket)
  return { socket, written }
}

t.test('what was answered goes out before what comes after it is handed over', async (t) => {
  const { socket, written } = playedTo(t)
  socket.emit('data', Buffer.from(`GET /first HTTP/1.1\r\n${HEADERS}\r\n`))
  socket.emit('data', Buffer.from(`GET /last HTTP/1.0\r\n${HEADERS}\r\n`))
  while (written.length < 2) await new Promise(setImmediate)
  t.match(written[0], /location/)
  t.match(written[1], /close/i)
})

t.test('who says at once that nothing more comes is answered', async (t) => {
  const { socket, written } = playedTo(t)
  socket.emit('data', Buffer.from(`GET /first HTTP/1.1\r\n${HEADERS}\r\n`))
  socket.emit('end')
  await once(socket, 'finish')
  t.match(written, [/location/])
})

t.test('connections end with the server', async (t) => {
  const server = await serving(t, true)
  const socket = net.connect(server.port, '127.0.0.1')
  socket.write(`GET /a HTTP/1.1\r\n${HEADERS}\r\n`)
  await once(socket, 'data')
  const closed = once(socket, 'close')
  await server.close()
  await closed
  t.equal(server.asked.length, 1)
})

/** What clients do that do not wait: each ends when its connection does. */
const RUDE: readonly ((socket: net.Socket) => void)[] = [
  (socket) => socket.destroy(),
  (socket) => socket.once('connect', () => socket.write(ONE, () => socket.destroy())),
  (socket) => {
    socket.write(ONE.repeat(5))
    socket.once('data', () => socket.destroy())
  },
  (socket) => socket.write(ONE.slice(0, 30), () => socket.destroy()),
  (socket) => {
    // 6 MB that nobody reads
    socket.pause()
    const large = ONE.replace('/one', '/large')
    let left = 100
    const next = (): void => void (--left > 0 ? socket.write(large, next) : socket.destroy())
    next()
  },
  (socket) => socket.write(ONE, () => socket.resetAndDestroy()),
  (socket) => socket.end(ONE),
  (socket) => socket.end(ONE.repeat(3)).resume(),
]
const ONE = `GET /one HTTP/1.1\r\n${HEADERS}\r\n`

t.test('thousands that come at once and break off: who stays is answered', async (t) => {
  const { port } = await serving(t, true)
  const scripts = [
    [ONE, ONE, ONE],
    [ONE + ONE, ONE],
    [ONE, ONE.slice(0, 40), ONE.slice(40), ONE],
  ]
  const rude = async (i: number): Promise<void> => {
    const socket = net.connect(port, '127.0.0.1').on('error', () => {})
    const closed = once(socket, 'close')
    RUDE[i % RUDE.length]?.(socket)
    if (i % RUDE.length >= 6) socket.resume()
    await closed
  }
  const patient = async (i: number): Promise<void> => {
    const text = await said(port, [...(scripts[i % scripts.length] ?? []), LAST])
    const count = text.split('HTTP/1.1 302').length - 1
    if (count !== 4) t.equal(count, 4, text)
  }
  for (let wave = 0; wave < 20; wave++) {
    const stay = Array.from({ length: 12 }, (_, i) => patient(i))
    await Promise.all([...Array.from({ length: 160 }, (_, i) => rude(i)), ...stay])
  }
  t.pass('3200 went, 240 stayed')
})
