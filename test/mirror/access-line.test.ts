/** Lines of the access log. */
import t from 'tap'
import { type Access, accessLine } from '../../lib/mirror/access-line.js'

const access = (change: Partial<Access> = {}): Access => ({
  atMs: Date.UTC(2026, 10, 29, 13, 0, 5),
  address: '192.0.2.1',
  method: 'GET',
  target: '/m/f',
  status: 302,
  bytes: 0,
  referrer: null,
  userAgent: 'curl/8',
  note: { give: 'redirect', volunteer: 'v1', reason: 'least load', path: '/m/f', bytes: 5 },
  tookUs: 80.4,
  ...change,
})

const cases: [what: string, Access, string][] = [
  [
    'a redirect',
    access(),
    '192.0.2.1 - - [29/Nov/2026:13:00:05 +0000] "GET /m/f HTTP/1.1" 302 - "-" "curl/8" give=redirect vol=v1 reason="least load" rt_us=80\n',
  ],
  [
    'not changed',
    access({ status: 304, note: null }),
    '192.0.2.1 - - [29/Nov/2026:13:00:05 +0000] "GET /m/f HTTP/1.1" 304 - "-" "curl/8" give=304 vol=- reason="-" rt_us=80\n',
  ],
  [
    'a client that was sent back',
    access({ target: '/m/f?prsync-bounce=v1.lacks.x', status: 200, bytes: 9, note: null }),
    '192.0.2.1 - - [29/Nov/2026:13:00:05 +0000] "GET /m/f?prsync-bounce=v1.lacks.x HTTP/1.1" 200 9 "-" "curl/8" give=bounce+- vol=- reason="-" rt_us=80\n',
  ],
  [
    'a client that would like to write lines of its own',
    access({ userAgent: 'a" 200\n\x1b[2J\\', referrer: 'é' }),
    '192.0.2.1 - - [29/Nov/2026:13:00:05 +0000] "GET /m/f HTTP/1.1" 302 - "\\xe9" "a\\x22 200\\x0a\\x1b[2J\\x5c" give=redirect vol=v1 reason="least load" rt_us=80\n',
  ],
]
for (const [what, value, expected] of cases) t.equal(accessLine(value, 'combined'), expected, what)

t.same(JSON.parse(accessLine(access(), 'json')), {
  time: '2026-11-29T13:00:05.000Z',
  ...{ address: '192.0.2.1', method: 'GET', target: '/m/f', status: 302, bytes: 0 },
  ...{ referrer: null, userAgent: 'curl/8', give: 'redirect', volunteer: 'v1' },
  ...{ reason: 'least load', tookUs: 80 },
})
