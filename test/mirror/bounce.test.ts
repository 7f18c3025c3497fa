import t from 'tap'
import {
  bounceAnswer,
  bounceKey,
  formatBounce,
  isGenuine,
  parseBounce,
} from '../../lib/mirror/bounce.js'

const secret = Buffer.alloc(32, 1)
const key = bounceKey(secret, 'mirror.example-1')
const path = 'm/pool/a\xff.deb'
const query = formatBounce(key, 'mirror.example-1', 'missing', path)

t.test('a bounce is only what its volunteer says of its file', async (t) => {
  const bounce = parseBounce(`x=y&${query}&z`)
  if (bounce === null) throw new Error('not understood')
  t.match(bounce, { volunteer: 'mirror.example-1', reason: 'missing' })
  t.ok(isGenuine(key, bounce, path))
  t.notOk(isGenuine(key, bounce, 'm/pool/b.deb'), 'another file')
  t.notOk(isGenuine(key, { ...bounce, reason: 'busy' }, path), 'another reason')
  t.notOk(isGenuine(key, { ...bounce, volunteer: 'v2' }, path), 'another volunteer')
  t.notOk(isGenuine(bounceKey(secret, 'v2'), bounce, path), 'by another volunteer')
  t.notOk(isGenuine(bounceKey(Buffer.alloc(32, 2), 'mirror.example-1'), bounce, path))
})

t.test('what is none', async (t) => {
  for (const none of [
    '',
    'why',
    'prsync-bounce',
    'prsync-bounce=',
    'prsync-bounce=v1.missing',
    'prsync-bounce=v1.missing.short',
    `prsync-bounce=${'v'.repeat(65)}.missing.${'A'.repeat(16)}`,
    `prsync-bounce=v 1.missing.${'A'.repeat(16)}`,
    `prsync-bounce=v1.MISSING.${'A'.repeat(16)}`,
    `x-${query}`,
    `${query}A`,
  ])
    t.equal(parseBounce(none), null, none)
})

t.test('it leads back to another URL than the client came from', async (t) => {
  t.match(bounceAnswer('http://centre/m/a%FF.deb', query), {
    status: 307,
    headers: { location: `http://centre/m/a%FF.deb?${query}`, 'cache-control': 'no-store' },
  })
})
