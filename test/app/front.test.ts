/** What goes round requests at a running centre: log, proxies, request targets with a host, and no reasons. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { parseNetwork } from '../../lib/app/networks.js'
import { askAt } from '../support/ask.js'
import { startCentre } from '../support/centre.js'
import { ruled } from '../support/contents.js'
import { TestTable } from '../support/http-volunteers.js'

const folder = t.testdir({ source: {}, state: {} })
writeFileSync(join(folder, 'source', 'big'), ruled(300_000))
writeFileSync(join(folder, 'source', 'small'), 'small')
const table = new TestTable()
table.add('v1', 'http://v1.example')
const path = join(folder, 'access')
const loopback = parseNetwork('127.0.0.0/8')
const centre = await startCentre(join(folder, 'source'), join(folder, 'state'), {
  volunteers: table,
  saysWhy: false,
  accessLog: { path, format: 'combined' },
  trustedProxies: loopback === null ? [] : [loopback],
})
t.teardown(() => centre.stop())
const port = Number(new URL(centre.url).port)
const ask = (what: string, headers: Record<string, string> = {}, method = 'GET') =>
  askAt(port, what, headers, method)
/** The last line, once there are so many: it is written when the answer is out. */
async function line(count: number, at = path): Promise<string> {
  for (;;) {
    const lines = readFileSync(at, 'utf8').trimEnd().split('\n')
    if (lines.length === count) return lines.at(-1) ?? ''
    await new Promise(setImmediate)
  }
}

t.test('requests are written down, with what became of them', async (t) => {
  const proxied = { 'x-forwarded-for': '1.2.3.4, 192.0.2.7', 'user-agent': 'curl/8' }
  const { headers } = await ask('/m/big', proxied)
  t.equal(headers['location'], 'http://v1.example/m/big')
  t.equal(headers['x-prsync-volunteer'], undefined, '--no-reasons')
  t.match(
    await line(1),
    /^192\.0\.2\.7 - - \[.*\] "GET \/m\/big HTTP\/1\.1" 302 - "-" "curl\/8" give=redirect vol=v1 reason="[a-z ]+" rt_us=\d+$/,
  )
  await ask('/m/small?x')
  t.match(await line(2), /"GET \/m\/small\?x HTTP\/1.1" 200 5 .* give=direct vol=- reason="small"/)
  await ask('/m/none', {}, 'HEAD')
  t.match(await line(3), /"HEAD \/m\/none HTTP\/1.1" 404 - .* give=- vol=- reason="-"/)
})

t.test('the log is opened anew on SIGHUP', async (t) => {
  renameSync(path, `${path}.1`)
  await ask('/m/small')
  t.match(await line(4, `${path}.1`), /small/)
  process.emit('SIGHUP')
  await ask('/m/small?new')
  t.match(await line(1), /small\?new/)
  t.match(await line(4, `${path}.1`), /small HTTP/)
})

t.test('a target with scheme and host, as for a proxy', async (t) => {
  const say = (target: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1')
      let heard = ''
      socket.on('data', (bytes: Buffer) => {
        heard += bytes.toString('latin1')
      })
      socket.on('end', () => resolve(heard))
      socket.on('error', reject)
      socket.end(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
    })
  t.match(await say(`http://centre.example:${port}/m/small`), /^HTTP\/1\.1 200 .*small$/s)
  t.match(await say('HTTPS://centre.example/m/small?x'), /^HTTP\/1\.1 200 /)
  t.match(await say('http://centre.example'), /^HTTP\/1\.1 200 .*m\/\n/s)
  t.match(await say('ftp://centre.example/m/small'), /^HTTP\/1\.1 400 /)
})
