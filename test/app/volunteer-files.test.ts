/** What a volunteer answers: its files as the centre would give them, and whatever it has not back there. */
import t from 'tap'
import { volunteerAnswer } from '../../lib/app/volunteer-files.js'
import type { ByteName } from '../../lib/base/byte-name.js'
import type { HttpAnswer, HttpRequest } from '../../lib/base/http.js'
import type { Entry } from '../../lib/flist/entry.js'
import { isGenuine, parseBounce } from '../../lib/mirror/bounce.js'
import { Flows } from '../../lib/mirror/flows.js'
import type { EnrolledMessage } from '../../lib/mirror/volunteer-messages.js'
import { ruled } from '../support/contents.js'
import { MemoryStore } from '../support/memory-store.js'

const BYTES = Buffer.from(ruled(100_000))
const store = new MemoryStore()
const owner = { id: 0, name: null }
const common = {
  mode: 0o644,
  mtimeNs: 1_700_000_000_000_000_000n,
  user: owner,
  group: owner,
  xattrs: [],
}
const file = {
  ...common,
  kind: 'file',
  since: 1,
  linkGroup: 0,
  sums: null,
  recipe: null,
} as const
const ENTRIES = new Map<string, Entry>([
  ['', { ...common, base: '' as ByteName, kind: 'directory', page: null }],
  ['a+b', { ...file, base: 'a+b' as ByteName, content: store.add(BYTES) }],
  ['gone', { ...file, base: 'gone' as ByteName, content: { ...store.add(BYTES.subarray(1)) } }],
  ['empty', { ...file, base: 'empty' as ByteName, content: null }],
  ['latest', { ...common, base: 'latest' as ByteName, kind: 'symlink', target: 'a+b' }],
  ['old', { ...common, base: 'old' as ByteName, kind: 'symlink', target: 'gone' }],
])
const gone = ENTRIES.get('gone')
if (gone?.kind === 'file' && gone.content !== null) store.contents.delete(gone.content.root)

/** The snapshot before: `gone` had other bytes, and there was one more. */
const BEFORE = new Map<string, Entry>([
  ['', { ...common, base: '' as ByteName, kind: 'directory', page: null }],
  ['a+b', { ...file, base: 'a+b' as ByteName, content: store.add(BYTES.subarray(5)) }],
  ['replaced', { ...file, base: 'replaced' as ByteName, content: store.add(BYTES.subarray(7)) }],
  ['deleted', { ...file, base: 'deleted' as ByteName, content: store.add(BYTES.subarray(9)) }],
])
const replaced = { ...store.add(BYTES.subarray(8)) }
ENTRIES.set('replaced', { ...file, base: 'replaced' as ByteName, content: replaced })
store.contents.delete(replaced.root)

const KEY = new Uint8Array(32).fill(5)
const ENROLLED: EnrolledMessage = {
  type: 'enrolled',
  name: 'v1',
  bounceKey: Buffer.from(KEY).toString('hex'),
  centre: 'https://centre.example',
}
let enrolled: EnrolledMessage | null = ENROLLED
const flows = new Flows(null, null, 0)
const ask = (
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<HttpAnswer> => {
  const request: HttpRequest = {
    ...{ method, path, query: '', headers: new Map(Object.entries(headers)) },
    ...{ remote: { address: '192.0.2.1', port: 1 }, local: '192.0.2.2' },
    body: () => Promise.resolve(new Uint8Array(0)),
  }
  const entryOf = (name: ByteName): Entry | null => ENTRIES.get(name) ?? null
  const before = (name: ByteName): Entry | null => BEFORE.get(name) ?? null
  const files = {
    modules: new Map([['m', { lookups: [entryOf, before], contents: store }]]),
    flows,
    enrolled: () => enrolled,
    now: () => 0,
  }
  return volunteerAnswer(files, request)
}
async function bodyOf({ body }: HttpAnswer): Promise<Buffer> {
  if (body === undefined || body instanceof Uint8Array) return Buffer.from(body ?? [])
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks)
}

t.test('a file, whole, in part, unchanged; it is a flow while it runs', async (t) => {
  const whole = await ask('/m/a%2bb')
  t.match(whole, {
    status: 200,
    headers: { etag: '"6553f100-186a0"', 'accept-ranges': 'bytes', 'content-length': '100000' },
  })
  t.equal(flows.count, 0, 'nobody reads it yet')
  const before = flows.sent
  const parts = (whole.body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]()
  t.ok(BYTES.equals((await parts.next()).value as Uint8Array))
  t.same([flows.count, flows.sent - before], [1, 100_000])
  await parts.return?.()
  t.equal(flows.count, 0, 'the client went away')
  const part = await ask('/m/latest', { range: 'bytes=1-3' })
  t.match(part, { status: 206, headers: { 'content-range': 'bytes 1-3/100000' } })
  t.ok(BYTES.subarray(1, 4).equals(await bodyOf(part)))
  t.equal((await ask('/m/a+b', { 'if-none-match': '"6553f100-186a0"' })).status, 304)
  t.equal((await ask('/m/a+b', { range: 'bytes=100000-' })).status, 416)
  t.match(await ask('/m/empty'), { status: 200, headers: { 'content-length': '0' } })
  t.match(await ask('/m/a+b', {}, 'HEAD'), { status: 200, headers: { 'content-length': '100000' } })
})

t.test('a snapshot is on its way: what came of it, else what stood before', async (t) => {
  const bytes = async (name: string): Promise<Buffer> => bodyOf(await ask(name))
  t.ok(BYTES.equals(await bytes('/m/a+b')), 'it came')
  t.ok(
    BYTES.subarray(7).equals(await bytes('/m/replaced')),
    'not yet: whoever is sent here now was sent before',
  )
  t.ok(BYTES.subarray(9).equals(await bytes('/m/deleted')))
})

t.test('what it has not goes to the centre, with a word that the centre believes', async (t) => {
  for (const [asked, name] of [
    ['/m/gone', 'gone'],
    ['/m/old', 'gone'],
    ['/m/never%20was', 'never was'],
  ] as const) {
    const { status, headers } = await ask(asked)
    t.equal(status, 307, asked)
    const url = new URL(`${headers['location'] as string}`)
    t.equal(url.origin + url.pathname, `https://centre.example/m/${name.replace(' ', '%20')}`)
    const bounce = parseBounce(url.search.slice(1))
    t.ok(bounce !== null && isGenuine(KEY, bounce, `m/${name}`), asked)
  }
  enrolled = null
  t.equal((await ask('/m/gone')).status, 503, 'nobody knows it')
  t.equal((await ask('/m/a+b')).status, 200)
  enrolled = ENROLLED
})

t.test('what is no name of its module is refused', async (t) => {
  t.match(await ask('/m/a+b', {}, 'POST'), { status: 405, headers: { allow: 'GET, HEAD' } })
  for (const [path, status] of [
    ['/n/a+b', 404],
    ['/m/../a+b', 404],
    ['/m/%2e%2e/a+b', 404],
    ['/m/a%00b', 404],
    ['/m/%zz', 400],
    ['m/a+b', 400],
    [`/m/${'a'.repeat(9000)}`, 414],
  ] as const)
    t.equal((await ask(path)).status, status, path.slice(0, 20))
})
