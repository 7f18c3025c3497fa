import t from 'tap'
import { LIMITS } from '../../lib/base/limits.js'
import { Attempts } from '../../lib/mirror/attempts.js'
import { keptHere, REDIRECT_BYTES } from '../../lib/mirror/redirectable.js'

t.test('who asks again within a minute was failed', async (t) => {
  const attempts = new Attempts()
  t.equal(attempts.of('r', 0), null)
  attempts.sent('c', 'r', 'v1', 1000)
  t.match(attempts.of('r', 61_000), { volunteers: ['v1'] })
  t.equal(attempts.of('r', 61_001), null, 'a minute later it is another wish')
  t.equal(attempts.of('other', 1000), null)
  attempts.sent('c', 'r', 'v2', 2000)
  t.match(attempts.of('r', 3000), { volunteers: ['v1', 'v2'] })
  attempts.sent('c', 'r', 'v3', 200_000)
  t.match(
    attempts.of('r', 200_000),
    { volunteers: ['v3'] },
    'what was long ago is not held against',
  )
  t.same(attempts.last('c'), { id: 'v3', atMs: 200_000 })
  t.equal(attempts.last('d'), null)
})

t.test('the last volunteer is blamed once', async (t) => {
  const attempts = new Attempts()
  t.equal(attempts.blame('c', 'r', 0), null)
  attempts.sent('c', 'r', 'v1', 0)
  t.equal(attempts.blame('c', 'r', 1), 'v1')
  t.equal(attempts.blame('c', 'r', 2), null, 'the centre may have served meanwhile')
  attempts.sent('c', 'r', 'v2', 3)
  t.equal(attempts.blame('c', 'r', 4), 'v2')
  t.same(attempts.failed('c', 60_004), ['v1', 'v2'], 'with any file')
  t.same(attempts.failed('c', 60_005), [])
  t.same(attempts.failed('d', 4), [])
})

t.test('only so much is remembered, and the oldest is forgotten', async (t) => {
  const attempts = new Attempts()
  for (let i = 0; i <= LIMITS.attempts; i++) attempts.sent(`c${i}`, `r${i}`, 'v', 0)
  t.equal(attempts.of('r0', 0), null)
  t.equal(attempts.last('c0'), null)
  t.ok(attempts.of('r1', 0))
  t.ok(attempts.of(`r${LIMITS.attempts}`, 0))
})

t.test('what is only given by the centre', async (t) => {
  t.equal(keptHere('dists/x/InRelease', 1e9), 'metadata')
  t.equal(keptHere('pool/a_1_all.deb', REDIRECT_BYTES - 1), 'small')
  t.equal(keptHere('pool/a_1_all.deb', REDIRECT_BYTES), null)
})
