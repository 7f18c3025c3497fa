/** Which requests the centre sends to volunteers, with which headers, and what it does when clients come back. */
import { createHash } from 'node:crypto'
import { mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { bounceKey, formatBounce, LACKS } from '../../lib/mirror/bounce.js'
import { type AskedReply, askAt } from '../support/ask.js'
import { startCentre } from '../support/centre.js'
import { ruled } from '../support/contents.js'
import { TestTable } from '../support/http-volunteers.js'
import { loadReport } from '../support/volunteers.js'

const folder = t.testdir({ source: {}, state: {} })
const source = join(folder, 'source')
const BIG = Buffer.from(ruled(600_000))
const SHA256 = createHash('sha256').update(BIG).digest()
mkdirSync(join(source, 'pool'))
mkdirSync(join(source, 'dists'))
for (const name of ['big', 'pool/tool_1.2+3~b_amd64.deb', 'dists/InRelease'])
  writeFileSync(join(source, name), BIG)
writeFileSync(join(source, 'going.iso'), BIG.subarray(1))
writeFileSync(join(source, 'gone.iso'), BIG.subarray(2))
writeFileSync(join(source, 'small'), BIG.subarray(0, 65_535))
writeFileSync(join(source, 'least'), BIG.subarray(0, 65_536))
writeFileSync(join(source, 'empty'), '')
symlinkSync('big', join(source, 'latest'))
utimesSync(join(source, 'big'), 1_700_000_000, 1_700_000_000)
const table = new TestTable()
const centre = await startCentre(source, join(folder, 'state'), { volunteers: table })
t.teardown(() => centre.stop())
const { port, origin } = new URL(centre.url)

/** A client by another name each time has no history. */
let clients = 0
const ask = (
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<AskedReply> =>
  askAt(Number(port), path, { 'user-agent': `client/${clients++}`, ...headers }, method)

t.beforeEach(() => {
  table.volunteers = []
  table.evidence.length = 0
  table.lacking.clear()
  for (const id of ['v1', 'v2', 'v3']) table.add(id, `http://${id}.example/pub`)
})

/** What a client is told once the digests are made. */
async function digested(): Promise<void> {
  t.equal(
    (await ask('/m/big.sha256')).body.toString(),
    `${SHA256.toString('hex')}  big\n`,
    'a line for sha256sum -c',
  )
}
const volunteerOf = (reply: AskedReply): string => String(reply.headers['x-prsync-volunteer'])
async function goesTo(t: Test, reply: AskedReply, status: number, what: string): Promise<void> {
  t.equal(reply.status, status, what)
  if (status === 200) t.equal(reply.headers['location'], undefined, what)
}

t.test('a large file is given by a volunteer, by a redirect that can be checked', async (t) => {
  await digested()
  const reply = await ask('/m/big')
  t.equal(reply.status, 302)
  const chosen = volunteerOf(reply)
  const [second = '', third = ''] = ['v1', 'v2', 'v3'].filter((id) => id !== chosen)
  const { date, connection, 'keep-alive': _, link, ...headers } = reply.headers
  t.ok(date && connection)
  t.same(headers, {
    location: `http://${chosen}.example/pub/m/big`,
    'content-length': '0',
    'cache-control': 'no-store',
    etag: `"${(1_700_000_000).toString(16)}-${BIG.length.toString(16)}"`,
    'last-modified': 'Tue, 14 Nov 2023 22:13:20 GMT',
    digest: `SHA-256=${SHA256.toString('base64')}`,
    vary: 'Accept',
    'referrer-policy': 'no-referrer',
    'x-prsync-volunteer': chosen,
    'x-prsync-reason': 'least load',
  })
  const described = `<${origin}/m/big.meta4>; rel=describedby; type="application/metalink4+xml"`
  for (const [a, b] of [
    [second, third],
    [third, second],
  ])
    if (String(link).includes(`<http://${a}.example/pub/m/big>; rel=duplicate; pri=2; pref`))
      t.match(String(link), `<http://${b}.example/pub/m/big>; rel=duplicate; pri=3; pref`)
  t.match(String(link), /pri=2; pref/)
  t.match(String(link), described)
  t.match(await ask('/m/big', {}, 'HEAD'), { status: 302, headers: { location: /\/m\/big$/ } })
  t.match(await ask('/m/big', { range: 'bytes=0-9' }), { status: 302 })
  t.match(await ask('/m/least'), { status: 302 })
})

t.test('names arrive encoded, and leave so', async (t) => {
  for (const path of ['/m/pool/tool_1.2%2b3%7eb_amd64.deb', '/m/pool/tool_1.2+3~b_amd64.deb'])
    t.match(await ask(path), {
      status: 302,
      headers: { location: /^http:\/\/v\d\.example\/pub\/m\/pool\/tool_1\.2%2B3~b_amd64\.deb$/ },
    })
})

t.test('what the centre gives itself', async (t) => {
  const { headers } = await ask('/m/small')
  t.equal(headers['vary'], undefined)
  const { etag } = (await ask('/m/big')).headers
  const cases: [path: string, headers: Record<string, string>, status: number][] = [
    ['/m/dists/InRelease', {}, 200],
    ['/m/small', {}, 200],
    ['/m/empty', {}, 200],
    ['/m/big', { 'if-none-match': String(etag) }, 304],
    ['/m/big', { 'if-match': '"x"' }, 412],
    ['/m/big', { range: 'bytes=600000-' }, 416],
    ['/m/none', {}, 404],
    ['/m/', {}, 200],
  ]
  for (const [path, headers, status] of cases)
    await goesTo(t, await ask(path, headers), status, `${path} ${JSON.stringify(headers)}`)
  t.match(await ask('/m/big', {}, 'POST'), { status: 405 })
})

t.test('where no volunteer may be chosen the centre serves', async (t) => {
  table.lacking.add('v1')
  t.not(volunteerOf(await ask('/m/big')), 'v1')
  table.volunteers = []
  table.add('https', 'https://v4.example', { scheme: 'https' })
  t.match(await ask('/m/big'), { status: 200, body: BIG })
  table.volunteers = []
  t.match(await ask('/m/big'), { status: 200, body: BIG, headers: { vary: 'Accept' } })
})

t.test('a name that changes leads to one that stays first', async (t) => {
  t.match(await ask('/m/latest'), { status: 302, headers: { location: `${origin}/m/big` } })
  t.equal((await ask('/m/latest')).headers['x-prsync-volunteer'], undefined)
  t.match((await ask('/m/latest.sha256')).body.toString(), /^[0-9a-f]{64} {2}latest\n$/)
})

t.test('who asks again was failed, and is served here the second time', async (t) => {
  const me = { 'user-agent': 'ZYpp 17' }
  const first = volunteerOf(await ask('/m/big', me))
  t.equal(table.evidence.length, 0)
  const second = volunteerOf(await ask('/m/big', me))
  t.not(second, first, 'another one')
  t.match(table.evidence, [[first, { kind: 'retry', client: '\x7f\0\0\x01' }]])
  t.match(await ask('/m/big', me), { status: 200, body: BIG })
  t.match(await ask('/m/big', me), { status: 200 })
  t.match(table.evidence, [[first], [second, { kind: 'retry' }]], 'each was told once')
  t.equal(table.evidence.length, 2)
  t.match(await ask('/m/big', { 'user-agent': 'other' }), { status: 302 }, 'others go on')
  t.match(await ask('/m/going.iso', me), { status: 200 }, 'for a minute other files too')
})

t.test('a volunteer that failed a client gets it with no other file', async (t) => {
  const me = { 'user-agent': 'curl/one' }
  const first = volunteerOf(await ask('/m/big', me))
  await ask('/m/big', me)
  table.volunteers = table.volunteers.filter(({ id }) => id === first)
  t.match(await ask('/m/going.iso', me), { status: 200 })
  t.match(await ask('/m/going.iso'), { status: 302 }, 'others it does')
})

t.test('dnf counts failures over all files: one is enough', async (t) => {
  const me = { 'user-agent': 'libdnf (Fedora Linux 39)' }
  t.match(await ask('/m/big', me), { status: 302 })
  t.match(await ask('/m/big', me), { status: 200 })
  t.match(await ask('/m/going.iso', me), { status: 200 })
  t.equal(table.evidence.length, 1)
})

t.test('parts of a file that are asked for at once are no repeats', async (t) => {
  const me = { 'user-agent': 'aria2/1.36.0' }
  for (const range of ['bytes=0-9', 'bytes=10-19', 'bytes=20-29', 'bytes=30-39'])
    t.match(await ask('/m/big', { ...me, range }), { status: 302 }, range)
  t.match(await ask('/m/big', me, 'HEAD'), { status: 302 })
  t.same(table.evidence, [])
})

const secret = Buffer.alloc(32, 7)
const bounceOf = (id: string): string => formatBounce(bounceKey(secret, id), id, LACKS, 'm/big')

t.test('a bounce counts once, by its own volunteer, of a redirect that was', async (t) => {
  const me = { 'user-agent': 'curl/8' }
  t.match(
    await ask(`/m/big?${bounceOf('v1')}`, me),
    { status: 200 },
    'of none: served, not believed',
  )
  t.same(table.evidence, [])
  const first = volunteerOf(await ask('/m/big', me))
  const second = await ask(`/m/big?${bounceOf(first)}`, me)
  t.equal(second.status, 302)
  t.not(volunteerOf(second), first)
  t.match(table.evidence, [[first, { kind: 'bounce', lacks: true }]])
  t.match(await ask(`/m/big?${bounceOf(volunteerOf(second))}`, me), { status: 200, body: BIG })
  t.equal(table.evidence.length, 2)
  t.match(await ask(`/m/big?${bounceOf(first)}`, me), { status: 200 })
  t.equal(table.evidence.length, 2, 'said again')
})

t.test('a bounce in the name of another tells on nobody', async (t) => {
  const me = { 'user-agent': 'evil' }
  const first = volunteerOf(await ask('/m/big', me))
  const forged = bounceOf(first).replace(/.{16}$/, 'A'.repeat(16))
  await ask(`/m/big?${forged}`, me)
  t.same(table.evidence, [])
})

t.test(
  'apt is sent to no volunteer of which anything is unsure, and is served when it comes back',
  async (t) => {
    const apt = { 'user-agent': 'Debian APT-HTTP/1.3 (2.6.1)' }
    const first = volunteerOf(await ask('/m/big', apt))
    t.match(await ask(`/m/big?${bounceOf(first)}`, apt), { status: 200, body: BIG })
    t.match(table.evidence, [[first, { kind: 'bounce' }]])
    table.volunteers = []
    table.add('old', 'http://old.example', {
      report: loadReport({ atMs: Date.now() - 60_000 }),
    })
    t.match(await ask('/m/least', apt), { status: 200 })
    t.match(await ask('/m/least'), { status: 302 }, 'another client is')
  },
)

t.test('a metalink for who takes one, and wget2 hears of none', async (t) => {
  await digested()
  const accept = '*/*,application/metalink4+xml'
  const metalink = await ask('/m/big', { accept })
  t.match(metalink, { status: 200, headers: { 'content-type': 'application/metalink4+xml' } })
  const text = metalink.body.toString()
  t.match(text, `<hash type="sha-256">${SHA256.toString('hex')}</hash>`)
  t.match(text, '<pieces length="262144" type="sha-1">')
  t.equal([...text.matchAll(/<url priority/g)].length, 4)
  t.match(text, `<url priority="4">${origin}/m/big?prsync-stay</url>`)
  t.match((await ask('/m/big.meta4')).headers, {
    'content-type': 'application/metalink4+xml',
    // aria2 would save it in the place of the file.
    'content-disposition': `attachment; filename="big.meta4"; filename*=UTF-8''big.meta4`,
  })
  for (const accept of ['*/*', 'application/metalink+xml', 'application/metalink4+xml;q=0'])
    t.match(await ask('/m/big', { accept }), { status: 302 }, accept)
  t.match(await ask('/m/small', { accept }), { status: 200, headers: { digest: /./ } })
  const wget2 = await ask('/m/big', { accept, 'user-agent': 'wget2/2.0' })
  t.equal(wget2.status, 302)
  t.notMatch(wget2.headers['link'], /describedby/)
})

t.test('the last of a list is sent on once, while the centre has room', async (t) => {
  const own = { 'user-agent': 'last/1', accept: '*/*,application/metalink4+xml' }
  t.equal((await ask('/m/big?prsync-stay', own)).status, 302, 'once, as some begin there')
  for (const range of ['bytes=0-9', 'bytes=10-19'])
    t.match(await ask('/m/big?prsync-stay', { ...own, range }), { status: 206 }, range)
  t.match(await ask('/m/big?prsync-stay', own), { status: 200, body: BIG })
  t.same(table.evidence, [], 'nobody is blamed for it')
  table.centre = { ...table.centre, uplink: 100, rate: 90 } as unknown as typeof table.centre
  t.equal((await ask('/m/big?prsync-stay', own)).status, 302, 'no room')
  table.centre = { ...table.centre, uplink: null }
})

t.test('lists and reasons', async (t) => {
  const list = (await ask('/m/big.mirrorlist')).body.toString().split('\n')
  t.same(
    list.slice(0, 3).sort(),
    ['v1', 'v2', 'v3'].map((id) => `http://${id}.example/pub/m/big`),
  )
  t.same(list.slice(3), [`${origin}/m/big?prsync-stay`, ''])
  t.equal((await ask('/m/small.mirrorlist')).body.toString(), `${origin}/m/small\n`)
  table.lacking.add('v2')
  const why = JSON.parse((await ask('/m/big?why')).body.toString()) as unknown
  t.match(why, {
    file: '/m/big',
    size: BIG.length,
    client: { address: '127.0.0.1', class: 'other', oneTry: false },
    decision: { kind: 'redirect', reason: 'least load', volunteer: /^v[13]$/ },
    volunteers: [{ fault: null }, { fault: null }, { id: 'v2', fault: 'lacks the content' }],
  })
  const page = await ask('/m/big?why', { accept: 'text/html' })
  t.match(page.headers, { 'content-type': /html/, 'content-security-policy': /default-src 'none'/ })
  t.match(page.body.toString(), 'lacks the content')
  t.match(JSON.parse((await ask('/m/small?why')).body.toString()), {
    decision: { kind: 'here', reason: 'small' },
  })
  t.equal(table.evidence.length, 0)
})

t.test('what the centre lacks for the moment, a volunteer may have', async (t) => {
  rmSync(join(source, 'gone.iso'))
  t.match(await ask('/m/gone.iso'), { status: 302 })
  table.volunteers = []
  t.match(await ask('/m/gone.iso'), { status: 503 })
})
