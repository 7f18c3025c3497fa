/** A centre that is not to be trusted, or somebody on the way: refused with its exit status, and nothing touched. */
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { EXIT, TrustError } from '../../lib/base/errors.js'
import type { Entry } from '../../lib/flist/entry.js'
import { keyPairOf } from '../../lib/hash/ed25519.js'
import { contentRoot } from '../../lib/hash/merkle.js'
import { decodeBatchRequest, encodeBatchPart } from '../../lib/snapshot/batch.js'
import { buildDirectory } from '../../lib/snapshot/build.js'
import { encodeHead } from '../../lib/snapshot/head.js'
import { encodePage } from '../../lib/snapshot/page.js'
import { pullFrom, startCentre } from '../support/centre.js'
import { rejection } from '../support/rejection.js'

const keys = keyPairOf(Buffer.alloc(32, 3))
const COMMON = {
  mode: 0o644,
  mtimeNs: 0n,
  user: { id: 0, name: null },
  group: { id: 0, name: null },
  xattrs: [],
}
const top = (page: Uint8Array | null): Entry => ({
  ...COMMON,
  base: '.',
  mode: 0o755,
  kind: 'directory',
  page: page === null ? null : { root: contentRoot(page), length: page.length },
})
const link = (base: string, target: string): Entry => ({ ...COMMON, base, kind: 'symlink', target })

/** Serves one snapshot whose top directory is this page, whatever it holds; `alter` may change what goes over the wire. */
async function hostileCentre(
  t: Test,
  page: Uint8Array,
  choice: {
    sequence?: number
    expires?: number
    alter?: (what: string, bytes: Buffer) => Buffer
  } = {},
): Promise<string> {
  const built = buildDirectory([top(page)])
  const blobs = new Map<string, Uint8Array>([[contentRoot(page), page]])
  for (const { id, bytes: own } of built.pages) blobs.set(id.root, own)
  const head = encodeHead(
    {
      module: 'm',
      key: keys.publicKey,
      sequence: choice.sequence ?? 1,
      previous: null,
      page: built.page,
      time: 1,
      expires: choice.expires ?? 4_000_000_000,
      files: 1,
      bytes: 1,
    },
    keys,
  )
  const alter = choice.alter ?? ((_what, given) => given)
  const answer = async (request: IncomingMessage): Promise<Buffer> => {
    if (request.url?.endsWith('/head') === true) return alter('head', Buffer.from(head))
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const parts = decodeBatchRequest(Buffer.concat(chunks)).map(({ content }) => {
      const own = blobs.get(content.root) ?? new Uint8Array(0)
      return encodeBatchPart({ form: 'plain', bytes: own }).slice()
    })
    return alter('page', Buffer.concat(parts))
  }
  const server = createServer((request, response) => {
    answer(request).then(
      (body) => response.end(body),
      () => response.destroy(),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/m`
}

t.test('a hostile centre signs names that leave the tree: refused, nothing touched', async (t) => {
  const good = encodePage({ kind: 'entries', entries: [link('aaaaaaaaaa', 'b')] })
  const named = (name: string): Uint8Array => {
    // The codec would not write these: the name of a good page is overwritten, its length kept.
    const page = Buffer.from(good)
    page.write(name, page.indexOf('aaaaaaaaaa'), 'latin1')
    return page
  }
  const cases: [string, Uint8Array][] = [
    ['a name with a slash', named('../../evil')],
    ['an absolute name', named('/tmp/evil1')],
    ['a name with a NUL', named('evil\0evil1')],
    ['a name through itself', named('a/../../bb')],
    ['..', encodePage({ kind: 'entries', entries: [{ ...link('x', 'y'), base: '..' }] })],
    ['our own corner', encodePage({ kind: 'entries', entries: [link('.~prsync~', 'x')] })],
    ['an absolute link', encodePage({ kind: 'entries', entries: [link('out', '/etc')] })],
    [
      'a link that climbs out',
      encodePage({ kind: 'entries', entries: [link('out', 'a/../../etc')] }),
    ],
    ['rubbish', Buffer.from('rubbish')],
  ]
  for (const [name, page] of cases) {
    const home = t.testdir({ outside: 'untouched' })
    const dest = join(home, 'dest')
    const error = await rejection(pullFrom(await hostileCentre(t, page), dest))
    t.ok(error instanceof TrustError, `${name}: ${error.message}`)
    t.strictSame(readdirSync(dest), ['.~prsync~'], name)
    t.strictSame(readdirSync(home).sort(), ['dest', 'outside'], name)
  }
})

t.test('what is altered on the way, replayed, or expired is refused', async (t) => {
  const page = encodePage({ kind: 'entries', entries: [link('a', 'b')] })
  const flip = (at: number) => (what: string) => (on: string, given: Buffer) => {
    if (on === what) given.writeUInt8(given.readUInt8(at) ^ 1, at)
    return given
  }
  const dest = join(t.testdir({}), 'dest')
  for (const what of ['head', 'page']) {
    const error = await rejection(
      pullFrom(await hostileCentre(t, page, { alter: flip(40)(what) }), dest),
    )
    t.equal(error.exitCode, EXIT.untrusted, `${what}: ${error.message}`)
  }
  const late = await rejection(pullFrom(await hostileCentre(t, page, { expires: 1000 }), dest))
  t.match(late.message, /expired/)
  t.notOk(existsSync(join(dest, 'a')))
  t.equal((await pullFrom(await hostileCentre(t, page, { sequence: 5 }), dest)).exit, EXIT.ok)
  const back = await rejection(pullFrom(await hostileCentre(t, page, { sequence: 4 }), dest))
  t.match(back.message, /rollback/)
  const other = encodePage({ kind: 'entries', entries: [link('c', 'd')] })
  const twin = await rejection(pullFrom(await hostileCentre(t, other, { sequence: 5 }), dest))
  t.match(twin.message, /two different heads/)
  t.strictSame(readdirSync(dest).sort(), ['.~prsync~', 'a'])
})

t.test('the key of the first pull stays pinned', async (t) => {
  const home = t.testdir({ source: { f: 'x' }, one: {}, two: {} })
  const dest = join(home, 'dest')
  const first = await startCentre(join(home, 'source'), join(home, 'one'))
  await pullFrom(first.url, dest)
  await first.stop()
  const second = await startCentre(join(home, 'source'), join(home, 'two'))
  t.teardown(() => second.stop())
  const error = await rejection(pullFrom(second.url, dest))
  t.match(error, { exitCode: EXIT.untrusted, message: /--key SHA256:/ })
  const key = /--key (SHA256:\S+)/.exec(error.message)?.[1] ?? ''
  t.equal((await pullFrom(second.url, dest, { fingerprint: key })).exit, EXIT.ok)
})
