/** A centre that hangs up is asked again, later and later; one that is not there is not. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { Centre, parseCentreUrl } from '../../lib/app/centre.js'
import { patiently } from '../../lib/app/patience.js'
import { systemRandom } from '../../lib/app/system.js'
import { HungUpError, TryAgainError } from '../../lib/base/errors.js'
import { HttpClient } from '../../lib/io/http-client.js'

const signal = new AbortController().signal

/** A centre that hangs up on the first `times` questions. */
async function hangingUp(times: number): Promise<{ server: Server; url: string; asked(): number }> {
  let asked = 0
  const server = createServer((request, response) => {
    if (++asked <= times) request.socket.destroy()
    else response.end('a head')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { server, url: `http://127.0.0.1:${port}/m`, asked: () => asked }
}

async function head(url: string): Promise<{ head: string; pauses: number[] }> {
  const client = new HttpClient('prsync/test')
  const pauses: number[] = []
  const clock = {
    now: () => 0,
    monotonic: () => 0,
    sleep: async (ms: number) => void pauses.push(ms),
  }
  const centre = new Centre(client, parseCentreUrl(url))
  try {
    const asking = { clock, random: systemRandom }
    const bytes = await patiently(() => centre.head(null, signal), asking, signal)
    return { head: Buffer.from(bytes ?? []).toString(), pauses }
  } finally {
    client.close()
  }
}

t.test('it is asked again until it answers, each time after a longer pause', async (t) => {
  const { server, url } = await hangingUp(3)
  t.teardown(() => server.close())
  const found = await head(url)
  t.equal(found.head, 'a head')
  t.equal(found.pauses.length, 3)
  for (const [i, pause] of found.pauses.entries()) {
    t.ok(pause >= 250 * 2 ** i, `${pause}`)
    t.ok(pause < 750 * 2 ** i, `${pause}`)
  }
})

t.test('one that never answers is given up', async (t) => {
  const { server, url, asked } = await hangingUp(1000)
  t.teardown(() => server.close())
  await t.rejects(head(url), HungUpError)
  t.equal(asked(), 6)
})

t.test('one that is not there is told at once', async (t) => {
  const { server, url } = await hangingUp(0)
  await new Promise((resolve) => server.close(resolve))
  const error = await head(url).then(
    () => null,
    (why: unknown) => why,
  )
  t.ok(error instanceof TryAgainError)
  t.notOk(error instanceof HungUpError)
})
