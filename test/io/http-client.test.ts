import t from 'tap'
import { TryAgainError } from '../../lib/base/errors.js'
import { HttpClient } from '../../lib/io/http-client.js'
import { serveHttp } from '../../lib/io/http-server.js'

const signal = new AbortController().signal

t.test('a client comes from the address it listens at, where there is a way', async (t) => {
  const seen: string[] = []
  const server = await serveHttp({
    host: '127.0.0.1',
    port: 0,
    tls: null,
    upgrade: null,
    handle: async ({ remote }) => {
      seen.push(remote.address)
      return { status: 200, headers: {} }
    },
    log: () => {},
  })
  t.teardown(() => server.close())
  const url = new URL(`http://127.0.0.1:${server.port}/`)
  // The last two are not of this machine, and of another family: there is no way from there.
  for (const from of ['127.0.0.9', '0.0.0.0', '::', 'localhost', '192.0.2.1', '::1']) {
    const client = new HttpClient('prsync/test', 1, from)
    await client.fetch(url, {}, 100, signal)
    t.equal(client.from, from === '127.0.0.9' ? from : null, from)
    client.close()
  }
  t.same(seen, ['127.0.0.9', ...Array<string>(5).fill('127.0.0.1')])
})

t.test('where nobody can be reached the address is kept for the next time', async (t) => {
  const client = new HttpClient('prsync/test', 1, '127.0.0.9')
  t.teardown(() => client.close())
  const nowhere = new URL('http://name.invalid:1/')
  await t.rejects(client.fetch(nowhere, {}, 100, signal), TryAgainError)
  t.equal(client.from, '127.0.0.9')
})
