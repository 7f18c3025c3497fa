/** Invitations and who took them. */
import t from 'tap'
import { WireError } from '../../lib/base/errors.js'
import {
  formatRoster,
  invited,
  isBaseUrl,
  joined,
  judged,
  parseRoster,
  type Roster,
  removed,
} from '../../lib/mirror/enrolment.js'
import { NOW } from '../support/volunteers.js'

const [KEY, OTHER] = ['11'.repeat(32), '22'.repeat(32)]
const URL_OF = { baseUrl: 'http://v.example', token: 'token-1' }
const NO_MORE = { uplink: null, networks: [] }
const one = (): Roster =>
  invited([], 'v1', { uplink: 1000, networks: ['192.0.2.0/24'] }, 'token-1', NOW + 1000)
const taken = (): Roster => {
  const done = joined(one(), KEY, URL_OF, NOW)
  return typeof done === 'string' ? [] : done.roster
}

t.test('an invitation is taken by one key', async (t) => {
  t.match(joined(one(), KEY, URL_OF, NOW), { enrolled: { name: 'v1', key: KEY, uplink: 1000 } })
  t.match(joined(taken(), KEY, { ...URL_OF, token: null }, NOW), { enrolled: { name: 'v1' } })
  t.match(joined(taken(), KEY, URL_OF, NOW), { enrolled: { name: 'v1' } }, 'its own, once more')
  t.match(joined(taken(), OTHER, URL_OF, NOW), /was taken/)
  t.match(joined(taken(), OTHER, { ...URL_OF, token: null }, NOW), /an invitation is wanted/)
  t.match(joined(one(), KEY, { ...URL_OF, token: 'token-2' }, NOW), /no invitation/)
  t.match(joined(one(), KEY, URL_OF, NOW + 1000), /is over/)
})

t.test('nothing of the token is kept', async (t) => {
  t.notMatch(formatRoster(one()), /token-1/)
})

t.test('another URL or another key wants a new invitation', async (t) => {
  const moved = { baseUrl: 'http://w.example', token: null }
  t.match(joined(taken(), KEY, moved, NOW), /another URL/)
  const again = invited(taken(), 'v1', NO_MORE, 'token-2', NOW + 1)
  t.match(
    joined(again, KEY, { ...URL_OF, token: null }, NOW),
    { enrolled: {} },
    'until it is taken',
  )
  const done = joined(again, OTHER, { ...moved, token: 'token-2' }, NOW)
  t.match(done, { enrolled: { name: 'v1', key: OTHER, baseUrl: 'http://w.example', uplink: null } })
  const two = invited(taken(), 'v2', NO_MORE, 'token-2', NOW + 1)
  t.match(joined(two, KEY, { ...URL_OF, token: 'token-2' }, NOW), /key is v1's/)
})

t.test('a measured capacity is kept; files that have none are read', async (t) => {
  const measured = judged(taken(), 'v1', { measured: 5000 }) ?? []
  t.same(parseRoster(formatRoster(measured)), measured)
  t.match(joined(measured, KEY, URL_OF, NOW), { enrolled: { measured: 5000 } })
  t.match(parseRoster(formatRoster(measured).replace(/"measured": ?5000,\s*/, '')), [
    { measured: null },
  ])
})

t.test('quarantine outlives joins and invitations; who is removed is unknown', async (t) => {
  const out = judged(taken(), 'v1', { quarantine: 'wrong bytes' }) ?? []
  t.match(joined(out, KEY, URL_OF, NOW), { enrolled: { quarantine: 'wrong bytes' } })
  t.match(invited(out, 'v1', NO_MORE, 'token-2', NOW), [{ quarantine: 'wrong bytes' }])
  t.match(judged(out, 'v1', { quarantine: null }), [{ quarantine: null }])
  t.same(removed(out, 'v1'), [])
  t.equal(removed(out, 'v2'), null)
  t.equal(judged(out, 'v2', { quarantine: 'x' }), null)
})

t.test('what is kept is read again, and what is damaged refused', async (t) => {
  for (const roster of [[], one(), taken()]) t.same(parseRoster(formatRoster(roster)), roster)
  const text = formatRoster(taken())
  for (const [from, to] of [
    ['"version": 1', '"version": 2'],
    [KEY, 'zz'],
    ['http://v.example', 'v.example'],
    ['"v1"', '"../v1"'],
  ] as const)
    t.throws(() => parseRoster(text.replace(from, to)), WireError, to)
})

t.test('base URLs', async (t) => {
  t.ok(isBaseUrl('http://c'))
  for (const good of ['http://v.example', 'https://[2001:db8::1]:8443/a/b', 'http://192.0.2.1:80a'])
    t.equal(isBaseUrl(good), !good.endsWith('a'), good)
  for (const bad of [
    'http://v.example/',
    'http://v.example\n',
    'http://',
    'HTTP://v.example',
    'http://V.example',
    'http://u@v.example',
    'http://v.example/?q',
    'http://v.example/#f',
    'http://v.example/>;rel=x',
    'http://v.example/a/../b',
    'http://v.example:80',
    'ftp://v.example',
    `http://v.example/${'a'.repeat(1000)}`,
  ])
    t.notOk(isBaseUrl(bad), bad)
})
