/** The centre as an ordinary HTTP client meets it: RFC 9110 §13 and §14, names, listings, and clients that misbehave. */
import { createHash } from 'node:crypto'
import { mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { type AskedReply, askAt } from '../support/ask.js'
import { startCentre } from '../support/centre.js'
import { ruled } from '../support/contents.js'

const folder = t.testdir({ source: { dir: { inner: 'inner' }, empty: '' }, state: {} })
const source = join(folder, 'source')
const BIG = Buffer.from(ruled(3_000_000))
writeFileSync(join(source, 'big'), BIG)
writeFileSync(join(source, 'a b&c#d?e%f+"<é>'), 'odd')
writeFileSync(Buffer.from(`${source}/\xff\xfe`, 'latin1'), 'bytes')
symlinkSync('big', join(source, 'link'))
symlinkSync('dir', join(source, 'later'))
symlinkSync('circle', join(source, 'circle'))
mkdirSync(join(source, 'pool'))
writeFileSync(join(source, 'pool/tool_1.2-3_amd64.deb'), 'deb')
writeFileSync(join(source, 'Release'), 'Suite: stable\n')
utimesSync(join(source, 'dir/inner'), 1_700_000_000.75, 1_700_000_000.75)
mkdirSync(join(source, 'void'))
mkdirSync(join(source, 'sorted/sub'), { recursive: true })
for (const [name, size, time] of [
  ['a', 2, 1_700_000_000],
  ['b', 2000, 1_600_000_000],
  ['c', 1, 1_650_000_000],
] as const) {
  writeFileSync(join(source, 'sorted', name), 'x'.repeat(size))
  utimesSync(join(source, 'sorted', name), time, time)
}
mkdirSync(join(source, 'many'))
for (let i = 0; i < 1500; i++)
  writeFileSync(join(source, 'many', `file-${String(i).padStart(5, '0')}`), `${i}`)
const centre = await startCentre(source, join(folder, 'state'))
t.teardown(() => centre.stop())
const { port } = new URL(centre.url)

const ask = (
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<AskedReply> => askAt(Number(port), path, headers, method)

t.test('one range of bytes', async (t) => {
  const size = BIG.length
  const cases: [range: string, status: number, start: number, end: number][] = [
    ['bytes=0-0', 206, 0, 1],
    ['bytes=0-', 206, 0, size],
    ['bytes=100-199', 206, 100, 200],
    ['bytes=2999999-', 206, size - 1, size],
    ['bytes=-5', 206, size - 5, size],
    ['bytes=-9000000', 206, 0, size],
    ['bytes=0-99999999', 206, 0, size],
    ['bytes=300000-600000', 206, 300_000, 600_001],
    ['bytes=5-9,3000000-', 206, 5, 10],
    // Not understood, or the work of an attacker: the whole is always right.
    ['bytes=5-6,0-1', 200, 0, size],
    ['bytes=0-9,5-14', 200, 0, size],
    [`bytes=${Array.from({ length: 200 }, (_, i) => `${i * 9}-${i * 9}`).join(',')}`, 200, 0, size],
    ['bytes=5-1', 200, 0, size],
    ['lines=1-2', 200, 0, size],
    ['bytes=-', 200, 0, size],
  ]
  for (const [range, status, start, end] of cases) {
    const reply = await ask('/m/big', { range })
    t.equal(reply.status, status, range)
    t.equal(reply.headers['content-length'], `${end - start}`, range)
    t.equal(
      reply.headers['content-range'],
      status === 206 ? `bytes ${start}-${end - 1}/${size}` : undefined,
    )
    t.ok(reply.body.equals(BIG.subarray(start, end)), range)
  }
  for (const range of ['bytes=3000000-', 'bytes=99999999-', 'bytes=-0']) {
    const reply = await ask('/m/big', { range })
    t.match(reply, { status: 416, headers: { 'content-range': `bytes */${size}` } }, range)
  }
  t.match(await ask('/m/empty', { range: 'bytes=0-' }), { status: 200 })
  t.match(await ask('/m/big', { range: 'bytes=0-9' }, 'HEAD'), {
    status: 200,
    headers: { 'content-length': `${size}` },
  })
})

t.test('several ranges come as parts', async (t) => {
  const reply = await ask('/m/big', { range: 'bytes=0-9, 300000-600000,-5' })
  t.equal(reply.status, 206)
  t.equal(reply.headers['content-length'], `${reply.body.length}`)
  t.equal(reply.headers['content-range'], undefined)
  const [, boundary = ''] =
    /^multipart\/byteranges; boundary=(\w+)$/.exec(String(reply.headers['content-type'])) ?? []
  const parts = reply.body.toString('latin1').split(`\r\n--${boundary}`)
  t.equal(parts.length, 5)
  t.equal(parts[4], '--\r\n')
  const expected: [number, number][] = [
    [0, 10],
    [300_000, 600_001],
    [BIG.length - 5, BIG.length],
  ]
  for (const [i, [start, end]] of expected.entries()) {
    const [head = '', ...body] = (parts[i + 1] ?? '').split('\r\n\r\n')
    t.match(head, `content-range: bytes ${start}-${end - 1}/${BIG.length}`)
    t.ok(Buffer.from(body.join('\r\n\r\n'), 'latin1').equals(BIG.subarray(start, end)))
  }
})

t.test('a file says what it is, and how to know that it came whole', async (t) => {
  const { headers } = await ask('/m/dir/inner')
  const sha256 = createHash('sha256').update('inner').digest('base64')
  t.match(headers, {
    'content-type': 'application/octet-stream',
    'content-length': '5',
    'accept-ranges': 'bytes',
    etag: /^"[0-9a-f]+-5"$/,
    'last-modified': 'Tue, 14 Nov 2023 22:13:20 GMT',
    digest: `SHA-256=${sha256}`,
    'repr-digest': `sha-256=:${sha256}:`,
    'cache-control': 'public, max-age=60, must-revalidate',
    'x-content-type-options': 'nosniff',
  })
  t.equal(headers['etag'], `"${(1_700_000_000).toString(16)}-5"`)
  const cases: [path: string, headers: Record<string, string | RegExp>][] = [
    ['pool/tool_1.2-3_amd64.deb', { 'cache-control': /immutable/, 'content-type': /debian/ }],
    ['Release', { 'cache-control': /max-age=60/, 'content-type': 'text/plain; charset=utf-8' }],
    ['empty', { 'content-length': '0', digest: /^SHA-256=47DEQpj8HBSa/ }],
  ]
  for (const [path, expected] of cases)
    t.match(await ask(`/m/${path}`), { headers: expected }, path)
})

t.test('the digest of a large file is there from when it was asked for', async (t) => {
  const expected = `SHA-256=${createHash('sha256').update(BIG).digest('base64')}`
  // The first never waits for it; somebody later has it.
  let told = (await ask('/m/big', {}, 'HEAD')).headers['digest']
  for (let i = 0; i < 2000 && told === undefined; i++)
    told = (await ask('/m/big', {}, 'HEAD')).headers['digest']
  t.equal(told, expected)
  t.match(await ask('/m/big', { range: 'bytes=0-9' }), {
    status: 206,
    headers: { digest: expected },
  })
})

t.test('links of the snapshot lead to their files', async (t) => {
  t.match(await ask('/m/link'), {
    status: 302,
    headers: { location: `${centre.url}/big`, 'cache-control': 'no-store' },
  })
  t.match(await ask('/m/later/inner'), {
    status: 200,
    body: Buffer.from('inner'),
    headers: { 'cache-control': /max-age=60/ },
  })
  t.match(await ask('/m/later/'), { status: 200, body: /href=".\/inner"/ })
  t.match(await ask('/m/circle'), { status: 404 })
  t.match(await ask('/m/circle/x'), { status: 404 })
})

t.test('conditions', async (t) => {
  const { headers } = await ask('/m/big')
  const etag = String(headers['etag'])
  const modified = String(headers['last-modified'])
  const earlier = new Date(Date.parse(modified) - 60_000).toUTCString()
  const cases: [what: string, headers: Record<string, string>, status: number][] = [
    ['the same tag', { 'if-none-match': etag }, 304],
    ['among others', { 'if-none-match': `"x", ${etag}` }, 304],
    ['weakly', { 'if-none-match': `W/${etag}` }, 304],
    ['any', { 'if-none-match': '*' }, 304],
    ['another tag', { 'if-none-match': '"x"' }, 200],
    ['not modified since', { 'if-modified-since': modified }, 304],
    ['modified since', { 'if-modified-since': earlier }, 200],
    ['a tag counts before a time', { 'if-none-match': '"x"', 'if-modified-since': modified }, 200],
    ['no time', { 'if-modified-since': 'yesterday' }, 200],
    ['a range of the same', { 'if-range': etag, range: 'bytes=0-9' }, 206],
    ['a range of the same time', { 'if-range': modified, range: 'bytes=0-9' }, 206],
    ['a range of another', { 'if-range': '"x"', range: 'bytes=0-9' }, 200],
    ['a tag that has to match', { 'if-match': etag }, 200],
    ['and does not', { 'if-match': '"x"' }, 412],
    ['unmodified since', { 'if-unmodified-since': modified }, 200],
    ['modified after that', { 'if-unmodified-since': earlier }, 412],
  ]
  for (const [what, conditions, status] of cases)
    t.equal((await ask('/m/big', conditions)).status, status, what)
  t.match(await ask('/m/big', { 'if-none-match': etag }), {
    headers: { etag },
    body: Buffer.alloc(0),
  })
})

t.test('HEAD says what GET would, without the bytes', async (t) => {
  for (const path of [
    '/m/big',
    '/m/empty',
    '/m/',
    '/m/dir/',
    '/m/none',
    '/',
    '/m/.~prsync~/head',
  ]) {
    const [head, get] = [await ask(path, {}, 'HEAD'), await ask(path)]
    t.equal(head.status, get.status, path)
    t.equal(head.headers['content-length'], get.headers['content-length'], path)
    t.equal(head.headers['etag'], get.headers['etag'], path)
    t.equal(head.body.length, 0)
  }
})

t.test('names are percent-encoded bytes, decoded once', async (t) => {
  const odd = encodeURIComponent('a b&c#d?e%f+"<é>')
  t.match(await ask(`/m/${odd}`), { status: 200, body: Buffer.from('odd') })
  t.match(await ask('/m/%FF%fe'), { status: 200, body: Buffer.from('bytes') })
  t.match(await ask('/m/%62ig', {}, 'HEAD'), { status: 200 })
  for (const path of [
    '/m/%2562ig',
    '/m/dir%2Finner/x',
    '/m/../m/big/',
    '/m/dir/../../etc/passwd',
    '/m/%2e%2e/%2e%2e/etc/passwd',
    '/m/.~prsync~/index',
    '/m/big%00',
    '/none',
    '/m/none',
    '/m//etc/passwd',
  ]) {
    const { status, body } = await ask(path)
    t.ok(status === 404 || status === 400, `${path}: ${status}`)
    t.notMatch(body.toString(), /root:/)
  }
  for (const path of ['/m/%', '/m/%zz', '/m/%4']) t.match(await ask(path), { status: 400 }, path)
})

t.test('a directory is listed, in its own place', async (t) => {
  t.match(await ask('/m/dir'), { status: 301, headers: { location: '/m/dir/' } })
  t.match(await ask('/m/dir/'), { status: 200, body: /href=".\/inner"/ })
  const { body, headers } = await ask('/m/')
  const page = body.toString()
  t.match(headers['content-type'], 'text/html')
  t.match(page, 'href="./dir/"')
  t.notMatch(page, '<é>', 'names are escaped')
  for (const [, href = ''] of page.matchAll(/href="\.\/([^"]+)"/g))
    if (!['link', 'later', 'circle'].includes(href))
      t.equal((await ask(`/m/${href}`)).status, 200, href)
  t.match(await ask('/m/void/'), { status: 200 })
  t.match(await ask('/'), { status: 200, body: /^m\/$/m })
})

t.test('a listing is sorted as its query says, without a script', async (t) => {
  const names = async (query: string): Promise<string[]> => {
    const page = (await ask(`/m/sorted/${query}`)).body.toString()
    return [...page.matchAll(/href="\.\/([^"?]+)"/g)].map((found) => found[1] ?? '')
  }
  const cases: [query: string, expected: string[]][] = [
    ['', ['sub/', 'a', 'b', 'c']],
    ['?sort=name&order=desc', ['sub/', 'c', 'b', 'a']],
    ['?sort=size', ['sub/', 'c', 'a', 'b']],
    ['?sort=size&order=desc', ['sub/', 'b', 'a', 'c']],
    ['?sort=time', ['sub/', 'b', 'c', 'a']],
    ['?sort=nonsense&order=%zz', ['sub/', 'a', 'b', 'c']],
  ]
  for (const [query, expected] of cases) t.same(await names(query), expected, query)
  const page = (await ask('/m/sorted/?sort=size')).body.toString()
  t.match(page, 'aria-sort="ascending"')
  t.match(page, 'href="?sort=size&amp;order=desc"')
  t.match(page, '2.00 kB')
  t.match(page, 'title="2000 bytes"')
  t.match(page, '2023-11-14<span class="h"> 22:13</span>')
  t.match(page, '1 directory, 3 files, 2.00 kB')
})

t.test('a page may load nothing, and run nothing', async (t) => {
  const { headers, body } = await ask('/m/sorted/')
  const page = body.toString()
  const [, style = ''] = /<style>(.*)<\/style>/s.exec(page) ?? []
  const sha256 = createHash('sha256').update(style).digest('base64')
  const policy = String(headers['content-security-policy'])
  t.match(policy, "default-src 'none'")
  t.match(policy, `style-src 'sha256-${sha256}'`)
  t.notMatch(policy, 'unsafe')
  t.notMatch(page, /<script|style=|src=|@import|url\(/)
  const etag = String(headers['etag'])
  t.match(await ask('/m/sorted/', { 'if-none-match': etag }), { status: 304 })
  t.match(await ask('/m/sorted/?sort=size', { 'if-none-match': etag }), { status: 200 })
})

t.test('browsers get a page of the modules, others a list', async (t) => {
  const reply = await ask('/', { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' })
  t.match(reply.headers, { 'content-type': /html/, vary: 'Accept' })
  t.match(reply.body.toString(), '<a href="m/">m/</a>')
  t.match(await ask('/', { accept: '*/*' }), { headers: { 'content-type': /plain/ } })
})

t.test('each name of a large directory is found', async (t) => {
  const path = (i: number): string => `/m/many/file-${String(i).padStart(5, '0')}`
  for (const i of [0, 1, 299, 300, 301, 750, 1498, 1499])
    t.match(await ask(path(i)), { status: 200, body: Buffer.from(`${i}`) }, `${i}`)
  for (const name of ['a', 'file-', 'file-00000x', 'file-01500', 'z'])
    t.match(await ask(`/m/many/${name}`), { status: 404 }, name)
  const { body } = await ask('/m/many/')
  t.equal([...body.toString().matchAll(/href=".\/file-/g)].length, 1500)
})

t.test('methods that change anything are refused', async (t) => {
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])
    t.match(await ask('/m/big', {}, method), { status: 405, headers: { allow: 'GET, HEAD' } })
  t.match(await ask('/m/.~prsync~/contents'), { status: 405, headers: { allow: 'POST' } })
})

/** What comes back on a bare connection until the other side closes it. */
function raw(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(Number(port), '127.0.0.1', () => socket.write(text))
    let heard = ''
    socket.setEncoding('latin1').on('data', (part: string) => (heard += part))
    socket.on('close', () => resolve(heard))
    socket.on('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ECONNRESET' || error.code === 'EPIPE' ? resolve(heard) : reject(error),
    )
  })
}

t.test('what is no request is answered and cut', async (t) => {
  t.match(await raw(`GET /m/${'x'.repeat(40_000)} HTTP/1.1\r\n`), /^HTTP\/1\.1 431 /)
  t.match(
    await raw(`GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(40_000)}\r\n\r\n`),
    /^HTTP\/1\.1 431 /,
  )
  t.match(
    await raw(`GET /m/${'x'.repeat(9000)} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`),
    /^HTTP\/1\.1 414 /,
  )
  t.match(await raw('nonsense\r\n\r\n'), /^HTTP\/1\.1 400 /)
  t.match(await raw('GET gopher://127.0.0.1/m/big HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 400 /)
  t.equal((await ask('/m/big', {}, 'HEAD')).status, 200, 'and it answers on')
})

t.test('requests that come together are answered in their order', async (t) => {
  const get = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nhost: x\r\n${more}\r\n`
  const heard = await raw(
    get('/m/dir/inner') +
      get('/m/none') +
      get('/m/big') +
      get('/m/Release', 'connection: close\r\n'),
  )
  const answers = [...heard.matchAll(/HTTP\/1\.1 (\d+) /g)].map((found) => found[1])
  t.same(answers, ['200', '404', '200', '200'])
  t.ok(heard.includes(BIG.toString('latin1')))
  t.ok(heard.endsWith('Suite: stable\n'))
})

t.test('a client that does not read holds up nobody, and costs no memory', async (t) => {
  const slow = Array.from({ length: 20 }, () => {
    const socket = net.connect(Number(port), '127.0.0.1')
    socket.on('error', () => {})
    socket.pause()
    socket.write('GET /m/big HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(8))
    return socket
  })
  for (let i = 0; i < 5; i++) t.equal((await ask('/m/big')).body.length, BIG.length)
  for (const socket of slow) socket.destroy()
})

t.test(
  'a file that is replaced in the meantime is not given as if it were the old one',
  async (t) => {
    const path = join(source, 'going')
    writeFileSync(path, 'first')
    await centre.rescan()
    t.match(await ask('/m/going'), { status: 200, body: Buffer.from('first') })
    rmSync(path)
    writeFileSync(path, 'other')
    const given = await ask('/m/going').catch(() => null)
    t.not(given?.body.toString(), 'other', 'the connection is cut, or 503')
    await centre.rescan()
    t.match(await ask('/m/going'), { status: 200, body: Buffer.from('other') })
  },
)
